"""oracles.py -- what is hidden from whom in the demo org, every way to ask for it by an id, and the face of an answer."""
from people import MISSING, other_org

SQL = ("select ", "insert ", "update ", "SQLSTATE", "ERROR:", "relation ", "constraint ", "violates", "duplicate key", "plpgsql", "app.", "api.", "function ",
       "_fkey", "_pkey", "policy")
ITS_OWN = ("Date", "X-Request-Id")
REASON, NOTE = {"reason": "x"}, {"If-Match": '"v1"'}
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
    ("GET", "/operations/{id}"): [{}],
    ("POST", "/operations/{id}/undo"): [{"json": REASON}, {"json": {}}, sent(REASON, **{"Idempotency-Key": "theirs"})],
    ("GET", "/restores/{id}"): [{}],
    ("GET", "/restores/{id}/conflicts"): [{}, {"params": {"limit": 1}}, {"params": {"cursor": "x"}}],
    ("GET", "/staff/{id}"): [{}, {"headers": {"If-None-Match": "*"}}, {"headers": {"If-None-Match": '"v1"'}}],
    ("PATCH", "/staff/{id}"): [{"json": {}, "headers": ANY}, *({"json": b, "headers": h} for b in ({"role": "admin"}, {"manager_id": MISSING}) for h in (ANY, NOTE, STALE, {}))],
    ("POST", "/staff/{id}/invite"): [{}],
    ("GET", "/staff/{id}/sessions"): [{}, {"params": {"limit": 1}}],
    ("DELETE", "/staff/{id}/sessions"): [{}],
    ("DELETE", "/staff/{id}/sessions/{sid}"): [{}],
}

# Every member of a body and every parameter that names something by its id.
NAMED = {("POST", "/customers", "id"), ("POST", "/customers", "owner_id"), ("PATCH", "/customers/{id}", "owner_id"), ("POST", "/customers/{id}/stage", "owner_id"),
         ("POST", "/staff", "id"), ("POST", "/staff", "manager_id"), ("POST", "/staff", "person_id"), ("PATCH", "/staff/{id}", "manager_id"), ("PATCH", "/staff/{id}", "person_id"),
         *(("POST", "/restores", "scope/" + k) for k in ("change", "operation", "id", "actor"))}
ASKED = {("/customers", "owner"), ("/customers/{id}/history", "actor"), ("/staff", "manager"), ("/operations", "actor"),
         *(("/history", k) for k in ("actor", "record", "operation"))}


class Secrets:
    """What rita, max and ada may not see: of each kind pairs of somebody and an id that is hidden from him."""

    def __init__(self, stack):
        self.stack = stack
        self.rita, self.max, self.ada, self.theo, self.axel = (stack.login(n + "@demo.test") for n in ("rita", "max", "ada", "theo", "axel"))
        self.otto = other_org(stack)
        self.own = self.trail(self.rita)
        theirs, foreign = self.theirs, self.foreign = [self.trail(who, **{"Idempotency-Key": "theirs"}) for who in (self.theo, self.otto)]
        hidden = [theirs["customers"], foreign["customers"], self.made(self.theo, "archived_at = app.now()"), self.made(self.theo, "owner_id = null"),
                  self.made(self.rita, "stage = 'won'"), self.opened_once()]
        self.hidden = {
            "customers": [(self.rita, id) for id in hidden] + [(self.max, id) for id in hidden[:3]] + [(who, foreign["customers"]) for who in (self.ada, self.axel)],
            **{kind: [(self.rita, theirs[kind]), (self.max, theirs[kind])] + [(who, foreign[kind]) for who in (self.rita, self.max, self.ada)] for kind in ("operations", "restores")},
            "staff": [(who, self.otto.id) for who in (self.rita, self.max, self.ada, self.axel)]}

    def made(self, who, change):
        """A customer of somebody's that another hand changed."""
        id = who.customer(phone="+49 30 7654321", email="made@secret.example")["id"]
        self.stack.sql(f"update app.customer set {change} where id = %s", id)
        return id

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
        change = who.get(f"/customers/{c['id']}/history").json()["data"][0]
        done = who.post("/restores", {"scope": {"change": change["id"]}, "reason": "x"}, headers=headers)
        assert done.status_code == 201, done.text
        who.change(c, city="Kiel")
        change = who.get(f"/customers/{c['id']}/history").json()["data"][0]
        return {"customers": c["id"], "operations": change["operation_id"], "restores": done.json()["id"], "change": change["id"], "staff": who.id, "at": change["at"]}
