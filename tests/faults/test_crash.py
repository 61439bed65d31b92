"""PostgreSQL killed with -9 under write load: no acknowledged change is lost, none is half there."""
import os
import signal
import subprocess
import time

import psycopg2
import pytest
from conftest import LONG
from holdfast import Stack
from ledger import Audit, Office
from load import Wire, kill, part, processes, until

PGBIN = "/usr/lib/postgresql/15/bin/"


class Server:
    """The stack's PostgreSQL, killed and started by us: the keeper would wait longer from one time to the next."""

    def __init__(self, stack):
        self.stack, self.data = stack, stack.state + "/pg"
        os.kill(part(stack, "keeper"), signal.SIGKILL)
        self.postmaster = part(stack, "postgres")
        self.child = None

    def kill(self, whole):
        """Kills the postmaster, whose children end when they notice; or the whole of it, in the midst of their commits."""
        kill(self.postmaster, signal.SIGKILL)
        if self.child is not None:
            self.child.wait()

        def ended():
            left = processes(self.stack, "postgres")
            for pid in left if whole else ():  # also one that was just born, and may wait for a lock of the dead
                kill(pid, signal.SIGKILL)
            return not left

        until(ended, 20, "the end of the killed server's children")
        for file in (self.data + "/postmaster.pid", self.stack.socket + "/.s.PGSQL.5432.lock"):
            os.remove(file)  # a dead process that nobody has waited for yet is alive to PostgreSQL

    def start(self):
        become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"] if os.geteuid() == 0 else []
        with open(self.stack.state + "/log/postgres.log", "ab") as log:
            self.child = subprocess.Popen(become + [PGBIN + "postgres", "-D", self.data], cwd=self.data, stdout=log, stderr=log)
        self.postmaster = self.child.pid
        until(self.answers, 30, "PostgreSQL's start")

    def answers(self):
        assert self.child.poll() is None, "PostgreSQL did not start"
        try:
            self.stack.connect().close()
            return True
        except psycopg2.OperationalError:
            return False

    def end(self):
        kill(self.postmaster, signal.SIGINT)
        if self.child is not None:
            self.child.wait()


@pytest.fixture
def server():
    """Of a stack of its own: it loses its keeper."""
    with Stack() as stack:
        server = Server(stack)
        yield server
        server.end()


def crash(server, cycles, dice, enough=lambda: False):
    """Kills the server some times under load; returns the office and how long the API took to come back."""
    token, back = server.stack.login("ada@demo.test").tokens["access_token"], []
    with Office(server.stack, dice) as office:
        for _ in range(cycles):
            time.sleep(dice.uniform(0.05, 0.5))
            server.kill(whole=dice.random() < 0.7)
            server.start()
            began = time.monotonic()
            Wire(server.stack, token).until_good("/customers?limit=1")
            back.append(time.monotonic() - began)
        time.sleep(2.1)  # longer than a program waits before it tries again
        for writer in office.writers:
            writer.after = len(writer.ledger)
        time.sleep(0.5)
    return office, back


def test_no_acknowledged_change_is_lost(server, dice):
    office, back = crash(server, 200 if LONG else 20, dice)
    audit = Audit(server.stack, office.ledger)
    kinds = {kind: sum(e.kind == kind and e.is_ == "done" for e in office.ledger) for kind in ("create", "change", "archive", "undo")}
    print(f"{len(back)} kills, {len(office.ledger)} intents, acknowledged {kinds}, {audit}")
    with open(server.stack.state + "/log/customers.log", encoding="utf8") as log:
        broken = [word for line in log if '"outcome"' in line for word in ("committed", "aborted", "unknown") if f'"is":"{word}"' in line]
    print(f"broken commits of customers, as resolved by their ids: { {word: broken.count(word) for word in sorted(set(broken))} }")
    print(f"API back after at most {max(back):.2f} s; answers {dict(office.answers)}")
    assert audit.clean, str(audit)
    assert office.bad == []
    assert min(kinds.values()) > 0 and sum(kinds.values()) > 10 * len(back)
    assert max(back) < 2
    late = [e for w in office.writers for e in w.ledger[w.after:]]
    assert late and {e.is_ for e in late} == {"done"}, "somebody is not served 2 s after PostgreSQL came back"


def test_the_harness_finds_what_is_lost_without_synchronous_commit(server, dice):
    server.stack.sql("alter system set synchronous_commit = off")
    server.stack.sql("alter system set wal_writer_delay = '10s'")
    server.stack.sql("select pg_reload_conf()")
    lost = 0
    for cycles in range(1, 11):
        office, _ = crash(server, 1, dice)
        audit = Audit(server.stack, office.ledger)
        lost += len(audit.lost)
        print(f"cycle {cycles}: {audit}")
        if lost:
            break
    assert lost > 0
    server.stack.sql("delete from app.history where id = (select id from app.history where field = 'city' order by id desc limit 1)")
    audit = Audit(server.stack, office.ledger)
    assert audit.half and audit.strange, "a change that is half there is not found"
