"""The auditor reads everything with masks and writes nothing; and what a mask shows is no value."""
import re

from holdfast import problem
from masks import CONTACTS
from restoring import changes


def path(customer):
    return "/customers/" + customer["id"]


def test_auditor(axel, rita, nina):
    c = rita.customer(email="nora@demo.test", phone="+1 212 555 0100", notes="n")
    shown = axel.get(path(c)).json()
    assert shown == dict(c, email="n***@d***", phone="+1 *** ***-**00", phone_e164="+1 *** ***-**00", masked=["email", "phone", "phone_e164"])
    assert axel.get(path(nina.customer())).json()["masked"] == []
    rows = axel.pages("/customers", limit=200)
    for r in rows:
        assert r["email"] is None or re.fullmatch(r".\*\*\*@.\*\*\*", r["email"])
        assert r["phone"] is None or re.fullmatch(r"(\+\d )?\*\*\* \*\*\*-\*\*(\d\d|\*\*)", r["phone"])
        assert r["masked"] == [k for k in CONTACTS if r[k] is not None]
    assert len(rows) >= 240 and axel.get(path(c), as_of=c["updated_at"]).json()["email"] == "n***@d***"
    for answer in (axel.post("/customers", {"name": "x"}), axel.patch(path(c), {"city": "Ulm"}, "*"), axel.delete(path(c), "*"),
                   axel.post("/restores", {"scope": {"entity": "customers", "id": c["id"], "as_of": c["created_at"]}, "reason": "x"}),
                   axel.post("/operations/" + changes(axel, c)[0]["operation_id"] + "/undo", {"reason": "x"})):
        problem(answer, 403, "forbidden")
    assert rita.get(path(c)).json() == c
    for member, value in (("email", shown["email"]), ("phone", shown["phone"]), ("phone", "*"), ("email", "*@b.test")):
        problem(rita.patch(path(c), {member: value}, "*"), 422, "invalid_value", "/" + member)
