"""following.py -- an app that follows GET /changes, and what its store ought to hold: what the lists show."""
import random

from holdfast import problem

KINDS = ("customers", "contacts", "deals", "activities", "offers")
ROW = {"op", "entity", "id", "customer_id", "at", "record"}


def cursor(client):
    """The cursor of now."""
    answer = client.get("/changes")
    assert answer.status_code == 200 and answer.json()["data"] == [], answer.text
    return answer.json()["next"]


def happened(client, since, limit=200):
    """All rows since a cursor, and the cursor behind them."""
    rows = []
    while True:
        answer = client.get("/changes", cursor=since, limit=limit)
        assert answer.status_code == 200, answer.text
        page, since = answer.json()["data"], answer.json()["next"]
        assert since is not None and len(page) <= limit and all(set(row) == ROW for row in page)
        rows += page
        if not page:
            return rows, since


def told(rows):
    return [(row["op"], row["entity"], row["id"]) for row in rows]


def listed(client):
    """{(kind, id): object} of all that the lists show."""
    return {(kind, row["id"]): row for kind in KINDS for row in client.pages("/" + kind, limit=200)}


def child(client, kind, customer, **fields):
    body = {"contacts": {"name": "Eva"}, "deals": {"title": "Big"}, "activities": {"kind": "note", "body": "Said"}}.get(kind) or {
        "currency": "EUR", "lines": [{"description": "Work", "quantity": 2, "unit_price": 100}], "valid_until": "2100-01-01"}
    answer = client.post("/" + kind, dict(body, customer_id=customer["id"], **fields))
    assert answer.status_code == 201, answer.text
    return {k: v for k, v in answer.json().items() if k in ("id", "customer_id")}


def whole(client, **fields):
    """A new customer with one of each kind; and these, as (kind, id)."""
    c = client.customer(**fields)
    return c, [("customers", c["id"])] + [(kind, child(client, kind, c)["id"]) for kind in KINDS[1:]]


class App:
    """Somebody's app. It reads the lists once, and then only what happened."""

    def __init__(self, client, chance=random):
        self.client, self.chance, self.resyncs, self.rows = client, chance, 0, 0
        self.begin()

    def begin(self):
        self.cursor = cursor(self.client)
        self.store = listed(self.client)

    def sync(self, allowed=None):
        """Polls until nothing comes; drops everything and begins again when it is told to. Returns the rows."""
        found = []
        while True:
            limit = self.chance.choice((1, 2, 3, 7, 20, 200))
            answer = self.client.get("/changes", cursor=self.cursor, limit=limit)
            if answer.status_code == 409:
                problem(answer, 409, "resync_required")
                self.resyncs += 1
                self.begin()
                return found
            assert answer.status_code == 200, answer.text
            page = answer.json()["data"]
            self.cursor = answer.json()["next"]
            for row in page:
                self.apply(row)
            # Of each record one row; but behind the purge of a customer that is told anew, all may come again.
            once = [(row["entity"], row["id"]) for row in page]
            told_ = [key for key, row in zip(once, page) if row["op"] == "purge"]
            assert len(once) == len(set(once)) or any(once.count(key) > 1 for key in told_), page
            found += page
            if not page:
                self.rows += len(found)
                return found

    def apply(self, row):
        assert set(row) == ROW and row["entity"] in KINDS, row
        key = (row["entity"], row["id"])
        if row["op"] == "upsert":
            assert row["record"]["id"] == row["id"] and row["customer_id"] == row["record"].get("customer_id", row["id"]), row
            self.store[key] = row["record"]
            return
        assert row["record"] is None and row["op"] in ("delete", "purge"), row
        self.store.pop(key, None)
        if row["op"] == "purge" and row["entity"] == "customers":
            self.store = {k: v for k, v in self.store.items() if v.get("customer_id") != row["id"]}

    def differs(self):
        """What is wrong with the store: nothing."""
        right = listed(self.client)
        return [(key, self.store.get(key), right.get(key)) for key in sorted(set(right) | set(self.store)) if self.store.get(key) != right.get(key)]
