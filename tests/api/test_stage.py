"""test_stage.py -- POST /customers/{id}/stage: who may move what where, and who gets it by which rule."""
import concurrent.futures
import uuid

import pytest

from holdfast import problem
from hiring import again
from moving import Firm, heir, moved, refused, stage
from people import MISSING, faceless, newcomer
from restoring import changes, read


@pytest.fixture(scope="module")
def shared(stack):
    return Firm(stack)


@pytest.fixture
def firm(shared):
    """The firm for one test, by turns, where nobody has had one; those who came in other tests have left."""
    shared.rule("round_robin")
    org = "org_id = (select org_id from app.staff where id = %s)"
    shared.stack.sql("update app.staff_segment set handed_at = null where " + org, shared.boss.id)
    shared.stack.sql(f"update app.staff set status = 'inactive' where {org} and id <> all(%s::uuid[])", shared.boss.id, shared.people)
    return shared


def notices(who, customer):
    return [n for n in who.pages("/notices") if n["customer_id"] == customer["id"]]


def test_within_the_segment(firm):
    for who in (firm.rep, firm.north, firm.boss):
        c = firm.rep.customer()
        assert moved(who, c, "contacted", note="Called her.") == {"id": c["id"], "stage": "contacted", "segment": "prospecting", "owner_id": firm.rep.id}
        (row,) = changes(firm.rep, c, limit=200)[:-1]
        assert (row["field"], row["old"], row["new"], row["actor_id"]) == ("stage", "new", "contacted", who.id)
        operation = who.get("/operations/" + row["operation_id"]).json()
        assert [operation[k] for k in ("action", "reason", "changes", "via", "undoes")] == ["customers.stage", "Called her.", 1, "api", None]
        now = read(firm.rep, c)
        assert now == dict(c, stage="contacted", version=2, updated_at=now["updated_at"])
        assert moved(who, c, "contacted", owner_id=firm.rep.id)["owner_id"] == firm.rep.id  # nothing new
        assert read(firm.rep, c) == now and len(changes(firm.rep, c)) == 2 and notices(firm.rep, c) == []


def test_a_rep_keeps_it_within_the_segment(firm):
    c, peer = firm.rep.customer(), newcomer(firm.stack, manager=firm.north)
    refused(firm.rep, c, "contacted", 403, "forbidden", "/owner_id", "forbidden", owner_id=peer.id)
    refused(firm.rep, c, "new", 403, "forbidden", "/owner_id", "forbidden", owner_id=peer.id)
    for who, to in ((firm.north, peer), (firm.boss, firm.rep)):
        assert heir(who, c, "contacted", owner_id=to.id) == to.id and read(to, c)["owner_id"] == to.id


def test_what_is_refused(firm):
    c = firm.rep.customer()
    auditor = newcomer(firm.stack, "auditor", firm.boss, ())
    for who in (firm.rep, firm.north, firm.boss):
        refused(who, c, "nowhere", 422, "invalid_value", "/stage", "unknown")
    for more in ({}, {"owner_id": firm.nan.id}, {"note": "x"}):
        for word in ("contacted", "proposal", "nowhere"):
            refused(auditor, c, word, 403, "forbidden", **more)
            for who in (firm.nan, firm.sue, firm.south):
                refused(who, c, word, 404, "not_found", **more)
    assert faceless(stage(firm.nan, c, "contacted")) == faceless(stage(firm.nan, {"id": MISSING}, "contacted"))
    firm.rep.delete("/customers/" + c["id"], "*")
    for word in ("contacted", "proposal"):
        refused(firm.rep, c, word, 409, "archived")
    refused(firm.nan, c, "contacted", 404, "not_found")


def test_an_owner_who_does_not_fit(firm):
    c, other = firm.rep.customer(), newcomer(firm.stack, manager=firm.north)
    left = newcomer(firm.stack, manager=firm.north, segments=("negotiation",))
    firm.status("inactive", left)
    for who in (firm.rep, firm.north, firm.boss):
        for owner in (other, firm.rep, firm.north, firm.boss):
            refused(who, c, "proposal", 422, "invalid_value", "/owner_id", "segment", owner_id=owner.id)
        for owner in (left.id, MISSING, who.stack.login("rita@demo.test").id):
            refused(who, c, "proposal", 422, "invalid_value", "/owner_id", "inactive", owner_id=owner)
    refused(firm.boss, c, "contacted", 422, "invalid_value", "/owner_id", "segment", owner_id=firm.nan.id)
    d = other.customer()
    firm.status("inactive", other)
    refused(firm.north, d, "contacted", 422, "invalid_value", "/owner_id", "inactive", owner_id=other.id)


def test_by_name(firm):
    """To anybody who works there and has not left, whatever the rule is and whichever team he is of."""
    invited = newcomer(firm.stack, manager=firm.south, segments=("negotiation",))
    firm.status("invited", invited)
    for rule in ("manual", "round_robin", "least_loaded"):
        firm.rule(rule)
        for who in (firm.rep, firm.north, firm.boss):
            for to in (firm.nick, firm.sue, invited):
                assert heir(who, firm.rep.customer(), owner_id=to.id) == to.id


