"""transferring.py -- how long it takes to give many customers to somebody else and to take that back, and what those who work meanwhile notice."""
import json
import re
import statistics
import threading
import time

REPS = ("rita@demo.test", "omar@demo.test")     # of one segment


def settled(ada, path):
    while True:
        doc = ada.get(path).json()
        if doc["status"] not in ("queued", "running"):
            return doc
        time.sleep(0.1)


def transferred(stack, n, way=REPS):
    """Transfers the customers of a rep, up to number n of seed.sql, to the other one; seconds of the dry run and of the rest, the document."""
    stack.sql("vacuum app.customer, app.history, app.activity")
    stack.sql("checkpoint")
    ada = stack.login("ada@demo.test")
    (since,), = stack.sql("select to_json(min(c.created_at)) #>> '{}' from app.customer c where c.id <= ('01920000-0000-7000-8000-' || lpad(%s::text, 12, '0'))::uuid", n)
    was, heir = (stack.sql("select staff_id::text from app.login where email = %s", email)[0][0] for email in way)
    body = {"action": "transfer", "entity": "customers", "filter": {"owner": was, "created_after": since}, "to": {"staff_id": heir}}
    began = time.monotonic()
    answer = ada.post("/bulk", dict(body, dry_run=True))
    assert answer.status_code == 200, answer.text
    planned = time.monotonic()
    answer = ada.post("/bulk", dict(body, reason="bench", confirm=answer.json()["confirm"]))
    assert answer.status_code in (201, 202), answer.text
    doc = settled(ada, "/bulk/" + answer.json()["id"])
    assert doc["status"] == "done" and doc["refused"] == [], doc
    return planned - began, time.monotonic() - planned, doc


def taken_back(stack, doc):
    stack.sql("vacuum app.customer, app.history, app.activity")
    stack.sql("checkpoint")
    ada = stack.login("ada@demo.test")
    began = time.monotonic()
    answer = ada.post(f"/bulk/{doc['id']}/undo", {"reason": "bench"})
    assert answer.status_code in (201, 202), answer.text
    end = settled(ada, "/restores/" + answer.json()["id"])
    assert end["status"] == "done" and end["conflict_count"] == 0, end
    return time.monotonic() - began


class Hurry:
    """Somebody who looks at customers one after the other while the block runs; p99 in ms and how many."""

    def __init__(self, stack, who="nina@demo.test"):
        self.client, self.times, self.bad, self.over = stack.login(who), [], 0, threading.Event()
        self.ids = [c["id"] for c in self.client.get("/customers", limit=200).json()["data"]]

    def work(self):
        n = 0
        while not self.over.is_set():
            began = time.monotonic()
            if n % 5 == 4:
                bad = self.client.patch("/customers/" + self.ids[n % len(self.ids)], {"source": f"bench {n}"}, "*").status_code not in (200, 404)
            else:
                bad = self.client.get("/customers/" + self.ids[n % len(self.ids)]).status_code not in (200, 404)
            self.bad += bad
            self.times.append((time.monotonic() - began) * 1000)
            n += 1

    def __enter__(self):
        self.thread = threading.Thread(target=self.work)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.times.sort()
        self.p99 = self.times[len(self.times) * 99 // 100]


def transferring(stack, judge, psql, once, n, turns=5):
    stack.sql("update app.settings set bulk = %s", json.dumps({"approval_above": 500000}))
    median = statistics.median
    spread = lambda all_: f"{median(all_):.2f} s ({min(all_):.2f} to {max(all_):.2f})"  # noqa: E731
    (made,), = stack.sql("select pg_get_functiondef('app.introduce'::regproc)")
    idle = re.sub(r"\nbegin\n.*\nend\n", "\nbegin\nend\n", made, flags=re.S)
    bare, full, plain, back, plans = [], [], [], [], []
    for _ in range(turns):
        bare.append(once(stack, "transfer_bare", count=n))
        stack.sql("update bench.customer c set owner_id = w.staff_id from app.login h, app.login w where h.email = %s and w.email = %s and c.owner_id = h.staff_id", REPS[1], REPS[0])
        stack.sql(idle)
        _, took, doc = transferred(stack, n)
        plain.append(took)
        taken_back(stack, doc)
        stack.sql(made)
        planned, took, doc = transferred(stack, n)
        plans.append(planned)
        full.append(took)
        back.append(taken_back(stack, doc))
    judge(f"transfer of {doc['total']:,}", median(plain) / median(bare), 2.2, False, f"{spread(plain)} without introductions, after {spread(plans)} of dry run, against {spread(bare)}")
    judge("with introductions", median(full) / median(bare), 5, False, f"{spread(full)} against {spread(bare)}")
    judge("undo of it", median(back) / median(full), 1.5, False, f"{spread(back)} against {spread(full)}")
    with Hurry(stack) as alone:
        time.sleep(5)
    with Hurry(stack) as beside:
        transferred(stack, n)
    judge("p99 beside it", beside.p99 / alone.p99, 3, False, f"{beside.p99:.1f} ms of {len(beside.times)} against {alone.p99:.1f} ms of {len(alone.times)}", alone.bad + beside.bad)
