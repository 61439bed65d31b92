"""test_lists.py -- lists: filters, sorts, pages, cursors, columns, counts, and who sees which rows."""
import itertools
import json
import re
import uuid

import pytest

from holdfast import problem
from masks import listed
from people import MISSING

SORTS = ("name", "created_at", "updated_at", "stage", "city", "country", "value")
MIXED = ("city,-name", "-city,name", "country,-city,value", "-value,stage,-created_at", "stage,city,country,-updated_at", "-stage,-city",
         "value,name", "name,-value", "-name,-created_at,city")
LISTS = ("/customers", "/history", "/operations")


@pytest.fixture(scope="module")
def world(stack):
    """Rows that tie (the demo's times tie too), rows with nulls, rows of everybody."""
    rita, max, ada = (stack.login(n + "@demo.test") for n in ("rita", "max", "ada"))
    for i in range(6):  # equal in all but the id
        rita.customer(name="Tie", city=None if i < 3 else "Bonn", stage="contacted")
    for name in ("A", "a", "Ä", "Z", "z", "", "𝔸", "\u00a0"):
        max.customer(name=name + "!", region="Nord, Süd" if name else None, currency="JPY", value=0, source="fair", tags=["x,y", "key account"])
    ada.customer(name="Unowned", owner_id=None, country="US", postal_code="10001", tags=["vip"], value=10 ** 15)
    max.change(rita.customer(name="Beyond"), stage="proposal")  # rita's, but in no segment of hers
    rita.delete("/customers/" + rita.customer(name="Gone")["id"], "*")
    return stack


def truth(stack, archived=False):
    """The demo org's customers, past the API."""
    rows = stack.sql("""select to_jsonb(c) || jsonb_build_object('created_at', app.time_json(c.created_at), 'updated_at', app.time_json(c.updated_at))
        from app.customer c join app.login l using (org_id) where l.email = 'ada@demo.test' and (c.archived_at is not null) = %s""", archived)
    return [r[0] for r in rows]


def due(stack, client, rows):
    """Those that a rep or manager sees: a rep his own in his segments; a manager his tree's, and nobody's in its segments."""
    staff = {i: (boss, segments) for i, boss, segments in stack.sql("select id::text, manager_id::text, segments from app.staff")}
    tree, segments = {client.id}, set(staff[client.id][1])
    if client.staff["role"] == "rep":
        return [r for r in rows if r["owner_id"] == client.id and r["segment"] in segments]
    while below := {i for i in staff if staff[i][0] in tree} - tree:
        tree |= below
    segments = {g for i in tree for g in staff[i][1]}
    return [r for r in rows if r["owner_id"] in tree or r["owner_id"] is None and r["segment"] in segments]


def ids(rows):
    return [r["id"] for r in rows]


def ordered(rows, sort):
    """What a sort means: key by key, nothing counts as least, the id breaks ties in the last key's direction."""
    keys = sort.split(",")
    rows = sorted(rows, key=lambda r: r["id"], reverse=keys[-1].startswith("-"))
    for key in reversed(keys):
        name = key.lstrip("-")
        least = -1 if name == "value" else ""
        rows = sorted(rows, key=lambda r: least if r[name] is None else r[name], reverse=key.startswith("-"))
    return ids(rows)


@pytest.mark.parametrize("sort", [sign + s for s in SORTS for sign in ("", "-")] + list(MIXED))
@pytest.mark.parametrize("limit", [17, 200])
def test_pages_hold_all_rows_once_in_order(world, ada, sort, limit):
    assert ids(ada.pages("/customers", sort=sort, limit=limit)) == ordered(truth(world), sort)


@pytest.mark.parametrize("sort", ["-city,name", "value", "-updated_at"])
def test_pages_of_a_filter(world, max, sort):
    rows = [r for r in due(world, max, truth(world)) if r["stage"] in ("new", "contacted", "won")]
    assert "Unowned" in {r["name"] for r in rows}
    assert ids(max.pages("/customers", sort=sort, limit=1 if sort == "value" else 9, stage="new,contacted,won")) == ordered(rows, sort)


