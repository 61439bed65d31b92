"""test_customers.py -- one customer: create, read, change, archive, look back."""
import re
import uuid

import pytest

from holdfast import problem
from masks import listed, masked, said
from people import MISSING, faceless, newcomer, other_org

MEMBERS = set("""id name email phone phone_e164 website address city region postal_code country source stage segment owner_id value
    currency notes tags custom version created_at updated_at archived_at masked""".split())
NASTY = ["Žluťoučký kůň 株式会社 🏢👩‍👩‍👧 \u200d", "O'Brien \"Q\" \\ back \\\\n", "=1+2,\"a\";@SUM|' /C calc'!A0", "Robert'); DROP TABLE app.customer;--",
         "%s %n %00 %27 $1 $$ \\x41 \\u0041", "{\"a\":1} {a,\"b\"} [NULL] NULL null", "<script>&amp;</script>", "e\u0301 is not é", "  both ends  ",
         "\u00a0\u2028\ufeff", "-", "0", "true"]


@pytest.fixture(scope="module")
def otto(stack):
    return other_org(stack)


def path(customer):
    return "/customers/" + customer["id"]


def etag(client, customer):
    return client.get(path(customer)).headers["ETag"]


def history(client, customer, **params):
    return client.pages(path(customer) + "/history", **params)


@pytest.mark.parametrize("who, stage, segment", [("rita", "new", "prospecting"), ("nina", "proposal", "negotiation"),
                                                 ("carl", "contract", "closing"), ("max", "new", "prospecting"), ("ada", "new", "prospecting")])
def test_create_by_name_alone(stack, who, stage, segment):
    client = stack.login(who + "@demo.test")
    answer = client.post("/customers", {"name": "Only a name"})
    assert answer.status_code == 201, answer.text
    c = answer.json()
    assert isinstance(c.pop("duplicates"), list) and set(c) == MEMBERS
    assert uuid.UUID(c["id"]).version == 7 and c["owner_id"] == client.id
    assert (c["stage"], c["segment"], c["version"], c["tags"], c["custom"], c["masked"]) == (stage, segment, 1, [], {}, [])
    assert all(c[k] is None for k in "email phone phone_e164 website address city region postal_code country source value currency notes archived_at".split())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", c["created_at"]) and c["created_at"] == c["updated_at"]
    assert answer.headers["Location"] == "/v1" + path(c) and answer.headers["ETag"] == etag(client, c)
    assert client.get(path(c)).json() == c


def test_headers_of_every_answer(rita, stack):
    c = rita.customer()
    stamp = stack.sql("select classification from app.settings o join app.login using (org_id) where email = 'rita@demo.test'")[0][0]
    for answer in (rita.post("/customers", {"name": "x"}), rita.get(path(c)), rita.patch(path(c), {"city": "Bonn"}, '"v1"'),
                   rita.get("/customers", limit=1), rita.get(path(c) + "/history"), rita.delete(path(c), "*")):
        assert answer.status_code in (200, 201) and answer.headers["X-Classification"] == stamp
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
        assert "no-store" in answer.headers["Cache-Control"] and answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_create_with_an_id(rita, omar, otto, stack):
    own = str(uuid.uuid4())
    assert rita.customer(id=own.upper(), name="Mine")["id"] == own
    for client in (rita, omar):
        problem(client.post("/customers", {"id": own, "name": "Again"}), 409, "already_exists")
    assert otto.customer(id=own, name="Theirs")["name"] == "Theirs"  # another org's ids are its own
    assert rita.get("/customers/" + own).json()["name"] == "Mine"
    assert stack.sql("select count(*) from app.history where record_id = %s", own) == [(2,)]


