"""GET /changes: an app that applies what it is told holds exactly what the lists show, and is told of nothing else."""
import base64
import json
import random
import time

import pytest

from following import App, child, cursor, happened, listed, told, whole
from holdfast import problem
from moving import Firm, moved
from restoring import last_operation, undo
from works import put, segments


def test_without_a_cursor_there_is_only_one(rita):
    answer = rita.get("/changes")
    assert answer.status_code == 200 and answer.json()["data"] == [] and "X-Classification" in answer.headers
    again = rita.get("/changes", cursor=answer.json()["next"])
    assert (again.status_code, again.json()["data"]) == (200, []) and again.json()["next"]


def test_what_is_created_and_changed_comes_as_lists_show_it(rita, max, axel, omar):
    people = (rita, max, axel, omar)
    since = {p: cursor(p) for p in people}
    c, all_ = whole(rita, name="Adler", email="a@adler.example", phone="+49 30 1234567")
    rita.change(c, city="Ulm")
    for p in people:
        rows, _ = happened(p, since[p])
        shown = listed(p)
        assert [(row["entity"], row["id"], row["record"]) for row in rows] == ([] if p is omar else [(*key, shown[key]) for key in all_])
        assert {row["op"] for row in rows} <= {"upsert"}
        assert all(row["record"]["email"] == "a***@a***" for row in rows if row["entity"] == "customers")


def test_handing_over_takes_all_from_one_and_brings_all_to_the_other(rita, nina, omar, max, axel):
    c, all_ = whole(rita)
    since = {p: cursor(p) for p in (rita, nina, omar, max, axel)}
    moved(rita, c, "proposal", owner_id=nina.id)
    rows = {p: happened(p, since[p])[0] for p in since}
    assert told(rows[rita]) == [("purge", "customers", c["id"])]
    assert told(rows[omar]) == []
    for p in (nina, max, axel):
        assert told(rows[p]) == [("upsert", *key) for key in all_]
    # Nor does she hear of it later.
    since = {p: happened(p, since[p])[1] for p in (rita, omar)}
    nina.change(c, city="Hof")
    assert [happened(p, since[p])[0] for p in (rita, omar)] == [[], []]


def test_a_page_may_end_anywhere_within_what_was_handed_over(rita, nina):
    c, all_ = whole(rita)
    all_ += [("activities", child(rita, "activities", c)["id"]) for _ in range(7)]
    since = cursor(nina)
    moved(rita, c, "proposal", owner_id=nina.id)
    for limit in (1, 2, 3, 5, 200):
        rows, _ = happened(nina, since, limit)
        assert sorted(told(rows)) == sorted(("upsert", *key) for key in all_) and rows[0]["id"] == c["id"]


def test_a_cursor_tells_nothing(rita, nina):
    """Anybody can read what it holds."""
    c, _ = whole(rita)
    since = cursor(nina)
    moved(rita, c, "proposal", owner_id=nina.id)
    answer = nina.get("/changes", cursor=since, limit=1).json()
    held = base64.urlsafe_b64decode(answer["next"] + "===")
    assert answer["data"][0]["id"] == c["id"] and c["id"].encode() not in held and b"customers" in held


def test_archiving_and_restoring(rita, max):
    c, all_ = whole(rita)
    since = cursor(rita)
    assert rita.delete("/customers/" + c["id"], rita.get("/customers/" + c["id"]).headers["ETag"]).status_code == 200
    rows, since = happened(rita, since)
    assert sorted(told(rows)) == sorted(("delete", *key) for key in all_)
    assert all(row["customer_id"] == c["id"] and row["record"] is None for row in rows)
    undo(max, last_operation(rita, c))
    rows, since = happened(rita, since)
    assert sorted(told(rows)) == sorted(("upsert", *key) for key in all_)
    undo(max, last_operation(max, c))
    assert sorted(told(happened(rita, since)[0])) == sorted(("delete", *key) for key in all_)


