"""little_tour.py -- the requests that test_reads_little makes: who, what, what tells it from others, its body, the status it has when it was done, and
how many rows it may read where that is more than the others may."""
from urllib.parse import urlencode

from batching import change, create
from importing import LAWFUL
from little import HIS
from people import newcomer
from routes import rotation
from watching import alerts, limits, patch, waits

ALL, ABOVE = "rep boss ada", "boss ada"
WHY = {"reason": "A test."}
KINDS = {"customers": "id", "contacts": "contact", "deals": "deal", "activities": "activity", "offers": "offer"}
NEW = {"customers": {"name": "Little"}, "contacts": {"name": "Little"}, "deals": {"title": "Little"}, "activities": {"kind": "note"}, "offers": {"currency": "EUR"}}
OTHER = {"customers": {"city": "Ulm"}, "contacts": {"title": "Boss"}, "deals": {"notes": "Large."}, "activities": {"subject": "Else"}, "offers": {"title": "Else"}}
DAY = "2020-01-01T00:00:00Z"


class Record(dict):
    """A customer of somebody's that no other request is about: its id, and those of one of each kind that belongs to it. What MADE names is made when it is asked for."""

    def __init__(self, little, who):
        super().__init__(little.books[who].pop())
        self.little, self.stack, self.name, self.who = little, little.stack, who, getattr(little, who)

    def __missing__(self, word):
        self[word] = MADE[word](self)
        return self[word]

    def more(self, n):
        """So many others of his."""
        return [self.little.books[self.name].pop() for _ in range(n)]

    def did(self, method, path, body=None):
        answer = self.who.request(method, path, json=body, headers={"If-Match": "*"})
        assert answer.ok, answer.text
        return answer.json()


def operation(r):
    r.did("PATCH", f"/customers/{r['id']}", {"city": "Bonn"})
    return r.did("GET", f"/customers/{r['id']}/history?limit=1")["data"][0]["operation_id"]


def bulk(r):
    body = tag(r)
    return r.did("POST", "/bulk", dict(body, confirm=r.did("POST", "/bulk", dict(body, dry_run=True))["confirm"], **WHY))["id"]


def confirmed(make):
    """The real run of a mass update, its dry run before it."""
    def body(r):
        wish = make(r)
        return dict(wish, confirm=r.did("POST", "/bulk", dict(wish, dry_run=True))["confirm"], **WHY)
    return body


def tag(r):
    return {"action": "tag", "entity": "customers", "ids": [r["id"]], "changes": {"add": ["x"]}}


def export(r):
    asker = r.little.mate if r.name == "boss" else r.little.other
    return asker.post("/exports", {"entity": "deals", **WHY}).json()["id"]


def hold(r):
    """A change that waits, of somebody below."""
    asker = r.little.mate if r.name == "boss" else r.little.other
    with limits(r.stack, asker, contact_changes={"hour": 0}):
        return waits(patch(asker, r["id"], phone="+33 1 42680000"), "contact_changes")


def granted(r):
    """An export that its requester may take."""
    id_ = r.did("POST", "/exports", {"entity": "contacts", **WHY})["id"]
    assert r.little.ada.post(f"/exports/{id_}/approve", {"note": "Fine."}).status_code == 200
    return id_


MADE = {
    "hold": hold,
    "alert": lambda r: r["hold"] and alerts(r.who, r.little.mate if r.name == "boss" else r.little.other)[0]["id"],
    "granted": granted,
    "file": lambda r: r.did("POST", f"/exports/{r['granted']}/ticket")["url"].removeprefix("/v1"),
    "operation": operation,
    "change": lambda r: r.did("GET", f"/history?operation={r['operation']}&limit=1")["data"][0]["id"],
    "restore": lambda r: r.did("POST", "/restores", {"scope": {"operation": r["operation"]}, **WHY})["id"],
    "sent": lambda r: r.did("POST", f"/offers/{r['offer']}/send", {})["id"],
    "bulk": bulk,
    "import": lambda r: r.who.request("POST", "/imports", params=LAWFUL, data=f"Name,E-mail\nx,{r['email']}\ny,\n,\n".encode(), headers={"Content-Type": "text/csv"}).json()["id"],
    "export": export,
    "rotation": lambda r: rotation(r.stack, newcomer(r.stack, "rep", r.little.boss)),
    "staff": lambda r: r.who.id,
    "now": lambda r: r.stack.sql("select app.time_json(app.now()) #>> '{}'")[0][0],
    "below": lambda r: newcomer(r.stack, "rep", r.little.boss).id,
}


