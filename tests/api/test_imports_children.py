"""Files become contacts and activities, each of a customer whom the sender works with; and who is there twice."""
import uuid

from holdfast import problem
from importing import dry, imported, made, records, send


def word():
    return uuid.uuid4().hex[:8]


def customer(who, **more):
    return who.customer(**dict({"name": "Whole " + word(), "email": word() + "@whole.example"}, **more))


def test_contacts(max):
    a, b = customer(max, country="DE"), customer(max)
    rows = [(a["id"], "Eva One"), (a["email"].upper(), "Eva Two"), (b["name"], "Eva Three"), (b["id"], "Eva Four")]
    document = imported(max, "Company;Contact name;Position;E-mail;Phone\n" + "".join(f"{of};{name};Buyer;{word()}@x.example;030 1234567{n}\n" for n, (of, name) in enumerate(rows)), entity="contacts")
    assert (document["good"], document["bad"]) == (4, 0), document
    got = [max.get("/contacts/" + id).json() for _, id in sorted(records(max, document).items())]
    assert [(c["customer_id"], c["name"], c["title"], c["is_primary"]) for c in got] == [
        (a["id"], "Eva One", "Buyer", True), (a["id"], "Eva Two", "Buyer", False), (b["id"], "Eva Three", "Buyer", True), (b["id"], "Eva Four", "Buyer", False)]
    assert got[0]["phone_e164"] == "+49301234567" + "0"
    assert [x["id"] for x in max.get("/imports", record=got[0]["id"]).json()["data"]] == [document["id"]]


def test_whose_a_contact_cannot_be(max, theo, olga):
    mine, gone, twice, theirs = customer(max), customer(max), customer(max), customer(theo)
    max.customer(name=twice["name"])
    assert max.delete("/customers/" + gone["id"], '"v1"').status_code == 200
    data = "customer,name\n" + "".join(f"{of},Eva\n" for of in (mine["id"], "", gone["id"], gone["name"], twice["name"], theirs["id"], theirs["email"], str(uuid.uuid4()), "nobody at all"))
    for document in (dry(max, data, entity="contacts"), imported(max, data, entity="contacts")):
        assert [(e["line"], e["code"]) for e in document["errors"]] == [(3, "required"), (4, "unknown"), (5, "unknown"), (6, "ambiguous")] + [(n, "unknown") for n in (7, 8, 9, 10)]
        assert all(e["column"] == "customer" for e in document["errors"]) and document["good"] == 1
    # Hidden and missing look the same.
    assert len({e["detail"] for e in document["errors"] if e["line"] in (7, 8, 9, 10)}) == 1


def test_a_customer_whom_one_only_reads(stack, max, theo):
    theirs = customer(theo)
    stack.sql("update app.settings set visibility = 'open' where org_id = (select org_id from app.login where email = 'ada@demo.test')")
    try:
        document = dry(max, f"customer,name\n{theirs['id']},Eva\n", entity="contacts")
    finally:
        stack.sql("update app.settings set visibility = 'own' where org_id = (select org_id from app.login where email = 'ada@demo.test')")
    assert [(e["column"], e["code"]) for e in document["errors"]] == [("customer", "forbidden")]


def test_activities(max):
    c = customer(max)
    head = "Firma;Typ;Richtung;Betreff;Datum;Nächster Schritt;Fällig\n"
    document = imported(max, head + f"{c['id']};Call;Out;Said hello;24.12.2025 14:30;Call again;2026-01-07\n{c['email']};;;Only a note;;;\n", entity="activities")
    call, note = [max.get("/activities/" + id).json() for _, id in sorted(records(max, document).items())]
    assert (call["kind"], call["direction"], call["subject"], call["at"], call["next_step"], call["due_at"], call["author_id"]) == (
        "call", "out", "Said hello", "2025-12-24T14:30:00.000000Z", "Call again", "2026-01-07T00:00:00.000000Z", max.id)
    assert call["backdated"] is True and (note["kind"], note["direction"], note["backdated"]) == ("note", None, False)
    rows = [("Dance", "", "", "Typ", "unknown"), ("call", "", "", "Richtung", "required"), ("call", "up", "", "Richtung", "unknown"), ("note", "in", "", "Richtung", "form"),
            ("note", "", "1/2/2026", "Datum", "ambiguous"), ("note", "", "yesterday", "Datum", "format"), ("note", "", "31.02.2026", "Datum", "format")]
    document = dry(max, head + "".join(f"{c['id']};{kind};{way};x;{at};;\n" for kind, way, at, _, _ in rows), entity="activities")
    assert [(e["column"], e["code"]) for e in document["errors"]] == [(column, code) for *_, column, code in rows]
    assert dry(max, head + f"{c['id']};note;;x;1/2/2026;;\n", entity="activities", dates="mdy")["sample"][0]["at"].startswith("2026-01-02")
    problem(send(max, "Betreff\nx\n", entity="activities"), 422, "invalid_value", "/mapping")


