"""random_exports.py -- a walk of people who take data out, or try to: each step in the model and in the database, and what both say."""
import json
from collections import Counter

import psycopg2

from asking import Disagreement
from export_model import Refused
from export_org import PART, ExportOrg

COLUMNS = {"customers": ["id", "name"], "contacts": ["id", "name"], "deals": ["id", "title"], "history": ["id", "field"], "events": ["id", "kind"]}
# The events of a person before a moment.
EVENTS = " union all ".join("select id::text from app.%s where org_id = {0} and %s = '{1}' and id < app.uuid7_floor('{2}')" % of
                            for of in (("disclosure", "staff_id"), ("operation", "actor_id"), ("event", "staff_id")))
# What is done how often.
STEPS = {"ask": 22, "approve": 22, "reject": 2, "ticket": 20, "take": 24, "send": 26, "done": 15, "look": 4, "flood": 0.3, "clock": 7, "expire": 2, "dismiss": 2, "return_": 3,
         "role": 3, "segments": 3, "above": 2, "transfer": 6, "rules": 2, "hide": 2, "mask": 1}


class RandomExports(ExportOrg):
    """programs: a connection as theirs."""

    def __init__(self, stack, programs, dice, few=False):
        self.db, self.kinds = programs, Counter()   # what came of the steps
        self.approvals, self.took = {}, {}          # export -> how many it needs; request of a download -> its export
        self.begin(stack, dice, few)

    def step(self):
        getattr(self, self.dice.choices(list(STEPS), STEPS.values())[0])()

    # Comparing ---------------------------------------------------------------------------------------------------------------

    def call(self, session, function, *args, request=None, statement=None):
        """What an api function answers, by a statement of its own if need be, or the status and the word of its refusal."""
        with self.db.cursor() as q:
            try:
                q.execute("begin")
                q.execute(f"select to_jsonb(f) from ({statement or f'select * from api.{function}(%s, %s::uuid' + ', %s' * len(args) + ')'}) f", (session, request or self.uuid(), *args))
                answer = [row[0] for row in q.fetchall()]
                q.execute("commit")
                return answer
            except psycopg2.Error as e:
                q.execute("rollback")
                return f"{e.pgcode[2:]} {e.diag.message_primary}" if (e.pgcode or "").startswith("PT") else f"{e.pgcode} {e}"

    def answered(self, what, got, ask, *args):
        """Compares an answer with what the model says; returns whether it was refused."""
        try:
            expected = ask(*args)
        except Refused as refused:
            expected = str(refused)
        self.said.append(f"{self.model.now:6}  {what}: {got if isinstance(got, str) else 'done'}")
        self.kinds[f"{what.split()[0]} {got if isinstance(got, str) else 'done'}"] += 1
        self.same(what, expected, got)
        return isinstance(got, str)

    def same(self, what, expected, got):
        if expected != got:
            raise Disagreement("\n  ".join(["the last steps", *self.said[-25:], what, f"expected  {expected}", f"got       {got}", *(
                f"{p.name} {p.role} ({p.status}) below {p.manager and self.org.people[p.manager].name} since {p.since}" for p in self.org.people.values())]))

    def compare(self):
        """Every export as it is written down, and what stands in the ledger of downloads."""
        self.same("the table", [(e.id, e.status, e.why, len(e.decisions)) for e in self.model.all.values()], self.sql(
            """select e.id::text, e.status, e.voided_why, (select count(*)::int from app.export_decision d where d.org_id = e.org_id and d.export_id = e.id)
            from app.export e where e.org_id = %s order by e.id""", self.org.id))
        ledger = {}
        for request, whose in self.sql("select request_id::text, customer_ids::text[] from app.disclosure where org_id = %s and channel = 'export' order by id", self.org.id):
            ledger.setdefault(request, []).append(set(whose))
        self.same("the ledger", self.model.ledger, ledger)

    # What is drawn -----------------------------------------------------------------------------------------------------------

    def anybody(self):
        return self.dice.choice(list(self.org.people.values()))

    def session(self, p):
        """Mostly the first of those that live."""
        return self.dice.choice(p.sessions[:2] * 8 + p.sessions[-1:]) if self.dice.random() < 0.2 else p.sessions[0]

    def export(self, wanted=lambda e: True):
        """Mostly a late one that is wanted, now and then any, rarely none that there is."""
        all_ = list(self.model.all.values())
        fit = [e for e in all_[-60:] if wanted(e)]
        return self.dice.choice(fit[-8:]) if fit and self.dice.random() < 0.88 else self.dice.choice(all_) if all_ else None

    def requester(self, e):
        return e.staff if self.dice.random() < 0.93 else self.anybody()

    # Steps -------------------------------------------------------------------------------------------------------------------

    def flood(self):
        """Somebody asks and asks."""
        me = self.anybody()
        while me.live and not self.ask(me, "deals"):
            pass

    def ask(self, me=None, entity=None):
        """Returns whether it was refused."""
        # Some of them ask all the time.
        me = me or self.dice.choice([self.anybody(), self.anybody(), *(p for p in self.org.people.values() if p.name in ("ada", "milo", "rolf"))])
        session, entity = self.session(me), entity or self.dice.choice(["customers"] * 4 + list(COLUMNS))
        columns = COLUMNS[entity] + (["email"] if entity in ("customers", "contacts") and self.dice.random() < 0.4 else [])
        filter, events = {"history": {"entity": "customers"}}.get(entity, {}), []
        if entity == "events":
            (to,), = self.sql("select app.now()")
            filter = {"actor": "me", "to": to.isoformat()}
            events = [id for id, in self.sql(EVENTS.format(self.org.id, me.id, to))]
        got = self.call(session, "export_create", None, json.dumps({"entity": entity, "filter": filter, "columns": columns, "reason": "For the walk"}))
        id = None
        if not isinstance(got, str):
            doc = got[0]["_doc"]
            id, got = doc["id"], dict({k: doc[k] for k in ("status", "row_count", "approvals_needed")}, approvers={a["id"] for a in doc["approvers"]})
            self.approvals[id] = 2 if doc["row_count"] > self.model.two_above else 1
        return self.answered(f"ask by {me.name} for {entity} {columns[2:]}", got, self.model.ask, me, session, entity, columns, events, id)

    def decide(self, word):
        e = self.export(lambda e: e.status == "pending")
        if e is None:
            return
        fit = self.model.deciders(e.staff)
        me = self.dice.choice(fit) if fit and self.dice.random() < 0.7 else self.anybody()
        session, id = self.session(me), e.id if self.dice.random() < 0.98 else self.uuid()
        got = self.call(session, "export_" + word, id, None, '{"note": "Seen"}')
        got = got if isinstance(got, str) else {"status": got[0]["_doc"]["status"]}
        self.answered(f"{word} by {me.name} of {e.staff.name}'s {id[-4:]}", got, self.model.decide, me, session, id, word)
        self.kinds["first of two approvals"] += got == {"status": "pending"}
        self.kinds["second of two approvals"] += got == {"status": "approved"} and e.needed == 2

    def approve(self):
        self.decide("approve")

    def reject(self):
        self.decide("reject")

    def ticket(self):
        again = self.dice.random() < 0.2
        e = self.export(lambda e: self.model.status(e) == "approved" and (again or not any(t.expires > self.model.now for t in e.tickets)))
        if e is None:
            return
        me = self.requester(e)
        session = self.session(me)
        got, secret = self.call(session, "export_ticket", e.id), None
        if not isinstance(got, str):
            secret, got = got[0]["_doc"]["url"].split("ticket=")[1], {}
        self.answered(f"ticket by {me.name} for {e.staff.name}'s {e.id[-4:]}", got, self.model.ticket, me, session, e.id, secret)

    def take(self):
        good = self.dice.random() < 0.85   # any link, or one that is good
        e = self.export(lambda e: any(not good or t.status in ("open", "failed") and t.expires > self.model.now for t in e.tickets))
        if e is None:
            return
        tickets = e.tickets if self.dice.random() < 0.97 else [t for o in self.model.all.values() for t in o.tickets]
        if not tickets:
            return
        t, me = tickets[-1] if self.dice.random() < 0.85 else self.dice.choice(tickets), self.requester(e)
        session = t.session if t.session in me.sessions and self.dice.random() < 0.93 else self.session(me)
        request, peek = self.uuid(), self.dice.random() < 0.1
        got = self.call(session, "export_take", e.id, t.secret, peek, request=request)
        if not isinstance(got, str):
            e.fetch = got[0]["statement"].replace("$1", "%s").replace("$2", "%s").replace("$3", "%s")
            got = {}
            if not peek:
                self.took[request] = e.id
        self.answered(f"{'peek' if peek else 'take'} by {me.name} of {e.staff.name}'s {e.id[-4:]}", got, self.model.take, me, session, request, e.id, t.secret, peek)
        self.kinds["take again"] += not isinstance(got, str) and t.tries == 2

    def taken(self):
        """An export that is on its way out, mostly, and of whose download the next step is."""
        e = self.export(self.under_way)
        under_way = e and [t.request for t in e.tickets if t.status == "taken"]
        others = [r for r in self.took if r not in (under_way or ())]
        request = under_way[0] if under_way and self.dice.random() < 0.95 else self.dice.choice(others) if others else self.uuid()
        return e, request

    def send(self):
        e, request = self.taken()
        if e is None or e.fetch is None:
            return
        me = self.requester(e)
        session = self.session(me)
        got = self.call(session, "export_part", e.id, request=request, statement=e.fetch)
        own = {id for id, in self.sql("select id::text from app.export_decoy where org_id = %s and export_id = %s", self.org.id, e.id)}
        if not isinstance(got, str):
            told = {c for c, in self.sql("select unnest(customer_ids)::text from app.disclosure where org_id = %s and request_id = %s", self.org.id, request)}
            self.kinds["a decoy went out"] += any(r["id"] in own for r in got)
            self.kinds["one of many parts"] += len(got) == PART
            rows = [r for r in got if r["id"] not in own]
            got = {"ids": [r["id"] for r in rows], "emails": [r["email"] for r in rows if e.entity == "customers" and "email" in r]}
            self.kinds["masked"] += any("*" in (m or "") for m in got["emails"])
            of = {} if e.entity == "events" else self.model.customers(e.entity)
            self.same("what goes out is in the ledger", [], [id for id in got["ids"] if of and of[id] not in told])
        self.answered(f"send by {me.name} of {e.staff.name}'s {e.id[-4:]}", got, self.model.send, me, session, request, e.id, own)

    def done(self):
        e, request = self.taken()
        if e is None:
            return
        me, whole = self.requester(e), self.dice.random() < 0.7
        session = self.session(me)
        got = self.call(session, "export_done", e.id, whole, request=request)
        was = e.status
        self.answered(f"{'done' if whole else 'broken'} by {me.name} of {e.staff.name}'s {e.id[-4:]}", got if isinstance(got, str) else {}, self.model.done, me, session, request, e.id, whole)
        self.kinds["downloaded"] += was != e.status == "downloaded"

    def look(self):
        """What somebody reads of the exports."""
        me = self.dice.choice([p for p in self.org.people.values() if p.live])
        m = self.model
        got = self.call(me.sessions[0], "export_list", "{}", None, 200)
        self.same(f"the list of {me.name}", [(e.id, m.status(e), len([d for d in e.decisions if d[1] == "approve"])) for e in reversed(m.all.values()) if m.reads(me, e)][:200],
                  got if isinstance(got, str) else [(r["id"], r["status"], r["approvals"]) for r in got if not r["_tail"]])
        for e in self.dice.sample(list(m.all.values()), min(3, len(m.all))):
            got = self.call(me.sessions[0], "export_get", e.id)
            got = got if isinstance(got, str) else got[0]["_doc"]
            self.same(f"{e.staff.name}'s {e.id[-4:]}, read by {me.name}", (m.status(e), e.why, {s.id for s in m.deciders(e.staff)}, me in m.deciders(e.staff)) if m.reads(me, e) else "404 not_found",
                      got if isinstance(got, str) else (got["status"], got["voided_why"], {a["id"] for a in got["approvers"]}, "sample" in got))
