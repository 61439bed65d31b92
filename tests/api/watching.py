"""watching.py -- what the tests of holds, alerts and decoys share: people with limits of their own, and customers that they did not make."""
import contextlib
import json

from people import newcomer

DEFAULTS = {"contact_changes": {"hour": {"hard": 20}, "day": {"hard": 50}}, "near_misses": {"day": {"hard": 5}}, "deletions": {"day": {"hard": 10}}}


@contextlib.contextmanager
def limits(stack, person, **measures):
    """Gives one person limits, over what the org has, while the block runs: contact_changes={"hour": 20}."""
    budgets = {m: {w: {"hard": n} for w, n in windows.items()} for m, windows in measures.items()} if measures else DEFAULTS
    org = "org_id = (select org_id from app.staff where id = %s)"
    was = stack.sql(f"select budgets from app.settings where {org}", person.id)[0][0]
    stack.sql(f"update app.settings set budgets = coalesce(budgets, '{{}}') || %s where {org}", json.dumps({person.id: budgets}), person.id)
    yield
    stack.sql(f"update app.settings set budgets = %s where {org}", was and json.dumps(was), person.id)


def rep(stack, boss, **more):
    """A rep whom no other test knows, so that only what the test does counts."""
    return newcomer(stack, "rep", boss, **more)


def customers(stack, owner, n, head="+49 30 5550"):
    """Customers that somebody owns, made by nobody: ids in the order of their numbers."""
    return [str(r[0]) for r in stack.sql("""insert into app.customer (org_id, id, name, email, phone, stage, owner_id, created_at, updated_at)
        select s.org_id, app.uuid7(), 'Held ' || i, 'held' || i || '@held.example', %s || lpad(i::text, 5, '0'), 'new', s.id, app.now(), app.now()
        from app.staff s, generate_series(1, %s) i where s.id = %s returning id""", head, n, owner.id)]


def patch(client, id_, kind="customers", etag="*", **fields):
    return client.patch(f"/{kind}/{id_}", fields, etag)


def waits(answer, rule):
    """Asserts that an answer says that the change waits; returns the hold's id."""
    assert answer.status_code == 202, answer.text
    hold = answer.json()["hold"]
    assert answer.json() == {"hold": {"id": hold["id"], "status": "pending", "rule": rule}} and answer.headers["Location"] == "/v1/holds/" + hold["id"]
    assert "ETag" not in answer.headers
    return hold["id"]


def phones(stack, ids):
    return [p for _, p in sorted(stack.sql("select array_position(%s::uuid[], id), phone from app.customer where id = any(%s::uuid[])", ids, ids))]


def alerts(client, person, **more):
    return client.pages("/alerts", staff=person.id, **more)


def answered(client, alert):
    """Sends the request with which an alert says it is answered."""
    answer = alert["answer"]
    return client.request(answer["method"], answer["path"].removeprefix("/v1"), json=answer["body"])
