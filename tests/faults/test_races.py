"""Many at once: versions, keys, dismissal, locks and a database that is away."""
import os
import signal
import socket
import subprocess
import threading
import time

import pytest
from conftest import LONG
from load import PEOPLE, Load, Wire, kill, part, processes, until, wires

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def together(jobs):
    """Runs functions at once, each in its thread, and returns what they return."""
    answers, gate = [None] * len(jobs), threading.Barrier(len(jobs))

    def run(i):
        gate.wait()
        try:
            answers[i] = jobs[i]()
        except Exception as e:  # pylint: disable=broad-except
            answers[i] = e

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not [a for a in answers if isinstance(a, Exception)], answers
    return answers


def lock_waiters(stack):
    return stack.sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and usename = 'holdfast_cgi'")[0][0]


@pytest.fixture
def rita(stack):
    return stack.login("rita@demo.test")


@pytest.fixture
def locked(stack):
    """Runs a statement in a transaction that stays open until the test, or a call of it, ends it."""
    c = stack.connect()
    c.autocommit = False

    def lock(text, *args):
        with c.cursor() as q:
            q.execute(text, args)
        return c.rollback
    yield lock
    c.close()


def test_64_writers_of_one_record_lose_no_update(stack, rita):
    one = rita.customer(city="0")
    path, token, attempts = "/customers/" + one["id"], rita.tokens["access_token"], 150 if LONG else 6

    def write():
        wire, done = Wire(stack, token), []
        for _ in range(attempts):
            seen = wire.get(path)
            answer = wire.patch(path, {"city": str(int(seen.json()["city"]) + 1)}, seen.headers["ETag"])
            done.append((answer.status, answer.json()["version"]))
        return done

    answers = [a for done in together([write] * 64) for a in done]
    won = [version for status, version in answers if status == 200]
    last = rita.get(path).json()
    assert {status for status, _ in answers} <= {200, 412}
    assert len(answers) == 64 * attempts and len(set(won)) == len(won) == last["version"] - 1 == int(last["city"])
    rows = stack.sql("select new #>> '{}' from app.history where record_id = %s and field = 'city' order by version", one["id"])
    assert [int(n) for n, in rows] == list(range(1, len(won) + 1))
    assert stack.sql("select sum(changes) from app.operation o where o.id in (select operation_id from app.history "
                     "where record_id = %s)", one["id"])[0][0] == len(won) + 1
    print(f"{len(won)} of {len(answers)} won")


def test_a_key_does_its_thing_once_however_often_it_is_sent(stack, rita):
    keys = 1000 if LONG else 40
    mine = wires(stack, ["rita"] * 8)
    for n in range(keys):
        body, head = {"name": f"Once {n}"}, {"Idempotency-Key": f"once-{n}"}
        answers = together([lambda w=w: w.ask("POST", "/customers", body, head) for w in mine])
        assert {(a.status, a.code) for a in answers} <= {(201, None), (409, "in_progress")}, answers
        assert all("Retry-After" in a.headers for a in answers if a.status == 409)
        assert len({a.body for a in answers if a.status == 201}) == 1
        other = mine[0].ask("POST", "/customers", {"name": f"Other {n}"}, head)
        assert (other.status, other.code) == (422, "key_reused")
    rows = stack.sql("select name, count(*) from app.customer where name like 'Once %%' or name like 'Other %%' group by 1")
    assert len(rows) == keys and {count for _, count in rows} == {1}


