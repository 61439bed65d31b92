"""test_break_glass.py -- the customer of a caller who is somebody else's: found exactly, open to read for half an hour, and its owner told."""
import itertools

import pytest

from holdfast import problem
from people import MISSING, faceless, newcomer, other_org
from works import settings

numbers = itertools.count(300000)


@pytest.fixture
def clock(stack):
    yield stack.clock
    stack.clock("0")


@pytest.fixture
def owner(stack, max):
    """A rep of max's whom no other test tells anything."""
    return newcomer(stack, manager=max)


@pytest.fixture
def helper(stack, olga):
    """A rep of olga's whose customers never call."""
    return newcomer(stack, manager=olga)


def calling(who, **fields):
    n = next(numbers)
    return who.customer(**dict({"phone": f"+49 30 5557 {n}", "email": f"Anna{n}@Glas.example"}, **fields))


def break_glass(who, **body):
    return who.post("/customers/break-glass", dict({"reason": "She is on the phone."}, **body))


def notices(who, **filter):
    return who.pages("/notices", **filter)


def about(who, customer):
    return [n for n in notices(who) if n["customer_id"] == customer["id"]]


def path(customer):
    return "/customers/" + customer["id"]


def test_it_is_open_for_half_an_hour_to_read(stack, clock, owner, helper, max, olga):
    c = calling(owner, city="Ulm", notes="n")
    problem(helper.get(path(c)), 404)
    answer = break_glass(helper, phone=c["phone"])
    assert answer.status_code == 200 and answer.headers["X-Classification"] == "Confidential; holder=demo"
    shown = answer.json()
    assert shown == dict(c, phone=shown["phone"], phone_e164=shown["phone_e164"], email="A***@G***", masked=["email", "phone", "phone_e164"])
    assert shown["phone"].startswith("+4 ***") and helper.get(path(c)).json() == shown
    assert helper.get(path(c), as_of=c["created_at"]).json()["phone"] == shown["phone"]
    for url in (path(c) + "/history", "/history?record=" + c["id"]):
        (row,) = helper.get(url).json()["data"]
        assert (row["new"]["phone"], row["new"]["email"]) == (shown["phone"], shown["email"]) and c["phone"] not in str(row)
    # To read: nothing else, and not among his own.
    for refused in (helper.patch(path(c), {"city": "Bonn"}, "*"), helper.delete(path(c), "*"), helper.post(path(c) + "/stage", {"stage": "contacted"})):
        problem(refused, 403, "forbidden")
    assert c["id"] not in [r["id"] for r in helper.pages("/customers", limit=200)]
    assert helper.get("/customers", phone=c["phone"]).json()["data"] == []
    assert helper.post(path(c) + "/reveal", {"fields": ["phone"], "reason": "x"}).json() == {"phone": c["phone"]}
    assert owner.get(path(c)).json() == c
    # Nobody else gets it, and he not for longer.
    problem(olga.get(path(c)), 404)
    clock("29 minutes")
    assert helper.get(path(c)).status_code == 200
    clock("31 minutes")
    for gone in (helper.get(path(c)), helper.get(path(c) + "/history"), helper.post(path(c) + "/reveal", {"fields": ["phone"], "reason": "x"}), helper.patch(path(c), {"city": "x"}, "*")):
        assert faceless(gone) == faceless(helper.get("/customers/" + MISSING))
    assert break_glass(helper, phone=c["phone"]).status_code == 200


@pytest.mark.parametrize("masking", ["off", "lists", "always"])
def test_contact_values_stay_masked(ada, owner, helper, max, masking):
    c = calling(owner)
    with settings(ada, contact_masking=masking):
        for answer in (break_glass(helper, phone=c["phone"]), helper.get(path(c)), helper.get(path(c) + "/history")):
            assert answer.status_code == 200 and c["phone"] not in answer.text and c["email"] not in answer.text and c["phone_e164"] not in answer.text
        for who in (owner, max):  # whose it is anyway
            assert (break_glass(who, phone=c["phone"]).json()["phone"] == c["phone"]) == (masking != "always")


