"""test_search_model.py -- GET /search against a search by brute force in Python, for everybody of a firm and every visibility."""
import random
import re
import unicodedata
import uuid

from moving import Firm
from people import newcomer
from test_search import ids
from works import settings


def folded(name):
    name = unicodedata.normalize("NFKD", name.lower()).replace("ß", "ss")
    return " ".join(re.findall(r"[^\W_]+", "".join(c for c in name if not unicodedata.combining(c))))


class Model:
    """The records of a firm, and who sees and finds which, said once more in Python."""

    def __init__(self, firm, chance):
        self.firm, s = firm, firm.stack
        self.auditor = newcomer(s, "auditor", firm.boss, ())
        stages = dict(s.sql("select id, segment_id from app.stage where org_id = (select org_id from app.staff where id = %s)", firm.boss.id))
        parts = ["Adler", "Adlerhof", "Bär", "Bau", "Baustoffe", "Carré", "Dach", "Müller", "Muller", "Nord", "Norden", "Öl", "GmbH", "AG", "Straße", "7", "77"]
        self.parts, self.customers, self.contacts = parts, [], []
        rows = []
        for i in range(320):
            name = " ".join(chance.sample(parts, chance.choice((1, 2, 2, 3)))) + chance.choice(("", " GmbH", " GmbH"))
            stage = chance.choice(list(stages))
            owner = chance.choice([firm.north, firm.south, firm.rep, firm.nan, firm.nick, firm.sue, None])
            rows.append((str(uuid.uuid4()), name, stage, owner and owner.id, chance.random() < 0.1, i))
            self.customers.append(dict(entity="customers", id=rows[-1][0], name=name, owner=owner, segment=stages[stage], archived=rows[-1][4], at=-i, company=""))
        org = s.sql("select org_id from app.staff where id = %s", firm.boss.id)[0][0]
        c = s.connect()
        c.autocommit = False
        with c, c.cursor() as q:
            q.execute("select app.act_as(%s, %s, 'customers.create')", (org, firm.boss.id))
            for id_, name, stage, owner, archived, i in rows:
                q.execute("insert into app.customer (org_id, id, name, stage, owner_id, archived_at, created_at, updated_at) values (%s, %s, %s, %s, %s, case when %s then now() end,"
                          " now() - %s * interval '1 hour', now() - %s * interval '1 hour')", (org, id_, name, stage, owner, archived, i + 1, i + 1))
                for _ in range(chance.choice((0, 0, 1, 2))):
                    of = self.customers[i]
                    k = dict(of, entity="contacts", id=str(uuid.uuid4()), name=" ".join(chance.sample(["Anna", "Anne", "Bernd", "Adler", "Nordmann", "Zoë"], 2)), company=of["name"], at=-i + 0.5)
                    q.execute("insert into app.contact (org_id, id, customer_id, name, archived_at, created_at, updated_at) select org_id, %s, id, %s, archived_at, created_at,"
                              " updated_at + interval '30 minutes' from app.customer where id = %s", (k["id"], k["name"], id_))
                    self.contacts.append(k)
        c.close()

    def sees(self, who, r, visibility):
        f = self.firm
        team = {f.north.id: (f.north, f.rep, f.nan, f.nick), f.south.id: (f.south, f.sue)}
        works = {f.rep.id: ("prospecting",), f.nan.id: ("negotiation",), f.nick.id: ("negotiation",), f.sue.id: ("negotiation",)}
        if who in (f.boss, self.auditor) or visibility == "open":
            return True
        if who.id in team:
            return r["owner"] in team[who.id] or r["owner"] is None and r["segment"] in {s for p in team[who.id] for s in works.get(p.id, ())}
        mates = next(t for t in team.values() if who in t) if visibility == "team" else (who,)
        return r["owner"] in mates and r["segment"] in works[who.id]

    def finds(self, who, q, visibility):
        words, found = folded(q).split(), []
        fits = lambda w, name: any(n.startswith(w) for n in name.split())  # noqa: E731
        for r in self.customers + self.contacts:
            own, all_ = folded(r["name"]), folded(r["name"]) + " " + folded(r["company"])
            if not r["archived"] and self.sees(who, r, visibility) and all(fits(w, all_) for w in words) and any(fits(w, own) for w in words):
                found.append((own != folded(q), -r["at"], r["id"]))
        return [f[2] for f in sorted(found)[:20]], {f[2] for f in found}


def test_against_a_model(stack):
    chance = random.Random(random.randrange(10 ** 6))
    firm = Firm(stack)
    model = Model(firm, chance)
    everybody = [firm.boss, model.auditor, firm.north, firm.south, firm.rep, firm.nan, firm.nick, firm.sue]
    seen = {(r["id"], v, w.id): model.sees(w, r, v) for r in model.customers + model.contacts for w in everybody for v in ("own", "team", "open")}
    hits = 0
    for visibility in ("own", "team", "open"):
        with settings(firm.boss, visibility=visibility):
            for _ in range(25):
                pick = chance.choice(model.customers + model.contacts)["name"].split()
                q = " ".join(w[:chance.choice((2, 3, 20))] for w in chance.sample(pick, chance.choice((1, len(pick)))))
                if len(re.findall("[^\\W\\d]", q)) < 2:
                    continue
                for who in everybody:
                    best, all_ = model.finds(who, q, visibility)
                    found = ids(who, q)
                    assert all(seen[i, visibility, who.id] for i in found), (q, visibility, who.staff["role"])
                    if all_:
                        assert found == best, (q, visibility, who.staff["role"])
                        hits += bool(found)
    assert hits > 200
