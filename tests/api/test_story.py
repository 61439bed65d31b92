"""The story: a rep spoils her customers, her manager takes exactly that back, and the good edits stay."""
from holdfast import Stack
from masks import masked
from restoring import dry_run, moment, read, restore, undo, window, without_times

import pytest


@pytest.fixture(scope="module")
def stack():
    """Its own, because it is stopped in the middle."""
    with Stack() as running:
        yield running


def state(client, customers):
    return {c["id"]: read(client, c) for c in customers}


def same(now, then):
    return {i: without_times(c) for i, c in now.items()} == {i: without_times(c) for i, c in then.items()}


def test_story(stack, rita, max, ada):
    mine = rita.pages("/customers", limit=200)
    assert len(mine) == 40
    others_before = state(ada, [c for c in ada.pages("/customers", limit=200) if c["owner_id"] != rita.id])
    spoiled, spared = mine[:20], mine[20:]
    fixed, edited = spoiled[:3], spoiled[3:8]

    # Good work before the window, by a colleague and by rita herself; both are part of what must come back.
    for c in edited:
        max.change(c, notes="Ask for the autumn list.", region="North")
    rita.change(spoiled[9], city="Bremen")
    before = state(max, spoiled)
    untouched = state(max, spared)

    begin = moment(stack)
    for n, c in enumerate(spoiled):
        rita.change(c, phone=f"+49 30 0000 {n:04}", city="Nowhere")
        if c in edited:  # good edits of a colleague in between
            max.change(c, website=f"https://good{n}.example")
    spoilt = state(max, spoiled)
    end = moment(stack)
    for n, c in enumerate(fixed):
        max.change(c, phone=f"+49 40 7777 {n:04}")
    for c in edited:  # and afterwards
        max.change(c, postal_code="99999")
    after = state(max, spoiled)
    scope = window(rita, begin, end)

    plan = dry_run(max, scope)
    assert (plan["restorable"], plan["conflict_count"], plan["outside"]) == (37, 3, 0)
    assert plan["by_entity"] == {"customers": {"restorable": 37, "conflicts": 3, "records": 20}}
    conflicts = {c["record_id"]: c for c in plan["conflicts"]}
    assert set(conflicts) == {c["id"] for c in fixed}
    for n, c in enumerate(fixed):
        assert conflicts[c["id"]] == {
            "entity": "customers", "record_id": c["id"], "field": "phone", "why": "changed_since",
            **{k: masked("phone", v) for k, v in (("undone", f"+49 30 0000 {n:04}"), ("current", f"+49 40 7777 {n:04}"),
                                                  ("target", before[c["id"]]["phone"]))}}
    assert state(max, spoiled) == after, "a dry run changes nothing"

    done = restore(max, scope, "Rita changed every phone number.", plan_hash=plan["plan_hash"])
    assert (done["restored"], done["conflict_count"], done["outside"]) == (37, 3, 0)
    assert sorted(done["conflicts"], key=str) == sorted(plan["conflicts"], key=str)
    healed = state(max, spoiled)
    for n, c in enumerate(spoiled):
        expected = dict(before[c["id"]])
        if c in fixed:
            expected.update(phone=f"+49 40 7777 {n:04}", phone_e164=f"+49407777{n:04}")
        if c in edited:
            expected.update(website=f"https://good{n}.example", postal_code="99999")
        assert without_times(healed[c["id"]]) == without_times(expected)
    assert read(max, spoiled[9])["city"] == "Bremen", "what she did before the window stays"
    operation = max.get("/operations/" + done["operation_id"]).json()
    assert (operation["changes"], operation["actor_id"], operation["via"], operation["reason"]) == (
        37, max.id, "restore", "Rita changed every phone number.")

    # The restore is undone: all 37 are rita's again.
    back = undo(max, done["operation_id"])
    assert (back["restored"], back["conflict_count"]) == (37, 0)
    assert same(state(max, spoiled), after)
    for n, c in enumerate(spoiled):
        now = read(max, c)
        assert now["city"] == spoilt[c["id"]]["city"] == "Nowhere"
        assert (now["phone"] == f"+49 30 0000 {n:04}") == (c not in fixed)
    assert max.get("/operations/" + back["operation_id"]).json()["undoes"] == done["operation_id"]
    assert max.get("/operations/" + done["operation_id"]).json()["undone_by"] == [back["operation_id"]]

    # It is done again.
    again = restore(max, scope, "As I said.")
    assert (again["restored"], again["conflict_count"]) == (37, 3)
    final = state(max, spoiled)
    assert same(final, healed)

    # Stop and start: all is still there.
    history = ada.pages("/history", record=",".join(c["id"] for c in spoiled), limit=200)
    documents = {i: max.get("/restores/" + i).json() for i in (done["id"], back["id"], again["id"])}
    stack.stop()
    stack.start()
    max, ada, rita = (stack.login(p + "@demo.test") for p in ("max", "ada", "rita"))
    assert state(max, spoiled) == final
    assert state(max, spared) == untouched
    assert state(ada, [{"id": i} for i in others_before]) == others_before
    assert ada.pages("/history", record=",".join(c["id"] for c in spoiled), limit=200) == history
    assert {i: max.get("/restores/" + i).json() for i in documents} == documents
    assert stack.fold_differences() == []
