"""An export goes out with the rights of the moment when it does, and whole or known not to be."""
import contextlib
import socket

import pytest
import requests

from exporting import ask, asker, decide, decider, digits, events, exported, fetch, granted, rows, status, ticket
from hiring import change
from holdfast import problem
from people import newcomer, other_org
from receiving import until
from watching import customers
from works import disclosed, hides, settings

LONG = 9000     # contacts of one customer: two parts of a file


@pytest.fixture
def boss(stack, ada):
    with settings(ada, exports={"two_approvers_above": LONG}):
        yield decider(stack, "manager", ada)


@contextlib.contextmanager
def marks(stack, body):
    """Rows that go out slowly, or break off: what makes their marks does more."""
    was, = stack.sql("select pg_get_functiondef('app.marks(uuid, bigint)'::regprocedure)")[0]
    stack.sql("create or replace function app.marks(id uuid, mark bigint) returns int language plpgsql volatile as $f$ begin " + body + " return 0; end $f$")
    try:
        yield
    finally:
        with contextlib.closing(stack.connect()) as c:
            c.cursor().execute(was)


def begin(stack, who, link):
    """Asks for a file and reads the first bytes only, through as small a window as there is."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(20)
    s.connect(("127.0.0.1", stack.port))
    s.sendall(f"GET /v1{link} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {who.http.headers['Authorization']}\r\n\r\n".encode())
    assert s.recv(15) == b"HTTP/1.1 200 OK"
    return s


def long(stack, owner):
    """Contacts of a customer of somebody's, so many that they go out piece by piece; their ids in order."""
    c, = customers(stack, owner, 1)
    return sorted(str(r[0]) for r in stack.sql("""insert into app.contact (org_id, id, customer_id, name, email, notes, created_at, updated_at)
        select c.org_id, app.uuid7(), c.id, 'Eva ' || i, 'eva' || i || '@firm.example', 'Said so.', app.now(), app.now() from app.customer c, generate_series(1, %s) i where c.id = %s
        returning id""", LONG, c))


def tickets(stack, export):
    return stack.sql("select status, tries from app.export_ticket where export_id = %s order by id", export["id"])


def test_two_of_a_hundred_more(stack, boss):
    """What was approved may have grown by 2 %, and not by a row more; where it shrinks, what is left goes out."""
    rob = asker(stack, boss, 100)
    export, more = granted(rob, boss), customers(stack, rob, 2, "+49 40 7770")
    customers(stack, rob, 1, "+49 40 8880")
    link = ticket(rob, export)
    for method in ("GET", "HEAD"):
        answer = rob.request(method, link)
        assert answer.status_code == 409
        if method == "GET":
            body = problem(answer, 409, "approval_stale")
            assert body["row_count"] == 100
    assert disclosed(stack, answer) == [] and tickets(stack, export) == [("open", 0)] and status(rob, export) == "approved"
    assert rob.delete("/customers/" + more[0], "*").status_code == 200
    answer = fetch(rob, export, link)
    assert len(set(disclosed(stack, answer)[0][1])) == 102 and more[0] not in disclosed(stack, answer)[0][1]
    assert rob.get("/exports/" + export["id"]).json()["rows_sent"] == 102
    few = asker(stack, boss, 3)
    small = granted(few, boss)
    customers(stack, few, 1, "+49 40 9990")
    problem(few.get(ticket(few, small)), 409, "approval_stale")                   # of a few, one is too many
    empty = asker(stack, boss)
    none = granted(empty, boss)
    customers(stack, empty, 1)
    problem(empty.get(ticket(empty, none)), 409, "approval_stale")


def test_what_he_does_not_see_any_more_stays(stack, ada, boss, max):
    rob, peer = asker(stack, boss), asker(stack, boss, 3)
    ids = customers(stack, rob, 6)
    with settings(ada, visibility="team"):
        wide = granted(rob, boss)
        assert wide["row_count"] == 9
    export, team, mine = granted(rob, boss), granted(boss, ada), len(boss.pages("/customers"))
    assert export["row_count"] == 6
    stack.sql("update app.customer set owner_id = %s where id = %s", max.id, ids[0])
    stack.sql("update app.customer set stage = 'won' where id = %s", ids[1])
    rob.delete("/customers/" + ids[2], "*")
    for one in (wide, export):
        assert {r["id"] for r in rows(fetch(rob, one))} == set(ids[3:])
    assert change(ada, peer.id, manager_id=max.id).status_code == 200
    assert {r["id"] for r in rows(fetch(boss, team))} == {r["id"] for r in boss.pages("/customers")} and team["row_count"] == mine


