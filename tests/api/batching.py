"""batching.py -- what the tests of batches share."""


def create(**fields):
    return dict({"op": "create"}, **fields)


def change(record, etag="*", **fields):
    return dict({"op": "change", "id": record if isinstance(record, str) else record["id"], "if_match": etag}, **fields)


def send(client, kind, *items, headers=None, params=None, **more):
    return client.post(f"/{kind}/batch", dict({"items": list(items)}, **more), headers, **(params or {}))


def sent(client, kind, *items, **more):
    """Sends a batch that is answered; returns the answer's object."""
    answer = send(client, kind, *items, **more)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert [r["index"] for r in body["results"]] == list(range(len(items))), body
    assert body["done"] + body["held"] + body["failed"] == len(items), body
    assert body["failed"] == sum("problem" in r for r in body["results"]) and body["held"] == sum("hold" in r for r in body["results"])
    return body


def codes(body):
    """Of a refusal: the pointers of its errors and their codes."""
    return [(e["pointer"], e["code"]) for e in body["errors"]]


def count(stack, name):
    return stack.sql("select count(*) from app.customer where name = %s", name)[0][0]
