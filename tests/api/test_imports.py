"""Files become customers: the sample as it is, every encoding and delimiter, what is refused whole and what row by row."""
import csv
import io
import json
import os
import uuid

import pytest

from holdfast import problem
from importing import LAWFUL, dry, imported, made, many, records, send

FOLDER = os.environ.get("HOLDFAST_SAMPLES")


def fresh(word="Firm"):
    return f"{word} {uuid.uuid4().hex[:8]}"


@pytest.mark.skipif(not FOLDER, reason="HOLDFAST_SAMPLES is unset: it names the folder of northwind-customers.csv")
def test_the_sample(ada):
    with open(os.path.join(FOLDER, "northwind-customers.csv"), "rb") as file:
        data = file.read()
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    wrong = [n for n, row in enumerate(rows, 1) if len(row) == 12]
    for document in (dry(ada, data, nulls="NULL"), imported(ada, data, nulls="NULL", mapping={"customerID": "custom.northwind_id"})):
        assert (document["rows"], document["good"], document["bad"], document["encoding"], document["delimiter"]) == (91, 67, 24, "utf-8", "comma")
        assert [e["line"] for e in document["errors"]] == wrong[:20] and len(wrong) == 24
        assert {e["code"] for e in document["errors"]} == {"columns"} and document["errors"][0]["detail"] == "The row has 12 fields, the header 11."
        assert {k: v for k, v in document["mapping"].items() if k != "customerID"} == {
            "companyName": "name", "address": "address", "city": "city", "region": "region", "postalCode": "postal_code", "country": "country", "phone": "phone"}
    got = records(ada, document)
    assert sorted(got) == [n for n, row in enumerate(rows, 1) if len(row) == 11 and n > 1]
    codes = {"Germany": "DE", "UK": "GB", "USA": "US", "Brazil": "BR", "Switzerland": "CH", "Venezuela": "VE"}
    for line, id in got.items():
        row, c = dict(zip(rows[0], rows[line - 1])), ada.get("/customers/" + id).json()
        assert (c["name"], c["address"], c["city"], c["phone"], c["custom"]) == (row["companyName"], row["address"], row["city"], row["phone"], {"northwind_id": row["customerID"]})
        assert c["region"] == (None if row["region"] == "NULL" else row["region"]) and c["source"] == LAWFUL["source"] and c["country"] is not None
        assert c["country"] == codes.get(row["country"], c["country"])
    bad = list(csv.reader(io.StringIO(ada.get(f"/imports/{document['id']}/errors/file").text)))
    assert bad[0] == ["import_line", "import_error"] + rows[0] and [int(r[0]) for r in bad[1:]] == wrong
    assert [e["line"] for e in ada.pages(f"/imports/{document['id']}/errors", limit=7)] == wrong


def text(name, delimiter):
    return delimiter.join(["Firma", "Ort", "Notiz"]) + "\r\n" + delimiter.join([name, "Köln" if "ü" in name else "Тверь" if "ы" in name else "Ulm", f'"a {delimiter} ""b""\nzwei"']) + "\r\n"


@pytest.mark.parametrize("named", [False, True], ids=["recognised", "named"])
@pytest.mark.parametrize("delimiter, character", [("comma", ","), ("semicolon", ";"), ("tab", "\t")])
@pytest.mark.parametrize("codec, encoding, bom", [("utf-8", "utf-8", b""), ("utf-8", "utf-8", b"\xef\xbb\xbf"), ("cp1252", "windows-1252", b""), ("cp1251", "windows-1251", b""),
                                                  ("utf-16-le", "utf-16", b"\xff\xfe")])
def test_encodings_and_delimiters(ada, codec, encoding, bom, delimiter, character, named):
    name = "Сыры и масла" if codec == "cp1251" else "Müller & Söhne"
    said = {"encoding": encoding, "delimiter": delimiter} if named else {}
    c, = made(ada, bom + text(name, character).encode(codec), **said)
    assert (c["name"], c["city"], c["notes"]) == (name, "Тверь" if codec == "cp1251" else "Köln", f'a {character} "b"\nzwei')
    document = dry(ada, bom + text(name, character).encode(codec), **said)
    assert (document["encoding"], document["delimiter"]) == (encoding, delimiter)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_numbers(ada, end):
    """Where a row begins, with lines within quotes and empty ones between."""
    data = end.join(["Name,Notes", "", fresh() + ',"one', "two", 'three"', "", ",x", fresh() + ",y"])
    document = dry(ada, data)
    assert [(e["line"], e["column"], e["code"]) for e in document["errors"]] == [(7, "Name", "required")] and document["good"] == 2
    assert document["sample"][0]["notes"] == f"one{end}two{end}three" and [s["line"] for s in document["sample"]] == [3, 8]