def test_breaking_the_glass_brings_nothing(rita, omar):
    phone = "+49 30 77%08d" % random.randrange(10 ** 8)
    c = rita.customer(phone=phone)
    since = cursor(omar)
    assert omar.post("/customers/break-glass", {"phone": phone, "reason": "He calls."}).status_code == 200
    assert omar.get("/customers/" + c["id"]).status_code == 200
    rita.change(c, city="Ulm")
    child(rita, "activities", c)
    assert happened(omar, since)[0] == []


def test_an_earlier_revision_ends_with_the_next(rita):
    c = rita.customer()
    first = child(rita, "offers", c)
    assert rita.post(f"/offers/{first['id']}/send", {}).status_code == 200
    second = rita.post(f"/offers/{first['id']}/revise", {}).json()
    app = App(rita)
    assert rita.post(f"/offers/{second['id']}/send", {}).status_code == 200
    assert ("upsert", "offers", first["id"]) in told(app.sync())
    assert app.differs() == []


def test_numbers_follow_their_customer_s_country(rita):
    c = rita.customer(country="DE")
    k = child(rita, "contacts", c, phone="030 1234567")
    app = App(rita)
    rita.change(c, country="FR")
    assert ("upsert", "contacts", k["id"]) in told(app.sync())
    assert app.differs() == []


def test_what_a_restore_does_in_pieces_comes_again(stack, rita):
    """Its operation is of the last of its transactions: what was written behind the cursor is not lost."""
    two = [rita.customer() for _ in range(2)]
    since, operation = cursor(rita), None
    c = stack.connect()
    c.autocommit = False
    for one in two:
        with c.cursor() as q:
            q.execute("select app.act_as(org_id, id, 'test') from app.staff where id = %s", (rita.id,))
            if operation:
                q.execute("select app.operation_continue(%s)", (operation,))
            q.execute("update app.customer set city = 'Ulm' where id = %s returning app.operation_id()", (one["id"],))
            operation = q.fetchone()[0]
        c.commit()
        rows, since = happened(rita, since)
        assert one["id"] in [row["id"] for row in rows]
    c.close()


def test_what_ends_late_is_not_lost(stack, rita):
    """Of two transactions the one that began first ends last: nothing behind it is told before, so the cursor cannot pass it."""
    early, late = rita.customer(), rita.customer()
    since = cursor(rita)
    slow = stack.connect()
    slow.autocommit = False
    with slow.cursor() as q:
        q.execute("select app.act_as(org_id, id, 'test') from app.staff where id = %s", (rita.id,))
        q.execute("update app.customer set city = 'Ulm' where id = %s", (early["id"],))
    rita.change(late, city="Hof")
    rows, since = happened(rita, since)
    assert rows == []
    slow.commit()
    slow.close()
    assert told(happened(rita, since)[0]) == [("upsert", "customers", c["id"]) for c in (early, late)]


def test_a_mass_change_comes_whole(stack, ada, rita, omar):
    n = 4500
    app, since = App(rita), cursor(omar)
    c = stack.connect()
    c.autocommit = False
    with c.cursor() as q:
        q.execute("select app.act_as(org_id, id, 'test') from app.staff where id = %s", (rita.id,))
        q.execute("""insert into app.customer (org_id, id, name, stage, owner_id, created_at, updated_at)
            select s.org_id, app.uuid7(), 'Mass ' || n, 'new', s.id, app.now(), app.now() from app.staff s, generate_series(1, %s) n where s.id = %s""", (n, rita.id))
    c.commit()
    rows, app.cursor = happened(rita, app.cursor)
    for row in rows:
        app.apply(row)
    assert len(rows) == n and app.differs() == []
    began = time.monotonic()
    assert happened(omar, since)[0] == [] and time.monotonic() - began < 5
    # One that somebody sees is told of, however many that he does not see come before it.
    his = omar.customer()
    since = cursor(omar)
    with c.cursor() as q:
        q.execute("select app.act_as(org_id, id, 'test') from app.staff where id = %s", (ada.id,))
        q.execute("update app.customer set city = 'Ulm' where name like 'Mass %%' or id = %s", (his["id"],))
    c.commit()
    assert told(happened(omar, since)[0]) == [("upsert", "customers", his["id"])]
    with c.cursor() as q:   # out of the other tests' way
        q.execute("select app.act_as(org_id, id, 'test') from app.staff where id = %s", (rita.id,))
        q.execute("update app.customer set archived_at = app.now() where name like 'Mass %%' and owner_id = %s", (rita.id,))
    c.commit()
    c.close()
    assert {row["op"] for row in happened(rita, app.cursor)[0]} == {"delete"}


