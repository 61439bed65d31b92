"""model.py -- who sees what of a customer, once more: the rules in plain Python over plain data, nothing of it from the SQL."""
import re
from dataclasses import dataclass, field
from datetime import datetime

CONTACTS = ("email", "phone", "phone_e164")
PLAIN = ("website", "address", "city", "region", "postal_code", "country", "source", "value", "currency", "notes", "tags", "custom")
COLUMNS = ("id", "name") + CONTACTS + PLAIN + ("stage", "segment", "owner_id", "version", "created_at", "updated_at", "archived_at", "masked")
OPTIONAL = ("email", "phone", "phone_e164", "value", "currency", "notes", "custom")   # null where fields= leaves them out
CHANGE = ("id", "operation_id", "entity", "record_id", "field", "old", "new", "actor_id", "actor_name", "at", "via")
MISSING, ENDED, REFUSED, ARCHIVED = "missing", "session ended", "refused", "archived"


@dataclass
class Person:
    id: str
    name: str
    email: str
    role: str
    manager: str = None
    segments: list = field(default_factory=list)
    status: str = "active"
    secret: str = None


@dataclass
class Org:
    """An org as its rows are. Customers are dicts of their columns and worked_in; changes, newest first, of those of history."""
    id: int = None
    visibility: str = "own"
    masking: str = "lists"
    segments: dict = field(default_factory=dict)     # segment -> its stages
    hides: dict = field(default_factory=dict)        # segment -> the fields that it keeps to itself
    people: dict = field(default_factory=dict)
    customers: dict = field(default_factory=dict)
    changes: list = field(default_factory=list)
    children: dict = field(default_factory=dict)     # of all kinds, by their ids
    opened: set = field(default_factory=set)         # (person, customer): the glass is broken and the time not over

    def segment(self, stage):
        return next(s for s, stages in self.segments.items() if stage in stages)

    def tree(self, top):
        """The ids of a person and of everybody below him, whatever became of them."""
        found = {top}
        while True:
            more = {p.id for p in self.people.values() if p.manager in found} - found
            if not more:
                return found
            found |= more

    def view(self, person):
        from model_children import Children   # which needs what is here
        return type("View", (View, Children), {})(self, person)


class View:
    """What one person sees of an org as it is now: another one after each change."""

    def __init__(self, org, me):
        self.org, self.me = org, me
        self.rep, self.manager = me.role == "rep", me.role == "manager"
        self.below = org.tree(me.id) if self.manager else {me.id}
        self.team = org.tree(me.manager) if self.rep and me.manager and org.visibility == "team" else set()
        self.team_segments = {s for p in self.below for s in org.people[p].segments}
        self.all = None   # what he may list, as it is shown
        self.foreign = [s for s in org.hides if self.rep and s not in me.segments]   # segments whose hides hold for him

    def writes(self, c):
        segment = self.org.segment(c["stage"])
        if self.rep:
            return c["owner_id"] == self.me.id and segment in self.me.segments
        if self.manager:
            return c["owner_id"] in self.below or c["owner_id"] is None and segment in self.team_segments
        return self.me.role == "admin"

    def lists(self, c):
        return (self.writes(c) or self.me.role == "auditor" or self.org.visibility == "open"
                or c["owner_id"] in self.team and self.org.segment(c["stage"]) in self.me.segments)

    def reads(self, c):
        return self.lists(c) or (self.me.id, c["id"]) in self.org.opened

    def clear(self, c, single):
        """Whether contact values are shown as they are, in the one record that was asked for or in anything else."""
        if self.me.role == "auditor" or self.org.masking == "always":
            return False
        # Where the org is not open, what he reads as somebody else's is masked for him under every setting.
        return (self.org.masking == "off" or single) and (self.writes(c) or self.org.visibility == "open")

    def kept(self, c):
        """The fields that he does not get of a customer, since another segment keeps them."""
        return sorted({f for s in self.foreign if s in c["worked_in"] for f in self.org.hides[s]})

    def shown(self, c, single, past=None):
        """A customer as an answer has it; past: as it was, though who sees what of it is decided by what it is."""
        kept, clear = self.kept(c), self.clear(c, single)
        row = dict(past or c)
        row["segment"] = self.org.segment(row["stage"])
        row["phone_e164"] = e164(row["phone"], row["country"])
        for name in kept:
            row[name] = None
            if name == "phone":
                row["phone_e164"] = None
        row["masked"] = kept + [f for f in CONTACTS if not clear and row[f] is not None]
        if not clear:
            row.update(email=mask_email(row["email"]), phone=mask_phone(row["phone"]), phone_e164=mask_phone(row["phone_e164"]))
        return {k: row[k] for k in COLUMNS}

    def get(self, id, as_of=None):
        c = self.org.customers.get(id)
        if c is None or not self.reads(c) or as_of and as_of < c["created_at"]:
            return MISSING
        return self.shown(c, True, as_of and self.past(c, as_of))

    def change_nothing(self, id):
        """What a change without a member answers."""
        found, c = self.get(id), self.org.customers.get(id)
        return found if found == MISSING else REFUSED if not self.writes(c) else ARCHIVED if c["archived_at"] else found

    def past(self, c, as_of):
        """The customer of a moment: every change behind it taken back."""
        row = dict(c)
        mine = [h for h in self.org.changes if h["entity"] == "customers" and h["record_id"] == c["id"]]
        for h in mine:
            if h["at"] > as_of and h["field"]:
                row[h["field"]] = datetime.fromisoformat(h["old"].replace("Z", "+00:00")) if h["field"] == "archived_at" and h["old"] else h["old"]
        last = next(h for h in mine if h["at"] <= as_of)
        return dict(row, version=last["version"], updated_at=last["at"])

    def list(self, filter, archived, sort, fields):
        """All rows of a list in order."""
        if self.all is None:
            self.all = [self.shown(c, False) for c in self.org.customers.values() if self.lists(c)]
        rows = [r for r in self.all if (r["archived_at"] is not None) == archived]
        rows = [r for r in rows if all(FILTERS[k](r, v, self.org.customers[r["id"]]) or k in ("phone", "email") and self.reached(r, k, v) for k, v in filter.items())]
        words = sort.split(",")
        rows.sort(key=lambda r: r["id"], reverse=words[-1].startswith("-"))
        for word in reversed(words):
            key, blank = word.lstrip("-"), {"city": "", "country": "", "value": -1}.get(word.lstrip("-"))
            rows.sort(key=lambda r: blank if r[key] is None else r[key], reverse=word.startswith("-"))
        if fields is not None:
            rows = [dict(r, **{f: None for f in OPTIONAL if f not in fields}) for r in rows]
        return rows

    def reads_change(self, h):
        if self.me.role in ("admin", "auditor"):
            return True
        if h["customer_id"] is None:
            return h["entity"] == "staff" and h["record_id"] in self.below
        c = self.org.customers[h["customer_id"]]
        return self.reads(c) and h["entity"] not in self.kept(c)

    def history(self, customer, filter):
        """All changes of one customer, or (None) of whatever he may see."""
        if customer is not None and self.get(customer) == MISSING:
            return MISSING
        rows = []
        for h in self.org.changes:
            if (customer in (None, h["record_id"]) and all(HISTORY_FILTERS[k](h, v) for k, v in filter.items()) and self.reads_change(h)):
                rows += self.change(h)
        return rows

    def change(self, h):
        """A change as an answer has it: one or none."""
        row = {k: h[k] for k in CHANGE if k != "actor_name"}
        actor = self.org.people.get(h["actor_id"])
        row["actor_name"] = actor and actor.name
        if h["customer_id"] is not None:
            c = self.org.customers[h["customer_id"]]
            kept = self.kept(c)
            if h["entity"] != "customers":
                kept = [f for f in kept if f in ("email", "phone")]
            if h["field"] in kept:
                return []
            for side in ("old", "new"):
                if h["field"] is None and row[side] is not None:
                    row[side] = {k: v for k, v in row[side].items() if k not in kept}
                if not self.clear(c, False):
                    row[side] = mask_change(h["field"], row[side])
        return [row]


