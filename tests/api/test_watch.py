"""Rules that only tell: each at its limit, on both sides of it. People of an org of its own, whom nobody else has to do with."""
import contextlib
import time
from types import SimpleNamespace

import pytest

from people import other_org
from watching import alerts, answered, customers

QUIET = [4, 5, 6, 5] * 5


@pytest.fixture(scope="module")
def org(stack):
    return other_org(stack)


@pytest.fixture
def otto(stack, org):
    """Its admin, of an org in which nobody has seen anything yet."""
    for table in ("exposure", "exposure_day", "habit"):
        stack.sql(f"delete from app.{table} where org_id = (select org_id from app.staff where id = %s)", org.id)
    return stack.login(stack.sql("select email from app.staff where id = %s", org.id)[0][0])


def newcomer(stack, role, boss):
    """Somebody who need not log in."""
    return SimpleNamespace(id=str(stack.sql("""insert into app.staff (org_id, id, person_id, name, email, role, manager_id, segments, status, created_at, updated_at)
        select s.org_id, i.id, i.id, 'New Comer', i.id || '@watch.test', %s, s.id, array(select id from app.segment g where g.org_id = s.org_id), 'active', app.now(), app.now()
        from app.staff s, (select app.uuid7() as id) i where s.id = %s returning id""", role, boss.id)[0][0]))


def past(stack, person, reveals):
    """What the days before today came to, the latest last."""
    stack.sql("""insert into app.exposure_day (org_id, staff_id, day, used) select s.org_id, s.id, (app.now() at time zone 'UTC')::date - n::int, array[0, 0, v, 0, 0]
        from app.staff s, unnest(%s::int[]) with ordinality r(v, n) where s.id = %s""", reveals, person.id)


def today(stack, person, reveals=0, opened=0, began="app.now()"):
    stack.sql(f"""insert into app.exposure (org_id, staff_id, began, used, before)
        select s.org_id, s.id, array[app.window_began(1, {began}), app.window_began(2, {began}), app.window_began(3, {began})],
            array[array[0, 0, 0, 0, 0], array[0, 0, %s, 0, %s], array[0, 0, 0, 0, 0]], array_fill(0, array[3, 5]) from app.staff s where s.id = %s""", reveals, opened, person.id)


def operations(stack, person, *moments):
    """Requests that changed something, at SQL expressions of d, the beginning of today."""
    if moments:
        stack.sql(f"""insert into app.operation (org_id, id, at, actor_id, action, via, changes) select s.org_id, app.uuid7(m.at), m.at, s.id, 'customers.change', 'api', 0
            from app.staff s, (select date_trunc('day', app.now() at time zone 'UTC') at time zone 'UTC' as d) t, unnest(array[{", ".join(moments)}]) m(at) where s.id = %s""", person.id)


def step(stack):
    """Asks about all orgs whose turn it is; how many there were."""
    for n in range(1000):
        if stack.sql("select api.alerts_step()", user="holdfast_cgi") != [(0,)]:
            return n
    raise AssertionError("it has no end")


def watched(stack, client, person, *rules):
    """Asks the rules and returns (rule, severity) of what they say of a person."""
    stack.sql("delete from app.habit")
    for _ in range(2):                                       # asked again they say nothing twice
        stack.sql("update app.org set watched_at = '-infinity'")
        step(stack)
    rows = alerts(client, person)
    assert all(r["times"] == 1 for r in rows), rows
    return {(r["rule"], r["severity"]) for r in rows if not rules or r["rule"] in rules}


@pytest.mark.parametrize("own, peers, n, due", [
    (QUIET, QUIET, 31, "high"), (QUIET, QUIET, 30, None),                      # 30 is nothing yet
    ([15, 25] * 10, QUIET, 43, "medium"), ([15, 25] * 10, QUIET, 41, None), ([15, 25] * 10, QUIET, 66, "high"), ([15, 25] * 10, QUIET, 64, "medium"),
    ([40, 42, 44, 41] * 5, QUIET, 43, None),                                   # he always does
    (QUIET, [40, 42, 44, 41] * 5, 43, None),                                   # all the others do
    (QUIET, [0] * 5, 50, "high"), ([0] * 5, QUIET, 50, "high"),                # of the other side too little is known
    ([0] * 5, [0] * 5, 50, None), ([0] * 20, [0] * 20, 31, "high")])
