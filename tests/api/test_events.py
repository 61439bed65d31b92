"""The event log: what people were shown, changed and did else, in one list; who may read whose; what logging in and changes of rights leave."""
import uuid
from concurrent.futures import ThreadPoolExecutor, TimeoutError

import psycopg2
import pytest

from hiring import arrive, change, hire
from holdfast import PASSWORD, problem
from people import MISSING, newcomer, other_org, welcome

SOURCES = {"app.disclosure": "staff_id", "app.operation": "actor_id", "app.event": "staff_id"}


def log(client, **filter):
    return client.pages("/events", **filter)


def ids(stack, who=None):
    """The ids of all that somebody did, or all of his org did."""
    org = stack.sql("select org_id from app.staff where id = %s", who.id)[0][0]
    return [str(r[0]) for source, actor in SOURCES.items() for r in stack.sql(f"select id from {source} where org_id = {org} and {actor} = %s", who.id)]


def alerts(stack, who, rule):
    return stack.sql("select severity, times, evidence from app.alert where staff_id = %s and rule = %s", who.id, rule)


@pytest.fixture
def boss(stack):
    return newcomer(stack, "manager")


@pytest.fixture
def norma(stack, boss):
    """A rep below boss who did some of everything."""
    norma = newcomer(stack, manager=boss)
    for n in range(3):
        c = norma.customer(phone="+49 30 7654321")
        norma.change(c, city="Ulm")
        norma.get("/customers", limit=2)
        norma.get("/customers/" + MISSING)
        norma.post(f"/customers/{c['id']}/reveal", {"fields": ["phone"], "reason": "He calls."})
    return norma


@pytest.mark.parametrize("limit", [1, 7, 200])
def test_one_list_of_three_sources(stack, norma, boss, limit):
    own = norma.pages("/events", limit=limit)
    assert [e["id"] for e in own] == sorted(ids(stack, norma), reverse=True) and len(own) > 20
    assert {e["kind"].split(".")[0] for e in own} == {"shown", "customers", "refused", "sessions"}
    assert all(e["actor_id"] == norma.id and e["actor_name"] == norma.staff["name"] for e in own)
    assert norma.pages("/events", limit=limit, actor="me") == norma.pages(f"/staff/{norma.id}/events", limit=limit) == own
    theirs = boss.pages(f"/staff/{norma.id}/events", limit=limit)
    assert theirs == own == boss.pages("/events", actor=norma.id, limit=limit)
    both = [e["id"] for e in boss.pages("/events", limit=limit)]
    assert len(both) == len(set(both)) and both == sorted(both, reverse=True)
    # Each page of others' is an event itself, behind the cursor already.
    assert set(both) <= set(ids(stack, norma) + ids(stack, boss)) and set(ids(stack, norma)) <= set(both)


def test_the_rows(stack, norma):
    reveal, = log(norma, kind="shown.reveal", limit=200)[:1]
    (request, session, customer), = stack.sql("select request_id::text, session_id::text, customer_ids[1]::text from app.disclosure where id = %s", reveal["id"])
    assert (reveal["request_id"], reveal["session_id"], reveal["subject_id"]) == (request, session, customer)
    assert (reveal["customers"], reveal["masked"], reveal["classes"], reveal["detail"]["reason"]) == (1, False, "contact", "He calls.")
    page = log(norma, kind="shown.list")[0]
    assert page["customers"] == 2 and page["subject_id"] is None and page["masked"] is True
    done = log(norma, kind="customers.change")[0]
    assert done["rows"] == 1 and norma.get("/operations/" + done["id"]).status_code == 200
    none = log(norma, kind="refused")[0]
    assert (none["kind"], none["status"], none["code"], none["subject_id"], none["detail"]) == (
        "refused.not_found", 404, "not_found", MISSING, {"call": "GET /v1/customers/:id"})
    opened, = log(norma, kind="sessions.opened")
    assert opened["session_id"] == session


def test_filters(stack, norma):
    every = log(norma)
    for kinds in ("shown", "shown.list", "customers", "customers.create,shown.reveal", "sessions,refused", "shown,customers,sessions", "nothing", "shown.nothing"):
        wanted = [e for e in every if any(e["kind"] == k or e["kind"].split(".")[0] == k for k in kinds.split(","))]
        assert log(norma, kind=kinds) == wanted == log(norma, kind=kinds, limit=2), kinds
    times = [stack.sql("""select to_char(to_timestamp(('x' || left(replace(%s, '-', ''), 12))::bit(48)::bigint / 1000.0) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')""",
                       e["id"])[0][0] for e in every]
    for since, until in ((times[-3], times[2]), (times[5], times[5]), (times[3], "2100-01-01T00:00:00Z")):
        wanted = [e["id"] for e, at in zip(every, times) if since <= at < until]
        assert [e["id"] for e in log(norma, **{"from": since, "to": until})] == wanted
    assert log(norma, to="2020-01-01T00:00:00Z") == [] == log(norma, **{"from": "2100-01-01T00:00:00Z"})


