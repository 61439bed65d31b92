"""test_masking.py -- where contact values are masked: every way to see them, by setting and by who asks."""
import itertools

import pytest

from restoring import moment, window
from works import settings

ADDRESS = "klar.example"
CLEAR = ("+49 30 5558", "+49305558", ADDRESS)  # what only values without a mask hold
MASKED = ("*** ***-**", "***@k***")
numbers = itertools.count(100000)


def number():
    return f"+49 30 5558 {next(numbers)}"


def fresh(ada, rita, max, stack):
    """A customer of rita's, last changed by max over a change of hers, with the scope of that change."""
    c = rita.customer(phone=number(), email=f"info@{ADDRESS}")
    begin = moment(stack)
    rita.change(c, phone=number())
    end = moment(stack)
    max.change(c, phone=number())
    return c, window(rita, begin, end)


def ask(way, who, c, phone, scope, ada):
    """One answer to somebody that shows the contact values of a customer, whose number is this by now."""
    path = "/customers/" + c["id"]
    if way == "list":
        return who.get("/customers", city="Maskenstadt", limit=1)
    if way == "read":
        return who.get(path)
    if way == "as_of":
        return who.get(path, as_of=c["created_at"])
    if way == "history":
        return who.get("/history", record=c["id"], field="phone")
    if way == "history of one":
        return who.get(path + "/history")
    if way == "412":
        return who.patch(path, {"phone": number()}, '"v1"')
    if way == "dry run":
        return who.post("/restores", {"scope": scope, "dry_run": True})
    if way == "restore":
        return who.post("/restores", {"scope": scope, "reason": "x"})
    if way == "conflicts":
        return who.get("/restores/" + ada.post("/restores", {"scope": scope, "reason": "x"}).json()["id"] + "/conflicts")
    if way == "create":
        return who.post("/customers", {"name": f"New {next(numbers)}", "phone": number(), "email": f"x{next(numbers)}@{ADDRESS}"})
    if way == "change":
        return who.patch(path, {"phone": number()}, "*")
    if way == "archive":
        return who.delete(path, "*")
    if way == "break glass":
        return who.post("/customers/break-glass", {"phone": phone, "reason": "x"})
    return who.post(path + "/reveal", {"fields": ["phone", "email"], "reason": "x"})


def seen(answer):
    """clear, masked, or the status of the refusal."""
    if answer.status_code >= 400 and answer.status_code != 412:
        return answer.status_code
    clear = any(m in answer.text for m in CLEAR)
    masked = any(m in answer.text for m in MASKED)
    assert clear != masked, answer.text
    return "clear" if clear else "masked"


# What rita, whose customer it is, her manager max, the admin and the auditor get, under off, lists and always.
OWN = ("clear", "clear", "masked"), ("clear", "clear", "masked"), ("clear", "clear", "masked"), ("masked",) * 3
ANY = ("clear", "masked", "masked"), ("clear", "masked", "masked"), ("clear", "masked", "masked"), ("masked",) * 3
REFUSED = ((403,) * 3,)
TABLE = {
    "list": ANY, "read": OWN, "as_of": OWN, "history": ANY, "history of one": ANY, "412": ANY[:3] + REFUSED, "dry run": ANY[:3] + REFUSED, "restore": ANY[:3] + REFUSED,
    "create": OWN[:3] + REFUSED, "change": OWN[:3] + REFUSED, "archive": OWN[:3] + REFUSED, "break glass": OWN[:3] + REFUSED, "reveal": (("clear",) * 3,) * 3 + REFUSED}
# Conflicts of a restore that an admin made: his managers, who are none, and the auditor.
TABLE["conflicts"] = ((404,) * 3,) * 2 + ANY[2:]


@pytest.mark.parametrize("setting", ["off", "lists", "always"])
@pytest.mark.parametrize("way", TABLE)
def test_every_way(stack, ada, max, rita, axel, way, setting):
    n = ["off", "lists", "always"].index(setting)
    for who, due in zip((rita, max, ada, axel), TABLE[way]):
        c, scope = fresh(ada, rita, max, stack)
        if way == "list":
            rita.change(c, city="Maskenstadt")
        phone = stack.sql("select phone from app.customer where id = %s", c["id"])[0][0]
        with settings(ada, contact_masking=setting):
            answer = ask(way, who, c, phone, scope, ada)
        assert seen(answer) == due[n], (way, setting, who.staff["name"], answer.text)
        if due[n] in ("clear", "masked"):
            rows = stack.sql("select channel, masked from app.disclosure where request_id = %s::uuid", answer.headers["X-Request-Id"])
            assert [r[1] for r in rows] == [due[n] == "masked"], rows
            if way in ("read", "as_of", "create", "change", "archive", "break glass"):
                assert answer.json()["masked"] == ([] if due[n] == "clear" else ["email", "phone", "phone_e164"])


def test_a_mask_is_another_representation(ada, rita):
    """An entity-tag that was read under one mask is none under another."""
    c = rita.customer(phone=number())
    path = "/customers/" + c["id"]
    clear = rita.get(path).headers["ETag"]
    with settings(ada, contact_masking="always"):
        masked = rita.get(path)
        assert masked.headers["ETag"] != clear and rita.get(path, headers={"If-None-Match": clear}).status_code == 200
        assert rita.patch(path, {"city": "Bonn"}, clear).status_code == 412
        answer = rita.patch(path, {"city": "Bonn"}, masked.headers["ETag"])
        assert answer.status_code == 200 and answer.json()["phone"] == masked.json()["phone"]
    assert rita.get(path).json()["phone"] == c["phone"], "a change of something else leaves it"


def test_under_a_mask_one_finds_by_the_whole_value_only(ada, rita):
    c = rita.customer(phone=number(), email=f"Anna@{ADDRESS}")
    with settings(ada, contact_masking="always"):
        for found in (dict(phone=c["phone"]), dict(email=c["email"].lower())):
            (row,) = rita.get("/customers", **found).json()["data"]
            assert row["id"] == c["id"] and row["masked"] == ["email", "phone", "phone_e164"]
        for nothing in (dict(phone=c["phone"][:-1]), dict(email=c["email"][1:])):
            assert rita.get("/customers", **nothing).json()["data"] == []
