"""test_phones.py -- phone numbers and e-mail addresses: what is refused at the door, what is kept beside the typed form, and how a number is found."""
import itertools

import pytest

from holdfast import problem
from people import faceless, newcomer
from restoring import dry_run, moment, read, restore

numbers = itertools.count(610000)


@pytest.fixture
def helper(stack, olga):
    """A rep of olga's whose customers never call."""
    return newcomer(stack, manager=olga)


def path(customer):
    return "/customers/" + customer["id"]


def found(who, phone, **filter):
    return {c["id"] for c in who.pages("/customers", phone=phone, **filter)}


def break_glass(who, phone):
    return who.post("/customers/break-glass", {"phone": phone, "reason": "She is on the phone."})


@pytest.mark.parametrize("typed, country, e164", [
    ("030/5550 1234", "DE", "+493055501234"), ("(212) 555-0100 ext. 12", "US", "+12125550100"), ("06 698 1234", "IT", "+39066981234"), ("8 (495) 123-45-67", "RU", "+74951234567"), ("0049 (0)30 5550", None, "+49305550"),
    ("+49\u00a030\u20095550", None, "+49305550"), ("030 5550", None, None), ("5554729", "DE", None), (None, "DE", None)])
def test_the_typed_form_is_kept_and_the_other_beside(rita, typed, country, e164):
    c = rita.customer(phone=typed, country=country)
    assert (c["phone"], c["phone_e164"]) == (typed, e164) and read(rita, c) == c
    changed = rita.change(rita.customer(phone="112", country="NL"), phone=typed, country=country)
    assert (changed["phone"], changed["phone_e164"]) == (typed, e164)


def test_it_follows_the_country(stack, rita):
    c = rita.customer(phone="030 5550", country="DE")
    times, forms = [moment(stack)], [c["phone_e164"]]
    for fields in (dict(country="AT"), dict(country=None), dict(name="N"), dict(country="IT", phone="06 5550"), dict(phone="+33 1 42685300"), dict(phone=None)):
        forms.append(rita.change(c, **fields)["phone_e164"])
        times.append(moment(stack))
    assert forms == ["+49305550", "+43305550", None, None, "+39065550", "+33142685300", None]
    assert [rita.get(path(c), as_of=t).json()["phone_e164"] for t in times] == forms
    # It is no field of its own: neither history nor a client says it.
    assert {r["field"] for r in rita.pages(path(c) + "/history")} == {None, "country", "name", "phone"}
    problem(rita.patch(path(c), {"phone_e164": "+49301"}, "*"), 400, "unknown_member", "/phone_e164")


def test_a_restored_country_brings_it_back(stack, rita, max):
    c = rita.customer(phone="030 5550", country="DE")
    before = moment(stack)
    rita.change(c, country="AT")
    restore(max, {"entity": "customer", "id": c["id"], "field": "country", "as_of": before})
    assert (read(rita, c)["country"], read(rita, c)["phone_e164"]) == ("DE", "+49305550")


PHONES = ["1", "12", "1" * 21, "call me", "030 5550 Anna", "1-800-FLOWERS", "ext. 12", "-", "+", "030 5550 x", "Звоните 555"]
EMAILS = ["a@b", "anna", "a@b@c.de", "a b@c.de", "a@b c.de", ".a@b.de", "a.@b.de", "a..b@c.de", '"a"@b.de', "a@-b.de", "a@b-.de", "a@b..de", "a@b.de.", "a@1.2.3.4", "a@b_c.de", "Max <a@b.de>", "a@b.de, c@d.de", "mailto:a@b.de",
          "a@b.de ", "a" * 65 + "@b.de", "a@" + "b" * 64 + ".de", "a\u00a0@b.de"]


@pytest.mark.parametrize("member, value", [("phone", v) for v in PHONES] + [("email", v) for v in EMAILS])
def test_what_is_none_is_refused(rita, member, value):
    body = problem(rita.post("/customers", {"name": "x", "city": "Ulm", member: value}), 422, "invalid_value", "/" + member)
    assert [(e["pointer"], e["code"]) for e in body["errors"]] == [("/" + member, "format")] and value not in body["detail"].replace("ext. 12", "")
    c = rita.customer(phone="030 5550", email="a@b.example")
    problem(rita.patch(path(c), {"city": "Ulm", member: value}, "*"), 422, "invalid_value", "/" + member)
    assert read(rita, c) == c


