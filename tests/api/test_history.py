"""GET /history and /operations: every changed field is one row, with who, when, in which operation; filters, paging, masks."""
import concurrent.futures
import time
import uuid

import pytest

from holdfast import problem
from masks import listed, masked, said
from people import newcomer
from restoring import changes, last_operation, missing, moment, read

# What a person can change: field, a value, another value. A null beside each value is a case of its own.
FIELDS = [
    ("name", "Adler Werke", "Adler Werke GmbH"), ("email", "a@b.example", "c@d.example"),
    ("phone", "+49 30 5550 0100", "(5) 555-4729"), ("website", "https://a.example", "https://b.example"),
    ("address", "Obere Str. 57", "Mataderos  2312\nHof"), ("city", "México D.F.", "München"), ("region", "BC", "Táchira"),
    ("postal_code", "05021", "WA1 1DP"), ("country", "MX", "DE"), ("source", "web", "fair"),
    ("stage", "new", "contacted"), ("value", 0, 1000000000000000), ("currency", "EUR", "JPY"),
    ("notes", 'says "no"\\', "line\nline"), ("tags", ["a"], ["b", 'c "d", e', "NULL"]),
    ("custom", {"fax": "1", "deep": {"n": 1.50}}, {"fax": "2", "deep": {"n": 2}}),
]
NULLABLE = [f for f in FIELDS if f[0] not in ("name", "stage", "tags", "custom")]
NEVER = {"version", "updated_at", "phone_e164", "segment", "org_id"}
ROW = {"id", "operation_id", "entity", "record_id", "field", "old", "new", "actor_id", "actor_name", "at", "via"}


def only_change(client, customer):
    """The one row since the creation."""
    rows = changes(client, customer)
    assert len(rows) == 2 and rows[1]["field"] is None, rows
    assert set(rows[0]) == ROW
    return rows[0]


def check(row, customer, actor, field, old, new):
    assert (row["field"], row["old"], row["new"]) == (field, old, new)
    assert (row["entity"], row["record_id"]) == ("customers", customer["id"])
    assert (row["actor_id"], row["actor_name"], row["via"]) == (actor.id, actor.staff["name"], "api")


def test_fields_are_all(stack):
    tracked = {r[0] for r in stack.sql("select name from app.tracked('app.customer')")}
    assert tracked == {f[0] for f in FIELDS} | {"owner_id", "archived_at", "id", "created_at", "merged_into"}


@said("lists off")
@pytest.mark.parametrize("field,old,new", FIELDS + [(f, None, v) for f, _, v in NULLABLE] + [(f, v, None) for f, v, _ in NULLABLE])
def test_one_row_per_changed_field(contacts, rita, max, field, old, new):
    c = rita.customer(**{field: old})
    assert max.change(c, **{field: new})[field] == new
    shown = [v if contacts == "off" else masked(field, v) for v in (old, new)]
    check(only_change(rita, c), c, max, field, *shown)
    max.change(c, **{field: new})  # nothing new: no row
    assert len(changes(rita, c)) == 2


def test_a_creation_has_one_moment(stack, rita, max):
    c = rita.customer(city="A")
    (row,) = changes(rita, c)
    assert row["field"] is None and row["at"] == c["created_at"] == c["updated_at"] == row["new"]["created_at"]
    max.change(c, city="B")
    answer = rita.get("/customers/" + c["id"], as_of=row["at"])
    assert (answer.status_code, answer.json()) == (200, c)
    found = rita.get("/history", record=c["id"], **{"from": row["at"]}).json()["data"]
    assert [r["field"] for r in found] == ["city", None]


def test_a_creation_that_waited_is_of_when_it_was_made(stack, rita):
    """Not of when its request began: a window that was looked at before would have another creation now."""
    waits = stack.connect()
    waits.autocommit = False
    waits.cursor().execute("lock table app.retry")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        try:
            answer = pool.submit(rita.post, "/customers", {"name": "Late"}, {"Idempotency-Key": uuid.uuid4().hex})
            until = time.monotonic() + 20
            while not stack.sql("select pid from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0"):
                assert time.monotonic() < until
            now = moment(stack)
        finally:
            waits.close()
        assert answer.result().json()["created_at"] > now