def test_every_written_form(owner, helper):
    n = next(numbers)
    c = calling(owner, phone=f"+49 (30) 5557-{n}", email=f"Bea{n}@Glas.example")
    for phone in (f"+49305557{n}", f"+49 30 5557 {n}", f"+49-30-5557.{n}", f"+49 (30) 5557/{n}"):
        assert break_glass(helper, phone=phone).json()["id"] == c["id"], phone
    for email in (f"bea{n}@glas.example", f"BEA{n}@GLAS.EXAMPLE"):
        assert break_glass(helper, email=email).json()["id"] == c["id"], email
    for nearly in (dict(phone=f"0305557{n}"), dict(phone=f"+49305557{n}0"), dict(phone=f"+4930555{n}"), dict(phone=f"5557{n}"), dict(phone=f"+48305557{n}"), dict(phone="%"), dict(phone="+"),
                   dict(email=f"ea{n}@glas.example"), dict(email="%@glas.example"), dict(email=f"bea{n}@glas.exampl_"), dict(email=f"Bea{n}@Glas.example ")):
        problem(break_glass(helper, **nearly), 404, "not_found")
    local = calling(owner, phone=f"0 30/77 {n}")
    assert break_glass(helper, phone=f"03077-{n}").json()["id"] == local["id"]


def test_none_and_two_and_gone_are_the_same(stack, owner, helper):
    nothing = faceless(break_glass(helper, phone="+49 30 000000001"))
    twin = calling(owner)
    calling(owner, phone=twin["phone"], email=twin["email"])
    gone = calling(owner)
    assert owner.delete(path(gone), "*").status_code == 200
    theirs = calling(other_org(stack))
    for c in (twin, gone, theirs):
        for body in (dict(phone=c["phone"]), dict(email=c["email"])):
            assert faceless(break_glass(helper, **body)) == nothing
        problem(helper.get(path(c)), 404)
    assert notices(owner) == [] and nothing[0] == 404
    # One of two that share a number is still found by what is its own.
    other = calling(owner, phone=twin["phone"])
    assert break_glass(helper, email=other["email"]).json()["id"] == other["id"]


def test_the_owner_is_told(stack, owner, helper, max, olga, ada, axel):
    c = calling(owner)
    before = [notices(who) for who in (max, olga, ada, axel)]
    answer = break_glass(helper, email=c["email"], reason="He wrote:\n\"ü\"")
    assert answer.status_code == 200
    (told,) = notices(owner)
    assert set(told) == {"id", "at", "kind", "customer_id", "other_id", "actor_id", "actor_name", "reason"}
    assert told == dict(told, kind="break_glass", customer_id=c["id"], actor_id=helper.id, actor_name="New Comer", reason="He wrote:\n\"ü\"")
    assert [notices(who) for who in (max, olga, ada, axel)] == before and notices(helper) == []
    assert stack.sql("select staff_id::text, channel, customer_ids::text[], masked, reason from app.disclosure where request_id = %s::uuid", answer.headers["X-Request-Id"]) == [
        (helper.id, "break_glass", [c["id"]], True, "He wrote:\n\"ü\"")]
    # Who has it open already just gets it.
    assert break_glass(helper, phone=c["phone"]).status_code == 200 and notices(owner) == [told]
    assert break_glass(olga, phone=c["phone"]).status_code == 200
    assert [n["actor_id"] for n in notices(owner)] == [olga.id, helper.id]


def test_whose_it_is_tells_nobody(stack, owner, max, ada):
    c = calling(owner)
    for who in (owner, max, ada):
        assert break_glass(who, phone=c["phone"]).status_code == 200
    assert notices(owner) == [] and about(max, c) == [] and stack.sql("select count(*) from app.break_glass where customer_id = %s", c["id"]) == [(0,)]


def test_who_is_told_for_somebody_who_left(stack, owner, helper, max, olga, ada, abby):
    left, nobodys = calling(owner), calling(owner)
    ada.change(nobodys, owner_id=None)
    stack.sql("update app.staff set status = 'inactive' where id = %s", owner.id)
    for c in (left, nobodys):
        assert break_glass(helper, phone=c["phone"]).status_code == 200
    assert [len(about(who, left)) for who in (max, ada, abby, olga, helper)] == [1, 0, 0, 0, 0]
    assert [len(about(who, nobodys)) for who in (max, ada, abby, olga, helper)] == [0, 1, 1, 0, 0]


