"""restoring.py -- what the tests of restores and history share."""
import time
import uuid


def moment(stack):
    """The database's time as the API writes times."""
    return stack.sql("select app.time_json(app.clock()) #>> '{}'")[0][0]


def window(actor, begin, end, **more):
    return dict({"actor": actor.id, "from": begin, "to": end}, **more)


def dry_run(client, scope):
    """What a restore would do."""
    answer = client.post("/restores", {"scope": scope, "dry_run": True})
    assert answer.status_code == 200, answer.text
    return answer.json()


def restore(client, scope, reason="A test.", **more):
    """Does it; returns the document of the answer."""
    answer = client.post("/restores", dict({"scope": scope, "reason": reason}, **more))
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == "/v1/restores/" + answer.json()["id"]
    return answer.json()


def undo(client, operation, reason="Back again."):
    answer = client.post(f"/operations/{operation}/undo", {"reason": reason})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == "/v1/restores/" + answer.json()["id"]
    return answer.json()


def read(client, customer):
    """A customer as it is now, by its object or id."""
    answer = client.get("/customers/" + (customer if isinstance(customer, str) else customer["id"]))
    assert answer.status_code == 200, answer.text
    return answer.json()


def changes(client, customer, **filter):
    """The history of a customer, newest first."""
    return client.pages(f"/customers/{customer['id']}/history", **filter)


def last_operation(client, customer):
    return changes(client, customer, limit=1)[0]["operation_id"]


def without_times(customer):
    """A customer but for what every change moves."""
    return {k: v for k, v in customer.items() if k not in ("version", "updated_at")}


def settled(client, restore_id, seconds=120):
    """A restore when it has ended, however that was."""
    until = time.monotonic() + seconds
    while True:
        answer = client.get("/restores/" + restore_id)
        assert answer.status_code == 200, answer.text
        if answer.json()["status"] not in ("queued", "running"):
            return answer.json()
        assert time.monotonic() < until, answer.text
        time.sleep(0.05)


def missing():
    return str(uuid.uuid4())
