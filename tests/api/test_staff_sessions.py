"""test_staff_sessions.py -- coming, leaving and returning: invites, deactivation, the last admin, the tree, sessions."""
import os

import pytest

from hiring import again, arrive, change, hire, history, meet, person, turn
from holdfast import BUILD, PASSWORD, problem
from people import MISSING, invite, other_org
from restoring import undo

# One cheap read of each program; without a row here it is a list at the program's name.
READS = {"restores": "/restores/" + MISSING, "search": "/search?q=adler", "sessions": "/sessions/current"}
PROGRAMS = sorted(set(os.listdir(os.path.join(BUILD, "cgi"))) - {"health"})


@pytest.fixture
def clock(stack):
    yield stack.clock
    stack.clock("0")


@pytest.fixture
def otto(stack):
    """The one admin of another org."""
    return other_org(stack)


@pytest.fixture
def norma(stack, ada, max):
    """A rep below max who is nobody else's."""
    return arrive(stack, hire(ada, manager=max.id, name="Norma", segments=["prospecting"]))


def set_password(nobody, token, password=PASSWORD):
    return nobody.post("/sessions/password", {"token": token, "password": password}).status_code


def ended(client):
    """No program knows the session, whichever worker is asked."""
    for program in PROGRAMS:
        for _ in range(2):
            problem(client.get(READS.get(program, "/" + program)), 401, "session_ended")


def live(client, who):
    """The sessions of somebody."""
    return client.pages(f"/staff/{who.id}/sessions", limit=2)


def test_invited_to_logged_in(stack, ada, max, nobody):
    who = hire(ada, manager=max.id, segments=["closing"])
    problem(nobody.post("/sessions", {"email": who["email"], "password": PASSWORD}), 401, "wrong_credentials")
    client = arrive(stack, who)
    assert (client.id, client.staff["status"], client.staff["role"]) == (who["id"], "active", "rep")
    assert client.customer()["stage"] == "contract", "he works in his segment"
    assert person(ada, who)["status"] == "active" and set_password(nobody, who["invite"]) == 422


def test_invite(stack, ada, nobody, clock):
    who = hire(ada)
    path = f"/staff/{who['id']}/invite"
    answer = ada.post(path)
    assert answer.status_code == 201 and set(answer.json()) == {"invite", "expires_at"}, answer.text
    token = answer.json()["invite"]
    assert stack.sql("select app.time_json(expires_at) #>> '{}', expires_at - created_at = '7 days', created_by::text from app.invite where token_hash = app.secret_hash(%s)", token) \
        == [(answer.json()["expires_at"], True, ada.id)]
    operation = ada.get("/operations", action="staff.invite", limit=1).json()["data"][0]
    assert (operation["actor_id"], operation["changes"]) == (ada.id, 0)
    clock("8 days")
    assert set_password(nobody, token) == 422
    clock("0")
    assert set_password(nobody, who["invite"]) == 422, "the one before ended"
    assert set_password(nobody, token) == 204
    client = stack.login(who["email"])
    token = ada.post(path).json()["invite"]
    assert client.get("/sessions/current").status_code == 200, "until the new password is set"
    assert set_password(nobody, token, "quite another one") == 204
    ended(client)
    stack.login(who["email"], "quite another one")
    change(ada, who, status="inactive")
    problem(ada.post(path), 409, "inactive")
    problem(ada.post(path, {"name": "x"}), 400, "unexpected_body")


def test_two_invites_at_once_leave_one(stack, ada, abby):
    who = hire(ada)
    asks = [lambda a=a: a.post(f"/staff/{who['id']}/invite").status_code for a in (ada, abby)]
    for other in (asks[1], lambda: len(invite(stack, who["email"]))):  # an operator, too
        meet(stack, ("select from app.staff where id = %s for update", who["id"]), asks[0], other)
        assert stack.sql("select count(*) from app.invite where staff_id = %s and used_at is null", who["id"]) == [(1,)]


def test_dismissal_holds_in_every_program(stack, ada, norma, nobody):
    others = [stack.login(norma.staff["email"]) for _ in range(2)]
    late = ada.post(f"/staff/{norma.id}/invite").json()["invite"]
    assert {"customers", "history", "notices", "operations", "restores", "sessions", "staff"} <= set(PROGRAMS)
    for program in PROGRAMS:
        assert norma.get(READS.get(program, "/" + program)).status_code == {"restores": 404, "rotations": 403}.get(program, 200), program
    assert change(ada, norma.id, status="inactive").json()["status"] == "inactive"
    for client in [norma, *others]:
        ended(client)
        problem(nobody.post("/sessions/refresh", {"refresh_token": client.tokens["refresh_token"]}), 401, "refresh_invalid")
    problem(nobody.post("/sessions", {"email": norma.staff["email"], "password": PASSWORD}), 401, "wrong_credentials")
    assert set_password(nobody, late) == 422
    assert stack.sql("select revoked_why, count(*) from app.session where staff_id = %s group by 1", norma.id) == [("deactivated", 3)]
    row = history(ada, {"id": norma.id})[0]
    assert (row["field"], row["old"], row["new"], row["actor_id"]) == ("status", "active", "inactive", ada.id)


