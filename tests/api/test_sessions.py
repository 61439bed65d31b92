"""test_sessions.py -- logging in and out: passwords, throttling, refresh tokens, leavers."""
import concurrent.futures
import statistics
import time
import uuid

import jwt
import pytest

from holdfast import PASSWORD, problem
from people import MISSING, bearer, faceless, invite, newcomer


@pytest.fixture
def clock(stack):
    yield stack.clock
    stack.clock("0")


@pytest.fixture
def norma(stack):
    """A rep who is nobody else's."""
    return newcomer(stack)


def attempt(nobody, email, password):
    return nobody.post("/sessions", {"email": email, "password": password})


def refresh(nobody, token):
    return nobody.post("/sessions/refresh", {"refresh_token": token})


def ended(client):
    """The session behind a client is over, whichever worker is asked."""
    for path in ("/sessions/current", "/customers", "/history", "/operations", "/restores/" + MISSING):
        for _ in range(3):
            answer = client.get(path)
            problem(answer, 401, "session_ended")
            assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_log_in(stack, nobody, norma):
    answer = attempt(nobody, norma.staff["email"].upper(), PASSWORD)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    pair = answer.json()
    assert set(pair) == {"access_token", "token_type", "expires_in", "refresh_token", "staff"}
    assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 300)
    assert set(pair["staff"]) == {"id", "name", "email", "role", "status", "manager_id", "segments"}
    assert pair["staff"]["id"] == norma.id and pair["staff"]["segments"] == ["prospecting"]
    stored = stack.sql("select s::text from app.session s where staff_id = %s", norma.id) \
        + stack.sql("select r::text from app.refresh r") + stack.sql("select c::text from app.credential c")
    for secret in (PASSWORD, pair["refresh_token"], jwt.decode(pair["access_token"], options={"verify_signature": False})["sid"]):
        assert not any(secret in row for (row,) in stored)


def test_wrong_password_and_unknown_email_are_alike(stack, nobody, norma):
    times = {"known": [], "unknown": []}
    seen = []
    for _ in range(15):
        for who, email in (("known", norma.staff["email"]), ("unknown", uuid.uuid4().hex + "@demo.test")):
            stack.sql("delete from app.login_throttle")
            start = time.perf_counter()
            answer = attempt(nobody, email, "not the password")
            times[who].append(time.perf_counter() - start)
            problem(answer, 401, "wrong_credentials")
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            seen.append(faceless(answer))
    assert all(one == seen[0] for one in seen)
    known, unknown = (statistics.median(times[who]) for who in ("known", "unknown"))
    assert max(known, unknown) / min(known, unknown) < 1.5, (known, unknown)


def test_throttling(nobody, norma, clock):
    email = norma.staff["email"]
    for _ in range(5):
        problem(attempt(nobody, email, "not the password"), 401, "wrong_credentials")
    waits = []
    for n in range(3):
        answer = attempt(nobody, email, PASSWORD)  # even the right one waits
        problem(answer, 429, "too_many_attempts")
        waits.append(int(answer.headers["Retry-After"]))
        clock(f"{sum(waits)} seconds")
        if n < 2:
            problem(attempt(nobody, email, "not the password"), 401, "wrong_credentials")
    assert 1 <= waits[0] <= 2 and waits[1] > waits[0] and waits[2] > waits[1]
    assert attempt(nobody, email, PASSWORD).status_code == 201
    for _ in range(5):  # the success reset it
        problem(attempt(nobody, email, "not the password"), 401, "wrong_credentials")
    problem(attempt(nobody, email, PASSWORD), 429, "too_many_attempts")
    clock("1 hour")  # that wait is over, and the next is longer
    problem(attempt(nobody, email, "not the password"), 401, "wrong_credentials")
    problem(attempt(nobody, email, PASSWORD), 429, "too_many_attempts")
    clock("26 hours")  # a day without a failure forgets them
    for _ in range(5):
        problem(attempt(nobody, email, "not the password"), 401, "wrong_credentials")


def test_throttling_where_one_logged_in_lately(stack, nobody, norma, clock):
    """A colleague behind the same address keeps nobody out for longer than half a minute."""
    for email, most in ((norma.staff["email"], 30), (uuid.uuid4().hex + "@demo.test", 900)):
        problem(attempt(nobody, email, "not the password"), 401)
        stack.sql("update app.login_throttle set failures = 90 where email_hash = sha256(%s)", email.encode())
        answer = attempt(nobody, email, PASSWORD)
        problem(answer, 429, "too_many_attempts")
        assert most - 10 <= int(answer.headers["Retry-After"]) <= most
    clock("31 seconds")
    assert attempt(nobody, norma.staff["email"], PASSWORD).status_code == 201
    problem(attempt(nobody, email, PASSWORD), 429)


