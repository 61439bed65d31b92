"""large.py -- what the tests of restores of more than 1,000 records share: making them, holding them up."""
import contextlib
import os
import signal
import time
import uuid

from restoring import moment, window

AS = "select app.act_as(org_id, id, 'customers.mass') from app.staff where id = %s;"


def as_person(stack, person, text, *args):
    """SQL in one transaction and so in one operation, as a mass update of this person would be."""
    return stack.sql(AS + text, person.id, *args)


def spoil(stack, person, n):
    """Makes n customers of a person; he changes two fields of each in one operation. Their ids, the window, the operation."""
    city = "Old " + uuid.uuid4().hex[:8]
    as_person(stack, person, """
        insert into app.customer (org_id, id, name, stage, owner_id, phone, city, created_at, updated_at)
        select org_id, app.uuid7(), 'Many ' || n, 'new', id, '+49 30 ' || 1000000 + n, %s, app.now(), app.now()
        from app.staff, generate_series(1, %s) n where id = %s""", city, n, person.id)
    begin = moment(stack)
    ids = [r[0] for r in as_person(stack, person, "update app.customer set phone = '000', city = null where city = %s returning id::text",
                                   city)]
    scope = window(person, begin, moment(stack))
    operation = stack.sql("select operation_id::text from app.history where record_id = %s and field = 'city'", ids[0])[0][0]
    assert len(ids) == n
    return sorted(ids), scope, operation


def healed(stack, ids):
    """How many of these have both fields back, and how many have neither."""
    return stack.sql("select count(*) filter (where city like 'Old %%' and phone like '+49 30 1%%'), "
                     "count(*) filter (where city is null and phone = '000') from app.customer where id = any(%s::uuid[])", ids)[0]


def ask(client, scope, **headers):
    """Starts a large restore; its id."""
    answer = client.post("/restores", {"scope": scope, "reason": "All of it."}, headers=headers)
    assert answer.status_code == 202, answer.text
    doc = answer.json()
    assert set(doc) == {"id", "status", "done", "total"}
    assert doc["status"] in ("queued", "running") and doc["done"] == 0
    assert answer.headers["Location"] == "/v1/restores/" + doc["id"]
    operation = client.get("/operations/" + client.get(answer.headers["Location"][3:]).json()["operation_id"]).json()
    assert uuid.UUID(operation["request_id"]) == uuid.UUID(answer.headers["X-Request-Id"])
    return doc["id"]


class Held:
    """A transaction that stays open and keeps a record locked, so that a restore that reached it waits there."""

    def __init__(self, stack, record, text="select from app.customer where id = %s for update", *args):
        self.stack, self.connection = stack, stack.connect()
        self.connection.autocommit = False
        self.connection.cursor().execute(text, (*args, record))

    def waiter(self):
        """The server process that waits."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            found = self.stack.sql("select pid from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0")
            if found:
                return found[0][0]
            time.sleep(0.02)
        raise AssertionError("no restore came to wait")

    def commit(self):
        self.connection.commit()
        self.release()

    def release(self):
        self.connection.close()


def processes(stack, program="restores"):
    """Workers and step process of a program with two workers. The step process has closed the socket that the master and the workers share."""
    def sockets(pid):
        links = [os.readlink(f"/proc/{pid}/fd/{f}") for f in os.listdir(f"/proc/{pid}/fd")]
        return {x for x in links if x.startswith("socket:")}
    with open(os.path.join(stack.state, f"run/{program}.pid")) as file:
        master = int(file.read())
    with open(f"/proc/{master}/task/{master}/children") as file:
        children = [int(p) for p in file.read().split()]
    steps = [p for p in children if not sockets(p) & sockets(master)]
    assert len(children) == 3 and len(steps) == 1
    return [p for p in children if p not in steps], steps[0]


@contextlib.contextmanager
def paused(stack, program="restores"):
    """The jobs that are made meanwhile stay queued."""
    step = processes(stack, program)[1]
    os.kill(step, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(step, signal.SIGCONT)
