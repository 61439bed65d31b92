"""test_search.py -- GET /search: who finds what by which words, and what nothing is found by."""
import itertools
import time

import pytest

from holdfast import problem
from masks import said
from people import newcomer, other_org
from works import disclosed, hides

numbers = itertools.count(1)
FIELDS = "entity id customer_id name customer_name title email phone phone_e164 city country stage segment owner_id matched masked".split()


def find(who, q, **more):
    answer = who.get("/search", q=q, **more)
    assert answer.status_code == 200, answer.text
    doc = answer.json()
    assert set(doc) == {"data", "next"} and doc["next"] is None and len(doc["data"]) <= 20
    assert all(list(r) == FIELDS for r in doc["data"]) and answer.headers["X-Classification"]
    return doc["data"]


def ids(who, q, **more):
    return [r["id"] for r in find(who, q, **more)]


def word():
    """A word that no other name has, of letters alone."""
    return "q" + "".join(chr(98 + int(c)) + "aeiou"[int(c) % 5] for c in str(next(numbers) * 7919 + 10000))


def person(who, customer, **fields):
    answer = who.post("/contacts", dict({"customer_id": customer["id"], "name": "Somebody"}, **fields))
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_row_shows_what_a_list_shows(rita, ada):
    w = word()
    c = rita.customer(name=f"Adler {w}", email=w + "@x.test", phone="+49 30 123" + str(next(numbers) + 1000), city="Ulm", country="DE")
    k = person(rita, c, name=f"Anna {w}", title="Buyer", email="anna" + w + "@x.test")
    rows = find(rita, w)
    assert [r["id"] for r in rows] == [k["id"], c["id"]], "the latest changed first"
    assert rows[1] == {"entity": "customers", "id": c["id"], "customer_id": c["id"], "name": c["name"], "customer_name": c["name"], "title": None, "email": "q***@x***",
                       "phone": "+4 *** ***-**" + c["phone"][-2:], "phone_e164": "+4 *** ***-**" + c["phone"][-2:], "city": "Ulm", "country": "DE", "stage": c["stage"],
                       "segment": c["segment"], "owner_id": rita.id, "matched": "name", "masked": ["email", "phone", "phone_e164"]}
    assert rows[0] == dict(rows[1], entity="contacts", id=k["id"], name=k["name"], title="Buyer", email="a***@x***", phone=None, phone_e164=None, masked=["email"])
    assert disclosed(ada.stack, rita.get("/search", q=w)) == [("search", [c["id"]], "base contact", True)]
    assert disclosed(ada.stack, rita.get("/search", q="nobody is called so")) == []


@pytest.mark.parametrize("name, asked", [
    ("Müller & Söhne", "muller sohne"), ("Straße", "strasse"), ("Strasse", "STRASSE"), ("Ærø Łódź", "aero lodz"), ("Đorđe Œuvre", "dorde oeuvre"), ("İstanbul", "istanbul"),
    ("Ёлка", "елка"), ("Ρόδος", "ΡΟΔΟΣ"), ("三菱商事", "三菱"), ("ＡＢＣ １２", "abc 12"), ("O'Brien", "o’brien"), ("Zoe\u0301", "zoé"), ("Кириллица Запад", "запад"), ("Ⅷ Partner", "viii part")])
def test_accents_and_scripts(rita, name, asked):
    w = word()
    c = rita.customer(name=f"{name} {w}")
    for q in (f"{asked} {w}", f"{w} {asked}", f"{name} {w}", f"{name} {w}".upper(), f"  {asked},{w}."):
        assert ids(rita, q) == [c["id"]], q


def test_typing_errors(rita):
    for name in ("bern", "mercedes", "воронеж"):
        w = name[0] + name[1:]
        tail = next(numbers) + 70000
        c = rita.customer(name=f"{w} {tail}")
        letter = "я" if name == "воронеж" else "x"
        for i in range(len(w) + 1):
            found = [w[:i] + letter + w[i:]]
            if i < len(w):
                found += [w[:i] + letter + w[i + 1:], w[:i] + w[i + 1:]]
            if i + 1 < len(w):
                found += [w[:i] + w[i + 1] + w[i] + w[i + 2:]]
            for typo in found:
                assert ids(rita, f"{typo} {tail}") == [c["id"]], typo
        assert ids(rita, f"{letter}{w[1:-1]}{letter} {tail}") == [], "two errors in one word"
        assert ids(rita, f"{w} {str(tail)[:-1]}x") == [] and ids(rita, f"{w} {tail + 100000}") == [], "digits are right or wrong"