def test_throttling_tells_nothing(stack, nobody, norma):
    answers = []
    for email in (norma.staff["email"], uuid.uuid4().hex + "@demo.test"):
        for _ in range(5):
            attempt(nobody, email, "not the password")
        answers.append(attempt(nobody, email, "not the password"))
        problem(answers[-1], 429, "too_many_attempts")
        assert answers[-1].headers["Retry-After"]
    assert faceless(answers[0]) == faceless(answers[1])
    stack.login("theo@demo.test")  # another e-mail from the same address is free


def test_refresh_rotates(nobody, norma):
    first = norma.tokens
    answer = refresh(nobody, first["refresh_token"])
    assert answer.status_code == 200, answer.text
    second = answer.json()
    assert set(second) == set(first) and second["staff"]["id"] == norma.id
    assert second["refresh_token"] != first["refresh_token"] and second["access_token"] != first["access_token"]
    assert bearer(nobody, second["access_token"]).status_code == 200
    assert norma.get("/sessions/current").status_code == 200  # the session is the same one
    third = refresh(nobody, second["refresh_token"])
    assert third.status_code == 200 and third.json()["refresh_token"] != second["refresh_token"]


def test_a_lost_refresh_answer(nobody, norma, clock):
    first = norma.tokens["refresh_token"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refresh(type(nobody)(nobody.stack), first), range(8)))
    assert [a.status_code for a in answers] == [200] * 8
    assert len({a.json()["refresh_token"] for a in answers}) == 1
    clock("5 seconds")
    again = refresh(nobody, first)
    assert again.status_code == 200 and again.json()["refresh_token"] == answers[0].json()["refresh_token"]
    assert refresh(nobody, again.json()["refresh_token"]).status_code == 200


def test_refresh_reuse_after_ten_seconds(nobody, norma, clock):
    first = norma.tokens["refresh_token"]
    second = refresh(nobody, first).json()
    clock("11 seconds")
    answer = refresh(nobody, first)
    problem(answer, 401, "refresh_reused")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    ended(norma)
    problem(bearer(nobody, second["access_token"]), 401, "session_ended")
    problem(refresh(nobody, second["refresh_token"]), 401, "refresh_invalid")
    problem(refresh(nobody, first), 401, "refresh_invalid")


def test_refresh_reuse_after_the_successor_was_used(stack, nobody, norma):
    other = stack.login(norma.staff["email"])
    first = norma.tokens["refresh_token"]
    second = refresh(nobody, first).json()["refresh_token"]
    third = refresh(nobody, second).json()
    problem(refresh(nobody, first), 401, "refresh_reused")
    ended(norma)
    problem(bearer(nobody, third["access_token"]), 401, "session_ended")
    problem(refresh(nobody, third["refresh_token"]), 401, "refresh_invalid")
    assert other.get("/sessions/current").status_code == 200  # the family died, not the person


@pytest.mark.parametrize("token", ["x", "1." + "A" * 43, "999999999." + "A" * 43, "1.", ".", "1." + "A" * 44, "-1." + "A" * 43])
def test_refresh_with_rubbish(nobody, token):
    problem(refresh(nobody, token), 401, "refresh_invalid")


def test_refresh_and_session_expire(nobody, norma, clock):
    token = norma.tokens["refresh_token"]
    for hours in range(1, 12):
        clock(f"{hours} hours")
        answer = refresh(nobody, token)
        assert answer.status_code == 200, (hours, answer.text)
        token = answer.json()["refresh_token"]
    clock("11 hours 59 minutes")
    assert norma.get("/customers", limit=1).status_code == 200
    clock("12 hours 1 minute")
    ended(norma)
    problem(refresh(nobody, token), 401, "refresh_invalid")


def test_an_idle_refresh_token_expires(nobody, norma, clock):
    clock("2 hours 1 minute")
    problem(refresh(nobody, norma.tokens["refresh_token"]), 401, "refresh_invalid")


def test_log_out(stack, nobody, norma):
    other = stack.login(norma.staff["email"])
    answer = norma.delete("/sessions/current")
    assert (answer.status_code, answer.content) == (204, b"")
    ended(norma)
    problem(refresh(nobody, norma.tokens["refresh_token"]), 401, "refresh_invalid")
    assert other.get("/sessions/current").status_code == 200


def test_who_am_i(rita, max, axel):
    me = rita.get("/sessions/current").json()
    assert {"staff", "role", "segments", "acknowledgements", "exposure"} <= set(me)
    assert (me["staff"]["id"], me["role"], me["segments"]) == (rita.id, "rep", ["prospecting"])
    assert me["staff"]["manager_id"] == max.id and me["staff"]["name"] == "Rita Rep"
    assert max.get("/sessions/current").json()["role"] == "manager"
    assert axel.get("/sessions/current").json()["role"] == "auditor"
    assert rita.request("HEAD", "/sessions/current").status_code == 200


