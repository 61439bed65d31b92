"""First sights of his own, which are counted in a short way: the numbers are those that the long way comes to."""
import datetime
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from hiring import again
from holdfast import problem
from people import MISSING
from stealing import Base
from test_budgets import limit, strangers


@pytest.fixture(scope="module")
def base(stack):
    return Base(stack)


@pytest.fixture(autouse=True)
def as_it_was(stack, base):
    yield
    stack.clock("0")
    stack.sql("update app.settings set contact_masking = 'off' where org_id = %s", base.org)


def numbers(stack, who):
    """What is counted of him, as everything that asks gets it."""
    return stack.sql("select (e).began, (e).used, (e).before, (e).own, (e).book, (e).masked_until "
                     "from (select app.exposure_of(org_id, id) as e from app.staff where id = %s offset 0) x", who.id)[0]


def used(stack, who, measure, window):
    m, w = ["customers", "contacts", "reveals", "denied", "opened"].index(measure) + 1, ["hour", "day", "month"].index(window) + 1
    return numbers(stack, who)[1][w - 1][m - 1]


def plain(stack, who):
    """How many sights were counted in the short way: all, and of these such of customers that he had seen before."""
    return (stack.sql("select sights, sights - customers from app.plain_sight where staff_id = %s", who.id) or [(0, 0)])[0]


def seen(stack, who, ids):
    """Whom of these he has seen, by their place, and how."""
    rows = stack.sql("select customer_id::text, opened_at is not null, contact_at is not null, first_at = at from app.seen where staff_id = %s", who.id)
    return {ids.index(id_): how for id_, *how in rows if id_ in ids}


def told(stack, who):
    """What the alerts say of him, and what the days came to."""
    return (stack.sql("select rule, severity, times, evidence->>'measure', evidence->>'window', evidence->>'limit', evidence->>'used' from app.alert "
                      "where staff_id = %s order by id", who.id),
            stack.sql("select day, used from app.exposure_day where staff_id = %s order by day", who.id))


def steps(chance):
    """What a rep may do, and to whom; what somebody above him does; how much later it is; how the org masks."""
    for _ in range(220):
        n = chance.random()
        own, other = f"own {chance.randrange(160)}", f"other {chance.randrange(40)}"
        if n < 0.38:
            yield "GET", own, "", {}
        elif n < 0.53:
            yield "GET", f"listed {chance.randrange(10)}", "", {}
        elif n < 0.65:
            yield "GET", other, "", {}
        elif n < 0.72:
            yield "GET", own, "/timeline", {}
        elif n < 0.79:
            yield "LIST", None, "", {"limit": chance.choice((1, 3, 10)), "sort": chance.choice(("name", "-name"))}
        elif n < 0.85:
            yield "PATCH", own, "", {"city": chance.choice(("Ulm", "Bonn", "Kiel"))}
        elif n < 0.87:
            yield "REVEAL", own, "/reveal", {"fields": ["email"], "reason": "Call"}
        elif n < 0.89:
            yield chance.choice(("MISSING", "GRANT", "FREEZE")), None, "", {}
        elif n < 0.96:
            yield "LATER", None, "", {"seconds": chance.choice((600, 600, 1500, 4000, 20000, 90000))}
        else:
            yield "MASK", None, "", {"how": chance.choice(("off", "off", "lists", "always"))}