@pytest.mark.parametrize("data, line, why", [
    (b"", 1, "empty"), (b"\xef\xbb\xbf", 1, "empty"), (b"\n\n", 1, "empty"), (b"Name,City\n", 1, "empty"), (b"Name,City", 1, "empty"),
    (b'Name,City\nx,"Ulm\ny,Bonn\n', 2, "cut"), (b'Name,City\nx,Ulm\ny,"', 3, "cut"), (b'Name,City\nx,U"lm\n', 2, "quote"), (b'Name,City\nx,"Ulm"y\n', 2, "quote"),
    (b"Name,City\nx,U\x00lm\n", 2, "nul"), (b"Name,City\nx,M\xc3\xbcnchen\ny,M\xc3\xbcnchen\nz," + b"\xc3\xbc" * 20 + b"\nw,K\xf6ln\n", 5, "encoding"),
    (b"Name,City\nx," + b"y" * 10001 + b"\n", 2, "length"), (b"Name,City\nx" + b",y" * 200 + b"\n", 2, "columns"), (b"Name,City\n" + (b"y" * 9990 + b",") * 110 + b"\n", 2, "row_length"),
    (b"Name,Name\nx,y\n", 1, "duplicate_column"), (b"Name,City,CITY,name\nx,y,z,w\n", 1, "duplicate_column"), (b"Name," + b"c" * 201 + b"\nx,y\n", 1, "length")])
def test_refused_whole(stack, ada, data, line, why):
    before = stack.sql("select (select count(*) from app.import), (select count(*) from app.import_part), (select count(*) from app.import_error)")
    for more in ({}, {"dry_run": "true"}):
        body = problem(send(ada, data, **more), 422, "invalid_file")
        assert [(e["pointer"], e["code"]) for e in body["errors"]] == [(f"#line={line}", why)]
    assert stack.sql("select (select count(*) from app.import), (select count(*) from app.import_part), (select count(*) from app.import_error)") == before, "nothing of it is kept"


def test_duplicate_columns_are_named(ada):
    assert '"City", "Name"' in problem(send(ada, "Name,City,city,NAME\nx,y,z,w\n"), 422)["errors"][0]["detail"].replace("CITY", "City").replace("NAME", "Name").replace('"city"', '"City"')


def test_encoding_of_plain_text(ada):
    assert dry(ada, "Name\nMueller\n")["encoding"] == "utf-8"


def test_encoding_that_is_named_wrongly(ada):
    data = "Name\nMüller\n".encode("cp1252")
    assert problem(send(ada, data, encoding="utf-8"), 422, "invalid_file")["errors"][0]["code"] == "encoding"
    assert made(ada, data, encoding="windows-1251")[0]["name"] == "Mьller", "as it was said"


ROWS = [
    ("email", "no address", "format"), ("email", "n***@d***", "mask"), ("email", "a" * 250 + "@b.de", "length"), ("phone", "abc", "format"), ("phone", "+1 *** ***-**00", "mask"),
    ("phone", "1" * 41, "length"), ("website", "x" * 501, "length"), ("address", "x" * 501, "length"), ("city", "x" * 101, "length"), ("region", "x" * 101, "length"),
    ("postal_code", "x" * 21, "length"), ("country", "Atlantis", "unknown"), ("country", "XX", "unknown"), ("source", "x" * 101, "length"), ("stage", "nowhere", "unknown"),
    ("owner", "nobody@demo.test", "unknown"), ("owner", "axel@demo.test", "unknown"), ("value", "much", "format"), ("value", "1.234", "ambiguous"), ("value", "1.239,999", "places"), ("value", "99999999999999", "range"),
    ("currency", "EURO", "format"), ("tags", "a," * 50, None), ("tags", ",".join(map(str, range(51))), "count"), ("tags", "x" * 65, "count"), ("notes", "a\x07b", "characters"), ("city", "two\nlines", "characters"),
    ("city", "right\u202eleft", "characters"), ("notes", "two\nlines", None), ("name", "x" * 201, "length"), ("name", "", "required"), ("name", "   ", "required"), ("currency", "XXX", "unknown")]


