"""stealing.py -- an org of its own with a base worth stealing, and a client that writes down what it gets."""
import re
from collections import Counter

from people import newcomer, other_org

SIZES = {"new": 1050, "proposal": 1050, "contract": 300}    # customers in a stage of each of the three segments
WORD = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
MAIL = re.compile(r"c([0-9]+)@base\.example")


class Base:
    """An org in which everybody sees everything, 2,400 customers of somebody else's, and people with the limits of budget_defaults."""

    def __init__(self, stack):
        self.stack, self.admin = stack, other_org(stack)
        (self.org,), = stack.sql("select org_id from app.login where staff_id = %s", self.admin.id)
        stack.sql("update app.settings set visibility = 'open' where org_id = %s", self.org)
        self.boss = newcomer(stack, "manager", self.admin, ())
        self.owner = newcomer(stack, "rep", self.admin)
        self.ids = {}       # customer: the number in its name and e-mail
        for stage, n in SIZES.items():
            self.make(self.owner, n, stage)
        stack.sql("select app.base_counted(); analyze app.customer")

    def make(self, owner, n, stage="new", since="400 days"):
        """n customers of somebody, long his; their ids."""
        first = len(self.ids)
        rows = self.stack.sql("""
            select app.act_as(org_id, id, 'customers.create') from app.staff where id = %s;
            insert into app.customer (org_id, id, name, email, phone, country, stage, owner_id, created_at, updated_at)
            select s.org_id, app.uuid7(), 'Firm ' || %s + n || ' word' || n %% 40, 'c' || %s + n || '@base.example', '+49 30 ' || 5000000 + %s + n, 'DE', %s, s.id,
                app.now() - %s::interval, app.now() - n * interval '1 minute'
            from app.staff s, generate_series(1, %s) n where s.id = %s returning id::text, email""",
                              owner.id, first, first, first, stage, since, n, owner.id)
        made = {id_: int(MAIL.match(email)[1]) for id_, email in rows}
        self.ids.update(made)
        return list(made)

    def rep(self, segments=("prospecting",)):
        return newcomer(self.stack, "rep", self.boss, segments)

    def thief(self, own=0, **more):
        """A new rep below the boss, with so many customers that are long his own."""
        rep = self.rep(**more)
        return Thief(self, rep, self.make(rep, own))


class Thief:
    """Somebody who asks, one request after another, until he is refused, and keeps what he got."""

    def __init__(self, base, client, own=()):
        self.base, self.client, self.own = base, client, set(own)
        self.answers = Counter()        # how many answers showed a customer
        self.contacts = set()           # of whom he has an e-mail address that is not masked
        self.refused = None             # the first 429
        self.masked = 0                 # answers with masked values
        self.at = 0                     # seconds since he began

    @property
    def got(self):
        return set(self.answers)

    def stolen(self):
        """Whom he saw that are not his own."""
        return self.got - self.own

    def wait(self, seconds):
        """Lets the database's clock run, and keeps him logged in."""
        self.at += seconds
        self.base.stack.sql("update app.test_clock set ahead = %s * interval '1 second'; "
                            "update app.session set expires_at = now() + interval '400 days' where staff_id = %s", self.at, self.client.id)

    def ask(self, method, path, body=None, **params):
        """The answer's object; None once he was refused."""
        if self.refused is not None:
            return None
        answer = self.client.request(method, path, json=body, params=params or None)
        if answer.status_code == 429:
            self.refused = answer
            return None
        assert answer.status_code < 300, answer.text
        shown = answer.text + (path if path.endswith("/reveal") else "")     # which names nobody
        for id_ in {i for i in WORD.findall(shown) if i in self.base.ids}:
            self.answers[id_] += 1
        numbers = {int(n) for n in MAIL.findall(answer.text)}
        self.contacts |= {i for i in self.base.ids if self.base.ids[i] in numbers} if numbers else set()
        self.masked += "***" in answer.text
        return answer.json()

    def get(self, path, **params):
        return self.ask("GET", path, **params)

    def pages(self, path, **params):
        """Pages of a list until it ends or he is refused."""
        cursor = {}
        while True:
            page = self.get(path, **params, **cursor)
            if page is None:
                return
            yield page["data"]
            if page["next"] is None:
                return
            cursor = {"cursor": page["next"]}

    def alerts(self):
        return {r for r, in self.base.stack.sql("select rule from app.alert where staff_id = %s", self.client.id)}

    def ledger(self):
        """How many rows of the ledger name a customer, of this person's."""
        return Counter(dict(self.base.stack.sql("""select c.id::text, count(*)::int from app.disclosure d, unnest(d.customer_ids) c(id)
            where d.staff_id = %s group by 1""", self.client.id)))