@pytest.mark.parametrize("seed", [0, 1, 4])
def test_the_short_way_counts_as_the_long_one(base, stack, seed):
    """Two people do the same to books that are alike, one of them without the short way. Limits are met on the way."""
    short, long = base.rep(), base.rep()
    books = {who.id: base.make(who, 160) for who in (short, long)}
    for who in (short, long):
        limit(base, who, contacts={"hour": (14, 17), "day": (50, 60)}, customers={"hour": (None, 3)}, reveals={"hour": (None, 100)})
    last = {who: ids[:1] for who, ids in books.items()}
    others, chance, met = strangers(base, 40, 100 * seed), random.Random(seed), set()
    stack.sql("update app.session set expires_at = 'infinity' where staff_id = any(%s::uuid[])", [*books, base.boss.id])
    (moment,), = stack.sql("select date_trunc('day', now(), 'UTC') + interval '32 hours 5 minutes'")     # always the same time of a day
    for what, whom, tail, more in steps(chance):
        moment += datetime.timedelta(seconds=1)
        if what == "LATER":
            moment += datetime.timedelta(seconds=more["seconds"])
            continue
        if what == "MASK":
            stack.sql("update app.settings set contact_masking = %s where org_id = %s", more["how"], base.org)
            continue
        answers = []
        for who in (short, long):
            # At the same moment: what room comes back with time is the same for both.
            stack.sql("update app.test_clock set ahead = %s - now()", moment)
            if who is long:
                stack.sql("update app.plain_sight set most = 0 where staff_id = %s", who.id)
            if what == "GRANT":
                body = {"measure": "contacts", "amount": 3, "reason": "The fair.", "until": (moment + datetime.timedelta(minutes=40)).isoformat()}
                assert base.boss.post(f"/staff/{who.id}/grants", body).status_code == 201
                continue
            if what == "FREEZE":
                for tail in ("freeze", "unfreeze"):
                    assert base.boss.post(f"/staff/{who.id}/{tail}", {"reason": "A talk."}).status_code in (200, 204)
                continue
            if what == "MISSING":
                problem(who.get("/customers/" + MISSING), 404)
                continue
            kind, _, n = (whom or "").partition(" ")
            of = {"own": books[who.id], "other": others, "listed": last[who.id] * 10}.get(kind)
            path = "/customers" if whom is None else "/customers/" + of[int(n)] + tail
            answer = (who.get(path, owner=who.id, **more) if what == "LIST" else who.patch(path, more, "*") if what == "PATCH"
                      else who.post(path, more) if what == "REVEAL" else who.get(path))
            body = answer.json()
            if what == "LIST" and answer.status_code == 200:
                last[who.id] = [c["id"] for c in body["data"]]
            answers.append((answer.status_code, body.get("masked"), body.get("used"), body.get("window")))
        assert answers == answers[:1] * len(answers), (what, whom, more)
        assert numbers(stack, short) == numbers(stack, long) and told(stack, short) == told(stack, long), (what, whom, more)
        met |= {status for status, *_ in answers}
    assert seen(stack, short, books[short.id]) == seen(stack, long, books[long.id])
    assert plain(stack, short) > (20, 0) and plain(stack, short)[1] > 2 and plain(stack, long) == (0, 0) and met >= {200, 429}


def test_the_limits_are_met_where_they_are(base, stack):
    rep = base.rep()
    mine = base.make(rep, 40)
    limit(base, rep, contacts={"day": (20, 30)})
    shown = [rep.get("/customers/" + id_) for id_ in mine]
    assert [a.status_code for a in shown] == [200] * 40
    assert [a.json()["masked"] == [] for a in shown] == [True] * 21 + [False] * 19, "as of strangers: the answer that crosses it, and no other"
    assert used(stack, rep, "contacts", "day") == 21 and plain(stack, rep) == (19, 0)
    assert [row[1:] for row in told(stack, rep)[0]] == [("medium", 1, "contacts", "day", "20", "21")]
    (limits,) = [x for x in rep.get(f"/staff/{rep.id}/exposure").json()["limits"] if (x["measure"], x["window"]) == ("contacts", "day")]
    assert limits["used"] == 21


def test_what_is_shown_is_what_is_counted(base, stack):
    """Between two ways of asking, nothing that was counted in the short way is missing."""
    rep = base.rep()
    mine = base.make(rep, 30)
    limit(base, rep, contacts={"day": (None, 25)})
    for n, id_ in enumerate(mine[:25], 1):
        assert rep.get("/customers/" + id_).status_code == 200
        (row,) = [x for x in base.boss.get(f"/staff/{rep.id}/exposure").json()["limits"] if (x["measure"], x["window"]) == ("contacts", "day")]
        assert row["used"] == n
    assert plain(stack, rep) == (24, 0)
    refused = problem(rep.get("/customers/" + mine[25]), 429, "exposure_budget_exceeded")
    assert (refused["measure"], refused["used"], refused["limit"]) == ("contacts", 25, 25)


