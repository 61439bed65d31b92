"""Customers that ought to go to somebody else in time: what is proposed, to whom it is shown, what becomes of it."""
import concurrent.futures
import uuid

import pytest
import requests

from holdfast import problem
from people import MISSING, faceless
from restoring import undo
from rotating import Org


@pytest.fixture(scope="module")
def made(stack):
    return Org(stack)


@pytest.fixture
def org(made):
    return made.fresh()


def test_policies(org):
    assert org.admin.get("/settings").json()["rotation"] == {}
    assert org.policy(longest_days=30) == {"prospecting": {"longest_days": 30, "touches_days": 90, "touches_least": 5}}
    assert org.policy(share_of_touches=80, touches_days=30, exempt_tag="key")["prospecting"] == {
        "longest_days": 30, "share_of_touches": 80, "touches_days": 30, "touches_least": 5, "exempt_tag": "key"}
    assert set(org.policy("closing", longest_days=7)) == {"prospecting", "closing"}
    assert "rotation" in org.boss.get("/settings").json() and org.one.get("/settings").json()["rotation"] is None
    for wrong, pointer in (({"nowhere": {"longest_days": 30}}, "/nowhere"), ({"prospecting": 5}, "/prospecting"), ({"negotiation": {"touches_days": 30}}, "/negotiation"),
                           ({"prospecting": {"longest_days": 6}}, "/prospecting/longest_days"), ({"prospecting": {"longest_days": 3651}}, "/prospecting/longest_days"),
                           ({"prospecting": {"longest_days": "30"}}, "/prospecting/longest_days"), ({"prospecting": {"longest_days": 30.5}}, "/prospecting/longest_days"),
                           ({"prospecting": {"share_of_touches": 101}}, "/prospecting/share_of_touches"), ({"prospecting": {"exempt_tag": ""}}, "/prospecting/exempt_tag"),
                           ({"prospecting": {"a/b": 1}}, "/prospecting/a~1b"), ({"prospecting": {"longest_days": None, "share_of_touches": None}}, "/prospecting")):
        problem(org.settings(rotation=wrong), 422, "invalid_value", "/rotation" + pointer)
    problem(org.boss.patch("/settings", {"rotation": {}}, "*"), 403, "forbidden")
    assert org.policy("closing").keys() == {"prospecting"}


def test_longest_time_with_one(org):
    org.policy(longest_days=30)
    due = org.customers(org.one, 3) + org.customers(org.one, 2, days=31)
    org.customers(org.one, 4, days=29)
    moved = org.customers(org.one, 1)
    org.boss.change({"id": moved[0]}, owner_id=org.two.id)      # it is the other's only since now
    theirs = org.customers(org.two, 1, days=50)
    found = org.night()
    assert set(found) == {org.one.id, org.two.id}
    mine = found[org.one.id]
    assert (mine["segment"], mine["status"], mine["customers"], mine["why"]) == ("prospecting", "open", 5, {"longest_days": 5})
    assert mine["receivers"] == [{"staff_id": org.two.id, "staff_name": "New Comer", "customers": 5}] and mine["bulk_id"] is None
    rows = org.rows(mine)
    assert {r["id"] for r in rows} == set(due) and {r["id"] for r in rows[:3]} == set(due[:3]) and all(r["to_id"] == org.two.id and not r["lapsed"] for r in rows)
    assert rows[0]["why"] == ["longest_days"] and {r["id"] for r in org.rows(found[org.two.id])} == set(theirs)
    assert org.stack.sql("select count(*) from app.history where record_id = any(%s::uuid[])", due + theirs) == [(6,)]    # nothing moved


def test_who_is_not_proposed(org):
    org.policy(longest_days=30, exempt_key_accounts_above=1000, exempt_tag="key")
    due = org.customers(org.one, 1, value=1000) + org.customers(org.one, 1)
    org.customers(org.one, 1, value=1001)
    org.customers(org.one, 1, tags=["a", "key"])
    other = org.customers(org.one, 2)
    org.stack.sql("update app.customer set archived_at = app.now() where id = %s", other[0])
    org.stack.sql("update app.customer set stage = 'won' where id = %s", other[1])
    assert {r["id"] for r in org.rows(org.night()[org.one.id])} == set(due)