FILTERS = {k: (lambda r, v, c, k=k: r[k] in v) for k in ("stage", "segment", "city", "country", "source", "currency", "name", "region", "postal_code")}
FILTERS.update(
    owner=lambda r, v, c: r["owner_id"] in v,
    tag=lambda r, v, c: bool(set(r["tags"] or ()) & set(v)),
    value_min=lambda r, v, c: r["value"] is not None and r["value"] >= v,
    value_max=lambda r, v, c: r["value"] is not None and r["value"] <= v,
    updated_after=lambda r, v, c: r["updated_at"] >= v, updated_before=lambda r, v, c: r["updated_at"] < v,
    created_after=lambda r, v, c: r["created_at"] >= v, created_before=lambda r, v, c: r["created_at"] < v,
    # By the whole value, masked or not, but not where the funnel keeps it back: r has none then.
    phone=lambda r, v, c: r["phone"] is not None and number(c["phone"], c["country"]) in {number(v), number(v, c["country"])} - {None},
    email=lambda r, v, c: r["email"] is not None and c["email"].lower() == v.lower())

HISTORY_FILTERS = {
    "field": lambda h, v: h["field"] in v, "actor": lambda h, v: h["actor_id"] in v, "record": lambda h, v: h["record_id"] in v,
    "entity": lambda h, v: h["entity"] in v, "operation": lambda h, v: h["operation_id"] in v,
    "from": lambda h, v: h["at"] >= v, "to": lambda h, v: h["at"] < v}


def digits(text):
    return re.sub("[^0-9]", "", text or "")


def e164(phone, country=None):
    """Of the forms that random_org.py has."""
    number_ = digits(phone)
    if not (phone or "").startswith("+"):
        code = {"DE": "49", "CH": "41", "AT": "43"}.get(country)
        number_ = code + number_[1:] if code and re.match("0[1-9]", number_) else ""
    return "+" + number_ if 7 <= len(number_) <= 15 and number_[0] != "0" else None


def number(phone, country=None):
    """What two written forms of one number have in common."""
    return e164(phone, country) or digits(phone) or None


def mask_phone(phone):
    """The head of the number and its last two digits, where that leaves something to hide."""
    if phone is None:
        return None
    head = phone[:2] + " " if re.match(r"\+[0-9]", phone) else ""
    return head + "*** ***-**" + (digits(phone)[-2:] if len(digits(phone)) >= 6 else "**")


def mask_email(email):
    return email and email[0] + "***@" + email.split("@", 1)[1][0] + "***"


def mask_change(field_, value):
    if field_ is None and value is not None:
        return dict(value, **{k: f(value[k]) for k, f in (("phone", mask_phone), ("email", mask_email)) if value.get(k)})
    return {"phone": mask_phone, "email": mask_email}.get(field_, lambda v: v)(value)