def test_everything_is_open_anyway(ada, owner, helper):
    c = calling(owner)
    with settings(ada, visibility="open"):
        assert break_glass(helper, phone=c["phone"]).json()["id"] == c["id"]
    assert notices(owner) == []
    problem(helper.get(path(c)), 404)


@pytest.mark.parametrize("body, pointer", [
    ({"reason": "x"}, "/phone"), ({"phone": "{phone}", "email": "{email}", "reason": "x"}, "/phone"), ({"phone": None, "email": None, "reason": "x"}, "/phone"),
    ({"phone": "{phone}"}, "/reason"), ({"phone": "{phone}", "reason": None}, "/reason"), ({"phone": "{phone}", "reason": "  "}, "/reason"), ({"phone": "{phone}", "reason": "x" * 1001}, "/reason"),
    ({"phone": "", "reason": "x"}, "/phone"), ({"phone": "1" * 41, "reason": "x"}, "/phone"), ({"email": "ab", "reason": "x"}, "/email"), ({"phone": 49, "reason": "x"}, "/phone")])
def test_wrong_bodies(owner, helper, axel, body, pointer):
    c = calling(owner)
    body = {k: {"{phone}": c["phone"], "{email}": c["email"]}.get(v, v) for k, v in body.items()}
    problem(helper.post("/customers/break-glass", body), 422, "invalid_value", pointer)
    problem(helper.get(path(c)), 404)
    assert notices(owner) == []
    # A wrong form is refused before anything is looked at, even who asks.
    formed = body.get("reason") == "x" and all(v is None or isinstance(v, str) and 3 <= len(v) <= 40 for k, v in body.items() if k != "reason")
    problem(axel.post("/customers/break-glass", body), *((403, "forbidden") if formed else (422, "invalid_value", pointer)))


def test_an_auditor_helps_nobody(owner, axel, nobody):
    c = calling(owner)
    problem(break_glass(axel, phone=c["phone"]), 403, "forbidden"), problem(break_glass(axel, phone="+49 30 1"), 403), problem(break_glass(nobody, phone=c["phone"]), 401)
    problem(axel.post("/customers/break-glass", {"phone": c["phone"], "reason": "x", "id": c["id"]}), 400, "unknown_member", "/id")
    assert notices(owner) == []


def test_notices_are_a_list(owner, helper, olga, nobody):
    made = [calling(owner) for _ in range(3)]
    for c in made:
        assert break_glass(helper, phone=c["phone"]).status_code == 200
    rows = notices(owner)
    assert [r["customer_id"] for r in rows] == [c["id"] for c in reversed(made)] and [r["id"] for r in rows] == sorted((r["id"] for r in rows), reverse=True)
    assert notices(owner, limit=1) == rows == notices(owner, kind="break_glass") == notices(owner, kind="break_glass,hand_over") and notices(owner, kind="hand_over") == []
    assert notices(owner, **{"from": rows[1]["at"]}) == rows[:2] and notices(owner, to=rows[1]["at"]) == rows[2:]
    page = owner.get("/notices", limit=2).json()
    assert page["data"] == rows[:2] and owner.get("/notices", limit=2, cursor=page["next"]).json() == {"data": rows[2:], "next": None}
    problem(olga.get("/notices", cursor=page["next"], limit=2), 400, "invalid_parameter", "?cursor")
    problem(owner.get("/notices", kind="gossip"), 400, "invalid_parameter", "?kind"), problem(nobody.get("/notices"), 401)


def test_who_gets_a_customer_is_told(rita, nina, carl, max):
    c = rita.customer()
    answer = rita.post(path(c) + "/stage", {"stage": "proposal", "owner_id": nina.id, "note": "Call before noon."})
    assert answer.status_code == 200, answer.text
    assert [(n["kind"], n["actor_id"], n["actor_name"], n["reason"]) for n in about(nina, c)] == [("hand_over", rita.id, "Rita Rep", "Call before noon.")]
    assert about(nina, c)[0] in notices(nina, kind="hand_over") and about(nina, c)[0] not in notices(nina, kind="break_glass")
    assert [about(who, c) for who in (rita, carl, max)] == [[], [], []]
