"""works.py -- how an org works, changed for a test and put back, its settings and its funnel; and what it keeps of an answer."""
import contextlib
import copy


@contextlib.contextmanager
def settings(admin, **changes):
    """Other settings while the block runs."""
    before = {k: v for k, v in admin.get("/settings").json().items() if k in changes}
    answer = admin.patch("/settings", changes, "*")
    assert answer.status_code == 200, answer.text
    try:
        yield answer.json()
    finally:
        assert admin.patch("/settings", before, "*").status_code == 200


def put(who, segments, etag="*", **more):
    """Puts a funnel; returns the answer."""
    return who.request("PUT", "/funnel", json=dict({"segments": segments}, **more), headers={"If-Match": etag} if etag else None)


def segments(who):
    """The funnel's segments, to be changed and put."""
    return who.get("/funnel").json()["segments"]


@contextlib.contextmanager
def hides(admin, **words):
    """Segments that hide something while the block runs: hides(ada, prospecting=["notes"])."""
    before = segments(admin)
    after = copy.deepcopy(before)
    for segment in after:
        segment["hides"] = words.get(segment["id"], segment["hides"])
    answer = put(admin, after)
    assert answer.status_code == 200, answer.text
    try:
        yield
    finally:
        assert put(admin, before).status_code == 200


def disclosed(stack, answer):
    """What the ledger has of one answer. Not of the latest: a test that sets the clock ahead leaves later ones."""
    return stack.sql("select channel, customer_ids::text[], classes, masked from app.disclosure where request_id = %s::uuid order by id", answer.headers["X-Request-Id"])