def test_the_best_first(rita):
    w, v = word(), word()
    names = [f"{w}{v}", f"{v} {w}x", w, f"{w} {v}", f"{w.upper()}!"]
    made = [rita.customer(name=n) for n in names]
    rank = [made[4], made[2], made[3], made[1], made[0]]
    assert ids(rita, w) == [c["id"] for c in rank], "the whole name, then its beginnings; among these the latest changed"
    assert ids(rita, w, limit=1) == [made[4]["id"]]
    rita.change(made[0], city="Ulm")
    assert ids(rita, w) == [c["id"] for c in (made[4], made[2], made[0], made[3], made[1])]
    assert ids(rita, f"{v} {w}") == [c["id"] for c in (made[3], made[1])] and ids(rita, f"{w} {v}") == [made[3]["id"], made[1]["id"]]
    assert ids(rita, f"{v} {w}x") == [made[1]["id"]] and ids(rita, w[2:]) == [], "words are found by their beginning"


FORMS = ["+49 30 {n}", "0049 30 {n}", "+4930{n}", "+49 (0)30 {n}", "+49-30-{n}", "+49 (30) {n}", "+49.30.{n}", "tel: +49 30 {n}", "030 {n}", "030/{n}", "(030) {n}", "0049 (0)30-{n}", "+49 30 {n} ext. 5"]


def test_phones_and_addresses_are_found_whole(rita, max, ada):
    n = 40000000 + next(numbers)
    w = word()
    c = rita.customer(name="Called " + w, phone=f"+49 30 {n}", email=f"{w}@firm.example", country="DE")
    k = person(rita, c, name="Carla", phone=f"030 {n + 1000000}", email=f"{w}.carla@firm.example")
    for form in FORMS:
        assert [(r["id"], r["matched"]) for r in find(rita, form.format(n=n))] == [(c["id"], "phone")], form
        assert [(r["id"], r["matched"]) for r in find(rita, form.format(n=n + 1000000))] == [(k["id"], "phone")], form
    for q in (c["email"], c["email"].upper(), f" {c['email']} "):
        assert [(r["id"], r["matched"]) for r in find(rita, q)] == [(c["id"], "email")]
    assert ids(rita, k["email"]) == [k["id"]]
    for who in (rita, max, ada):
        whole = ["4930" + str(n), c["email"], k["email"]]
        for text in whole:
            for i in range(3, len(text)):
                for part in (text[:i], text[-i:], "+" + text[:i], text[:i] + "*", text[:i] + "%", text[:i - 1] + "_" + text[i:]):
                    assert not {c["id"], k["id"]} & {r["id"] for r in find(who, part) if r["matched"] != "name"}, part
        local, wrong = c["email"].split("@")[0], str(n)[:-1] + str((n + 5) % 10)
        for q in (local[:-1] + "@firm.example", local + "x@firm.example", "@firm.example", "firm.example", "030 " + wrong, "+49 30 " + wrong, str(n)[:-1] + "0" + str(n)[-1]):
            assert not {c["id"], k["id"]} & set(ids(who, q)), q


def test_both_by_name_and_number(rita):
    n = 5550000 + next(numbers)
    named, called = rita.customer(name=f"Line {n}"), rita.customer(name="Other", phone=f"+49 30 {n}")
    short = rita.customer(name="Short", phone="4711")
    also = rita.customer(name="4711 Cologne")
    assert ids(rita, f"+49 30 {n}") == [called["id"]] and ids(rita, f"Line {n}") == [named["id"]] and ids(rita, str(n)) == [named["id"]]
    assert [(r["id"], r["matched"]) for r in find(rita, "4711")] == [(short["id"], "phone"), (also["id"], "name")]


