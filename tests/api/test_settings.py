"""test_settings.py -- how the org works: who reads and changes it, what may be in it, and that it holds at once everywhere."""
import pytest

from holdfast import problem
from people import other_org
from restoring import changes, restore, undo
from works import settings

MEMBERS = {"visibility", "contact_masking", "classification", "backdate_days", "budgets", "ledger_months", "exports", "bulk", "rotation", "notify", "version", "updated_at"}


@pytest.fixture
def otto(stack):
    """The admin of an org that is this test's alone."""
    return other_org(stack)


def etag(who):
    return who.get("/settings").headers["ETag"]


def test_everybody_reads_them(ada, max, rita, axel, nobody):
    answer = ada.get("/settings")
    body = answer.json()
    assert set(body) == MEMBERS and (body["visibility"], body["contact_masking"], body["classification"]) == ("own", "lists", "Confidential; holder=demo")
    assert answer.headers["ETag"] == f'"v{body["version"]}"'
    for who in (max, rita, axel):
        assert who.get("/settings").json() == dict(body, notify=None, **dict.fromkeys(("budgets", "rotation") if who is rita else ()))   # whom it tells is the admins' to know
        again = who.get("/settings", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert who.get("/settings", headers={"If-None-Match": '"v0"'}).status_code == 200
    problem(nobody.get("/settings"), 401)


def test_an_admin_changes_some(otto):
    before = otto.get("/settings").json()
    answer = otto.patch("/settings", {"contact_masking": "always"}, '"v1"')
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body == dict(before, contact_masking="always", version=2, updated_at=body["updated_at"]) == otto.get("/settings").json()
    assert answer.headers["ETag"] == '"v2"' == etag(otto) and body["updated_at"] > before["updated_at"]
    for word in ("own", "team", "open"):
        assert otto.patch("/settings", {"visibility": word}, "*").json()["visibility"] == word
    for word in ("off", "lists", "always"):
        assert otto.patch("/settings", {"contact_masking": word}, "*").json()["contact_masking"] == word
    for text in ("x", " ~ !" + "x" * 196, "\\ \" ' %s"):
        assert otto.patch("/settings", {"classification": text}, "*").json()["classification"] == text
        assert otto.post("/customers", {"name": "x"}).headers["X-Classification"] == text.strip(), "HTTP trims it"
    now = otto.get("/settings")
    for nothing in ({}, {"visibility": "open"}):
        assert otto.patch("/settings", nothing, now.headers["ETag"]).json() == now.json()


def test_only_an_admin(ada, max, rita, axel, nobody):
    before = ada.get("/settings").json()
    for who in (max, rita, axel):
        for tag in ("*", '"v0"'):
            for body in ({"visibility": "open"}, {"visibility": "all"}, {}):
                problem(who.patch("/settings", body, tag), 403, "forbidden")
        problem(who.patch("/settings", {"visibility": "open"}), 428, "precondition_required")
        problem(who.patch("/settings", {"bogus": 1}, "*"), 400, "unknown_member", "/bogus")
    problem(nobody.patch("/settings", {"visibility": "open"}, "*"), 401)
    assert ada.get("/settings").json() == before


@pytest.mark.parametrize("member, value, code", [
    ("visibility", "all", "word"), ("visibility", "", "word"), ("visibility", None, "required"), ("visibility", 1, "type"),
    ("contact_masking", "on", "word"), ("contact_masking", False, "type"), ("contact_masking", None, "required"),
    ("classification", "", "length"), ("classification", "   ", "length"), ("classification", "x" * 201, "length"), ("classification", None, "required"), ("classification", "Größe", "shape"),
    ("classification", "a\nb", "characters"), ("classification", "a\rSet-Cookie: x", "characters"), ("classification", "\u200b", "shape"), ("classification", ["x"], "type")])
def test_wrong_values(otto, member, value, code):
    errors = problem(otto.patch("/settings", {"visibility": "team", member: value}, "*"), 422, "invalid_value", "/" + member)["errors"]
    assert [(e["pointer"], e["code"]) for e in errors] == [("/" + member, code)]
    assert (otto.get("/settings").json()["version"], otto.get("/settings").json()["visibility"]) == (1, "own")


def test_other_members_do_not_exist(otto):
    for name in ("hides", "version", "org_id", "id", "Visibility", "updated_at"):
        problem(otto.patch("/settings", {"visibility": "team", name: "x"}, "*"), 400, "unknown_member", "/" + name)
    assert otto.get("/settings").json()["version"] == 1


def test_stale(otto):
    assert otto.patch("/settings", {"visibility": "team"}, '"v1"').status_code == 200
    for tag in ('"v1"', '"v3"', '"x"', 'W/"v2"'):
        for body in ({"visibility": "open"}, {"visibility": "all"}):
            assert problem(otto.patch("/settings", body, tag), 412, "version_mismatch")["version"] == 2
    assert otto.get("/settings").json()["visibility"] == "team"


def test_history_and_undo(otto):
    assert otto.patch("/settings", {"visibility": "open", "contact_masking": "off"}, "*").status_code == 200
    rows = otto.get("/history", entity="settings").json()["data"]
    assert sorted((r["field"], r["old"], r["new"], r["actor_id"]) for r in rows[:2]) == [("contact_masking", "lists", "off", otto.id), ("visibility", "own", "open", otto.id)]
    assert rows[2]["field"] is None and len(rows) == 3 and len({r["operation_id"] for r in rows[:2]}) == 1
    operation = otto.get("/operations/" + rows[0]["operation_id"]).json()
    assert (operation["action"], operation["changes"]) == ("settings.change", 2)
    assert otto.patch("/settings", {"visibility": "team"}, "*").status_code == 200
    done = undo(otto, operation["id"])
    assert (done["restored"], [(c["entity"], c["field"], c["why"]) for c in done["conflicts"]]) == (1, [("settings", "visibility", "changed_since")])
    assert (otto.get("/settings").json()["visibility"], otto.get("/settings").json()["contact_masking"]) == ("team", "lists")
    assert otto.pages("/restores/" + done["id"] + "/conflicts") == done["conflicts"] == otto.get("/restores/" + done["id"]).json()["conflicts"]
    begin = rows[2]["at"]
    assert restore(otto, {"entity": "settings", "id": rows[0]["record_id"], "as_of": begin})["restored"] == 1
    assert otto.get("/settings").json()["visibility"] == "own"


def test_what_holds_for_exports(otto):
    """Merged with what there is; null is the default again; each change is history."""
    assert otto.get("/settings").json()["exports"] == {"rows_most": 10000, "two_approvers_above": 5000, "preamble": True}
    for body, now in (({"rows_most": 7}, (7, 5000, True)), ({"two_approvers_above": 0, "preamble": False}, (7, 0, False)), ({"rows_most": None}, (10000, 0, False)), ({}, (10000, 0, False)),
                      ({"rows_most": 1048000, "two_approvers_above": None, "preamble": None}, (1048000, 5000, True))):
        assert tuple(otto.patch("/settings", {"exports": body}, "*").json()["exports"][k] for k in ("rows_most", "two_approvers_above", "preamble")) == now
    for body, pointer in (({"rows_most": 0}, "rows_most"), ({"rows_most": 1048001}, "rows_most"), ({"two_approvers_above": -1}, "two_approvers_above"), ({"preamble": "no"}, "preamble")):
        problem(otto.patch("/settings", {"exports": body}, "*"), 422, "invalid_value", "/exports/" + pointer)
    problem(otto.patch("/settings", {"exports": {"bogus": 1}}, "*"), 400, "unknown_member", "/exports/bogus")
    problem(otto.patch("/settings", {"exports": None}, "*"), 422, "invalid_value", "/exports")
    assert len([r for r in otto.get("/history", entity="settings").json()["data"] if r["field"] == "exports"]) == 4


def test_their_history_is_the_admins(ada, max, rita, axel):
    with settings(ada, classification="A test"):
        operation = ada.get("/operations", action="settings.change", limit=1).json()["data"][0]["id"]
    (row,) = axel.get("/history", operation=operation).json()["data"]
    for who in (max, rita):
        assert who.get("/history", operation=operation).json()["data"] == [] == who.get("/history", entity="settings").json()["data"]
        problem(who.get("/operations/" + operation), 404)
        problem(who.post("/restores", {"scope": {"change": row["id"]}, "reason": "x"}), 404)
        problem(who.post("/restores", {"scope": {"entity": "settings", "id": row["record_id"], "as_of": row["at"]}, "reason": "x"}), 404)


def test_they_hold_in_every_program_at_once(ada, rita, omar, max):
    """Programs have nothing of the org in store."""
    c = omar.customer(phone="+49 30 5550777")
    omar.change(c, city="Ulm")
    path = "/customers/" + c["id"]
    last = changes(omar, c)[0]
    for word, status in (("open", 200), ("team", 404), ("open", 200), ("own", 404)):
        with settings(ada, visibility=word, classification="Stamp " + word):
            for answer in (rita.get(path), rita.get(path + "/history"), rita.post(path + "/reveal", {"fields": ["phone"], "reason": "x"})):
                assert answer.status_code == status, answer.text
                assert answer.headers.get("X-Classification") == ("Stamp " + word if status == 200 else None)
            assert len(rita.get("/history", record=c["id"]).json()["data"]) == (2 if status == 200 else 0)
            assert len(rita.get("/customers", phone="+49305550777").json()["data"]) == (1 if status == 200 else 0)
            assert rita.get("/customers", limit=1).headers["X-Classification"] == "Stamp " + word
            # Reading is all that it gives.
            problem(rita.patch(path, {"city": "Bonn"}, "*"), 403 if status == 200 else 404)
            problem(rita.post("/restores", {"scope": {"operation": last["operation_id"]}, "reason": "x"}), 404)
    with settings(ada, contact_masking="always"):
        assert omar.get(path).json()["masked"] == ["phone", "phone_e164"]
    assert omar.get(path).json()["masked"] == []