def test_nobody_exempts_his_own(org):
    """Neither by the tag nor by the value, changed or from the first; what others wrote exempts, whatever he writes beside it."""
    org.policy(longest_days=30, exempt_key_accounts_above=1000, exempt_tag="key")
    tagged, dear, both, lifted, kept, raised = org.customers(org.one, 6, value=500)
    born = org.one.customer(tags=["key"])["id"]
    org.stack.sql("update app.customer set owner_since = app.now() - interval '50 days' where id = %s", born)
    for id, fields in ((tagged, {"tags": ["a", "key"]}), (dear, {"value": 1001}), (both, {"tags": ["key"], "value": 2000}), (lifted, {"tags": ["key"]})):
        org.one.change({"id": id}, **fields)
    for id, fields in ((lifted, {"tags": []}), (lifted, {"tags": ["key"]}), (kept, {"tags": ["key"]}), (raised, {"value": 2000})):
        org.boss.change({"id": id}, **fields)
    org.one.change({"id": kept}, tags=["key", "mine"])
    org.one.change({"id": raised}, value=3000)
    assert {r["id"] for r in org.rows(org.night()[org.one.id])} == {tagged, dear, both, born}


def test_share_of_touches(org):
    org.policy(share_of_touches=80, touches_days=30, touches_least=5)
    bound, few, shared, old, notes, gone = org.customers(org.one, 6, days=1)
    org.touch(bound, org.one, 4)
    org.touch(bound, org.two, 1)
    org.touch(few, org.one, 4)
    org.touch(shared, org.one, 7)
    org.touch(shared, org.boss, 2)
    org.touch(old, org.one, 9, days=31)
    org.touch(notes, org.one, 4)
    org.stack.sql("insert into app.activity (org_id, id, customer_id, kind, at, author_id, created_at, updated_at) select org_id, app.uuid7(), %s, 'note', app.now(), id, app.now(), app.now() from app.staff, generate_series(1, 5) where id = %s",
                  notes, org.one.id)
    org.touch(gone, org.one, 5)
    org.stack.sql("update app.activity set archived_at = app.now() where customer_id = %s", gone)
    (row,) = org.rows(org.night()[org.one.id])
    assert (row["id"], row["why"], row["touches"], row["share"]) == (bound, ["share_of_touches"], 5, 80)
    org.policy(longest_days=7)
    org.stack.sql("update app.customer set created_at = app.now() - interval '8 days' where id = %s", bound)
    assert org.rows(org.night()[org.one.id])[0]["why"] == ["longest_days", "share_of_touches"]


def test_a_proposal_is_made_anew_each_night(org):
    org.policy(longest_days=30)
    a, b = org.customers(org.one, 2)
    first = org.night()[org.one.id]
    org.boss.change({"id": a}, owner_id=org.two.id)
    assert [(r["id"], r["lapsed"]) for r in org.rows(first)] == [(a, True), (b, False)]
    org.customers(org.one, 1)
    again = org.night()[org.one.id]
    assert again["id"] == first["id"] and again["customers"] == 2 and again["made_at"] == first["made_at"] and again["checked_at"] > first["checked_at"]
    told = [n for n in org.boss.pages("/notices", kind="rotation") if n["at"] >= first["made_at"]]
    assert len(told) == 1 and told[0]["reason"].startswith("2 customers") and [n for n in org.admin.pages("/notices", kind="rotation") if n["at"] >= first["made_at"]] == []
    org.policy()
    org.policy("closing", longest_days=30)
    assert org.night() == {} and org.admin.get(f"/rotations/{first['id']}").json()["status"] == "lapsed"
    problem(org.boss.post(f"/rotations/{first['id']}/apply", {}), 409, "decided")
    org.policy("closing")


def test_once_a_day_and_only_where_it_is_wanted(org):
    org.customers(org.one, 1)
    org.evening()
    while org.stack.sql("select api.rotations_step()", user="holdfast_cgi") != [(5000,)]:
        pass
    assert org.stack.sql("select rotated_on::text from app.org where org_id = %s", org.id) == [("-infinity",)] and org.open() == {}
    org.policy(longest_days=30)
    checked = org.night()[org.one.id]["checked_at"]
    while org.stack.sql("select api.rotations_step()", user="holdfast_cgi") != [(5000,)]:
        pass
    assert org.open()[org.one.id]["checked_at"] == checked


def test_five_hundred_at_most(org):
    org.policy(longest_days=30)
    org.customers(org.one, 501, days=100)
    late = org.customers(org.one, 1, days=99)
    found = org.night()[org.one.id]
    assert found["customers"] == 500 and late[0] not in {r["id"] for r in org.rows(found)}


