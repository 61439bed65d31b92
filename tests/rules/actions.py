"""actions.py -- what can be done with a customer: how it is asked through HTTP and as a call of the api function."""
from psycopg2.extras import Json

from asks import Action, Ask, post, undo
from children import CHILDREN
from relations import HOME, LAST, NEXT

ANY = {"If-Match": "*"}


def listing(c, fields=None, count=None, sort="-updated_at", **filter):
    one = {k: v if k in ("phone", "email") else [v] for k, v in filter.items()}
    params = dict(filter, archived=c.archived and "true", fields=fields and ",".join(fields), count=count, sort=sort)
    return Ask("GET", "/customers", dict(filter=Json(one), archived=c.archived, fields=fields, sort=sort, cursor=None, lim=50, count=count),
               {k: v for k, v in params.items() if v})


def pages(c, sort):
    return Ask("GET", "/customers", None, page=("customers", c.archived, sort, c.id))


def one(c, method="GET", as_of=None, **headers):
    tags = ["*"] if headers else None
    return Ask(method, "/customers/" + c.id, dict(id=c.id, as_of=as_of, if_none_match=tags), as_of and {"as_of": as_of}, None, headers)


def changes(c, path="/history", **filter):
    id_ = {} if path == "/history" else {"id": c.id}
    return Ask("GET", path, dict(id_, filter=Json({k: [v] for k, v in filter.items()}), cursor=None, lim=50), filter)


def change(c, tags=("*",), **body):
    return Ask("PATCH", "/customers/" + c.id, dict(id=c.id, if_match=list(tags), body=Json(body)), None, body,
               {"If-Match": ", ".join(t if t == "*" else f'"{t}"' for t in tags)})


def on(c, word, body, **args):
    return post(f"/customers/{c.id}/{word}", body, id=c.id, **args)


def stage(c, w, over):
    here = {HOME: "contacted", NEXT: "negotiation", LAST: "lost"}
    there = {HOME: "proposal", NEXT: "contract", LAST: "proposal"}
    return on(c, "stage", {"stage": (there if over else here)[c.segment]}, retry=None)


def glass(c, w):
    return [post("/customers/break-glass", {k: v, "reason": "He calls."}) for k, v in (("phone", c.phones[2]), ("email", c.email))]


def restore(dry=False, **scope):
    body = {"scope": {k.rstrip("_"): v for k, v in scope.items()}}
    return post("/restores", dict(body, dry_run=True) if dry else dict(body, reason="Back."), retry=None)


def record(c, since, dry=False):
    return restore(dry, entity="customers", id=c.id, as_of=since)


def get(path, id_, **args):
    return Ask("GET", path, dict(args, id=id_))


READING = {
    "list": Action("customer_list", 200, 200, lambda c, w: [pages(c, "-updated_at"), pages(c, "name"), listing(c, name=c.name)]),
    "count": Action("customer_list", 200, 200, lambda c, w: [listing(c, ["id"], k, name=c.name) for k in ("exact", "estimate")], "id"),
    "phone": Action("customer_list", 200, 200, lambda c, w: [listing(c, phone=c.phones[2].replace(" ", ""))]),
    "email": Action("customer_list", 200, 200, lambda c, w: [listing(c, sort="name", email=c.email.upper())]),
    "get": Action("customer_get", 200, 404, lambda c, w: [one(c)]),
    "as_of": Action("customer_get", 200, 404, lambda c, w: [one(c, as_of=c.created)]),
    "304": Action("customer_get", 304, 404, lambda c, w: [one(c, **{"If-None-Match": "*"})]),
    "head": Action("customer_get", 200, 404, lambda c, w: [one(c, "HEAD")]),
    "hist": Action("customer_history", 200, 404, lambda c, w: [changes(c, f"/customers/{c.id}/history")]),
    "rec": Action("history_list", 200, 200, lambda c, w: [changes(c, record=c.id)]),
    "op": Action("history_list", 200, 200, lambda c, w: [changes(c, operation=c.first.operation)]),
    "stale": Action("customer_change", 412, 404, lambda c, w: [change(c, ["v1"], phone="1")]),
    "what": Action("restore_create", 200, 404, lambda c, w: [record(c, c.city.at, True)]),
    "dry": Action("restore_create", 200, 404, lambda c, w: [restore(True, change=c.first.id)]),
    "who": Action("restore_create", 200, 404, lambda c, w: [restore(True, actor=c.worker, from_=c.first.at, to=c.first.after)]),
    "rest": Action("restore_get", 200, 404, lambda c, w: [get("/restores/" + c.restore, c.restore)]),
    "conf": Action("restore_conflicts", 200, 404, lambda c, w: [get(f"/restores/{c.restore}/conflicts", c.restore, cursor=None, lim=50)]),
}
WRITING = {
    "patch": Action("customer_change", 200, 404, lambda c, w: [change(c, notes="Changed.")], "clear", True),
    "assign": Action("customer_change", 200, 404, lambda c, w: [change(c, notes="To him.", owner_id=w.who("sub|me", c.role))], "clear", True),
    "away": Action("customer_change", 200, 404, lambda c, w: [change(c, notes="To them.", owner_id=w.who("far2", c.role))], "clear", True),
    "nobody": Action("customer_change", 200, 404, lambda c, w: [change(c, notes="To nobody.", owner_id=None)], "clear", True),
    "stage": Action("customer_stage", 200, 404, lambda c, w: [stage(c, w, False)], "id", True),
    "hand": Action("customer_stage", 200, 404, lambda c, w: [stage(c, w, True)], "id", True),
    "arch": Action("customer_archive", 200, 404, lambda c, w: [Ask("DELETE", "/customers/" + c.id, dict(id=c.id, if_match=["*"]), headers=ANY)], "clear", True),
    "reveal": Action("customer_reveal", 200, 404, lambda c, w: [on(c, "reveal", {"fields": ["email", "phone"], "reason": "He calls."})]),
    "glass": Action("customer_break_glass", 200, 404, glass, opens=True),
    "create": Action("customer_create", 201, 201, lambda c, w: [post("/customers", {"id": c.id, "name": "New"}, retry=None)], "id", opens=True),
    "since": Action("restore_create", 201, 404, lambda c, w: [record(c, c.city.at)], "nothing", True),
    "all": Action("restore_create", 201, 404, lambda c, w: [record(c, c.created)], "nothing", True),
    "change": Action("restore_create", 201, 404, lambda c, w: [restore(change=c.city.id)], "nothing", True),
    "undo": Action("operation_undo", 201, 404, lambda c, w: [undo(c.last.operation)], "nothing", True),
    "undo2": Action("operation_undo", 201, 404, lambda c, w: [undo(c.city.operation)], "nothing", True),
}
ACTIONS = READING | WRITING | CHILDREN