def test_unusual_reveals(stack, otto, own, peers, n, due):
    one, two = newcomer(stack, "rep", otto), newcomer(stack, "rep", otto)
    past(stack, one, own)
    past(stack, two, peers)
    today(stack, one, n)
    past(stack, newcomer(stack, "manager", otto), [100] * 20)                  # who is of another role
    assert watched(stack, otto, one) == ({("unusual_reveals", due)} if due else set())


def test_old_days_are_not_compared(stack, otto):
    one = newcomer(stack, "rep", otto)
    past(stack, one, [5] * 9)
    stack.sql("update app.exposure_day set day = day - 90 where staff_id = %s", one.id)
    past(stack, one, [5] * 9)
    today(stack, one, 50)
    assert watched(stack, otto, one) == set()
    stack.sql("update app.exposure_day set day = day + 1 where staff_id = %s and day = (app.now() at time zone 'UTC')::date - 91", one.id)
    assert watched(stack, otto, one) == {("unusual_reveals", "high")}           # of 90 days ago one is enough


@pytest.mark.parametrize("opened, done, due", [(61, 0, True), (60, 0, False), (61, 6, True), (61, 7, False), (900, 99, True), (900, 100, False)])
def test_read_only(stack, otto, opened, done, due):
    one = newcomer(stack, "rep", otto)
    operations(stack, one, *["d - interval '1 minute'"] * 20)                   # yesterday's
    operations(stack, one, *["d + interval '1 minute'"] * done)
    today(stack, one, 0, opened)
    assert watched(stack, otto, one) == ({("read_only", "medium")} if due else set())


@pytest.mark.parametrize("plain, counted, due", [(31, 0, True), (30, 0, False), (31, 1, False), (61, 30, True)])
def test_what_was_opened_in_plain_sight_counts(stack, otto, plain, counted, due):
    """Of these the person's numbers have so many already."""
    one = newcomer(stack, "rep", otto)
    today(stack, one, 0, 30)
    stack.sql("update app.exposure set plain = array[%s, %s, %s] where staff_id = %s", counted, counted, counted, one.id)
    stack.sql("insert into app.plain_sight (org_id, staff_id, customers, contacts, opened, most, until) select org_id, id, %s, %s, %s, 0, app.now() from app.staff where id = %s",
              plain, plain, plain, one.id)
    assert ("read_only" in {rule for rule, _ in watched(stack, otto, one)}) == due


def test_a_stale_row_is_zero(stack, otto):
    one = newcomer(stack, "rep", otto)
    past(stack, one, QUIET)
    today(stack, one, 500, 500, "app.now() - interval '1 day'")
    operations(stack, one, "d + interval '1 minute'")
    assert watched(stack, otto, one) == set()


def give(stack, boss, ids, to, via="api", action="bulk.create"):
    """One operation by which somebody gives customers to another."""
    with contextlib.closing(stack.connect()) as c, c.cursor() as q:
        q.execute("begin")
        q.execute("select app.act_as(org_id, id, %s, %s) from app.staff where id = %s", (action, via, boss.id))
        q.execute("update app.customer set owner_id = %s where id = any(%s::uuid[])", (to.id, ids))
        q.execute("commit")


@pytest.mark.parametrize("sizes, due", [((51,), True), ((50,), False), ((50, 50, 50, 50), False), ((50, 50, 50, 50, 1), True)])
def test_transfers(stack, otto, sizes, due):
    boss = newcomer(stack, "manager", otto)
    one, two = newcomer(stack, "rep", boss), newcomer(stack, "rep", boss)
    ids = customers(stack, one, sum(sizes))
    for n, size in enumerate(sizes):
        give(stack, boss, ids[sum(sizes[:n]):sum(sizes[:n]) + size], two)
    assert watched(stack, otto, boss) == ({("transfers", "high")} if due else set())
    if due:
        (alert,) = alerts(otto, boss)
        assert answered(otto, alert).json()["restored"] == sum(sizes) and len(alert["evidence"]["operations"]) == len(sizes)
        assert stack.sql("select count(*) from app.customer where owner_id = %s", one.id) == [(sum(sizes),)]


