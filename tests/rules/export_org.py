"""export_org.py -- an org whose people take data out, made and changed in the model and in the database alike, as its superuser."""
import json
import string
import uuid

from export_model import Account, Exports
from holdfast import NO_LIMITS
from model import Org

PART = 50   # rows, instead of five thousand
SEGMENTS = {"prospecting": ["new"], "negotiation": ["proposal"], "closing": ["won"]}
# name, role, who is above him, whose person he is, whether he was there from the beginning
PEOPLE = [("abby", "admin", None, None, True), ("mara", "manager", None, None, True), ("milo", "manager", "mara", None, True), ("mina", "manager", "ada", None, True),
          ("rolf", "rep", "milo", None, True), ("rosa", "rep", "milo", None, True), ("rita", "rep", "mara", None, True), ("rick", "rep", "mina", None, True),
          ("alma", "admin", None, "milo", True), ("anna", "admin", None, "rolf", True), ("adam", "admin", "mara", None, True), ("mona", "manager", "mara", "mina", True),
          ("arno", "admin", None, "abby", True), ("newt", "manager", "mara", None, False), ("axel", "auditor", "mara", None, True)]
FEW = ("abby", "arno", "milo", "rolf", "newt", "axel")
CLOCK = [5, 5, 5, 10, 15, 20, 60, 1440, 71 * 60, 72 * 60]   # minutes


