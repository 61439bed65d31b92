"""Imports of more than 1,000 rows: they go on when killed, stop with their requester, and what went in half-way is taken back."""
import os
import signal
import threading
import time
import uuid

import pytest

from holdfast import problem
from importing import begun, dry, ended, imported, many, records, send, settled
from large import Held, paused, processes
from people import newcomer

COUNT = "select count(*) filter (where archived_at is null), count(*) from app.customer where name like %s"


def live(stack, name):
    """How many of this name are there, and how many there ever were."""
    return stack.sql(COUNT, name + " %")[0]


def test_a_large_one(stack, max):
    data, name = many(2500)
    data += "\n".join(f"{name} bad,bad," for _ in range(50)) + "\n"
    document = ended(max, begun(max, data))
    assert (document["status"], document["rows"], document["good"], document["bad"], document["done"], document["total"]) == ("done", 2550, 2500, 50, 2550, 2550)
    assert live(stack, name) == (2500, 2500) and len(document["errors"]) == 20 and len(max.pages(f"/imports/{document['id']}/errors", limit=200)) == 50
    assert max.get("/operations/" + document["operation_id"]).json()["changes"] == 2500 and len(records(max, document)) == 2500
    assert stack.sql("select (select count(*) from app.import_part where import_id = %s), (select count(*) from app.import_key where import_id = %s)", *[document["id"]] * 2) == [(0, 0)]
    answer = max.post(f"/imports/{document['id']}/undo", {"reason": "x"})
    assert answer.status_code == 202 and answer.json()["total"] == 2500


def test_a_large_dry_run(stack, max):
    data, name = many(2100)
    document = ended(max, begun(max, data + data.split("\n", 1)[1], dry_run="true"))
    assert (document["status"], document["good"], document["duplicate_count"], live(stack, name)) == ("done", 4200, 2100, (0, 0))
    assert document["operation_id"] is None and len(document["duplicates"]) == 20 and document["duplicates"][0] == {"line": 2102, "kind": "file", "matched": ["email", "phone"]}


def test_refused_by_one_row_at_its_end(stack, max):
    data, name = many(2100)
    document = ended(max, begun(max, data + f"{name} bad,bad,\n", on_error="refuse"))
    assert (document["status"], document["why"], document["bad"], live(stack, name)) == ("failed", "bad_rows", 1, (0, 0))
    document = ended(max, begun(max, data, on_error="refuse"))
    assert (document["status"], document["good"], document["duplicate_count"], live(stack, name)) == ("done", 2100, 0, (2100, 2100))


def held(stack, who):
    """The next part waits: nothing can be noted of its rows."""
    return Held(stack, who.id, "lock table app.import_row in share mode; select from app.staff where id = %s")


def held_again(stack, who, first):
    """Lets a part that waits go through, and holds the one after it: the lock is asked for while the part waits, and so given when the part has ended."""
    locks = []
    thread = threading.Thread(target=lambda: locks.append(held(stack, who)))
    thread.start()
    until = time.monotonic() + 20
    while stack.sql("select count(*) from pg_locks where relation = 'app.import_row'::regclass and not granted") != [(2,)]:
        assert time.monotonic() < until, "the second lock never came to wait"
        time.sleep(0.01)
    first.release()
    thread.join(20)
    return locks[0]


@pytest.mark.parametrize("dies", ["step process", "step process and its transaction", "workers", "all of the program"])
def test_goes_on_when_killed(stack, max, dies):
    data, name = many(2500)
    lock = held(stack, max)
    import_id = begun(max, data)
    backend = lock.waiter()
    workers, step = processes(stack, "imports")
    assert live(stack, name) == (0, 0), "nobody sees half of a part"
    for pid in {"workers": workers, "all of the program": workers + [step]}.get(dies, [step]):
        os.kill(pid, signal.SIGKILL)
    if dies.endswith("transaction"):
        stack.sql("select pg_terminate_backend(%s)", backend)
    lock.release()
    document = ended(max, import_id)
    assert (document["status"], document["good"], live(stack, name)) == ("done", 2500, (2500, 2500))
    assert len(records(max, document)) == 2500


def test_stops_when_its_requester_is_dismissed(stack, max, ada):
    """What he had in by then is taken back."""
    boss = newcomer(stack, "manager", max)
    data, name = many(2500)
    first = held(stack, boss)
    import_id = begun(boss, data)
    first.waiter()
    second = held_again(stack, boss, first)
    assert live(stack, name) == (1000, 1000)
    stack.sql("update app.staff set status = 'inactive' where id = %s", boss.id)
    second.release()
    document = ended(ada, import_id)
    assert (document["status"], document["why"]) == ("cancelled", "requester_left")
    settled(stack, import_id)
    there, ever = live(stack, name)
    assert there == 0 and ever in (1000, 2000)
    operation = ada.get("/operations/" + ada.get("/imports/" + import_id).json()["taken_back"]).json()
    assert (operation["undoes"], operation["action"], operation["via"], operation["changes"], operation["actor_id"]) == (document["operation_id"], "imports.take_back", "import", ever, boss.id)
    problem(ada.post(f"/imports/{import_id}/undo", {"reason": "x"}), 409, "nothing_to_undo")


