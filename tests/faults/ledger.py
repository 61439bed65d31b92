"""ledger.py -- clients that write through the API and keep a ledger of what they meant and what was acknowledged; and
the auditor who compares it with the database.

Each change carries a serial in FIELDS, so that the history of a record says which intents took effect, in which order, and
whether whole. A client does one thing at a time, so the database must hold the ledger's entries in the ledger's order.
"""
import collections
import threading
import time
import uuid

from load import PEOPLE, Lost, wires

FIELDS = ("address", "city", "notes", "source", "website")


class Entry:
    """One intent. is_: done (acknowledged), undone (refused: surely without effect), unknown."""

    def __init__(self, kind, record, serial, undoes=None):
        self.kind, self.record, self.serial, self.undoes, self.is_ = kind, record, serial, undoes, "unknown"
        self.request = self.operation = None


class Writer:
    """One client: creates, changes, archives and restores records of his own."""

    def __init__(self, number, wire, dice, stopped):
        self.number, self.wire, self.dice, self.stopped = number, wire, dice, stopped
        self.ledger, self.answers, self.bad = [], collections.Counter(), []
        self.serial = 0

    def send(self, entry, method, path, body=None, headers=None, good=(200, 201)):
        """Sends one change and notes in the ledger what is known of it."""
        self.ledger.append(entry)
        try:
            answer = self.wire.once(method, path, body, headers)
        except Lost as lost:
            self.answers[f"lost idle={lost.idle}"] += 1
            self.bad.append(f"{method} {path}: {lost}")
            return None
        self.answers[answer.status, answer.code] += 1
        if answer.status in good:
            entry.is_, entry.request = "done", answer.headers["X-Request-Id"]
        elif (answer.status, answer.code) == (503, "unavailable") and b"cannot answer now" in answer.body:
            entry.is_ = "undone"  # a program's word; nginx's has the same code and knows less
        elif answer.code not in ("unavailable", "outcome_unknown") or answer.status not in (502, 503, 504):
            self.bad.append(f"{method} {path}: {answer}")
        if entry.is_ != "done":
            time.sleep(0.01)
        return answer

    def keyed(self, entry, path, body):
        """A POST with a key, repeated until it is known what became of it: it is done once, not at all, or unknown."""
        head, first = {"Idempotency-Key": uuid.uuid4().hex}, True
        while first or (entry.is_ == "unknown" and not self.stopped.is_set()):
            answer = self.send(entry, "POST", path, body, head)
            if not first:
                self.ledger.pop()
                entry.is_ = "unknown" if entry.is_ == "undone" else entry.is_  # of an earlier sending we still know nothing
            if entry.is_ != "done":
                time.sleep(0.02)
            first = False
        return answer

    def next(self):
        self.serial += 1
        return f"w{self.number}-{self.serial}"

    def look(self, path):
        """A GET until it is answered."""
        while not self.stopped.is_set():
            try:
                answer = self.wire.ask("GET", path)
                self.answers["GET", answer.status, answer.code] += 1
                if answer.status == 200:
                    return answer
                if answer.status < 500:
                    self.bad.append(f"GET {path}: {answer}")
                    return None
            except Lost as lost:
                self.bad.append(f"GET {path}: {lost}")
            time.sleep(0.02)
        return None

    def run(self):
        while not self.stopped.is_set():
            try:
                self.life()
            except Exception as e:  # pylint: disable=broad-except
                self.bad.append(repr(e))
                return

    def life(self):
        """A record from its creation to when we lose interest."""
        serial, record = self.next(), str(uuid.uuid4())
        body = dict({field: serial for field in FIELDS}, name=serial)
        entry = Entry("create", record, serial)
        if self.dice.random() < 0.3:  # the server names it; the key keeps it from being made twice
            entry.record = None
            answer = self.keyed(entry, "/customers", body)
            if entry.is_ != "done":
                return
            entry.record = record = answer.json()["id"]
        else:
            self.send(entry, "POST", "/customers", dict(body, id=record))
        if entry.is_ == "undone" or (entry.is_ == "unknown" and not self.exists(record)):
            return
        for _ in range(self.dice.randrange(3, 12)):
            if self.stopped.is_set() or not self.step(record):
                return

    def exists(self, record):
        while not self.stopped.is_set():
            try:
                status = self.wire.ask("GET", "/customers/" + record).status
                if status < 500:
                    return status == 200
            except Lost as lost:
                self.bad.append(repr(lost))
            time.sleep(0.02)
        return False

    def step(self, record):
        seen = self.look("/customers/" + record)
        if seen is None:
            return False
        archived, path, tag = seen.json()["archived_at"], "/customers/" + record, {"If-Match": seen.headers["ETag"]}
        way = self.dice.random()
        if archived or way < 0.15:
            last = self.look(path + "/history?limit=1")
            if last is None:
                return False
            change = last.json()["data"][0]
            if change["field"] is None or change["via"] == "restore":
                return True
            entry = Entry("undo", record, None, change["operation_id"])
            return self.keyed(entry, f"/operations/{change['operation_id']}/undo", {"reason": "a test"}) is not None
        if way < 0.25:
            self.send(Entry("archive", record, None), "DELETE", path, None, tag)
        else:
            serial = self.next()
            self.send(Entry("change", record, serial), "PATCH", path, {field: serial for field in FIELDS}, tag)
        return True


