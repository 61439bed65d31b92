"""The file of an export: whom a link is for, how often, what is in the file in each form, and what happens where it breaks off."""
import concurrent.futures
import contextlib

import jwt
import pytest

from exporting import TYPES, ask, asker, cells, decider, events, exported, fetch, granted, parts, rows, status, texts, ticket
from hiring import again, change
from holdfast import problem
from receiving import until
from works import disclosed, settings

COLUMNS = ["id", "name", "email", "phone", "notes", "value", "tags", "archived_at"]


@pytest.fixture
def boss(stack, ada):
    return decider(stack, "manager", ada)


@pytest.fixture
def rob(stack, boss):
    return asker(stack, boss, 12)


def test_csv(stack, boss):
    """RFC 4180, with the stamp first."""
    rob = asker(stack, boss)
    c = rob.customer(name='Comma, "Quote"', email="info@firm.example", phone="+49 30 1234567", notes="one\ntwo; ü €", value=12, tags=["a", "b c"])
    link = granted(rob, boss, columns=COLUMNS)
    answer = fetch(rob, link)
    assert answer.headers["Content-Type"] == TYPES["csv"] and answer.headers["Content-Disposition"] == f'attachment; filename="export-{link["id"]}.csv"'
    assert answer.headers["X-Classification"] == "Confidential; holder=demo" and answer.headers["Cache-Control"] == "no-store" and "Accept-Ranges" not in answer.headers
    stamp, head, row, *rest = answer.content.split(b"\r\n")
    assert stamp.startswith(f"# Confidential; holder=demo; export={link['id']}; for={stack.sql('select email from app.staff where id = %s', rob.id)[0][0]}; at=20".encode())
    assert head == ",".join(COLUMNS).encode() and rest == [b""]
    assert row.startswith(f'{c["id"]},"Comma, ""Quote""",info@'.encode()) and '"one\ntwo; ü €",12,'.encode() in row
    one, = rows(answer)
    assert (one["id"], one["name"], one["notes"], one["value"], one["archived_at"]) == (c["id"], c["name"], c["notes"], "12", "")
    again_ = exported(rob, boss, columns=COLUMNS, bom=True)
    assert again_.content[:3] == b"\xef\xbb\xbf" and answer.content[:3] == b"# C" and len(cells(again_.content.decode())) == 2


def test_ndjson_has_what_the_list_has(stack, ada, boss):
    rob = asker(stack, boss)
    for n in range(3):
        rob.customer(name=f"Firm {n}", email=f"info{n}@firm.example", phone=f"+49 30 123456{n}", value=5, tags=["x"], custom={"a": [1, None, "ü"]}, notes="=1+1")
    with settings(ada, contact_masking="off"):
        listed = {r["id"]: r for r in rob.pages("/customers")}
    answer = exported(rob, boss, format="ndjson")
    assert answer.headers["Content-Type"] == TYPES["ndjson"] and answer.content.endswith(b"}\n") and len(answer.content.splitlines()) == 3
    for row in rows(answer):
        one = {k: v for k, v in listed[row["id"]].items() if k != "masked"}
        assert list(row) == list(one) and dict(row, email=row["email"].lower(), phone=None) == dict(one, phone=None)
        assert row["phone"].replace(" ", "") == one["phone"].replace(" ", "")


def test_xlsx(boss, rob):
    export = granted(rob, boss, format="xlsx", columns=["id", "name", "value"])
    answer = fetch(rob, export)
    assert answer.headers["Content-Type"] == TYPES["xlsx"] and answer.headers["Content-Disposition"].endswith(f'export-{export["id"]}.xlsx"')
    book = parts(answer)
    sheet, = [t for n, t in book.items() if n.startswith("xl/worksheets/")]
    cells_ = texts(sheet)
    assert cells_[0].startswith("Confidential; holder=demo; export=" + export["id"]) and cells_[1:4] == ["id", "name", "value"]
    assert {c for c in cells_[4:]} >= {f"Held {n}" for n in range(1, 13)} and not [e for e in sheet.iter() if e.tag.endswith("}f")]
    header = "".join(e.text or "" for e in sheet.iter() if e.tag.endswith("Header") or e.tag.endswith("Footer"))
    assert "Confidential" in header and export["id"] in header
    assert export["id"] in "".join(book["docProps/core.xml"].itertext()) and "Confidential" in "".join(book["docProps/core.xml"].itertext())