def test_every_trouble_of_a_row(ada):
    """A file with all of them at once: those that are good go in, of each other one it is said what is wrong."""
    members = ["name", "email", "phone", "website", "address", "city", "region", "postal_code", "country", "source", "stage", "owner", "value", "currency", "tags", "notes"]
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n")
    write.writerow(members)
    expected, line = [], 2
    for member, value, code in ROWS:
        row = dict(dict.fromkeys(members, ""), name=fresh(), **{})
        row[member] = value
        write.writerow(row.values())
        if code:
            expected.append((line, member, code))
        line += 1 + value.count("\n")
        write.writerow(dict(row, **{"name": fresh(), member: "" if member != "name" else fresh()}).values())
        line += 1
    tried = dry(ada, out.getvalue())
    assert [(e["line"], e["column"], e["code"]) for e in tried["errors"]] == expected[:20] and tried["bad"] == len(expected)
    document = imported(ada, out.getvalue())
    errors = ada.pages(f"/imports/{document['id']}/errors", limit=200)
    assert [(e["line"], e["column"], e["code"]) for e in errors] == expected and all(len(e["detail"]) > 10 for e in errors)
    assert (document["bad"], document["good"]) == (len(expected), 2 * len(ROWS) - len(expected)) and len(records(ada, document)) == document["good"]


def test_several_errors_of_one_row(ada):
    document = dry(ada, "Name,E-mail,Country\n,x,y\n")
    assert [(e["column"], e["code"]) for e in document["errors"]] == [("Name", "required"), ("E-mail", "format"), ("Country", "unknown")] and document["bad"] == 1


def test_values(ada, stack):
    """What becomes what."""
    head = "Firma;E-Mail;Telefon;Land;Status;Owner;Umsatz;Währung;Tags;Quelle;Fax"
    c, = made(ada, f"{head}\n {fresh('Acme')} ;Info@ACME.example;030 12345678;Österreich;Qualified;rita@demo.test;1.234,56;eur;key account, fair|2026;Messe;+43 1\n", mapping={"Fax": "custom.Fax no."})
    assert c["name"] == c["name"].strip() and (c["email"], c["country"], c["phone_e164"], c["stage"], c["value"], c["currency"]) == ("Info@ACME.example", "AT", "+433012345678", "qualified", 123456, "EUR")
    rita = stack.sql("select id::text from app.staff where email = 'rita@demo.test'")[0][0]
    assert (c["owner_id"], c["tags"], c["source"], c["custom"]) == (rita, ["key account", "fair", "2026"], "Messe", {"Fax no.": "+43 1"})
    plain, = made(ada, "Name\n" + fresh() + "\n")
    assert (plain["owner_id"], plain["stage"], plain["source"], plain["custom"], plain["tags"]) == (ada.id, "new", LAWFUL["source"], {}, [])
    # Values are left as they are: what a spreadsheet would make of them is the export's matter. What our exports put before them goes.
    assert [x["notes"] for x in made(ada, "Name,Notes\na1,=1+1\na2,\"'+49 30\"\na3,-x\n")] == ["=1+1", "+49 30", "-x"]


def test_mapping(ada):
    data = "Company,Firm,Town,Nothing\nA firm,Another one,Ulm,x\n"
    document = dry(ada, data)
    assert document["mapping"] == {"Company": "name", "Town": "city"} and document["unmapped"] == ["Firm", "Nothing"], "the first of two counts"
    document = dry(ada, data, mapping={"Firm": "name", "Town": None, "Nothing": "notes"})
    assert document["mapping"] == {"Firm": "name", "Nothing": "notes"} and document["unmapped"] == ["Company", "Town"]
    assert dry(ada, "Name,,\nx,y,z\n")["unmapped"] == ["#2", "#3"]
    for mapping, pointer, why in (({"City": "city"}, "/mapping/City", "unknown"), ({"Town": "bogus"}, "/mapping/Town", "unknown"), ({"Town": 5}, "/mapping/Town", "unknown"), ({"Town": "owner_id"}, "/mapping/Town", "unknown"),
                                  ({"Town": "custom."}, "/mapping/Town", "unknown"), ({"Firm": "city", "Town": "city"}, "/mapping/Town", "duplicate"), ({"Company": None, "Firm": None}, "/mapping", "required"), ([], "/mapping", "type")):
        body = problem(send(ada, data, dry_run="true", mapping=mapping), 422, "invalid_value")
        assert [(e["pointer"], e["code"]) for e in body["errors"]] == [(pointer, why)], mapping
    for mapping in ("x{", "{}x", "nul"):
        answer = ada.request("POST", "/imports", params={"dry_run": "true", "mapping": mapping}, data=data, headers={"Content-Type": "text/csv"})
        problem(answer, 422, "invalid_value", "/mapping")


