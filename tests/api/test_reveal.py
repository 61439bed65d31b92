"""test_reveal.py -- contact values that are masked, shown for a reason: who gets them, what may be asked, what the ledger keeps."""
import itertools

import pytest

from holdfast import problem
from people import MISSING, faceless, newcomer, other_org
from works import settings

numbers = itertools.count(200000)
ALL = ["email", "phone", "phone_e164"]


@pytest.fixture
def c(rita):
    """A customer of rita's."""
    n = next(numbers)
    return rita.customer(phone=f"+49 (30) 5559 {n}", email=f"Info{n}@reveal.example")


def reveal(who, customer, fields=("phone",), reason="A call back."):
    return who.post(f"/customers/{customer['id']}/reveal", {"fields": list(fields), "reason": reason})


def values(c, fields=ALL):
    return {f: c[f] for f in fields}


def ledger(stack, answer):
    """What the ledger keeps of an answer."""
    return stack.sql("select staff_id::text, channel, customer_ids::text[], classes, masked, reason from app.disclosure where request_id = %s::uuid", answer.headers["X-Request-Id"])


@pytest.mark.parametrize("setting", ["off", "lists", "always"])
def test_who_sees_the_customer_gets_them(stack, ada, max, rita, axel, omar, olga, nobody, c, setting):
    with settings(ada, contact_masking=setting):
        for who in (rita, max, ada):
            answer = reveal(who, c, ALL, "  Why: ü\n\"second line\"  ")
            assert (answer.status_code, answer.json()) == (200, values(c)), answer.text
            assert answer.headers["X-Classification"] == "Confidential; holder=demo" and "no-store" in answer.headers["Cache-Control"]
            assert ledger(stack, answer) == [(who.id, "reveal", [c["id"]], "contact", False, "  Why: ü\n\"second line\"  ")]
        refused = reveal(axel, c)
        problem(refused, 403, "forbidden")
        assert ledger(stack, refused) == [] and c["phone"] not in refused.text
        for who in (omar, olga):
            assert faceless(reveal(who, c)) == faceless(reveal(who, {"id": MISSING})) and reveal(who, c).status_code == 404
        problem(reveal(nobody, c), 401)


def test_another_org(stack, c):
    problem(reveal(other_org(stack), c), 404, "not_found")


def test_those_who_only_read(stack, ada, max, rita, c):
    """Colleagues of the team see the customer masked under every setting, and may ask for its values; so may everybody under open."""
    mate = newcomer(stack, manager=max)
    problem(reveal(mate, c), 404)
    for visibility in ("team", "open"):
        for masking in ("off", "lists", "always"):
            with settings(ada, visibility=visibility, contact_masking=masking):
                shown = mate.get("/customers/" + c["id"]).json()
                assert shown["masked"] == (ALL if visibility == "team" or masking == "always" else []), (visibility, masking)
                answer = reveal(mate, c, ALL)
                assert answer.json() == values(c) and ledger(stack, answer)[0][0] == mate.id
                (row,) = mate.get("/history", record=c["id"]).json()["data"]
                assert (row["new"]["phone"] == c["phone"]) == (visibility == "open" and masking == "off")
    problem(reveal(mate, c), 404)


def test_which_fields(rita, c):
    assert reveal(rita, c, ["phone_e164"]).json() == values(c, ["phone_e164"])
    assert reveal(rita, c, ["email", "email"]).json() == values(c, ["email"])
    bare = rita.customer(phone="030 77")
    assert reveal(rita, bare, ALL).json() == {"email": None, "phone": "030 77", "phone_e164": None}


@pytest.mark.parametrize("body, pointer", [
    ({"fields": [], "reason": "x"}, "/fields"), ({"fields": ["notes"], "reason": "x"}, "/fields/0"), ({"fields": ["phone", "Email"], "reason": "x"}, "/fields/1"), ({"fields": "phone", "reason": "x"}, "/fields"),
    ({"fields": ["phone"] * 4, "reason": "x"}, "/fields"), ({"reason": "x"}, "/fields"), ({"fields": None, "reason": "x"}, "/fields"), ({"fields": ["phone"]}, "/reason"),
    ({"fields": ["phone"], "reason": None}, "/reason"), ({"fields": ["phone"], "reason": " "}, "/reason"), ({"fields": ["phone"], "reason": "x" * 1001}, "/reason")])
def test_wrong_bodies(stack, rita, axel, c, body, pointer):
    path = f"/customers/{c['id']}/reveal"
    answer = rita.post(path, body)
    problem(answer, 422, "invalid_value", pointer)
    assert ledger(stack, answer) == []
    problem(axel.post(path, body), 403), problem(rita.post(f"/customers/{MISSING}/reveal", body), 404)
    problem(rita.post(path, dict(body, bogus=1)), 400, "unknown_member", "/bogus")


def test_an_archived_one(stack, rita, c):
    assert rita.delete("/customers/" + c["id"], "*").status_code == 200
    assert reveal(rita, c).json() == values(c, ["phone"])


def test_no_ledger_no_values(stack, rita, c):
    """The row of the ledger and the values are one transaction."""
    stack.sql("alter table app.disclosure add constraint test_full check (channel <> 'reveal') not valid")
    try:
        answer = reveal(rita, c)
    finally:
        stack.sql("alter table app.disclosure drop constraint test_full")
    assert answer.status_code >= 400 and c["phone"] not in answer.text


def test_it_is_on_the_disk(stack, rita, c):
    """Unlike what plain reads leave in the ledger: the commit waits, which a trigger sees."""
    stack.sql("""create table app.test_commit (channel text, synchronous text); grant insert on app.test_commit to public;
        create function app.test_commit() returns trigger language plpgsql as $$ begin
            insert into app.test_commit values (new.channel, current_setting('synchronous_commit')); return new; end $$;
        create trigger test_commit before insert on app.disclosure for each row execute function app.test_commit()""")
    try:
        assert reveal(rita, c).status_code == 200 and rita.get("/customers/" + c["id"]).status_code == 200
        assert stack.sql("select * from app.test_commit") == [("reveal", "on"), ("read", "off")]
    finally:
        stack.sql("drop trigger test_commit on app.disclosure; drop function app.test_commit; drop table app.test_commit")