def test_default_order_and_limit(world, ada):
    body = ada.get("/customers").json()
    assert set(body) == {"data", "next"} and len(body["data"]) == 50
    assert ids(body["data"]) == ordered(truth(world), "-updated_at")[:50]


@pytest.mark.parametrize("path", LISTS)
def test_limit(world, ada, path):
    all_ = len(ada.pages(path, limit=200))
    for limit in (1, 13, 200):
        body = ada.get(path, limit=limit).json()
        assert len(body["data"]) == min(limit, all_) and (body["next"] is None) == (all_ <= limit)
    for wrong in ("0", "201", "-1", "", "x", "1.5", "1e2", " 1", "99999999999999999999"):
        problem(ada.get(path, limit=wrong), 400, "invalid_parameter", "?limit")


def has(name):
    return lambda r, words: r[name] in words


def number(text):
    """What two spellings of a phone number have in common."""
    return ("+" if re.match(r"\+[1-9]", text) else "") + re.sub("[^0-9]", "", text)


FILTERS = {  # word: a condition over a row and the words sent, examples
    "stage": (has("stage"), ["new", "won,lost", "nowhere"]), "segment": (has("segment"), ["closing", "closing,prospecting"]),
    "name": (has("name"), ["Tie", "tie", "A!,Ä!"]), "city": (has("city"), ["Bonn", "Bonn,München", ""]), "region": (has("region"), ["Nord"]),
    "postal_code": (has("postal_code"), ["10001", "10037,10074"]), "country": (has("country"), ["US", "DE,FR", "de"]),
    "source": (has("source"), ["fair", "web,call"]), "currency": (has("currency"), ["JPY", "EUR,JPY"]),
    "tag": (lambda r, words: set(r["tags"]) & set(words), ["vip", "key account,vip", "x"]),
    "value_min": (lambda r, w: r["value"] is not None and r["value"] >= int(w[0]), ["0", "124690", "124691", "1000000000000000"]),
    "value_max": (lambda r, w: r["value"] is not None and r["value"] <= int(w[0]), ["0", "124690", "124689"]),
    "phone": (lambda r, w: r["phone"] is not None and number(w[0]) in (number(r["phone"]), re.sub(r"^\+49", "0", number(r["phone"])) if r["country"] == "DE" else None),
              ["+49 30 5550 0012", "+49-30/5550.(0012)", "+493055500012", "49 30 5550 0012", "030 5550 0012", "+49 30 5550 001", "5550", "+", "*"]),
    "email": (lambda r, w: r["email"] is not None and r["email"].lower() == w[0].lower(),
              ["info@cedar2.example", "INFO@Cedar2.Example", "cedar2", "info@%", "i***@c***"]),
}


@pytest.mark.parametrize("word, value", [(w, v) for w, (_, values) in FILTERS.items() for v in values])
def test_filter(world, ada, word, value):
    rows = [r for r in truth(world) if FILTERS[word][0](r, value.split(","))]
    assert sorted(ids(ada.pages("/customers", limit=200, **{word: value}))) == sorted(ids(rows))


def test_filters_by_owner_and_time_and_together(world, ada, rita, nina):
    rows = truth(world)
    for owners in ([rita.id], [rita.id, nina.id.upper()], [MISSING]):
        expected = [r for r in rows if r["owner_id"] in [o.lower() for o in owners]]
        assert sorted(ids(ada.pages("/customers", limit=200, owner=",".join(owners)))) == sorted(ids(expected))
    for at in ("updated_at", "created_at"):  # after is inclusive, before exclusive
        moment = sorted(r[at] for r in rows)[100]
        after, before = (ids(ada.pages("/customers", limit=200, **{at[:8] + w: moment})) for w in ("after", "before"))
        assert sorted(after) == sorted(r["id"] for r in rows if r[at] >= moment)
        assert sorted(before) == sorted(r["id"] for r in rows if r[at] < moment) and len(before) >= 100 - 1
        hour = f"{(int(moment[11:13]) + 2) % 24:02}"
        if hour > "01":  # the same moment in another zone
            assert ids(ada.pages("/customers", limit=200, **{at[:8] + "before": moment[:11] + hour + moment[13:-1] + "+02:00"})) == before
    both = ada.pages("/customers", limit=200, owner=rita.id, city="Bonn", name="Tie", value_max=5)
    assert both == [] and len(ada.pages("/customers", owner=rita.id, city="Bonn", name="Tie", stage="contacted")) == 3