def test_what_is_old_is_found(stack, norma):
    """Beyond the quarter that is looked through first."""
    old = str(uuid.UUID(int=0x0180_0000_0000_7000_8000_0000_0000_0000 + uuid.uuid4().int % 2 ** 60))
    stack.sql("insert into app.event (org_id, id, at, kind, staff_id) select org_id, %s, '2022-04-06', 'sessions.opened', id from app.staff where id = %s", old, norma.id)
    assert log(norma, limit=5)[-1]["id"] == old == log(norma)[-1]["id"] == log(norma, to="2022-06-01T00:00:00Z")[0]["id"]
    assert norma.get("/events", limit=1, to="2022-04-01T00:00:00Z").json()["data"] == []


def test_who_reads_whose(stack, ada, axel, max, rita, norma, boss):
    otto = other_org(stack)
    for who in (ada, axel, boss, norma):
        assert len(who.get("/events", actor=norma.id).json()["data"]) > 20
        assert who.get(f"/staff/{norma.id}/events").status_code == 200
    for who in (max, rita):
        problem(who.get("/events", actor=norma.id), 403, "forbidden")
        problem(who.get("/events", actor="me," + norma.id), 403, "forbidden")
        problem(who.get(f"/staff/{norma.id}/events"), 403, "forbidden")
        assert norma.id not in {e["actor_id"] for e in who.get("/events", limit=200).json()["data"]}
    problem(norma.get("/events", actor=boss.id), 403, "forbidden")
    assert {e["actor_id"] for e in log(norma)} == {norma.id}
    assert {e["actor_id"] for e in log(boss)} == {norma.id, boss.id}
    everybody = {e["actor_id"] for e in ada.get("/events", limit=200).json()["data"]}
    assert norma.id in everybody and ada.id in everybody and otto.id not in everybody
    for who in (ada, boss, norma):
        bodies = [problem(who.get("/events", actor=i), 404, "not_found") for i in (MISSING, otto.id)]
        assert bodies[0]["detail"] == bodies[1]["detail"]
    for wrong in ("x", "we", norma.id[:-1], norma.id + "a", "me,", norma.id.replace("-", "")):
        problem(norma.get("/events", actor=wrong), 400, "invalid_parameter", "?actor")


def test_reading_is_an_event(stack, norma, boss, ada):
    def read(who):
        return stack.sql("select subject_id::text, rows from app.event where staff_id = %s and kind = 'events.read' order by id", who.id)
    assert log(norma) and read(norma) == []
    page = boss.get(f"/staff/{norma.id}/events", limit=5).json()["data"]
    assert read(boss) == [(norma.id, len(page))] and len(page) == 5
    boss.get("/events", actor="me")
    assert len(read(boss)) == 1
    boss.get("/events", limit=200)
    subject, rows = read(boss)[-1]
    assert subject is None and rows > 20
    problem(norma.get("/events", actor=boss.id), 403)
    assert read(norma) == []


@pytest.mark.parametrize("role", ["holdfast_owner", "holdfast_api", "holdfast_mover", "holdfast_search", "holdfast_sessions", "holdfast_cgi"])
def test_appended_only(stack, norma, role):
    """For every role but a superuser; row level security leaves its owner no row, everybody else no right."""
    before = {t: stack.sql(f"select count(*), sum(hashtext(t::text)) from {t} t") for t in SOURCES}
    for table in set(SOURCES) - {"app.operation"}:
        for statement in (f"update {table} set org_id = org_id + 1", f"delete from {table}", f"truncate {table}"):
            try:
                c = stack.connect()
                with c.cursor() as q:
                    q.execute(f"begin; set local role {role}")
                    q.execute(statement if role != "holdfast_owner" or "truncate" not in statement else "select 1")
                    assert role == "holdfast_owner" and q.rowcount in (0, 1), statement
                    q.execute("commit")
            except psycopg2.errors.InsufficientPrivilege:
                assert role != "holdfast_owner"
            finally:
                c.close()
    assert {t: stack.sql(f"select count(*), sum(hashtext(t::text)) from {t} t") for t in SOURCES} == before


