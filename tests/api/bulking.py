"""bulking.py -- what the tests of mass updates share: a book to change, previews, real runs, and waiting for their end."""
import contextlib
import time
import uuid

from exporting import decider
from people import newcomer


def book(stack, owner, n, head="Bulk", **fields):
    """n customers of a person by SQL, with one odd city; the filter that finds them and their ids in order."""
    city = "Bulk " + uuid.uuid4().hex[:10]
    columns = dict({"stage": "new"}, **fields)
    ids = [r[0] for r in stack.sql(f"""insert into app.customer (org_id, id, name, city, owner_id, created_at, updated_at, {', '.join(columns)})
        select s.org_id, app.uuid7(), %s || ' ' || i, %s, s.id, app.now(), app.now(), {', '.join(['%s'] * len(columns))}
        from app.staff s, generate_series(1, %s) i where s.id = %s returning id::text""", head, city, *columns.values(), n, owner.id)]
    return {"city": city}, sorted(ids)


def team(stack, n=2, admin=None):
    """A manager with reps in prospecting, and somebody above who may decide."""
    boss = newcomer(stack, "manager", segments=())
    return boss, [newcomer(stack, "rep", boss) for _ in range(n)]


def above(stack):
    """An admin who may decide at once."""
    return decider(stack, "admin")


def want(who, action, entity="customers", headers=None, **more):
    """Asks; the answer."""
    return who.post("/bulk", dict({"action": action, "entity": entity}, **more), headers)


def preview(who, action, entity="customers", **more):
    """What it would do."""
    answer = want(who, action, entity, dry_run=True, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def run(who, action, entity="customers", headers=None, **more):
    """Previews it and does it; the answer of that."""
    shown = preview(who, action, entity, **more)
    return want(who, action, entity, headers, confirm=shown["confirm"], reason="A test.", **more)


def done(who, action, entity="customers", **more):
    """The same, of up to 1,000 records; its document."""
    answer = run(who, action, entity, **more)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == "/v1/bulk/" + answer.json()["id"] and answer.json()["status"] == "done"
    return answer.json()


def begun(who, action, entity="customers", **more):
    """The same, of more: its id."""
    answer = run(who, action, entity, **more)
    assert answer.status_code == 202, answer.text
    assert set(answer.json()) == {"id", "status", "done", "total", "started_at", "eta"} and answer.json()["status"] in ("queued", "running")
    return answer.json()["id"]


def pending(who, **more):
    """A transfer that waits for a second person; its document."""
    answer = run(who, "transfer", **more)
    assert answer.status_code == 202 and answer.json()["status"] == "pending", answer.text
    return answer.json()


def decide(who, bulk, word="approve", note="Fine.", headers=None):
    return who.post(f"/bulk/{bulk}/{word}", {"note": note}, headers)


def show(who, bulk):
    answer = who.get("/bulk/" + bulk)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ended(who, bulk, seconds=40):
    """One when it has ended, however that was."""
    until = time.monotonic() + seconds
    while show(who, bulk)["status"] in ("queued", "running"):
        assert time.monotonic() < until, show(who, bulk)
        time.sleep(0.05)
    return show(who, bulk)


def why(doc):
    """What a document says is left as it is: why and how many."""
    return {r["why"]: r["count"] for r in doc["refused"]}


def owners(stack, ids):
    """How many of these each person has."""
    return dict(stack.sql("select owner_id::text, count(*) from app.customer where id = any(%s::uuid[]) group by 1", ids))


@contextlib.contextmanager
def alone(stack, n):
    """How many customers one person may give away in the demo org meanwhile; by SQL, past what it is about."""
    org = "org_id = (select org_id from app.login where email = 'ada@demo.test')"
    was = stack.sql(f"select bulk from app.settings where {org}")[0][0]
    stack.sql(f"update app.settings set bulk = jsonb_build_object('approval_above', %s::int) where {org}", n)
    yield
    stack.sql(f"update app.settings set bulk = %s where {org}", was)