def test_who_is_calling(world, ada, max, rita, nina, axel):
    """A number or address finds the one customer in whatever spelling, and shows no more of it than any list."""
    number, email = f"+49 30 {uuid.uuid4().int % 10 ** 9:09}", uuid.uuid4().hex + "@Haus.example"
    c = rita.customer(phone=number, email=email)
    local = rita.customer(phone="030/" + number[7:])
    for who in (rita, max, ada, axel):
        for filter in ({"phone": number}, {"phone": "+4930" + number[7:]},
                       {"email": email}, {"email": email.upper(), "phone": number}):
            body = who.get("/customers", count="exact", **filter).json()
            assert (body["data"], body["count"]) == ([listed(c)], 1)
        assert ids(who.pages("/customers", phone="030 " + number[7:])) == [local["id"]]
        assert who.pages("/customers", phone=number, stage="contacted") == who.pages("/customers", phone=number, email="x@y") == []
    assert nina.get("/customers", phone=number, count="exact").json() == {"data": [], "next": None, "count": 0}
    twin = rita.customer(phone=number.replace(" ", "-"))
    assert sorted(ids(rita.pages("/customers", phone=number))) == sorted([c["id"], twin["id"]])
    rita.delete("/customers/" + c["id"], "*")
    assert ids(max.pages("/customers", phone=number)) == [twin["id"]] and ids(max.pages("/customers", phone=number, archived="true")) == [c["id"]]


@pytest.mark.parametrize("word, value", [
    ("owner", "rita"), ("owner", ""), ("value_min", "x"), ("value_min", "-1"), ("value_max", str(10 ** 15 + 1)), ("created_after", "yesterday"),
    ("created_before", "2026-13-01T00:00:00Z"), ("updated_after", ""), ("updated_before", "2026-01-01 00:00:00Z"), ("stage", "s" * 41),
    ("segment", "s" * 41), ("name", "n" * 201), ("city", "c" * 101), ("region", "r" * 101), ("postal_code", "p" * 21), ("country", "DEU"),
    ("source", "s" * 101), ("currency", "EURO"), ("tag", "t" * 65), ("phone", ""), ("phone", "1" * 41), ("phone", "\x01"),
    ("email", ""), ("email", "@b"), ("email", "e" * 255), ("city", "\x01"), ("archived", "yes"), ("archived", ""), ("count", "all"), ("count", ""),
    ("sort", ""), ("sort", "email"), ("sort", "name,name"), ("sort", "name,-name"), ("sort", "--name"), ("sort", "name,"), ("sort", "name desc"), ("sort", "Name"),
    ("fields", ""), ("fields", "id,secret"), ("fields", "_org"), ("fields", "id name"), ("fields", "id,id,"), ("cursor", ""),
    *((w, ",".join(["a"] * 51)) for w in ("stage", "city", "tag")), ("owner", ",".join([MISSING] * 51))])
def test_wrong_parameter(world, ada, word, value):
    problem(ada.get("/customers", **{word: value}), 400, "invalid_parameter", "?" + word)


def test_longest_parameters(world, ada):
    for word, value in (("name", "n" * 200), ("city", "ß" * 100), ("tag", "t" * 64), ("stage", ",".join(["won"] * 50)), ("value_min", 10 ** 15), ("owner", ",".join([MISSING] * 50)),
                        ("phone", "1" * 40), ("email", "e" * 254), ("email", "a@b")):
        assert ada.get("/customers", **{word: value}).status_code == 200


