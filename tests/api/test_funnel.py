"""test_funnel.py -- the funnel as one document: who reads and writes it, what may be in it, what is in use, how it is taken back."""
import pytest

from holdfast import problem
from people import other_org
from restoring import undo
from works import put, segments

WORDS = "email phone website address city region postal_code country source value currency notes tags custom contacts activities deals offers".split()


@pytest.fixture
def otto(stack):
    """The admin of an org that is this test's alone."""
    return other_org(stack)


def stage(id_, name="A name"):
    return {"id": id_, "name": name}


def segment(id_, *stages, **more):
    return dict({"id": id_, "name": "A name", "stages": [stage(s) for s in stages]}, **more)


def without(funnel, *ids):
    """A funnel less some stages or segments."""
    return [dict(s, stages=[t for t in s["stages"] if t["id"] not in ids]) for s in funnel if s["id"] not in ids]


def derived(stack, who):
    """What segments and stages are in their tables, as (segment, rule, hides, [stages]), and the hides of the settings."""
    org = stack.sql("select org_id from app.staff where id = %s", who.id)[0][0]
    rows = stack.sql("""select g.id, g.rule, g.hides, array(select t.id || '=' || t.name from app.stage t where t.org_id = g.org_id and t.segment_id = g.id order by t.position)
        from app.segment g where g.org_id = %s order by g.position""", org)
    return rows, stack.sql("select hides from app.settings where org_id = %s", org)[0][0]


def last(who):
    """The last operation on the funnel."""
    return who.get("/operations", action="funnel.change", limit=1).json()["data"][0]