def test_the_name_stays(stack, ada, max, norma):
    c = norma.customer(city="Ulm")
    change(ada, norma.id, status="inactive")
    row, = max.get(f"/customers/{c['id']}/history").json()["data"]
    assert (row["actor_id"], row["actor_name"]) == (norma.id, "Norma")
    assert max.get("/operations/" + row["operation_id"]).json()["actor_name"] == "Norma"
    assert max.get("/customers/" + c["id"]).json()["owner_id"] == norma.id
    other = max.customer()
    for who in (max, ada):
        problem(who.patch("/customers/" + other["id"], {"owner_id": norma.id}, "*"), 422, "invalid_value", "/owner_id")
        problem(who.post("/customers", {"name": "x", "owner_id": norma.id}), 422, "invalid_value", "/owner_id")
    problem(ada.post("/staff", {"name": "x", "email": "x@below.test", "role": "rep", "manager_id": norma.id}), 422, "invalid_value", "/manager_id")


def test_return(stack, ada, norma, nobody):
    never = hire(ada)
    for status in ("invited", "gone", None, 1):
        problem(ada.patch("/staff/" + never["id"], {"status": status}, "*"), 422, "invalid_value", "/status")
    problem(change(ada, never, status="active"), 409, "not_accepted_yet")
    assert change(ada, never, status="inactive").json()["status"] == "inactive"
    assert change(ada, never, status="active").json()["status"] == "invited"
    assert set_password(nobody, never["invite"]) == 422
    assert arrive(stack, dict(never, invite=ada.post(f"/staff/{never['id']}/invite").json()["invite"])).id == never["id"]
    for _ in range(2):
        change(ada, norma.id, status="inactive")
        assert change(ada, norma.id, status="active").json()["status"] == "active"
        ended(norma)
        norma = stack.login(norma.staff["email"])


def test_undo_of_leaving(stack, ada, norma, nobody):
    change(ada, norma.id, status="inactive")
    operation = history(ada, {"id": norma.id})[0]["operation_id"]
    assert undo(ada, operation)["restored"] == 1
    assert person(ada, norma.id)["status"] == "active"
    ended(norma)  # the old sessions stay ended
    norma = stack.login(norma.staff["email"])
    late = invite(stack, norma.staff["email"])
    assert undo(ada, history(ada, {"id": norma.id})[0]["operation_id"])["restored"] == 1
    assert person(ada, norma.id)["status"] == "inactive"
    ended(norma)
    assert set_password(nobody, late) == 422
    change(ada, norma.id, status="active")
    ended(norma)


def test_last_admin(stack, otto):
    for fields in ({"role": "manager"}, {"status": "inactive"}, {"role": "auditor", "email": "x" + otto.staff["email"]}):
        problem(change(otto, otto.id, **fields), 409, "last_admin")
    problem(change(otto, otto.id, role="rep", segments=["nothing"]), 409, "last_admin")  # before 422
    second = hire(otto, "admin")
    problem(change(otto, otto.id, role="rep"), 409, "last_admin")  # who was only invited cannot log in
    other = arrive(stack, second)
    assert change(otto, otto.id, role="rep").status_code == 200
    problem(otto.patch("/staff/" + otto.id, {"role": "admin"}, "*"), 403, "forbidden")
    assert change(other, otto.id, role="admin").status_code == 200
    assert change(otto, other.id, status="inactive").status_code == 200
    # Nor by an undo.
    answer = otto.post(f"/operations/{history(otto, {'id': otto.id}, field='role')[0]['operation_id']}/undo", {"reason": "x"}).json()
    assert (answer["restored"], [k["why"] for k in answer["conflicts"]]) == (0, ["unfit"])
    assert person(otto, otto.id)["role"] == "admin"


