"""scene.py -- an org under one setting of visibility: the callers, the people around them, and a customer for each cell."""
import json
import re
import secrets
import uuid
from types import SimpleNamespace

from actions import CHILD
from children import IDS, KINDS
from relations import CAST, HOME, LEADERS, ONCE, RELATIONS, SEGMENTS, STAGES, exists

NAMES = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|Cell [0-9]+|cell[0-9]+|(?<=30 )[123][0-9]{6}|(?<=4930)[123][0-9]{6}")


def words(stack, table, constraint):
    """The words that a check constraint allows."""
    (text,), = stack.sql("select pg_get_constraintdef(oid) from pg_constraint where conrelid = %s::regclass and conname = %s",
                         table, constraint)
    return text.split("'")[1::2]


class Scene:
    def __init__(self, stack, visibility, roles, rooms):
        """rooms(role, relation): the actions that get a customer of their own; all others share that of "read"."""
        self.stack, self.visibility, self.roles = stack, visibility, roles
        self.tag, self.count = visibility + secrets.token_hex(3), 0
        self.db = stack.connect()
        self.org, self.other = self.new_org("here"), self.new_org("there")
        stack.unlimited()       # what a budget refuses would hide what a rule does
        self.sql("update app.settings set visibility = %s where org_id = %s", visibility, self.org.id)
        self.staff, self.sessions = {("boss",): self.org.boss}, {}
        self.hire()
        self.customers = {(role, relation, room): self.customer(role, relation, room)
                          for role in roles for relation in RELATIONS if exists(relation, role)
                          for room in ["read", *rooms(role, relation)]}
        self.build()

    def sql(self, text, *args):
        with self.db.cursor() as q:
            q.execute(text, args)
            return q.fetchall() if q.description else []

    def new_org(self, name):
        email = f"{name}-{self.tag}@rules.test"
        self.sql("select app.org_create(%s, 'The boss', %s)", name, email)
        (org, boss), = self.sql("select org_id, staff_id from app.login where email = %s", email)
        self.sql("update app.staff set status = 'active' where id = %s", boss)
        return SimpleNamespace(id=org, boss=boss)

    def masking(self, word):
        self.sql("update app.settings set contact_masking = %s where org_id = %s", word, self.org.id)

    def hire(self):
        people = []

        def add(key, above, role, segments, org=self.org.id):
            self.staff[key], self.sessions[key] = str(uuid.uuid4()), f"{org}.{secrets.token_urlsafe(32)}"
            people.append(dict(org=org, id=self.staff[key], name=" ".join(key), email=f"{uuid.uuid4().hex}@rules.test", role=role,
                               above=self.staff.get(above), segments=segments, session=self.sessions[key]))
        for name, p in ONCE.items():
            add((name,), (p.above,), p.role, p.segments)
        add(("alien",), None, "rep", [HOME], self.other.id)
        for role in self.roles:
            for name, p in CAST.items():
                if role in LEADERS or not p.leaders:
                    add((name, role), (p.above,) if p.above in ONCE else (p.above, role), p.role or role,
                        SEGMENTS.get(role, [HOME]) if p.segments is None else p.segments)
        self.sql("select rules.people(%s)", json.dumps(people))

    def who(self, names, role):
        """The id of somebody around the caller of a role; of several names the first that he has."""
        return next((self.staff[k] for n in (names or "").split("|") for k in ((n, role), (n,)) if k in self.staff), None)

    def stranger(self, role):
        """A customer that nobody ever had: questions about it must get the same answers as about a hidden one."""
        self.count += 1
        new, n = (lambda: str(uuid.uuid4())), self.count
        change = SimpleNamespace(id=new(), operation=new(), at="2026-01-02T00:00:00Z", after="2026-01-03T00:00:00Z")
        return SimpleNamespace(
            id=new(), name=f"Cell {n} {self.tag}", email=f"cell{n}@{self.tag}.test", phones=[f"+49 30 {k}{n:06}" for k in (1, 2, 3)],
            role=role, org=self.org.id, segment=HOME, archived=False, worker=new(), restore=new(), created=change.at,
            first=change, city=change, last=change, noted=new(), born=change.at, **{k: new() for k in IDS})

    def customer(self, role, relation, room):
        r, c = RELATIONS[relation], self.stranger(role)
        mover, heir, segment = r.moved or (None, None, r.segment)
        org = self.other if r.org else self.org
        c.relation, c.org, c.segment, c.archived, c.worker = r, org.id, segment, r.archived, self.who(r.worker or r.owner, role)
        c.row = dict(org=org.id, id=c.id, name=c.name, email=c.email, phones=c.phones, stage=STAGES[r.segment],
                     owner=self.who(r.owner, role), worker=c.worker, boss=org.boss, mover=self.who(mover, role),
                     heir=self.who(heir, role), moved=STAGES[segment], archived=r.archived,
                     children={k: getattr(c, k) for k in IDS} if room in ("read", CHILD) else None)
        return c

    def build(self):
        all_ = list(self.customers.values())
        self.sql("select rules.customers(%s)", json.dumps([c.row for c in all_]))
        self.sql("select rules.glass(%s)", json.dumps([dict(
            org=c.org, staff=self.who(c.relation.glass[0], c.role), customer=c.id, over=c.relation.glass[1]) for c in all_ if c.relation.glass]))
        self.sql("select rules.restores(%s)", json.dumps([dict(
            org=c.org, id=c.restore, worker=c.worker, customer=c.id, phones=c.phones)
            for (_, _, room), c in self.customers.items() if room == "read"]))
        self.sql("select rules.leave(%s::uuid[])", [id_ for k, id_ in self.staff.items() if k[0] in CAST and CAST[k[0]].left])
        history = dict(self.sql("select record_id::text, doc from rules.history(%s::uuid[])", [c.id for c in all_]))
        for c in all_:
            rows = [SimpleNamespace(**h) for h in history[c.id]]
            c.created, c.last = rows[0].at, [h for h in rows if h.actor == c.worker][-1]
            c.first, c.city = (next(h for h in rows if h.field == f) for f in ("phone", "city"))
        born = dict(self.sql("select record_id::text, doc from rules.history(%s::uuid[])", [c.contact for c in all_ if c.row["children"]]))
        for c in all_:
            if c.row["children"]:
                c.born, c.noted = born[c.contact][0]["at"], next(h["operation"] for h in born[c.contact] if h["field"] == "notes")
        self.sql("analyze app.contact, app.deal, app.activity, app.offer, app.customer, app.history, app.operation, app.restore_conflict, app.staff_tree")
        self.read = {k: (role, relation) for (role, relation, room), c in self.customers.items() if room == "read"
                     for k in (c.id, c.name.rsplit(" ", 1)[0], c.email.split("@")[0], *(p[-7:] for p in c.phones))}
        self.versions = self.now()

    def now(self):
        """The version of every customer and of what belongs to them."""
        return {(org, id_): n for t in ("customer", *KINDS.values()) for org, id_, n in self.sql(
            f"select org_id, id::text, version from app.{t} where org_id in (%s, %s)", self.org.id, self.other.id)}

    def named(self, text):
        """Whose customers to read a text tells something of: (role, relation)s."""
        return {self.read[m] for m in NAMES.findall(text) if m in self.read}