class Office:
    """Eight writers at work."""

    def __init__(self, stack, dice):
        self.stopped = threading.Event()
        self.writers = [Writer(i, wire, type(dice)(dice.random()), self.stopped)
                        for i, wire in enumerate(wires(stack, PEOPLE))]
        self.threads = [threading.Thread(target=w.run) for w in self.writers]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    @property
    def ledger(self):
        return [e for w in self.writers for e in w.ledger]

    @property
    def bad(self):
        return [b for w in self.writers for b in w.bad]

    @property
    def answers(self):
        return sum((w.answers for w in self.writers), collections.Counter())


class Audit:
    """What of the ledger is lost, half there, there twice, or there though it was refused."""

    def __init__(self, stack, ledger):
        self.lost, self.half, self.twice, self.refused, self.strange = [], [], [], [], []
        self.unknown = collections.Counter()
        self.operations = collections.defaultdict(list)  # by record, in order
        mine = [e.record for e in ledger if e.record] + [
            str(id_) for id_, in stack.sql("select id from app.customer where name = any(%s)", [e.serial for e in ledger if not e.record])]
        rows = stack.sql(
            "select h.record_id::text, h.version, h.operation_id::text, replace(o.request_id::text, '-', ''), o.changes, "
            "o.undoes::text, array_agg(coalesce(h.field, '') order by h.field), array_agg(h.new order by h.field) "
            "from app.history h join app.operation o using (org_id) where o.id = h.operation_id and h.record_id = any(%s::uuid[]) "
            "group by 1, 2, 3, 4, 5, 6 order by 1, 2", mine)
        for record, version, operation, request, changes, undoes, fields, news in rows:
            self.operations[record].append((operation, request, undoes, self.serial(fields, news)))
            whole = tuple(fields) in (FIELDS, ("archived_at",), ("",))
            if not whole or changes != len(fields) or version != len(self.operations[record]) or self.operations[record][-1][3] is None:
                self.half.append((record, version, operation, changes, fields, news))
        same = collections.defaultdict(list)
        for e in ledger:
            same[e.kind, e.record, e.undoes or e.serial or e.request].append(e)
        for (kind, record, what), entries in same.items():
            self.compare(kind, record, what, entries)
        meant = {e.serial for e in ledger} | {None}
        self.strange += [(record, o) for record, done in self.operations.items() for o in done
                         if not o[2] and o[3] != "archived_at" and o[3] not in meant]
        self.strange += stack.sql(  # the rows as such, without their history
            "select c.id, c.version from app.customer c where c.id = any(%s::uuid[]) and c.version <> "
            "(select count(distinct h.operation_id) from app.history h where h.record_id = c.id)", mine)
        self.strange += stack.fold_differences()

    @staticmethod
    def serial(fields, news):
        """The one serial that all fields carry; None where they differ."""
        if fields == [""]:
            news = [news[0].get(field) for field in FIELDS]
        elif fields == ["archived_at"]:
            return "archived_at"
        return news[0] if len(set(news)) == 1 else None

    def compare(self, kind, record, what, entries):
        """Entries that mean the same effect, as the undoing of one operation, against how often it is there."""
        done = self.operations[record] if record else [o for all_ in self.operations.values() for o in all_]
        if kind == "undo":
            found = sum(o[2] == what for o in done)
        elif kind == "archive":
            found = sum(o[1] == what for o in done)
        else:
            found = sum(o[3] == what and not o[2] for o in done)
        sure, unknown = (sum(e.is_ == is_ for e in entries) for is_ in ("done", "unknown"))
        self.lost += [(kind, record, what)] * (sure - found)
        if found > sure + unknown:
            (self.twice if sure or unknown else self.refused).append((kind, record, what))
        if unknown and kind != "archive":  # which has no serial to find it by
            self.unknown["done" if found > sure else "not done"] += 1

    def __str__(self):
        return (f"lost {len(self.lost)} {self.lost[:3]}, half {len(self.half)} {self.half[:3]}, twice {len(self.twice)} "
                f"{self.twice[:3]}, refused but done {len(self.refused)} {self.refused[:3]}, strange {len(self.strange)} "
                f"{self.strange[:3]}, unknown {dict(self.unknown)}")

    @property
    def clean(self):
        return not (self.lost or self.half or self.twice or self.refused or self.strange)
