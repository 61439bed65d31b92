"""asking_children.py -- random questions about contacts and activities, as asking.py asks about customers."""
import json
from datetime import timedelta

from model import ARCHIVED, ENDED, MISSING, REFUSED
from model_children import SHOWN

SINGULAR = {"contacts": "contact", "activities": "activity"}
SORTS = {"contacts": ["-updated_at", "name", "-name,updated_at", "created_at"], "activities": ["-at", "at", "due_at", "-due_at,at", "-updated_at"]}
FIELDS = {"contacts": ["id", "name", "email", "phone", "notes"], "activities": ["id", "subject", "outcome", "next_step"]}


class Children:
    """Of asking.Asker."""
    keeps = False   # what is made and archived is taken back

    def some_child(self, kind):
        """One, mostly of a customer that he sees; now and then one of the other kind or nobody's."""
        draw = self.dice.random()
        if draw < 0.06:
            return self.org_.uuid()
        every = [k for k in self.org.children.values() if k["kind_of"] == kind or draw < 0.08]
        of = self.org.customers.get(self.some_id())
        own = of and [k for k in every if k["customer_id"] == of["id"]]
        return self.dice.choice(own or every)["id"]

    def child_filter(self, kind):
        some = self.org.children[self.dice.choice([k for k, v in self.org.children.items() if v["kind_of"] == kind])]
        moment = some["updated_at"] + timedelta(microseconds=self.dice.randint(-1, 1))
        choices = {"customer": lambda: [self.some_id(), some["customer_id"]], "updated_after": lambda: moment, "updated_before": lambda: moment}
        choices.update({"name": lambda: [some["name"], "Eva"], "phone": lambda: some["phone"] or "030 17", "email": lambda: (some["email"] or "x@x").swapcase()} if kind == "contacts" else
                       {"kind": lambda: ["note"], "contact": lambda: [some["contact_id"] or some["id"]], "author": lambda: [some["author_id"], self.me.id],
                        "open": lambda: self.dice.choice([True, False]), "from": lambda: some["at"], "to": lambda: some["at"]})
        return {k: choices[k]() for k in self.dice.sample(list(choices), self.dice.choice([0, 0, 1, 1, 2]))}

    def child_list(self):
        kind = self.dice.choice(list(SINGULAR))
        filter, sort, archived = self.child_filter(kind), self.dice.choice(SORTS[kind]), self.dice.random() < 0.2
        fields = self.dice.choice([None, FIELDS[kind][:self.dice.randint(1, 4)]]) if self.fields_too else None
        count = self.dice.choice([None, "exact"])
        expected = self.view.list_children(kind, filter, archived, sort, fields)
        self.kinds.update([f"list of {kind}"] * bool(expected))
        limit = self.dice.choice([n for n in (7, 50, 200) if n * 8 >= len(expected)] or [200])
        cursor, at = None, 0
        while True:
            what = f"list {kind} {filter} archived={archived} sort={sort} fields={fields} limit={limit} at {at}, count={count}"
            got = self.call(SINGULAR[kind] + "_list", SHOWN[kind] + ("_tail", "_next", "_count"), json.dumps(filter, default=text), archived, fields, sort, cursor, limit, count)
            tail = got.pop() if isinstance(got, list) else {"_next": None, "_count": len(expected)}
            self.compare(what, expected[at:at + limit], [{k: r[k] for k in SHOWN[kind]} for r in got] if isinstance(got, list) else got)
            if self.me.status != "active":
                return
            self.compare(what + ": the count", len(expected) if count else None, tail["_count"])
            at, cursor = at + limit, tail["_next"]
            self.compare(what + ": is there a next", at < len(expected), cursor is not None)
            self.compared -= 2   # of the same answer
            if cursor is None:
                return

    def child_get(self):
        kind = self.dice.choice(list(SINGULAR))
        id, as_of = self.some_child(kind), None
        child = self.org.children.get(id)
        if child and self.dice.random() < 0.4:
            moments = [h["at"] for h in self.org_.drawn[:400] if h["record_id"] == id] + [child["created_at"]]
            as_of = self.dice.choice(moments) + timedelta(microseconds=self.dice.choice([-1, 0, 0, 1]))
        expected = self.view.get_child(kind, id, as_of)
        hidden = expected == MISSING and child is not None and child["kind_of"] == kind and self.view.reads(self.org.customers[child["customer_id"]])
        self.kinds["child hidden" if hidden else f"get {kind} missing" if expected == MISSING else f"get {kind} as of" if as_of else f"get {kind}"] += 1
        got = self.call(SINGULAR[kind] + "_get", SHOWN[kind], id, as_of, None)
        self.compare(f"get {kind} {id} as of {as_of}: {child}", expected if expected == MISSING else [expected], got)

    def child_write(self):
        """A change of nothing; one that is archived, and one that is made, which are taken back."""
        kind, deed = self.dice.choice(list(SINGULAR)), self.dice.choice(["change"] if self.keeps else ["change", "archive", "create"])
        id = self.some_id() if deed == "create" else self.some_child(kind)
        expected = self.view.create_child(kind, id) if deed == "create" else self.view.change_child(kind, id, deed == "archive")
        word = expected if expected in (MISSING, REFUSED, ARCHIVED) else "done"
        self.kinds[f"{deed} {kind} {word}"] += 1
        if deed == "change":
            got = self.call(SINGULAR[kind] + "_change", SHOWN[kind], id, ["*"], "{}")
            return self.compare(f"change {kind} {id}: {self.org.children.get(id)}", [expected] if word == "done" else expected, got)
        body = json.dumps(dict({"name": "New"} if kind == "contacts" else {"kind": "note"}, customer_id=id))
        with self.db.cursor() as q:
            q.execute("begin")
            got = self.call(SINGULAR[kind] + "_" + deed, ("id", "archived_at"), *([None, body] if deed == "create" else [id, ["*"]]))
            q.execute("rollback")
        done = "done" if isinstance(got, list) and len(got) == 1 and (got[0]["archived_at"] is not None) == (deed == "archive") else got
        self.compare(f"{deed} {kind} {id}", ENDED if self.me.status != "active" else word, done)


def text(at):
    return at.isoformat().replace("+00:00", "Z")