def test_other_limits_hold_at_once(base, stack):
    rep, other = base.rep(), base.rep()
    mine = base.make(rep, 20)
    limit(base, rep, contacts={"day": (None, 100)})
    assert [rep.get("/customers/" + id_).status_code for id_ in mine[:10]] == [200] * 10 and plain(stack, rep) == (9, 0)
    limit(base, other, contacts={"day": (None, 1)})         # another's, of which the next request need not know
    assert [rep.get("/customers/" + id_).status_code for id_ in mine[10:11]] == [200] and plain(stack, rep) == (9, 0)
    limit(base, rep, contacts={"day": (None, 11)})
    problem(rep.get("/customers/" + mine[11]), 429, "exposure_budget_exceeded")


def test_a_grant_ends_when_it_ends(base, stack):
    stack.clock("30 minutes" if stack.sql("select extract(minute from now()) > 25")[0][0] else "0")
    (ahead,), = stack.sql("select app.now() - now()")
    rep = base.rep()
    mine = base.make(rep, 20)
    limit(base, rep, contacts={"day": (None, 5)})
    answer = base.boss.post(f"/staff/{rep.id}/grants", {"measure": "contacts", "amount": 10, "reason": "The fair.",
                                                      "until": stack.sql("select app.time_json(app.now() + interval '10 minutes')")[0][0]})
    assert answer.status_code == 201, answer.text
    assert [rep.get("/customers/" + id_).status_code for id_ in mine[:8]] == [200] * 8 and plain(stack, rep) == (7, 0)
    stack.clock(f"{ahead.total_seconds() + 601} seconds")
    problem(rep.get("/customers/" + mine[8]), 429, "exposure_budget_exceeded")


def test_whoever_is_no_rep_any_more_has_nothing_of_his_own(base, stack):
    rep = base.rep()
    mine = base.make(rep, 12)
    assert [rep.get("/customers/" + id_).status_code for id_ in mine[:5]] == [200] * 5 and plain(stack, rep) == (4, 0)
    assert base.admin.patch("/staff/" + rep.id, {"role": "manager"}, "*").status_code == 200
    before = plain(stack, rep)
    assert [again(rep).get("/customers/" + id_).status_code for id_ in mine[5:8]] == [200] * 3
    assert used(stack, rep, "customers", "hour") == 3 and plain(stack, rep) == before


def test_only_what_is_long_his_own_goes_the_short_way(base, stack):
    rep = base.rep()
    mine, fresh, come = base.make(rep, 10), base.make(rep, 3), base.make(base.owner, 3)
    stack.sql("update app.customer set owner_since = null, created_at = app.now() where id = any(%s::uuid[])", fresh)
    stack.sql("select app.act_as(org_id, id, 'customers.change') from app.staff where id = %s; update app.customer set owner_id = %s where id = any(%s::uuid[])",
              base.boss.id, rep.id, come)
    assert [rep.get("/customers/" + id_).status_code for id_ in mine[:5]] == [200] * 5 and plain(stack, rep) == (4, 0)
    for id_ in fresh + come + strangers(base, 3, 50):
        assert rep.get("/customers/" + id_).status_code == 200
    assert plain(stack, rep) == (4, 0)
    # Made by him today, they show him nothing; what came to him today and what is not his counts in full.
    assert (used(stack, rep, "customers", "day"), used(stack, rep, "contacts", "day")) == (6, 11)


def test_whoever_sees_more_of_one_is_counted_again(base, stack):
    """What was listed, or opened with masked values, is not yet seen as it is when it is opened, or unmasked."""
    def counted(who):
        return used(stack, who, "opened", "hour"), used(stack, who, "contacts", "hour")
    listed, masked = base.rep(), base.rep()
    one, two = base.make(listed, 1) + base.make(masked, 1)
    stack.sql("update app.settings set contact_masking = 'always' where org_id = %s", base.org)
    assert [c["id"] for c in listed.get("/customers", owner=listed.id).json()["data"]] == [one] and counted(listed) == (0, 0)
    assert listed.get("/customers/" + one).status_code == 200 and counted(listed) == (1, 0)
    assert masked.get("/customers/" + two).json()["masked"] != [] and counted(masked) == (1, 0)
    stack.sql("update app.settings set contact_masking = 'off' where org_id = %s", base.org)
    assert masked.get("/customers/" + two).json()["masked"] == [] and counted(masked) == (1, 1)


