"""test_staff.py -- the people: who reads what of whom, hiring, changing, and what is refused."""
import uuid

import pytest

from hiring import DIRECTORY, WHOLE, address, again, arrive, change, hire, history, meet, person
from holdfast import PASSWORD, problem
from people import MISSING, faceless, other_org
from restoring import undo


@pytest.fixture
def otto(stack):
    return other_org(stack)


def truth(stack, email="ada@demo.test"):
    """The people of an org, past the API: id to row."""
    return {r["id"]: r for r, in stack.sql("select to_jsonb(s) from app.staff s where org_id = (select org_id from app.login where email = %s)", email)}


def test_everybody_reads_the_directory_and_some_more(stack, ada, abby, axel, max, rita, nina, omar):
    gone = hire(ada, manager=max.id, segments=["closing"])
    assert change(ada, gone, status="inactive").status_code == 200
    all_ = truth(stack)
    below, more = set(), {max.id}
    while more:
        more = {i for i, s in all_.items() if s["manager_id"] in more} - below
        below |= more
    assert {rita.id, nina.id, gone["id"]} <= below
    for who, whole in ((ada, all_), (abby, all_), (axel, all_), (max, below | {max.id}), (rita, {rita.id}), (omar, {omar.id})):
        rows = who.pages("/staff", limit=200)
        assert [r["id"] for r in rows] == [s["id"] for s in sorted(all_.values(), key=lambda s: (s["name"], s["id"]))]
        for row in rows:
            assert set(row) == (WHOLE if row["id"] in whole else DIRECTORY), (who.id, row)
            assert row == person(who, row["id"])
            assert {k: v for k, v in row.items() if not k.endswith("_at")} == {k: all_[row["id"]][k] for k in row if not k.endswith("_at")}
    assert person(rita, gone) == {"id": gone["id"], "name": "New Comer", "segments": ["closing"], "status": "inactive"}


def test_a_manager_reads_all_below_him_at_any_distance(stack, ada, max, olga):
    mia = hire(ada, "manager", max.id)
    nora = hire(ada, "rep", mia["id"])
    assert set(person(max, nora)) == WHOLE and set(person(olga, nora)) == DIRECTORY
    assert set(person(arrive(stack, mia), nora)) == WHOLE
    assert change(ada, mia, manager_id=olga.id).status_code == 200
    assert set(person(max, nora)) == DIRECTORY and set(person(olga, nora)) == WHOLE


def test_other_orgs_are_missing(ada, rita, otto):
    for who in (ada, rita):
        missing = [who.request(m, "/staff/" + i + tail, json=body, headers={"If-Match": "*"}) for i in (otto.id, MISSING)
                   for m, tail, body in (("GET", "", None), ("PATCH", "", {"name": "x"}), ("POST", "/invite", None),
                                         ("GET", "/sessions", None), ("DELETE", "/sessions", None), ("DELETE", "/sessions/" + MISSING, None))]
        for answer in missing:
            problem(answer, 404, "not_found")
            assert faceless(answer) == faceless(missing[0])
    assert otto.id not in [p["id"] for p in ada.pages("/staff")] and len(otto.pages("/staff")) == 1
    problem(ada.patch("/staff/" + ada.id, {"manager_id": otto.id}, "*"), 422, "invalid_value", "/manager_id")


def test_entity_tags(ada, rita, max):
    who = hire(ada, manager=max.id)
    path = "/staff/" + who["id"]
    for reader in (ada, rita):
        tag = reader.get(path).headers["ETag"]
        same = reader.get(path, headers={"If-None-Match": tag})
        assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag) and not tag.startswith("W/")
    directory, whole = rita.get(path).headers["ETag"], ada.get(path).headers["ETag"]
    assert whole == '"v1"' != directory and ada.get(path, headers={"If-None-Match": directory}).status_code == 200
    assert change(ada, who, email=address()).json()["version"] == 2
    assert rita.get(path).headers["ETag"] == directory, "she sees none of that"
    assert ada.get(path, headers={"If-None-Match": whole}).status_code == 200
    assert change(ada, who, name="Another").status_code == 200
    assert rita.get(path, headers={"If-None-Match": directory}).json()["name"] == "Another"