def test_columns_that_he_may_not_have_any_more(stack, ada, boss):
    rob = asker(stack, boss, 3)
    export, without = granted(rob, boss, columns=["id", "phone"]), granted(rob, boss, columns=["id", "name"])
    link = ticket(rob, export)
    with hides(ada, negotiation=["phone"]):
        problem(rob.get(link), 409, "approval_stale")
        assert len(rows(fetch(rob, without))) == 3
    assert len(rows(fetch(rob, export, link))) == 3


@pytest.mark.parametrize("visibility", ["own", "team", "open"])
def test_it_holds_what_he_may_list_as_he_may_read_it(stack, visibility):
    """For each role: the ids of the list, and of each the values that the record itself shows him."""
    otto = other_org(stack)
    second = decider(stack, "admin", otto)
    stack.sql("update app.staff set manager_id = null where id = %s", second.id)
    boss, lead = (decider(stack, "manager", otto) for _ in range(2))
    people = [asker(stack, boss), asker(stack, boss), asker(stack, lead)]
    for n, who in enumerate(people):
        for m in range(2):
            c = who.customer(email=f"info{n}{m}@firm.example", phone=f"+49 30 55501{n}{m}", notes="Said so", custom={"n": n})["id"]
            for word, body in (("contacts", {"name": "Eva", "email": "eva@firm.example", "phone": "+49 40 7654321"}), ("deals", {"title": "Big"}), ("offers", {"currency": "EUR"}), ("activities", {"kind": "note", "body": "x"})):
                assert who.post("/" + word, dict(body, customer_id=c)).status_code == 201
        who.delete("/customers/" + c, "*")
    with settings(otto, visibility=visibility):
        for who in (people[0], boss, otto, newcomer(stack, "auditor", otto)):
            for entity in ("customers", "contacts", "history", "events") if visibility == "open" else ("customers", "contacts", "deals", "offers", "activities", "history", "events"):
                export = granted(who, second, entity, format="ndjson", filter={"entity": "customers,contacts"} if entity == "history" else {"actor": "me"} if entity == "events" else {})
                got = {r["id"]: r for r in rows(fetch(who, export))}
                listed = {r["id"]: r for r in who.pages("/" + entity, **({"entity": "customers,contacts"} if entity == "history" else {"actor": "me", "to": export["filter"]["to"]} if entity == "events" else {}))}
                assert set(got) == set(listed) and (entity == "events" or len(got) == export["row_count"] > 0), (who.staff["role"], entity)
                for id_, row in got.items():
                    one = who.get(f"/{entity}/{id_}").json() if entity in ("customers", "contacts") else listed[id_] if entity in ("deals", "offers", "activities") else row
                    assert {k: v for k, v in row.items() if k not in ("email", "phone")} == {k: one[k] for k in row if k not in ("email", "phone")}, (who.staff["role"], entity)
                    for k in {"email", "phone"} & set(row):
                        assert row[k].lower() == one[k].lower() if k == "email" or "*" in one[k] else digits(row[k]) == digits(one[k])
                assert who.staff["role"] != "auditor" or not {"email", "phone", "phone_e164"} & {k for r in got.values() for k in r} or entity not in ("customers", "contacts")