def test_stops_when_he_is_no_manager_any_more(stack, max, ada):
    boss = newcomer(stack, "manager", max)
    data, name = many(1500)
    with paused(stack, "imports"):
        import_id = begun(boss, data)
        stack.sql("update app.staff set role = 'rep' where id = %s", boss.id)
    document = ended(ada, import_id)
    assert (document["status"], document["why"], live(stack, name)) == ("cancelled", "rights_changed", (0, 0))


def test_cancel(stack, max, ada):
    data, name = many(1500)
    with paused(stack, "imports"):
        import_id = begun(max, data)
        problem(max.post(f"/imports/{import_id}/undo", {"reason": "x"}), 409, "still_running")
        problem(ada.post(f"/imports/{import_id}/cancel"), 403, "forbidden")
        answer = max.post(f"/imports/{import_id}/cancel")
        assert (answer.status_code, answer.json()["status"], answer.json()["why"], answer.json()["finished_at"]) == (200, "running", "cancelled", None)
        problem(max.post(f"/imports/{import_id}/undo", {"reason": "x"}), 409, "still_running")
    assert ended(max, import_id)["status"] == "cancelled" and stack.sql("select settled from app.import where id = %s", import_id) == [(True,)], "not before it is taken back"
    assert live(stack, name) == (0, 0)
    problem(max.post(f"/imports/{import_id}/cancel"), 409, "ended")