def reads():
    """Lists, by each filter that an index serves, single records, and what hangs from them."""
    for kind, id_ in KINDS.items():
        yield ALL, f"/{kind}?limit=50", HIS
        # Not a manager's: of one that looks for the oldest ten of many people the planner walks the index of all by their time, until it has found them.
        yield ALL if kind == "customers" else "rep ada", f"/{kind}?limit=10&sort=" + {"customers": "-created_at", "activities": "at"}.get(kind, "updated_at"), HIS
        yield ALL, f"/{kind}/{{{id_}}}"
        yield ALL, f"/{kind}/{{{id_}}}?as_of={{now}}"
        if kind != "customers":
            yield ALL, f"/{kind}?customer={{id}}"
        yield ALL, f"/history?record={{{id_}}}"
    for end in "history timeline handover".split():
        yield ALL, f"/customers/{{id}}/{end}"
    yield ABOVE, "/customers/{id}/seen-by"
    for filter in "email={email} phone={phone} name={name}".split():
        yield ALL, "/customers?" + filter
    yield ALL, "/contacts?email=eva@{id}.example"
    yield ALL, "/activities?contact={contact}"
    yield ALL, "/activities?deal={deal}"
    yield ALL, "/offers?deal={deal}"
    for q in ("{email}", "{phone}", "{name}"):
        yield ALL, "/search?q=" + q
    for path in "changes history operations events alerts holds notices exports bulk imports".split():
        yield ALL, f"/{path}?limit=20", HIS
    yield ABOVE, "/rotations?limit=20"
    yield ALL, "/history?operation={operation}"
    yield ALL, "/operations/{operation}"
    yield ALL, "/restores/{restore}"
    yield ALL, "/restores/{restore}/conflicts"
    for path in ("/bulk/{bulk}", "/imports/{import}", "/imports/{import}/rows", "/imports/{import}/errors", "/imports/{import}/errors/file", "/exports/{export}", "/rotations/{rotation}", "/rotations/{rotation}/customers"):
        yield ABOVE, path
    for path in "/sessions/current /settings /funnel /staff /staff/{staff} /staff/{staff}/sessions /staff/{staff}/events /staff/{staff}/exposure /staff/{staff}/grants /health".split():
        yield ALL, path
    yield "rep boss", "/staff/{staff}/completeness", HIS
    yield "ada", "/decoys"
    yield "ada", "/deliveries"


def batches():
    """Ten created and ten changed of each kind."""
    for kind in list(KINDS)[:4]:
        def body(r, kind=kind):
            made = r.more(10)
            return {"items": [create(**NEW[kind], **({} if kind == "customers" else {"customer_id": m["id"]})) for m in made] + [change(m[KINDS[kind]], **OTHER[kind]) for m in made]}
        yield ALL, f"POST /{kind}/batch", "", body, 200, None
    yield ABOVE, "POST /customers/batch", "given away", lambda r: {"items": [change(m["id"], owner_id=r.little.rep.id) for m in r.more(5)]}, 200, None


def masses():
    """Mass updates, tried and done: of a few by id, and by a filter that few fit."""
    def by_filter(r):
        return {"action": "update", "entity": "customers", "filter": {"email": r["email"]}, "changes": {"city": "Ulm"}}

    def transfer(r):
        return {"action": "transfer", "entity": "customers", "ids": [r["id"]], "to": {"staff_id": r.little.rep.id}}

    def stage(r):
        return {"action": "stage", "entity": "customers", "ids": [r["id"]], "changes": {"stage": "qualified"}}

    def archive(r):
        return {"action": "archive", "entity": "deals", "ids": [r["deal"]]}
    for wish in (tag, by_filter, transfer, stage, archive):
        yield ABOVE, "POST /bulk", wish.__name__ + " dry", lambda r, wish=wish: dict(wish(r), dry_run=True), 200, None
        yield ABOVE, "POST /bulk", wish.__name__, confirmed(wish), 201, None
    yield ABOVE, "POST /bulk/{bulk}/undo", "", WHY, 201, None


def imports():
    """Ten rows each; whose they are by id, e-mail and name, and duplicates of the base and of each other among them."""
    def customers(r):
        return ("Name,E-mail,Phone\n" + "".join(f"{m['name']},{m['email']},\n,{m['email']},\nx,,{m['phone']}\n" for m in r.more(3)) + "y,y@y.example,\nz,y@y.example,\n").encode()

    def children(r, head, tail):
        return (head + "".join(f"{m[word]},{tail}{m['id'][-4:]}\n" for word in ("id", "email", "name") for m in r.more(4))).encode()
    files = {"customers": customers, "contacts": lambda r: children(r, "Company,Name\n", "Eva "), "activities": lambda r: children(r, "Company,Subject\n", "Call ")}
    for kind, file in files.items():
        yield ABOVE, "POST /imports?" + urlencode({"entity": kind, "dry_run": "true"}), "", file, 200, None
        yield ABOVE, "POST /imports?" + urlencode({"entity": kind, **LAWFUL}), "", file, 201, None
    yield ABOVE, "POST /imports/{import}/undo", "", WHY, 201, None


