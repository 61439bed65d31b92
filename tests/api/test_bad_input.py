"""test_bad_input.py -- every route against everything that is wrong: the right refusal, nothing written, all alive."""
import http.client
import json
import re

import pytest
import requests

from holdfast import problem
from people import MISSING, faceless
from routes import OPEN, ROUTES, SCOPE, World

names = [" ".join(r) for r in ROUTES]
every = pytest.mark.parametrize("route", ROUTES, ids=names)
guarded = pytest.mark.parametrize("route", [r for r in ROUTES if r not in OPEN], ids=" ".join)
bodied = pytest.mark.parametrize("route", [r for r in ROUTES if ROUTES[r]], ids=" ".join)
one = pytest.mark.parametrize("route", [r for r in ROUTES if "{id}" in r[1]], ids=" ".join)


@pytest.fixture(scope="module")
def world(stack):
    return World(stack)


COUNTS = """select (select count(*) from app.history), (select count(*) from app.operation), (select count(*) from app.customer), (select count(*) from app.restore),
    (select count(*) from app.retry), (select max(updated_at) from app.customer), (select string_agg(password_hash, ' ' order by staff_id) from app.credential),
    (select count(*) from app.session where revoked_at is not null), (select count(*) from app.notice), (select count(*) from app.break_glass),
    (select count(*) from app.decoy), (select string_agg(status, ' ' order by id) from app.hold), (select string_agg(status, ' ' order by id) from app.export), (select string_agg(status, ' ' order by id) from app.alert where rule = 'contact_changes')"""


@pytest.fixture(autouse=True)
def unharmed(stack, world):
    """Each test leaves the database as it was and the programs alive."""
    stack.sql("delete from app.login_throttle")
    world.renew()
    before = stack.sql(COUNTS)
    yield
    assert stack.sql(COUNTS) == before
    assert requests.get(stack.url + "/v1/health", timeout=5).status_code == 200
    for program in ("customers", "contacts", "deals", "activities", "offers", "events", "funnel", "settings", "notices", "staff", "history", "operations", "restores", "sessions", "health", "search", "holds", "alerts", "rotations", "exports", "bulk", "imports"):
        with open(f"{stack.state}/log/{program}.log") as log:
            assert not re.search("worker_died|request_stuck|Sanitizer|sql_code_wrong|problem_extra_wrong", log.read())


def test_the_table_is_whole(world):
    paths = world.max.get("/openapi.json").json()["paths"]
    assert {(m.upper(), p[3:]) for p, methods in paths.items() for m in methods} == set(ROUTES)
    for (method, path), members in ROUTES.items():
        schema = paths["/v1" + path][method.lower()].get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        assert (schema and set(schema["properties"])) == (members and set(members)), path


@bodied
def test_no_body(world, route):
    for headers in ({}, {"Content_Type": "application/json"}):
        problem(world.call(route, None, **headers), 400, "malformed_json")


@bodied
def test_broken_json(world, route):
    name = next(iter(ROUTES[route])).encode()
    broken = [b"{", b"}", b"{}}", b"[]", b'[{"a":1}]', b"null", b"1", b'"x"', b"{}x", b"{'a':1}", b"{,}", b'{"%s"}', b'{"%s":}', b'{"%s":1,}', b'{"%s":01}', b'{"%s":NaN}',
              b'{"%s":1e999}', b'{"%s":99999999999999999999}', b'{"%s":"\\x"}', b'{"%s":"\n"}', b'{"%s":tru}', b"\xef\xbb\xbf{}", b"\x00", b"{}\x00", b'{"%s":"a\x00b"}', b'{"%s":"a\\u0000b"}',
              b'{"\\u0000":1}', b'{"%s":"\xff"}', b'{"%s":"\xc0\xaf"}', b'{"%s":"\xed\xa0\x80"}', b'{"%s":"\xf4\x90\x80\x80"}', b'{"%s":"\xe2\x82"}', b'{"\xff":1}', b'{"%s":"\\ud800"}', b'{"%s":"\\udc00\\ud800"}']
    for body in broken:
        assert problem(world.call(route, body.replace(b"%s", name)), 400)["code"] == "malformed_json", body


@bodied
def test_size(world, route):
    full = b'{"bogus":1' + b" " * (65536 - 11) + b"}"
    problem(world.call(route, full), 400, "unknown_member")
    for size in (1, 40000, 70000, 400000):  # the last is refused by nginx
        problem(world.call(route, full + b" " * size), 413, "body_too_large")


@pytest.mark.parametrize("route", [r for r in ROUTES if r[0] == "DELETE"], ids=" ".join)
def test_body_where_none_belongs(world, route):
    for body in (b"{}", b"x", {"name": "x"}):
        problem(world.call(route, body), 400, "unexpected_body")
    assert world.call(route, b" " * 65537).status_code in (400, 413)


