"""Whom a file hits: a masked value is not tried out by one, and every hit is in the ledger and counted."""
import uuid

import pytest

from holdfast import problem
from importing import begun, dry, imported, many, send, settled
from limits import limited


def pair():
    n = uuid.uuid4().int % 10 ** 9
    return f"hit{n}@hits.example", f"+49 170 {n:09}"


def shown_of(stack, import_id):
    """What the ledger has of the hits of an import: [channel, masked, customer]."""
    return sorted(stack.sql("select channel, masked, unnest(customer_ids)::text from app.disclosure where reason = %s", f"Import {import_id} has it."))


@pytest.mark.parametrize("contacts", ["always"], indirect=True)
def test_masked_values_are_not_tried_out(stack, max, rita, contacts):
    """A dry run leaves nothing behind, so it tells nobody which of his guesses is somebody's masked number; a real one counts each."""
    those = [rita.customer(email=m, phone=p) for m, p in (pair() for _ in range(4))]
    mail, _ = pair()
    assert rita.post("/contacts", {"customer_id": those[0]["id"], "name": "Eva", "email": mail}).status_code == 201
    values = stack.sql("select email, phone from app.customer where id = any(%s::uuid[])", [c["id"] for c in those])
    data = "Name,E-mail,Phone\n" + "".join(f"x,{e},{p}\n" for e, p in values) + f"x,{mail},\n"
    for word_ in ("tell", "skip", "refuse"):
        told = dry(max, data, duplicates=word_)
        assert (told["good"], told["duplicate_count"], told["duplicates"], told["errors"]) == (5, 0, [], []) and shown_of(stack, told["id"]) == []
    whose = dry(max, "customer,name\n" + "".join(f"{e},Eva\n" for e, _ in values), entity="contacts")
    assert {e["code"] for e in whose["errors"]} == {"unknown"} and whose["good"] == 0, "nor by whose a contact would be"
    with limited(stack, max, reveals={"hour": (None, 3)}):
        assert problem(send(max, data, duplicates="skip"), 429, "exposure_budget_exceeded")["measure"] == "reveals"
    for more in ({"duplicates": "refuse"}, {"duplicates": "refuse", "on_error": "refuse"}, {"duplicates": "skip", "on_error": "refuse"}):
        answer = send(max, data, **more)
        import_id = answer.json().get("import_id") or answer.json()["id"]
        assert max.get("/imports/" + import_id).json()["duplicate_count"] == 5
        assert shown_of(stack, import_id) == sorted(("reveal", False, c["id"]) for c in those), "each once"


def test_all_hits_are_in_the_ledger(stack, max, rita):
    """Not the first twenty alone. What a dry run tells is a contact value seen, of which nobody sees more than he may."""
    those = {c["id"]: c for c in (rita.customer(phone=pair()[1]) for _ in range(25))}
    data = "Name,Phone\n" + "".join(f"x,{p}\n" for p, in stack.sql("select phone from app.customer where id = any(%s::uuid[])", list(those)))
    with limited(stack, max, contacts={"day": (None, 10)}):
        problem(send(max, data, dry_run="true"), 429, "exposure_budget_exceeded")
    tried = dry(max, data)
    assert tried["duplicate_count"] == 25 and shown_of(stack, tried["id"]) == sorted(("duplicate", False, c) for c in those)
    real = imported(max, data, duplicates="skip")
    assert shown_of(stack, real["id"]) == sorted(("duplicate", True, c) for c in those), "as in a list"


def test_a_large_one_stops_at_the_limit(stack, max, rita):
    """And what had gone in is taken back."""
    there = rita.customer(phone=pair()[1])["id"]
    data, name = many(1500)
    with limited(stack, max, customers={"hour": (None, 0)}):
        import_id = begun(max, data + f"{name},,{stack.sql('select phone from app.customer where id = %s', there)[0][0]}\n")
        settled(stack, import_id)
    assert stack.sql("select status, why from app.job where id = %s", import_id) == [("failed", "exposure_budget_exceeded")]
    assert stack.sql("select count(*) from app.customer where name like %s and archived_at is null", name + " %") == [(0,)]
