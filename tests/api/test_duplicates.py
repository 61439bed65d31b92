"""test_duplicates.py -- whoever makes a customer or a contact anew is told of those that are there already, as far as he sees them."""
import concurrent.futures
import itertools

import pytest

from holdfast import Client, problem
from masks import masked, said
from people import newcomer, other_org
from works import hides, settings

numbers = itertools.count(710000)
MEMBERS = {"entity", "id", "customer_id", "name", "email", "phone", "city", "stage", "owner_id", "matched", "masked"}


def unique(word="Dup"):
    return f"{word} {next(numbers)}"


def made(client, name=None, **fields):
    """What a POST answers: the customer and its duplicates."""
    answer = client.post("/customers", dict({"name": name or unique()}, **fields))
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return body, body.pop("duplicates")


def contact(client, customer, name="Eva Adler", **fields):
    answer = client.post("/contacts", dict({"customer_id": customer["id"], "name": name}, **fields))
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return body, body.pop("duplicates")


def found(duplicates):
    return sorted((d["entity"], d["id"], d["matched"]) for d in duplicates)


def values():
    n = next(numbers)
    return {"email": f"door{n}@dup.example", "phone": f"+49 30 7{n}"}


def notices(client, customer=None):
    rows = client.pages("/notices", kind="duplicate")
    return [n for n in rows if customer is None or n["customer_id"] == customer["id"]]


def test_an_entry(rita, stack):
    here = values()
    first, none = made(rita, city="Bonn", country="DE", **here)
    assert none == []
    answer = rita.post("/customers", {"name": first["name"].upper() + " G.m.b.H.", "email": here["email"].upper(), "phone": here["phone"].replace(" ", "-"), "city": "bonn"})
    second = answer.json()
    (entry,) = second.pop("duplicates")
    assert entry == {"entity": "customers", "id": first["id"], "customer_id": first["id"], "name": first["name"], "email": masked("email", first["email"]),
                     "phone": masked("phone", first["phone"]), "city": "Bonn", "stage": "new", "owner_id": rita.id, "matched": ["email", "phone", "name"], "masked": ["email", "phone"]}
    assert answer.headers["ETag"] == '"v1"' and rita.get("/customers/" + second["id"]).json() == second, "the rest is as GET has it"
    assert stack.sql("select channel, masked, classes from app.disclosure where %s = any(customer_ids) order by at desc limit 1", first["id"]) == [("duplicate", True, "base contact")]
    third, entries = made(rita, first["name"])
    assert found(entries) == sorted([("customers", c["id"], ["name"]) for c in (first, second)]), "the name alone"


@pytest.mark.parametrize("one, other, same", [
    ("Müller & Söhne GmbH", "MULLER SOHNE", True), ("Acme S.A.", "acme", True), ("A.C.M.E. Ltd.", "ACME Limited", True), ("Ørsted A/S", "Orsted", True),
    ("Weiß GmbH & Co. KG", "WEISS gmbh", True), ("Bakker B.V.", "Bakker BV", True), ("Dupont S.à r.l.", "Dupont SARL", True), ("Foo, Inc.", "Foo LLC", True),
    ("Müller", "Mueller", False), ("Acme One", "Acme Two", False), ("AG", "GmbH", False), ("Нева", "НЕВА", True), ("!!!", "???", False)])
def test_names(rita, one, other, same):
    town = unique("Town")
    first = made(rita, one, city=town)[0]
    entries = made(rita, other, city=town)[1]
    assert found(entries) == ([("customers", first["id"], ["name"])] if same else [])


@pytest.mark.parametrize("one, other, same", [
    ({}, {}, True), ({"country": "DE"}, {}, True), ({"country": "DE"}, {"country": "AT"}, False), ({"city": "Köln"}, {"city": "KOLN"}, True), ({"city": "Köln"}, {"city": "Bonn"}, False),
    ({"city": "Köln", "postal_code": "50667"}, {"city": "Cologne", "postal_code": "50667"}, True), ({"city": "Köln", "postal_code": "50667"}, {"postal_code": "50668"}, False),
    ({"city": "Köln", "country": "DE"}, {"city": "Köln", "country": "US"}, False), ({"city": "Köln"}, {"postal_code": "50667"}, True)])