@bodied
def test_depth(world, route):
    for open_, close in (("[", "]"), ('{"a":', "}")):
        for depth, code in ((16, "unknown_member"), (17, "too_deep"), (5000, "too_deep")):
            inner = open_ * (depth - 1) + ("" if open_ == "[" else "1") + close * (depth - 1)
            problem(world.call(route, ('{"bogus":' + inner + "}").encode()), 400, code)
    strings = json.dumps({"bogus": '[{"' * 100 + "\\"})  # brackets in strings are no depth
    problem(world.call(route, strings.encode()), 400, "unknown_member")


@bodied
def test_duplicate_and_unknown_members(world, route):
    good = json.dumps(world.good(route))[1:-1]
    name = next(iter(world.good(route)))
    for twice in (f'{{{good}, "{name}": "x"}}', f'{{"{name}": 1, "{name}": 1}}', f'{{"\\u{ord(name[0]):04x}{name[1:]}": "x", {good}}}', f'{{{good}, "bogus": {{"a": 1, "a": 1}}}}'):
        problem(world.call(route, twice.encode()), 400, "duplicate_member")
    for more in ("bogus", "", "Name", "org_id", "version", "__proto__", name + " "):
        problem(world.call(route, dict(world.good(route), **{more: 1})), 400, "unknown_member", "/" + more)
    body = problem(world.call(route, dict(world.good(route), **{"a/b": 1, "m~n": 1})), 400, "unknown_member", "/a~1b")
    assert [e["pointer"] for e in body["errors"]] == ["/a~1b", "/m~0n"]


def wrong_types(member):
    values = {"text": ["x"], "uuid": ["x"], "time": ["x"], "date": ["x"], "int": [1], "bool": [True], "list": [[]], "object": [{}]}
    mine = {"uuid": "text", "time": "text", "date": "text", "objects": "objects" if member.get("must") else "list"}.get(member["type"], member["type"])
    yield from (v[0] for t, v in values.items() if t not in ("uuid", "time", "date") and t != mine)
    yield 1.5
    if member.get("must") or member.get("solid"):
        yield None
    if member["type"] == "uuid":
        yield from ("x", "", MISSING + "0", MISSING[:-1], MISSING.replace("-", ""), "{" + MISSING + "}", "g" + MISSING[1:])
    if member["type"] == "time":
        yield from ("x", "", "2026-01-01", "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.1234567Z", "0000-01-01T00:00:00Z")
    if member["type"] == "date":
        yield from ("x", "", "2026-01-01T00:00:00Z", "2026-02-29", "2026-13-01", "2026-1-1", "0000-01-01", "20260101")
    if member["type"] == "list":
        yield from ([1], ["x", None], [["x"]], [{}], {"0": "x"})


def beyond(member):
    """Values one step beyond the limits."""
    if member["type"] == "uuid":
        return
    if member["type"] == "text":
        yield member["least"]
        yield from ([member["most"] + "x"] if "most" in member else [member["least"] + "XX"])
        yield from ("a\u0007b" + "x" * 60, "a\u202eb", "a\ufffeb", "\u0085", " " * max(1, len(member["least"]) + 1))
    elif member["type"] == "int":
        yield from (member["least"], member["most"] + 1, 2 ** 63 - 1, -2 ** 63)
    elif member["type"] == "list":
        yield [member["of"]["most"]] * (member["items"] + 1)
        yield from ([v] for v in beyond(member["of"]))
    elif member["type"] == "word":
        yield from ("x", "", *(f(member["most"]) for f in (str.upper, "{}x".format, " {}".format) if "most" in member))
    elif member["type"] == "object" and "most" in member:
        (name, most), = member["most"].items()
        yield {name: most + "v" if isinstance(most, str) else most[:-1] + [most[-1] + "v"]}


def wrongly(world, route, under, name, value):
    body = {"scope": {name: value}, "reason": "x"} if under else dict(world.good(route), **{name: value})
    body = problem(world.call(route, body), 422, "invalid_value")
    pointers = [e["pointer"] for e in body["errors"]]
    at = ("/scope" if under else "") + "/" + name
    assert pointers and all(p == at or re.fullmatch(re.escape(at) + r"/\d+", p) for p in pointers), (name, value, pointers)


members = pytest.mark.parametrize("route, under", [(r, False) for r in ROUTES if ROUTES[r]] + [(("POST", "/restores"), True)])


@members
def test_wrong_types(world, route, under):
    for name, member in (SCOPE if under else ROUTES[route]).items():
        if (route[0], name) != ("PATCH", "owner_id"):
            for value in wrong_types(member):
                wrongly(world, route, under, name, value)


