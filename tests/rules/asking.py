"""asking.py -- random questions of random people: what the model says to them, and what the api functions answer."""
import json
import uuid
from collections import Counter
from datetime import timedelta

import psycopg2

from asking_children import Children
from model import ARCHIVED, CHANGE, COLUMNS, ENDED, MISSING, REFUSED
from random_org import CITIES, SAMPLE

SORTS = ["-updated_at", "-updated_at", "updated_at", "name", "-name", "value", "-value", "city", "-city,name", "-created_at", "created_at",
         "country,-value", "stage", "-stage,updated_at", "name,-created_at", "-country"]
FIELDS = ["id", "name", "email", "phone", "phone_e164", "value", "currency", "notes", "custom", "city"]
FAILS = {"PT404": MISSING, "PT401": ENDED, "PT403": REFUSED, "PT409": ARCHIVED}


class Disagreement(AssertionError):
    """The model and the database answer differently."""


class Asker(Children):
    """Compares answers through the programs' role; connection: theirs."""

    def __init__(self, connection, random_org):
        self.db, self.org_, self.org, self.dice = connection, random_org, random_org.org, random_org.dice
        self.compared, self.kinds = 0, Counter()

    def round(self):
        """Questions of one person, between two changes."""
        self.me = self.person()
        self.view = self.org.view(self.me)
        for ask in [self.list] + [self.find] * 4 + [self.get] * 35 + [self.write] * 5 + [self.history] * 4 + [self.changes] + [self.child_list] * 2 + [self.child_get] * 12 + [self.child_write] * 6:
            ask()
            if self.me.status != "active":
                break

    def person(self):
        return self.dice.choice(list(self.org.people.values()))

    fields_too = True

    def fields(self):
        return self.dice.choice([None, None, self.org_.some(FIELDS, 6)])

    def call(self, function, columns, *args):
        """The rows of an api function as dicts, or the word for its refusal."""
        with self.db.cursor() as q:
            try:
                q.execute(f"select {', '.join(columns)} from api.{function}(%s, %s::uuid{', %s' * len(args)})",
                          (self.me.secret, str(uuid.UUID(int=self.compared + 1)), *args))
            except psycopg2.Error as e:
                return FAILS.get(e.pgcode, e)
            return [dict(zip(columns, row)) for row in q.fetchall()]

    def compare(self, what, expected, got):
        """One answer: rows and the values of their fields, or a refusal."""
        if self.me.status != "active":
            expected = ENDED
            self.kinds[ENDED] += 1
        self.compared += 1
        if expected != got:
            raise Disagreement(f"{self.describe()}\n  asks      {what}\n  {differences(expected, got)}")

    def describe(self):
        p, o = self.me, self.org
        return (f"{p.role} {p.name} ({p.status}) in {p.segments} below {o.people[p.manager].name if p.manager else 'nobody'}, people below: "
                f"{sorted(o.people[i].name for i in self.view.below - {p.id})}; visibility {o.visibility}, masking {o.masking}, hides {o.hides}")

    def count(self, kind, rows):
        """What the answers were made of, so that a run that compares nothing can be told from one that does."""
        for r in rows:
            values = {"clear": r["phone"] is not None and "phone" not in r["masked"], "masked": "phone" in r["masked"] and r["phone"] is not None,
                      "hidden": any(r[f] is None and f in r["masked"] for f in COLUMNS)}
            self.kinds.update(f"{kind} {word}" for word, so in values.items() if so)

    # Lists -------------------------------------------------------------------------------------------------------------------

    def filter(self, words):
        some = self.org.customers.get(self.some_id()) or self.dice.choice(list(self.org.customers.values()))
        moment = some["updated_at"] + timedelta(microseconds=self.dice.randint(-1, 1))
        choices = {
            "stage": lambda: self.org_.some(self.org_.stages(), 3), "segment": lambda: self.org_.some(self.org.segments, 2),
            "owner": lambda: [some["owner_id"] or self.me.id, self.me.id], "city": lambda: [self.dice.choice(CITIES) or "Bonn"],
            "country": lambda: ["DE", "AT"], "source": lambda: ["web"], "currency": lambda: ["EUR"], "name": lambda: [some["name"], "Firm"],
            "region": lambda: ["Bayern"], "postal_code": lambda: ["10115"], "tag": lambda: self.org_.some("abc", 2),
            "value_min": lambda: self.dice.choice([0, 3, 10 ** 14]), "value_max": lambda: self.dice.choice([0, 3, 10 ** 14]),
            "updated_after": lambda: moment, "updated_before": lambda: moment, "created_after": lambda: moment, "created_before": lambda: moment,
            "phone": lambda: some["phone"] or "+49 30 000007", "email": lambda: (some["email"] or "x@x").swapcase()}
        return {k: choices[k]() for k in words or self.dice.sample(list(choices), self.dice.choice([0, 0, 1, 1, 1, 2]))}

    def find(self):
        """Somebody is calling."""
        self.list([self.dice.choice(["phone", "email"])])

    def list(self, words=None):
        filter, sort, archived = self.filter(words), self.dice.choice(SORTS), self.dice.random() < 0.2
        fields, count = self.fields(), self.dice.choice([None, None, "exact", "estimate"])
        expected = self.view.list(filter, archived, sort, fields)
        limit = self.dice.choice([n for n in (1, 7, 50, 200, 1000) if n * 8 >= len(expected)])   # to the end in not too many pages
        self.count("list", expected)
        cursor, at, size = None, 0, min(limit, 200)
        while True:
            what = f"list {filter} archived={archived} sort={sort} fields={fields} limit={limit} at {at}, count={count}"
            got = self.call("customer_list", COLUMNS + ("_tail", "_next", "_count"), as_json(filter), archived, fields, sort, cursor, limit, count)
            if isinstance(got, str):
                return self.compare(what, expected[at:at + size], got)
            tail = got.pop() if isinstance(got, list) else None
            page = [{k: r[k] for k in COLUMNS} for r in got] if tail else got
            self.compare(what, expected[at:at + size], page)
            if count:
                self.compare(what + ": the count", len(expected), tail["_count"])
            at, cursor = at + size, tail["_next"]
            self.compare(what + ": is there a next", at < len(expected), cursor is not None)
            self.compared -= 1   # of the same answer
            if cursor is None:
                return

    # One customer ------------------------------------------------------------------------------------------------------------

    def some_id(self):
        """A customer's, mostly one that he sees, sometimes one through a broken glass, now and then nobody's or another org's."""
        draw = self.dice.random()
        latest = self.dice.choice(self.org_.drawn[:200])["customer_id"]
        if draw > 0.8 and latest:
            return latest
        if draw < 0.03:
            return self.dice.choice(self.org_.foreign)
        opened = [c for p, c in self.org.opened if p == self.me.id]
        if draw < 0.15 and opened:
            return self.dice.choice(sorted(opened))
        if draw < 0.2:
            return self.org_.uuid()
        for _ in range(1 if draw < 0.5 else 30):
            id = self.dice.choice(list(self.org.customers))
            if self.view.reads(self.org.customers[id]):
                break
        return id

    def get(self):
        id, as_of = self.some_id(), None
        c = self.org.customers.get(id)
        if c and self.dice.random() < 0.3:
            moments = [h["at"] for h in self.org_.drawn[:400] if h["record_id"] == id] + [c["created_at"]]
            as_of = self.dice.choice(moments) + timedelta(microseconds=self.dice.choice([-1, 0, 0, 1]))
        expected = self.view.get(id, as_of)
        self.kinds["get missing" if expected == MISSING else "get"] += 1
        self.kinds["get of an opened one"] += c is not None and expected != MISSING and not self.view.lists(c)
        self.count("get", [] if expected == MISSING else [expected])
        got = self.call("customer_get", COLUMNS, id, as_of, None)
        self.compare(f"get {id} as of {as_of}: {short(c)}", expected if expected == MISSING else [expected], got)

    def write(self):
        """A change of nothing, which says whether he might have changed something."""
        id = self.some_id()
        expected = self.view.change_nothing(id)
        self.kinds["write" if isinstance(expected, dict) else "write " + expected] += 1
        got = self.call("customer_change", COLUMNS, id, ["*"], "{}")
        self.compare(f"write {id}: {short(self.org.customers.get(id))}", [expected] if isinstance(expected, dict) else expected, got)

    # History -----------------------------------------------------------------------------------------------------------------

    def pages(self, function, what, expected, *args):
        cursor, at = None, 0
        limit = self.dice.choice([3, 20, 200])
        while True:
            got = self.call(function, CHANGE + ("_tail", "_next"), *args, cursor, limit)
            if not isinstance(got, list):
                return self.compare(what, expected, got)
            tail = got.pop()
            self.compare(f"{what} limit={limit} at {at}", expected if expected == MISSING else expected[at:at + limit], [{k: r[k] for k in CHANGE} for r in got])
            at, cursor = at + limit, tail["_next"]
            if (at < len(expected)) != (cursor is not None):
                raise Disagreement(f"{self.describe()}\n  asks      {what}\n  next is {cursor} behind {at} of {len(expected)}")
            if cursor is None or at > 3 * limit:
                return

    def history_filter(self, choices):
        h = self.dice.choice(self.org_.drawn[:self.dice.choice([100, 3000])])
        values = {"field": [self.dice.choice(["phone", "email", h["field"] or "stage", "owner_id"])], "actor": [h["actor_id"] or self.me.id], "from": h["at"],
                  "to": h["at"], "record": [h["record_id"]], "entity": [h["entity"]], "operation": [h["operation_id"]]}
        return {k: values[k] for k in self.dice.sample(choices, self.dice.choice([0, 0, 1, 2]))}

    def history(self):
        """Of one customer; more often of one that was changed."""
        id, filter = self.some_id(), self.history_filter(["field", "actor", "from", "to"]) if self.dice.random() < 0.3 else {}
        expected = self.view.history(id, filter)
        self.kinds["history missing" if expected == MISSING else "history"] += 1
        self.pages("customer_history", f"history of {id} {filter}: {short(self.org.customers.get(id))}", expected, id, as_json(filter))

    def changes(self):
        """Of everything: people, settings and funnel too."""
        filter = self.history_filter(["field", "actor", "from", "to", "record", "entity", "operation"])
        expected = self.view.history(None, filter)
        self.kinds.update("changes of " + h["entity"] for h in expected)
        self.pages("history_list", f"changes {filter}", expected, as_json(filter))


def as_json(filter):
    return json.dumps(filter, default=lambda at: at.isoformat().replace("+00:00", "Z"))


def short(c):
    return c and {k: c[k] for k in ("stage", "owner_id", "worked_in", "archived_at")}


def differences(expected, got):
    """The first row that differs and the fields in which it does."""
    if not isinstance(expected, list) or not isinstance(got, list):
        return f"expected  {shorten(expected)}\n  got       {shorten(got)}"
    for n in range(max(len(expected), len(got))):
        e, g = (rows[n] if n < len(rows) else {} for rows in (expected, got))
        if e != g:
            names = [k for k in (e or g) if e.get(k) != g.get(k) or not e or not g]
            return (f"expected  {len(expected)} rows, row {n}: {shorten({k: e.get(k) for k in ['id'] + names if e})}\n"
                    f"  got       {len(got)} rows, row {n}: {shorten({k: g.get(k) for k in ['id'] + names if g})}")


def shorten(value):
    text = repr(value) if not isinstance(value, psycopg2.Error) else str(value)
    return text if len(text) < 1500 else text[:1500] + " ..."