def test_a_cursor_is_good_for_its_person_here(rita, omar):
    since = cursor(rita)
    problem(omar.get("/changes", cursor=since), 400)
    problem(rita.get("/changes", cursor=since[:-4] + "AAAA"), 400)
    problem(rita.get("/changes", cursor=rita.get("/customers", limit=1).json()["next"]), 400)
    problem(rita.get("/changes", limit=201), 400)
    problem(rita.get("/changes", limit=0), 400)


def test_other_rights_ask_for_a_new_beginning(stack):
    firm = Firm(stack)
    rep, north, boss = firm.rep, firm.north, firm.boss

    def funnel():
        segments_ = segments(boss)
        segments_[1]["hides"] = ["notes"]
        return put(boss, segments_)

    def person(one, **changes):
        return lambda: boss.patch("/staff/" + one.id, changes, "*")
    for change, whom, others in (
            (person(rep, segments=["prospecting", "negotiation"]), (rep,), (north, firm.sue, firm.south, boss)),
            (person(firm.sue, manager_id=firm.north.id), (north, firm.south), (rep, boss)),
            (lambda: boss.patch("/settings", {"contact_masking": "off"}, "*"), (rep, north, boss), ()),
            (lambda: boss.patch("/settings", {"visibility": "team"}, "*"), (rep, north), ()),
            (funnel, (rep,), ()),
            (lambda: boss.patch("/settings", {"classification": "Internal"}, "*"), (), (rep, north, boss)),
            (person(rep, name="Renamed"), (), (rep, north))):
        since = {p: cursor(p) for p in whom + others}
        answer = change()
        assert answer.status_code == 200, answer.text
        for p in whom:
            body = problem(p.get("/changes", cursor=since[p]), 409, "resync_required")
            assert "without a cursor" in body["detail"]
            assert happened(p, cursor(p))[0] == []
        for p in others:
            assert happened(p, since[p])[0] == []


def test_another_database_asks_for_a_new_beginning(stack, rita):
    """A cursor from beyond the last transaction is of a database that is no more."""
    secret = json.loads(base64.urlsafe_b64decode(rita.tokens["access_token"].split(".")[1] + "=="))["sid"]

    def ask(place):
        return stack.sql("select _next::jsonb from api.changes_list(%s, gen_random_uuid(), %s, 50) where _tail", secret, place and json.dumps(place), user="holdfast_cgi")[0][0]
    sight, (tx,), _ = ask(None)
    assert ask([sight, [tx], None])[0] == sight
    for place in ([sight, [str(int(tx) + 1000000)]], ["0" * 32, [tx]], [None, [tx]]):
        with pytest.raises(Exception, match="resync_required"):
            ask(place)


def test_the_ledger_knows_what_was_shown(stack, rita, nina):
    c, _ = whole(rita)
    since = {p: cursor(p) for p in (rita, nina)}
    moved(rita, c, "proposal", owner_id=nina.id)
    for p, ids in ((rita, []), (nina, [c["id"]])):
        n = len(stack.sql("select id from app.disclosure where staff_id = %s and channel = 'changes'", p.id))
        p.get("/changes", cursor=since[p])
        found = stack.sql("select customer_ids::text[], classes, masked from app.disclosure where staff_id = %s and channel = 'changes' order by at, id offset %s", p.id, n)
        assert found == ([(ids, "base contact money notes", True)] if ids else [])