def test_nothing_begins_after_a_dismissal(stack, rita):
    times = 200 if LONG else 10
    path = "/customers/" + rita.customer()["id"]
    id_ = rita.id
    for n in range(times):
        mine = wires(stack, ["rita"] * 8)  # anew: a dismissal ended what was there
        stopped, answers = threading.Event(), []

        def work(wire, seen=answers, stop=stopped):
            while not stop.is_set():
                read = wire.get(path)
                seen.append(read)
                if read.status == 200:
                    seen.append(wire.patch(path, {"notes": "still here"}, read.headers["ETag"]))

        threads = [threading.Thread(target=work, args=(w,)) for w in mine]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        stack.sql("update app.staff set status = 'inactive' where id = %s", id_)
        committed = time.monotonic()
        time.sleep(0.1)
        stopped.set()
        for thread in threads:
            thread.join()
        before = [a for a in answers if a.ended < committed]
        after = [a for a in answers if a.began > committed]
        # committed is taken behind the commit: a few may know of it already
        assert 200 in {a.status for a in before} <= {200, 412, 401}
        assert after and {(a.status, a.code) for a in after} == {(401, "session_ended")}
        assert max(a.ended for a in answers) < committed + 5
        refresh = Wire(stack).ask("POST", "/sessions/refresh", {"refresh_token": rita.tokens["refresh_token"]})
        assert refresh.status == 401, refresh
        stack.sql("update app.staff set status = 'active' where id = %s", id_)
    assert n + 1 == times


def test_a_locked_record_is_busy_and_others_are_not(stack, rita, locked):
    token, one, other = rita.tokens["access_token"], rita.customer(), rita.customer()
    release = locked("select from app.customer where id = %s for update", one["id"])
    path, path2 = "/customers/" + one["id"], "/customers/" + other["id"]
    tag, tag2 = (rita.get(p).headers["ETag"] for p in (path, path2))
    held, free, read = together([
        lambda: Wire(stack, token).patch(path, {"city": "here"}, tag),
        lambda: Wire(stack, token).patch(path2, {"city": "there"}, tag2),
        lambda: Wire(stack, token).get(path)])
    assert (held.status, held.code) == (409, "busy") and held.headers["Retry-After"] == "1"
    assert 1.9 < held.seconds < 2.6
    assert free.status == read.status == 200 and max(free.seconds, read.seconds) < 0.5
    release()
    assert Wire(stack, token).patch(path, {"city": "here"}, tag).status == 200


def test_all_workers_busy_is_answered_in_time_and_passes(stack, rita, locked):
    token = rita.tokens["access_token"]
    release = locked("lock table app.customer in access exclusive mode")
    answers = together([lambda: Wire(stack, token).get("/customers?limit=1")] * 24)
    release()
    assert {(a.status, a.code) for a in answers} <= {(409, "busy"), (503, "unavailable"), (503, "timed_out")}
    assert all("Retry-After" in a.headers for a in answers)
    print(f"answered in {min(a.seconds for a in answers):.2f} to {max(a.seconds for a in answers):.2f} s")
    assert max(a.seconds for a in answers) < 3 * 2.6
    began = time.monotonic()
    assert [a.status for a in together([lambda: Wire(stack, token).get("/customers?limit=1")] * 24)] == [200] * 24
    assert time.monotonic() - began < 1


def test_no_connection_left_is_503_at_once_and_passes(stack, rita):
    token = rita.tokens["access_token"]
    stack.sql("alter role holdfast_cgi connection limit 1")
    try:
        stack.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'holdfast_cgi'")
        answers = []
        for _ in range(5):
            answers += together([lambda: Wire(stack, token).get("/customers?limit=1")] * 16)
    finally:
        stack.sql("alter role holdfast_cgi connection limit 150")
    refused = [a for a in answers if a.status != 200]
    assert refused and {(a.status, a.code) for a in refused} == {(503, "unavailable")}
    assert all(a.headers["Retry-After"] == "1" for a in refused) and max(a.seconds for a in refused) < 0.5
    took = until(lambda: {a.status for a in together([lambda: Wire(stack, token).get("/customers?limit=1")] * 16)} == {200},
                 2.5, "recovery")
    print(f"{len(refused)} of {len(answers)} refused, recovery {took:.2f} s")