def test_everybody_reads_it(ada, max, rita, axel, nobody):
    answer = ada.get("/funnel")
    body = answer.json()
    assert set(body) == {"segments", "version", "updated_at"}
    assert [(s["id"], [t["id"] for t in s["stages"]]) for s in body["segments"]] == [
        ("prospecting", ["new", "contacted", "qualified"]), ("negotiation", ["proposal", "negotiation"]), ("closing", ["contract", "won", "lost"])]
    assert all(set(s) == {"id", "name", "rule", "hides", "stages"} and set(t) == {"id", "name"} for s in body["segments"] for t in s["stages"])
    assert answer.headers["ETag"] == f'"v{body["version"]}"'
    for who in (max, rita, axel):
        assert who.get("/funnel").json() == body
        again = who.get("/funnel", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", answer.headers["ETag"])
        assert who.get("/funnel", headers={"If-None-Match": '"v0"'}).status_code == 200
    problem(nobody.get("/funnel"), 401)


def test_it_is_put_whole(stack, otto):
    before = otto.get("/funnel")
    new = [segment("reviving", "won", "asleep", rule="least_loaded", hides=["notes", "value"]), segment("first_2", "contacted", "new")]
    answer = put(otto, new, before.headers["ETag"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["segments"] == [new[0], dict(new[1], rule="manual", hides=[])] == segments(otto)
    assert answer.json()["version"] == 2 and answer.headers["ETag"] == '"v2"' == otto.get("/funnel").headers["ETag"]
    assert derived(stack, otto) == ([("reviving", "least_loaded", ["notes", "value"], ["won=A name", "asleep=A name"]),
                                     ("first_2", "manual", [], ["contacted=A name", "new=A name"])], {"reviving": ["notes", "value"]})
    assert otto.customer()["stage"] == "won", "the first in the new order"
    # Renamed and turned round, with what is in use in it.
    new = [dict(new[1], name="Other", stages=[stage("new", "Neu"), stage("contacted")]), dict(new[0], hides=[], rule="round_robin")]
    assert put(otto, new).status_code == 200
    assert derived(stack, otto) == ([("first_2", "manual", [], ["new=Neu", "contacted=A name"]), ("reviving", "round_robin", [], ["won=A name", "asleep=A name"])], None)
    assert otto.customer()["stage"] == "new"
    # The same once more is no change.
    answer = put(otto, [dict(new[0], rule="manual", hides=[]), new[1]], '"v3"')
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"v3"')
    assert stack.sql("select count(*) from app.history where entity = 'funnel' and org_id = (select org_id from app.staff where id = %s)", otto.id) == [(3,)]


def test_only_an_admin_writes_it(ada, max, rita, axel, nobody):
    before = ada.get("/funnel").json()
    for who in (max, rita, axel):
        for etag in ("*", '"v0"'):
            problem(put(who, before["segments"], etag), 403, "forbidden")
            problem(put(who, without(before["segments"], "new"), etag), 403, "forbidden")
            problem(put(who, [], etag), 403, "forbidden")
            problem(put(who, 5, etag), 403, "forbidden")
        problem(put(who, before["segments"], None), 428, "precondition_required")
        problem(put(who, before["segments"], bogus=1), 400, "unknown_member", "/bogus")
    problem(put(nobody, before["segments"]), 401)
    assert ada.get("/funnel").json() == before


def test_stale(otto):
    funnel = segments(otto)
    assert put(otto, funnel[::-1], '"v1"').status_code == 200
    for etag in ('"v1"', '"v3"', '"x"', 'W/"v2"'):
        for body in (funnel, [], 5):
            assert problem(put(otto, body, etag), 412, "version_mismatch")["version"] == 2
    assert segments(otto) == funnel[::-1]


GOOD = [segment("a", "a", "b"), segment("b", "c")]


@pytest.mark.parametrize("body, pointer, code", [
    ([], "/segments", "required"), (None, "/segments", "required"), (5, "/segments", "type"), ({}, "/segments", "type"), ([5], "/segments/0", "type"), ([GOOD[0], None], "/segments/1", "type"),
    ([segment("a")], "/segments/0/stages", "required"), ([{"id": "a", "name": "x"}], "/segments/0/stages", "required"), ([{}], "/segments/0/id", "required"),
    (GOOD + [{"id": "c", "stages": [stage("d")]}], "/segments/2/name", "required"), (GOOD + [segment("c", "d", rule="random")], "/segments/2/rule", "word"),
    (GOOD + [segment("c", "d", rule=None)], "/segments/2/rule", "required"), (GOOD + [segment("c", "d", hides=None)], "/segments/2/hides", "required"),
    (GOOD + [segment("c", "d", hides=["notes", "name"])], "/segments/2/hides/1", "word"), (GOOD + [segment("c", "d", hides=["notes", "value", "notes"])], "/segments/2/hides/2", "duplicate"),
    (GOOD + [segment("a", "d")], "/segments/2/id", "duplicate"), ([segment("a", "x", "y", "x")], "/segments/0/stages/2/id", "duplicate"),
    (GOOD + [segment("c", "d", "b")], "/segments/2/stages/1/id", "duplicate"), (GOOD + [segment("C", "d")], "/segments/2/id", "format"),
    (GOOD + [segment("c", "d-e")], "/segments/2/stages/0/id", "format"), (GOOD + [segment("c", "1d")], "/segments/2/stages/0/id", "format"),
    (GOOD + [segment("ä", "d")], "/segments/2/id", "format"), (GOOD + [segment("c" * 41, "d")], "/segments/2/id", "length"), (GOOD + [segment("", "d")], "/segments/2/id", "length"),
    (GOOD + [segment("c", name="n" * 101)], "/segments/2/name", "length"), ([segment("a", *(f"s{i}" for i in range(51)))], "/segments/0/stages", "count"),
    ([segment(f"g{i}", f"s{i}") for i in range(21)], "/segments", "count"), (GOOD + [dict(segment("c"), stages=[{"id": "d", "name": " "}])], "/segments/2/stages/0/name", "length")])
def test_malformed(otto, body, pointer, code):
    """422 names the member, though all that is left out is not in use."""
    errors = problem(put(otto, body), 422, "invalid_value", pointer)["errors"]
    assert (pointer, code) in [(e["pointer"], e["code"]) for e in errors]
    assert otto.get("/funnel").json()["version"] == 1


def test_all_that_is_wrong_is_named(otto):
    errors = problem(put(otto, [segment("A", "a", "a"), segment("b", hides=["notes", "notes"])]), 422)["errors"]
    assert [e["pointer"] for e in errors] == ["/segments/0/id", "/segments/0/stages/1/id", "/segments/1/stages", "/segments/1/hides/1"]


def test_unknown_members(otto):
    for body, pointer in (([dict(GOOD[0], position=1)], "/segments/0/position"), ([GOOD[0], dict(GOOD[1], stages=[dict(stage("x"), segment="a")])], "/segments/1/stages/0/segment")):
        problem(put(otto, body), 400, "unknown_member", pointer)


def test_limits(otto):
    full = [segment(f"g{i}", f"s{i}") for i in range(19)] + [segment("g" * 40, *(f"x{i}" for i in range(49)), "s" * 40, name="ß" * 100, hides=WORDS)]
    answer = put(otto, full)
    assert answer.status_code == 200 and answer.json()["segments"][19] == dict(full[19], rule="manual")
    assert otto.customer(stage="s" * 40)["segment"] == "g" * 40


def test_words_are_the_database_s(stack, ada):
    put_ = ada.get("/openapi.json").json()["paths"]["/v1/funnel"]["put"]["requestBody"]["content"]["application/json"]["schema"]
    members = put_["properties"]["segments"]["allOf"][0]["items"]["properties"]
    assert members["hides"]["allOf"][0]["items"]["enum"] == WORDS == stack.sql("select app.hideable()")[0][0]


def test_what_is_in_use(stack, otto):
    funnel = segments(otto)
    c, gone = otto.customer(stage="qualified"), otto.customer(stage="qualified")
    assert otto.delete("/customers/" + gone["id"], "*").status_code == 200
    other = otto.customer(stage="proposal")
    stack.sql("""insert into app.staff (org_id, id, person_id, name, email, role, segments, created_at, updated_at)
        select org_id, i.id, i.id, 'Rob', i.id || '@other.test', 'rep', '{closing}', app.now(), app.now() from app.staff s, (select app.uuid7() as id) i where s.id = %s""", otto.id)

    body = problem(put(otto, without(funnel, "qualified", "new")), 409, "in_use", "/segments/0/stages")
    assert body["in_use"] == [{"stage": "qualified", "customers": 2, "deals": 0, "staff": 0}] and "stage qualified by 2 customers." in body["detail"]
    moved = [dict(funnel[0], stages=funnel[0]["stages"][:1]), funnel[1], dict(funnel[2], stages=funnel[2]["stages"] + funnel[0]["stages"][1:])]
    body = problem(put(otto, moved), 409, "in_use", "/segments/2/stages/4")
    assert body["in_use"] == [{"stage": "qualified", "customers": 2, "deals": 0, "staff": 0}] and len(body["errors"]) == 1, "contacted is empty and may move"
    body = problem(put(otto, without(funnel, "closing")), 409, "in_use", "/segments")
    assert body["in_use"] == [{"segment": "closing", "customers": 0, "deals": 0, "staff": 1}] and "segment closing by 1 person." in body["detail"]
    body = problem(put(otto, without(funnel, "prospecting", "proposal")), 409, "in_use")
    assert body["in_use"] == [{"stage": "qualified", "customers": 2, "deals": 0, "staff": 0}, {"stage": "proposal", "customers": 1, "deals": 0, "staff": 0},
                              {"segment": "prospecting", "customers": 2, "deals": 0, "staff": 0}]
    assert segments(otto) == funnel and otto.get("/funnel").json()["version"] == 1

    for id_ in (c["id"], other["id"]):
        assert otto.patch("/customers/" + id_, {"stage": "won"}, "*").status_code == 200
    body = problem(put(otto, without(funnel, "prospecting")), 409, "in_use")
    assert body["in_use"][0] == {"stage": "qualified", "customers": 1, "deals": 0, "staff": 0}, "the archived one"
    assert put(otto, without(funnel, "negotiation")).status_code == 200


def test_deals_stand_in_a_stage_too(otto):
    funnel, c = segments(otto), otto.customer(stage="proposal")
    made = [otto.post("/deals", {"customer_id": c["id"], "title": "A deal", "stage": s}).json() for s in ("won", "lost", "lost")]
    assert otto.delete("/deals/" + made[2]["id"], "*").status_code == 200
    body = problem(put(otto, without(funnel, "lost")), 409, "in_use", "/segments/2/stages")
    assert body["in_use"] == [{"stage": "lost", "customers": 0, "deals": 2, "staff": 0}] and "stage lost by 2 deals." in body["detail"], "archived ones count"
    body = problem(put(otto, without(funnel, "closing", "proposal")), 409, "in_use")
    assert body["in_use"] == [{"stage": "proposal", "customers": 1, "deals": 0, "staff": 0}, {"stage": "won", "customers": 0, "deals": 1, "staff": 0},
                              {"stage": "lost", "customers": 0, "deals": 2, "staff": 0}, {"segment": "closing", "customers": 0, "deals": 3, "staff": 0}]
    assert "stage won by 1 deal;" in body["detail"] and segments(otto) == funnel
    otto.patch("/customers/" + c["id"], {"stage": "lost"}, "*")
    assert "stage lost by 1 customer and 2 deals." in problem(put(otto, without(funnel, "lost")), 409, "in_use")["detail"]
    otto.patch("/customers/" + c["id"], {"stage": "proposal"}, "*")
    moved = [dict(funnel[0], stages=funnel[0]["stages"] + funnel[2]["stages"])] + funnel[1:2]
    assert put(otto, moved).status_code == 200, "a deal does not mind to which segment its stage belongs"


def test_history_and_undo(stack, otto):
    funnel = segments(otto)
    assert put(otto, funnel + [segment("more", "more")]).status_code == 200
    operation = last(otto)
    assert (operation["action"], operation["changes"], operation["actor_id"]) == ("funnel.change", 1, otto.id)
    (change,) = otto.get("/history", operation=operation["id"]).json()["data"]
    assert (change["entity"], change["field"], change["old"]) == ("funnel", "segments", funnel) and change["new"] == segments(otto)
    assert otto.pages("/history", entity="funnel")[0] == change
    done = undo(otto, operation["id"])
    assert (done["restored"], done["conflict_count"], segments(otto)) == (1, 0, funnel)
    assert [r[0] for r in derived(stack, otto)[0]] == ["prospecting", "negotiation", "closing"]
    # That was an operation too.
    assert undo(otto, done["operation_id"])["restored"] == 1 and segments(otto)[3]["id"] == "more"


def test_its_history_is_the_admins(ada, max, rita, axel, stack):
    funnel = segments(ada)
    assert put(ada, funnel[::-1]).status_code == 200
    try:
        operation = last(ada)["id"]
    finally:
        assert put(ada, funnel).status_code == 200
    assert len(axel.get("/history", operation=operation).json()["data"]) == 1
    for who in (max, rita):
        assert who.get("/history", entity="funnel").json()["data"] == []
        problem(who.post(f"/operations/{operation}/undo", {"reason": "x"}), 404, "not_found")
    assert [r["why"] for r in undo(ada, operation)["conflicts"]] == ["restored_already"], "by hand"


@pytest.mark.parametrize("statement, says", [
    ("update app.funnel set segments = segments - 0 where org_id = %s", "act_as"), ("update app.funnel set segments = jsonb_set(segments, '{0,hides}', '[\"name\"]') where org_id = %s", "invalid_value"),
    ("update app.funnel set segments = jsonb_set(segments, '{0,rule}', '\"random\"') where org_id = %s", "invalid_value"), ("update app.funnel set segments = '[]' where org_id = %s", "invalid_value"),
    ("delete from app.stage where id = 'new' and org_id = %s", "stage_fkey")], ids=["context", "word", "rule", "empty", "reference"])
def test_the_rules_are_the_database_s(stack, otto, statement, says):
    """What an operator types is held to them."""
    otto.customer(stage="new")
    with pytest.raises(Exception, match=says):
        stack.sql(statement, stack.sql("select org_id from app.staff where id = %s", otto.id)[0][0])
    assert otto.get("/funnel").json()["version"] == 1
