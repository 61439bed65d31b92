"""offering.py -- what the tests of offers share: making them, asking for what happens to them, and their totals by another way."""
import contextlib
import datetime
from decimal import ROUND_HALF_UP, Decimal

LINE = {"description": "Housing, aluminium", "quantity": 100, "unit_price": 1250, "discount": 0, "tax": 19}
MEMBERS = ("id customer_id contact_id deal_id number revision title currency lines net tax gross status valid_until promised_by promised_by_name sent_at decided_at "
           "superseded_at reason notes valid_from valid_to version created_at updated_at archived_at masked revisions").split()
WORDS = ("send", "revise", "accept", "decline")
ACTIONS = ("change", "archive") + WORDS


def path(offer, word=None):
    return "/offers/" + (offer if isinstance(offer, str) else offer["id"]) + ("/" + word if word else "")


def offer(client, customer, **fields):
    """A new draft of one line."""
    answer = client.post("/offers", dict({"customer_id": customer["id"], "lines": [LINE]}, **fields))
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == "/v1" + path(answer.json())
    return answer.json()


def read(client, o, **more):
    answer = client.get(path(o), **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def change(client, o, **fields):
    return client.patch(path(o), fields, client.get(path(o)).headers["ETag"])


def ask(client, o, word, **body):
    """The answer to one of WORDS, or to change or archive."""
    if word in WORDS:
        return client.post(path(o, word), dict({"reason": "Too dear."} if word == "decline" else {}, **body))
    return client.delete(path(o), "*") if word == "archive" else client.patch(path(o), body or {"title": "Changed"}, "*")


def did(client, o, word, **body):
    """Does it; returns the object of the answer."""
    answer = ask(client, o, word, **body)
    assert answer.status_code == (201 if word == "revise" else 200), answer.text
    assert list(answer.json()) == MEMBERS
    return answer.json()


def sent(client, customer, **fields):
    return did(client, offer(client, customer, **fields), "send")


def revised(client, o, **fields):
    """The next revision, sent."""
    return did(client, did(client, o, "revise", **fields), "send")


@contextlib.contextmanager
def ago(stack, days):
    """While the block runs it is some days ago."""
    stack.clock(f"-{days} days")
    try:
        yield
    finally:
        stack.clock("0")


def day(stack, days=0):
    """Today in UTC, or some days from it."""
    return str(stack.sql("select (app.now() at time zone 'UTC')::date")[0][0] + datetime.timedelta(days))


def total(lines):
    """(net, tax, gross) of lines, in decimals: each line is rounded, then the tax of each rate."""
    def whole(value):
        return int(value.quantize(Decimal(1), ROUND_HALF_UP))
    rates = {}
    for line in lines:
        q, p, d, t = (Decimal(str(line.get(k, 0))) for k in ("quantity", "unit_price", "discount", "tax"))
        rates[t] = rates.get(t, 0) + whole(q * p * (100 - d) / 100)
    net, tax = sum(rates.values()), sum(whole(n * rate / 100) for rate, n in rates.items())
    return net, tax, net + tax


def rows(stack, customer):
    """The offers of a customer as they are stored, to see that nothing changed."""
    return stack.sql("select to_jsonb(o) from app.offer o where o.customer_id = %s order by o.number, o.revision", customer["id"])