@pytest.mark.parametrize("format", ["csv", "ndjson", "xlsx"])
def test_nothing_in_it_is_calculated(stack, boss, format):
    """A cell that a spreadsheet would run is text: in CSV by an apostrophe, in XLSX by its type; JSON has no formulas."""
    evil = ["=HYPERLINK(\"http://x\")", "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "a;=1+1", " =1"]
    rob = asker(stack, boss)
    stack.sql("""insert into app.customer (org_id, id, name, notes, stage, owner_id, created_at, updated_at)
        select s.org_id, app.uuid7(), 'Evil ' || i, e, 'new', s.id, app.now(), app.now() from app.staff s, unnest(%s::text[]) with ordinality e(e, i) where s.id = %s""", evil, rob.id)
    answer = exported(rob, boss, format=format, columns=["name", "notes"])
    if format == "csv":
        got = {r["name"]: r["notes"] for r in rows(answer)}
        assert got == {f"Evil {n + 1}": "a;'=1+1" if ";" in e else "'\t'=1+1" if "\t" in e else "'" + e for n, e in enumerate(evil)}
    elif format == "ndjson":
        assert [r["notes"] for r in rows(answer)] == evil
    else:
        assert {t.strip() for t in texts([t for n, t in parts(answer).items() if n.startswith("xl/worksheets/")][0])} >= {e.strip() for e in evil}
        assert not [e for t in parts(answer).values() for e in t.iter() if e.tag.endswith("}f")]


def test_without_a_preamble(ada, boss, rob):
    with settings(ada, exports={"preamble": False}):
        assert exported(rob, boss, columns=["id"]).content.startswith(b"id\r\n")
        assert exported(rob, boss, columns=["id"], format="ndjson").headers["X-Classification"] == "Confidential; holder=demo"
        sheet = parts(exported(rob, boss, columns=["id"], format="xlsx"))["xl/worksheets/sheet1.xml"]
        assert texts(sheet)[0].startswith("Confidential")
    with settings(ada, classification="Secret & <such>"):
        assert exported(rob, boss, columns=["id"]).text.startswith("# Secret & <such>; export=")
        assert texts(parts(exported(rob, boss, columns=["id"], format="xlsx"))["xl/worksheets/sheet1.xml"])[0].startswith("Secret & <such>; ")


@pytest.mark.parametrize("format", ["csv", "ndjson", "xlsx"])
def test_of_nothing(stack, boss, format):
    rob = asker(stack, boss)
    export = granted(rob, boss, format=format)
    answer = fetch(rob, export)
    assert export["row_count"] == 0 and status(rob, export) == "downloaded"
    assert {"csv": lambda: len(cells(answer.text)) == 1, "ndjson": lambda: answer.content == b"", "xlsx": lambda: "id" in texts(parts(answer)["xl/worksheets/sheet1.xml"])}[format]()


def test_it_is_remembered(stack, boss, rob):
    """Each row in the ledger, the download in the log, the requester's exposure; his own customers count too when he takes them out."""
    before = boss.get(f"/staff/{rob.id}/exposure").json()
    export = granted(rob, boss, reason="For the fair.")
    answer = fetch(rob, export)
    ids = {r["id"] for r in rows(answer)}
    assert len(ids) == 12 and [(c, set(i), k, m) for c, i, k, m in disclosed(stack, answer)] == [("export", ids, "base contact money notes", False)]
    assert stack.sql("select reason from app.disclosure where request_id = %s::uuid", answer.headers["X-Request-Id"]) == [("For the fair.",)]
    assert [(k, w, n) for k, w, n, _ in events(stack, export)][2:] == [("exports.ticket", rob.id, 12), ("exports.file", rob.id, 12), ("exports.downloaded", rob.id, 12)]
    assert (rob.get("/exports/" + export["id"]).json()["status"], rob.get("/exports/" + export["id"]).json()["rows_sent"]) == ("downloaded", 12)
    after = boss.get(f"/staff/{rob.id}/exposure").json()
    assert after != before
    assert boss.get("/exports/" + ask(rob)["id"]).json()["requester"]["exposure"]["customers_24h"] == 12
    assert [bool(r["contact_at"]) for r in boss.pages(f"/customers/{min(ids)}/seen-by") if r["staff_id"] == rob.id] == [True]
    masked = exported(rob, boss, columns=["id", "city"])
    assert disclosed(stack, masked)[0][2] == "base"


def test_a_link_is_for_one_person_session_and_download(stack, boss, rob, nobody):
    export, other = granted(rob, boss), granted(rob, boss)
    old, link = ticket(rob, export), ticket(rob, export)
    secret = link.split("=")[1]
    second = stack.enter(stack.sql("select email from app.staff where id = %s", rob.id)[0][0])          # his, in another session
    peer = asker(stack, boss)
    problem(nobody.get(link), 401, "token_missing")
    problem(boss.get(link), 403, "forbidden")
    problem(peer.get(link), 404, "not_found")
    problem(second.get(link), 403, "ticket_invalid")
    problem(rob.get(old), 409, "ticket_expired")                                                        # a new link ends the one before
    for wrong in (secret[:-1] + ("A" if secret[-1] != "A" else "B"), "x", secret + "x", "x" * 100):
        problem(rob.get(f"/exports/{export['id']}/file", ticket=wrong), 403, "ticket_invalid")
    problem(rob.get(f"/exports/{other['id']}/file", ticket=secret), 403, "ticket_invalid")
    problem(rob.get(f"/exports/{export['id']}/file"), 400, "parameter_required")
    problem(rob.post(link), 405)
    assert stack.sql("select count(*) from app.disclosure where staff_id = %s and channel = 'export'", rob.id) == [(0,)]
    assert len(rows(fetch(rob, export, link))) == 12
    for who in (rob, second):
        problem(who.get(link), 409 if who is rob else 403, "ticket_used" if who is rob else "ticket_invalid")
    assert problem(rob.post(f"/exports/{export['id']}/ticket"), 409, "not_approved")["status"] == 409
    assert secret not in str(stack.sql("select t::text from app.export_ticket t")) + str(events(stack, export))


def test_a_link_is_for_a_quarter_of_an_hour(stack, boss, rob):
    export = granted(rob, boss)
    link = ticket(rob, export)
    try:
        stack.clock("15 minutes 1 second")
        problem(rob.get(link), 409, "ticket_expired")
        late = ticket(rob, export)
        stack.clock("29 minutes 50 seconds")
        assert len(rows(fetch(rob, export, late))) == 12
    finally:
        stack.clock("0")


def test_head_only_looks(stack, boss, rob):
    export = granted(rob, boss)
    link = ticket(rob, export)
    for _ in range(3):
        answer = rob.request("HEAD", link)
        assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, b"", TYPES["csv"])
    assert stack.sql("select status, tries from app.export_ticket where export_id = %s", export["id"]) == [("open", 0)] and disclosed(stack, answer) == []
    assert len(rows(fetch(rob, export, link))) == 12
    assert rob.request("HEAD", link).status_code == 409