def pair():
    start = uuid.uuid4().int % 10 ** 8
    return f"{word()}@twice.example", f"+49 30 {start:08}"


def test_duplicates(max, theo, olga, ada):
    mail, phone = pair()
    there = max.customer(email=mail, phone=phone)
    contact = max.post("/contacts", {"customer_id": there["id"], "name": "Eva", "email": "eva." + mail}).json()
    hidden_mail, _ = pair()
    hidden = theo.customer(email=hidden_mail)
    data = f"Name,E-mail,Phone\na {word()},{mail.upper()},\nb {word()},,{phone}\nc {word()},eva.{mail},\nd {word()},new.{mail},\ne {word()},new.{mail},\nf {word()},{hidden_mail},\n"
    told = dry(max, data)
    assert (told["good"], told["skipped"], told["bad"], told["duplicate_count"]) == (6, 0, 0, 4)
    shown = {d["line"]: d for d in told["duplicates"]}
    assert sorted(shown) == [2, 3, 4, 6] and shown[6] == {"line": 6, "kind": "file", "matched": ["email"]}
    assert (shown[2]["kind"], shown[2]["matched"], shown[2]["id"], shown[2]["name"]) == ("base", ["email"], there["id"], there["name"]) and "***" in shown[2]["email"]
    assert (shown[3]["matched"], shown[4]["entity"], shown[4]["id"]) == (["phone"], "contacts", contact["id"])
    assert hidden["id"] not in str(told) and mail not in str(told["duplicates"]), "of those whom he does not see nothing"
    skipped = dry(max, data, duplicates="skip")
    assert (skipped["good"], skipped["skipped"], skipped["bad"]) == (2, 4, 0)
    refused = dry(max, data, duplicates="refuse")
    assert (refused["good"], refused["skipped"], refused["bad"]) == (2, 0, 4)
    assert [(e["line"], e["column"], e["code"]) for e in refused["errors"]] == [(2, "E-mail", "duplicate"), (3, "Phone", "duplicate"), (4, "E-mail", "duplicate"), (6, "E-mail", "duplicate")]
    before = [n["customer_id"] for n in ada.pages("/notices")]
    document = imported(max, data, duplicates="skip")
    assert sorted(records(max, document)) == [5, 7]
    # Who sees both is told, as of whoever is typed in.
    told = [n for n in ada.pages("/notices") if n["customer_id"] not in before and n["kind"] == "duplicate"]
    assert [n["customer_id"] for n in told] == [records(max, document)[7]]
    again = imported(max, data, duplicates="skip")
    assert (again["good"], again["skipped"]) == (0, 6) and [d["kind"] for d in again["duplicates"] if d["line"] == 7] == ["base"]


def test_a_contact_is_no_duplicate_of_its_customer(max):
    mail, phone = pair()
    c = max.customer(email=mail, phone=phone)
    assert dry(max, f"customer,name,email,phone\n{c['id']},Eva,{mail},{phone}\n", entity="contacts")["duplicate_count"] == 0
    assert dry(max, f"customer,name,email\n{max.customer()['id']},Eva,{mail}\n", entity="contacts")["duplicate_count"] == 1


def test_owners(max, ada, stack):
    """A manager gives customers to his own people, an admin to anybody who works."""
    data = "Name,Owner\n" + "".join(f"x {word()},{who}@demo.test\n" for who in ("rita", "RITA", "omar", "max", "axel"))
    assert [(e["line"], e["code"]) for e in dry(max, data)["errors"]] == [(4, "unknown"), (6, "unknown")]
    assert [(e["line"], e["code"]) for e in dry(ada, data)["errors"]] == [(6, "unknown")]
    assert made(max, f"Name,Owner\nx {word()},nina@demo.test\n")[0]["owner_id"] == stack.sql("select id::text from app.staff where email = 'nina@demo.test'")[0][0]