@pytest.mark.parametrize("text", NASTY)
def test_texts_come_back_as_sent(rita, text):
    sent = {k: text for k in ("name", "website", "address", "city", "region", "source", "notes")}
    sent.update(postal_code=text[:20], email="o'b+" + re.sub("[\\s\"(),.:;<>@\\\\[\\]*\u200d\u2028\ufeff]", "", text)[:50] + "@b.test", tags=[text, text.strip()[:1], "{a,b}", "NULL", 'q"\\'],
                phone=" (030)\u00a05550 / 0 ext. 7 ", country="DE", value=10 ** 15, currency="EUR",
                custom={text: text, "": [1, -1.5, None, True, {"~/": {}}], "deep": {"list": []}})
    c = rita.customer(**sent)
    assert {k: c[k] for k in sent} == sent and rita.get(path(c)).json() == c
    assert rita.get("/customers", city=text if "," not in text else None, limit=1).json()["data"] == [listed(c)]
    changed = rita.change(rita.customer(), **sent)
    assert {k: changed[k] for k in sent} == sent
    assert {k: history(rita, c)[0]["new"][k] for k in sent} == {k: masked(k, v) for k, v in sent.items()}


def test_longest_values(rita):
    sent = {"name": "ß" * 200, "email": "e" * 64 + "@" + ("d" * 63 + ".") * 2 + "d" * 58 + ".de", "phone": "1-" * 20, "website": "🏢" * 500, "address": "a\n" * 250, "city": "c" * 100,
            "region": "r" * 100, "postal_code": "p" * 20, "country": "ZW", "source": "s" * 100, "value": 0, "currency": "JPY",
            "notes": "n\t\r\n" * 2500, "tags": ["t" * 64] * 50, "custom": {"k": "v" * (16384 - 9)}}
    c = rita.customer(**sent)
    assert {k: c[k] for k in sent} == sent
    problem(rita.post("/customers", dict(sent, custom={"k": "v" * (16384 - 8)})), 422, "invalid_value", "/custom")


@pytest.mark.parametrize("typed, e164", [("+49 30 1234567", "+49301234567"), ("+1 (212) 555-0100", "+12125550100"), ("030 1234567", None),
                                         ("+49 30 12 ext 5", None), ("+12345", None), ("+1234567890123456", None), ("+0 123 4567", None)])
def test_phone_in_e164(rita, typed, e164):
    c = rita.customer(phone=typed)
    assert (c["phone"], c["phone_e164"]) == (typed, e164)


def test_head_and_etag(rita):
    c = rita.customer()
    get, head = rita.get(path(c)), rita.request("HEAD", path(c))
    assert (head.status_code, head.content) == (200, b"")
    for name in ("ETag", "Content-Type", "Content-Length", "X-Classification"):
        assert head.headers[name] == get.headers[name]
    tag = get.headers["ETag"]
    assert re.fullmatch(r'"[^"]+"', tag)
    for seen in (tag, "W/" + tag, f'"other", {tag}', "*"):
        answer = rita.get(path(c), headers={"If-None-Match": seen})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)
    assert rita.get(path(c), headers={"If-None-Match": '"other"'}).json() == c
    rita.change(c, city="Bonn")
    answer = rita.get(path(c), headers={"If-None-Match": tag})
    assert answer.status_code == 200 and answer.headers["ETag"] != tag


def test_merge_patch(rita):
    c = rita.customer(city="Bonn", email="a@b.test", tags=["a", "b"], custom={"a": 1, "b": {"c": 2, "d": [1, 2]}, "e": "x"})
    answer = rita.request("PATCH", path(c), json={"city": None, "region": "NRW", "tags": ["c"], "custom": {"a": None, "b": {"c": None, "d": [3], "f": {"g": 1, "h": None}}}},
                          headers={"If-Match": '"v1"', "Content-Type": "application/merge-patch+json"})
    assert answer.status_code == 200, answer.text
    n = answer.json()
    assert n == dict(c, city=None, region="NRW", tags=["c"], custom={"b": {"d": [3], "f": {"g": 1}}, "e": "x"}, version=2, updated_at=n["updated_at"])
    assert n["updated_at"] > c["updated_at"] and answer.headers["ETag"] == etag(rita, c) != '"v1"'
    n = rita.change(c, tags=None, custom=None)
    assert (n["tags"], n["custom"], n["version"]) == ([], {}, 3)
    problem(rita.patch(path(c), {"name": None}, "*"), 422, "invalid_value", "/name")