@members
def test_limits(world, route, under):
    for name, member in (SCOPE if under else ROUTES[route]).items():
        for value in beyond(member):
            wrongly(world, route, under, name, value)
    # At the limits nothing is named, here beside a member that is wrong and so keeps all from being written.
    base = dict(world.good(route), **({"dry_run": True} if "dry_run" in ROUTES[route] else {}))
    longest = {n: m["most"] if m["type"] != "list" else [m["of"]["most"]] * m["items"] for n, m in (SCOPE if under else ROUTES[route]).items() if "most" in m or m["type"] == "list"}
    guilty = "change" if under else list(ROUTES[route])[-1]
    for n, value in longest.items():
        if n != guilty:
            body = {"scope": {n: value, guilty: 1.5}, "reason": "x"} if under else dict(base, **{n: value, guilty: 1.5})
            assert [e["pointer"] for e in problem(world.call(route, body), 422)["errors"]] == [("/scope/" if under else "/") + guilty]


@bodied
def test_required_members(world, route):
    for name in (n for n, m in ROUTES[route].items() if m.get("must") and route[0] != "PATCH" or m.get("must") and "password" in route[1]):
        problem(world.call(route, {k: v for k, v in world.good(route).items() if k != name}), 422, "invalid_value", "/" + name)


@bodied
def test_media_type(world, route):
    for wrong in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx", "json", "application/xml", "text/json", ""):
        problem(world.call(route, b'{"bogus":1}', Content_Type=wrong), 415, "unsupported_media_type")
    problem(world.call(route, b'{"bogus":1}', Content_Type=None), 415, "unsupported_media_type")
    for right in ("application/json; charset=utf-8", "APPLICATION/JSON", "application/json;x"):
        problem(world.call(route, b'{"bogus":1}', Content_Type=right), 400, "unknown_member")
    problem(world.call(route, b'{"bogus":1}', Content_Type="application/merge-patch+json"), 400 if route[0] == "PATCH" else 415)


@every
def test_methods(world, route):
    # What is a path of its own may look like an id too.
    allowed = {m for m, p in ROUTES if p == route[1]}
    allowed |= {"HEAD"} if "GET" in allowed else set()
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"} - allowed:
        answer = world.call(route, token=None, method=method)
        assert answer.status_code == 405 and set(answer.headers["Allow"].split(", ")) == allowed, (method, answer.headers)
        if method != "HEAD":
            problem(answer, 405, "method_not_allowed")