def test_places(rita, one, other, same):
    name = unique()
    first = made(rita, name, **one)[0]
    assert found(made(rita, name, **other)[1]) == ([("customers", first["id"], ["name"])] if same else [])


def test_a_number_as_it_is_written_here_and_there(rita):
    n = next(numbers)
    first = made(rita, phone=f"030 7{n}", country="DE")[0]
    assert found(made(rita, phone=f"+49 (0)30 7{n}")[1]) == [("customers", first["id"], ["phone"])]
    assert made(rita, phone=f"030 7{n}", country="AT")[1] == [], "which is a number in Austria"


def test_what_is_archived_is_no_duplicate(rita):
    here = values()
    first = made(rita, **here)[0]
    k = contact(rita, made(rita)[0], **values())[0]
    assert rita.delete("/customers/" + first["id"], '"v1"').status_code == 200 and rita.delete("/contacts/" + k["id"], '"v1"').status_code == 200
    assert made(rita, first["name"], **here)[1] == [] and made(rita, email=k["email"])[1] == []


def test_ten_at_most_the_best_first(rita):
    name, here = unique(), values()
    for _ in range(11):
        made(rita, name)
    best = made(rita, name, **here)[0]
    entries = made(rita, name, **here)[1]
    assert len(entries) == 10 and (entries[0]["id"], entries[0]["matched"]) == (best["id"], ["email", "phone", "name"])


def test_contacts(rita):
    here, there = values(), values()
    c = made(rita, city="Ulm", **here)[0]
    k, none = contact(rita, c, **here)
    assert none == [], "the customer's own number is no duplicate of it"
    again, entries = contact(rita, c, "Eva Adler", phone=here["phone"])
    assert found(entries) == [("contacts", k["id"], ["phone"])], "another one of this customer is"
    assert contact(rita, c, "Eva Adler")[1] == [], "a name is not enough"
    d = made(rita, **there)[0]
    other, entries = contact(rita, d, email=here["email"])
    assert found(entries) == sorted([("customers", c["id"], ["email"]), ("contacts", k["id"], ["email"])])
    entry = next(e for e in entries if e["entity"] == "contacts")
    assert set(entry) == MEMBERS and (entry["customer_id"], entry["name"], entry["city"], entry["owner_id"], entry["masked"]) == (c["id"], k["name"], "Ulm", rita.id, ["email", "phone"])
    assert (entry["email"], entry["phone"]) == (masked("email", k["email"]), masked("phone", k["phone"]))
    assert found(made(rita, phone=here["phone"])[1]) == sorted([("customers", c["id"], ["phone"]), ("contacts", k["id"], ["phone"]), ("contacts", again["id"], ["phone"])])
    assert rita.get("/contacts/" + other["id"]).json() == other


def test_refused(rita, stack):
    here = values()
    first = made(rita, **here)[0]
    k = contact(rita, first, **values())[0]
    target = made(rita)[0]
    before = stack.sql("select (select count(*) from app.customer), (select count(*) from app.contact), (select count(*) from app.history), (select count(*) from app.retry)")
    for path, body, id in (("/customers", {"name": unique(), "email": here["email"]}, first["id"]), ("/customers", {"name": unique(), "phone": k["phone"]}, k["id"]),
                           ("/contacts", {"customer_id": target["id"], "name": "x", "phone": here["phone"]}, first["id"])):
        answer = rita.post(path, body, {"Idempotency-Key": unique("k").replace(" ", "")}, duplicates="refuse")
        entries = problem(answer, 409, "duplicate")["duplicates"]
        assert [e["id"] for e in entries] == [id] and set(entries[0]) == MEMBERS and answer.headers["X-Classification"]
    assert stack.sql("select (select count(*) from app.customer), (select count(*) from app.contact), (select count(*) from app.history), (select count(*) from app.retry)") == before
    assert stack.sql("select channel from app.disclosure where %s = any(customer_ids) order by at desc limit 1", first["id"]) == [("duplicate",)], "what was shown is in the ledger"
    answer = rita.post("/customers", {"name": unique(), **values()}, duplicates="refuse")
    assert (answer.status_code, answer.json()["duplicates"]) == (201, [])
    assert made(rita, email=here["email"])[1] != []
    problem(rita.post("/customers", {"name": "x"}, duplicates="merge"), 400, "invalid_parameter", "?duplicates")
    problem(rita.post("/customers", {"name": "x", "email": here["email"], "country": "XX"}, duplicates="refuse"), 409, "duplicate")


