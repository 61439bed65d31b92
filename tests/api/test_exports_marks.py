"""By what a file is known: how its rows are spelled, the customers that only it has, and POST /leaks, which names it."""
import random
import re
import uuid

import pytest

from exporting import asker, decide, decider, digits, fetch, granted, rows, ticket
from holdfast import problem
from people import other_org
from watching import alerts, customers
from works import disclosed, settings

COLUMNS = ["id", "name", "email", "phone"]


@pytest.fixture(scope="module")
def people(stack):
    """An org of this module's: its admin, whoever decides, and a rep with 300 customers."""
    otto = other_org(stack)
    second = decider(stack, "admin", otto)
    rob = asker(stack, otto, 300, "+49 30 44")
    stack.sql("update app.customer set email = 'held' || substr(id::text, 25) || '@held.example' where owner_id = %s", rob.id)
    return otto, second, rob


def known(stack, who):
    return {str(i) for i, in stack.sql("select c.id from app.customer c join app.staff s on s.org_id = c.org_id where s.id = %s", who.id)}


def taken(people, *more, **body):
    """The file of an export of the rep's: its id, and its rows."""
    _, second, rob = people
    export = granted(rob, second, *more, **dict({"columns": COLUMNS}, **body))
    return export["id"], rows(fetch(rob, export))


def leak(who, text, **more):
    answer = who.post("/leaks", dict({"text": text}, **more))
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(who, text):
    """The exports that a text is said to be from, with how probable that is."""
    return {e["export_id"]: e["probability"] for e in leak(who, text)["exports"]}


def lines(rows_):
    return "\r\n".join(f'{r["name"]},{r["email"]},"{r["phone"]}"' for r in rows_)


def test_each_row_is_spelled_by_its_export(stack, people):
    """A bit in the groups of the phone and one in the case of the domain, by the key of the export; nothing else is changed."""
    _, _, rob = people
    real = {str(i): (e, p) for i, e, p in stack.sql("select id, email, phone from app.customer where owner_id = %s", rob.id)}
    spelled = []
    for _ in range(2):
        id_, got = taken(people, columns=COLUMNS + ["phone_e164"])
        mark = dict(stack.sql("select c.id::text, app.marks(c.id, e.mark) from app.export e, app.customer c where e.id = %s and c.owner_id = %s", id_, rob.id))
        mine = {r["id"]: r for r in got if r["id"] in real}
        assert set(mine) == set(real)
        for i, r in mine.items():
            assert (r["email"].lower(), digits(r["phone"]), digits(r["phone_e164"])) == (real[i][0], digits(real[i][1]), digits(real[i][1]))
            assert r["email"].split("@")[1][0] == ("H" if mark[i] & 2 else "h") and re.search(r" \d\d \d\d\d$" if mark[i] & 1 else r" \d\d\d \d\d$", r["phone"])
        spelled.append({(i, r["email"], r["phone"]) for i, r in mine.items()})
        assert len({m & 1 for m in mark.values()}) == len({m & 2 for m in mark.values()}) == 2
    assert 180 < len(spelled[0] - spelled[1]) < 265, "another export, another three quarters"
    assert dict(stack.sql("select id::text, (email, phone)::text from app.customer where owner_id = %s", rob.id)).keys() == real.keys()


@pytest.mark.parametrize("n, decoys", [(49, 0), (50, 1), (99, 1), (100, 2), (260, 3)])
def test_one_decoy_for_fifty_rows(stack, people, n, decoys):
    otto, second, _ = people
    rob = asker(stack, otto, n, "+49 40 6")
    before = known(stack, otto)
    export = granted(rob, second, format="ndjson")
    got = rows(fetch(rob, export))
    ids = {r["id"] for r in got}
    extra = ids - before
    assert (len(got), len(extra)) == (n + decoys, decoys) and known(stack, otto) == before, "nobody else has them"
    assert export["row_count"] == n == rob.get("/exports/" + export["id"]).json()["rows_sent"]
    assert set(disclosed(stack, rob.get("/customers", limit=1))[0][1]) <= before
    for id_ in extra:
        for who in (rob, otto):
            problem(who.get("/customers/" + id_), 404, "not_found")
    assert len(rob.pages("/customers", limit=200)) == n == rob.get("/customers", count="exact").json()["count"]
    assert [r["id"] for r in got] == sorted(ids)