@pytest.mark.parametrize("member, value", [("phone", v) for v in ("112", "1" * 20, "(5) 555-4729", "7675-3425", "030 5550 ext 12", "030 5550 доб. 12", "tel:+49-30-5550;ext=1", "030 5550 / 5551", " 030 5550 ", "٠٣٠ ٥٥٥٠")] + [
    ("email", v) for v in ("a@b.c", "Anna.Müller@Firma-Süd.example", "o'brien+x@a.ie", "пример@почта.рф", "a@xn--mnchen-3ya.de", "a" * 64 + "@b.de", "a@" + "b" * 63 + ".de")])
def test_what_is_one_stays_as_typed(rita, member, value):
    c = rita.customer(**{member: value})
    assert c[member] == value and rita.change(rita.customer(), **{member: value})[member] == value


def test_what_was_there_before_stays(stack, rita, max):
    c = rita.customer(phone="030 5550", email="a@b.example")

    def unfit(*values):
        stack.sql("alter table app.customer disable trigger _100_derive; update app.customer set phone = %s, email = %s where id = %s; alter table app.customer enable trigger _100_derive", *values, c["id"])
    unfit("call me", "anna@home")
    # Nobody is stopped by it who changes something else, or sends it as he read it.
    assert rita.change(c, city="Ulm")["phone"] == "call me"
    assert rita.change(c, phone="call me", email="anna@home", city="Bonn")["city"] == "Bonn"
    for member in ("phone", "email"):
        problem(rita.patch(path(c), {member: "anna"}, "*"), 422, "invalid_value", "/" + member)
    before = moment(stack)
    assert rita.change(c, phone="040 5550", email="c@d.example", country="DE")["phone_e164"] == "+49405550"
    scope = {"entity": "customer", "id": c["id"], "as_of": before}
    assert dry_run(max, scope)["conflicts"] == []
    restore(max, scope)
    now = read(max, c)
    assert (now["phone"], now["phone_e164"], now["email"], now["country"]) == ("call me", None, "anna@home", None)


def test_a_number_is_found_in_any_written_form(rita, nina):
    n = next(numbers)
    german, austrian, unknown, foreign = (rita.customer(phone=p, country=k) for p, k in ((f"(030) {n}-0", "DE"), (f"030 {n}0", "AT"), (f"030/{n}0", None), (f"+49 30 {n}0 ext. 7", "FR")))
    ids = {c["id"]: word for word, c in (("german", german), ("austrian", austrian), ("unknown", unknown), ("foreign", foreign))}
    for typed, whose in ((f"+49 30 {n}0", "german foreign"), (f"0049 (0)30 {n}0", "german foreign"), (f"tel:+4930{n}0", "german foreign"), (f"+43 30 {n}0", "austrian"), (f"030 {n} 0", "german austrian unknown"),
                         (f"030-{n}0 ext. 3", "german austrian unknown"), (f"30 {n}0", ""), (f"030 {n}", ""), (f"+41 30 {n}0", ""), (f"+49 30 {n}", ""), (f"011 49 30 {n}0", "")):
        assert {ids[i] for i in found(rita, typed)} == set(whose.split()), typed
        assert found(nina, typed) == set()
    assert {ids[i] for i in found(rita, f"030 {n}0", country="AT")} == {"austrian"}
    american = rita.customer(phone=f"(212) {str(n)[:3]}-{n % 1000:03}7", country="US")
    for typed in (f"1-212-{n}7", f"212 {n}7", f"+1 212 {n}7", f"001 212 {n}7"):
        assert found(rita, typed) == {american["id"]}, typed
    rita.change(german, country="CH")
    assert {ids[i] for i in found(rita, f"+49 30 {n}0")} == {"foreign"} and german["id"] in found(rita, f"+41 30 {n}0")


def test_a_caller_is_helped_by_any_written_form(rita, helper):
    n = next(numbers)
    c = rita.customer(phone=f"030/{n}", country="DE")
    missing = faceless(break_glass(helper, f"030 {n}1"))
    problem(helper.get(path(c)), 404)
    for wrong in (f"30 {n}", f"+43 30 {n}", f"011 49 30 {n}", f"0 {n}"):
        assert faceless(break_glass(helper, wrong)) == missing and missing[0] == 404
    for typed in (f"030 {n}", f"+49 30 {n}", f"0049 (0)30-{n}", f"030 {n} ext. 4"):
        assert break_glass(helper, typed).json()["id"] == c["id"], typed
    # Two in different countries are two to one who says none.
    other = rita.customer(phone=f"030-{n}", country="AT")
    assert faceless(break_glass(helper, f"030 {n}")) == missing
    assert break_glass(helper, f"+43 30 {n}").json()["id"] == other["id"] and break_glass(helper, f"+49 30 {n}").json()["id"] == c["id"]