def test_manual(firm):
    firm.rule("manual")
    c = firm.rep.customer()
    for who in (firm.rep, firm.north, firm.boss):
        refused(who, c, "proposal", 422, "invalid_value", "/owner_id", "required")
        refused(who, c, "proposal", 422, "invalid_value", "/owner_id", "required", owner_id=None)
    assert heir(firm.rep, c, "contacted") == firm.rep.id
    assert heir(firm.rep, c, owner_id=firm.nan.id) == firm.nan.id
    assert moved(firm.nan, c, "negotiation")["owner_id"] == firm.nan.id, "within the segment no name is needed"


def test_turns(firm):
    """Nan and nick by turns; not sue of the other team, nobody who has left, who is invited, or who does not work there."""
    left, invited = (newcomer(firm.stack, manager=firm.north, segments=("negotiation",)) for _ in range(2))
    newcomer(firm.stack, manager=firm.north, segments=("prospecting", "closing"))
    firm.status("inactive", left), firm.status("invited", invited)
    heirs = [heir((firm.rep, firm.north, firm.boss)[n % 3], firm.rep.customer()) for n in range(12)]
    assert set(heirs) == {firm.nan.id, firm.nick.id} and heirs == heirs[:2] * 6
    # What he is given by name is a turn, what he moves himself is none.
    first, second = heirs[:2]
    assert heir(firm.rep, firm.rep.customer(), owner_id=first) == first
    one = {firm.nan.id: firm.nan, firm.nick.id: firm.nick}[second]
    moved(one, one.customer(), "negotiation"), moved(firm.north, one.customer(), "negotiation", owner_id=second)
    assert [heir(firm.rep, firm.rep.customer()) for _ in range(3)] == [second, first, second]


def test_turns_are_the_segments(firm):
    """A turn in one segment is none in another."""
    both = [newcomer(firm.stack, manager=firm.south, segments=("prospecting", "closing")) for _ in range(2)]
    mine = [heir(firm.sue, firm.sue.customer(), "contract") for _ in range(3)]
    assert set(mine) == {b.id for b in both} and mine[0] == mine[2]
    firm.rule("round_robin", "prospecting")
    first = heir(firm.sue, firm.sue.customer(), "new")
    assert first == min(b.id for b in both), "who has had none there; the older first"


def test_least_loaded(firm):
    firm.rule("least_loaded")
    third = newcomer(firm.stack, manager=firm.north, segments=("negotiation", "prospecting"))

    def load(who, n, **more):
        return [who.customer(**more) for _ in range(n)]
    busy = {one: len(one.pages("/customers", segment="negotiation")) for one in (firm.nan, firm.nick)}
    most = max(busy.values()) + 3
    for one, n in ((firm.nan, most), (firm.nick, most - 1)):
        load(one, n - busy[one])
    load(third, most - 3, stage="proposal"), load(third, 9, stage="new")  # what is elsewhere is no load
    for c in load(third, 5, stage="negotiation"):
        third.delete("/customers/" + c["id"], "*")  # nor what is archived
    left = newcomer(firm.stack, manager=firm.north, segments=("negotiation",))
    firm.status("inactive", left)
    heirs = [heir(firm.rep, firm.rep.customer()) for _ in range(3)]
    assert heirs[:2] == [third.id] * 2, "two behind nick"
    assert {heirs[2], heir(firm.rep, firm.rep.customer())} == {third.id, firm.nick.id}, "as many: whose turn it is"
    assert sorted(heir(firm.rep, firm.rep.customer()) for _ in range(3)) == sorted([third.id, firm.nick.id, firm.nan.id])


def test_the_nearest_team(firm):
    """Of the owner's manager, then of the one above, then anybody. Never who does not work there."""
    lead = newcomer(firm.stack, "manager", firm.north, ())
    rep = newcomer(firm.stack, manager=lead)
    near = newcomer(firm.stack, manager=lead, segments=("negotiation",))
    assert {heir(rep, rep.customer()) for _ in range(2)} == {near.id}
    firm.status("inactive", near)
    north = [heir(rep, rep.customer()) for _ in range(4)]
    assert {firm.nan.id, firm.nick.id} <= set(north) and firm.sue.id not in north
    alone = newcomer(firm.stack, manager=firm.boss)
    assert firm.sue.id in {heir(alone, alone.customer()) for _ in range(8)}, "of all below the admin"
    assert heir(firm.boss, firm.north.customer(), "negotiation") in north, "of a manager his own people"


def test_rita_hands_over_to_nina(rita, nina, pia, stack):
    """The demo: nina is of rita's team, pia is not. (Of newcomers in negotiation other tests leave some behind.)"""
    peers = {r[0] for r in stack.sql("select s.id::text from app.staff s join app.staff n on n.org_id = s.org_id and n.manager_id = s.manager_id"
                                     " where n.id = %s and s.status = 'active' and 'negotiation' = any(s.segments)", rita.id)}
    heirs = {heir(rita, rita.customer()) for _ in range(len(peers) + 1)}
    assert nina.id in heirs == peers and pia.id not in heirs


