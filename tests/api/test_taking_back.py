"""test_taking_back.py -- what a rep cannot get by taking back his own work: customers others work with, and what he may not know."""
import hashlib
import threading
import uuid

import psycopg2
import pytest

from holdfast import problem
from moving import Firm, moved, stage
from people import newcomer
from restoring import changes, moment, read, restore, undo, window


@pytest.fixture(scope="module")
def firm(stack):
    return Firm(stack)


@pytest.fixture
def handed(firm):
    """Made by the rep and handed over to nan: the customer, the operation, and when it all began."""
    began = moment(firm.stack)
    c = firm.rep.customer(phone="+49 30 " + str(uuid.uuid4().int)[:9])
    assert moved(firm.rep, c, "proposal", owner_id=firm.nan.id)["owner_id"] == firm.nan.id
    (operation,) = {r["operation_id"] for r in changes(firm.nan, c, field="stage,owner_id")}
    return c, operation, began


def glass(firm, client, customer):
    answer = client.post("/customers/break-glass", {"phone": read(firm.boss, customer)["phone"], "reason": "calls"})
    assert answer.status_code == 200, answer.text


def untouched(firm, customer, before):
    assert read(firm.boss, customer) == before
    assert read(firm.nan, customer)["id"] == customer["id"]


@pytest.mark.parametrize("how", ["glass", "open", "neither"])
@pytest.mark.parametrize("work", ["notes", "stage", "restore"])
def test_not_what_others_worked_on(firm, handed, how, work):
    c, operation, began = handed
    if work == "notes":
        firm.nan.change(c, notes="Met him.", phone="+49 30 " + str(uuid.uuid4().int)[:9])
    elif work == "stage":
        moved(firm.nan, c, "negotiation")
    else:
        assert undo(firm.boss, operation, "x")["restored"] == 2
        (last,) = {r["operation_id"] for r in changes(firm.boss, c, field="owner_id")[:1]}
        assert undo(firm.boss, last, "x")["restored"] == 2
    before = read(firm.boss, c)
    try:
        if how == "open":
            firm.stack.sql("update app.settings set visibility = 'open' where org_id = (select org_id from app.staff where id = %s)", firm.boss.id)
        elif how == "glass":
            glass(firm, firm.rep, c)
        for answer in (undo(firm.rep, operation, "mine"), restore(firm.rep, window(firm.rep, began, moment(firm.stack)))):
            assert answer["restored"] == 0
    finally:
        firm.stack.sql("update app.settings set visibility = 'own' where org_id = (select org_id from app.staff where id = %s)", firm.boss.id)
    untouched(firm, c, before)


def test_a_window_archives_nothing_that_is_gone(firm, handed):
    c, _, began = handed
    before = read(firm.boss, c)
    assert restore(firm.rep, window(firm.rep, began, moment(firm.stack)))["restored"] == 0
    untouched(firm, c, before)


def test_whole_or_not_at_all(firm, handed):
    c, operation, _ = handed
    before = read(firm.boss, c)
    firm.stack.sql("update app.staff set segments = '{closing}' where id = %s", firm.rep.id)
    try:
        assert undo(firm.rep, operation, "mine")["restored"] == 0
    finally:
        firm.stack.sql("update app.staff set segments = '{prospecting}' where id = %s", firm.rep.id)
    untouched(firm, c, before)
    assert undo(firm.rep, operation, "mine")["restored"] == 2
    assert read(firm.rep, c)["owner_id"] == firm.rep.id


def test_not_after_a_week(firm, handed):
    c, operation, _ = handed
    before = read(firm.boss, c)
    firm.stack.clock("8 days")
    try:
        rep = firm.stack.login(firm.stack.sql("select email from app.staff where id = %s", firm.rep.id)[0][0])
        assert undo(rep, operation, "mine")["restored"] == 0
    finally:
        firm.stack.clock("0")
    untouched(firm, c, before)


def test_a_former_admin_reaches_nothing(firm, stack):
    chief = newcomer(stack, "admin", firm.boss, ())
    began = moment(stack)
    c = firm.rep.customer(notes="before")
    chief.change(c, notes="after", stage="contacted")
    stack.sql("update app.staff set role = 'rep', segments = '{prospecting}' where id = %s", chief.id)
    before = read(firm.boss, c)
    assert restore(chief, window(chief, began, moment(stack)))["restored"] == 0
    assert read(firm.boss, c) == before


def test_an_undone_hand_over_leaves_nothing_hidden(firm, handed):
    c, operation, _ = handed
    firm.stack.sql("""update app.funnel set segments = jsonb_set(segments, '{1,hides}', '["phone", "notes"]')
        where org_id = (select org_id from app.staff where id = %s)""", firm.boss.id)
    try:
        assert undo(firm.rep, operation, "mine")["restored"] == 2
        assert read(firm.rep, c)["phone"] == c["phone"] and read(firm.rep, c)["masked"] == []
    finally:
        firm.stack.sql("update app.funnel set segments = jsonb_set(segments, '{1,hides}', '[]') where org_id = (select org_id from app.staff where id = %s)",
                       firm.boss.id)


