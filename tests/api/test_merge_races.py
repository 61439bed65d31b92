"""test_merge_races.py -- merges that meet other work on the same customers: one waits, one is refused, nothing is half done."""
import concurrent.futures

from holdfast import Client
from merging import add, merge, of
from restoring import last_operation, read

ROUNDS = 6


def together(stack, *asks):
    """The answers to requests that are sent at once; an ask is a person and what he does as a client."""
    clients = []
    for who, _ in asks:
        c = Client(stack)
        c.http.headers["Authorization"] = who.http.headers["Authorization"]
        clients.append(c)
    with concurrent.futures.ThreadPoolExecutor(len(asks)) as pool:
        return [f.result() for f in [pool.submit(do, c) for c, (_, do) in zip(clients, asks)]]


def whole(stack, *customers):
    """Nothing lives at a customer that is archived, and what is merged is archived."""
    ids = [c["id"] for c in customers]
    for table in ("contact", "deal", "activity", "offer"):
        assert stack.sql(f"select k.id from app.{table} k join app.customer c on c.org_id = k.org_id and c.id = k.customer_id "
                         "where c.id = any(%s::uuid[]) and c.archived_at is not null and k.archived_at is null", ids) == []
    assert stack.sql("select id from app.customer where id = any(%s::uuid[]) and merged_into is not null and archived_at is null", ids) == []
    return [r[0] for r in stack.sql("select merged_into::text from app.customer where id = any(%s::uuid[]) order by array_position(%s::uuid[], id)", ids, ids)]


def refused(answer, *codes):
    assert answer.status_code == 409 and answer.json()["code"] in codes, answer.text


def test_crosswise(stack, rita, max, ada):
    for _ in range(ROUNDS):
        s, o = rita.customer(), rita.customer()
        for c in (s, o):
            add(rita, c, "contacts"), add(rita, c, "activities")
        answers = together(stack, (max, lambda c: merge(c, s, o)), (ada, lambda c: merge(c, o, s)))
        assert sorted(a.status_code for a in answers) == [200, 409]
        refused(next(a for a in answers if a.status_code == 409), "archived", "busy")
        into = whole(stack, s, o)
        assert into == ([None, s["id"]] if answers[0].status_code == 200 else [o["id"], None])
        left = s if answers[0].status_code == 200 else o
        assert len(of(rita, left, "contacts")) == len(of(rita, left, "activities")) == 2 and sum(k["is_primary"] for k in of(rita, left, "contacts")) == 1


def test_in_a_ring(stack, rita, max, ada, abby):
    for _ in range(ROUNDS):
        a, b, c = (rita.customer() for _ in range(3))
        for one in (a, b, c):
            add(rita, one, "activities")
        answers = together(stack, (max, lambda x: merge(x, a, b)), (ada, lambda x: merge(x, b, c)), (abby, lambda x: merge(x, c, a)))
        assert {r.status_code for r in answers} <= {200, 409} and 200 in {r.status_code for r in answers}
        into = whole(stack, a, b, c)
        assert sum(r.status_code == 200 for r in answers) == sum(x is not None for x in into) < 3
        assert sum(len(of(rita, x, "activities")) for x in (a, b, c)) == 3


def test_with_a_change_and_an_archiving(stack, rita, max):
    for _ in range(ROUNDS):
        s, o = rita.customer(), rita.customer(city="Ulm")
        add(rita, o, "activities")
        done, change, gone = together(stack, (max, lambda c: merge(c, s, o)), (rita, lambda c: c.patch("/customers/" + o["id"], {"website": "new"}, "*")),
                                      (rita, lambda c: c.delete("/customers/" + o["id"], "*")))
        into = whole(stack, s, o)
        assert (done.status_code == 200) == (into == [None, s["id"]]) == (gone.status_code != 200)
        for answer in (done, change, gone):
            assert answer.status_code == 200 or refused(answer, "archived", "busy") is None
        after = read(rita, s)
        if done.status_code == 200:
            assert after["city"] == "Ulm" and after["website"] == (("new" if change.status_code == 200 else None))
        else:
            assert (after["city"], of(rita, s, "activities")) == (None, [])


def test_with_what_is_written_to_the_other(stack, rita, max):
    for _ in range(ROUNDS):
        s, o = rita.customer(), rita.customer()
        k = add(rita, o, "contacts")
        done, made, change = together(stack, (max, lambda c: merge(c, s, o)), (rita, lambda c: c.post("/activities", {"customer_id": o["id"], "kind": "note", "contact_id": k["id"]})),
                                      (rita, lambda c: c.patch("/contacts/" + k["id"], {"title": "CEO"}, "*")))
        assert done.status_code == 200 and whole(stack, s, o) == [None, s["id"]]
        assert made.status_code == 201 or refused(made, "archived", "busy") is None
        assert change.status_code == 200 or refused(change, "busy") is None
        assert len(of(rita, s, "activities")) == (made.status_code == 201)
        assert [r["title"] for r in of(rita, s, "contacts")] == ["CEO" if change.status_code == 200 else None]


def test_with_its_own_undo(stack, rita, max, ada):
    """While one is split off another is merged in."""
    for _ in range(ROUNDS):
        s, o, p = (rita.customer() for _ in range(3))
        for one in (o, p):
            add(rita, one, "activities"), add(rita, one, "contacts")
        assert merge(max, s, o).status_code == 200
        operation = last_operation(max, o)
        back, more = together(stack, (max, lambda c: c.post(f"/operations/{operation}/undo", {"reason": "x"})), (ada, lambda c: merge(c, p, s)))
        assert back.status_code == 201 or refused(back, "busy") is None
        assert more.status_code == 200 or refused(more, "busy") is None
        whole(stack, s, o, p)
        assert sum(len(of(rita, x, "activities")) for x in (s, o, p)) == 2 and (back.status_code == 201 or more.status_code == 200)