def test_its_operation_is_not_undone_while_it_runs(stack, max):
    """Nor is what he did, by any other way to take something back."""
    data, name = many(2500)
    import_id = begun(max, data)
    until = time.monotonic() + 20
    while live(stack, name)[0] == 0 and time.monotonic() < until:
        time.sleep(0.005)
    with paused(stack, "imports"):
        operation, = stack.sql("select operation_id::text from app.import where id = %s and not settled", import_id)[0]
        for path, body in ((f"/operations/{operation}/undo", {"reason": "x"}), (f"/imports/{import_id}/undo", {"reason": "x"}), ("/restores", {"scope": {"operation": operation}, "reason": "x"}),
                           ("/restores", {"scope": {"actor": max.id, "from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}, "reason": "x"})):
            problem(max.post(path, body), 409, "still_running")
    assert ended(max, import_id)["status"] == "done" and live(stack, name) == (2500, 2500)
    assert max.post(f"/operations/{operation}/undo", {"reason": "x"}).status_code == 202


def test_one_that_cannot_be_taken_back_holds_up_nobody(stack, max, ada):
    with paused(stack, "imports"):
        stuck, gone = (begun(max, many(1500)[0]) for _ in range(2))
        for import_id in (stuck, gone):
            max.post(f"/imports/{import_id}/cancel")
        stack.sql(f"alter table app.import add constraint test_never check (id <> '{stuck}' or not settled) not valid")
        waits = begun(ada, many(1200)[0])
    try:
        assert ended(ada, waits)["status"] == "done" and ended(max, gone)["status"] == "cancelled"
        assert max.get("/imports/" + stuck).json()["status"] == "running"
    finally:
        stack.sql("alter table app.import drop constraint test_never")
    assert ended(max, stuck)["status"] == "cancelled"


def test_what_ended_and_what_waits_go_on_in_turn(stack, max, ada):
    """While one has a lot to take back, the others do not wait for all of it, and it does not wait for all of theirs."""
    data, name = many(6000)
    with paused(stack, "imports"):
        import_id = begun(max, data)
    until = time.monotonic() + 30
    while live(stack, name)[0] < 4000 and time.monotonic() < until:
        time.sleep(0.005)
    with paused(stack, "imports"):
        max.post(f"/imports/{import_id}/cancel")
        waits = begun(ada, many(20000)[0])
    doc = ended(max, import_id)
    assert doc["status"] == "cancelled" and live(stack, name)[0] == 0
    assert ada.get("/imports/" + waits).json()["status"] in ("running", "queued"), "it did not wait for the end of the other"
    assert ended(ada, waits)["status"] == "done"


def test_one_whose_file_is_gone_fails(stack, max):
    with paused(stack, "imports"):
        import_id = begun(max, many(1500)[0])
        for table in ("import_part", "import_error", "import"):
            stack.sql(f"delete from app.{table} where {'id' if table == 'import' else 'import_id'} = %s", import_id)
    until = time.monotonic() + 20
    while stack.sql("select status from app.job where id = %s", import_id) != [("failed",)]:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_twenty_at_once(stack, max, ada):
    boss = newcomer(stack, "manager", max)
    with paused(stack, "imports"):
        ids = [begun(boss, "Name\n" + "x\n" * 1001, dry_run="true") for _ in range(20)]
        problem(send(boss, "Name\nx\n", dry_run="true"), 409, "too_many_open")
        assert send(ada, "Name\nx\n", dry_run="true").status_code == 200
    assert ended(boss, ids[0]) and ended(boss, ids[-1])
    assert send(boss, "Name\nx\n", dry_run="true").status_code == 200


def test_dry_runs_are_forgotten_after_a_week(stack, max):
    """With the rows that were wrong. What really went in is kept."""
    tried, young, real = dry(max, "Name,City\n,Ulm\n"), dry(max, "Name,City\n,Ulm\n"), imported(max, "Name\nx\n")
    stack.sql("update app.import set created_at = app.now() - interval '8 days' where id in (%s, %s)", tried["id"], real["id"])
    stack.sql("select app.imports_forget()")
    problem(max.get("/imports/" + tried["id"]), 404)
    assert stack.sql("select count(*) from app.import_error where import_id = %s", tried["id"]) == [(0,)]
    assert max.get("/imports/" + young["id"]).json()["errors"] and max.get("/imports/" + real["id"]).json()["good"] == 1
    stack.sql("update app.import set created_at = app.now() where id = %s", real["id"])


def test_what_was_worked_on_meanwhile_stays(stack, max, ada):
    """An import that fails half-way takes back what it made, but not under the hands of those who work with it."""
    data, name = many(2500)
    stack.sql("alter table app.import_row add constraint test_never check (line <> 2001) not valid")
    try:
        with paused(stack, "imports"):
            import_id = begun(max, data)
        until = time.monotonic() + 20
        while live(stack, name)[0] < 1000 and time.monotonic() < until:
            time.sleep(0.002)
        ids = [r[0] for r in stack.sql("select id::text from app.customer where name in (%s, %s, %s)", name + " 1", name + " 2", name + " 3")]
        stack.sql("update app.import set taken_to = taken_to where id = %s", import_id)
        kept = [max.patch("/customers/" + ids[0], {"city": "Ulm"}, "*").status_code, max.post("/contacts", {"customer_id": ids[1], "name": "Eva"}).status_code]
        document = ended(max, import_id)
        settled(stack, import_id)
    finally:
        stack.sql("alter table app.import_row drop constraint test_never")
    assert (document["status"], document["why"]) == ("failed", "error")
    there, ever = live(stack, name)
    assert ever in (1000, 2000) and there == sum(k in (200, 201) for k in kept) <= 2


def test_forgotten_when_its_process_died(stack, max):
    """What was put aside of a file whose end never came goes with the chores."""
    stack.sql("""insert into app.import (org_id, id, staff_id, entity, dry_run, header, targets, delimiter, on_error, duplicates, operation_id, checks, created_at)
        select org_id, %s, id, 'customers', true, '{Name}', '{name}', 'comma', 'skip', 'tell', app.uuid7(), true, app.now() - interval '2 hours' from app.staff where id = %s""", str(uuid.uuid4()), max.id)
    stack.sql("insert into app.import_part select org_id, id, 1, '{2}', '{\"{x}\"}', '[]' from app.import where created_at < app.now() - interval '1 hour'")
    stack.sql("select app.imports_forget()")
    assert stack.sql("select count(*) from app.import where created_at < app.now() - interval '1 hour'") == [(0,)]


def test_one_at_a_time_lets_the_other_pass(stack, max, ada):
    (a, one), (b, two) = many(2500), many(1200)
    with paused(stack, "imports"):
        first, second = begun(max, a), begun(ada, b)
    assert [ended(max, first)["status"], ended(ada, second)["status"]] == ["done", "done"]
    assert (live(stack, one)[0], live(stack, two)[0]) == (2500, 1200)
    assert ada.get("/imports/" + second).json()["finished_at"] < ada.get("/imports/" + first).json()["finished_at"]


def test_a_small_one_is_done_at_once(stack, max):
    data, name = many(1000)
    with paused(stack, "imports"):
        answer = send(max, data)
    assert answer.status_code == 201 and live(stack, name) == (1000, 1000)


def test_whose_end_comes_late_is_not_forgotten(stack, max):
    """The chores wait for whoever is making an import of a file that was long on its way."""
    import_id = stack.sql("select app.uuid7()::text")[0][0]
    stack.sql("""insert into app.import (org_id, id, staff_id, entity, dry_run, header, targets, delimiter, on_error, duplicates, operation_id, checks, settled, created_at)
        select org_id, %s, id, 'customers', true, '{Name}', '{name}', 'comma', 'skip', 'tell', app.uuid7(), true, false, app.now() - interval '2 hours' from app.staff where id = %s""", import_id, max.id)
    end = Held(stack, import_id, """with i as (select * from app.import where id = %s for no key update)
        insert into app.job (org_id, id, program, staff_id, session_id, request_id, status, total, created_at)
        select org_id, id, 'imports', staff_id, app.uuid7(), app.uuid7(), 'cancelled', 0, app.now() from i""")
    chores = threading.Thread(target=stack.sql, args=("select app.imports_forget()",))
    chores.start()
    end.waiter()
    end.commit()
    chores.join()
    assert stack.sql("select count(*) from app.import where id = %s", import_id) == [(1,)]
    settled(stack, import_id)
    stack.sql("update app.import set created_at = app.now() where id = %s", import_id)