def test_contacts_and_their_company(rita, nina):
    w, v = word(), word()
    c = rita.customer(name=f"{w} Werke")
    a, b = person(rita, c, name=f"Anna {v}"), person(rita, c, name=f"Bert {v}")
    assert ids(rita, v) == [b["id"], a["id"]] and ids(rita, f"anna {v}") == [a["id"]]
    assert ids(rita, f"anna {w}") == [a["id"]] == ids(rita, f"{w} werke {v} anna"), "a person by the company's name too"
    assert ids(rita, w) == [c["id"]] == ids(rita, f"{w} werke"), "but not by that alone"
    assert find(nina, v) == [] == find(nina, f"anna {w}")


def test_renamed_moved_archived(rita, nina, max, olga, axel, ada):
    old, new = word(), word()
    c = rita.customer(name=old)
    k = person(rita, c, name=f"Per {old}")
    assert ids(rita, old) == [c["id"], k["id"]]
    c = rita.change(c, name=new)
    assert ids(rita, old) == [k["id"]] and ids(rita, new) == [c["id"]]
    assert rita.patch("/contacts/" + k["id"], {"name": f"Per {new}"}, "*").status_code == 200
    assert ids(rita, old) == [] and set(ids(rita, new)) == {c["id"], k["id"]} == set(ids(rita, f"per {new}") + ids(rita, new))
    assert rita.post(f"/customers/{c['id']}/stage", {"stage": "proposal", "owner_id": nina.id}).status_code == 200
    assert [len(ids(p, new)) for p in (rita, nina, max, olga, axel, ada)] == [0, 2, 2, 0, 2, 2]
    assert nina.delete("/customers/" + c["id"], "*").status_code == 200
    assert [len(ids(p, new)) for p in (rita, nina, max, olga, axel, ada)] == [0] * 6


def test_what_the_funnel_keeps_back(rita, nina, max, ada):
    w, n = word(), 60000000 + next(numbers)
    c = rita.customer(name=w, phone=f"+49 30 {n}", email=w + "@x.test", city="Ulm")
    k = person(rita, c, name=f"Karl {w}", phone=f"+49 30 {n + 1000000}", email=w + "karl@x.test")
    assert rita.post(f"/customers/{c['id']}/stage", {"stage": "proposal", "owner_id": nina.id}).status_code == 200
    keys = [f"+49 30 {n}", f"030 {n}", f"+49 30 {n + 1000000}", w + "@x.test", w + "karl@x.test"]
    for hidden, due in ((["phone", "city"], [0, 0, 0, 1, 1]), (["email"], [1, 0, 1, 0, 0]), (["contacts"], [1, 0, 0, 1, 0]), ([], [1, 0, 1, 1, 1])):
        with hides(ada, prospecting=hidden):
            assert [len(find(nina, q)) for q in keys] == due, hidden
            assert [len(find(max, q)) for q in keys] == [1, 0, 1, 1, 1]
            rows = find(nina, w)
            assert {r["entity"] for r in rows} == {"customers", "contacts"} - set(hidden)
            for r in rows:
                if "phone" in hidden:
                    assert r["phone"] is r["phone_e164"] is r["city"] is None and {"phone", "city", "email"} == set(r["masked"])
                if "email" in hidden:
                    assert r["email"] is None and "email" in r["masked"] and r["phone"] is not None


@said("off lists always")
def test_masks(contacts, rita, axel, max, omar):
    w = word()
    c = rita.customer(name=w, email=w + "@x.test", phone="+49 30 777")
    k = person(rita, c, name="Mia " + w, email="mia" + w + "@x.test")
    for who, clear in ((rita, contacts == "off"), (max, contacts == "off"), (axel, False)):
        rows = {r["id"]: r for r in find(who, w)}
        assert rows[c["id"]]["email"] == (c["email"] if clear else "q***@x***") and rows[k["id"]]["email"] == (k["email"] if clear else "m***@x***")
        assert rows[c["id"]]["masked"] == ([] if clear else ["email", "phone", "phone_e164"])
        assert [masked for *_, masked in disclosed(rita.stack, who.get("/search", q=w))] == [not clear]