def kinds(stack, who):
    """What is remembered of somebody's logging in, the oldest first."""
    return [k for k, in stack.sql("select kind from app.event where staff_id = %s and kind like 'sessions.%%' order by id", who.id)]


def test_logging_in_and_out(stack, ada, nobody):
    person = hire(ada)
    norma = arrive(stack, person)
    assert kinds(stack, norma) == ["sessions.password_set", "sessions.opened"]
    assert alerts(stack, norma, "rights") == []     # who accepts his invite changes nobody's rights
    pair = nobody.post("/sessions/refresh", {"refresh_token": norma.tokens["refresh_token"]}).json()
    problem(norma.patch("/sessions/current/password", {"old": "wrong", "new": "x" * 12}), 422)
    assert norma.patch("/sessions/current/password", {"old": PASSWORD, "new": "another-one-1"}).status_code == 204
    assert norma.delete("/sessions/current").status_code == 204
    problem(nobody.post("/sessions/refresh", {"refresh_token": pair["refresh_token"]}), 401, "refresh_invalid")
    problem(norma.get("/customers"), 401, "session_ended")
    assert kinds(stack, norma)[2:] == ["sessions.refreshed", "sessions.password_refused", "sessions.password_changed", "sessions.ended",
                                       "sessions.after_end", "sessions.after_end"]
    assert alerts(stack, norma, "log_ins") == []     # an app that was slow to notice
    last = stack.sql("select detail, status, code from app.event where staff_id = %s order by id desc limit 1", norma.id)
    assert last == [({"call": "GET /v1/customers", "ended": "logout"}, 401, "session_ended")]


def test_wrong_passwords(stack, ada, nobody):
    norma = arrive(stack, hire(ada))
    for n in range(1, 7):
        stack.sql("delete from app.login_throttle")
        problem(nobody.post("/sessions", {"email": norma.staff["email"], "password": "wrong"}), 401, "wrong_credentials")
        raised = [(s, e["failures"], len(e["events"])) for s, _, e in alerts(stack, norma, "log_ins")]
        assert raised == ([("medium", n, n)] if n >= 5 else []), n
    assert kinds(stack, norma)[2:] == ["sessions.refused"] * 6
    # A quarter of an hour later they are forgotten.
    stack.sql("delete from app.alert where staff_id = %s", norma.id)
    stack.sql("update app.test_clock set ahead = '16 minutes'")
    try:
        stack.sql("delete from app.login_throttle")
        problem(nobody.post("/sessions", {"email": norma.staff["email"], "password": "wrong"}), 401)
        assert alerts(stack, norma, "log_ins") == []
    finally:
        stack.clock("0")


def test_wrong_passwords_at_once(stack, ada):
    """Of two at once the second sees the first, though that is not committed yet."""
    norma = arrive(stack, hire(ada))
    fail = "select app.log_in_refused(org_id, id, null, gen_random_uuid(), 'sessions.refused') from app.staff where id = %s"
    for _ in range(3):
        stack.sql(fail, norma.id)
    c = stack.connect()
    c.autocommit = False
    with c.cursor() as q, ThreadPoolExecutor(1) as pool:
        q.execute(fail, (norma.id,))
        second = pool.submit(stack.sql, fail, norma.id)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.5)
        c.commit()
        second.result(timeout=5)
    c.close()
    assert [(s, e["failures"]) for s, _, e in alerts(stack, norma, "log_ins")] == [("medium", 5)]


def test_throttled_attempts_once_a_minute(stack, ada, nobody):
    norma = arrive(stack, hire(ada))
    stack.sql("delete from app.login_throttle")
    answers = [nobody.post("/sessions", {"email": norma.staff["email"], "password": "wrong"}) for _ in range(9)]
    assert [a.status_code for a in answers] == [401] * 5 + [429] * 4
    assert int(problem(answers[-1], 429, "too_many_attempts") and answers[-1].headers["Retry-After"]) >= 1
    assert kinds(stack, norma)[2:] == ["sessions.refused"] * 5 + ["sessions.throttled"]
    stack.sql("delete from app.login_throttle")


def test_an_unknown_email_leaves_nothing(stack, nobody):
    count = "select (select count(*) from app.event), (select count(*) from app.alert)"
    before = stack.sql(count)
    email = uuid.uuid4().hex + "@demo.test"
    answers = [nobody.post("/sessions", {"email": email, "password": "wrong"}).status_code for _ in range(7)]
    assert answers == [401] * 5 + [429] * 2 and stack.sql(count) == before
    problem(nobody.post("/sessions/refresh", {"refresh_token": "1." + "A" * 43}), 401, "refresh_invalid")
    problem(nobody.get("/customers"), 401, "token_missing")
    assert stack.sql(count) == before
    stack.sql("delete from app.login_throttle")


