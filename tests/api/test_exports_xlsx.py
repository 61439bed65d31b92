"""test_exports_xlsx.py -- a workbook as another library reads it than the one that wrote it: stamped, and the same rows as every export."""
import io
import json
import re
import uuid

import openpyxl
import pytest

PAGE = 119   # letters of the stamp that a page's head has room for


@pytest.fixture
def file(rita, max):
    """Asks for rows of Rita's, is approved and fetches them; returns the answer."""

    def fetch(entity, format, filter, columns=None):
        asked = rita.post("/exports", {"entity": entity, "format": format, "filter": filter, "reason": "To look at.", **({"columns": columns} if columns else {})})
        assert asked.status_code == 202, asked.text
        path = "/exports/" + asked.json()["id"]
        assert max.post(path + "/approve", {"note": "Do."}).status_code == 200
        answer = rita.get(rita.post(path + "/ticket").json()["url"].removeprefix("/v1"))
        assert answer.status_code == 200, answer.text
        return answer
    return fetch


@pytest.fixture
def tag(rita):
    """A tag of customers such as a spreadsheet may misunderstand."""
    tag = "x" + uuid.uuid4().hex[:8]
    rita.customer(name="=1+1", phone="+49 30 5550100", email="sum@formula.example", country="DE", value=0, currency="EUR", tags=[tag, "b"], notes="Two\nlines, \"quoted\"")
    rita.customer(name="@SUM(A1)", phone="0049 30 5550101", country="DE", value=123456789012345, currency="EUR", tags=[tag], notes="-1; ünï ✓ _x0041_", custom={"n": [1, None]})
    rita.customer(name="007", phone="112", value=10 ** 15, currency="EUR", tags=[tag], website="https://x.example")
    return tag


# An underscore that would begin one of Excel's escapes is escaped itself, which this library does not undo.
UNDERSCORE = "_x005F_"


def book(answer):
    return openpyxl.load_workbook(io.BytesIO(answer.content))


def same_spelling(name, value):
    """Two exports write phones and e-mails each in its own way."""
    return re.sub("[^0-9]", "", value) if name == "phone" else value.lower() if name == "email" else value


def as_cell(name, value):
    """A value of NDJSON as a cell has it."""
    if isinstance(value, list):
        return "; ".join(value) or None
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, str):
        return same_spelling(name, value)
    # Excel computes with fifteen digits: what has more stays whole as a text.
    return str(value) if isinstance(value, int) and value >= 10 ** 15 else value


def rows(of):
    head, *rest = list(of.iter_rows(min_row=2))
    names = [c.value for c in head]
    return names, [dict(zip(names, r)) for r in rest]


def test_the_stamp_is_wherever_it_can_be(file, rita, tag):
    answer = file("customers", "xlsx", {"tag": [tag]})
    made = book(answer)
    stamp, id = made.active["A1"].value, re.search("export-([0-9a-f-]{36})", answer.headers["Content-Disposition"])[1]
    assert re.fullmatch(re.escape(answer.headers["X-Classification"]) + f"; export={id}; for=rita@demo.test; at=20[0-9-]+T[0-9:.]+Z", stamp), stamp
    assert made.properties.description == stamp and made.properties.title == "customers" and made.sheetnames == ["customers"]
    for page in (made.active.oddHeader, made.active.oddFooter):
        assert page.center.text.replace("&&", "&")[:PAGE] == stamp[:PAGE]
    assert made.active.freeze_panes == "A3"


def test_the_rows_are_those_of_ndjson(file, tag):
    names, cells = rows(book(file("customers", "xlsx", {"tag": [tag]})).active)
    lines = [json.loads(line) for line in file("customers", "ndjson", {"tag": [tag]}).content.splitlines()]
    assert names == list(lines[0]) and len(names) > 20 and len(lines) == 3
    assert [{k: as_cell(k, c.value.replace(UNDERSCORE, "_") if isinstance(c.value, str) else c.value) for k, c in r.items()} for r in cells] \
        == [{k: as_cell(k, v) for k, v in row.items()} for row in lines]


def test_what_looks_like_a_formula_or_a_number_stays_a_text(file, tag):
    _, cells = rows(book(file("customers", "xlsx", {"tag": [tag]}, ["name", "phone", "phone_e164", "value", "notes", "created_at"])).active)
    assert {c.data_type for r in cells for k, c in r.items() if k != "value" and c.value is not None} <= {"s", "inlineStr"}
    assert [(c.value, c.data_type) for c in (r["value"] for r in cells[:2])] == [(0, "n"), (123456789012345, "n")]
    assert (cells[2]["value"].value, cells[2]["value"].data_type) == ("1000000000000000", cells[2]["name"].data_type)
    assert [r["name"].value for r in cells] == ["=1+1", "@SUM(A1)", "007"] and cells[2]["phone"].value == "112"
    assert cells[0]["phone"].value.startswith("+49 30 ") and cells[0]["phone_e164"].value == "+49305550100"


def test_truths_and_amounts_are_values(file, rita, tag):
    customer = rita.get("/customers", tag=tag).json()["data"][0]["id"]
    contact = rita.post("/contacts", {"customer_id": customer, "name": "=HYPERLINK(1)"}).json()
    deal = rita.post("/deals", {"customer_id": customer, "title": "+1", "stage": "new", "amount": 250000, "currency": "EUR"}).json()
    for kind, name, wanted in (("contacts", "is_primary", contact), ("deals", "amount", deal)):
        _, cells = rows(book(file(kind, "xlsx", {"customer": [customer]})).active)
        (row,) = [r for r in cells if r["id"].value == wanted["id"]]
        assert row[name].value == wanted[name] and row[name].data_type == ("b" if name == "is_primary" else "n")
        text = row["name" if kind == "contacts" else "title"]
        assert text.value in ("=HYPERLINK(1)", "+1") and text.data_type != "f"