class ExportOrg:
    """A walk (random_exports.py) is one of these."""

    def begin(self, stack, dice, few):
        """few: hardly anybody is there to decide."""
        self.stack, self.dice, self.org = stack, dice, Org(segments=SEGMENTS)
        self.model, self.said = Exports(self.org, PART), []   # what was done last, in words
        stack.clock("0")
        self.found([p for p in PEOPLE if not few or p[0] in FEW])
        self.fill()
        self.read_history()

    def sql(self, text, *args):
        return self.stack.sql(text, *args)

    def uuid(self):
        return str(uuid.UUID(int=self.dice.getrandbits(128), version=4))

    def person(self, name):
        return next(p for p in self.org.people.values() if p.name == name)

    def under_way(self, e):
        return e.status == "approved" and any(t.status == "taken" for t in e.tickets)

    # Making it ---------------------------------------------------------------------------------------------------------------

    def found(self, people):
        email = "a%s@exports.test" % self.uuid()
        self.sql("select app.org_create('Exports', 'ada', %s)", email)
        (self.org.id, id), = self.sql("select org_id, staff_id from app.login where email = %s", email)
        self.sql("update app.staff set status = 'active' where org_id = %s and id = %s", self.org.id, id)
        self.sql("update app.staff set role_since = '-infinity' where org_id = %s and id = %s", self.org.id, id)
        self.sql("update app.settings set budgets = %s where org_id = %s", NO_LIMITS, self.org.id)
        self.org.people[id] = self.ada = Account(id, "ada", email, "admin", person=id)
        names = {"ada"} | {p[0] for p in people}
        for name, role, above, person, old in people:
            p = Account(self.uuid(), name, "", role, above in names and self.person(above).id or None, self.dice.sample(list(SEGMENTS), self.dice.randint(1, 3)))
            p.person, p.since = self.person(person).person if person else p.id, float("-inf") if old else 0
            self.sql("""insert into app.staff (org_id, id, person_id, name, email, role, manager_id, segments, status, created_at, updated_at)
                values (%s, %s, %s, %s, %s, %s, %s, %s, 'active', app.now(), app.now())""",
                     self.org.id, p.id, p.person, name, p.id + "@exports.test", role, p.manager, p.segments)
            self.org.people[p.id] = p
        self.sql("update app.staff set role_since = '-infinity' where org_id = %s and name <> 'newt'", self.org.id)
        for p in self.org.people.values():
            self.log_in(p)

    def log_in(self, p):
        """Twice: a link is good in the one session where it was made."""
        p.live = {"%d.%s" % (self.org.id, "".join(self.dice.choices(string.ascii_letters, k=43))) for _ in range(2)}
        p.sessions = sorted(p.live) + p.sessions
        for secret in sorted(p.live):
            self.sql("""insert into app.session (org_id, id, staff_id, secret_hash, created_at, expires_at)
                values (%s, %s, %s, app.secret_hash(%s), app.now(), app.now() + interval '10 years')""", self.org.id, self.uuid(), p.id, secret)

    def fill(self):
        owners = [p.id for p in self.org.people.values() if p.role in ("rep", "manager")] * 2 + [self.ada.id, None, None]
        made = [{"id": self.uuid(), "name": "Firm %d" % n, "owner_id": self.dice.choice(owners), "stage": self.dice.choice(SEGMENTS[self.dice.choice(list(SEGMENTS))]),
                 "email": "f%d@firm%d.example" % (n, n), "phone": "+49 30 %06d" % n, "country": "DE"} for n in range(self.dice.randint(60, 180))]
        self.insert("customer", made, "tags = '{}', custom = '{}'")
        self.org.customers = {c["id"]: dict(c, worked_in={self.org.segment(c["stage"])}) for c in made}
        self.model.children = {}
        for kind, more in (("contact", {"name": "Eva"}), ("deal", {"title": "Deal", "stage": "new"})):
            of = [dict(more, id=self.uuid(), customer_id=c) for c in self.org.customers for _ in range(self.dice.choice([0, 1, 1, 2]))]
            self.insert(kind, of)
            self.model.children[kind + "s"] = [(k["id"], k["customer_id"]) for k in of]

    def insert(self, table, rows, more=""):
        columns, defaults = ", ".join(rows[0]), [d.split(" = ") for d in more.split(", ") if d]
        self.sql(f"insert into app.{table} (org_id, created_at, updated_at, {columns}{''.join(', ' + n for n, _ in defaults)}) "
                 f"select %s, app.now(), app.now(), {columns}{''.join(', ' + v for _, v in defaults)} from jsonb_populate_recordset(null::app.{table}, %s)", self.org.id, json.dumps(rows))

    def read_history(self):
        self.model.history += self.sql("select id::text, record_id::text from app.history where org_id = %s and entity = 'customers' and id <> all(%s::uuid[]) order by id",
                                       self.org.id, [id for id, _ in self.model.history])

    # Changing it -------------------------------------------------------------------------------------------------------------

    def noted(self, what):
        self.said.append(f"{self.model.now:6}  {what}")

    def clock(self):
        self.model.now += self.dice.choice(CLOCK)
        self.stack.clock(f"{self.model.now} minutes")
        self.noted("the clock runs")

    def expire(self):
        self.sql("select app.exports_expire()")
        self.model.expire()
        self.noted("what is over ends")

    def staff(self, p, column, value):
        self.sql(f"update app.staff set {column} = %s where org_id = %s and id = %s", value, self.org.id, p.id)
        self.noted(f"{p.name}: {column} {value}")

    def somebody(self, *status):
        """Not Ada, who may be the last admin; often one who is about to take something out."""
        fit = [p for p in self.org.people.values() if p is not self.ada and p.status in (status or ("active", "inactive"))]
        about = [e.staff for e in self.model.all.values() if e.tickets and e.status == "approved" and e.staff in fit]
        return self.dice.choice(about if about and self.dice.random() < 0.4 else fit) if fit else None

    def voided(self, p, why):
        self.kinds["voided " + why] += sum(e.staff is p and self.model.status(e) in ("pending", "approved") for e in self.model.all.values())
        self.kinds["voided under way"] += any(e.staff is p and self.under_way(e) for e in self.model.all.values())
        self.model.void(p, why)

    def dismiss(self):
        if p := self.somebody("active"):
            self.staff(p, "status", "inactive")
            p.status, p.live = "inactive", set()
            self.voided(p, "inactive")

    def return_(self):
        if p := self.somebody("inactive"):
            self.staff(p, "status", "active")
            p.status, p.since = "active", self.model.now
            self.log_in(p)

    def role(self):
        p = self.somebody()
        role = self.dice.choice(["rep", "manager", "manager", "admin", "auditor", p.role])
        self.staff(p, "role", role)
        if role != p.role:
            p.role, p.since = role, self.model.now
            self.voided(p, "inactive" if p.status == "inactive" else "role")

    def segments(self):
        p = self.somebody()
        was, now = p.segments, self.dice.sample(list(SEGMENTS), self.dice.randint(0, 3))
        self.staff(p, "segments", now)
        p.segments = now
        if set(was) - set(now):
            self.voided(p, "inactive" if p.status == "inactive" else "segments")

    def above(self):
        """Somebody else is above him, which voids nothing."""
        p = self.somebody()
        below = self.org.tree(p.id)
        p.manager = self.dice.choice([None] + [q.id for q in self.org.people.values() if q.role in ("manager", "admin") and q.status == "active" and q.id not in below])
        self.staff(p, "manager_id", p.manager)

    def transfer(self):
        """Some customers to another owner or segment: what he sees is not any more what was approved."""
        some = self.dice.sample(sorted(self.org.customers), self.dice.choice([1, 1, 1, 2, 8]))
        name = self.dice.choice(["owner_id", "owner_id", "stage"])
        about = [e.staff for e in self.model.all.values() if e.tickets and e.status == "approved"]
        owners = [p for p in about * 3 + list(self.org.people.values()) if p.status == "active" and p.role != "auditor"]
        value = self.dice.choice([p.id for p in owners] + [None]) if name == "owner_id" else self.dice.choice(list(SEGMENTS.values()))[0]
        self.sql(f"update app.customer set {name} = %s where org_id = %s and id = any(%s::uuid[])", value, self.org.id, some)
        for c in some:
            self.org.customers[c][name] = value
            self.org.customers[c]["worked_in"].add(self.org.segment(self.org.customers[c]["stage"]))
        self.read_history()
        self.noted(f"{len(some)} customers: {name} {value}")

    def rules(self):
        m = self.model
        m.rows_most, m.two_above = self.dice.choice([10000, 10000, 10000, 90, 30]), self.dice.choice([5000, 5000, 40, 10, 0])
        self.sql("update app.settings set exports = %s where org_id = %s", json.dumps({"rows_most": m.rows_most, "two_approvers_above": m.two_above}), self.org.id)
        self.noted(f"at most {m.rows_most} rows, two people above {m.two_above}")

    def hide(self):
        """What a segment keeps to itself."""
        self.org.hides = self.dice.choice([{}, {self.dice.choice(list(SEGMENTS)): ["email"]}])
        self.sql("""update app.funnel f set segments = (select jsonb_agg(jsonb_set(s, '{hides}', coalesce(%s::jsonb->(s->>'id'), '[]')) order by n)
            from jsonb_array_elements(f.segments) with ordinality t(s, n)) where f.org_id = %s""", json.dumps(self.org.hides), self.org.id)
        self.noted(f"hidden: {self.org.hides}")

    def mask(self):
        self.org.masking = self.dice.choice(["off", "lists", "lists", "always"])
        self.sql("update app.settings set contact_masking = %s where org_id = %s", self.org.masking, self.org.id)
        self.noted(f"masked: {self.org.masking}")