def test_password_change(stack, nobody, norma):
    other = stack.login(norma.staff["email"])
    path, new = "/sessions/current/password", "correct horse ☃"
    problem(norma.patch(path, {"old": "not the password", "new": new}), 422, "invalid_value", "/old")
    problem(norma.patch(path, {"old": PASSWORD, "new": "short"}), 422, "invalid_value", "/new")
    assert other.get("/sessions/current").status_code == 200
    answer = norma.patch(path, {"old": PASSWORD, "new": new})
    assert (answer.status_code, answer.content) == (204, b"")
    assert norma.get("/sessions/current").status_code == 200
    assert refresh(nobody, norma.tokens["refresh_token"]).status_code == 200
    ended(other)
    problem(refresh(nobody, other.tokens["refresh_token"]), 401, "refresh_invalid")
    problem(attempt(nobody, norma.staff["email"], PASSWORD), 401, "wrong_credentials")
    assert attempt(nobody, norma.staff["email"], new).status_code == 201


def test_password_change_is_throttled(norma):
    for _ in range(5):
        problem(norma.patch("/sessions/current/password", {"old": "not the password", "new": PASSWORD + "2"}), 422)
    answer = norma.patch("/sessions/current/password", {"old": PASSWORD, "new": PASSWORD + "2"})
    problem(answer, 429, "too_many_attempts")
    assert int(answer.headers["Retry-After"]) >= 1


def test_invite(stack, nobody, norma, clock):
    email = norma.staff["email"]
    old, token = invite(stack, email), invite(stack, email)

    def use(token, password="another password"):
        return nobody.post("/sessions/password", {"token": token, "password": password})
    assert stack.sql("select count(*) from app.invite i where i::text like '%%' || %s || '%%'", token) == [(0,)]
    problem(use(token, "elevenchars"), 422, "invalid_value", "/password")  # and it still is good
    for wrong in (old, token[:-1], "x", "1." + "A" * 43):
        problem(use(wrong), 422, "invalid_value", "/token")
    assert norma.get("/sessions/current").status_code == 200
    assert use(token).status_code == 204
    ended(norma)
    problem(refresh(nobody, norma.tokens["refresh_token"]), 401, "refresh_invalid")
    problem(use(token, "a third password"), 422, "invalid_value", "/token")
    problem(attempt(nobody, email, PASSWORD), 401, "wrong_credentials")
    assert attempt(nobody, email, "another password").status_code == 201
    late = invite(stack, email)
    clock("8 days")
    problem(use(late), 422, "invalid_value", "/token")


def test_leaver(stack, nobody, norma):
    late = invite(stack, norma.staff["email"])
    assert norma.get("/customers").status_code == 200
    stack.sql("update app.staff set status = 'inactive' where id = %s", norma.id)
    ended(norma)
    for method, path, body in (("POST", "/customers", {"name": "x"}), ("PATCH", "/customers/" + MISSING, {"name": "x"}),
                               ("POST", "/restores", {"scope": {"change": MISSING}, "reason": "x"}),
                               ("POST", f"/operations/{MISSING}/undo", {"reason": "x"}), ("DELETE", "/sessions/current", None)):
        problem(norma.request(method, path, json=body, headers={"If-Match": '"v1"'}), 401, "session_ended")
    problem(refresh(nobody, norma.tokens["refresh_token"]), 401, "refresh_invalid")
    problem(attempt(nobody, norma.staff["email"], PASSWORD), 401, "wrong_credentials")
    problem(nobody.post("/sessions/password", {"token": late, "password": PASSWORD}), 422, "invalid_value", "/token")


def test_jwks(nobody, rita):
    answer = nobody.get("/jwks")
    assert answer.status_code == 200 and "jwk-set+json" in answer.headers["Content-Type"]
    keys = {k["kid"]: k for k in answer.json()["keys"]}
    token = rita.tokens["access_token"]
    head = jwt.get_unverified_header(token)
    assert set(head) == {"alg", "typ", "kid"} and head["alg"] == "ES256"
    assert set(keys[head["kid"]]) == {"kty", "crv", "x", "y", "use", "alg", "kid"}  # no private part
    claims = jwt.decode(token, jwt.PyJWK(keys[head["kid"]]).key, algorithms=["ES256"], audience="holdfast", issuer="holdfast")
    assert set(claims) == {"iss", "aud", "sub", "sid", "use", "jti", "iat", "nbf", "exp"}
    assert claims["sub"] == rita.id and claims["use"] == "access" and claims["exp"] - claims["iat"] == 300
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token[:-6] + "AAAAAA", jwt.PyJWK(keys[head["kid"]]).key, algorithms=["ES256"], audience="holdfast")