def test_list_filters(stack, ada, max, olga, rita):
    name = uuid.uuid4().hex
    a, b, c = (hire(ada, manager=m.id, name=name, segments=s) for m, s in ((max, ["closing"]), (max, ["closing", "prospecting"]), (olga, [])))
    change(ada, c, status="inactive")

    def found(who, **more):
        return {p["id"] for p in who.pages("/staff", name=name, **more)} - {None}
    assert found(rita) == {a["id"], b["id"], c["id"]}
    assert found(rita, status="inactive") == {c["id"]} and found(rita, status="invited,active") == {a["id"], b["id"]}
    assert found(rita, segment="prospecting,negotiation") == {b["id"]} and found(rita, segment="nothing") == set()
    assert found(ada, role="rep") == {a["id"], b["id"], c["id"]} and found(ada, role="admin,manager") == set()
    assert found(max, role="rep") == {a["id"], b["id"]} == found(max, manager=max.id) and found(max, manager=olga.id) == set()
    # No oracle for who sees only the directory.
    assert found(rita, role="rep,admin,manager,auditor") == found(rita, manager=f"{max.id},{olga.id}") == set()
    assert {p["id"] for p in rita.pages("/staff", role="rep,admin")} == {rita.id}
    assert found(olga, role="rep") == found(olga, manager=f"{olga.id},{max.id}") == {c["id"]}
    for word, wrong in (("status", "gone"), ("role", "king"), ("manager", "x"), ("sort", "role"), ("sort", "created_at"), ("fields", "invite"), ("fields", "org_id"), ("limit", "0")):
        problem(ada.get("/staff", **{word: wrong}), 400, "invalid_parameter", "?" + word)


def test_list_pages(stack, ada, rita):
    names = [s["name"] for s in truth(stack).values()]
    for who in (ada, rita):
        for limit in (1, 3, 200):
            rows = who.pages("/staff", limit=limit)
            assert [r["name"] for r in rows] == sorted(names) and len({r["id"] for r in rows}) == len(names)
            assert who.pages("/staff", limit=limit, sort="-name") == rows[::-1]
        for count in ("exact", "estimate"):
            assert who.get("/staff", count=count, limit=1).json()["count"] == len(names)
    assert rita.get("/staff", count="exact", role="rep").json()["count"] == 1
    assert [set(p) for p in ada.get("/staff", fields="id,email", limit=2).json()["data"]] == [{"id", "email"}] * 2
    assert {tuple(p) for p in rita.pages("/staff", fields="name,role,version")} == {("name",), ("name", "role", "version")}
    cursor = ada.get("/staff", limit=1).json()["next"]
    problem(rita.get("/staff", cursor=cursor, limit=1), 400, "invalid_parameter", "?cursor")


def test_hire(stack, ada, max):
    email = address()
    answer = ada.post("/staff", {"name": "Zoë", "email": email.upper(), "role": "rep", "manager_id": max.id, "segments": ["closing", "prospecting", "closing"]})
    assert answer.status_code == 201, answer.text
    who = answer.json()
    assert set(who) == WHOLE | {"invite"} and answer.headers["Location"] == "/v1/staff/" + who["id"] and answer.headers["ETag"] == '"v1"'
    assert (who["name"], who["email"], who["role"], who["manager_id"], who["segments"], who["status"], who["version"]) \
        == ("Zoë", email, "rep", max.id, ["closing", "prospecting"], "invited", 1)
    assert who["person_id"] == who["id"]
    assert person(ada, who) == {k: v for k, v in who.items() if k != "invite"}
    born, = history(ada, who)
    assert (born["field"], born["old"], born["new"]["email"], born["actor_id"], born["actor_name"], born["via"]) == (None, None, email, ada.id, "Ada Admin", "api")
    operation = ada.get("/operations/" + born["operation_id"]).json()
    assert (operation["action"], operation["changes"], operation["actor_id"]) == ("staff.create", 1, ada.id)
    assert [(c["field"], c["why"]) for c in undo(ada, operation["id"])["conflicts"]] == [("archived_at", "permanent")], "people are not taken back"
    stored = stack.sql("select i::text from app.invite i where staff_id = %s", who["id"])
    assert len(stored) == 1 and who["invite"] not in stored[0][0]
    mine = str(uuid.uuid4())
    assert hire(ada, id=mine.upper())["id"] == mine
    second = hire(ada, person_id=who["id"])
    assert second["person_id"] == who["id"] and hire(ada, person_id=None)["person_id"] != who["id"]