def test_a_repetition_tells_again(rita):
    here, key = values(), {"Idempotency-Key": unique("again").replace(" ", "")}
    first = made(rita, **here)[0]
    body = {"name": unique(), "email": here["email"]}
    answers = [rita.post("/customers", body, key) for _ in range(2)]
    assert answers[0].json() == answers[1].json() and found(answers[0].json()["duplicates"]) == [("customers", first["id"], ["email"])]
    fresh = {"Idempotency-Key": unique("fresh").replace(" ", "")}
    problem(rita.post("/customers", body, fresh, duplicates="refuse"), 409, "duplicate")
    for id in (first["id"], answers[0].json()["id"]):
        assert rita.delete("/customers/" + id, '"v1"').status_code == 200
    assert rita.post("/customers", body, fresh, duplicates="refuse").status_code == 201, "a refusal keeps no key"


def test_two_at_once(rita, stack):
    """The second is told of the first, or refused."""
    for word in ("tell", "refuse"):
        for _ in range(5):
            body = dict({"name": unique()}, **values())
            with concurrent.futures.ThreadPoolExecutor(6) as pool:
                clients = [Client(stack) for _ in range(6)]
                for c in clients:
                    c.http.headers["Authorization"] = rita.http.headers["Authorization"]
                answers = list(pool.map(lambda c: c.post("/customers", body, duplicates=word), clients))
            if word == "tell":
                assert sorted(len(a.json()["duplicates"]) for a in answers) == list(range(6))
            else:
                assert sorted(a.status_code for a in answers) == [201] + [409] * 5


@said("off lists always")
def test_masks(rita, contacts):
    here = values()
    first = made(rita, **here)[0]
    (entry,) = made(rita, email=here["email"])[1]
    clear = contacts == "off"
    assert (entry["email"], entry["phone"], entry["masked"]) == ((here["email"], here["phone"], []) if clear else
                                                                 (masked("email", here["email"]), masked("phone", here["phone"]), ["email", "phone"]))


def test_what_he_does_not_see_he_is_not_told(rita, omar, stack):
    """The answer is that of one without a duplicate."""
    here, there = values(), values()
    hidden = made(omar, city="Bonn", **here)[0]
    k = contact(omar, hidden, **there)[0]
    faces = set()
    for word, fields in (("tell", {"email": here["email"]}), ("refuse", {"phone": here["phone"]}), ("tell", {"email": k["email"]}), ("refuse", {"phone": k["phone"]}),
                         ("refuse", {"name": hidden["name"], "city": "Bonn"}), ("tell", values()), ("refuse", values())):
        answer = rita.post("/customers", dict({"name": unique()}, **fields), duplicates=word)
        assert (answer.status_code, answer.json()["duplicates"]) == (201, []) and hidden["id"] not in answer.text
        faces.add((tuple(sorted(answer.headers)), tuple(answer.json())))
    assert len(faces) == 1
    mine = made(rita)[0]
    for fields in ({"email": here["email"]}, {"phone": k["phone"]}):
        assert all(e["owner_id"] == rita.id for e in contact(rita, mine, **fields)[1])
    assert other_org(stack).post("/customers", dict({"name": hidden["name"]}, **here)).json()["duplicates"] == []


