"""oracles.py -- what is hidden from whom in the demo org, every way to ask for it by an id, and the face of an answer."""
import datetime

from importing import imported
from people import MISSING, newcomer, other_org

SQL = ("select ", "insert ", "update ", "SQLSTATE", "ERROR:", "relation ", "constraint ", "violates", "duplicate key", "plpgsql", "app.", "api.", "function ",
       "_fkey", "_pkey", "policy")
ITS_OWN = ("Date", "X-Request-Id")
REASON, NOTE = {"reason": "x"}, {"If-Match": '"v1"'}
GRANT = {"measure": "customers", "amount": 1, "until": f"{datetime.date.today() + datetime.timedelta(days=30)}T00:00:00Z", "reason": "x"}
ANY, STALE = {"If-Match": "*"}, {"If-Match": '"v99"'}


def face(answer):
    """All of an answer but what names the request: hidden and missing must be equal in it."""
    assert not [word for word in SQL if word in answer.text], answer.text
    body = answer.json() if answer.content else None
    if isinstance(body, dict):
        assert body.pop("instance", "") in ("", answer.headers["X-Request-Id"])
    return answer.status_code, body, {k: v for k, v in answer.headers.items() if k not in ITS_OWN}


def ask(who, method, path, **more):
    """more: headers, json and params of the request."""
    return who.request(method, path, **more)


def sent(json, **headers):
    return {"json": json, "headers": headers}


# What belongs to a customer, and a change of each.
CHILDREN = {"contacts": {"title": "x"}, "deals": {"notes": "x"}, "activities": {"next_step": "x"}, "offers": {"notes": "x"}}

