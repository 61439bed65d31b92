"""model_children.py -- who sees what of contacts and activities, as model.py says it of customers."""
from datetime import datetime

import model as m

CONTACT = ("id", "customer_id", "name", "title", "email", "phone", "phone_e164", "is_primary", "notes", "version", "created_at", "updated_at", "archived_at", "masked")
ACTIVITY = ("id", "customer_id", "contact_id", "kind", "subject", "outcome", "at", "next_step", "due_at", "done_at", "author_id", "author_name",
            "version", "created_at", "updated_at", "archived_at", "masked")
SHOWN = {"contacts": CONTACT, "activities": ACTIVITY}
OPTIONAL = ("email", "phone", "phone_e164", "notes", "subject", "outcome", "next_step")   # null where fields= leaves them out
TIMES = ("archived_at", "at", "due_at", "done_at")
BLANKS = {"due_at": datetime.max}


def moment(value):
    return datetime.fromisoformat(value.replace("Z", "+00:00")) if value else None


class Children:
    """Of model.View. A child is a dict of its columns and kind_of, by its id in org.children."""
    contacts = None   # the active ones by their customer, when somebody asked

    def hides(self, child):
        """Whether the funnel keeps its kind back from him, where its customer was worked with."""
        return child["kind_of"] in self.kept(self.org.customers[child["customer_id"]])

    def reads_child(self, child):
        return self.reads(self.org.customers[child["customer_id"]]) and not self.hides(child)

    def shown_child(self, child, single, past=None):
        c, row = self.org.customers[child["customer_id"]], dict(past or child)
        if child["kind_of"] == "activities":
            author = self.org.people.get(row["author_id"])
            row.update(masked=[], author_name=author and author.name)
        else:
            kept, clear = [f for f in self.kept(c) if f in ("email", "phone")], self.clear(c, single)
            row["phone_e164"] = m.e164(row["phone"], c["country"])
            for name in kept:
                row.update({name: None, **({"phone_e164": None} if name == "phone" else {})})
            row["masked"] = kept + [f for f in m.CONTACTS if not clear and row[f] is not None]
            if not clear:
                row.update(email=m.mask_email(row["email"]), phone=m.mask_phone(row["phone"]), phone_e164=m.mask_phone(row["phone_e164"]))
        return {k: row[k] for k in SHOWN[child["kind_of"]]}

    def get_child(self, kind, id, as_of=None):
        child = self.org.children.get(id)
        if child is None or child["kind_of"] != kind or not self.reads_child(child) or as_of and as_of < child["created_at"]:
            return m.MISSING
        return self.shown_child(child, True, as_of and self.past_child(child, as_of))

    def past_child(self, child, as_of):
        row, version = dict(child), child["version"]
        mine = [h for h in self.org.changes if h["entity"] == child["kind_of"] and h["record_id"] == child["id"]]
        for h in mine:
            if h["at"] > as_of and h["field"]:
                row[h["field"]], version = moment(h["old"]) if h["field"] in TIMES else h["old"], h["version"] - 1
        return dict(row, version=version, updated_at=next(h for h in mine if h["at"] <= as_of)["at"])

    def change_child(self, kind, id, archives):
        """What a change without a member answers, and what archiving does."""
        found, child = self.get_child(kind, id), self.org.children.get(id)
        if found == m.MISSING:
            return found
        if not self.writes(self.org.customers[child["customer_id"]]):
            return m.REFUSED
        if archives and kind == "activities" and self.rep and child["author_id"] != self.me.id:
            return m.REFUSED
        return m.ARCHIVED if child["archived_at"] else found

    def create_child(self, kind, customer):
        """Whether he may make one for a customer: None, or the refusal."""
        c = self.org.customers.get(customer)
        if self.me.role == "auditor":
            return m.REFUSED
        if c is None or not self.reads(c):
            return m.MISSING
        return m.REFUSED if not self.writes(c) or kind in self.kept(c) else m.ARCHIVED if c["archived_at"] else None

    def reached(self, row, word, value):
        """Whether a customer has a contact with this phone or e-mail, that he may know of."""
        c = self.org.customers[row["id"]]
        kept = self.kept(c)
        if self.contacts is None:
            self.contacts = {}
            for k in self.org.children.values():
                if k["kind_of"] == "contacts" and not k["archived_at"]:
                    self.contacts.setdefault(k["customer_id"], []).append(k)
        return word not in kept and "contacts" not in kept and any(_has(k, word, value, c["country"]) for k in self.contacts.get(c["id"], ()))

    def list_children(self, kind, filter, archived, sort, fields):
        of = [k for k in self.org.children.values() if k["kind_of"] == kind and (k["archived_at"] is not None) == archived]
        # Asked for a customer, those of any that he reads; else of those that he would list.
        of = [k for k in of if not self.hides(k) and (self.reads if "customer" in filter else self.lists)(self.org.customers[k["customer_id"]])]
        rows = [self.shown_child(k, False) for k in of]
        rows = [r for r in rows if all(FILTERS[k](r, v, self.org) for k, v in filter.items())]
        words = sort.split(",")
        rows.sort(key=lambda r: r["id"], reverse=words[-1].startswith("-"))
        for word in reversed(words):
            key = word.lstrip("-")
            rows.sort(key=lambda r: r[key].replace(tzinfo=None) if isinstance(r[key], datetime) else BLANKS[key] if r[key] is None else r[key], reverse=word.startswith("-"))
        return rows if fields is None else [dict(r, **{f: None for f in OPTIONAL if f in r and f not in fields}) for r in rows]


def _has(contact, word, value, country):
    if word == "email":
        return contact["email"] is not None and contact["email"].lower() == value.lower()
    return m.number(contact["phone"], country) in {m.number(value), m.number(value, country)} - {None}


def _found(word):
    return lambda r, v, org: r[word] is not None and _has(org.children[r["id"]], word, v, org.customers[r["customer_id"]]["country"])


FILTERS = {k: (lambda r, v, org, k=k: r[k] in v) for k in ("name", "kind")}
FILTERS.update(
    customer=lambda r, v, org: r["customer_id"] in v, contact=lambda r, v, org: r["contact_id"] in v, author=lambda r, v, org: r["author_id"] in v,
    email=_found("email"), phone=_found("phone"),
    open=lambda r, v, org: ((r["next_step"] is not None or r["kind"] == "task") and r["done_at"] is None) == v,
    updated_after=lambda r, v, org: r["updated_at"] >= v, updated_before=lambda r, v, org: r["updated_at"] < v,
    **{"from": lambda r, v, org: r["at"] >= v, "to": lambda r, v, org: r["at"] < v})
