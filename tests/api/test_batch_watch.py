"""What watches single calls watches batches: holds, refusals that are counted, budgets, duplicates, the ledger, locks."""
import concurrent.futures
import contextlib
import json
import random
import uuid

import pytest

import bulking
from batching import change, codes, create, send, sent
from exporting import decider, second_account
from hiring import again
from holdfast import Client, problem
from people import MISSING, newcomer
from watching import alerts, customers, limits, phones, rep


@contextlib.contextmanager
def exposed(stack, person, hard, measure="customers"):
    """So much he may see in an hour, or ask for that he does not see, while the block runs."""
    org = "org_id = (select org_id from app.staff where id = %s)"
    was = stack.sql(f"select budgets from app.settings where {org}", person.id)[0][0]
    limits_ = json.dumps({person.id: {measure: {"hour": {"soft": hard, "hard": hard}}}})
    stack.sql(f"update app.settings set budgets = budgets || %s where {org}", limits_, person.id)
    yield
    stack.sql(f"update app.settings set budgets = %s where {org}", json.dumps(was), person.id)


@pytest.fixture
def rob(stack, max):
    return rep(stack, max)


def test_changes_of_phones_wait(stack, max, rob):
    ids = customers(stack, rob, 30)
    before = phones(stack, ids)
    items = [change(i, phone=f"+33 1 4268 {n:04}") for n, i in enumerate(ids)]
    with limits(stack, rob):
        body = problem(send(rob, "customers", *items), 409, "held")
        assert codes(body) == [(f"/items/{n}", "held") for n in range(20, 30)] and phones(stack, ids) == before
        assert max.pages("/holds", staff=rob.id) == [] and alerts(max, rob) == []
        body = sent(rob, "customers", *items, create(name="x"), atomic=False)
    assert (body["done"], body["held"], body["failed"]) == (21, 10, 0)
    assert phones(stack, ids)[20:] == before[20:] and sum(a != b for a, b in zip(phones(stack, ids), before)) == 20
    holds = {h["id"]: h for h in max.pages("/holds", staff=rob.id, status="pending")}
    assert set(holds) == {r["hold"]["id"] for r in body["results"] if r["status"] == 202} and {h["rule"] for h in holds.values()} == {"contact_changes"}
    (alert,) = alerts(max, rob)
    assert alert["rule"] == "contact_changes" and len(alert["evidence"]["operations"]) == 1


def test_contacts_wait_too(stack, max, rob):
    c = rob.customer()
    made = sent(rob, "contacts", *[create(customer_id=c["id"], name=f"N{n}", phone=f"+49 30 777 {n:04}") for n in range(4)])["results"]
    with limits(stack, rob, contact_changes={"hour": 2}):
        body = sent(rob, "contacts", *[change(r, phone=f"+33 1 4268 {n:04}") for n, r in enumerate(made)], atomic=False)
    assert [r["status"] for r in body["results"]] == [200, 200, 202, 202]


def test_each_guess_counts(stack, max, rob):
    """Two hundred ids in a batch are two hundred requests for what is not his, whether or not the batch is refused."""
    denied = "select used[3][4] from app.exposure where staff_id = %s"
    theirs = [i for i in customers(stack, newcomer(stack, "rep", max), 3)]
    sent(rob, "customers", *[change(i, city="x") for i in theirs], create(name="x", owner_id=max.id), atomic=False)
    assert stack.sql(denied, rob.id) == [(4,)]
    problem(send(rob, "customers", change(MISSING), change(theirs[0])), 404, "not_found")
    assert stack.sql(denied, rob.id) == [(6,)]
    kinds = stack.sql("select kind, subject_id, detail->>'call', code, count(*) from app.event where staff_id = %s and kind like 'refused.%%' group by 1, 2, 3, 4", rob.id)
    assert sorted((k, str(s), n) for k, s, call, code, n in kinds) == sorted(
        [("refused.not_found", theirs[0], 2), ("refused.not_found", theirs[1], 1), ("refused.not_found", theirs[2], 1), ("refused.not_found", MISSING, 1), ("refused.forbidden", "None", 1)])
    assert {call for _, _, call, _, _ in kinds} == {"POST /v1/customers/batch"}