def test_what_was_listed_is_opened_in_the_short_way(base, stack):
    rep = base.rep()
    base.make(rep, 20)
    stack.sql("update app.settings set contact_masking = 'lists' where org_id = %s", base.org)
    ids = [c["id"] for c in rep.get("/customers", owner=rep.id, limit=5).json()["data"]]

    def counted():
        return used(stack, rep, "opened", "hour"), used(stack, rep, "contacts", "hour"), numbers(stack, rep)[3], plain(stack, rep)
    assert counted() == (0, 0, 5, (0, 0))
    for n, (ask, due) in enumerate(((lambda: rep.get("/customers/" + ids[0]), (1, 1, 5, (0, 0))), (lambda: rep.get("/customers/" + ids[1]), (2, 2, 5, (1, 1))),
                                    (lambda: rep.get("/customers/" + ids[1]), (2, 2, 5, (1, 1))),
                                    (lambda: rep.patch("/customers/" + ids[2], {"city": "Ulm"}, "*"), (2, 3, 5, (2, 2))),
                                    (lambda: rep.get("/customers/" + ids[2]), (3, 3, 5, (3, 3))))):
        assert ask().status_code == 200 and counted() == due, n
    assert stack.sql("select count(*) from app.seen where staff_id = %s and contact_at is not null and at >= first_at", rep.id) == [(3,)]


@pytest.mark.parametrize("listed", [False, True])
def test_a_decoy_is_told_whatever_way_it_is_counted(base, stack, listed):
    rep = base.rep()
    mine = base.make(rep, 20)
    if listed:
        mine = [c["id"] for c in rep.get("/customers", owner=rep.id, limit=5).json()["data"]]
    stack.sql("insert into app.decoy (org_id, id, customer_id, made_by, at) select org_id, app.uuid7(), %s, id, app.now() from app.staff where id = %s", mine[1], base.admin.id)
    try:
        assert rep.get("/customers/" + mine[0]).status_code == 200 and told(stack, rep)[0] == []
        assert rep.get("/customers/" + mine[1]).status_code == 200 and plain(stack, rep) == (1, int(listed))
        assert [row[:3] for row in told(stack, rep)[0]] == [("decoy", "medium", 1)]
    finally:
        stack.sql("delete from app.decoy where customer_id = %s", mine[1])


def test_numbers_from_before_are_as_they_were(base, stack):
    """Whoever was counted last before there was a short way has no row of it."""
    rep = base.rep()
    for id_ in strangers(base, 4, 70):
        assert rep.get("/customers/" + id_).status_code == 200
    before = numbers(stack, rep), base.boss.get(f"/staff/{rep.id}/exposure").json()["limits"]
    stack.sql("delete from app.plain_sight where staff_id = %s", rep.id)
    assert (numbers(stack, rep), base.boss.get(f"/staff/{rep.id}/exposure").json()["limits"]) == before and used(stack, rep, "contacts", "day") == 4


@pytest.mark.parametrize("listed", [False, True])
def test_of_32_at_once_each_counts_once(base, stack, listed):
    """Requests at once for the same customers: one counts, and the limit is not passed; also when he saw them in a list before."""
    rep = base.rep()
    mine = base.make(rep, 150)
    limit(base, rep, contacts={"day": (None, 100)})
    if listed:
        stack.sql("update app.settings set contact_masking = 'lists' where org_id = %s", base.org)
        assert len(rep.get("/customers", owner=rep.id, limit=150).json()["data"]) == 150 and used(stack, rep, "contacts", "day") == 0
        stack.sql("delete from app.disclosure where staff_id = %s", rep.id)
    assert rep.get("/customers/" + mine[0]).status_code == 200
    chance = random.Random(4)

    def some(n):
        me, good = again(rep), set()
        for id_ in chance.sample(mine[1:], 40):
            answer = me.get("/customers/" + id_)
            assert answer.status_code in (200, 429), answer.text
            good |= {id_} if answer.status_code == 200 else set()
        return good
    with ThreadPoolExecutor(32) as pool:
        got = set.union({mine[0]}, *pool.map(some, range(32)))
    assert len(got) == 100 == used(stack, rep, "contacts", "day") == used(stack, rep, "opened", "day")
    assert numbers(stack, rep)[3] == (150 if listed else 100) and plain(stack, rep)[listed] > 30
    assert {i for i, in stack.sql("select unnest(customer_ids)::text from app.disclosure where staff_id = %s", rep.id)} == got
