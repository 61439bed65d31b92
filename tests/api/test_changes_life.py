"""test_changes_life.py -- random days of a firm, and everybody's app holds what the lists show. HOLDFAST_TEST_SEED repeats a run."""
import os
import random

import pytest

from following import KINDS, App, whole
from moving import Firm
from people import newcomer
from works import put, segments


class Life:
    """Random days of a firm. Each does what anybody may; refusals are part of it."""

    def __init__(self, stack, chance):
        self.chance, self.firm = chance, Firm(stack)
        f = self.firm
        self.rex = newcomer(stack, manager=f.north)
        self.axel = newcomer(stack, "auditor", f.boss, ())
        self.reps = [f.rep, self.rex, f.nan, f.nick, f.sue]
        self.people = self.reps + [f.north, f.south, f.boss, self.axel]
        self.workers = self.reps + [f.north, f.south, f.boss]
        self.done = {}
        self.seen = {p: set() for p in self.people}
        self.eyes = stack.connect()
        self.eyes.autocommit = False
        for p in self.reps:
            for _ in range(3):
                whole(p)

    def look(self):
        """Remembers what each has been shown, as the policies have it; but not whose glass he broke."""
        kinds = " union all ".join(f"select id::text from app.{t}" for t in ("contact", "deal", "activity", "offer"))
        with self.eyes.cursor() as q:
            for p in self.people:
                q.execute("select app.act_as(org_id, id, 'test') from app.staff where id = %s", (p.id,))
                q.execute("set local role holdfast_api")
                q.execute(f"select id::text from app.customer where (id = any(app.opened())) is not true union all {kinds}")
                self.seen[p] |= {id for id, in q.fetchall()}
                q.execute("reset role")
        self.eyes.rollback()

    def some(self, who, kind, **filter):
        if who in self.reps and self.chance.random() < .7:   # where all is open he would mostly be refused
            own = [c["id"] for c in who.get("/customers", limit=50, owner=who.id, fields="id").json()["data"]]
            filter = dict(filter, **({"owner": who.id} if kind == "customers" else {"customer": ",".join(own)} if own else {}))
        rows = who.get("/" + kind, limit=200, **filter).json()["data"]
        return self.chance.choice(rows) if rows else None

    def act(self):
        who = self.chance.choice(self.workers)
        name, weight = zip(*((n, w) for n, w in (("create", 3), ("change", 5), ("child", 10), ("alter", 8), ("stage", 6), ("give", 4), ("archive", 2), ("drop", 3),
                                                 ("undo", 5), ("merge", 2), ("glass", 1), ("offer", 4))))
        what = self.chance.choices(name, weight)[0]
        answer = getattr(self, what)(who)
        if answer is None:
            return self.act()
        assert answer.status_code < 500, answer.text
        self.done[what, answer.status_code < 300] = self.done.get((what, answer.status_code < 300), 0) + 1
        return self.look()

    def varied(self):
        return all(self.done.get((what, True)) for what in ("change", "child", "stage"))

    def create(self, who):
        phone = "+49 30 %08d" % self.chance.randrange(10 ** 8)
        return who.post("/customers", {"name": "C%d" % self.chance.randrange(10 ** 6), "phone": phone, "email": "c@c.example", "country": "DE", "notes": "n", "value": 5, "currency": "EUR"})

    def change(self, who):
        c = self.some(who, "customers")
        return c and who.patch("/customers/" + c["id"], self.chance.choice(({"city": str(self.chance.random())}, {"country": self.chance.choice(("DE", "FR"))}, {"notes": "m"})), "*")

    def child(self, who):
        c = self.some(who, "customers")
        kind = self.chance.choice(KINDS[1:])
        body = {"contacts": {"name": "Eva", "phone": "030 123456", "is_primary": self.chance.random() < .5}, "deals": {"title": "Big"}, "activities": {"kind": "note", "body": "Said"},
                "offers": {"currency": "EUR", "lines": [{"description": "Work", "quantity": 2, "unit_price": 100}], "valid_until": "2100-01-01"}}[kind]
        return c and who.post("/" + kind, dict(body, customer_id=c["id"]))

    def alter(self, who):
        kind = self.chance.choice(KINDS[1:])
        r = self.some(who, kind)
        body = {"contacts": {"title": "T%d" % self.chance.randrange(99), "is_primary": True}, "deals": {"amount": self.chance.randrange(99), "currency": "EUR"},
                "activities": {"outcome": "O%d" % self.chance.randrange(99)}, "offers": {"notes": "N%d" % self.chance.randrange(99)}}[kind]
        return r and who.patch(f"/{kind}/{r['id']}", body, "*")

    def stage(self, who):
        c = self.some(who, "customers")
        if c is None:
            return None
        stage = self.chance.choice(("new", "contacted", "proposal", "contract", "qualified"))
        return who.post(f"/customers/{c['id']}/stage", dict({"stage": stage}, **({"owner_id": self.chance.choice(self.reps).id} if self.chance.random() < .7 else {})))

    def give(self, who):
        c = self.some(who, "customers")
        return c and who.patch("/customers/" + c["id"], {"owner_id": self.chance.choice([p.id for p in self.workers] + [None])}, "*")

    def archive(self, who):
        c = self.some(who, "customers")
        return c and who.delete("/customers/" + c["id"], "*")

    def drop(self, who):
        kind = self.chance.choice(KINDS[1:])
        r = self.some(who, kind)
        return r and who.delete(f"/{kind}/{r['id']}", "*")

    def undo(self, who):
        rows = who.get("/operations", limit=12).json()["data"]
        return who.post(f"/operations/{self.chance.choice(rows)['id']}/undo", {"reason": "Back."}) if rows else None

    def merge(self, who):
        two = [self.some(who, "customers") for _ in range(2)]
        return who.post(f"/customers/{two[0]['id']}/merge", {"other": two[1]["id"], "reason": "The same."}) if None not in two else None

    def glass(self, who):
        c = self.some(self.axel, "customers")
        phones = self.firm.stack.sql("select phone from app.customer where id = %s", c["id"]) if c else []
        return who.post("/customers/break-glass", {"phone": phones[0][0], "reason": "He calls."}) if phones and phones[0][0] else None

    def offer(self, who):
        o = self.some(who, "offers")
        what = self.chance.choice(("send", "send", "revise", "accept", "decline"))
        return o and who.post(f"/offers/{o['id']}/{what}", {"reason": "So."} if what in ("accept", "decline") else {})