def test_apply(org):
    org.policy(longest_days=30)
    ids = org.customers(org.one, 4)
    found = org.night()[org.one.id]
    org.boss.change({"id": ids[0]}, owner_id=org.two.id)
    org.boss.change({"id": ids[0]}, owner_id=org.boss.id)
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"reason": "Fresh eyes.", "except": [ids[1]]}
    answer = org.boss.post(f"/rotations/{found['id']}/apply", body, key)
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert (done["status"], done["decided_by"], done["note"], done["left"]) == ("applied", org.boss.id, "Fresh eyes.", 2)
    assert done["transfer"] == {"id": done["bulk_id"], "status": "done", "done": 2, "total": 2, "refused": []} and answer.headers["Location"] == "/v1/bulk/" + done["bulk_id"]
    assert org.owners(ids) == [org.boss.id, org.one.id, org.two.id, org.two.id]
    again = org.boss.post(f"/rotations/{found['id']}/apply", body, key)
    assert again.status_code == 200 and again.json() == done
    problem(org.boss.post(f"/rotations/{found['id']}/apply", body), 409, "decided")
    bulk = org.boss.get("/bulk/" + done["bulk_id"]).json()
    assert (bulk["cause"], bulk["reason"]) == ("rotation", "Fresh eyes.")
    rows = org.stack.sql("select distinct via, operation_id, actor_id::text from app.history where record_id = any(%s::uuid[]) and field = 'owner_id'", ids[2:])
    assert [(via, actor) for via, _, actor in rows] == [("rotation", org.boss.id)]
    tasks = org.two.pages("/activities", customer=ids[2])
    assert [(t["kind"], t["body"]) for t in tasks] == [("task", "Fresh eyes.")]
    assert undo(org.boss, rows[0][1])["conflict_count"] == 0 and org.owners(ids[2:]) == [org.one.id] * 2
    assert {r["id"] for r in org.rows(org.night()[org.one.id])} == {ids[1]}   # what came back is his since now


def test_apply_to_one_person(org):
    org.policy(longest_days=30)
    ids = org.customers(org.one, 2)
    path = f"/rotations/{org.night()[org.one.id]['id']}/apply"
    outside = org.stranger
    problem(org.boss.post(path, {"to": outside.id}), 403, "forbidden", "/to")
    for to, why in ((MISSING, "unknown"), (org.auditor.id, "auditor"), (org.boss.id, "segment"), (org.one.id, "unchanged")):
        body = problem(org.admin.post(path, {"to": to}), 422, "invalid_value", "/to")
        assert body["errors"][0]["code"] == why or (to, body["errors"][0]["code"]) == (org.boss.id, "segment"), body
    assert org.admin.post(path, {"to": outside.id}).status_code == 200 and org.owners(ids) == [outside.id] * 2


def test_nobody_to_give_them_to(org):
    others, was = [org.two.id, org.stranger.id], "update app.staff set segments = %s where id = any(%s::uuid[])"
    org.stack.sql(was, ["closing"], others)
    try:
        org.policy(longest_days=30)
        org.customers(org.one, 1)
        found = org.night()[org.one.id]
        assert found["receivers"] == [{"staff_id": None, "staff_name": None, "customers": 1}] and org.rows(found)[0]["to_id"] is None
        problem(org.boss.post(f"/rotations/{found['id']}/apply", {}), 422, "nothing_to_do")
        assert org.open()[org.one.id]["status"] == "open"
    finally:
        org.stack.sql(was, ["prospecting"], others)


def test_many_need_a_second_person(org):
    org.policy(longest_days=30)
    ids = org.customers(org.one, 51)
    found = org.night()[org.one.id]
    answer = org.boss.post(f"/rotations/{found['id']}/apply", {})
    assert answer.status_code == 202 and answer.json()["transfer"]["status"] == "pending" and org.owners(ids[:1]) == [org.one.id], answer.text
    assert org.night() == {}    # what waits is not proposed again
    done = org.admin.post(f"/bulk/{answer.json()['bulk_id']}/approve", {"note": "Right."})
    assert done.status_code == 200 and done.json()["status"] == "done" and set(org.owners(ids)) == {org.two.id}, done.text


