"""export_model.py -- what becomes of exports, once more: the rules in plain Python over plain data, nothing of it from the SQL.

A call returns what it answers, or raises Refused with the status and the word. Time is minutes.
"""
from dataclasses import dataclass, field

from model import Person, View, mask_email

WAITS = 72 * 60       # for a decision, and then for its download
SEASONS = 72 * 60     # in a role, before he decides
LINK = 15
OPEN_MOST = 20
CONTACTS = ("email", "phone", "phone_e164")


class Refused(Exception):
    pass


@dataclass
class Account(Person):
    person: str = None
    since: float = float("-inf")                    # has his role
    sessions: list = field(default_factory=list)    # secrets; ended ones stay here
    live: set = field(default_factory=set)


@dataclass
class Export:
    id: str
    staff: Account
    entity: str
    columns: list
    known: int              # how many changes there were when it was asked for
    events: list            # that it is of
    n: int
    needed: int
    expires: int
    status: str = "pending"
    why: str = None
    decisions: list = field(default_factory=list)   # (account, word)
    tickets: list = field(default_factory=list)
    fetch: str = None       # the statement for a part's rows, as the database says


@dataclass
class Ticket:
    secret: str
    session: str
    expires: int
    status: str = "open"
    tries: int = 0
    request: str = None
    after: str = None       # the last row that went out
    sent: int = 0
    clear: bool = False


