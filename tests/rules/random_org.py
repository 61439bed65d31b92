"""random_org.py -- a random org, made and changed in the model and in the database alike, as its superuser."""
import json
import string
import uuid
from datetime import datetime, timedelta, timezone

from holdfast import NO_LIMITS
from model import Org, Person

ROLES = ["rep"] * 6 + ["manager"] * 3 + ["admin", "auditor"]
HIDEABLE = ["email", "phone", "website", "address", "city", "region", "postal_code", "country", "source", "value", "currency", "notes", "tags", "custom", "deals", "contacts", "activities"]
CITIES = ["Berlin", "berlin", "Bonn", "Ärzen", "Zug", "Ulm 7", None, None]
SAMPLE = {
    "email": lambda dice: dice.choice([None, f"{dice.choice('aBcÄ')}{dice.randrange(300)}@{dice.choice('xYz')}{dice.randrange(3)}.example"]),
    "phone": lambda dice: dice.choice([None, f"+49 30 {dice.randrange(300):06}", f"+4930{dice.randrange(300):06}", f"030/{dice.randrange(300)}", "0 3 0 17", "112", "+0 30 1234567", "+1 (202) 555-0101"]),
    "city": lambda dice: dice.choice(CITIES), "country": lambda dice: dice.choice([None, "DE", "CH", "AT"]),
    "value": lambda dice: dice.choice([None, 0, dice.randrange(5), dice.randrange(10 ** 15)]), "currency": lambda dice: dice.choice([None, "EUR", "CHF"]),
    "notes": lambda dice: dice.choice([None, "n %d" % dice.randrange(99)]), "tags": lambda dice: dice.sample(["a", "b", "c"], dice.randrange(3)),
    "custom": lambda dice: dice.choice([{}, {"x": dice.randrange(9)}, {"y": [1, None]}]), "source": lambda dice: dice.choice([None, "fair", "web"]),
    "website": lambda dice: dice.choice([None, "https://x.example"]), "address": lambda dice: dice.choice([None, "Weg 1\nHof"]),
    "region": lambda dice: dice.choice([None, "Bayern"]), "postal_code": lambda dice: dice.choice([None, "10115"]),
    "name": lambda dice: dice.choice(["Firm", "firm", "Öl & Co", "Zebra", "%_", "A" * 200]) + dice.choice(["", " 1", " 2"])}
SAMPLE["name"] = lambda dice, of=SAMPLE["name"]: of(dice)[:200]
STORED = ["id"] + list(SAMPLE) + ["stage", "owner_id", "created_at", "updated_at", "archived_at"]


from random_children import Children  # noqa: E402 -- which draws from what is above


