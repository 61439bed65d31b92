"""Restarts nobody notices: workers, nginx and PostgreSQL's backends end under load."""
import os
import signal
import threading
import time

from conftest import LONG
from load import Load, Wire, kill, part, until, workers

PROGRAMS = ["alerts", "bulk", "customers", "events", "exports", "funnel", "health", "history", "holds", "notices", "operations", "restores", "sessions", "settings", "staff"]


def test_60_terms_to_workers_fail_no_request(stack, dice):
    with Load(stack) as load:
        for _ in range(60):
            while not kill(dice.choice(workers(stack, "customers")), signal.SIGTERM):
                pass
            time.sleep(8 / 60)
        until(lambda: len(workers(stack, "customers")) == 8, 1, "the last replacement")
    load.check()
    assert load.failed == [] and len(load.answers) > 5 * 60, "for each that ended some went on"


def test_hup_to_the_masters_fails_no_request(stack):
    with Load(stack) as load:
        before = set(workers(stack, "customers"))
        os.kill(part(stack, "customers"), signal.SIGHUP)
        until(lambda: before.isdisjoint(workers(stack, "customers")), 10, "the rolling restart")
    load.check()
    assert load.failed == []


def test_10_reloads_of_nginx_fail_no_answered_request(stack):
    with Load(stack) as load:
        for _ in range(10):
            os.kill(part(stack, "nginx"), signal.SIGHUP)
            time.sleep(0.4)
    load.check()
    assert load.failed == [] and len(load.answers) > 5 * 10


def test_a_killed_worker_costs_one_request_and_is_replaced(stack, dice):
    kills = 200 if LONG else 20
    slowest = 0
    with Load(stack) as load:
        for _ in range(kills):
            pid = dice.choice(workers(stack, "customers"))
            os.kill(pid, signal.SIGKILL)
            gone = lambda pids: pid not in pids and len(pids) == 8  # noqa: E731
            slowest = max(slowest, until(lambda: gone(workers(stack, "customers")), 0.5, "the replacement"))
            time.sleep(dice.uniform(0.02, 0.2))
    load.check()
    print(f"{kills} kills, the slowest replacement {slowest:.3f} s")
    lost = [a for a in load.failed if a.status == 502]
    assert len(lost) <= kills and load.broken == []
    # A change that was made, but whose answer died with the worker, makes the next entity-tag stale.
    assert {(a.status, a.code) for a in load.failed} <= {(502, "unavailable"), (412, "version_mismatch")}
    assert len(load.failed) <= 2 * len(lost)


def test_a_terminated_backend_costs_at_most_one_request(stack, dice):
    kills = 500 if LONG else 50
    c = stack.connect()
    with Load(stack) as load, c.cursor() as q:
        for _ in range(kills):
            q.execute("select pid from pg_stat_activity where usename = 'holdfast_cgi' and application_name = 'customers'")
            pids = [pid for pid, in q.fetchall()]
            if pids:
                q.execute("select pg_terminate_backend(%s)", (dice.choice(pids),))
            time.sleep(dice.uniform(0.02, 0.1))
        time.sleep(0.1)
        tail = len(load.answers)
        time.sleep(0.5)
    c.close()
    load.check()
    assert len(load.failed) <= kills and load.broken == []
    assert {(a.status, a.code) for a in load.failed} <= {(503, "unavailable"), (503, "outcome_unknown")}
    assert [a for a in load.answers[tail:] if a.status != 200] == []


def test_a_program_that_is_told_to_end_finishes_what_it_does(stack):
    rita = stack.login("rita@demo.test")
    c = stack.connect()
    c.autocommit = False
    answers = []

    def read():
        answers.append(Wire(stack, rita.tokens["access_token"]).get("/customers?limit=1"))

    waiting = lambda: stack.sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")[0][0]  # noqa: E731
    with c.cursor() as q:
        q.execute("lock table app.customer in access exclusive mode")
        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: waiting() == 4, 2, "four waiting requests")
        master = part(stack, "customers")
        os.kill(master, signal.SIGTERM)
        time.sleep(0.5)
        c.rollback()
    c.close()
    for thread in threads:
        thread.join()
    assert [a.status for a in answers] == [200] * 4
    until(lambda: not os.path.exists(f"/proc/{master}") or part(stack, "customers") != master, 3, "its end")
    again = Wire(stack, rita.tokens["access_token"]).until_good("/customers?limit=1", 3)
    assert again.status == 200


def test_every_program_replaces_its_workers(stack):
    for name in PROGRAMS:
        before = workers(stack, name)
        assert before
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        took = until(lambda: len(workers(stack, name)) == len(before) and not set(before) & set(workers(stack, name)), 0.5,
                     f"the replacement of all workers of {name}")
        print(f"{name}: {took:.3f} s")