@guarded
def test_tokens(world, route):
    f = world.forge
    for token in (None, "x", f.expired(), f.stranger(), f.none(), f.none(f.token.split(".")[2]), f.confused(), f.with_claims(sid="1." + "A" * 43)):
        answer = world.call(route, world.good(route), token=token)
        problem(answer, 401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@every
def test_query(world, route):
    for name in ("bogus", "id", "session", "filter"):
        problem(world.call(route, world.good(route), tail="?" + name + "=1"), 400, "unknown_parameter", "?" + name)
    for query in ("a=%00", "%00=1", "%ff=1", "a=%ff", "a=%c0%af", "a=%ed%a0%80", "a=%zz", "a=%", "a=%4", "=1"):
        problem(world.call(route, world.good(route), tail="?" + query), 400)
    schema = world.max.get("/openapi.json").json()["paths"]["/v1" + route[1]][route[0].lower()]
    for p in (p for p in schema["parameters"] if p["in"] == "query"):
        for wrong in ("%00", "%ff", "%01"):
            problem(world.call(route, world.good(route), tail=f"?{p['name']}={wrong}"), 400)
        kind = p["schema"].get("items", p["schema"])
        wrong = ["x" * (kind["maxLength"] + 1)] if "maxLength" in kind else [kind["minimum"] - 1, kind["maximum"] + 1, "x"] if "minimum" in kind else ["~"]
        wrong += [",".join(["x"] * (p["schema"]["maxItems"] + 1))] if "maxItems" in p["schema"] else []
        for value in wrong:
            problem(world.call(route, world.good(route), tail=f"?{p['name']}={value}"), 400, "invalid_parameter", "?" + p["name"])


@one
def test_ids(world, route):
    word = route[1].split("/")[1]
    answers = [world.call(route, world.good(route), id_=i) for i in (MISSING, world.theirs[word], "x", MISSING + "0", MISSING[:-1], "%ff", "%c0%af", "'", "x" * 1000)]
    for answer in answers:
        problem(answer, 404, "not_found")
    assert all(faceless(a) == faceless(answers[0]) for a in answers)
    problem(world.call(route, world.good(route), id_=MISSING + "%00"), 400)
    problem(world.call(route, world.good(route), id_="x" * 40000), 414)
    mine = world.mine[word]
    for path in (mine + "/", mine + "/bogus", "/" + mine):
        problem(world.call((route[0], "/" + word + "/{id}"), id_=path), 404, "not_found")


@pytest.mark.parametrize("path", ["/nothing", "/Customers", "/customer", "/customers/", "/customers//", "/sessions/", "/sessions/x/y", "/health/x", "/jwks/", "/", "//", "/../etc/passwd"])
def test_no_such_path(world, path):
    for method in ("GET", "POST", "DELETE"):
        problem(world.call(("GET", path), method=method), 404, "not_found")


@pytest.mark.parametrize("path", ["/v1/%63ustomers", "/v1/customers/%2e%2e/history", "/v1/customers/../history", "/v1/customers%2f", "/v1//customers", "/v1/history/%2e",
                                  "/v1", "/v1/", "/v1/customers;x", "/v1/health%20"])
def test_no_other_spelling(world, path):
    """Sent as it stands: nginx and the program read the same path or none."""
    asked = http.client.HTTPConnection("127.0.0.1", world.stack.port, timeout=10)
    asked.request("GET", path, headers={"Authorization": "Bearer " + world.token})
    answer = asked.getresponse()
    assert (answer.status, json.loads(answer.read())["code"]) == (404, "not_found")
    asked.close()


@pytest.mark.parametrize("scope, status, pointer", [
    ({}, 422, "/scope"), ({"change": MISSING, "operation": MISSING}, 422, "/scope"), ({"change": MISSING, "field": "city"}, 422, "/scope/field"),
    ({"entity": "customers", "id": MISSING}, 422, "/scope/as_of"), ({"entity": "nothing", "id": MISSING, "as_of": "2026-01-01T00:00:00Z"}, 422, "/scope/entity"),
    ({"actor": "{max}", "from": "2026-01-01T00:00:00Z"}, 422, "/scope/to"), ({"actor": "{max}", "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, 422, "/scope/to"),
    ({"entity": "customers", "id": "{mine}", "as_of": "2026-01-01T00:00:00Z", "field": "bogus"}, 422, "/scope/field"),
    ({"entity": "customers", "id": "{theirs}", "as_of": "2026-01-01T00:00:00Z"}, 404, None), ({"operation": "{their operation}"}, 404, None),
    ({"change": MISSING}, 404, None), ({"actor": "{otto}", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}, 404, None)])
def test_restore_scopes(world, scope, status, pointer):
    known = {"{max}": world.max.id, "{otto}": world.otto.id, "{mine}": world.mine["customers"], "{theirs}": world.theirs["customers"], "{their operation}": world.theirs["operations"]}
    scope = {k: known.get(v, v) for k, v in scope.items()}
    for more in ({"reason": "x"}, {"dry_run": True}):
        problem(world.call(("POST", "/restores"), dict(more, scope=scope)), status, None, pointer)
    problem(world.call(("POST", "/restores"), {"scope": {"change": MISSING}, "reason": 5}), 404)  # 404 before 422
    problem(world.call(("POST", "/restores"), {"scope": {"operation": world.mine["operations"]}}), 422, "invalid_value", "/reason")


@pytest.fixture(scope="module")
def archived(world):
    c = world.max.customer()
    return world.max.delete("/customers/" + c["id"], '"v1"').json()["id"]


# Each names what is wrong with a PATCH, in the order in which it must be told.
WRONG = [(405, dict(method="PUT")), (401, dict(token=None)), ((415, 413, 400), None), (428, dict(If_Match=None)), (404, dict(id_=MISSING)),
         (403, dict(member=("owner_id", MISSING))), (412, dict(If_Match='"stale"')), (409, dict(archived=True)), (422, dict(member=("city", 5)))]
FORMS = {415: dict(body=b"{}", Content_Type="text/plain"), 413: dict(body=b"{" + b" " * 65536 + b"}"), 400: dict(body=b"{")}
PAIRS = [(a, b) for i, (a, b) in enumerate(zip(WRONG, WRONG[1:]))] + [(a, b) for a in WRONG for b in WRONG[WRONG.index(a) + 2:]]


@pytest.mark.parametrize("first, second", PAIRS, ids=lambda w: str(w[0]))
def test_order_of_checks(world, archived, first, second):
    forms = FORMS if (415, 413, 400) in (first[0], second[0]) else {None: {}}
    for status, form in forms.items():
        wrong = [form if w[1] is None else w[1] for w in (second, first)]  # the first one has the last word on If-Match
        asked = {k: v for w in wrong for k, v in w.items()}
        body = {"city": "Bonn", **dict([w["member"] for w in wrong if "member" in w])}
        if asked.pop("archived", False):
            asked.setdefault("id_", archived)
        asked.pop("member", None)
        answer = world.call(("PATCH", "/customers/{id}"), asked.pop("body", body), **asked)
        problem(answer, status if first[1] is None else first[0])
