"""Restores that meet other work: a change that is not committed yet, a job that still runs, rights that are lost meanwhile."""
import concurrent.futures
import contextlib

import pytest

from holdfast import Stack, problem
from large import AS, Held, ask, healed, paused, spoil
from people import newcomer
from restoring import moment, read, restore, settled, window


@pytest.fixture(scope="module")
def stack():
    with Stack() as running:
        running.unlimited()
        yield running


@pytest.fixture
def changed(rita):
    """A customer of rita's that only she changed, and the scope that takes it back."""
    c = rita.customer(city="A")
    rita.change(c, city="B")
    return c, {"entity": "customers", "id": c["id"], "as_of": c["created_at"]}


def meanwhile(client, scope, held):
    """The answer to a restore that came to wait for a change; the change is committed then."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        try:
            answer = pool.submit(client.post, "/restores", {"scope": scope, "reason": "x"})
            held.waiter()
            held.commit()
            return answer.result()
        finally:
            held.release()


def test_a_rep_waits_for_the_change_of_another_and_is_refused(stack, changed, rita, max):
    c, scope = changed
    held = Held(stack, c["id"], AS + "update app.customer set city = 'M' where id = %s", max.id)
    problem(meanwhile(rita, scope, held), 403, "forbidden")
    assert read(rita, c)["city"] == "M"
    assert restore(max, scope)["restored"] == 1


def test_a_rep_waits_for_a_change_of_her_own(stack, changed, rita):
    c, scope = changed
    held = Held(stack, c["id"], AS + "update app.customer set city = 'C' where id = %s", rita.id)
    answer = meanwhile(rita, scope, held)
    assert (answer.status_code, answer.json()["restored"]) == (201, 1) and read(rita, c)["city"] == "A"


def test_a_rep_waits_and_the_customer_is_gone(stack, changed, rita, max):
    (c, scope), other = changed, newcomer(stack, manager=max)
    held = Held(stack, c["id"], AS + "update app.customer set city = 'M', owner_id = %s where id = %s", max.id, other.id)
    answer = meanwhile(rita, scope, held)
    problem(answer, 404, "not_found")
    assert read(other, c)["city"] == "M"


@pytest.mark.parametrize("n,at,status", [(1001, 0, "queued"), (10001, -1, "running")])
@pytest.mark.parametrize("way", ["undo", "actor"])
def test_what_a_job_still_writes_cannot_be_taken_back(stack, rita, nina, max, ada, way, n, at, status):
    ids, scope, _ = spoil(stack, rita, n)
    held = Held(stack, ids[at])
    try:
        begin = moment(stack)
        job = ask(max, scope)
        held.waiter()
        doc = max.get("/restores/" + job).json()
        assert doc["status"] == status
        end = moment(stack)
        path, body = {"undo": (f"/operations/{doc['operation_id']}/undo", {"reason": "x"}),
                      "actor": ("/restores", {"scope": window(max, begin, end), "reason": "x"})}[way]
        for who in (max, ada):
            answer = who.post(path, body)
            problem(answer, 409, "still_running")
            assert answer.headers["Retry-After"] == "5"
        assert restore(ada, window(nina, begin, end))["restored"] == 0, "what somebody else did is not held up"
    finally:
        held.release()
    doc = settled(max, job)
    assert (doc["status"], doc["restored"]) == ("done", 2 * n) and healed(stack, ids) == (n, 0)
    if way == "actor":
        body["scope"]["to"] = moment(stack)
    answer = ada.post(path, body)
    assert answer.status_code == 202, answer.text
    doc = settled(ada, answer.json()["id"])
    assert (doc["status"], doc["restored"], doc["conflict_count"]) == ("done", 2 * n, 0) and healed(stack, ids) == (0, n)


@contextlib.contextmanager
def demoted(stack, person, column, value):
    """Somebody is something else for a while."""
    text = f"update app.staff set {column} = %s where id = %s"
    before = stack.sql(f"select {column}::text from app.staff where id = %s", person.id)[0][0]
    stack.sql(text, value, person.id)
    try:
        yield
    finally:
        stack.sql(text, before, person.id)


def cancelled(doc, done):
    assert (doc["status"], doc["why"], doc["done"], doc["restored"]) == ("cancelled", "rights_changed", done, 2 * done), doc
    assert doc["finished_at"] is not None


@pytest.mark.parametrize("role", ["rep", "auditor"])
@pytest.mark.parametrize("name", ["max", "abby"])
def test_a_queued_job_ends_when_its_requester_loses_authority(stack, rita, ada, name, role):
    ids, scope, operation = spoil(stack, rita, 1001)
    requester = stack.login(name + "@demo.test")
    for scope in (scope, {"operation": operation}):
        with contextlib.ExitStack() as until:
            with paused(stack):
                job = ask(requester, scope)
                until.enter_context(demoted(stack, requester, "role", role))
            doc = settled(ada, job)
        cancelled(doc, 0)
        assert healed(stack, ids) == (0, 1001)
        assert settled(ada, job) == doc, "it is not taken up again"


def test_a_queued_job_ends_when_the_actor_goes_to_another_manager(stack, rita, max, olga, ada):
    ids, scope, _ = spoil(stack, rita, 1001)
    with contextlib.ExitStack() as until:
        with paused(stack):
            job = ask(max, scope)
            until.enter_context(demoted(stack, rita, "manager_id", olga.id))
        cancelled(settled(ada, job), 0)
    assert healed(stack, ids) == (0, 1001)


def test_a_running_job_ends_when_its_requester_loses_authority(stack, rita, max, ada):
    ids, scope, _ = spoil(stack, rita, 2100)
    held = Held(stack, ids[0])
    job = ask(max, scope)
    held.waiter()
    with demoted(stack, max, "role", "auditor"):
        held.release()
        cancelled(settled(ada, job), 2000)
    assert healed(stack, ids) == (2000, 100), "the piece in hand, and no further one"


def test_a_small_job_is_not_held_up_by_a_large_one(stack, rita, nina, max):
    many, large, _ = spoil(stack, rita, 2001)
    few, small, _ = spoil(stack, nina, 1001)
    with paused(stack):
        jobs = ask(max, large), ask(max, small)
    last, first = (settled(max, job) for job in jobs)
    assert (last["status"], first["status"]) == ("done", "done") and last["created_at"] < first["created_at"]
    assert last["started_at"] < first["finished_at"] < last["finished_at"]
    assert healed(stack, many) == (2001, 0) and healed(stack, few) == (1001, 0)


def test_a_job_that_waits_for_a_lock_lets_others_pass(stack, rita, nina, max):
    many, large, _ = spoil(stack, rita, 1001)
    few, small, _ = spoil(stack, nina, 1001)
    held = Held(stack, many[0])
    try:
        first = ask(max, large)
        held.waiter()
        second = ask(max, small)
        assert settled(max, second)["status"] == "done" and healed(stack, few) == (1001, 0)
        assert max.get("/restores/" + first).json()["done"] == 0
    finally:
        held.release()
    assert settled(max, first)["status"] == "done" and healed(stack, many) == (1001, 0)