def test_only_an_admin_writes(stack, ada, max, axel, rita):
    who = hire(ada, manager=max.id)
    before = person(ada, who)
    for client in (max, axel, rita):
        problem(client.post("/staff", {"name": "x", "email": address(), "role": "rep"}), 403, "forbidden")
        problem(client.post("/staff", {"name": 5}), 403, "forbidden")
        for target in (who["id"], client.id):
            for body in ({"name": "x"}, {"role": "admin"}, {"segments": ["closing"]}, {"status": "inactive"}, {"role": "king"}):
                problem(client.patch("/staff/" + target, body, "*"), 403, "forbidden")
            problem(client.post(f"/staff/{target}/invite"), 403, "forbidden")
    assert person(ada, who) == before and len(history(ada, who)) == 1


REFUSED = {  # a member, a value that is no good, what errors call it
    "blank": ("name", " "), "long": ("name", "x" * 201), "no name": ("name", None), "at": ("email", "nobody"), "two": ("email", "a@b@c"), "space": ("email", "a b@c.de"),
    "no e-mail": ("email", None), "king": ("role", "king"), "no role": ("role", None), "owner": ("role", "Admin"), "nobody": ("manager_id", MISSING), "word": ("manager_id", "max"),
    "rep": ("manager_id", "{rita}"), "auditor": ("manager_id", "{axel}"), "left": ("manager_id", "{gone}"), "stranger": ("person_id", MISSING), "segment": ("segments", ["closing", "nothing"]),
    "text": ("segments", "closing"), "null": ("segments", [None])}


@pytest.mark.parametrize("member, value", REFUSED.values(), ids=REFUSED)
def test_wrong_values(ada, rita, axel, member, value):
    if value == "{gone}":
        value = change(ada, hire(ada, "manager"), status="inactive").json()["id"]
    value = {"{rita}": rita.id, "{axel}": axel.id}.get(str(value), value)
    body = {"name": "x", "email": address(), "role": "rep"}
    answer = problem(ada.post("/staff", dict(body, **{member: value})), 422, "invalid_value")
    assert [e["pointer"].split("/")[1] for e in answer["errors"]] == [member]
    who = hire(ada)
    answer = problem(ada.patch("/staff/" + who["id"], {member: value}, "*"), 422, "invalid_value")
    assert [e["pointer"].split("/")[1] for e in answer["errors"]] == [member]
    assert person(ada, who)["version"] == 1
    problem(ada.post("/staff", dict(body, **{member + "s": value})), 400, "unknown_member")


def test_taken(stack, ada, rita, otto):
    who = hire(ada)
    body = {"name": "x", "email": address(), "role": "rep"}
    problem(ada.post("/staff", dict(body, id=who["id"])), 409, "already_exists")
    problem(ada.post("/staff", dict(body, id=who["id"], segments=["nothing"])), 409, "already_exists")  # before 422
    assert otto.post("/staff", dict(body, id=who["id"])).status_code == 201, "ids are the org's own"
    answers = [ada.post("/staff", dict(body, email=e)) for e in (who["email"], rita.staff["email"].upper(), otto.staff["email"], body["email"])]
    answers += [ada.patch("/staff/" + hire(ada)["id"], {"email": otto.staff["email"]}, "*"), ada.post("/staff", dict(body, segments=["nothing"]))]
    for answer in answers:
        problem(answer, 409, "email_taken", "/email")
        assert faceless(answer) == faceless(answers[0])
    assert ada.patch("/staff/" + who["id"], {"email": who["email"].upper()}, "*").json()["version"] == 1, "his own is not taken"
    free = address()
    assert change(ada, who, email=free).json()["email"] == free
    assert otto.post("/staff", dict(body, email=who["email"])).status_code == 201, "it was given up"


def test_two_orgs_take_one_email_at_once(stack, ada, otto):
    email = address()
    answers = meet(stack, ("lock table app.login in share mode",),
                   *(lambda w=w: w.post("/staff", {"name": "x", "email": email, "role": "rep"}) for w in (again(ada), again(otto))))
    assert sorted(a.status_code for a in answers) == [201, 409]
    problem(next(a for a in answers if a.status_code == 409), 409, "email_taken", "/email")
    assert stack.sql("select count(*) from app.staff where email = %s", email) == [(1,)]