def test_a_refresh_token_used_twice(stack, ada, nobody):
    norma = arrive(stack, hire(ada))
    first = norma.tokens["refresh_token"]
    second = nobody.post("/sessions/refresh", {"refresh_token": first}).json()["refresh_token"]
    assert nobody.post("/sessions/refresh", {"refresh_token": second}).status_code == 200
    problem(nobody.post("/sessions/refresh", {"refresh_token": first}), 401, "refresh_reused")
    assert kinds(stack, norma)[2:] == ["sessions.refreshed", "sessions.refreshed", "sessions.refresh_reused"]
    assert [(s, e["why"]) for s, _, e in alerts(stack, norma, "log_ins")] == [("high", "refresh_reused")]


def test_a_dismissed_persons_token(stack, ada, nobody):
    norma = arrive(stack, hire(ada))
    assert change(ada, norma.id, status="inactive").status_code == 200
    for _ in range(2):
        problem(norma.get("/customers"), 401, "session_ended")
    problem(nobody.post("/sessions/refresh", {"refresh_token": norma.tokens["refresh_token"]}), 401, "refresh_invalid")
    problem(nobody.post("/sessions", {"email": norma.staff["email"], "password": PASSWORD}), 401, "wrong_credentials")
    assert kinds(stack, norma)[2:] == ["sessions.after_end"] * 3 + ["sessions.refused"]
    (severity, times, evidence), = alerts(stack, norma, "log_ins")
    assert (severity, times, evidence["why"], len(evidence["events"])) == ("high", 3, "after_dismissal", 3)
    assert [e["detail"]["ended"] for e in ada.pages(f"/staff/{norma.id}/events", kind="sessions.after_end")] == ["deactivated"] * 3


def test_changes_of_rights(stack):
    """One alert of the one who made them, info or medium; each names its operation."""
    otto = other_org(stack)

    def raised():
        return [(s, n, len(e["operations"])) for s, n, e in alerts(stack, otto, "rights")]
    assert raised() == []
    rep = hire(otto)
    assert raised() == [("info", 1, 1)]
    change(otto, rep, name="New Name")
    assert raised() == [("info", 2, 2)]
    assert change(otto, rep, name="New Name").status_code == 200 and raised() == [("info", 2, 2)]
    rights = [{"segments": ["prospecting"]}, {"role": "manager"}, {"status": "inactive"}, {"manager_id": otto.id}]
    for n, fields in enumerate(rights, 3):
        assert change(otto, rep, **fields).status_code == 200
        assert raised() == [("medium", n, n)], fields
    stack.sql("delete from app.alert where staff_id = %s", otto.id)
    assert otto.patch("/settings", {"visibility": "team"}, otto.get("/settings").headers["ETag"]).status_code == 200
    assert raised() == [("medium", 1, 1)]
    funnel = otto.get("/funnel")
    segments = funnel.json()["segments"]
    segments[0]["hides"] = ["notes"]
    assert otto.request("PUT", "/funnel", json={"segments": segments}, headers={"If-Match": funnel.headers["ETag"]}).status_code == 200
    assert raised() == [("medium", 2, 2)]
    evidence = alerts(stack, otto, "rights")[0][2]
    assert evidence["settings"] == ["visibility"] and evidence["funnel"] == ["segments"]
    assert {str(i) for i, in stack.sql("select id from app.operation where actor_id = %s", otto.id)} >= set(evidence["operations"])
    stack.sql("delete from app.alert where staff_id = %s", otto.id)
    hire(otto, "admin")
    assert raised() == [("medium", 1, 1)]


def test_a_large_team_is_walked(stack):
    """More people than are looked up one by one: the policy says whose it is."""
    otto = other_org(stack)
    boss = arrive(stack, hire(otto, "manager"))
    below, aside = hire(otto, manager=boss.id), hire(otto)
    stack.sql("""insert into app.staff (org_id, id, person_id, name, email, role, manager_id, status, created_at, updated_at)
        select s.org_id, i.id, i.id, 'Many', i.id || '@many.test', 'rep', s.id, 'inactive', app.now(), app.now()
        from app.staff s, generate_series(1, 505) n, lateral (select app.uuid7(app.clock() + n * interval '1 ms') as id) i where s.id = %s""", boss.id)
    below, aside = (welcome(stack, p["email"], p["invite"]) for p in (below, aside))
    actors = {e["actor_id"] for e in boss.get("/events", limit=200).json()["data"]}
    assert below.id in actors and boss.id in actors and not actors & {aside.id, otto.id}
