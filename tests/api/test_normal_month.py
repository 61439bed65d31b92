"""A month of ordinary work of ten reps and their manager: nobody is stopped, and hardly anybody is looked at."""
import json
import random
from base64 import urlsafe_b64decode

import pytest

from stealing import Base

REPS, DAYS, BOOK = 10, 22, 120
ALERTS = 2 / 100 * (REPS + 1) * DAYS / 5     # two per hundred people a week


class Desk:
    """A rep at work, by the api functions themselves: eight thousand requests through the programs' role."""

    def __init__(self, base, client, db, dice):
        self.base, self.id, self.db, self.dice = base, client.id, db, dice
        body = client.tokens["access_token"].split(".")[1]
        self.sid = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))["sid"]
        self.book = base.make(client, BOOK)

    def call(self, function, text, *args):
        self.db.execute(f"select to_jsonb(f) from api.{function}(%s, gen_random_uuid(), {text}) f", [self.sid, *args])
        return [r for r, in self.db.fetchall()]

    def page(self, **filter):
        return self.call("customer_list", "%s, false, null, '-updated_at', null, 50, null", json.dumps(filter))

    def card(self, id_):
        return self.call("customer_get", "%s, null, null", id_)[0]

    def phone(self, id_):
        """He opens a card, calls, writes down what was said; now and then he mends something."""
        shown = self.card(id_)
        assert shown["masked"] == [], "an honest day is not masked"
        self.call("activity_create", "null, %s", json.dumps({"customer_id": id_, "kind": "call", "direction": "out", "outcome": "talked"}))
        if self.dice.random() < 0.2:
            self.call("customer_change", "%s, '{*}', %s", id_, json.dumps({"notes": f"Said {self.dice.random()}"}))
        if self.dice.random() < 0.02:
            self.call("customer_change", "%s, '{*}', %s", id_, json.dumps({"phone": f"+49 40 {self.dice.randrange(10 ** 6, 10 ** 7)}"}))

    def day(self):
        for _ in range(4):
            self.page()
        for id_ in self.dice.sample(self.book, self.dice.randint(12, 28)):
            self.phone(id_)
        for _ in range(self.dice.randint(0, 3)):
            self.call("search_find", "%s, 20", f"Firm {self.base.ids[self.dice.choice(self.book)]}")


@pytest.fixture
def month(stack):
    base = Base(stack)
    stack.sql("update app.settings set visibility = 'own' where org_id = %s", base.org)
    c = stack.connect("holdfast_cgi")
    dice = random.Random(20261128)
    with c.cursor() as db:
        yield base, [Desk(base, base.rep(), db, dice) for _ in range(REPS)], stack
    c.close()
    stack.clock("0")


def test_nobody_is_stopped(month):
    base, desks, stack = month
    stack.sql("analyze app.customer, app.seen")
    for day in range(DAYS):
        # From nine in the morning of the next weekday.
        (ahead,), = stack.sql("select date_trunc('day', now()) + interval '9 hours' + %s * interval '1 day' - now()", day + 1 + 2 * (day // 5))
        stack.sql("update app.session set expires_at = now() + interval '400 days' where org_id = %s", base.org)
        for n, desk in enumerate(desks):
            stack.clock(f"{ahead.total_seconds() + n * 60:.0f} seconds")
            desk.day()
        # The rules that only tell are asked at noon and at night.
        for hours in (4, 12):
            stack.clock(f"{ahead.total_seconds() + hours * 3600:.0f} seconds")
            while stack.sql("select app.watch()")[0][0]:
                pass
    alerts = stack.sql("select rule, severity, count(*)::int from app.alert where org_id = %s group by 1, 2", base.org)
    assert sum(n for _, _, n in alerts) <= ALERTS, alerts
    assert stack.sql("select max(used[3][1]) from app.exposure where org_id = %s", base.org)[0][0] is not None
    assert stack.sql("select count(*) from app.exposure where org_id = %s and masked_until is not null", base.org)[0][0] == 0