def changes():
    for kind, id_ in KINDS.items():
        path = f" /{kind}/{{{id_}}}"
        yield ALL, f"POST /{kind}", "", lambda r, kind=kind: dict(NEW[kind], **({} if kind == "customers" else {"customer_id": r["id"]})), 201, None
        yield ALL, "PATCH" + path, "", OTHER[kind], 200, None
        yield ALL, "DELETE" + path, "", None, 200, None
    yield ALL, "POST /customers", "a duplicate", lambda r: {"name": r["name"], "email": r["email"], "phone": r["phone"]}, 201, None
    yield ALL, "POST /contacts", "a duplicate", lambda r: {"name": "x", "customer_id": r["id"], "email": r["email"], "phone": r["phone"]}, 201, None
    yield ALL, "PATCH /customers/{id}", "contact values", lambda r: {"name": r["name"] + "x", "email": "x" + r["email"], "phone": r["phone"] + "1"}, 200, None
    yield ALL, "POST /customers/{id}/stage", "", {"stage": "proposal"}, 200, None
    yield ALL, "POST /customers/{id}/reveal", "", {"fields": ["phone"], **WHY}, 200, None
    yield ALL, "POST /customers/break-glass", "", lambda r: {"phone": r["phone"], **WHY}, 200, None
    yield ALL, "POST /customers/break-glass", "of others", lambda r: {"email": "info@c77.example", **WHY}, 200, None
    yield ABOVE, "POST /customers/{id}/merge", "", lambda r: {"other": r.more(1)[0]["id"], **WHY}, 200, None
    yield ABOVE, "PATCH /customers/{id}", "its owner", lambda r: {"owner_id": r.little.rep.id}, 200, None
    yield ALL, "POST /offers/{offer}/send", "", {}, 200, None
    for word, status in (("revise", 201), ("accept", 200), ("decline", 200)):
        yield ALL, f"POST /offers/{{sent}}/{word}", "", WHY if word == "decline" else {}, status, None


def decisions():
    yield ALL, "POST /restores", "tried", lambda r: {"scope": {"operation": r["operation"]}, "dry_run": True}, 200, None
    yield ALL, "POST /restores", "an operation", lambda r: {"scope": {"operation": r["operation"]}, **WHY}, 201, None
    yield ALL, "POST /restores", "a change", lambda r: {"scope": {"change": r["change"]}, **WHY}, 201, None
    yield ALL, "POST /restores", "a field as it was", lambda r: {"scope": {"entity": "customers", "id": r["id"], "field": "city", "as_of": DAY}, "dry_run": True}, 200, None
    yield ALL, "POST /operations/{operation}/undo", "", WHY, 201, None
    yield ALL, "POST /exports", "", lambda r: {"entity": "customers", "filter": {"email": r["email"]}, **WHY}, 202, None
    yield ABOVE, "POST /exports/{export}/approve", "", {"note": "Fine."}, 200, None
    yield ABOVE, "POST /exports/{export}/reject", "", {"note": "No."}, 200, None
    yield "rep", "POST /exports/{granted}/ticket", "", None, 201, None
    yield "rep", "GET {file}", "", None, 200, HIS
    yield ABOVE, "GET /holds/{hold}", "", None, 200, None
    yield ABOVE, "GET /alerts/{alert}", "", None, 200, None
    yield ABOVE, "POST /alerts/{alert}/close", "", {"note": "Seen."}, 200, None
    yield ABOVE, "POST /holds/{hold}/approve", "", {"note": "Fine."}, 200, None
    yield ABOVE, "POST /holds/{hold}/reject", "", {"note": "No."}, 200, None
    yield ABOVE, "POST /rotations/{rotation}/dismiss", "", {"note": "No."}, 200, None
    yield ABOVE, "POST /staff/{below}/freeze", "", WHY, 200, None
    yield ABOVE, "POST /staff/{below}/unfreeze", "", WHY, 200, None
    yield "ada", "POST /decoys", "", {"count": 1, "segment": "prospecting"}, 201, None
    yield "ada", "POST /leaks", "", lambda r: {"text": "\r\n".join(f"{m['name']},{m['email']},{m['phone']}" for m in r.more(5))}, 200, None
    yield "ada", "PATCH /settings", "", {"visibility": "own"}, 200, None
    yield "ada", "PATCH /staff/{below}", "", {"name": "Else"}, 200, None


TOUR = [(people, "GET " + path, "", None, 200, *(most or [None])) for people, path, *most in reads()] + [row for part in (batches, masses, imports, changes, decisions) for row in part()]