def test_owner_and_archive(rita, max, stack):
    c, other = rita.customer(), newcomer(stack, manager=max)
    max.change(c, owner_id=other.id)
    check(only_change(other, c), c, max, "owner_id", rita.id, other.id)
    d = rita.customer()
    gone = rita.delete("/customers/" + d["id"], '"v1"').json()
    check(only_change(rita, d), d, rita, "archived_at", None, gone["archived_at"])


def test_several_fields_are_one_operation(rita):
    c = rita.customer(phone="+49 30 1111111", tags=["x"])
    rita.change(c, phone=None, city="Ulm", tags=[], custom={"a": None, "b": 1})
    rows = changes(rita, c)[:-1]
    assert {r["field"]: (r["old"], r["new"]) for r in rows} == {
        "phone": ("+4 *** ***-**11", None), "city": (None, "Ulm"), "tags": (["x"], []), "custom": ({}, {"b": 1})}
    assert len(rows) == 4 and len({r["operation_id"] for r in rows}) == 1
    assert rita.get("/operations/" + rows[0]["operation_id"]).json()["changes"] == 4


def test_what_follows_is_no_history(stack, rita, max, ada):
    c = rita.customer(phone="+49 30 1234567")
    max.change(c, stage="proposal")  # of another segment
    max.change(c, phone="+33 1 7654321")
    now = read(max, c)
    assert (now["segment"], now["phone_e164"], now["version"]) == ("negotiation", "+3317654321", 3)
    assert [r["field"] for r in changes(max, c)] == ["phone", "stage", None]
    assert not NEVER & {r[0] for r in stack.sql("select distinct field from app.history")}
    assert not NEVER & set(changes(max, c)[-1]["new"])


def test_creation_is_one_row(rita, ada):
    c = rita.customer(phone="030-0074321", email="a@b.example", custom={"fax": None, "n": [1]}, tags=["t"])
    (row,) = changes(rita, c)
    assert row["field"] is None and row["old"] is None and row["via"] == "api" and row["actor_id"] == rita.id
    derived = NEVER | {"masked"}
    assert row["new"] == dict({k: v for k, v in listed(c).items() if k not in derived | {"duplicates"}}, merged_into=None)
    assert ada.get("/operations/" + row["operation_id"]).json()["action"] == "customers.create"


def test_filters(stack, rita, max, ada):
    c, d = rita.customer(), rita.customer()
    rita.change(c, city="Ulm")
    max.change(c, city="Bonn", region="NW")
    max.change(d, city="Kiel")
    both = ",".join((c["id"], d["id"]))

    def found(**filter):
        return [(r["record_id"], r["field"], r["new"]) for r in ada.pages("/history", **filter) if r["field"]]
    bonn, nw, ulm, kiel = ((c["id"], "city", "Bonn"), (c["id"], "region", "NW"), (c["id"], "city", "Ulm"), (d["id"], "city", "Kiel"))
    assert sorted(found(record=both)) == sorted([bonn, nw, ulm, kiel])
    assert found(record=d["id"]) == [kiel]
    assert found(record=both, actor=rita.id) == [ulm]
    assert sorted(found(record=both, actor=f"{rita.id},{max.id}")) == sorted([bonn, nw, ulm, kiel])
    assert found(record=both, field="region") == [nw]
    assert sorted(found(record=both, field="region,city", actor=max.id)) == sorted([bonn, nw, kiel])
    assert sorted(found(operation=last_operation(max, c))) == sorted([bonn, nw])
    assert found(operation=missing()) == []
    assert len(found(record=both, entity="customers")) == 4
    assert found(record=both, entity="deals") == []
    assert changes(rita, c, actor=rita.id, field="city")[0]["new"] == "Ulm"
    assert all(r["record_id"] == c["id"] for r in changes(rita, c))
    problem(ada.get("/history", colour="red"), 400)
    problem(ada.get("/history", actor="me"), 400)
    problem(ada.get("/history", **{"from": "yesterday"}), 400)
    problem(rita.get(f"/customers/{c['id']}/history", record=d["id"]), 400)