def test_no_part_of_it(boss, rob):
    export = granted(rob, boss)
    answer = rob.get(ticket(rob, export), headers={"Range": "bytes=10-20", "If-Range": '"x"'})
    assert answer.status_code == 200 and "Content-Range" not in answer.headers and len(rows(answer)) == 12


def test_two_at_once(stack, boss, rob):
    """One link, one file."""
    export = granted(rob, boss)
    link = ticket(rob, export)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda who: who.get(link), [again(rob) for _ in range(8)]))
    assert sorted(a.status_code for a in answers) == [200] + [409] * 7 and {a.json()["code"] for a in answers if a.status_code == 409} == {"ticket_used"}
    assert len(stack.sql("select 1 from app.disclosure where staff_id = %s and channel = 'export'", rob.id)) == 1


def test_no_other_link_while_a_download_begins(stack, boss, rob):
    """Whoever asks for one meanwhile waits for that, and gets none."""
    export = granted(rob, boss)
    link = ticket(rob, export)
    sid = jwt.decode(rob.tokens["access_token"], options={"verify_signature": False})["sid"]
    with contextlib.closing(stack.connect("holdfast_cgi")) as programs, concurrent.futures.ThreadPoolExecutor(1) as pool:
        programs.autocommit = False
        programs.cursor().execute("select 1 from api.export_take(%s, gen_random_uuid(), %s, %s)", (sid, export["id"], link.split("ticket=")[1]))
        other = pool.submit(rob.post, f"/exports/{export['id']}/ticket")
        waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%%export_ticket%%'"
        until(lambda: other.done() or stack.sql(waits)[0][0])
        programs.commit()
        problem(other.result(), 409, "ticket_used")
    assert stack.sql("select count(*) from app.export_ticket where export_id = %s", export["id"]) == [(1,)]


def test_who_is_dismissed_or_frozen_gets_nothing(stack, ada, boss, rob):
    frozen = granted(rob, boss)
    link = ticket(rob, frozen)
    assert ada.post(f"/staff/{rob.id}/freeze", {"reason": "x"}).status_code == 200
    problem(rob.get(link), 403, "frozen")
    assert ada.post(f"/staff/{rob.id}/unfreeze", {"reason": "x"}).status_code == 200
    assert change(ada, rob.id, status="inactive").status_code == 200
    problem(rob.get(link), 401)
    assert stack.sql("select count(*) from app.disclosure where staff_id = %s and channel = 'export'", rob.id) == [(0,)]