# Every route with an id in its path, and how it is asked: first rightly, so that one's own is no 404, then in every other way.
ROUTES = {
    ("GET", "/customers/{id}"): [{}, *({"params": {"as_of": t}} for t in ("2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "never")),
                                 *({"headers": {"If-None-Match": t}} for t in ("*", '"v1"', '"v1m"', '"v2"'))],
    ("PATCH", "/customers/{id}"): [
        {"json": {"city": "Ulm"}, "headers": ANY}, *({"json": {"city": "Ulm"}, "headers": h} for h in (NOTE, STALE, {}, {"If-Match": "v1"})),
        *({"json": b, "headers": ANY} for b in ({}, {"bogus": 1}, {"email": "x"}, {"country": "XX"}, {"owner_id": MISSING}, {"owner_id": None}, {"stage": "won"}, {"stage": "no"},
                                                {"phone": "+4 *** ***-**12"}))],
    ("DELETE", "/customers/{id}"): [{"headers": h} for h in (ANY, NOTE, STALE, {})],
    ("GET", "/customers/{id}/history"): [{}, *({"params": p} for p in ({"field": "phone"}, {"limit": 1}, {"cursor": "x"}, {"actor": MISSING}, {"to": "2020-01-01T00:00:00Z"}))],
    ("POST", "/customers/{id}/stage"): [
        {"json": {"stage": "qualified"}}, *({"json": b} for b in ({"stage": "won"}, {"stage": "no"}, {"stage": "new", "owner_id": MISSING}, {}, {"stage": "new", "note": "x"})),
        sent({"stage": "qualified"}, **{"Idempotency-Key": "theirs"})],
    ("POST", "/customers/{id}/reveal"): [{"json": dict(REASON, fields=["phone"])}, *({"json": b} for b in (dict(REASON, fields=[]), dict(REASON, fields=["name"]), {"fields": ["email"]}))],
    ("GET", "/customers/{id}/timeline"): [{}, *({"params": p} for p in ({"kind": "call"}, {"limit": 1}, {"cursor": "x"}))],
    ("GET", "/customers/{id}/handover"): [{}, {"headers": {"Accept": "text/html"}}],
    ("POST", "/customers/{id}/merge"): [{"json": dict(REASON, other=MISSING)}, {"json": REASON}, {"json": {"other": MISSING}}],
    **{route: asked for kind, body in CHILDREN.items() for route, asked in {
        ("GET", f"/{kind}/{{id}}"): [{}, *({"params": {"as_of": t}} for t in ("2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "never")),
                                     *({"headers": {"If-None-Match": t}} for t in ("*", '"v1"', '"v1m"'))],
        ("PATCH", f"/{kind}/{{id}}"): [{"json": body, "headers": ANY}, *({"json": body, "headers": h} for h in (NOTE, STALE, {})),
                                       *({"json": b, "headers": ANY} for b in ({}, {"bogus": 1}, {"notes": 5}, {"customer_id": MISSING}, {"contact_id": MISSING}, {"deal_id": MISSING}))],
        ("DELETE", f"/{kind}/{{id}}"): [{"headers": h} for h in (ANY, NOTE, STALE, {})]}.items()},
    ("POST", "/offers/{id}/send"): [{"json": {}, "headers": ANY}, {"json": {"note": "x"}, "headers": STALE}, {"json": {}}],
    ("POST", "/offers/{id}/revise"): [{"json": {}}, sent({}, **{"Idempotency-Key": "theirs"})],
    ("POST", "/offers/{id}/accept"): [{"json": {}, "headers": ANY}, {"json": REASON, "headers": STALE}, {"json": REASON}],
    ("POST", "/offers/{id}/decline"): [{"json": REASON, "headers": ANY}, {"json": {}, "headers": ANY}, {"json": REASON}],
    ("GET", "/operations/{id}"): [{}],
    ("POST", "/operations/{id}/undo"): [{"json": REASON}, {"json": {}}, sent(REASON, **{"Idempotency-Key": "theirs"})],
    ("GET", "/restores/{id}"): [{}],
    ("GET", "/restores/{id}/conflicts"): [{}, {"params": {"limit": 1}}, {"params": {"cursor": "x"}}],
    ("GET", "/staff/{id}"): [{}, {"headers": {"If-None-Match": "*"}}, {"headers": {"If-None-Match": '"v1"'}}],
    ("PATCH", "/staff/{id}"): [{"json": {}, "headers": ANY}, *({"json": b, "headers": h} for b in ({"role": "admin"}, {"manager_id": MISSING}) for h in (ANY, NOTE, STALE, {}))],
    ("POST", "/staff/{id}/invite"): [{}],
    ("GET", "/staff/{id}/completeness"): [{}],
    ("GET", "/customers/{id}/seen-by"): [{}, *({"params": p} for p in ({"limit": 1}, {"cursor": "x"}))],
    ("GET", "/staff/{id}/events"): [{}, *({"params": p} for p in ({"kind": "shown"}, {"limit": 1}, {"cursor": "x"}))],
    ("GET", "/staff/{id}/exposure"): [{}, *({"params": p} for p in ({"from": "2020-01-01T00:00:00Z"}, {"to": "never"}))],
    ("GET", "/staff/{id}/grants"): [{}, {"params": {"limit": 1}}],
    ("POST", "/staff/{id}/grants"): [{"json": GRANT}, {"json": {}}, sent(GRANT, **{"Idempotency-Key": "theirs"})],
    ("POST", "/staff/{id}/freeze"): [{"json": REASON}, {"json": {}}],
    ("POST", "/staff/{id}/unfreeze"): [{"json": REASON}, {"json": {}}],
    ("GET", "/holds/{id}"): [{}],
    ("POST", "/holds/{id}/approve"): [{"json": {}}, {"json": {"note": 1}}],
    ("POST", "/holds/{id}/reject"): [{"json": {"note": "x"}}, {"json": {}}],
    ("GET", "/alerts/{id}"): [{}],
    ("POST", "/alerts/{id}/close"): [{"json": {"note": "x"}}, {"json": {}}],
    ("GET", "/exports/{id}"): [{}],
    ("POST", "/exports/{id}/approve"): [{"json": {"note": "x"}}, {"json": {}}, sent({"note": "x"}, **{"Idempotency-Key": "theirs"})],
    ("POST", "/exports/{id}/reject"): [{"json": {"note": "x"}}, {"json": {}}],
    ("POST", "/exports/{id}/ticket"): [{}],
    ("GET", "/exports/{id}/file"): [{"params": {"ticket": "x"}}, {}, {"params": {"ticket": "x" * 101}}],
    ("GET", "/rotations/{id}"): [{}],
    ("GET", "/rotations/{id}/customers"): [{}, *({"params": p} for p in ({"limit": 1}, {"cursor": "x"}))],
    ("POST", "/rotations/{id}/apply"): [{"json": {}}, {"json": {"to": MISSING}}, sent({}, **{"Idempotency-Key": "theirs"})],
    ("POST", "/rotations/{id}/dismiss"): [{"json": {"note": "x"}}, {"json": {}}],
    ("GET", "/bulk/{id}"): [{}],
    ("POST", "/bulk/{id}/approve"): [{"json": {"note": "x"}}, {"json": {}}, sent({"note": "x"}, **{"Idempotency-Key": "theirs"})],
    ("POST", "/bulk/{id}/reject"): [{"json": {"note": "x"}}, {"json": {}}],
    ("POST", "/bulk/{id}/cancel"): [{}],
    ("POST", "/bulk/{id}/undo"): [{"json": REASON}, {"json": {}}, sent(REASON, **{"Idempotency-Key": "theirs"})],
    **{("GET", "/imports/{id}" + tail): [{}] for tail in ("", "/rows", "/errors", "/errors/file")},
    ("POST", "/imports/{id}/cancel"): [{}],
    ("POST", "/imports/{id}/undo"): [{"json": REASON}, {"json": {}}, sent(REASON, **{"Idempotency-Key": "theirs"})],
    ("POST", "/deliveries/{id}/retry"): [{}],
    ("GET", "/staff/{id}/sessions"): [{}, {"params": {"limit": 1}}],
    ("DELETE", "/staff/{id}/sessions"): [{}],
    ("DELETE", "/staff/{id}/sessions/{sid}"): [{}],
}

# Every member of a body and every parameter that names something by its id.
NAMED = {("POST", "/customers", "id"), ("POST", "/customers", "owner_id"), ("PATCH", "/customers/{id}", "owner_id"), ("POST", "/customers/{id}/stage", "owner_id"),
         ("POST", "/staff", "id"), ("POST", "/staff", "manager_id"), ("POST", "/staff", "person_id"), ("PATCH", "/staff/{id}", "manager_id"), ("PATCH", "/staff/{id}", "person_id"), ("POST", "/decoys", "owner_id"),
         ("POST", "/customers/{id}/merge", "other"), *(("POST", "/" + kind, member) for kind in CHILDREN for member in ("id", "customer_id")),
         *((method, path, member) for member in ("contact_id", "deal_id") for kind in ("activities", "offers") for method, path in (("POST", "/" + kind), ("PATCH", f"/{kind}/{{id}}"))),
         ("POST", "/offers/{id}/revise", "contact_id"), ("POST", "/offers/{id}/revise", "deal_id"),
         ("POST", "/rotations/{id}/apply", "to"), ("POST", "/rotations/{id}/apply", "except"), ("POST", "/customers/batch", "items/id"), ("POST", "/customers/batch", "items/owner_id"),
         *(("POST", f"/{kind}/batch", "items/" + member) for kind in ("contacts", "deals", "activities") for member in ("id", "customer_id")),
         ("POST", "/activities/batch", "items/contact_id"), ("POST", "/activities/batch", "items/deal_id"),
         *(("POST", "/bulk", k) for k in ("ids", "to/staff_id", "to/shares/staff_id", "to/otherwise", "to/among")), *(("POST", "/restores", "scope/" + k) for k in ("change", "operation", "id", "actor"))}
ASKED = {("/customers", "owner"), ("/customers/{id}/history", "actor"), ("/staff", "manager"), ("/operations", "actor"),
         *(("/" + kind, "customer") for kind in CHILDREN), ("/activities", "author"), *(("/" + kind, k) for kind in ("activities", "offers") for k in ("contact", "deal")),
         *(("/history", k) for k in ("actor", "record", "operation")), ("/holds", "staff"), ("/alerts", "staff"), ("/exports", "staff"), ("/bulk", "staff"), ("/rotations", "staff"), ("/imports", "staff"), ("/imports", "record")}


def parts(schema):
    """A schema and all that it is put together from, but for the members of an object."""
    yield schema
    for part in [p for word in ("allOf", "anyOf", "oneOf") for p in schema.get(word, ())] + [schema[w] for w in ("items",) if w in schema]:
        yield from parts(part)


def is_id(schema):
    return any(p.get("format") == "uuid" for p in parts(schema))


def ids(schema, at=""):
    """The members of a body that are ids, in its objects too."""
    for name, member in [m for p in parts(schema) for m in p.get("properties", {}).items()]:
        if is_id(member):
            yield at + name
        yield from ids(member, at + name + "/")


class Secrets:
    """What rita, max and ada may not see: of each kind pairs of somebody and an id that is hidden from him."""

    def __init__(self, stack):
        self.stack = stack
        self.rita, self.max, self.ada, self.theo, self.axel, self.olga = (stack.login(n + "@demo.test") for n in ("rita", "max", "ada", "theo", "axel", "olga"))
        self.otto = other_org(stack)
        self.own = self.trail(self.rita)
        theirs, foreign = self.theirs, self.foreign = [self.trail(who, **{"Idempotency-Key": "theirs"}) for who in (self.theo, self.otto)]
        hidden = [theirs["customers"], foreign["customers"], self.made(self.theo, "archived_at = app.now()"), self.made(self.theo, "owner_id = null"),
                  self.made(self.rita, "stage = 'won'"), self.opened_once()]
        gone, once = self.children(self.rita, hidden[4], "won"), self.children(self.theo, hidden[5])
        self.hidden = {
            "customers": [(self.rita, id) for id in hidden] + [(self.max, id) for id in hidden[:3]] + [(who, foreign["customers"]) for who in (self.ada, self.axel)],
            **{kind: [(self.rita, theirs[kind]), (self.max, theirs[kind])] + [(who, foreign[kind]) for who in (self.rita, self.max, self.ada)] for kind in ("operations", "restores")},
            **{kind: [(self.rita, theirs[kind]), (self.max, theirs[kind]), (self.rita, gone[kind]), (self.rita, once[kind])] + [(who, foreign[kind]) for who in (self.rita, self.max, self.ada)]
               for kind in CHILDREN},
            "staff": [(who, self.otto.id) for who in (self.rita, self.max, self.ada, self.axel)],
            "holds": [(who, self.hold(self.theo)) for who in (self.rita, self.max)] + [(who, self.hold(self.otto)) for who in (self.rita, self.max, self.ada)],
            "alerts": [(who, self.alert(self.theo)) for who in (self.rita, self.max)] + [(self.rita, self.alert(self.rita))]
                + [(who, self.alert(self.otto)) for who in (self.max, self.ada)],
            "exports": [(who, self.export(self.theo)) for who in (self.rita, self.max)] + [(who, self.export(self.otto)) for who in (self.rita, self.max, self.ada, self.axel)],
            "rotations": [(self.max, self.rotation(self.theo)), (self.ada, self.rotation(self.otto))],
            "bulk": [(who, self.bulk(self.theo)) for who in (self.rita, self.max)] + [(who, self.bulk(self.otto)) for who in (self.rita, self.max, self.ada, self.axel)],
            "imports": [(who, self.imported(self.olga)) for who in (self.rita, self.max)] + [(who, self.imported(self.otto)) for who in (self.rita, self.max, self.ada, self.axel)],
            "deliveries": [(self.ada, self.delivery(self.otto))]}
        # Who sees such a one of rita's.
        self.watched = {"rotations": lambda: (self.max, self.rotation(newcomer(stack, manager=self.max))), "bulk": lambda: (self.ada, self.bulk(self.max)), "exports": lambda: (self.max, self.export(self.rita)), "holds": lambda: (self.max, self.hold(self.rita)), "alerts": lambda: (self.max, self.alert(self.rita)),
                        "imports": lambda: (self.max, self.imported(self.max)),
                        "deliveries": lambda: (self.ada, self.delivery(self.rita))}

    def hold(self, who):
        """A change of somebody's that waits."""
        c = who.customer()["id"]
        return self.stack.sql("""insert into app.hold (org_id, id, at, staff_id, entity, record_id, customer_id, version, body, rule)
            select s.org_id, app.uuid7(), app.now(), s.id, 'customers', %s, %s, 1, '{"phone": "+49 30 5550 123"}', 'contact_changes' from app.staff s where s.id = %s
            returning id::text""", c, c, who.id)[0][0]

    def alert(self, who):
        """An alert about somebody."""
        return self.stack.sql("""insert into app.alert (org_id, id, at, rule, severity, staff_id, day, last_at, evidence, answer)
            select s.org_id, app.uuid7(), app.now(), 'read_only', 'low', s.id, '2000-01-01'::date + (random() * 9000)::int, app.now(), '{}', 'none' from app.staff s where s.id = %s
            returning id::text""", who.id)[0][0]

    def rotation(self, who):
        """A proposal about somebody, of one customer."""
        c = who.customer()["id"]
        return self.stack.sql("""with r as (insert into app.rotation (org_id, id, segment_id, staff_id, customers, why, receivers, made_at, checked_at)
                select c.org_id, app.uuid7(), c.segment, c.owner_id, 1, '{}', '[]', app.now(), app.now() from app.customer c where c.id = %s returning *)
            insert into app.rotation_item (org_id, rotation_id, n, customer_id, why, since, touches, share, to_id)
            select r.org_id, r.id, 1, %s, '{longest_days}', app.now(), 0, 0, %s from r
            returning rotation_id::text""", c, c, self.rita.id)[0][0]

    def export(self, who, status="pending"):
        """Somebody's wish to take out what he has."""
        return self.stack.sql("""insert into app.export (org_id, id, staff_id, entity, filter, columns, format, reason, row_count, digest, sample, approvals_needed, status, mark, asked_at, expires_at)
            select s.org_id, app.uuid7(), s.id, 'customers', '{}', '{id}', 'csv', 'x', 1000, '', '{}', 1, %s, 5, app.now(), app.now() + interval '1 day' from app.staff s where s.id = %s
            returning id::text""", status, who.id)[0][0]

    def bulk(self, who):
        """Somebody's transfer that waits."""
        return self.stack.sql("""insert into app.bulk (org_id, id, operation_id, staff_id, action, entity, wish, status, total, moved, session_id, request_id, asked_at, expires_at)
            select s.org_id, app.uuid7(), app.uuid7(), s.id, 'transfer', 'customers', '{"customers": 0}', 'pending', 0, 60, s.id, s.id, app.now(), app.now() + interval '1 day' from app.staff s where s.id = %s
            returning id::text""", who.id)[0][0]

    def tagged(self, who, customer):
        """A mass update by somebody that is done."""
        body = {"action": "tag", "entity": "customers", "ids": [customer], "changes": {"add": ["x"]}}
        answer = who.post("/bulk", dict(body, reason="x", confirm=who.post("/bulk", dict(body, dry_run=True)).json()["confirm"]))
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def imported(self, who):
        """A file that somebody sent."""
        return imported(who, "Name,E-mail\nFrom a file,file@secret.example\nBad,bad\n")["id"]

    def delivery(self, who):
        """A message of somebody's org that did not arrive."""
        return self.stack.sql("""with o as (insert into app.outbox (org_id, id, at, kind, subject) select s.org_id, app.uuid7(), app.now(), 'alert.raised', '{}' from app.staff s where s.id = %s
                returning org_id, id, at)
            insert into app.delivery (org_id, id, outbox_id, channel, target, status, attempts, next_at, at)
            select o.org_id, app.uuid7(), o.id, 'webhook', 'https://hook.example/', 'failed', 8, null, o.at from o returning id::text""", who.id)[0][0]

    def made(self, who, change):
        """A customer of somebody's that another hand changed."""
        id = who.customer(phone="+49 30 7654321", email="made@secret.example")["id"]
        self.stack.sql(f"update app.customer set {change} where id = %s", id)
        return id

    def children(self, who, customer, stage=None):
        """One of each kind of somebody's customer; with stage while it still is where he works."""
        if stage:
            self.stack.sql("update app.customer set stage = 'new' where id = %s", customer)
        made = {kind: self.child(who, kind, customer) for kind in CHILDREN}
        if stage:
            self.stack.sql("update app.customer set stage = %s where id = %s", stage, customer)
        return made

    def child(self, who, kind, customer, **more):
        body = {"contacts": {"name": "Eva", "email": "eva@secret.example", "phone": "+49 30 1234568"}, "deals": {"title": "Big"}, "activities": {"kind": "note", "subject": "Said"},
                "offers": {"currency": "EUR", "lines": [{"description": "It", "quantity": 1, "unit_price": 5}]}}[kind]
        answer = who.post("/" + kind, dict(body, customer_id=customer, **more))
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def opened_once(self):
        """Rita broke its glass, but the time is over."""
        id = self.made(self.theo, "city = 'Ulm'")
        self.stack.sql("""insert into app.break_glass (org_id, id, staff_id, customer_id, reason, at, expires_at)
            select c.org_id, app.uuid7(), %s, c.id, 'x', app.now(), app.now() - interval '1 second' from app.customer c where c.id = %s""", self.rita.id, id)
        return id

    def trail(self, who, **headers):
        """A customer of somebody's, an operation on it, one of its changes, a restore."""
        c = who.customer(phone="+49 30 1234567", email="trail@secret.example", city="Bonn")
        who.change(c, city="Ulm")
        children = self.children(who, c["id"])
        change = who.get(f"/customers/{c['id']}/history").json()["data"][0]
        done = who.post("/restores", {"scope": {"change": change["id"]}, "reason": "x"}, headers=headers)
        assert done.status_code == 201, done.text
        who.change(c, city="Kiel")
        change = who.get(f"/customers/{c['id']}/history").json()["data"][0]
        return {"customers": c["id"], "operations": change["operation_id"], "restores": done.json()["id"], "change": change["id"], "staff": who.id, "at": change["at"], **children}