def test_from_is_inclusive_to_exclusive(rita):
    c = rita.customer()
    for city in "ABC":
        rita.change(c, city=city)
    a, b, third = (r["at"] for r in reversed(changes(rita, c, field="city")))
    for path, more in ((f"/customers/{c['id']}/history", {}), ("/history", {"record": c["id"]})):
        def found(**window):
            return "".join(r["new"] for r in rita.pages(path, field="city", **window, **more))
        assert found(**{"from": b}) == "CB"
        assert found(to=b) == "A"
        assert found(**{"from": a, "to": third}) == "BA"
        assert found(**{"from": b, "to": b}) == ""
    assert read(rita, c)["updated_at"] == third, "a version and its changes have one time"
    assert rita.get("/customers/" + c["id"], as_of=b).json()["city"] == "B"


def test_paging_newest_first(rita):
    c = rita.customer()
    for n in range(6):
        rita.change(c, value=n, city=f"C{n}")
    every = changes(rita, c, limit=200)
    assert len(every) == 13
    assert [r["id"] for r in every] == sorted((r["id"] for r in every), reverse=True)
    assert [r["at"] for r in every] == sorted((r["at"] for r in every), reverse=True)
    for limit in (1, 5, 12, 13):
        assert changes(rita, c, limit=limit) == every
        assert rita.pages("/history", record=c["id"], limit=limit) == every
    page = rita.get("/history", record=c["id"], limit=5).json()
    problem(rita.get("/history", record=c["id"], field="city", cursor=page["next"]), 400)
    for limit in (0, 201):
        problem(rita.get("/history", limit=limit), 400)


def test_visibility_follows_the_record(rita, nina, max, olga, omar, ada, abby, axel, nobody):
    c = rita.customer()
    rita.change(c, city="Ulm")
    for who in (rita, max, ada, abby, axel):
        assert len(changes(who, c)) == 2
        assert len(who.pages("/history", record=c["id"])) == 2
    for who in (nina, olga, omar):
        assert who.pages("/history", record=c["id"]) == []
        hidden, none = (problem(who.get(f"/customers/{i}/history"), 404, "not_found") for i in (c["id"], missing()))
        assert {**hidden, "instance": 0} == {**none, "instance": 0}
    problem(nobody.get("/history"), 401)
    # It goes with the record, all of it.
    ada.change(c, owner_id=omar.id)
    assert len(changes(omar, c)) == 3 and len(changes(olga, c)) == 3
    for who in (rita, max):
        assert who.pages("/history", record=c["id"]) == []
        problem(who.get(f"/customers/{c['id']}/history"), 404)


def test_history_of_people_and_settings(stack, rita, max, olga, ada, abby, axel):
    boss = newcomer(stack, "manager", manager=max)
    rep, peer = (newcomer(stack, manager=boss) for _ in range(2))
    stack.sql("update app.staff set name = 'Renamed' where id = %s", rep.id)
    for who in (rep, boss, max, ada, abby, axel):
        (row,) = who.pages("/history", record=rep.id, field="name")
        assert (row["entity"], row["old"], row["new"], row["actor_id"], row["via"]) == ("staff", "New Comer", "Renamed", None, "sql")
    for who in (peer, rita, olga):
        assert who.pages("/history", record=rep.id) == []
    assert rep.pages("/history", record=boss.id) == [] and {r["record_id"] for r in rep.pages("/history", entity="staff")} == {rep.id}
    for entity in ("settings", "funnel"):
        assert ada.pages("/history", entity=entity) == axel.pages("/history", entity=entity) != []
        assert max.pages("/history", entity=entity) == rep.pages("/history", entity=entity) == []


def test_masks_for_the_auditor(rita, axel):
    c = rita.customer(phone="+49 30 5550 0147", email="nora@dach.example", custom={"fax": "1"})
    rita.change(c, phone="030 777", email="max@werk.example")
    rita.change(c, phone=None)
    rows = changes(axel, c)
    text = axel.get(f"/customers/{c['id']}/history").text
    for secret in ("5550 0147", "49305550", "030 777", "nora", "dach", "max@", "werk"):
        assert secret not in text
    assert {(r["field"], r["old"], r["new"]) for r in rows[:-1]} == {
        ("phone", "+4 *** ***-**47", "*** ***-**77"), ("email", "n***@d***", "m***@w***"), ("phone", "*** ***-**77", None)}
    born = rows[-1]["new"]
    assert (born["phone"], born["email"], born["custom"]) == ("+4 *** ***-**47", "n***@d***", {"fax": "1"})
    assert axel.pages("/history", record=c["id"]) == rows


