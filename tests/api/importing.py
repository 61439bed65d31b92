"""importing.py -- what the tests of imports share: sending a file, waiting for it, and files with many rows."""
import json
import time
import uuid

LAWFUL = {"source": "A fair", "lawful_basis": "Ada Admin: they asked to be written to."}


def send(who, data, headers=None, mapping=None, **query):
    """Sends a file to be imported, for real unless dry_run; the answer."""
    data = data.encode() if isinstance(data, str) else data
    query = dict({} if query.get("dry_run") == "true" else LAWFUL, **query)
    if mapping is not None:
        query["mapping"] = json.dumps(mapping)
    return who.request("POST", "/imports", params={k: v for k, v in query.items() if v is not None}, data=data,
                       headers=dict({"Content-Type": "text/csv"}, **(headers or {})))


def dry(who, data, **query):
    """What would go in."""
    answer = send(who, data, dry_run="true", **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def imported(who, data, **query):
    """A small file that went in; its document."""
    answer = send(who, data, **query)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == "/v1/imports/" + answer.json()["id"]
    return answer.json()


def begun(who, data, **query):
    """A large one that waits; its id."""
    answer = send(who, data, **query)
    assert answer.status_code == 202, answer.text
    assert set(answer.json()) == {"id", "status", "done", "total"} and answer.headers["Location"] == "/v1/imports/" + answer.json()["id"]
    return answer.json()["id"]


def ended(who, import_id, seconds=60):
    """An import when it has ended, however that was."""
    until = time.monotonic() + seconds
    while True:
        answer = who.get("/imports/" + import_id)
        assert answer.status_code == 200, answer.text
        if answer.json()["status"] not in ("queued", "running"):
            return answer.json()
        assert time.monotonic() < until, answer.text
        time.sleep(0.05)


def settled(stack, import_id, seconds=60):
    """Waits until nothing is left to do of it."""
    until = time.monotonic() + seconds
    while not stack.sql("select settled from app.import where id = %s", import_id)[0][0]:
        assert time.monotonic() < until
        time.sleep(0.05)


def records(who, doc):
    """Its records by their lines."""
    return {r["line"]: r["record_id"] for r in who.pages(f"/imports/{doc['id']}/rows", limit=200)}


def made(who, data, **query):
    """The customers that a small file became, in its order."""
    return [who.get("/customers/" + id).json() for _, id in sorted(records(who, imported(who, data, **query)).items())]


def many(n, head=None):
    """A file of n customers of one name, each with an e-mail and a phone of his own; and the name."""
    name = head or "Many " + uuid.uuid4().hex[:8]
    start = uuid.uuid4().int % 10 ** 6 * 10 ** 4
    return "Name,E-mail,Phone\n" + "".join(f"{name} {k},k{start + k}@{name[5:]}.example,+49 3{start + k}\n" for k in range(n)), name