def test_too_many_guesses_block(stack, max, rob):
    with exposed(stack, rob, 20, "denied"):
        sent(rob, "customers", *[change(str(uuid.uuid4()), city="x") for _ in range(30)], atomic=False)
        problem(rob.get("/customers"), 429, "exposure_budget_exceeded")
    assert [a["rule"] for a in alerts(max, rob)] == ["denied"]


def test_each_guess_of_a_mass_update_counts_too(stack, max):
    """A dry run of ids is as many requests as it has ids that he does not see; what a filter leaves out is none."""
    denied = "select used[3][4] from app.exposure where staff_id = %s"
    boss = rep(stack, max)
    stack.sql("update app.staff set role = 'manager', segments = '{}' where id = %s", boss.id)
    theirs = customers(stack, newcomer(stack, "rep", max), 2) + [MISSING]
    mine = customers(stack, rep(stack, boss), 1)
    shown = bulking.preview(boss, "tag", ids=mine + theirs, changes={"add": ["x"]})
    assert bulking.why(shown) == {"not_found": 3} and stack.sql(denied, boss.id) == [(3,)]
    assert bulking.want(boss, "tag", ids=mine + theirs, changes={"add": ["x"]}, confirm=shown["confirm"], reason="x").status_code == 201
    assert stack.sql(denied, boss.id) == [(3,)], "once"
    events = stack.sql("select subject_id::text from app.event where staff_id = %s and kind = 'refused.not_found' and detail->>'call' = 'POST /v1/bulk'", boss.id)
    assert sorted(i for i, in events) == sorted(theirs)


def test_a_batch_is_in_the_ledger_and_the_budget(stack, max, rob):
    ids = customers(stack, rob, 5)
    answer = send(rob, "customers", *[change(i, city="Ulm") for i in ids])
    assert answer.headers["X-Classification"] and "Exposure-Remaining" in answer.headers
    (row,) = stack.sql("select channel, customer_ids::text[], classes, masked from app.disclosure where staff_id = %s", rob.id)
    assert row[0] == "change" and sorted(row[1]) == sorted(ids) and row[2:] == ("base", True)
    theirs = customers(stack, newcomer(stack, "rep", max), 6)
    boss = newcomer(stack, "manager", max)
    stack.sql("update app.customer set owner_id = %s where id = any(%s::uuid[])", boss.id, theirs)
    with exposed(stack, boss, 4):
        for atomic in (True, False):
            body = problem(send(boss, "customers", *[change(i, city="Ulm") for i in theirs], atomic=atomic), 429, "exposure_budget_exceeded")
            assert body["limit"] == 4 and body["used"] == 0
        assert stack.sql("select count(*) from app.customer where id = any(%s::uuid[]) and city = 'Ulm'", theirs) == [(0,)]


def test_duplicates_are_told(stack, rob):
    mail = f"{uuid.uuid4().hex}@x.test"
    first = rob.customer(email=mail)
    one, two, three = sent(rob, "customers", create(name="A", email=mail), create(name="B", email=mail), create(name="C"))["results"]
    assert [d["id"] for d in one["duplicates"]] == [first["id"]] and {d["id"] for d in two["duplicates"]} == {first["id"], one["id"]} and three["duplicates"] == []
    assert stack.sql("select count(*) from app.disclosure where staff_id = %s and channel = 'duplicate'", rob.id) == [(2,)]
    body = problem(send(rob, "customers", create(name="D", email=mail), create(name="E"), params={"duplicates": "refuse"}), 409, "duplicate")
    assert codes(body) == [("/items/0", "duplicate")] and "duplicates" not in body
    seen = stack.sql("select count(*) from app.disclosure where staff_id = %s and channel = 'duplicate'", rob.id)
    body = sent(rob, "customers", create(name="D", email=mail), create(name="E"), params={"duplicates": "refuse"}, atomic=False)
    assert [r["status"] for r in body["results"]] == [409, 201] and len(body["results"][0]["problem"]["duplicates"]) == 3
    assert stack.sql("select count(*) from app.disclosure where staff_id = %s and channel = 'duplicate'", rob.id)[0][0] == seen[0][0] + 1
    c = rob.customer()
    one, two = sent(rob, "contacts", create(customer_id=c["id"], name="A", email=mail), create(customer_id=c["id"], name="B"))["results"]
    assert first["id"] in {d["id"] for d in one["duplicates"]} and two["duplicates"] == []