class Exports:
    def __init__(self, org, part):
        self.org, self.part, self.now = org, part, 0
        self.all, self.children, self.history = {}, {}, []   # of children and history: (id, customer), as they came
        self.rows_most, self.two_above = 10000, 5000
        self.ledger = {}   # request -> the customers of each of its rows

    # Who ---------------------------------------------------------------------------------------------------------------------

    def enter(self, me, session):
        if session not in me.live:
            raise Refused("401 session_ended")

    def deciders(self, who):
        """Managers above and admins, of an admin admins alone: never himself by another account, nobody below him, nobody new."""
        below = self.org.tree(who.id)
        return [s for s in self.org.people.values()
                if s.status == "active" and s.person != who.person and s.id not in below and self.now - s.since >= SEASONS
                and (s.role == "admin" or s.role == "manager" and who.role != "admin" and who.id in self.org.tree(s.id))]

    def reads(self, me, e):
        return (e.staff is me or me.role in ("admin", "auditor")
                or me.role == "manager" and e.staff.id in self.org.tree(me.id))

    def seen(self, me, id):
        e = self.all.get(id)
        if e is None or not self.reads(me, e):
            raise Refused("404 not_found")
        return e

    def own(self, me, id):
        e = self.seen(me, id)
        if e.staff is not me:
            raise Refused("403 forbidden")
        return e

    # What --------------------------------------------------------------------------------------------------------------------

    def customers(self, entity):
        """The rows that there are: id -> customer."""
        return {c: c for c in self.org.customers} if entity == "customers" else dict(self.history if entity == "history" else self.children[entity])

    def rows(self, me, entity, known, events):
        """The ids of what he would take out now, in their order."""
        if entity == "events":
            return sorted(events)
        of, view = self.customers(entity), View(self.org, me)
        if entity == "history":
            of = dict(self.history[:known])
        return sorted(id for id, c in of.items() if view.lists(self.org.customers[c]))

    def barred(self, me, entity, columns):
        """Whether he sees no value of one of these columns."""
        kept = {f for s, fields in self.org.hides.items() if me.role == "rep" and s not in me.segments for f in fields}
        return entity in ("customers", "contacts") and any(
            c in CONTACTS and me.role == "auditor" or {"phone_e164": "phone"}.get(c, c) in kept for c in columns)

    def email(self, me, customer):
        """As it goes out: somebody else has said that he may have it, so it is shown as in the one record that was asked for."""
        view, c = View(self.org, me), self.org.customers[customer]
        return None if "email" in view.kept(c) else c["email"] if view.clear(c, True) else mask_email(c["email"])

    # Asking and deciding -----------------------------------------------------------------------------------------------------

    def status(self, e):
        return "expired" if e.status in ("pending", "approved") and e.expires <= self.now else e.status

    def ask(self, me, session, entity, columns, events, id):
        """id: what the database called it."""
        self.enter(me, session)
        if self.barred(me, entity, columns):
            raise Refused("403 forbidden")
        if sum(e.staff is me and self.status(e) in ("pending", "approved") for e in self.all.values()) >= OPEN_MOST:
            raise Refused("409 too_many_open")
        n = len(self.rows(me, entity, len(self.history), events))
        if n > self.rows_most:
            raise Refused("422 invalid_value")
        needed = 2 if n > self.two_above else 1
        if len({s.person for s in self.deciders(me)}) < needed:
            raise Refused("409 no_approvers")
        self.all[id] = Export(id, me, entity, columns, len(self.history), events, n, needed, self.now + WAITS)
        return {"status": "pending", "row_count": n, "approvals_needed": needed, "approvers": {s.id for s in self.deciders(me)}}

    def decide(self, me, session, id, word):
        self.enter(me, session)
        e = self.seen(me, id)
        if me not in self.deciders(e.staff):
            raise Refused("403 forbidden")
        if self.status(e) != "pending":
            raise Refused("409 not_pending")
        if me.person in {by.person for by, _ in e.decisions}:
            raise Refused("409 already_decided")
        e.decisions.append((me, word))
        if word == "reject":
            e.status = "rejected"
        elif len({by.person for by, _ in e.decisions if by in self.deciders(e.staff)}) >= max(e.needed, 2 if e.n > self.two_above else 1):
            e.status, e.expires = "approved", self.now + WAITS
        return {"status": e.status}

    def void(self, who, why):
        for e in self.all.values():
            if e.staff is who and self.status(e) in ("pending", "approved"):
                e.status, e.why = "voided", why

    def expire(self):
        for e in self.all.values():
            e.status = self.status(e)

    # The file ----------------------------------------------------------------------------------------------------------------

    def ticket(self, me, session, id, secret):
        self.enter(me, session)
        e = self.own(me, id)
        if self.status(e) != "approved":
            raise Refused("409 not_approved")
        if any(t.tries for t in e.tickets):
            raise Refused("409 ticket_used")
        for t in e.tickets:
            t.expires = min(t.expires, self.now)
        e.tickets.append(Ticket(secret, session, self.now + LINK))
        return {}

    def clear(self, me, entity):
        """Whether contact values go out to him as they are."""
        return me.role != "auditor" and (self.org.masking == "off" or self.org.masking == "lists" and entity in ("customers", "contacts"))

    def take(self, me, session, request, id, secret, peek):
        self.enter(me, session)
        e = self.own(me, id)
        t = next((t for t in e.tickets if t.secret == secret and t.session == session), None)
        if t is None:
            raise Refused("403 ticket_invalid")
        if t.tries >= 2 or t.status not in ("open", "failed"):
            raise Refused("409 ticket_used")
        if t.expires <= self.now:
            raise Refused("409 ticket_expired")
        if self.status(e) != "approved":
            raise Refused("409 not_approved")
        n = len(self.rows(me, e.entity, e.known, e.events))
        if n * 100 > e.n * 102 or self.barred(me, e.entity, e.columns):
            raise Refused("409 approval_stale")
        if not peek:
            t.status, t.tries, t.request, t.after, t.sent, t.clear = "taken", t.tries + 1, request, None, 0, self.clear(me, e.entity)
        return {}

    def taken(self, e, request):
        return next((t for t in e.tickets if t.status == "taken" and t.request == request), None)

    def send(self, me, session, request, id, own):
        """The next part of what he sees now, among which the export's own customers stand; the ledger has it."""
        self.enter(me, session)
        e = self.own(me, id)
        t = self.taken(e, request)
        if t is None or self.status(e) != "approved":
            raise Refused("409 not_approved")
        if t.sent > e.n * 102 // 100 or t.clear != self.clear(me, e.entity) or self.barred(me, e.entity, e.columns):
            raise Refused("409 approval_stale")
        part = sorted(i for i in [*self.rows(me, e.entity, e.known, e.events), *own] if t.after is None or i > t.after)[:self.part]
        ids = [i for i in part if i not in own]
        if ids and e.entity != "events":
            of = self.customers(e.entity)
            self.ledger.setdefault(request, []).append({of[i] for i in ids})
        t.after, t.sent = part[-1] if part else t.after, t.sent + len(ids)
        return {"ids": ids, "emails": [self.email(me, i) for i in ids if e.entity == "customers" and "email" in e.columns]}

    def done(self, me, session, request, id, whole):
        self.enter(me, session)
        e = self.own(me, id)
        t = self.taken(e, request)
        if t is not None:
            t.status = "done" if whole else "failed"
            # All of it went out in its time, though the time ended before it was said.
            if whole and e.status == "approved":
                e.status = "downloaded"
        return {}