def test_via(stack, rita, max, ada, axel):
    c = rita.customer()
    operation = max.post("/restores", {"scope": {"change": changes(rita, c)[0]["id"]}, "reason": "x"}).json()["operation_id"]
    stack.sql("update app.customer set city = 'Ulm', region = 'BY' where id = %s", c["id"])
    rows = changes(rita, c)
    assert [(r["via"], r["actor_id"], r["actor_name"]) for r in rows] == [
        ("sql", None, None), ("sql", None, None), ("restore", max.id, max.staff["name"]), ("api", rita.id, rita.staff["name"])]
    assert rows[2]["operation_id"] == operation
    typed = rows[0]["operation_id"]
    for who in (ada, axel):
        o = who.get("/operations/" + typed).json()
        assert (o["actor_id"], o["via"], o["action"], o["changes"], o["request_id"]) == (None, "sql", "sql", 2, None)
    for who in (rita, max):
        problem(who.get("/operations/" + typed), 404)


def test_mass_update_through_sql(stack, rita, ada):
    made = [rita.customer(city="Old", value=n) for n in range(30)]
    ids = [c["id"] for c in made]
    stack.sql("update app.customer set city = 'New', value = case when value %% 3 = 0 then value else value + 1 end, "
              "phone = null where id = any(%s::uuid[])", ids)
    rows = [r for r in ada.pages("/history", record=",".join(ids), limit=200) if r["field"]]
    assert len({r["operation_id"] for r in rows}) == 1
    assert sorted((r["record_id"], r["field"], r["old"], r["new"]) for r in rows) == sorted(
        [(i, "city", "Old", "New") for i in ids] + [(i, "value", n, n + 1) for n, i in enumerate(ids) if n % 3])
    assert ada.get("/operations/" + rows[0]["operation_id"]).json()["changes"] == len(rows) == 50
    assert {read(rita, i)["version"] for i in ids} == {2}


def test_operations(stack, rita, max, nina, olga, ada, axel, nobody):
    begin = moment(stack)
    c = rita.customer()
    answer = rita.patch("/customers/" + c["id"], {"city": "Ulm", "region": "BY"}, '"v1"')
    middle = moment(stack)
    max.change(c, city="Bonn")
    ours = {"from": begin, "to": moment(stack)}
    one = rita.get("/operations/" + changes(rita, c, actor=rita.id)[0]["operation_id"]).json()
    assert set(one) == {"id", "at", "actor_id", "actor_name", "action", "via", "reason", "request_id", "undoes", "undone_by", "changes"}
    assert (one["actor_id"], one["actor_name"], one["action"], one["via"], one["changes"]) == (
        rita.id, rita.staff["name"], "customers.change", "api", 2)
    assert uuid.UUID(one["request_id"]) == uuid.UUID(answer.headers["X-Request-Id"])
    assert (one["reason"], one["undoes"], one["undone_by"]) == (None, None, [])

    def found(who, **filter):
        return [(o["actor_name"].split()[0], o["action"].split(".")[1]) for o in who.pages("/operations", **filter)]
    all_three = [("Max", "change"), ("Rita", "change"), ("Rita", "create")]
    for who in (max, ada, axel):
        assert found(who, **ours) == found(who, limit=1, **ours) == all_three
    assert found(rita, **ours) == all_three[1:]
    assert found(nina, **ours) == found(olga, **ours) == []
    assert found(max, actor=rita.id, **ours) == all_three[1:]
    assert found(max, action="customers.create", **ours) == all_three[2:]
    assert found(max, action="customers.create,customers.change", **ours) == all_three
    assert found(max, **{"from": middle, "to": ours["to"]}) == all_three[:1]
    assert found(max, **{"from": one["at"], "to": middle}) == all_three[1:2], "from is inclusive"
    assert found(max, **{"from": begin, "to": one["at"]}) == all_three[2:], "to is exclusive"
    for who in (nina, olga):
        problem(who.get("/operations/" + one["id"]), 404, "not_found")
    problem(ada.get("/operations/" + missing()), 404, "not_found")
    problem(nobody.get("/operations"), 401)
    problem(ada.get("/operations", entity="customers"), 400)
    problem(ada.get("/operations/1"), 404)