STEPS = 400 if os.environ.get("HOLDFAST_LONG") == "1" else 60


@pytest.mark.parametrize("visibility,masking,hides", [("own", "lists", ()), ("team", "off", ("contacts", "notes")), ("open", "off", ("activities", "email", "offers"))])
def test_the_store_is_what_the_lists_show(stack, visibility, masking, hides):
    seed = int(os.environ.get("HOLDFAST_TEST_SEED") or random.randrange(10 ** 9))
    print(f"test_changes {visibility}: HOLDFAST_TEST_SEED={seed}", flush=True)
    chance = random.Random(seed)
    life = Life(stack, chance)
    boss = life.firm.boss
    funnel = segments(boss)
    funnel[1]["hides"] = list(hides)
    assert put(boss, funnel).status_code == 200
    assert boss.patch("/settings", {"visibility": visibility, "contact_masking": masking}, "*").status_code == 200
    apps = {p: App(p, chance) for p in life.people}
    life.look()
    for step in range(STEPS):
        life.act()
        while step == STEPS - 2 and not life.varied():   # a short life may have had too little of it
            life.act()
        if step == STEPS // 2:   # somebody's rights change in between; his app asks before, and after before anybody takes it back
            apps[life.rex].sync()
            assert boss.patch("/staff/" + life.rex.id, {"segments": ["negotiation"]}, "*").status_code == 200
            life.look()
            apps[life.rex].sync()
        for p in chance.sample(life.people, 2) if step < STEPS - 1 else life.people:
            # Nobody hears of what he was never shown.
            assert [row for row in apps[p].sync() if row["id"] not in life.seen[p]] == [], (step, p.staff)
            assert apps[p].differs() == [], (step, p.staff)
    life.eyes.close()
    assert apps[life.rex].resyncs >= 1 and sum(app.resyncs for app in apps.values()) <= 4
    print(f"test_changes {visibility}: {sum(app.rows for app in apps.values())} rows of {sorted(life.done.items())}", flush=True)
    assert life.varied() and sum(n for (_, good), n in life.done.items() if good) > STEPS / 3
