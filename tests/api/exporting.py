"""exporting.py -- what the tests of exports share: people who may decide, a wish, its file, and what stands in one."""
import csv
import io
import json
import re
import zipfile
import xml.etree.ElementTree as xml

from hiring import arrive, hire
from people import newcomer
from watching import customers, rep

TYPES = {"csv": "text/csv; charset=utf-8; header=present", "ndjson": "application/x-ndjson",
         "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def seasoned(stack, *people):
    """Their accounts are old enough to decide."""
    stack.sql("update app.staff set role_since = '-infinity' where id = any(%s::uuid[])", [p.id for p in people])
    stack.sql("update app.invite set used_at = used_at - interval '31 days' where created_by is not null and staff_id = any(%s::uuid[])", [p.id for p in people])
    return people[0]


def decider(stack, role="manager", boss=None):
    """Somebody new who may decide at once."""
    return seasoned(stack, newcomer(stack, role, boss))


def second_account(stack, admin, of, role="admin", boss=None):
    """Another account of the same person, as old as that of who may decide."""
    return seasoned(stack, arrive(stack, hire(admin, role, boss and boss.id, person_id=of.id)))


def asker(stack, boss, n=0, head="+49 30 5550"):
    """A rep with n customers."""
    who = rep(stack, boss)
    if n:
        customers(stack, who, n, head)
    return who


def want(who, entity="customers", headers=None, **more):
    """Asks for an export; the answer."""
    return who.post("/exports", dict({"entity": entity, "reason": "A campaign."}, **more), headers)


def ask(who, entity="customers", **more):
    """Asks for an export; its document."""
    answer = want(who, entity, **more)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == "/v1/exports/" + answer.json()["id"] and answer.json()["status"] == "pending"
    return answer.json()


def decide(who, export, word="approve", note="Fine.", headers=None):
    return who.post(f"/exports/{id_of(export)}/{word}", {"note": note}, headers)


def id_of(export):
    return export if isinstance(export, str) else export["id"]


def status(who, export):
    return who.get("/exports/" + id_of(export)).json()["status"]


def granted(who, boss, entity="customers", **more):
    """An export that was asked for and approved."""
    export = ask(who, entity, **more)
    answer = decide(boss, export)
    assert answer.status_code == 200 and answer.json()["status"] == "approved", answer.text
    return export


def ticket(who, export):
    """A link to the file, as Client takes it."""
    answer = who.post(f"/exports/{id_of(export)}/ticket")
    assert answer.status_code == 201, answer.text
    assert set(answer.json()) == {"url", "expires_at"}
    return answer.json()["url"].removeprefix("/v1")


def fetch(who, export, link=None):
    """The file; its answer."""
    answer = who.get(link or ticket(who, export))
    assert answer.status_code == 200, answer.text
    return answer


def exported(who, boss, entity="customers", **more):
    """Asks, is approved and downloads; the answer with the file."""
    return fetch(who, granted(who, boss, entity, **more))


def cells(text, preamble=True):
    """The rows of a CSV as lists, the head first; without the stamp."""
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    return rows[1:] if preamble else rows


def rows(answer):
    """The rows of a CSV or NDJSON by the names of their columns."""
    text = answer.content.decode()
    if answer.headers["Content-Type"] == TYPES["ndjson"]:
        return [json.loads(line) for line in text.splitlines()]
    head, *rest = cells(text)
    return [dict(zip(head, r)) for r in rest]


def parts(answer):
    """The parts of an XLSX as trees, by name."""
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        assert book.testzip() is None
        return {n: xml.fromstring(book.read(n)) for n in book.namelist()}


def texts(tree):
    return ["".join(t.itertext()) for t in tree.iter() if t.tag.endswith("}t")]


def digits(phone):
    """A phone without its spelling: what two exports of it have in common."""
    return re.sub("[^0-9]", "", phone or "")


def events(stack, export):
    """What the log has about an export, in the order of time: kind, who, detail."""
    return stack.sql("select kind, staff_id::text, rows, detail from app.event where subject_id = %s order by id", id_of(export))


def told(stack, export):
    """What was told outside about an export."""
    return [k for k, in stack.sql("select kind from app.outbox where subject->>'export' = %s order by id", id_of(export))]