@pytest.mark.parametrize("path", LISTS + ("/sessions/current", "/customers/" + MISSING, "/customers/" + MISSING + "/history"))
def test_unknown_and_duplicate_parameters(world, ada, path):
    for name in ("bogus", "Limit", "phone_e164", "Phone", "offset", "limit[]", "org_id", *(["email", "phone"] if path != "/customers" else [])):
        problem(ada.get(path, **{name: "1"}), 400, "unknown_parameter", "?" + name)
    for word in {"/customers": ("limit", "stage", "sort", "phone"), "/history": ("actor", "limit"), "/operations": ("action", "limit")}.get(path, ()):
        problem(ada.request("GET", f"{path}?{word}=1&{word}=1"), 400, "invalid_parameter", "?" + word)


@pytest.mark.parametrize("path, first", [(p, f) for p in LISTS for f in ({"limit": 12}, {"limit": 3})])
def test_cursor_is_bound(world, ada, abby, rita, path, first):
    start = ada.get(path, **first).json()
    cursor, tail = start["next"], ids(ada.pages(path))[len(start["data"]):]
    assert ids(ada.get(path, cursor=cursor, limit=200).json()["data"]) == tail[:200]  # the limit may change
    wrong = "city" if path == "/customers" else "actor"
    for client, at, more in ((abby, path, {}), (rita, path, {}), (ada, path, {wrong: MISSING}), *((ada, p, {}) for p in LISTS if p != path)):
        problem(client.get(at, cursor=cursor, **more), 400, "invalid_parameter", "?cursor")
    filtered = ada.get(path, limit=1, **{"from" if path != "/customers" else "created_after": "2020-01-01T00:00:00Z"}).json()["next"]
    problem(ada.get(path, cursor=filtered), 400, "invalid_parameter", "?cursor")


def test_cursor_is_bound_to_sort_and_archive_and_record(world, ada, rita):
    cursor = ada.get("/customers", limit=1, sort="name").json()["next"]
    for more in ({}, {"sort": "-name"}, {"sort": "name,city"}, {"sort": "name", "archived": "true"}):
        problem(ada.get("/customers", cursor=cursor, **more), 400, "invalid_parameter", "?cursor")
    assert ada.get("/customers", cursor=cursor, sort="name", fields="id", count="exact").status_code == 200
    one, two = rita.customer(), rita.customer()
    rita.change(one, city="Ulm")
    cursor = rita.get(f"/customers/{one['id']}/history", limit=1).json()["next"]
    assert len(rita.get(f"/customers/{one['id']}/history", cursor=cursor).json()["data"]) == 1
    for path in (f"/customers/{two['id']}/history", "/history"):
        problem(rita.get(path, cursor=cursor), 400, "invalid_parameter", "?cursor")


def test_forged_cursors(world, ada):
    cursor = ada.get("/customers").json()["next"]
    forged = {cursor[:i] + ("A" if cursor[i] != "A" else "B") + cursor[i + 1:] for i in range(len(cursor) - 1)}
    forged |= {cursor[:-1], cursor + "A", cursor + "=", cursor[:21], cursor[22:], "x", "A" * 40, "A" * 4097, "A" * 5000, " " + cursor, "../" + cursor, '["2026",1]'}
    for wrong in forged:
        problem(ada.get("/customers", cursor=wrong), 400, "invalid_parameter", "?cursor")


def test_fields(world, ada, axel):
    whole = ada.get("/customers", limit=5).json()["data"]
    for fields in ("id", "name,email", "custom,tags,version", ",".join(k for k in whole[0] if k != "masked")):
        for shown, all_ in zip(ada.get("/customers", limit=5, fields=fields).json()["data"], whole):
            assert shown == {k: v for k, v in all_.items() if k in fields.split(",") or k == "masked"}
    row = axel.get("/customers", limit=1, fields="phone", city="Wien").json()["data"][0]
    assert set(row) == {"phone", "masked"} and "phone" in row["masked"]
    next_ = ada.get("/customers", limit=5, fields="id").json()["next"]  # the sort's column need not be among them
    assert ids(ada.get("/customers", cursor=next_, limit=1).json()["data"]) == ordered(truth(world), "-updated_at")[5:6]