def test_every_column_may_be_kept(ada):
    """More than a function has arguments."""
    names = [f"c{n}" for n in range(150)]
    data = ",".join(["Name"] + names) + "\n" + ",".join([fresh()] + [str(n) if n % 2 else "" for n in range(150)]) + "\n"
    c, = made(ada, data, mapping={n: "custom." + n for n in names})
    assert c["custom"] == {f"c{n}": str(n) for n in range(1, 150, 2)}


def test_lawful(ada):
    """Where the people come from and who declared it lawful is said before anything goes in, and kept."""
    problem(send(ada, "Name\nx\n", source=None), 422, "invalid_value", "/source")
    problem(send(ada, "Name\nx\n", lawful_basis=None), 422, "invalid_value", "/lawful_basis")
    document = imported(ada, "Name\n" + fresh() + "\n")
    record = records(ada, document)[2]
    found, = ada.get("/imports", record=record).json()["data"]
    assert (found["id"], found["source"], found["lawful_basis"], found["staff_id"]) == (document["id"], LAWFUL["source"], LAWFUL["lawful_basis"], ada.id)
    change, = ada.pages(f"/customers/{record}/history")
    assert change["via"] == "import" and change["operation_id"] == document["operation_id"]
    operation = ada.get("/operations/" + change["operation_id"]).json()
    assert (operation["action"], operation["via"], operation["changes"]) == ("imports.create", "import", 1) and LAWFUL["lawful_basis"] in operation["reason"]


def test_on_error_refuse(ada, stack):
    name = fresh()
    data = f"Name,E-mail\n{name},\n{name},x\n"
    body = problem(send(ada, data, on_error="refuse"), 422, "bad_rows")
    assert [(r["line"], r["code"]) for r in body["rows"]] == [(3, "format")] and "1 of 2" in body["detail"]
    assert stack.sql("select count(*) from app.customer where name = %s", name) == [(0,)]
    assert [e["line"] for e in ada.pages(f"/imports/{body['import_id']}/errors")] == [3] and ada.get("/imports/" + body["import_id"]).json()["why"] == "bad_rows"
    assert len(made(ada, f"Name,E-mail\n{name},\n", on_error="refuse")) == 1


def test_what_only_a_constraint_finds(ada, stack):
    """Of a part that a constraint refuses, the culprits are found by halves, and the others go in."""
    data, name = many(40)
    stack.sql("alter table app.customer add constraint city_never check (name not in ('%s 7', '%s 23')) not valid" % (name, name))
    try:
        document = imported(ada, data)
    finally:
        stack.sql("alter table app.customer drop constraint city_never")
    assert (document["good"], [(e["line"], e["code"]) for e in document["errors"]]) == (38, [(9, "refused"), (25, "refused")])


def test_idempotency_key(ada, stack):
    data, name = many(3)
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first, again = send(ada, data, headers), send(ada, data, headers)
    assert (first.status_code, again.status_code) == (201, 201) and first.json()["id"] == again.json()["id"]
    assert stack.sql("select count(*) from app.customer where name like %s", name + "%") == [(3,)]
    problem(send(ada, data + "One more,,\n", headers), 422, "key_reused")
    problem(send(ada, data, headers, duplicates="skip"), 422, "key_reused")
    assert stack.sql("select count(*) from app.import i where not exists (select from app.job j where j.id = i.id)") == [(0,)]


def test_media_type_and_size(ada):
    for wrong in ("application/json", "text/plain", "text/csvx", None):
        problem(ada.request("POST", "/imports", data=b"Name\nx\n", headers={"Content-Type": wrong}), 415, "unsupported_media_type")
    assert send(ada, "Name\nx\n", {"Content-Type": "Text/CSV; charset=utf-8; header=present"}, dry_run="true").status_code == 200
    problem(send(ada, "Name\nx\n", bogus="1"), 400, "unknown_parameter")
    problem(send(ada, "Name\nx\n", encoding="latin1"), 400, "invalid_parameter")
    assert json.loads(send(ada, "Name\nx\n", dry_run="true").text)["status"] == "done"