def test_one_that_broke_off_may_be_repeated_once(stack, boss):
    """Whoever reads it sees that it is not whole; of a sheet that is put together first he gets nothing."""
    rob = asker(stack, boss)
    ids = long(stack, rob)
    body = f"if id = '{ids[8500]}' then raise exception 'the disk is full'; end if;"
    export = granted(rob, boss, "contacts", columns=["id", "name", "email"])
    link = ticket(rob, export)
    with marks(stack, body):
        answer = rob.request("GET", link, stream=True)
        pieces = answer.iter_content(20000)
        assert answer.status_code == 200 and len(next(pieces)) > 0
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            for _ in pieces:
                pass
    until(lambda: tickets(stack, export) == [("failed", 1)])
    assert status(rob, export) == "approved"
    assert [e[0] for e in events(stack, export)][-2:] == ["exports.file", "exports.broken"]
    problem(rob.post(f"/exports/{export['id']}/ticket"), 409, "ticket_used")                     # not by another link
    assert [r["id"] for r in rows(fetch(rob, export, link))] == ids and status(rob, export) == "downloaded"
    assert stack.sql("select count(*) from app.disclosure where staff_id = %s and channel = 'export'", rob.id) == [(3,)], "each try: nobody knows what arrived"
    problem(rob.get(link), 409, "ticket_used")

    export = granted(rob, boss, "contacts", columns=["id"], format="ndjson")
    link = ticket(rob, export)
    with marks(stack, body):
        for _ in range(2):
            with pytest.raises(requests.exceptions.RequestException):
                rob.get(link)
            until(lambda: tickets(stack, export)[0][0] == "failed")
    assert tickets(stack, export) == [("failed", 2)]
    problem(rob.get(link), 409, "ticket_used")
    problem(rob.post(f"/exports/{export['id']}/ticket"), 409, "ticket_used")

    export = granted(rob, boss, "contacts", columns=["id"], format="xlsx")
    link = ticket(rob, export)
    with marks(stack, body):
        problem(rob.get(link), 502)
    try:
        stack.clock("15 minutes 1 second")
        problem(rob.get(link), 409, "ticket_expired")                                            # in its time
    finally:
        stack.clock("0")


@pytest.mark.parametrize("who_cuts", ["the reader", "the database"])
def test_cut_in_the_middle(stack, boss, who_cuts):
    rob = asker(stack, boss)
    ids = long(stack, rob)
    export = granted(rob, boss, "contacts", columns=["id", "name", "email", "notes"])
    link = ticket(rob, export)
    with marks(stack, "perform pg_sleep(0.0005);"):
        with contextlib.closing(begin(stack, rob, link)) as s:
            assert tickets(stack, export) == [("taken", 1)]
            if who_cuts == "the database":
                stack.sql("select pg_terminate_backend(pid) from pg_stat_activity where query like '%%export_part%%' and state = 'active' and pid <> pg_backend_pid()")
                text = b""
                while piece := s.recv(65536):
                    text += piece
                assert not text.endswith(b"\r\n0\r\n\r\n")
        until(lambda: tickets(stack, export) == [("failed", 1)])
    assert status(rob, export) == "approved" and [e[0] for e in events(stack, export)][-1] == "exports.broken"
    assert [r["id"] for r in rows(fetch(rob, export, link))] == ids and status(rob, export) == "downloaded"


def test_a_slow_reader_holds_nobody_up(stack, boss):
    """More of them than the program has workers: each file waits in nginx, and others go on."""
    rob = asker(stack, boss)
    stack.sql("""insert into app.customer (org_id, id, name, notes, stage, owner_id, created_at, updated_at)
        select s.org_id, app.uuid7(), 'Long ' || i, repeat('long ', 1900), 'new', s.id, app.now(), app.now() from app.staff s, generate_series(1, 1000) i where s.id = %s""", rob.id)
    exports = [granted(rob, boss, columns=["id", "notes"]) for _ in range(5)]
    slow = [begin(stack, rob, ticket(rob, e)) for e in exports]
    until(lambda: all(status(rob, e) == "downloaded" for e in exports), 6)
    assert len(rows(exported(rob, boss, columns=["id"], filter={"name": "Long 7"}))) > 0
    for s in slow:
        n = 0
        while piece := s.recv(1 << 20):
            n += len(piece)
        assert n > 1000 * 9500
        s.close()


def test_asked_of_one_decided_of_another(stack, boss):
    """Each link is of its own export: what was approved of one is not of the other."""
    rob = asker(stack, boss, 3)
    yes, no = granted(rob, boss), ask(rob)
    problem(rob.get(ticket(rob, yes).replace(yes["id"], no["id"])), 403, "ticket_invalid")
    decide(boss, no, "reject")
    problem(rob.post(f"/exports/{no['id']}/ticket"), 409, "not_approved")