def test_patch_that_changes_nothing(rita):
    c = rita.customer(city="Bonn", custom={"a": {"b": 1}}, tags=["x"])
    tag = etag(rita, c)
    for body in ({}, {"city": "Bonn"}, {"custom": {"a": {"b": 1}}}, {"custom": {"gone": None}}, {"tags": ["x"], "region": None}):
        answer = rita.patch(path(c), body, tag)
        assert answer.status_code == 200 and answer.json() == c and answer.headers["ETag"] == tag, body
    assert len(history(rita, c)) == 1


def test_precondition(rita, max):
    c = rita.customer(city="Bonn")
    problem(rita.patch(path(c), {"city": "Köln"}), 428, "precondition_required")
    problem(rita.delete(path(c)), 428, "precondition_required")
    for wrong in ("v1", '"v1', "", '"v1" "v2"', "W/v1", ","):
        answer = rita.request("PATCH", path(c), json={"city": "Köln"}, headers={"If-Match": wrong})
        problem(answer, 400 if wrong else 428)
    for stale in ('"v2"', 'W/"v1"', '"nonsense"', '"*"'):
        problem(rita.patch(path(c), {"city": "Köln"}, stale), 412, "version_mismatch")
    assert rita.get(path(c)).json() == c
    assert rita.patch(path(c), {"city": "Köln"}, '"x", "v1"').status_code == 200
    assert rita.patch(path(c), {"city": "Ulm"}, "*").json()["version"] == 3


@pytest.mark.parametrize("seen", ['W/"v1"', '"other"', 'W/"v2", "x"'])
def test_a_tag_that_says_no_version_has_no_conflicts(rita, max, seen):
    c = rita.customer(city="Bonn", notes="old")
    max.change(c, city="Ulm")
    body = problem(rita.patch(path(c), {"city": "Köln", "notes": "new", "region": None}, seen), 412, "version_mismatch")
    assert (body["version"], body["conflicts"]) == (2, []) and "If-Match" in body["detail"]


@said("lists off")
def test_conflicts_name_what_and_who_and_when(contacts, rita, max):
    c = rita.customer(phone="+49 30 1111111", city="Bonn", notes="old")
    tag = etag(rita, c)
    max.change(c, phone="+49 30 2222222")
    max.change(c, phone="+49 30 3333333", city="Ulm")
    body = problem(rita.patch(path(c), {"phone": "+49 30 4444444", "notes": "new", "name": "New"}, tag), 412, "version_mismatch")
    last = history(rita, c, field="phone")[0]
    assert body["version"] == 3
    assert body["conflicts"] == [{"field": "phone", "current": "+4 *** ***-**33" if contacts == "lists" else "+49 30 3333333", "actor_id": max.id, "actor_name": "Max Manager", "at": last["at"]}]
    body = problem(rita.patch(path(c), {"notes": "new"}, tag), 412)
    assert (body["version"], body["conflicts"]) == (3, [])
    body = problem(rita.delete(path(c), tag), 412, "version_mismatch")
    assert body["version"] == 3 and rita.get(path(c)).json()["notes"] == "old"


def test_archive(rita, max):
    c = rita.customer()
    answer = rita.delete(path(c), etag(rita, c))
    assert answer.status_code == 200
    gone = answer.json()
    assert gone == dict(c, version=2, archived_at=gone["archived_at"], updated_at=gone["updated_at"]) and gone["archived_at"]
    assert rita.get(path(c)).json() == gone and answer.headers["ETag"] == etag(rita, c)
    for client in (rita, max):
        assert c["id"] not in [r["id"] for r in client.pages("/customers", limit=200)]
        assert gone in client.pages("/customers", limit=200, archived="true")
    problem(rita.patch(path(c), {"city": "Ulm"}, etag(rita, c)), 409, "archived")
    problem(rita.delete(path(c), etag(rita, c)), 409, "archived")
    assert [r["field"] for r in history(rita, c)] == ["archived_at", None]


