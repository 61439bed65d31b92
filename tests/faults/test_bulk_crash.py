"""PostgreSQL or the program killed with -9 in the midst of mass updates: each goes on at the next start and is whole, once."""
import os
import signal
import sys
import time

import pytest
from conftest import LONG
from holdfast import Stack
from load import kill, part
from test_crash import Server

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "api"))
from bulking import alone, begun, book, ended, owners  # noqa: E402

MANY = 2000


@pytest.fixture
def server():
    """Of a stack of its own: it loses its keeper."""
    with Stack() as stack:
        stack.unlimited()
        with alone(stack, 100000):
            server = Server(stack)
            yield server
        server.end()


def children(master):
    with open(f"/proc/{master}/task/{master}/children") as file:
        return [int(p) for p in file.read().split()]


def test_whatever_dies_a_job_is_whole(server, dice):
    stack, killed = server.stack, {"postgres": 0, "program": 0}
    ids = book(stack, stack.enter("rita@demo.test"), MANY)[1]
    people = [stack.enter(name + "@demo.test").id for name in ("rita", "omar")]
    for cycle in range(50 if LONG else 3):
        ada, heir = stack.enter("ada@demo.test"), people[1 - cycle % 2]
        filter = {"owner": people[cycle % 2], "city": stack.sql("select city from app.customer where id = %s", ids[0])[0][0]}
        bulk = begun(ada, "transfer", filter=filter, to={"staff_id": heir})
        time.sleep(dice.uniform(0.02, 0.6))
        if cycle % 3 != 2:
            server.kill(whole=dice.random() < 0.7)
            server.start()
            killed["postgres"] += 1
        else:
            for pid in children(part(stack, "bulk")):
                kill(pid, signal.SIGKILL)
            killed["program"] += 1
        time.sleep(0.3)
        doc = None
        while doc is None:      # the workers find out that their connection is gone by a request that fails
            try:
                doc = ended(ada, bulk)
            except AssertionError:
                time.sleep(0.2)
                assert stack.sql("select status from app.job where id = %s", bulk)[0][0] != "failed"
        assert (doc["status"], doc["done"], doc["refused"]) == ("done", MANY, []), doc
        assert owners(stack, ids) == {heir: MANY}
        (changes, rows, made), = stack.sql("""select o.changes, (select count(*) from app.history h where h.operation_id = o.id), (select count(*) from app.history h where h.operation_id = o.id and h.field is null)
            from app.operation o where o.id = %s""", doc["operation_id"])
        assert (changes, rows, made) == (2 * MANY, 2 * MANY, MANY), "each change stands in its history once"
    assert stack.fold_differences(new=True) == []
    print(f"killed {killed}")
