"""Acknowledged means on the disk: settings, and where the log stands when an answer comes."""
import pytest
from load import Wire

SAFE = {"fsync": "on", "full_page_writes": "on", "data_checksums": "on", "synchronous_commit": "on"}


def settings(stack, user):
    c = stack.connect(user)
    with c.cursor() as q:
        q.execute("select name, setting from pg_settings where name = any(%s)", (list(SAFE),))
        found = dict(q.fetchall())
    c.close()
    return found


@pytest.mark.parametrize("user", ["postgres", "holdfast_cgi", "holdfast_sessions"])
def test_the_cluster_keeps_what_it_says_it_keeps(stack, user):
    assert settings(stack, user) == SAFE


def test_the_settings_are_seen_to_be_off(stack):
    """So that the test before this one can fail."""
    try:
        stack.sql("alter role holdfast_cgi set synchronous_commit = off")
        assert settings(stack, "holdfast_cgi")["synchronous_commit"] == "off"
    finally:
        stack.sql("alter role holdfast_cgi reset synchronous_commit")


class Log:
    """How much of the write-ahead log is not on the disk yet; nobody but commits brings it there."""

    def __init__(self, stack):
        self.stack = stack
        for text in ("wal_writer_delay = '10s'", "bgwriter_lru_maxpages = 0", "autovacuum = off"):
            stack.sql("alter system set " + text)
        stack.sql("select pg_reload_conf()")
        stack.sql("create table public.flushed (n int)")
        self.c = stack.connect()

    def ahead(self):
        with self.c.cursor() as q:
            q.execute("select pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn()")
            return int(q.fetchone()[0])

    def flush(self):
        """A commit that waits for the disk, and takes all before it along."""
        with self.c.cursor() as q:
            q.execute("insert into public.flushed values (1)")

    def close(self):
        self.c.close()
        self.stack.sql("drop table public.flushed")
        self.stack.sql("alter system reset all")
        self.stack.sql("select pg_reload_conf()")


@pytest.fixture
def log(stack):
    made = Log(stack)
    yield made
    made.close()


@pytest.fixture
def wire(stack):
    return Wire(stack, stack.login("rita@demo.test").tokens["access_token"])


def changes(wire, n):
    """A kind of change after another, each as a call that makes it and returns its answer."""
    path, tag = None, None
    for i in range(n):
        kind = i % 4
        if kind == 0:
            answer = yield lambda i=i: wire.ask("POST", "/customers", {"name": f"Kept {i}"})
            path = "/customers/" + answer.json()["id"]
        elif kind in (1, 2):
            tag = wire.get(path).headers["ETag"]
            answer = yield lambda i=i: wire.patch(path, {"city": f"city {i}"}, tag)
        else:
            tag = wire.get(path).headers["ETag"]
            answer = yield lambda: wire.ask("DELETE", path, None, {"If-Match": tag})
        assert answer.status in (200, 201), answer


def unflushed(log, wire, n):
    """After how many of n acknowledged changes the log was not on the disk yet. PostgreSQL itself, pruning a page, or the
    restores' step process may have written a little in between."""
    todo, late, answer = changes(wire, n), 0, None
    try:
        while True:
            change = todo.send(answer)
            answer = change()
            late += log.ahead() > 0
    except StopIteration:
        return late


def test_every_change_is_on_the_disk_before_its_answer(log, wire):
    assert unflushed(log, wire, 100) <= 5  # a kind of change that did not wait would be 25


def test_so_are_an_undo_and_a_log_in(stack, log, wire):
    made = wire.ask("POST", "/customers", {"name": "Kept"}).json()
    path = "/customers/" + made["id"]
    assert wire.patch(path, {"city": "away"}, '"*"').status == 412
    assert wire.ask("PATCH", path, {"city": "away"}, {"If-Match": "*"}).status == 200
    operation = wire.get(path + "/history?limit=1").json()["data"][0]["operation_id"]
    assert wire.ask("POST", f"/operations/{operation}/undo", {"reason": "a test"}).status == 201
    assert log.ahead() == 0
    stack.login("max@demo.test")
    assert log.ahead() == 0


def test_a_read_does_not_wait_for_the_disk(log, wire):
    path = "/customers/" + wire.ask("POST", "/customers", {"name": "Read"}).json()["id"]
    quick = 0
    for _ in range(50):
        log.flush()
        assert wire.get(path).status == 200
        quick += log.ahead() > 0
    assert quick >= 45


def test_a_change_that_does_not_wait_is_found(stack, log, wire):
    """So that the tests above can fail."""
    stack.sql("alter role holdfast_cgi set synchronous_commit = off")
    stack.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'holdfast_cgi'")
    try:
        assert unflushed(log, wire, 20) > 10
    finally:
        stack.sql("alter role holdfast_cgi reset synchronous_commit")
        stack.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'holdfast_cgi'")