class RandomOrg(Children):
    def __init__(self, connection, dice, people, rows=1000, foreign=()):
        self.db, self.dice, self.org, self.foreign = connection, dice, Org(), foreign   # foreign: customers of another org
        self.drawn = []   # the changes, newest first
        connection.autocommit = False
        self.found()
        for _ in range(people):
            self.hire()
        self.fill(rows)
        self.fill_children(rows // 2)
        self.read_history()
        self.sql("analyze app.contact, app.activity, app.customer, app.history, app.staff_tree")
        self.db.commit()

    def sql(self, text, *args):
        with self.db.cursor() as q:
            q.execute(text, args)
            return q.fetchall() if q.description else []

    def some(self, of, most):
        """Up to so many of them, in a random order."""
        return self.dice.sample(list(of), self.dice.randint(0, min(most, len(of))))

    def uuid(self):
        return str(uuid.UUID(int=self.dice.getrandbits(128), version=4))

    # Making it ---------------------------------------------------------------------------------------------------------------

    def found(self):
        email = "a%s@rules.test" % self.uuid()
        self.sql("select app.org_create('Rules', 'Ada', %s)", email)
        (self.org.id, id), = self.sql("select org_id, staff_id from app.login where email = %s", email)
        self.sql("update app.staff set status = 'active' where org_id = %s and id = %s", self.org.id, id)
        self.sql("update app.settings set budgets = %s where org_id = %s", NO_LIMITS, self.org.id)
        self.ada = self.org.people[id] = Person(id, "Ada", email, "admin")
        self.log_in(self.ada)
        stages = iter(self.some(["s%d" % n for n in range(12)], 12) + ["t%d" % n for n in range(12)])
        self.org.segments = {g: [next(stages) for _ in range(self.dice.randint(1, 3))] for g in "abcde"[:self.dice.randint(2, 5)]}
        self.act()
        self.funnel()
        self.db.commit()

    def funnel(self):
        """Writes the funnel with random hides."""
        often = self.dice.choice([0, 0.5, 0.8])
        self.org.hides = {g: self.some(HIDEABLE, 9) for g in self.org.segments if self.dice.random() < often}
        self.org.hides = {g: h for g, h in self.org.hides.items() if h}
        self.sql("update app.funnel set segments = %s where org_id = %s", json.dumps([
            {"id": g, "name": g.upper(), "rule": "manual", "hides": self.org.hides.get(g, []), "stages": [{"id": s, "name": s} for s in stages]}
            for g, stages in self.org.segments.items()]), self.org.id)

    def hire(self):
        above = [p.id for p in self.org.people.values() if p.role in ("manager", "admin") and p.status != "inactive"]
        p = Person(self.uuid(), "P%d" % len(self.org.people), "p%s@rules.test" % self.uuid(), self.dice.choice(ROLES),
                   # Mostly below the latest, so that trees become deep.
                   self.dice.choice([None] + above[-3:] * 2 + above), self.some(self.org.segments, 3), "active")
        self.sql("""insert into app.staff (org_id, id, person_id, name, email, role, manager_id, segments, status, created_at, updated_at)
            values (%s, %s, %s, %s, %s, %s, %s, %s, 'active', app.now(), app.now())""",
                 self.org.id, p.id, p.id, p.name, p.email, p.role, p.manager, p.segments)
        self.org.people[p.id] = p
        self.log_in(p)
        if self.dice.random() < 0.1:
            self.let_go(p, self.dice.choice(["inactive", "inactive", "invited"]))

    def log_in(self, p):
        p.secret = "%d.%s" % (self.org.id, "".join(self.dice.choices(string.ascii_letters, k=43)))
        self.sql("""insert into app.session (org_id, id, staff_id, secret_hash, created_at, expires_at)
            values (%s, %s, %s, app.secret_hash(%s), app.now(), app.now() + interval '12 hours')""", self.org.id, self.uuid(), p.id, p.secret)

    def let_go(self, p, status):
        p.status = status
        self.sql("update app.staff set status = %s where org_id = %s and id = %s", p.status, self.org.id, p.id)

    def owners(self):
        return [p.id for p in self.org.people.values() if p.status != "inactive" and p.role != "auditor"] + [None] * 3

    def stages(self):
        return [s for stages in self.org.segments.values() for s in stages]

    def fill(self, rows):
        now = datetime.now(timezone.utc).replace(microsecond=0)
        # Whole hours, so that many were made at one moment; and moments too, which are not whole.
        moments = [now - timedelta(hours=n) for n in range(1, 200)] + [now - timedelta(hours=n, microseconds=n) for n in range(1, 200)]
        made = []
        for _ in range(rows):
            at = self.dice.choice(moments)
            c = dict({k: of(self.dice) for k, of in SAMPLE.items()}, id=self.uuid(), stage=self.dice.choice(self.stages()),
                     owner_id=self.dice.choice(self.owners()), created_at=at, updated_at=at, archived_at=at if self.dice.random() < 0.15 else None)
            made.append(dict(c, version=1, worked_in={self.org.segment(c["stage"])}))
        self.sql("insert into app.customer (org_id, %s) select %%s, %s from jsonb_populate_recordset(null::app.customer, %%s)" % (", ".join(STORED), ", ".join(STORED)),
                 self.org.id, json.dumps([{k: c[k] for k in STORED} for c in made], default=str))
        self.db.commit()
        self.org.customers = {c["id"]: c for c in made}

    def read_history(self, new=False):
        """The rows of history as they are, or those of this transaction: who sees which, and what of it, the model says."""
        names = ("id", "operation_id", "entity", "record_id", "customer_id", "version", "field", "old", "new", "actor_id", "at", "via")
        rows = self.sql(f"select {', '.join(names)} from app.history where org_id = %s{' and operation_id = app.operation_id()' if new else ''}", self.org.id)
        new_ones = [dict(zip(names, r)) for r in rows]
        # Ids have random bits: what is drawn from must have an order that a seed repeats.
        self.drawn = sorted(new_ones, key=lambda h: (h["at"], h["entity"], h["record_id"]), reverse=True) + self.drawn
        self.org.changes = sorted(self.org.changes + new_ones, key=lambda h: h["id"], reverse=True)

    # Changing it -------------------------------------------------------------------------------------------------------------

    def act(self):
        """Somebody, or nobody, is who changes things from here to the commit."""
        self.db.commit()
        who = self.dice.choice([None, *self.org.people.values()]) if self.org.customers else self.ada
        if who is not None and who.status == "active":
            self.sql("select app.act_as(%s, %s, 'rules.change')", self.org.id, who.id)

    def change(self, *deeds):
        """One random change of what decides who sees what, or one of these."""
        self.act()
        self.dice.choice(deeds or [self.work] * 3 + [self.child_work] * 2 + [self.person] * 3 + [self.settings] * 3 + [self.funnel] * 2 + [self.grant] * 2)()
        self.read_history(new=True)
        self.db.commit()

    def work(self):
        """One field of some customers."""
        name = self.dice.choice(["owner_id"] * 3 + ["stage"] * 3 + ["archived_at", "phone", "country", "email", "notes", "city", "value", "tags", "name"])
        draw = {"owner_id": lambda: self.dice.choice(self.owners()), "stage": lambda: self.dice.choice(self.stages()),
                "archived_at": lambda: self.dice.choice([None, datetime.now(timezone.utc)])}.get(name, lambda: SAMPLE[name](self.dice))
        for c in self.dice.sample(list(self.org.customers.values()), self.dice.randint(1, 12)):
            new = draw()
            if new == c[name]:
                continue
            (c["version"], c["updated_at"]), = self.sql(f"update app.customer set {name} = %s where org_id = %s and id = %s returning version, updated_at", new, self.org.id, c["id"])
            was, c[name] = c["archived_at"], new
            if name in ("archived_at", "country"):
                self.along(c, was)
            c["worked_in"].add(self.org.segment(c["stage"]))

    def person(self):
        """Somebody else's segments, manager, role or status."""
        others = [p for p in self.org.people.values() if p is not self.ada]
        # Whoever has people below him often: a rep who was a manager has no more rights for them.
        p = self.dice.choice(others + [p for p in others if len(self.org.tree(p.id)) > 1] * 2)
        below = self.org.tree(p.id)
        above = [q.id for q in self.org.people.values() if q.role in ("manager", "admin") and q.status != "inactive" and q.id not in below]
        name = self.dice.choice(["segments", "segments", "manager_id", "manager_id", "role", "status"])
        value = {"segments": self.some(self.org.segments, 3), "manager_id": self.dice.choice([None] + above * 2), "role": self.dice.choice(ROLES),
                 "status": self.dice.choice(["active", "active", "inactive"])}[name]
        self.sql(f"update app.staff set {name} = %s where org_id = %s and id = %s", value, self.org.id, p.id)
        setattr(p, {"manager_id": "manager"}.get(name, name), value)
        if name == "status" and value == "active":
            self.log_in(p)

    def settings(self):
        """Visibility and masking."""
        self.org.visibility = self.dice.choice(["own", "team", "team", "open"])
        self.org.masking = self.dice.choice(["off", "off", "lists", "lists", "always"])
        self.sql("update app.settings set visibility = %s, contact_masking = %s where org_id = %s", self.org.visibility, self.org.masking, self.org.id)

    def grant(self):
        """Somebody breaks the glass of some customers; or the time is over, of these or of all."""
        for _ in range(40):
            p = self.dice.choice(list(self.org.people))
            # Now and then of what is his own or nobody's, and perhaps in a segment where he does not work.
            own = [c["id"] for c in self.org.customers.values() if c["owner_id"] in (p, None)] if self.dice.random() < 0.4 else []
            c = self.dice.choice(own or list(self.org.customers))
            live = self.dice.random() < 0.7
            self.sql("insert into app.break_glass (org_id, id, staff_id, customer_id, reason, at, expires_at) values (%s, %s, %s, %s, 'x', app.now(), app.now() + %s::interval)",
                     self.org.id, self.uuid(), p, c, "1 hour" if live else "-1 second")
            if live:
                self.org.opened.add((p, c))
        if self.dice.random() < 0.1:
            self.sql("update app.break_glass set expires_at = app.now() - interval '1 second' where org_id = %s", self.org.id)
            self.org.opened.clear()
