"""taking_over.py -- what the tests of the handover document share: a customer with everything, and the document."""
import itertools

from offering import offer, revised, sent

numbers = itertools.count(700000)
MEMBERS = ("generated_at generated_for classification customer standing contacts deals offers open_offers next_steps conversations conversation_count owners changes "
           "completeness").split()


def post(client, path, **body):
    answer = client.post(path, body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def patch(client, path, **body):
    answer = client.patch(path, body, "*")
    assert answer.status_code == 200, answer.text
    return answer.json()


def document(client, c):
    """The handover document of a customer."""
    answer = client.get(f"/customers/{c['id']}/handover")
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == set(MEMBERS) and answer.headers["X-Classification"] == answer.json()["classification"]
    return answer.json()


def child(client, table, c, **more):
    return post(client, "/" + table, customer_id=c["id"], **more)


class Case:
    """A customer of rita with everything that a customer can have, twice."""

    def __init__(self, rita, word="Adler"):
        n = next(numbers)
        self.c = rita.customer(name=f"{word} {n}", phone=f"+49 731 {n}", email=f"c{n}@{word.lower()}.example", country="DE", city="Ulm", value=n, currency="EUR", notes=f"Notes {word}.")
        self.phone = f"+49 731 2{n}"
        self.bob = child(rita, "contacts", self.c, name=f"Bob {word}", phone=f"+49 731 1{n}", is_primary=False)
        self.eva = child(rita, "contacts", self.c, name=f"Eva {word}", email=f"e{n}@{word.lower()}.example", phone=self.phone, is_primary=True, title="CEO")
        self.deal = child(rita, "deals", self.c, title=f"Deal {word}", amount=n * 10, currency="EUR")
        self.said = [child(rita, "activities", self.c, **dict(dict(subject=f"{kind} {word}", body=f"What {word} said.", contact_id=self.eva["id"]), **more)) for kind, more in (
            ("call", dict(kind="call", direction="out", outcome="Interested", next_step=f"Step of {word}", due_at="2090-01-01T00:00:00Z")), ("meeting", dict(kind="meeting", deal_id=self.deal["id"])),
            ("email", dict(kind="email", direction="in")), ("message", dict(kind="message", direction="out", contact_id=self.bob["id"])), ("visit", dict(kind="visit")), ("note", dict(kind="note")))]
        self.task = child(rita, "activities", self.c, kind="task", subject=f"Task {word}", due_at="2080-01-01T00:00:00Z")
        self.first = sent(rita, self.c, title=f"Offer {word}", contact_id=self.eva["id"], deal_id=self.deal["id"])
        self.second = revised(rita, self.first, title=f"Better offer {word}")
        self.draft = offer(rita, self.c, title=f"Draft {word}")
        self.ids = [r["id"] for r in (self.c, self.bob, self.eva, self.deal, *self.said, self.task, self.first, self.second, self.draft)]