def test_decoys_look_like_the_others(stack, people):
    """Of the requester, where the filter is, spelled and null as the others are; other ones in each export."""
    otto, second, rob = people
    seen = set()
    for _ in range(2):
        export = granted(rob, second, format="ndjson", filter={"stage": "new", "owner": rob.id})
        got = rows(fetch(rob, export))
        real = known(stack, otto)
        extra = [r for r in got if r["id"] not in real]
        others = [r for r in got if r["id"] in real]
        assert len(extra) == 3
        for r in extra:
            assert {k for k in r if r[k] is None} == {k for k in others[0] if others[0][k] is None}
            assert {k: r[k] for k in ("stage", "segment", "owner_id", "archived_at")} == {k: others[0][k] for k in ("stage", "segment", "owner_id", "archived_at")}
            assert re.search(r" (\d\d \d\d\d|\d\d\d \d\d)$", r["phone"]) and r["email"].lower().endswith(".example") and r["created_at"] < stack.sql("select app.time_json(app.now()) #>> '{}'")[0][0]
        seen |= {r["id"] for r in extra}
    assert len(seen) == 6


def test_decoys_only_where_they_fit(stack, people):
    """None where the filter says what customers are called, none of what belongs to them, the same ones in a repetition, masked where all are."""
    otto, second, rob = people
    names_ = [n for n, in stack.sql("select name from app.customer where owner_id = %s limit 50", rob.id)]
    assert len(taken(people, filter={"name": names_})[1]) == 50
    _, got = taken(people, filter={"created_after": "2100-01-01T00:00:00Z"})
    assert got == []
    stack.sql("""insert into app.contact (org_id, id, customer_id, name, email, created_at, updated_at)
        select c.org_id, app.uuid7(), c.id, 'Eva', 'eva@firm.example', app.now(), app.now() from app.customer c where c.owner_id = %s""", rob.id)
    assert len(taken(people, "contacts", columns=["id", "name", "email"])[1]) == 300
    stack.sql("update app.contact set archived_at = app.now() where org_id = (select org_id from app.staff where id = %s)", rob.id)
    with settings(otto, contact_masking="off"):
        clear = taken(people)[1]
    assert not [r for r in clear if "*" in r["phone"]] and len(clear) == 303


def test_decoys_of_the_base_go_along(stack, people):
    """Somebody else has approved it: they are in it as in his list, and that is only told."""
    otto, second, _ = people
    rob = asker(stack, otto, 5, "+49 40 5")
    made = otto.post("/decoys", {"count": 1, "owner_id": rob.id}).json()["decoys"][0]["customer_id"]
    assert made in {r["id"] for r in rows(fetch(rob, granted(rob, second)))}
    assert rob.get("/customers").status_code == 200
    assert [(a["severity"], a["evidence"]["channels"]) for a in alerts(otto, rob) if a["rule"] == "decoy"] == [("info", ["export"])]


@pytest.fixture(scope="module")
def files(people):
    return [taken(people) for _ in range(6)]


def without_decoys(stack, people, got):
    real = known(stack, people[0])
    return [r for r in got if r["id"] in real]


def test_64_rows_name_their_export(stack, people, files):
    """Of several of the same rows, by the spelling alone, in whatever order; nobody else is accused."""
    dice = random.Random(1)
    for id_, got in files:
        some = dice.sample(without_decoys(stack, people, got), 64)
        doc = leak(people[0], lines(some))
        assert [e["export_id"] for e in doc["exports"]] == [id_] and doc["exports"][0]["probability"] > 0.99
        e = doc["exports"][0]
        assert (doc["rows"], doc["unknown"], e["evidence"]["marks"], e["evidence"]["rows_in_set"], e["evidence"]["decoys"]) == (128, 0, {"fit": 128, "against": 0}, 64, [])
        assert (e["staff_id"], e["entity"], bool(e["downloaded_at"])) == (people[2].id, "customers", True)