def test_what_is_no_search(rita, nobody):
    for q, why in (("", "length"), ("a", "length"), (" a ", "length"), ("12", "length"), ("a1", "length"), ("--", "length"), ("x" * 201, "length"), ("x" * 10000, None),
                   ("a\tb", "length"), ("☃☃☃", "length"), ("%_", "length")):
        answer = rita.get("/search", q=q)
        if len(q) < 10000:
            assert [(e["pointer"], e["code"]) for e in problem(answer, 400, "invalid_parameter", "?q")["errors"]] == [("?q", why)], q
        else:
            assert answer.status_code in (400, 414)
    problem(rita.get("/search"), 400, "parameter_required")
    problem(rita.request("GET", "/search?q=ab%00cd"), 400)
    for more in ({"limit": 0}, {"limit": 21}, {"limit": "x"}, {"cursor": "x"}, {"archived": "true"}):
        problem(rita.get("/search", q="abc", **more), 400)
    problem(nobody.get("/search", q="abc"), 401)
    for q in ("ab%", "a_b'", "'; drop table app.customer; --", "ab:*", "a & b | !(c)", "\\ab\\", "ab\\%", "(ab", "[a-z]{2}", "ab|.*", "ab$", "^ab", "the and of", "und der die", "x" * 200,
              " ".join("abcdefghijklmnopqrstuvwxyz" * 3), "ﷺ" * 200, "\u200bab\u200b"):
        find(rita, q)
    c = rita.customer(name="und der die")
    assert c["id"] in ids(rita, "der und die")


def test_dismissed_and_another_org(stack, ada):
    w = word()
    rep = newcomer(stack)
    c = rep.customer(name=w, phone="+49 30 7654" + str(1000 + next(numbers)), email=w + "@x.test")
    assert ids(rep, w) == [c["id"]] == ids(ada, w)
    for q in (w, c["phone"], c["email"], w[:-1] + "z"):
        assert find(other_org(stack), q) == []
    assert ada.patch("/staff/" + rep.id, {"status": "inactive"}, "*").status_code in (200, 409)
    stack.sql("update app.staff set status = 'inactive' where id = %s", rep.id)
    problem(rep.get("/search", q=w), 401)


def test_a_broken_glass(rita, omar):
    w = word()
    c = rita.customer(name=w, phone="+49 30 6543" + str(1000 + next(numbers)))
    assert find(omar, w) == [] == find(omar, c["phone"])
    assert omar.post("/customers/break-glass", {"phone": c["phone"], "reason": "calls"}).status_code in (200, 201)
    assert ids(omar, w) == [c["id"]] == ids(omar, c["phone"]) == ids(omar, w[:-1] + ("b" if w[-1] != "b" else "c"))
    omar.stack.clock("31 minutes")
    try:
        assert find(omar, w) == []
    finally:
        omar.stack.clock("0")


def test_hidden_takes_as_long_as_missing(rita, omar):
    """A name of somebody else's, and a number, against ones that nobody has: medians of 40 taken in turn."""
    w, v = word(), word()
    c = rita.customer(name=f"{w} hidden", phone="+49 30 9876" + str(1000 + next(numbers)))
    took = {}
    for _ in range(40):
        for q in (w, v, c["phone"], c["phone"][:-2] + "99"):
            began = time.perf_counter()
            assert find(omar, q) == []
            took.setdefault(q, []).append(time.perf_counter() - began)
    median = {q: sorted(t)[20] for q, t in took.items()}
    for hidden, missing in ((w, v), (c["phone"], c["phone"][:-2] + "99")):
        assert abs(median[hidden] - median[missing]) < max(0.5 * median[missing], 0.003), median


def test_a_word_longer_than_the_index_keeps(rita):
    """Its first 64 letters are another's too."""
    start = word().ljust(64, "z")
    one, other = (rita.customer(name=start + end)["id"] for end in ("alpha", "omega"))
    assert ids(rita, start + "alpha") == [one] and ids(rita, start + "om") == [other] and set(ids(rita, start)) == {one, other}