def test_rejected_comes_back(org):
    org.policy(longest_days=30)
    org.customers(org.one, 51)
    answer = org.boss.post(f"/rotations/{org.night()[org.one.id]['id']}/apply", {})
    assert org.admin.post(f"/bulk/{answer.json()['bulk_id']}/reject", {"note": "No."}).status_code == 200
    assert org.night()[org.one.id]["customers"] == 51


def test_dismiss(org):
    org.policy(longest_days=30)
    org.customers(org.one, 2)
    found = org.night()[org.one.id]
    path = f"/rotations/{found['id']}/dismiss"
    problem(org.boss.post(path, {}), 422, "invalid_value", "/note")
    done = org.boss.post(path, {"note": "He is needed there."}).json()
    assert (done["status"], done["note"], done["decided_by_name"]) == ("dismissed", "He is needed there.", "New Comer")
    more = org.customers(org.one, 1)
    assert {r["id"] for r in org.rows(org.night()[org.one.id])} == set(more)
    org.stack.sql("update app.rotation set decided_at = decided_at - interval '31 days' where id = %s", found["id"])
    assert org.night()[org.one.id]["customers"] == 3
    assert found["id"] in {e["subject_id"] for e in org.admin.pages("/events", kind="rotations.dismiss")}


def test_nobody_keeps_his_own(org):
    org.policy(longest_days=30)
    org.customers(org.boss, 1)
    found = org.night()[org.boss.id]
    problem(org.boss.post(f"/rotations/{found['id']}/dismiss", {"note": "Mine."}), 403, "forbidden")
    assert org.admin.post(f"/rotations/{found['id']}/dismiss", {"note": "His."}).status_code == 200


def test_who_sees_what(org):
    org.policy(longest_days=30)
    ids = org.customers(org.one, 1) + org.customers(org.stranger, 1)
    found = org.night()
    assert set(org.open(org.boss)) == {org.one.id} and set(org.open(org.auditor)) == set(found) == {org.one.id, org.stranger.id}
    hidden, mine = found[org.stranger.id]["id"], found[org.one.id]["id"]
    for method, tail, body in (("GET", "", None), ("GET", "/customers", None), ("POST", "/apply", {}), ("POST", "/dismiss", {"note": "x"})):
        faces = [faceless(org.boss.request(method, f"/rotations/{i}{tail}", json=body)) for i in (hidden, MISSING)]
        assert faces[0] == faces[1] and faces[0][0] == 404
        problem(org.one.request(method, f"/rotations/{mine}{tail}", json=body), 403, "forbidden")
    problem(org.one.get("/rotations"), 403, "forbidden")
    for word, body in (("apply", {}), ("dismiss", {"note": "x"})):
        problem(org.auditor.post(f"/rotations/{mine}/{word}", body), 403, "forbidden")
    assert [r["id"] for r in org.rows(found[org.one.id], org.boss)] == ids[:1]
    (shown,) = org.stack.sql("select channel, customer_ids::text[], classes from app.disclosure where staff_id = %s order by id desc limit 1", org.boss.id)
    assert shown == ("list", ids[:1], "base")
    assert org.open(segment="closing") == {} and set(org.open(staff=org.one.id)) == {org.one.id}
    assert set(org.open(limit=1)) == set(found)


def test_one_of_two_applies(org):
    org.policy(longest_days=30)
    ids = org.customers(org.one, 3)
    path = f"/v1/rotations/{org.night()[org.one.id]['id']}/apply"

    def apply(who):
        return requests.post(org.stack.url + path, json={}, headers={"Authorization": who.http.headers["Authorization"]}, timeout=30)

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(apply, [org.boss, org.admin] * 3))
    assert sorted(a.status_code for a in answers) == [200] + [409] * 5, [a.text for a in answers]
    for answer in answers:
        assert answer.status_code == 200 or problem(answer, 409)["code"] == "decided"
    assert org.stack.sql("select count(*) from app.history where record_id = any(%s::uuid[]) and field = 'owner_id'", ids) == [(3,)]


def test_many_machines_ask_at_once(org):
    org.policy(longest_days=30)
    org.customers(org.one, 5)
    for _ in range(3):
        org.evening()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: org.stack.sql("select api.rotations_step()", user="holdfast_cgi"), range(16)))
        org.night()
    assert org.stack.sql("select count(*), sum(customers) from app.rotation where org_id = %s and status = 'open'", org.id) == [(1, 5)]
    assert org.stack.sql("select count(*) from app.rotation_item i join app.rotation r on r.id = i.rotation_id where r.org_id = %s and r.status = 'open'", org.id) == [(5,)]