def test_idempotency_key(stack, ada, nobody):
    key, body = {"Idempotency-Key": uuid.uuid4().hex}, {"name": "Once", "email": address(), "role": "rep"}
    first, second = (ada.post("/staff", body, key) for _ in range(2))
    assert first.status_code == second.status_code == 201 and first.headers["Location"] == second.headers["Location"]
    first, second = first.json(), second.json()
    assert first.pop("invite") != (invite := second.pop("invite")) and first == second
    problem(ada.post("/staff", dict(body, name="Twice"), key), 422, "key_reused")
    used = [nobody.post("/sessions/password", {"token": t, "password": PASSWORD}).status_code for t in (ada.post("/staff", body, key).json()["invite"], invite)]
    assert used == [204, 422] and len(history(ada, first)) == 2, "created, activated"
    assert change(ada, first, status="inactive").status_code == 200
    assert ada.post("/staff", body, key).json()["invite"] is None


def test_change(stack, ada, max, olga):
    who = hire(ada, manager=max.id, segments=["closing"])
    other = hire(ada)
    fields = {"name": "Another", "email": address(), "role": "manager", "manager_id": olga.id, "person_id": other["id"], "segments": ["prospecting", "closing"]}
    for version, (field, value) in enumerate(fields.items(), 2):
        answer = change(ada, who, **{field: value})
        assert answer.status_code == 200 and answer.headers["ETag"] == f'"v{version}"'
        now = answer.json()
        assert (now[field], now["version"]) == (value, version) and now == person(ada, who)
        row = history(ada, who)[0]
        assert (row["field"], row["old"], row["new"], row["actor_id"]) == (field, who[field], value, ada.id)
        assert ada.get("/operations/" + row["operation_id"]).json()["action"] == "staff.change"
        who[field] = value
    assert now["updated_at"] > who["updated_at"] and now["created_at"] == who["created_at"]
    assert change(ada, who, **fields).json() == now, "nothing to change"
    now = change(ada, who, manager_id=None, person_id=None, segments=None).json()
    assert (now["manager_id"], now["person_id"], now["segments"], now["version"]) == (None, who["id"], [], 8)
    rows = history(ada, who)
    assert len({r["operation_id"] for r in rows[:3]}) == 1 and ada.get("/operations/" + rows[0]["operation_id"]).json()["changes"] == 3
    assert set(stack.sql("select segment_id from app.staff_segment where staff_id = %s", who["id"])) == set()


def test_stale_tags(ada, abby):
    who = hire(ada)
    path = "/staff/" + who["id"]
    problem(ada.patch(path, {"name": "x"}), 428, "precondition_required")
    assert change(abby, who, name="By Abby", role="manager").status_code == 200
    body = problem(ada.patch(path, {"name": "By Ada", "segments": ["closing"]}, '"v1"'), 412, "version_mismatch")
    row, = body["conflicts"]
    assert body["version"] == 2 and (row["field"], row["current"], row["actor_id"], row["actor_name"]) == ("name", "By Abby", abby.id, "Abby Admin")
    assert problem(ada.patch(path, {"name": "x"}, '"bogus"'), 412)["conflicts"] == []
    # 412 comes before what the change itself would be refused for.
    for wrong in ({"email": ada.staff["email"]}, {"status": "active"}, {"segments": ["nothing"]}, {"name": 5}):
        problem(ada.patch(path, wrong, '"v1"'), 412, "version_mismatch")
    problem(ada.patch(path, {"email": ada.staff["email"], "segments": ["nothing"], "name": 5}, "*"), 409, "email_taken")
    assert person(ada, who)["version"] == 2


def test_undo_of_a_role(stack, ada, max, rita):
    who = hire(ada, "manager", max.id)
    client = arrive(stack, who)
    assert change(ada, who, role="admin", manager_id=None).status_code == 200
    assert len(client.pages("/staff", role="auditor")) >= 1, "an admin sees all roles"
    operation = history(ada, who, field="role")[0]["operation_id"]
    for other in (max, rita, client):
        assert other.post(f"/operations/{operation}/undo", {"reason": "x"}).status_code in ((201,) if other is client else (403, 404))
    assert client.pages("/staff", role="auditor") == []
    now = person(ada, who)
    assert (now["role"], now["manager_id"]) == ("manager", max.id) and history(ada, who)[0]["actor_id"] == client.id
    assert set(person(max, who)) == WHOLE, "the tree came back with it"
    redo = history(ada, who)[0]["operation_id"]
    assert undo(ada, redo)["restored"] == 2 and person(ada, who)["role"] == "admin"
    change(ada, who, role="rep")