def test_the_query_of_a_client_that_went_is_cancelled(stack, rita, locked):
    release = locked("lock table app.customer in access exclusive mode")
    with socket.create_connection(("127.0.0.1", stack.port)) as s:
        s.sendall(("GET /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                   f"{rita.tokens['access_token']}\r\n\r\n").encode())
        until(lambda: lock_waiters(stack) == 1, 1, "the query")
    took = until(lambda: lock_waiters(stack) == 0, 1, "the cancelling")
    release()
    print(f"cancelled {took:.3f} s after the client went")


def test_a_change_whose_client_went_is_finished(stack, rita, locked):
    one = rita.customer()
    release = locked("select from app.customer where id = %s for update", one["id"])
    body = '{"city":"gone"}'
    with socket.create_connection(("127.0.0.1", stack.port)) as s:
        s.sendall((f"PATCH /v1/customers/{one['id']} HTTP/1.1\r\nHost: x\r\nIf-Match: *\r\nContent-Type: application/json\r\n"
                   f"Authorization: Bearer {rita.tokens['access_token']}\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode())
        until(lambda: lock_waiters(stack) == 1, 1, "the change")
    time.sleep(0.3)
    release()
    until(lambda: rita.get("/customers/" + one["id"]).json()["city"] == "gone", 1, "the change")


PATHS = {"bulk": "/bulk?limit=1", "customers": "/customers?limit=1", "events": "/events?limit=1", "exports": "/exports?limit=1", "funnel": "/funnel", "health": "/health", "history": "/history?limit=1", "holds": "/holds?limit=1", "alerts": "/alerts?limit=1", "notices": "/notices?limit=1",
         "operations": "/operations?limit=1", "restores": "/restores/00000000-0000-7000-8000-000000000000", "sessions": "/sessions/current",
         "settings": "/settings", "staff": "/staff?limit=1"}


def test_without_postgresql_every_program_says_so_and_comes_back(stack):
    token, keeper = stack.login("max@demo.test").tokens["access_token"], part(stack, "keeper")
    masters, answers, ended = {name: part(stack, name) for name in PATHS}, [], threading.Event()

    def ask():
        wire = Wire(stack, token)
        while not ended.is_set():
            answers.extend((name, wire.get(path)) for name, path in PATHS.items())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    os.kill(keeper, signal.SIGSTOP)  # or it would start it again
    try:
        for thread in threads:
            thread.start()
        os.kill(part(stack, "postgres"), signal.SIGINT)
        until(lambda: len(processes(stack, "postgres")) == 0, 10, "PostgreSQL's end")
        gone = time.monotonic()
        time.sleep(7)  # so that pauses between attempts that double without end would show
        away = [(name, a) for name, a in answers if a.began > gone]
    finally:
        os.kill(keeper, signal.SIGCONT)
    until(lambda: subprocess.run(["/usr/lib/postgresql/15/bin/pg_isready", "-q", "-h", stack.socket], check=False).returncode == 0,
          20, "PostgreSQL's start")
    back = time.monotonic()
    time.sleep(3)
    ended.set()
    for thread in threads:
        thread.join()
    assert {name for name, _ in away} == set(PATHS)
    for name, answer in away:
        assert (answer.status, answer.code) == (503, "unavailable") and answer.headers["Retry-After"] == "1", (name, answer)
        assert answer.seconds < 0.5, (name, answer)
    last = max(a.began for _, a in answers if a.status >= 500) - back
    print(f"{len(away)} times 503 in {max(a.seconds for _, a in away):.3f} s at most; the last {last:.2f} s after PostgreSQL's return")
    assert last < 2
    assert {name: part(stack, name) for name in PATHS} == masters and all(kill(pid, 0) for pid in masters.values())


def test_loading_the_api_anew_fails_no_request(stack):
    with Load(stack, PEOPLE[:4]) as load:
        for _ in range(5):
            time.sleep(0.5)
            subprocess.run([ROOT + "/sql/apply", f"host={stack.socket} dbname=holdfast user=postgres"],
                           env=dict(os.environ, FORCE="1"), check=True, capture_output=True)
        time.sleep(0.5)
    load.check()
    assert load.failed == []