@pytest.mark.parametrize("how", ["exact", "estimate"])
def test_count(world, ada, max, rita, how):
    for client in (ada, max, rita):
        body = client.get("/customers", limit=1, count=how).json()
        assert body["count"] == len(client.pages("/customers", limit=200)) and len(body["data"]) == 1
    body = ada.get("/customers", limit=2, count=how, city="Bonn", name="Tie").json()
    assert body["count"] == 3 and len(body["data"]) == 2
    assert ada.get("/customers", count=how, cursor=ada.get("/customers").json()["next"]).json()["count"] == len(truth(world))
    assert "count" not in ada.get("/customers").json() and ada.get("/customers", count=how, city="nowhere").json()["count"] == 0


@pytest.mark.parametrize("path", LISTS)
def test_accept(world, ada, path):
    for accept in ("text/csv", "text/html, text/csv;q=0.9", "application/json;q=0", "application/xml"):
        problem(ada.get(path, headers={"Accept": accept}), 406, "not_acceptable")
    for accept in ("application/json", "*/*", "application/*", "text/csv, application/json;q=0.1", "APPLICATION/JSON"):
        assert ada.get(path, headers={"Accept": accept}, limit=1).status_code == 200


def test_who_sees_what(world, ada, abby, max, olga, rita, nina, theo, axel):
    rows = truth(world)
    for client in (ada, abby, axel):
        assert sorted(ids(client.pages("/customers", limit=200))) == sorted(ids(rows)) and len(rows) >= 240
    for client in (max, olga, rita, nina, theo):
        seen = client.pages("/customers", limit=200)
        assert sorted(ids(seen)) == sorted(ids(due(world, client, rows))) and len(seen) >= 40
        assert client.pages("/customers", owner=ada.id) == []
        assert [r["owner_id"] for r in client.pages("/customers", name="Unowned")] == ([None] if client in (max, olga) else [])
        assert len(client.pages("/customers", name="Beyond")) == (client is max)
    gone = truth(world, archived=True)
    assert sorted(ids(ada.pages("/customers", archived="true"))) == sorted(ids(gone)) and gone
    assert theo.pages("/customers", archived="true") == []
    assert {r["actor_id"] for r in rita.pages("/operations", limit=200)} == {rita.id}
    assert {r["actor_id"] for r in max.pages("/operations", limit=200)} <= {max.id} | {r[0] for r in world.sql("select below_id::text from app.staff_tree where above_id = %s", max.id)}
    mine = {rita.id} | set(ids(rita.pages("/customers", limit=200)) + ids(rita.pages("/customers", archived="true")))
    assert {r["record_id"] for r in rita.pages("/history", limit=200, entity="customers,staff")} == mine


@pytest.mark.parametrize("path, filters", [("/history", ("actor_id", "entity", "record_id", "field", "operation_id")), ("/operations", ("actor_id", "action"))])
def test_history_and_operations(world, ada, rita, path, filters):
    c = rita.change(rita.customer(), city="Ulm", region="BW")
    rita.change(c, city="Bonn")
    rows = ada.pages(path, limit=200)
    assert ids(rows) == sorted(set(ids(rows)), reverse=True) and ids(ada.pages(path, limit=11)) == ids(rows)
    hers = [r for r in rows if r["actor_id"] == rita.id]
    for column, (one, two) in itertools.product(filters, [(0, 0), (0, 2)]):
        words = {r[column] for r in (hers[one], hers[two])}
        got = ada.pages(path, limit=200, **{column.replace("_id", ""): ",".join(words)})
        assert ids(got) == [r["id"] for r in rows if r[column] in words], column
    for i in (0, 1, 2, len(rows) // 2, len(rows) - 1):  # from is inclusive, to exclusive
        at = rows[i]["at"]
        assert sorted(ids(ada.pages(path, limit=200, **{"from": at}))) == sorted(r["id"] for r in rows if r["at"] >= at)
        assert sorted(ids(ada.pages(path, limit=200, to=at))) == sorted(r["id"] for r in rows if r["at"] < at)
    for word in ("actor", "from", "to", *(["record", "operation"] if path == "/history" else [])):
        problem(ada.get(path, **{word: "nonsense"}), 400, "invalid_parameter", "?" + word)
    assert ada.pages(path, actor=MISSING) == [] and json.dumps(rows).find(str(uuid.UUID(int=0))) < 0