@pytest.mark.parametrize("wrong", [{}, {"reason": " "}, {"reason": None}, {"reason": "x" * 1001}, {"reason": "x", "email": 5}], ids=str)
def test_a_wrong_form_tells_nothing(firm, handed, wrong):
    c, _, _ = handed
    hit = {"phone": c["phone"], **wrong}
    miss = {"phone": "+49 30 " + str(uuid.uuid4().int)[:10], **wrong}
    a, b = (problem(firm.rep.post("/customers/break-glass", body), 422) for body in (hit, miss))
    assert {k: v for k, v in a.items() if k != "instance"} == {k: v for k, v in b.items() if k != "instance"}


def test_the_plan_hash_is_keyed(firm):
    """What it stands for cannot be guessed at: even that of nothing is not the hash of nothing, and it differs between orgs."""
    hashes = set()
    for one in (firm, Firm(firm.stack)):
        nothing = {"actor": one.sue.id, "from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"}
        hashes |= {one.boss.post("/restores", {"scope": nothing, "dry_run": True}).json()["plan_hash"] for _ in range(2)}
    assert len(hashes) == 2 and hashlib.sha256(b"").hexdigest() not in hashes


def typed(firm, client, query, *args):
    """What a query typed as the programs' role answers, or its SQLSTATE."""
    secret = f"{firm.stack.sql('select org_id from app.staff where id = %s', client.id)[0][0]}.{uuid.uuid4().hex:-<43}"
    firm.stack.sql("""insert into app.session (org_id, id, staff_id, secret_hash, created_at, expires_at)
        select org_id, app.uuid7(), id, app.secret_hash(%s), app.now(), app.now() + interval '1 hour' from app.staff where id = %s""", secret, client.id)
    try:
        return firm.stack.sql(query, secret, *args, user="holdfast_cgi")
    except psycopg2.Error as error:
        return error.pgcode


def test_sql_as_the_programs_role(firm, handed):
    c, _, _ = handed
    mine = firm.rep.customer(phone="+49 30 123456", email="a@b.example")
    reveal = "select _doc from api.customer_reveal(%s, gen_random_uuid(), %s, %s)"
    for body in ('{"fields":["phone_key"],"reason":"x"}', '{"fields":["notes"],"reason":"x"}', '{"fields":["phone"]}', '{"fields":["phone"],"reason":" "}'):
        assert typed(firm, firm.rep, reveal, mine["id"], body) == "PT422"
    assert typed(firm, firm.rep, reveal, mine["id"], '{"fields":["phone"],"reason":"x"}')[0][0] == {"phone": "+49 30 123456"}
    move = "select stage, owner_id from api.customer_stage(%s, gen_random_uuid(), 'k1 f', %s, %s)"
    assert typed(firm, firm.rep, move, mine["id"], '{"stage":"new"}')[0][0] == "new"
    for hidden in (c["id"], str(uuid.uuid4())):
        assert typed(firm, firm.rep, move, hidden, "{}") == "PT422"
    opened = "select id from api.customer_break_glass(%s, gen_random_uuid(), %s)"
    for phone in (c["phone"], "+49 30 99999999999"):
        assert typed(firm, firm.rep, opened, '{"phone":"%s"}' % phone) == "PT422"
    listed = "select email, value from api.customer_list(%s, gen_random_uuid(), '{}', false, array[null]::text[], '-updated_at', null, 9, null)"
    assert {r for r in typed(firm, firm.rep, listed)} == {(None, None)}


def test_an_auditor_gets_no_customers(firm, stack):
    axel = newcomer(stack, "auditor", firm.boss, ("closing",))
    c = firm.rep.customer()
    problem(stage(firm.rep, c, "won", owner_id=axel.id), 422, pointer="/owner_id")
    problem(stage(firm.rep, c, "won"), 409, "nobody_available")
    problem(firm.boss.patch("/customers/" + c["id"], {"owner_id": axel.id}, "*"), 422, pointer="/owner_id")


def test_a_hand_over_waits_for_a_dismissal(firm, stack):
    nan = newcomer(stack, manager=firm.north, segments=("negotiation",))
    c, seen = firm.rep.customer(), []
    with stack.connect() as db:
        db.autocommit = False
        with db.cursor() as q:
            q.execute("update app.staff set status = 'inactive' where id = %s", (nan.id,))
            one = threading.Thread(target=lambda: seen.append(stage(firm.rep, c, "proposal", owner_id=nan.id)))
            one.start()
            one.join(0.5)
            assert one.is_alive()
            db.commit()
        one.join(10)
    problem(seen[0], 422, pointer="/owner_id")
    assert read(firm.rep, c)["owner_id"] == firm.rep.id


def test_one_rule_of_people_holds_nothing_else_up(firm, stack):
    """What cannot come back of a person is a conflict; the customers of the same window come back."""
    rogue = newcomer(stack, "admin", firm.boss, ())
    theo = newcomer(stack, manager=firm.north, segments=("closing", "negotiation"))
    c, began = firm.rep.customer(city="Bonn"), moment(stack)
    etag = rogue.get("/staff/" + theo.id).headers["ETag"]
    assert rogue.patch("/staff/" + theo.id, {"manager_id": None}, etag).status_code == 200
    rogue.change(c, city="Nowhere")
    stack.sql("update app.staff set role = 'rep' where id = %s", firm.north.id)
    try:
        answer = restore(firm.boss, window(rogue, began, moment(stack)))
    finally:
        stack.sql("update app.staff set role = 'manager' where id = %s", firm.north.id)
    assert (answer["restored"], [k["why"] for k in answer["conflicts"] if k["entity"] == "staff"]) == (1, ["unfit"])
    assert read(firm.rep, c)["city"] == "Bonn"
