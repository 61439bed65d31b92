"""test_child_restore_conflicts.py -- what is not taken back: whom somebody else made the primary contact, what was sent, a stage that is gone."""
from large import as_person
from people import other_org
from restoring import last_operation, moment, restore, undo, window
from test_child_restores import active, archive, edit, last, make, now, offer, offered, operations, put_away
from works import put, segments


def primary(who, c):
    names = [r["name"] for r in who.pages("/contacts", customer=c["id"], primary="true")]
    assert len(names) <= 1
    return "".join(names)


def test_one_primary_contact(rita, max):
    c = rita.customer()
    eva, bob, kim = (make(rita, "contacts", c, name=n) for n in ("Eva", "Bob", "Kim"))
    assert primary(rita, c) == "Eva"
    edit(rita, bob, is_primary=True)
    by_rita = last(rita, bob)
    assert primary(rita, c) == "Bob" and undo(rita, by_rita)["restored"] == 2 and primary(rita, c) == "Eva", "two fields, one move"
    edit(rita, bob, is_primary=True)
    by_rita = last(rita, bob)
    edit(max, kim, is_primary=True)
    done = undo(rita, by_rita)
    assert (done["restored"], {k["record_id"]: k["why"] for k in done["conflicts"]}) == (0, {eva["id"]: "changed_since", bob["id"]: "restored_already"})
    assert primary(rita, c) == "Kim", "whom max chose since"
    # Who comes back from the archive does not take it from whoever has it by now.
    archive(rita, kim)
    away = last(rita, kim)
    assert primary(rita, c) == ""
    edit(max, bob, is_primary=True)
    assert undo(rita, away)["conflict_count"] == 0 and primary(rita, c) == "Bob" and active(rita, kim)
    put_away(rita, c)
    assert primary(rita, c) == "" and undo(max, last_operation(max, c))["conflict_count"] == 0 and primary(rita, c) == "Bob"
    archive(rita, bob)
    away = last(rita, bob)
    put_away(rita, c)
    undo(max, last_operation(max, c))
    assert primary(rita, c) == "" and undo(rita, away)["conflict_count"] == 0 and primary(rita, c) == "Bob"


def test_a_sent_offer_stays_sent(stack, rita, max):
    c = rita.customer()
    draft, sent = offer(stack, rita, c), offer(stack, rita, c, "sent")
    done = undo(max, operations(max, sent)[0])
    assert (done["restored"], {(k["field"], k["why"]) for k in done["conflicts"]}) == (0, {("status", "sent"), ("promised_by", "sent")})
    as_person(stack, rita, "update app.offer set notes = 'Other.' where id = %s", draft["id"])
    assert undo(max, operations(max, draft)[0])["restored"] == 1 and offered(stack, draft)[2] == "Draft."
    as_person(stack, rita, "update app.offer set status = 'accepted', reason = 'Good.' where id = %s", sent["id"])
    assert undo(max, operations(max, sent)[0])["restored"] == 2 and offered(stack, sent)[0] == "sent", "a decision is taken back"
    begin = moment(stack)
    fresh, gone = offer(stack, rita, c), offer(stack, rita, c, "sent")
    done = restore(max, window(rita, begin, moment(stack), entities=["offers"]))
    assert (done["restored"], [(k["record_id"], k["field"], k["why"]) for k in done["conflicts"]]) == (1, [(gone["id"], "archived_at", "sent")]), "neither is that it was made"
    assert (offered(stack, fresh)[1] is None, offered(stack, gone)[1]) == (False, None)
    put_away(rita, c)
    assert undo(max, last_operation(max, c))["conflict_count"] == 0 and offered(stack, sent)[:2] == ("sent", None)


def test_the_stage_of_a_deal_is_gone(stack):
    otto = other_org(stack)
    c, funnel = otto.customer(stage="new"), segments(otto)
    deal = make(otto, "deals", c, stage="lost")
    edit(otto, deal, stage="won")
    moved = last(otto, deal)
    assert put(otto, [funnel[0], funnel[1], dict(funnel[2], stages=funnel[2]["stages"][:2])]).status_code == 200
    done = undo(otto, moved)
    assert (done["restored"], [(k["field"], k["target"], k["why"]) for k in done["conflicts"]]) == (0, [("stage", "lost", "stage_gone")])
    assert put(otto, funnel).status_code == 200 and undo(otto, moved)["restored"] == 1 and now(otto, deal)["stage"] == "lost"