def test_the_nearest_who_sees_both_is_told(rita, nina, omar, max, olga, ada, abby, stack):
    here, there = values(), values()
    hidden, far = made(nina, **here)[0], made(omar, **there)[0]
    mine = made(rita, email=here["email"])[0]
    (notice,) = notices(max, mine)
    assert (notice["kind"], notice["other_id"], notice["actor_id"], notice["actor_name"], notice["reason"]) == ("duplicate", hidden["id"], rita.id, "Rita Rep", None)
    for who in (rita, nina, ada, abby, olga):
        assert notices(who, mine) == []
    other = made(rita, email=there["email"])[0]
    assert notices(max, other) == [] == notices(olga, other), "neither sees both"
    assert [[n["other_id"] for n in notices(who, other)] for who in (ada, abby)] == [[far["id"]]] * 2
    by_max = made(max, phone=there["phone"])[0]
    assert [n["other_id"] for n in notices(ada, by_max)] == [far["id"]] and notices(max, by_max) == []
    assert made(ada, phone=there["phone"])[1] != [] and notices(abby, by_max) != []
    unowned = stack.sql("update app.customer set owner_id = null where id = %s returning 1", far["id"]) and made(rita, phone=there["phone"])[0]
    assert len(notices(ada, unowned)) >= 1


def test_of_the_same_two_once(rita, nina, max):
    here = values()
    hidden, mine = made(nina, **here)[0], made(rita)[0]
    for _ in range(3):
        contact(rita, mine, **here)
    assert [n["other_id"] for n in notices(max, mine)] == [hidden["id"]]


def test_managers_who_have_left_are_passed_over(stack):
    boss = other_org(stack)
    upper = newcomer(stack, "manager", boss, ())
    lower = newcomer(stack, "manager", upper, ())
    one, two = (newcomer(stack, manager=lower) for _ in range(2))
    here = values()
    made(one, **here)
    first = made(two, email=here["email"])[0]
    assert [len(notices(who, first)) for who in (lower, upper, boss)] == [1, 0, 0]
    stack.sql("update app.staff set status = 'inactive' where id = %s", lower.id)
    second = made(two, phone=here["phone"])[0]
    assert [len(notices(who, second)) for who in (upper, boss)] == [1, 0]


def test_a_notice_shows_the_other_one_while_its_reader_sees_it(rita, nina, max, ada, olga, omar):
    here = values()
    hidden = made(nina, **here)[0]
    mine = made(rita, email=here["email"])[0]
    assert notices(max, mine)[0]["other_id"] == hidden["id"]
    ada.change(hidden, owner_id=omar.id, stage="new")
    assert notices(max, mine)[0]["other_id"] is None


def test_what_the_funnel_keeps_back_is_not_matched(rita, nina, max, ada):
    here, there = values(), values()
    c = made(rita, unique(), city="Ulm", **here)[0]
    k = contact(rita, c, **there)[0]
    assert rita.post("/customers/" + c["id"] + "/stage", {"stage": "proposal", "owner_id": nina.id}).status_code == 200
    with hides(ada, prospecting=["email", "city", "contacts"]):
        mine, entries = made(nina, email=here["email"])
        assert entries == [] and [n["other_id"] for n in notices(max, mine)] == [c["id"]], "she sees the customer but not that it is the same"
        (entry,) = made(nina, phone=here["phone"])[1]
        assert (entry["email"], entry["city"], entry["masked"]) == (None, None, ["city", "email", "phone"])
        assert made(nina, email=there["email"])[1] == [] and made(nina, phone=there["phone"])[1] == []
        (entry,) = made(nina, c["name"], city="Kiel")[1]
        assert entry["matched"] == ["name"], "nor does she learn that the city is another one"
    assert {e["id"] for e in made(nina, email=there["email"])[1]} >= {k["id"]}


def test_whom_a_setting_shows(ada, rita, omar):
    here = values()
    c = made(omar, **here)[0]
    with settings(ada, visibility="open"):
        assert found(made(rita, email=here["email"])[1]) == [("customers", c["id"], ["email"])]