CHILD = "child"     # the room of all that is done with children through HTTP: each does it with another one


def room_of(action):
    return CHILD if action in CHILDREN else action


def leaves(action):
    """Whether what is asked later would meet what it did; such a question gets a customer of its own through HTTP."""
    return ACTIONS[action].writes or ACTIONS[action].opens


# The other functions that prove who asks: they show no customer.
ELSEWHERE = {
    "operation_get": "an operation follows its person and names no customer", "operation_list": "as operation_get",
    "search_find": "tests/api/test_search.py", "changes_list": "tests/api/test_changes.py", "customer_merge": "tests/api/test_merge.py",
    "customer_timeline": "tests/api/test_timeline.py", "customer_handover": "tests/api/test_handover.py", "staff_completeness": "tests/api/test_completeness.py",
    "event_list": "tests/api/test_events.py", "staff_events": "as event_list", "customer_seen_by": "tests/api/test_exposure.py", "staff_exposure": "as customer_seen_by",
    "refused": "tests/api/test_denied.py",
    "delivery_list": "of what leaves the house only ids: tests/api/test_outbox.py", "delivery_retry": "as delivery_list",
    "hold_list": "tests/api/test_holds.py", "hold_get": "as hold_list", "hold_approve": "tests/api/test_holds_decided.py", "hold_reject": "as hold_approve",
    "alert_list": "whom the caller is above; of customers nothing", "alert_get": "as alert_list", "alert_close": "as alert_list",
    "export_list": "tests/api/test_exports.py", "export_get": "as export_list", "export_create": "as export_list", "export_approve": "tests/api/test_exports_decided.py",
    "export_reject": "as export_approve", "export_ticket": "tests/api/test_exports_file.py", "export_take": "as export_ticket",
    "export_part": "its rows are those of the lists: tests/api/test_exports_broken.py", "export_done": "as export_part", "leak_find": "tests/api/test_exports_marks.py",
    "bulk_create": "tests/api/test_bulk.py", "bulk_list": "whom the caller is above; of customers only ids", "bulk_get": "as bulk_list", "bulk_cancel": "tests/api/test_bulk_jobs.py",
    "bulk_undo": "a restore: tests/api/test_bulk.py", "bulk_approve": "tests/api/test_bulk_decided.py", "bulk_reject": "as bulk_approve",
    "import_list": "an import follows its person: tests/api/test_imports_seen.py", "import_get": "as import_list", "import_rows": "as import_list", "import_errors": "as import_list",
    "import_refused": "as import_list", "import_cancel": "as import_list", "import_undo": "as restore_create: tests/api/test_imports_seen.py",
    "import_begin": "tests/api/test_imports.py", "import_part": "as import_begin", "import_end": "as import_begin", "import_drop": "as import_begin",
    "decoy_list": "tests/api/test_decoys.py", "decoy_create": "as decoy_list",
    "customer_batch": "its items are the single calls: tests/api/test_batch.py", "contact_batch": "as customer_batch", "deal_batch": "as customer_batch",
    "activity_batch": "as customer_batch",
    "rotation_list": "tests/api/test_rotations.py", "rotation_get": "as rotation_list", "rotation_customers": "as rotation_list", "rotation_apply": "as rotation_list",
    "rotation_dismiss": "as rotation_list",
    "notice_list": "what the caller was told; of the customer only the id", "outcome": "whether one's own request was committed",
} | dict.fromkeys(["funnel_change", "funnel_get", "settings_change", "settings_get"], "how the org works") | dict.fromkeys(
    ["staff_change", "staff_create", "staff_get", "staff_invite", "staff_list", "grant_create", "grant_list", "staff_freeze", "staff_unfreeze", "staff_session_end", "staff_session_list",
     "staff_sessions_end"], "the people")
