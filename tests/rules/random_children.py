"""random_children.py -- contacts and activities of random customers, made and changed in the model and in the database alike."""
import json
from datetime import datetime, timedelta, timezone

import random_org as r

EDITS = {
    "contacts": {"name": lambda d: d.choice(["Eva", "eva", "Öz", "Zoë 2"]), "title": lambda d: d.choice([None, "Boss"]), "email": lambda d: r.SAMPLE["email"](d),
                 "phone": lambda d: r.SAMPLE["phone"](d), "notes": lambda d: d.choice([None, "n %d" % d.randrange(9)])},
    "activities": {"subject": lambda d: d.choice([None, "s %d" % d.randrange(9)]), "outcome": lambda d: d.choice([None, "good"]),
                   "next_step": lambda d: d.choice([None, "Call."]), "due_at": lambda d: d.choice([None, datetime(2026, 5, d.randint(1, 28), tzinfo=timezone.utc)]),
                   "done_at": lambda d: d.choice([None, None, datetime(2026, 6, d.randint(1, 28), tzinfo=timezone.utc)])}}
TABLES = {"contacts": "app.contact", "activities": "app.activity"}
OTHERS = {"contacts": ["is_primary"], "activities": ["kind", "at", "author_id", "contact_id"]}


class Children:
    """Of random_org.RandomOrg."""

    def fill_children(self, rows):
        customers, self.org.children = list(self.org.customers.values()), {}
        for kind, n in (("contacts", rows), ("activities", rows)):
            made = []
            for _ in range(n):
                c, at = self.dice.choice(customers), datetime.now(timezone.utc) - timedelta(hours=self.dice.randint(1, 99))
                own = [k["id"] for k in self.org.children.values() if k["customer_id"] == c["id"]] if self.dice.random() < 0.3 else []
                more = {"is_primary": False} if kind == "contacts" else {
                    "kind": self.dice.choice(["note", "task"]), "at": at, "author_id": self.dice.choice(list(self.org.people)), "contact_id": self.dice.choice([None] + own)}
                # Archived with its customer, or by itself.
                row = dict({k: of(self.dice) for k, of in EDITS[kind].items()}, id=self.uuid(), customer_id=c["id"], created_at=at, updated_at=at,
                           archived_at=c["archived_at"] or (at if self.dice.random() < 0.15 else None), **more)
                made.append(row)
                if kind == "contacts":
                    self.org.children[row["id"]] = dict(row, kind_of=kind, version=1)
            columns = ", ".join(made[0])
            self.sql(f"insert into {TABLES[kind]} (org_id, {columns}) select %s, {columns} from jsonb_populate_recordset(null::{TABLES[kind]}, %s)",
                     self.org.id, json.dumps(made, default=str))
            self.db.commit()
            self.org.children.update({k["id"]: dict(k, kind_of=kind, version=1) for k in made})

    def child_work(self):
        """One field of some children."""
        kind = self.dice.choice(list(EDITS))
        name = self.dice.choice(list(EDITS[kind]) + ["archived_at", "phone" if kind == "contacts" else "next_step"])
        for k in self.dice.sample([k for k in self.org.children.values() if k["kind_of"] == kind], self.dice.randint(1, 12)):
            new = self.dice.choice([None, datetime.now(timezone.utc)]) if name == "archived_at" else EDITS[kind][name](self.dice)
            if new != k[name]:
                (k["version"], k["updated_at"]), = self.sql(f"update {TABLES[kind]} set {name} = %s where org_id = %s and id = %s returning version, updated_at", new, self.org.id, k["id"])
                k[name] = new

    def along(self, c, was):
        """What belongs to a customer went along when he was archived or brought back; a number may be another one in another country."""
        for k in self.org.children.values():
            if k["customer_id"] == c["id"] and k["archived_at"] == was:
                k["archived_at"] = c["archived_at"]
        for kind, table in TABLES.items():
            for id, version, at in self.sql(f"select id::text, version, updated_at from {table} where org_id = %s and customer_id = %s", self.org.id, c["id"]):
                self.org.children[id].update(version=version, updated_at=at)
