"""Real input: the well-formed rows of northwind-customers.csv go in through the API and come back as they were."""
import csv
import os

import pytest

from masks import listed

FOLDER = os.environ.get("HOLDFAST_SAMPLES")
COLUMNS = "customerID companyName contactName contactTitle address city region postalCode country phone fax".split()
SAME = {"companyName": "name", "address": "address", "city": "city", "region": "region", "postalCode": "postal_code", "phone": "phone"}
CUSTOM = {"customerID": "northwind_id", "contactName": "contact_name", "contactTitle": "contact_title", "fax": "fax",
          "country": "country_name"}
CODES = {"Germany": "DE", "Mexico": "MX", "UK": "GB", "Sweden": "SE", "France": "FR", "Spain": "ES", "Canada": "CA",
         "Argentina": "AR", "Switzerland": "CH", "Brazil": "BR", "Austria": "AT", "Italy": "IT", "Portugal": "PT", "USA": "US",
         "Venezuela": "VE", "Ireland": "IE", "Belgium": "BE", "Norway": "NO", "Denmark": "DK", "Finland": "FI", "Poland": "PL"}

pytestmark = pytest.mark.skipif(not FOLDER, reason="HOLDFAST_SAMPLES is unset: it names the folder of northwind-customers.csv")


@pytest.fixture(scope="module")
def rows():
    with open(os.path.join(FOLDER, "northwind-customers.csv"), encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    assert header == COLUMNS
    assert len(lines) == 91
    good = [line for line in lines if len(line) == len(COLUMNS)]
    assert [len(line) for line in lines if line not in good] == [12] * 24, "the others have an unquoted comma"
    return [{k: None if v == "NULL" else v for k, v in zip(COLUMNS, line)} for line in good]


def customer(row):
    """A row as a rep would type it in."""
    body = {ours: row[theirs] for theirs, ours in SAME.items()}
    body["custom"] = {ours: row[theirs] for theirs, ours in CUSTOM.items()}
    body["country"] = CODES[row["country"]]
    return body


def test_what_comes_back_is_what_was_sent(stack, rita, rows):
    assert len(rows) == 67
    assert sum(v is None for row in rows for v in row.values()) == 61, "NULLs"
    sent = {}
    for row in rows:
        body = customer(row)
        answer = rita.post("/customers", body)
        assert answer.status_code == 201, f"{row} {answer.text}"
        got = answer.json()
        assert {k: got[k] for k in body} == body
        sent[got["id"]] = body
    shown = {c["id"]: c for c in rita.pages("/customers", limit=50)}
    for i, body in sent.items():
        got = rita.get("/customers/" + i).json()
        assert {k: got[k] for k in body} == body and shown[i] == listed(got)
        # Byte for byte, in the database too and whatever its JSON looks like.
        stored = stack.sql("select name, address, city, region, postal_code, phone, country, custom from app.customer where id = %s", i)[0]
        for name, value in zip("name address city region postal_code phone country custom".split(), stored):
            assert value == body[name]
            if isinstance(value, str):
                assert value.encode() == body[name].encode()
        assert got["owner_id"] == rita.id and got["stage"] == "new"


def test_accents_and_spaces_survive(rita, rows):
    """The rows are what makes the test above worth something."""
    text = "".join(v for row in rows for v in row.values() if v)
    assert set("éäöüåñçáóíøæß") & set(text) >= set("éäöåóí") and "  " in text
    phones = [row["phone"] for row in rows]
    assert any(p.startswith("(") for p in phones) and any("-" in p for p in phones) and any("." in p for p in phones)
    assert len({row["customerID"] for row in rows}) == len(rows)


def test_found_by_what_was_sent(rita, rows):
    """Filters find the same bytes."""
    for row in rows[:10]:
        made = rita.customer(**customer(row))
        found = rita.pages("/customers", name=row["companyName"], city=row["city"])
        assert made["id"] in {c["id"] for c in found}