def test_some_altered_and_two_laid_together(stack, people, files):
    dice = random.Random(2)
    (one, a), (two, b) = ((i, without_decoys(stack, people, g)) for i, g in files[:2])
    altered = [dict(r, phone=digits(r["phone"]), email=r["email"].lower()) if n % 5 == 0 else r for n, r in enumerate(dice.sample(a, 128))]
    assert set(names(people[0], lines(altered))) == {one}
    assert set(names(people[0], lines(dice.sample(a[:150] + b[150:], 300)))) == {one, two}
    prose = " and ".join(f"write to {r['email']} or call {r['phone']}!" for r in a)
    assert set(names(people[0], prose)) == {one}


def test_a_decoy_is_enough(stack, people, files):
    """Where all is spelled anew, an address of the export's own names it; without one nothing does."""
    id_, got = files[3]
    real = known(stack, people[0])
    plain = [dict(r, phone="+" + digits(r["phone"]), email=r["email"].lower()) for r in got]
    mine = [r for r in plain if r["id"] in real]
    assert leak(people[0], lines(mine))["exports"] == []
    for decoy in (r for r in plain if r["id"] not in real):
        doc = leak(people[0], lines(mine[:30] + [decoy]))
        assert [(e["export_id"], e["evidence"]["decoys"]) for e in doc["exports"]] == [(id_, [decoy["id"]])] and doc["exports"][0]["probability"] > 0.9


def test_what_is_from_nowhere(stack, people, ada):
    otto, _, rob = people
    listed = stack.sql("select name, email, phone from app.customer where owner_id = %s", rob.id)
    dice = random.Random(3)
    text = "\n".join(f"{n},{e.replace('@h', '@' + dice.choice('hH'))},{p[:-5] + dice.choice((' ' + p[-5:-2] + ' ' + p[-2:], ' ' + p[-5:-3] + ' ' + p[-3:]))}" for n, e, p in listed)
    assert leak(otto, text)["exports"] == []
    for nothing in ("x", "nobody@nowhere.example +49 30 1234567", "=cmd|' /C calc'!A0", "\u202fé" * 1000):
        assert leak(otto, nothing)["exports"] == [] and leak(otto, nothing)["rows"] == 0
    assert leak(ada, text)["rows"] == 0, "another org's customers are nobody here"


def test_a_file_of_contacts(stack, people):
    _, _, rob = people
    c = customers(stack, rob, 1, "+49 89 1")[0]
    stack.sql("""insert into app.contact (org_id, id, customer_id, name, email, phone, created_at, updated_at)
        select c.org_id, app.uuid7(), c.id, 'Eva', 'eva' || i || '@leaky.example', '+49 221 ' || 7000000 + i, app.now(), app.now() from app.customer c, generate_series(1, 90) i where c.id = %s""", c)
    (one, a), (_, b) = (taken(people, "contacts", columns=["id", "name", "email", "phone"], filter={"customer": c}) for _ in range(2))
    assert len(a) == len(b) == 90 and set(names(people[0], lines(a[10:74]))) == {one}


def test_only_an_admin_asks(stack, ada, axel, max, rita, people, files):
    for who in (axel, max, rita):
        problem(who.post("/leaks", {"text": "x"}), 403, "forbidden")
    otto, text, key = people[0], lines(files[0][1]), {"Idempotency-Key": uuid.uuid4().hex}
    before = stack.sql("select count(*) from app.disclosure")
    first, second = (otto.post("/leaks", {"text": text, "reason": "Found."}, key) for _ in range(2))
    assert first.json() == second.json() and stack.sql("select count(*) from app.disclosure") == before, "it shows nothing of customers"
    assert "held" not in first.text.lower().replace("rows_in_set", "")
    (staff, detail), = stack.sql("select staff_id::text, detail from app.event where kind = 'leaks.find' and detail->>'reason' = 'Found.'")
    assert staff == otto.id and list(detail["exports"]) == [files[0][0]]
    assert leak(ada, text)["exports"] == []


def test_who_only_asked_for_it_is_not_named(stack, people, files):
    """What was approved and not fetched cannot be the source."""
    _, second, rob = people
    export = granted(rob, second)
    ticket(rob, export)
    assert decide(second, export).status_code == 409
    assert export["id"] not in names(people[0], lines(files[4][1])) and set(names(people[0], lines(files[4][1]))) == {files[4][0]}
