"""moving.py -- what the tests of moves through the funnel share: a firm of two teams, and moves."""
from holdfast import problem
from people import newcomer, other_org
from works import put, segments


class Firm:
    """An org of its own. Below the admin two managers: north with rep and nan, nick in negotiation, south with sue there."""

    def __init__(self, stack):
        self.stack = stack
        self.boss = other_org(stack)
        self.north, self.south = (newcomer(stack, "manager", self.boss, ()) for _ in range(2))
        self.rep = newcomer(stack, manager=self.north)
        self.nan, self.nick = (newcomer(stack, manager=self.north, segments=("negotiation",)) for _ in range(2))
        self.sue = newcomer(stack, manager=self.south, segments=("negotiation",))
        self.people = [one.id for one in (self.boss, self.north, self.south, self.rep, self.nan, self.nick, self.sue)]

    def rule(self, word, segment="negotiation"):
        """How customers are handed over to a segment from now on."""
        funnel = segments(self.boss)
        next(g for g in funnel if g["id"] == segment)["rule"] = word
        answer = put(self.boss, funnel)
        assert answer.status_code == 200, answer.text

    def status(self, word, *people):
        for one in people:
            self.stack.sql("update app.staff set status = %s where id = %s", word, one.id)

    def back(self, one):
        """Somebody who is active again and logs in: a dismissal ended his sessions."""
        self.status("active", one)
        email = self.stack.sql("select email from app.staff where id = %s", one.id)[0][0]
        return self.stack.login(email)


def stage(client, customer, word, headers=None, **more):
    """Asks for a move; the answer."""
    return client.post(f"/customers/{customer['id']}/stage", dict({"stage": word}, **more), headers)


def moved(client, customer, word, **more):
    """Moves; the answer's document."""
    answer = stage(client, customer, word, **more)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"id", "stage", "segment", "owner_id"} and answer.json()["id"] == customer["id"]
    assert (answer.json()["stage"], answer.headers["X-Classification"][:12]) == (word, "Confidential")
    return answer.json()


def heir(client, customer, word="proposal", **more):
    """Whom a move brings it to."""
    return moved(client, customer, word, **more)["owner_id"]


def refused(client, customer, word, status, code, pointer=None, why=None, **more):
    """Asserts that a move is refused and changes nothing: neither the customer nor whose turn it is."""
    def state():
        return client.stack.sql("select to_jsonb(c), (select array_agg(to_jsonb(g) order by g.staff_id, g.segment_id) from app.staff_segment g where g.org_id = c.org_id),"
                                " (select count(*) from app.notice) from app.customer c where c.id = %s", customer["id"])
    before = state()
    body = problem(stage(client, customer, word, **more), status, code, pointer)
    assert why is None or [e["code"] for e in body["errors"]] == [why]
    assert state() == before