def test_a_rep_gives_nothing_away(rita, nina, max):
    c = rita.customer()
    for body, pointer in (({"owner_id": nina.id}, "/owner_id"), ({"owner_id": None}, "/owner_id"), ({"stage": "qualified"}, "/stage"), ({"stage": "won", "city": "Ulm"}, "/stage")):
        problem(rita.patch(path(c), body, "*"), 403, "forbidden", pointer)
    for body, pointer in (({"owner_id": nina.id}, "/owner_id"), ({"owner_id": None}, "/owner_id"), ({"stage": "won"}, "/stage")):
        problem(rita.post("/customers", dict(body, name="x")), 403, "forbidden", pointer)
    problem(rita.post("/customers", {"name": "x", "stage": "nowhere"}), 422, "invalid_value", "/stage")
    assert rita.get(path(c)).json() == c
    assert rita.customer(owner_id=rita.id, stage="qualified")["stage"] == "qualified"


def test_a_manager_reassigns_within_his_tree(rita, nina, omar, pia, max, olga, ada, stack):
    c = rita.customer()
    for owner in (omar.id, olga.id, ada.id, None, MISSING):
        problem(max.patch(path(c), {"owner_id": owner}, "*"), 403, "forbidden", "/owner_id")
    assert max.get(path(c)).json() == c
    assert max.change(c, owner_id=nina.id, stage="proposal")["segment"] == "negotiation"
    assert faceless(rita.get(path(c))) == faceless(rita.get("/customers/" + MISSING))
    assert nina.get(path(c)).status_code == 200
    problem(olga.patch(path(c), {"owner_id": omar.id}, "*"), 404, "not_found")
    assert ada.change(c, owner_id=omar.id)["owner_id"] == omar.id
    for client in (max, nina, omar):  # omar does not work in negotiation
        problem(client.get(path(c)), 404, "not_found")
    assert olga.get(path(c)).status_code == 200
    leaver = newcomer(stack)
    stack.sql("update app.staff set status = 'inactive' where id = %s", leaver.id)
    for owner in (leaver.id, MISSING):
        problem(ada.patch(path(c), {"owner_id": owner}, "*"), 422, "invalid_value", "/owner_id")
    assert ada.change(c, owner_id=None)["owner_id"] is None
    other = newcomer(stack, "manager")
    for client in (newcomer(stack, manager=other, segments=("closing",)), other, rita, nina, pia):
        problem(client.get(path(c)), 404, "not_found")
    assert max.get(path(c)).json() == olga.get(path(c)).json(), "nobody's: whose people work in negotiation"
    assert olga.change(c, owner_id=pia.id) == pia.get(path(c)).json()
    problem(max.get(path(c)), 404, "not_found")


def test_hidden_is_missing(rita, omar, max, otto):
    for c in (omar.customer(), otto.customer()):
        for client in (rita, max):
            for method, tail, more in (("GET", "", {}), ("HEAD", "", {}), ("PATCH", "", {"json": {"name": "x"}}), ("DELETE", "", {}), ("GET", "/history", {}),
                                       ("GET", "?as_of=2026-01-01T00:00:00Z", {}), ("PATCH", "", {"json": {"name": 5, "owner_id": "x"}})):
                hidden, missing, no_id = (client.request(method, "/customers/" + i + tail, headers={"If-Match": "*"}, **more) for i in (c["id"], MISSING, "nonsense"))
                assert hidden.status_code == 404 and "ETag" not in hidden.headers and "X-Classification" not in hidden.headers
                if method != "HEAD":
                    assert problem(hidden, 404, "not_found") and faceless(hidden) == faceless(missing) == faceless(no_id)


