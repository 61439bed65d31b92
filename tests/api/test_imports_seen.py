"""Who imports, who sees what became of it, and taking it back."""
import pytest

from holdfast import problem
from importing import dry, imported, many, records, send
from people import MISSING, newcomer, other_org
from restoring import undo

BAD = "Name,E-mail\nGood one,\nBad one,bad\n"
PATHS = ("", "/rows", "/errors", "/errors/file")


def test_managers_and_admins(rita, axel, max, ada):
    for who in (rita, axel):
        for more in ({}, {"dry_run": "true"}):
            problem(send(who, BAD, **more), 403, "forbidden")
    for who in (max, ada):
        assert imported(who, BAD)["good"] == 1


def test_nothing_is_put_aside_of_who_may_not(stack, rita):
    before = stack.sql("select count(*) from app.import")
    problem(send(rita, many(30000)[0]), 403, "forbidden")
    assert stack.sql("select count(*) from app.import") == before


def test_who_sees_one(stack, max, olga, ada, axel, rita):
    boss = newcomer(stack, "manager", max)
    document = imported(boss, BAD)
    for who, sees in ((boss, True), (max, True), (ada, True), (olga, False), (rita, False), (other_org(stack), False)):
        for path in PATHS:
            answer = who.get(f"/imports/{document['id']}{path}")
            assert answer.status_code == (200 if sees else 404), (who.staff["name"], path, answer.text)
            assert sees or answer.json()["code"] == who.get("/imports/" + MISSING + path).json()["code"] == "not_found"
        assert (document["id"] in [i["id"] for i in who.pages("/imports", limit=200)]) is sees
        assert (document["id"] in [i["id"] for i in who.pages("/imports", record=records(boss, document)[2])]) is sees
    # An auditor sees that there was one, and not what was in it.
    for path, text in (("", axel.get("/imports/" + document["id"]).text), ("/errors", axel.get(f"/imports/{document['id']}/errors").text)):
        assert document["id"] in text or path, text
        assert "Bad one" not in text and "bad" not in text.replace('"bad"', ""), text
    problem(axel.get(f"/imports/{document['id']}/errors/file"), 403, "forbidden")


def test_filters(max, ada):
    a, b = imported(max, BAD)["id"], imported(ada, BAD)["id"]
    assert {b, a} & {i["id"] for i in ada.pages("/imports", staff=max.id)} == {a}
    assert {b, a} & {i["id"] for i in ada.pages("/imports", entity="contacts,activities")} == set()
    first = ada.get("/imports", limit=1).json()
    assert first["data"][0]["id"] == b and ada.get("/imports", limit=1, cursor=first["next"]).json()["data"][0]["id"] == a
    assert {k: first["data"][0][k] for k in ("entity", "dry_run", "status", "rows", "good", "bad", "staff_name")} == {
        "entity": "customers", "dry_run": False, "status": "done", "rows": 2, "good": 1, "bad": 1, "staff_name": ada.staff["name"]}


def test_pages(max):
    document = imported(max, "Name,E-mail,Phone\n" + "x,y,z\n" * 5 + "a,,\nb,,\nc,,\n")
    whole = max.pages(f"/imports/{document['id']}/errors", limit=200)
    assert len(whole) == 10 and whole == max.pages(f"/imports/{document['id']}/errors", limit=1) == max.pages(f"/imports/{document['id']}/errors", limit=3)
    whole = max.pages(f"/imports/{document['id']}/rows", limit=200)
    assert [r["line"] for r in whole] == [7, 8, 9] and whole == max.pages(f"/imports/{document['id']}/rows", limit=1)


def test_the_file_of_errors(stack, max, axel):
    """It can be put right and sent again; what it holds is no formula; whoever took it is remembered."""
    document = imported(max, 'Name,"Note, private",E-mail\n"=1+1",x,bad\n"a ""b""","two\nlines",bad\n')
    answer = max.get(f"/imports/{document['id']}/errors/file")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present" and "attachment" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Classification"]
    assert answer.text.splitlines()[0] == 'import_line,import_error,Name,"Note, private",E-mail'
    assert "'=1+1" in answer.text and '"a ""b""","two\nlines",bad' in answer.text
    event, = [e for e in axel.pages("/events", kind="imports.errors", limit=200) if e["subject_id"] == document["id"]]
    assert event["rows"] == 2
    again = imported(max, answer.text.replace(",bad", ",good@x.example"))
    assert (again["good"], again["bad"]) == (2, 0) and max.get("/customers/" + records(max, again)[2]).json()["name"] == "=1+1"
    assert max.request("HEAD", f"/imports/{document['id']}/errors/file").status_code == 200


def test_many_errors_go_out_in_pages(max):
    document = imported(max, "Name,E-mail\n" + "".join(f"n{k},bad\n" for k in range(950)))
    lines = max.get(f"/imports/{document['id']}/errors/file").text.split("\r\n")
    assert len(lines) == 952 and lines[950].startswith("951,")


def test_owners_of_other_trees(max, olga, ada):
    """Whether somebody logs in with an e-mail is not told of whom he may not give a customer."""
    rows = "".join(f"x,{e}\n" for e in (olga.staff["email"], ada.staff["email"], "nobody@demo.test"))
    errors = dry(max, "Name,Owner\n" + rows)["errors"]
    assert len(errors) == 3 and len({(e["code"], e["detail"]) for e in errors}) == 1


@pytest.mark.parametrize("who", ["max", "ada"])
def test_undo(stack, max, ada, who):
    data, name = many(5)
    document = imported(max, data)
    ids = [i for _, i in sorted(records(max, document).items())]
    max.change({"id": ids[0]}, city="Ulm")
    asks = {"max": max, "ada": ada}[who]
    answer = asks.post(f"/imports/{document['id']}/undo", {"reason": "The wrong file."})
    assert answer.status_code == 201 and answer.headers["Location"] == "/v1/restores/" + answer.json()["id"]
    doc = answer.json()
    assert (doc["restored"], [c["record_id"] for c in doc["conflicts"]]) == (4, [ids[0]]), "who was worked on since stays"
    assert [max.get("/customers/" + i).json()["archived_at"] is None for i in ids] == [True] + [False] * 4
    assert ada.get("/operations/" + document["operation_id"]).json()["undone_by"] == [doc["operation_id"]]
    undo(asks, doc["operation_id"])
    assert [max.get("/customers/" + i).json()["archived_at"] for i in ids] == [None] * 5
    problem(asks.post("/imports/" + MISSING + "/undo", {"reason": "x"}), 404)


def test_nothing_to_undo(max, olga):
    for data, more in ((BAD, {"dry_run": "true"}), ("Name,E-mail\nBad,bad\n", {})):
        document = send(max, data, **more).json()
        problem(max.post(f"/imports/{document['id']}/undo", {"reason": "x"}), 409, "nothing_to_undo")
        problem(max.post(f"/imports/{document['id']}/cancel"), 409, "ended")
        problem(olga.post(f"/imports/{document['id']}/undo", {"reason": "x"}), 404)
