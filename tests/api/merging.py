"""merging.py -- what the tests of merges share: customers with something of each kind, merges, and all that is kept of them."""
import itertools

numbers = itertools.count(730000)
KINDS = ("contacts", "deals", "activities", "offers")
LINES = [{"description": "Pumps", "quantity": 2, "unit_price": 5000, "discount": 0, "tax": 19}]


def merge(client, s, o, headers=None, **more):
    return client.post(f"/customers/{s['id']}/merge", dict({"other": o["id"], "reason": "The same firm."}, **more), headers)


def merged(client, s, o):
    answer = merge(client, s, o)
    assert answer.status_code == 200, answer.text
    return answer.json()


def add(client, customer, kind, **fields):
    body = dict({"contacts": {"name": "Eva"}, "deals": {"title": "Pumps"}, "activities": {"kind": "note"}, "offers": {"currency": "EUR", "lines": LINES}}[kind], **fields)
    answer = client.post("/" + kind, dict(body, customer_id=customer["id"]))
    assert answer.status_code == 201, answer.text
    return answer.json()


def of(client, customer, kind, **filter):
    return client.pages("/" + kind, customer=customer["id"] if isinstance(customer, dict) else customer, **filter)


def furnished(client, **fields):
    """A customer with something of each kind: a deal, its contact, a call about both, an offer that was sent, and archived ones."""
    n = next(numbers)
    c = client.customer(**dict({"name": f"Merge {n}", "email": f"m{n}@merge.example", "phone": f"+49 30 8{n}"}, **fields))
    k = add(client, c, "contacts", name=f"Eva {n}", email=f"eva{n}@merge.example", phone=f"+49 40 8{n}")
    add(client, c, "contacts", name="Bob")
    d = add(client, c, "deals", amount=5, currency="EUR")
    add(client, c, "activities", contact_id=k["id"], deal_id=d["id"], body="Promised pumps.", next_step="Send them.")
    o = add(client, c, "offers", contact_id=k["id"], deal_id=d["id"])
    assert client.post(f"/offers/{o['id']}/send", {}, {"If-Match": client.get("/offers/" + o["id"]).headers["ETag"]}).status_code == 200
    old = add(client, c, "contacts", name="Gone")
    assert client.delete("/contacts/" + old["id"], '"v1"').status_code == 200
    return c


def state(stack, *customers):
    """All that is kept of customers and what belongs to them, but for what every change moves and what a restore leaves apart."""
    return stack.sql("""select 'customers', to_jsonb(t) - '{version,updated_at,worked_in,brought}'::text[] from app.customer t where id = any(%(c)s::uuid[])
        union all select 'contacts', to_jsonb(t) - '{version,updated_at}'::text[] from app.contact t where customer_id = any(%(c)s::uuid[])
        union all select 'deals', to_jsonb(t) - '{version,updated_at}'::text[] from app.deal t where customer_id = any(%(c)s::uuid[])
        union all select 'activities', to_jsonb(t) - '{version,updated_at}'::text[] from app.activity t where customer_id = any(%(c)s::uuid[])
        union all select 'offers', to_jsonb(t) - '{version,updated_at}'::text[] from app.offer t where customer_id = any(%(c)s::uuid[])
        order by 1, 2""".replace("%(c)s", "%s"), *([[c["id"] for c in customers]] * 5))


def segments(stack, customer):
    return [sorted(g) for g in stack.sql("select worked_in, brought from app.customer where id = %s", customer["id"])[0]]