def test_as_of(rita, max, omar):
    states = [rita.customer(city="Bonn", phone="+49 30 1111111", custom={"a": 1})]
    c = states[0]
    for client, body in ((rita, {"city": "Köln"}), (max, {"city": "Ulm", "phone": None, "stage": "qualified"}), (rita, {"custom": {"b": 2}, "tags": ["x"]})):
        states.append(client.change(c, **body))
    states.append(rita.delete(path(c), "*").json())
    for i, state in enumerate(states):
        shown = rita.get(path(c), as_of=state["updated_at"])
        assert shown.status_code == 200 and {k: v for k, v in shown.json().items() if k != "updated_at"} == {k: v for k, v in state.items() if k != "updated_at"}, i
        assert max.get(path(c), as_of=state["updated_at"]).json()["city"] == state["city"]
    assert rita.get(path(c), as_of="2099-01-01T00:00:00+02:00").json()["version"] == 5
    problem(rita.get(path(c), as_of="2020-01-01T00:00:00Z"), 404, "not_found")
    problem(omar.get(path(c), as_of=c["created_at"]), 404, "not_found")
    for wrong in ("yesterday", "2026-02-30T00:00:00Z", "2026-01-01", ""):
        problem(rita.get(path(c), as_of=wrong), 400, "invalid_parameter", "?as_of")


@said("lists off")
def test_history_of_one(contacts, rita, max, axel):
    def shown(field, value):
        return value if contacts == "off" else masked(field, value)
    c = rita.customer(phone="+49 30 1111111", email="anna@firm.test")
    rita.change(c, city="Ulm", phone="+49 30 2222222")
    max.change(c, phone=None)
    rows = history(rita, c)
    assert all(set(r) == set("id operation_id entity record_id field old new actor_id actor_name at via".split()) for r in rows)
    assert [(r["field"], r["old"], r["new"], r["actor_name"]) for r in sorted(rows, key=lambda r: (r["operation_id"], r["field"] or ""), reverse=True) if r["field"]] == [
        ("phone", shown("phone", "+49 30 2222222"), None, "Max Manager"), ("phone", shown("phone", "+49 30 1111111"), shown("phone", "+49 30 2222222"), "Rita Rep"),
        ("city", None, "Ulm", "Rita Rep")]
    assert rows[-1]["field"] is None and rows[-1]["old"] is None and rows[-1]["new"]["email"] == shown("email", "anna@firm.test")
    assert [r["at"] for r in rows] == sorted((r["at"] for r in rows), reverse=True) and [r["id"] for r in rows] == sorted((r["id"] for r in rows), reverse=True)
    assert {(r["entity"], r["record_id"], r["via"]) for r in rows} == {("customers", c["id"], "api")} and len({r["operation_id"] for r in rows}) == 3
    assert history(rita, c, limit=1) == rows == history(max, c, limit=3)
    assert [r["field"] for r in history(rita, c, field="city")] == ["city"] and len(history(rita, c, field="city,phone", limit=1)) == 3
    assert history(rita, c, actor=max.id) == rows[:1] and history(rita, c, field="notes") == []
    for i, r in enumerate(rows):  # from is inclusive, to exclusive
        assert r in history(rita, c, **{"from": r["at"]}) and r not in history(rita, c, to=r["at"]), i
    theirs = history(axel, c)
    assert [(r["old"], r["new"]) for r in theirs if r["field"] == "phone"] == [("+4 *** ***-**22", None), ("+4 *** ***-**11", "+4 *** ***-**22")]
    assert (theirs[-1]["new"]["email"], theirs[-1]["new"]["phone"]) == ("a***@f***", "+4 *** ***-**11")
    assert "1111111" not in axel.get(path(c) + "/history").text and theirs[-1]["new"]["name"] == c["name"]