@pytest.mark.parametrize("fields", [{"status": "inactive"}, {"role": "rep"}], ids=["deactivated", "demoted"])
@pytest.mark.parametrize("third", [False, True], ids=["two", "of three"])
def test_two_admins_go_for_each_other(stack, otto, fields, third):
    other = arrive(stack, hire(otto, "admin"))
    if third:
        arrive(stack, hire(otto, "admin"))
    answers = meet(stack, turn(stack, otto), lambda: otto.patch("/staff/" + other.id, fields, "*"), lambda: other.patch("/staff/" + otto.id, fields, "*"))
    assert sorted(a.status_code for a in answers) == [200, 401 if "status" in fields else 403]
    winner = otto if answers[0].status_code == 200 else other
    assert person(winner, winner.id)["role"] == "admin" and person(winner, winner.id)["status"] == "active"


def test_cycles(stack, ada):
    mia = hire(ada, "manager")
    mike = hire(ada, "manager", mia["id"])
    mona = hire(ada, "manager", mike["id"])
    for below in (mia, mike, mona):
        problem(change(ada, mia, manager_id=below["id"]), 422, "invalid_value", "/manager_id")
    problem(ada.post("/staff", {"id": MISSING, "name": "x", "email": "self@demo.test", "role": "manager", "manager_id": MISSING}), 422, "invalid_value", "/manager_id")
    assert change(ada, mona, manager_id=None).status_code == 200 and change(ada, mia, manager_id=mona["id"]).status_code == 200
    assert person(ada, mike)["manager_id"] == mia["id"]


def test_two_moves_that_make_a_cycle(stack, ada, abby):
    mia, mike = hire(ada, "manager"), hire(ada, "manager")
    answers = meet(stack, turn(stack, ada), *(lambda who=who, p=p, m=m: again(who).patch("/staff/" + p["id"], {"manager_id": m["id"]}, "*")
                                              for who, p, m in ((ada, mia, mike), (abby, mike, mia))))
    assert sorted(a.status_code for a in answers) == [200, 422]
    problem(next(a for a in answers if a.status_code == 422), 422, "invalid_value", "/manager_id")


def test_sessions_are_listed(stack, ada, max, olga, axel, nina, norma):
    other = stack.login(norma.staff["email"])
    assert norma.delete("/sessions/current").status_code == 204
    third = stack.login(norma.staff["email"])
    rows = live(other, norma)
    assert [r["current"] for r in rows] == [False, True] and all(set(r) == {"id", "created_at", "expires_at", "address", "agent", "current"} for r in rows)
    assert rows == sorted(rows, key=lambda r: r["created_at"], reverse=True)
    assert (rows[0]["address"], rows[0]["agent"]) == ("127.0.0.1", third.http.headers["User-Agent"]) and rows[0]["expires_at"] > rows[0]["created_at"]
    for reader in (ada, max):
        assert live(reader, norma) == [dict(r, current=False) for r in rows]
    for stranger in (olga, axel, nina):
        problem(stranger.get(f"/staff/{norma.id}/sessions"), 403, "forbidden")
        assert [r["current"] for r in live(stranger, stranger)].count(True) == 1
    secrets = [b for row in stack.sql("select encode(secret_hash, 'hex'), encode(secret_hash, 'base64') from app.session where staff_id = %s", norma.id) for b in row]
    text = ada.get(f"/staff/{norma.id}/sessions").text
    assert secrets and not any(s in text for s in secrets)


def test_sessions_are_ended(stack, ada, max, olga, axel, nina, norma):
    first, second, third = norma, stack.login(norma.staff["email"]), stack.login(norma.staff["email"])
    path = f"/staff/{norma.id}/sessions"
    ids = [r["id"] for r in live(ada, norma)]
    for stranger in (max, olga, axel, nina):  # max, who is above her, sees them
        problem(stranger.delete(path), 403, "forbidden")
        problem(stranger.delete(path + "/" + ids[0]), 403, "forbidden")
    assert len(live(ada, norma)) == 3
    answer = ada.delete(path + "/" + ids[0])
    assert (answer.status_code, answer.content) == (204, b"")
    ended(third)
    assert (stack.sql("select actor_id::text, changes from app.operation where action = 'staff.end_sessions' order by id desc limit 1")) == [(ada.id, 0)]
    for missing in (ids[0], MISSING, live(ada, ada)[0]["id"]):  # ended, none, somebody else's
        problem(ada.delete(path + "/" + missing), 404, "not_found")
    assert second.delete(path + "/" + ids[2]).status_code == 204  # another one of her own
    ended(first)
    assert second.get("/sessions/current").status_code == 200 and [r["id"] for r in live(second, second)] == [ids[1]]
    assert second.delete(path).status_code == 204  # herself
    ended(second)
    fourth = stack.login(norma.staff["email"])
    assert ada.delete(path).status_code == 204 == ada.delete(path).status_code
    ended(fourth)
    assert live(ada, norma) == [] and ada.get("/sessions/current").status_code == 200
    stack.login(norma.staff["email"])
