"""test_funnel_races.py -- nobody and nothing gets into a stage or a segment while it is taken away."""
import concurrent.futures
import contextlib
import time

import pytest

from holdfast import problem
from restoring import dry_run, undo
from test_funnel import last, otto, segment, stage, without  # noqa: F401
from works import put, segments


@contextlib.contextmanager
def transaction(stack, who):
    """A transaction in the name of somebody that another one has to wait for: commits when the block ends."""
    c = stack.connect()
    c.autocommit = False
    with contextlib.closing(c), c.cursor() as q:
        q.execute("select app.act_as(org_id, id, 'test') from app.staff where id = %s", (who.id,))
        yield q
        c.commit()


INSERT = """insert into app.customer (org_id, id, name, stage, owner_id, created_at, updated_at)
    values (app.org(), app.uuid7(), 'Just now', %s, app.me(), app.now(), app.now())"""
DEAL = """insert into app.deal (org_id, id, customer_id, title, stage, created_at, updated_at)
    select c.org_id, app.uuid7(), c.id, 'Just now', %s, app.now(), app.now() from app.customer c where c.name = 'Moving' and c.org_id = app.org()"""
HIRE = """insert into app.staff (org_id, id, person_id, name, email, role, segments, created_at, updated_at)
    select app.org(), i.id, i.id, 'Rob', i.id || '@other.test', 'rep', array[%s], app.now(), app.now() from (select app.uuid7() as id) i"""
MOVE = "update app.customer set stage = %s where name = 'Moving' and org_id = app.org()"


def waiting(stack, pool, ask):
    """Asks, and waits until PostgreSQL has it wait for a lock."""
    answer = pool.submit(ask)
    until = time.monotonic() + 10
    while not stack.sql("select 1 from pg_stat_activity where wait_event_type = 'Lock' and usename = 'holdfast_cgi'"):
        assert time.monotonic() < until and not answer.done(), answer.result().text if answer.done() else "nobody waits"
        time.sleep(0.02)
    return answer


@pytest.mark.parametrize("statement, word, used, how", [(s, w, u, h) for s, w, u in ((INSERT, "proposal", "stage"), (MOVE, "proposal", "stage"), (HIRE, "negotiation", "segment"))
                                                        for h in ("removed", "moved")] + [(DEAL, "proposal", "stage", "removed")])
def test_nobody_slips_in(stack, otto, statement, word, used, how):
    """Who comes into a stage or a segment while it is taken away counts."""
    funnel = segments(otto)
    otto.customer(name="Moving", stage="new")
    new = without(funnel, word)
    if how == "moved" and used == "stage":
        new[2]["stages"].append(stage(word))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with transaction(stack, otto) as q:
            q.execute(statement, (word,))
            answer = waiting(stack, pool, lambda: put(otto, new))
        body = problem(answer.result(), 409, "in_use")
    assert body["in_use"] == [{used: word, "customers": int(statement in (INSERT, MOVE)), "deals": int(statement == DEAL), "staff": int(used != "stage")}]
    assert segments(otto) == funnel


def test_nobody_comes_too_late(stack, otto):
    """Nobody gets into a stage that is being taken away."""
    c = otto.customer(stage="new")
    stack.sql("update app.staff set segments = '{prospecting,negotiation}' where id = %s", otto.id)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        for ask in (lambda: otto.post("/customers", {"name": "x", "stage": "proposal"}), lambda: otto.patch("/customers/" + c["id"], {"stage": "proposal"}, "*"),
                    lambda: otto.post(f"/customers/{c['id']}/stage", {"stage": "proposal"})):
            assert put(otto, [segment("prospecting", "new"), segment("negotiation", "proposal", "x")]).status_code == 200
            with transaction(stack, otto) as q:
                q.execute("update app.funnel set segments = jsonb_set(segments, '{1,stages}', '[{\"id\": \"x\", \"name\": \"x\"}]') where org_id = app.org()")
                answer = waiting(stack, pool, ask)
            problem(answer.result(), 422, "invalid_value", "/stage")
    assert otto.get("/customers/" + c["id"]).json() == c


def test_undo_of_what_is_in_use(stack, otto):
    funnel = segments(otto)
    assert put(otto, funnel + [segment("more", "more")]).status_code == 200
    operation, new = last(otto)["id"], segments(otto)
    c = otto.customer(stage="more")
    plan = dry_run(otto, {"operation": operation})
    assert (plan["restorable"], plan["conflict_count"], [k["why"] for k in plan["conflicts"]]) == (0, 1, ["in_use"])
    done = undo(otto, operation)
    assert (done["restored"], [(k["entity"], k["field"], k["why"], k["target"]) for k in done["conflicts"]]) == (0, [("funnel", "segments", "in_use", funnel)])
    assert segments(otto) == new
    assert otto.patch("/customers/" + c["id"], {"stage": "new"}, "*").status_code == 200
    # Somebody comes in after the plan was made.
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with transaction(stack, otto) as q:
            q.execute(INSERT, ("more",))
            answer = waiting(stack, pool, lambda: otto.post(f"/operations/{operation}/undo", {"reason": "x"}))
        late = answer.result().json()
        assert (late["restored"], [(k["entity"], k["why"]) for k in late["conflicts"]]) == (0, [("funnel", "unfit")])
    stack.sql("select app.act_as(org_id, id, 'test') from app.staff where id = %s; update app.customer set stage = 'new' where stage = 'more'", otto.id)
    assert undo(otto, operation)["restored"] == 1 and segments(otto) == funnel