@pytest.mark.parametrize("action, due", [("operations.undo", True), ("restores.create", True), ("bulk.undo", True), ("bulk.cancel", False)])
def test_taking_many_back_is_a_transfer(stack, otto, action, due):
    """But for what a job that stopped took back itself."""
    boss = newcomer(stack, "manager", otto)
    one, two = newcomer(stack, "rep", boss), newcomer(stack, "rep", boss)
    give(stack, boss, customers(stack, one, 60), two, "restore", action)
    assert watched(stack, otto, boss) == ({("transfers", "high")} if due else set())


USUAL = [f"d - interval '{n} days' + interval '{h} hours'" for n in range(1, 13) for h in (9, 12, 16)]


@pytest.mark.parametrize("hour, odd", [(6, True), (7, False), (18, False), (19, True)])
def test_off_hours(stack, otto, hour, odd):
    """Two hours beyond his own are his own."""
    one = newcomer(stack, "rep", otto)
    operations(stack, one, *USUAL, f"d + interval '{hour} hours 30 minutes'")
    assert watched(stack, otto, one) == ({("off_hours", "low")} if odd else set())


def test_hours_of_who_is_new_are_not_known(stack, otto):
    one = newcomer(stack, "rep", otto)
    operations(stack, one, *[m for m in USUAL if int(m.split("'")[1].split()[0]) < 10], "d + interval '3 hours'")
    assert watched(stack, otto, one) == set()
    operations(stack, one, "d - interval '20 days' + interval '9 hours'")       # the tenth day
    assert watched(stack, otto, one) == {("off_hours", "low")}


@pytest.mark.parametrize("reveals, opened, due", [
    (20, 0, {("off_hours", "low")}), (21, 0, {("off_hours", "medium")}), (0, 61, {("off_hours", "medium"), ("read_only", "high")}),
    (31, 0, {("off_hours", "medium"), ("unusual_reveals", "critical")})])
def test_off_hours_makes_it_graver(stack, otto, reveals, opened, due):
    one = newcomer(stack, "rep", otto)
    past(stack, one, QUIET)
    operations(stack, one, *USUAL, "d + interval '3 hours'")
    today(stack, one, reveals, opened)
    assert watched(stack, otto, one) == due


def test_what_was_shown_is_work_too(stack, otto):
    one = newcomer(stack, "rep", otto)
    operations(stack, one, *USUAL)
    stack.sql("""insert into app.disclosure (org_id, at, id, request_id, staff_id, session_id, channel, customer_ids, classes, masked)
        select s.org_id, m.at, app.uuid7(m.at), s.id, s.id, s.id, 'list', '{}', 'base', true
        from app.staff s, (select date_trunc('day', app.now() at time zone 'UTC') at time zone 'UTC' + interval '3 hours' as at) m where s.id = %s""", one.id)
    today(stack, one)
    assert watched(stack, otto, one) == {("off_hours", "low")}


def test_once_a_minute_however_many_ask(stack, otto):
    org = stack.sql("select org_id from app.staff where id = %s", otto.id)[0][0]
    stack.sql("update app.org set watched_at = '-infinity'")
    n = stack.sql("select count(*) from app.org")[0][0]
    with contextlib.closing(stack.connect()) as c, c.cursor() as q:
        q.execute("begin")
        q.execute("select from app.org where org_id = %s for no key update", (org,))      # another machine is at it
        assert step(stack) <= n - 1 and stack.sql("select watched_at = '-infinity' from app.org where org_id = %s", org) == [(True,)]
        q.execute("rollback")
    step(stack)
    was = stack.sql("select watched_at from app.org where org_id = %s", org)
    assert stack.sql("select api.alerts_step()", user="holdfast_cgi") == [(5000,)] and stack.sql("select watched_at from app.org where org_id = %s", org) == was


def test_the_job_asks_by_itself(stack, otto):
    one = newcomer(stack, "rep", otto)
    today(stack, one, 0, 61)
    stack.sql("update app.org set watched_at = '-infinity'")
    until = time.monotonic() + 30
    while not alerts(otto, one) and time.monotonic() < until:
        time.sleep(0.2)
    assert [r["rule"] for r in alerts(otto, one)] == ["read_only"]