def test_an_item_that_would_show_too_much_ends_all(stack, max):
    """What duplicates tell counts as seen: beyond a limit nothing of the batch happens, though each item stands alone."""
    boss, mail, name = newcomer(stack, "manager", max), f"{uuid.uuid4().hex}@x.test", uuid.uuid4().hex
    below = rep(stack, boss)
    for _ in range(3):
        below.customer(email=mail)
    with exposed(stack, boss, 2):
        for atomic in (True, False):
            problem(send(boss, "customers", create(name=name), create(name="x", email=mail), atomic=atomic), 429, "exposure_budget_exceeded")
    assert stack.sql("select count(*) from app.customer where name = %s", name) == [(0,)]


def test_batches_at_once_wait_for_no_ring(stack, max, rob):
    """Two people write the same customers in every order, with single calls between; nobody is told to try again."""
    ids = customers(stack, rob, 12)
    boss = {"Authorization": max.http.headers["Authorization"]}
    mine = {"Authorization": rob.http.headers["Authorization"]}

    def work(n):
        client, order = Client(stack), random.Random(n).sample(ids, len(ids))
        headers = boss if n % 2 else mine
        if n % 3 == 0:
            return client.request("PATCH", "/customers/" + order[0], json={"phone": f"+33 1 4268 {n:04}"}, headers=dict(headers, **{"If-Match": "*"}))
        items = [change(i, phone=f"+33 1 4269 {n:04}") for i in order] + [create(name=f"Ring {i}", owner_id=rob.id) for i in random.Random(n).sample(range(5), 5)]
        return client.post("/customers/batch", {"items": items, "atomic": bool(n % 5)}, headers)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(work, range(40)))
    assert {a.status_code for a in answers} == {200}, [a.text for a in answers if a.status_code != 200]
    assert all(a.json().get("failed", 0) == 0 for a in answers)


def test_nobody_gives_his_team_away_by_batches(stack, max):
    """More customers than a mass update gives away alone: refused; the same without a new owner is not."""
    ids = customers(stack, rep(stack, max), 51)
    other = rep(stack, max)
    for atomic in (True, False):
        body = problem(send(max, "customers", *[change(i, owner_id=other.id) for i in ids], atomic=atomic), 409, "needs_approval")
        assert (body["given"], body["most"]) == (51, 50)
    assert sent(max, "customers", *[change(i, owner_id=other.id) for i in ids[:50]], change(ids[50], city="Ulm"))["done"] == 51
    assert stack.sql("select count(*) from app.customer where owner_id = %s", other.id) == [(50,)]


def test_nor_by_many_of_them(stack, max):
    """Four times as many within a day, by batches, single calls and mass updates of whatever account; all of them count."""
    boss, other = decider(stack, "admin"), rep(stack, max)
    ids = customers(stack, rep(stack, max), 260)
    for n in range(3):
        assert sent(boss, "customers", *[change(i, owner_id=other.id) for i in ids[50 * n:50 * n + 50]])["done"] == 50
    assert bulking.done(boss, "transfer", ids=ids[150:198], to={"staff_id": other.id})["moved"] == 48
    assert boss.patch("/customers/" + ids[198], {"owner_id": other.id}, "*").status_code == 200
    twin = second_account(stack, decider(stack, "admin"), boss)
    for who in (boss, twin):
        body = problem(send(who, "customers", *[change(i, owner_id=other.id) for i in ids[199:201]], atomic=False), 409, "needs_approval")
        assert (body["given"], body["most"]) == (2, 50)
    assert sent(twin, "customers", change(ids[199], owner_id=other.id), change(ids[200], city="Ulm"))["done"] == 2
    bulking.pending(boss, ids=ids[200:201], to={"staff_id": other.id})
    problem(send(boss, "customers", change(ids[200], owner_id=other.id)), 409, "needs_approval")


def test_at_once_neither(stack, max):
    """Batches that are sent at once are judged one after the other."""
    boss, other = decider(stack, "admin"), rep(stack, max)
    ids = customers(stack, rep(stack, max), 300)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: send(again(boss), "customers", *[change(i, owner_id=other.id) for i in ids[50 * n:50 * n + 50]]), range(6)))
    assert sorted(a.status_code for a in answers) == [200] * 4 + [409] * 2
    assert stack.sql("select count(*) from app.customer where owner_id = %s", other.id) == [(200,)]