def test_nobody_available(firm):
    c = firm.rep.customer()
    for rule in ("round_robin", "least_loaded"):
        firm.rule(rule, "closing")
        for who in (firm.rep, firm.north, firm.boss):
            refused(who, c, "contract", 409, "nobody_available")
    only = newcomer(firm.stack, manager=firm.south, segments=("closing",))
    firm.status("invited", only)
    refused(firm.rep, c, "contract", 409, "nobody_available")
    firm.status("active", only)
    assert heir(firm.rep, c, "contract") == only.id, "whoever there is"


def test_who_works_in_both_keeps_it(firm):
    both = newcomer(firm.stack, manager=firm.north, segments=("prospecting", "negotiation"))
    c = both.customer(stage="qualified")
    for who, word in ((both, "proposal"), (firm.north, "new"), (firm.boss, "negotiation")):
        assert moved(who, c, word)["owner_id"] == both.id and read(both, c)["stage"] == word
    assert [r["field"] for r in changes(both, c)] == ["stage"] * 3 + [None] and notices(both, c) == []
    firm.rule("manual")
    assert heir(both, c, "contacted") == both.id == heir(both, c), "no name is needed"
    assert heir(both, c, "contacted", owner_id=firm.rep.id) == firm.rep.id, "unless he says to whom"
    d = both.customer()
    firm.rule("round_robin")
    firm.status("inactive", both)
    assert heir(firm.north, d) in (firm.nan.id, firm.nick.id), "who has left keeps nothing"


def test_nobodys(firm):
    c = firm.boss.customer(owner_id=None)
    refused(firm.rep, c, "contacted", 404, "not_found")
    assert moved(firm.north, c, "contacted") == {"id": c["id"], "stage": "contacted", "segment": "prospecting", "owner_id": None}
    assert heir(firm.north, c) in (firm.nan.id, firm.nick.id), "of the people of who moves it"
    d = firm.boss.customer(owner_id=None, stage="proposal")
    assert heir(firm.south, d, "negotiation", owner_id=firm.sue.id) == firm.sue.id and read(firm.sue, d)["version"] == 2


def test_many_at_once_are_spread_evenly(firm):
    """32 by turns among three: nobody gets two more than another."""
    third = newcomer(firm.stack, manager=firm.north, segments=("negotiation",))
    made = [firm.rep.customer() for _ in range(32)]
    askers = [again(firm.rep) for _ in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        heirs = [h for part in pool.map(lambda n: [heir(askers[n], c) for c in made[n::8]], range(8)) for h in part]
    shares = [heirs.count(one.id) for one in (firm.nan, firm.nick, third)]
    assert sum(shares) == 32 and max(shares) - min(shares) <= 1, shares
    assert {i: o for i, o in firm.stack.sql("select id::text, owner_id::text from app.customer where id = any(%s::uuid[])", [c["id"] for c in made])} == dict(
        zip([c["id"] for n in range(8) for c in made[n::8]], heirs))


def test_key(firm):
    """The same key moves once and answers the same, whoever has it by now."""
    c = firm.rep.customer()
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = stage(firm.rep, c, "proposal", key, note="Once.")
    to = {firm.nan.id: firm.nan, firm.nick.id: firm.nick}[first.json()["owner_id"]]
    problem(firm.rep.get("/customers/" + c["id"]), 404)
    rows = changes(to, c)

    def repeated():
        answer = stage(firm.rep, c, "proposal", key, note="Once.")
        assert (answer.status_code, answer.json()) == (200, first.json())
        assert answer.headers["X-Classification"] == first.headers["X-Classification"]
    repeated()
    assert changes(to, c) == rows and len(notices(to, c)) == 1
    moved(to, c, "negotiation", owner_id=to.id), moved(firm.boss, c, "proposal", owner_id=firm.sue.id)
    repeated()
    problem(stage(firm.rep, c, "proposal", key, note="Twice."), 422, "key_reused")
    problem(stage(firm.rep, firm.rep.customer(), "proposal", key, note="Once."), 422, "key_reused")
    problem(stage(firm.nan, c, "proposal", key, note="Once."), 404, "not_found")  # a key is one's own


@pytest.mark.parametrize("name", ["rep", "north", "boss"])
def test_key_of_what_changed_little(firm, name):
    """The answer is the first one's, of which not all is in what it changed: same owner, nobody's, same stage."""
    who, asked = getattr(firm, name), []
    for word in ("contacted", "new"):
        asked.append((firm.rep.customer(), word))
        if who is not firm.rep:
            asked.append((firm.boss.customer(owner_id=None), word))
    keys = [{"Idempotency-Key": uuid.uuid4().hex} for _ in asked]
    first = [stage(who, c, word, key).json() for (c, word), key in zip(asked, keys)]
    assert [f["owner_id"] for f in first] == [c["owner_id"] for c, _ in asked]
    for c, _ in asked:
        moved(firm.boss, c, "proposal", owner_id=firm.sue.id)
    assert [stage(who, c, word, key).json() for (c, word), key in zip(asked, keys)] == first
