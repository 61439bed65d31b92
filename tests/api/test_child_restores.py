"""test_child_restores.py -- what is taken back of contacts, deals, activities and offers: of each kind, with their customer, and with nobody else's work."""
import builtins
import itertools
import random
import uuid

import pytest

from holdfast import problem
from large import as_person, ask
from masks import masked
from people import newcomer
from restoring import dry_run, last_operation, moment, read, restore, settled, undo, window

KINDS = ("contacts", "deals", "activities")
BODY = {"contacts": {"name": "Eva", "phone": "+49 30 5550100"}, "deals": {"title": "Big"}, "activities": {"kind": "note", "subject": "Said"}}
NOTE = {"contacts": "notes", "deals": "notes", "activities": "next_step"}
FIELDS = {"contacts": {"title": lambda d: d.choice(["CEO", "CFO", None]), "phone": lambda d: f"+49 30 55501{d.randrange(10, 14)}"},
          "deals": {"notes": lambda d: d.choice("abc"), "amount": lambda d: d.randrange(3)},
          "activities": {"next_step": lambda d: d.choice(["Call.", "Write.", None]), "done_at": lambda d: d.choice([None, "2026-05-05T05:05:05.000000Z"])}}
numbers = itertools.count(10000)


def make(who, kind, c, **more):
    answer = who.post("/" + kind, dict(BODY[kind], customer_id=c["id"], **more))
    assert answer.status_code == 201, answer.text
    return dict(answer.json(), kind_of=kind)


def path(row):
    return f"/{row['kind_of']}/{row['id']}"


def edit(who, row, **body):
    answer = who.patch(path(row), body, "*")
    assert answer.status_code == 200, answer.text
    return answer.json()


def archive(who, row):
    answer = who.delete(path(row), "*")
    assert answer.status_code == 200, answer.text
    return answer.json()


def put_away(who, c):
    assert who.delete("/customers/" + c["id"], "*").status_code == 200


def now(who, row):
    answer = who.get(path(row))
    assert answer.status_code == 200, answer.text
    return answer.json()


def active(who, row):
    return now(who, row)["archived_at"] is None


def last(who, row):
    """The operation that touched it last."""
    return who.get("/history", record=row["id"], entity=row["kind_of"], limit=1).json()["data"][0]["operation_id"]


def offer(stack, who, c, status="draft"):
    """An offer by SQL in somebody's name, each step an operation of its own."""
    id_, number = str(uuid.uuid4()), f"2019-{next(numbers)}"
    as_person(stack, who, "insert into app.offer (org_id, id, customer_id, number, revision, currency, notes, created_at, updated_at) "
              "select org_id, %s, id, %s, 1, 'EUR', 'Draft.', app.clock(), app.clock() from app.customer where id = %s", id_, number, c["id"])
    if status != "draft":
        as_person(stack, who, "update app.offer set status = %s, promised_by = app.me() where id = %s", status, id_)
    return {"id": id_, "kind_of": "offers"}


def offered(stack, row):
    return stack.sql("select status, archived_at, notes, promised_by::text from app.offer where id = %s", row["id"])[0]


def operations(who, row, **filter):
    return [h["operation_id"] for h in who.pages("/history", record=row["id"], **filter)]


@pytest.mark.parametrize("kind", KINDS)
def test_each_step_and_back(rita, max, kind):
    c = rita.customer()
    row = make(rita, kind, c, **{NOTE[kind]: "One."})
    created = last(rita, row)
    edit(rita, row, **{NOTE[kind]: "Two."})
    changed = last(rita, row)
    assert dry_run(rita, {"operation": changed})["by_entity"] == {kind: {"restorable": 1, "conflicts": 0, "records": 1}}
    back = undo(rita, changed)
    assert (back["restored"], now(rita, row)[NOTE[kind]]) == (1, "One.")
    assert undo(max, back["operation_id"])["restored"] == 1 and now(rita, row)[NOTE[kind]] == "Two."
    archive(rita, row)
    assert undo(rita, last(rita, row))["restored"] == 1 and active(rita, row)
    assert restore(max, {"entity": kind, "id": row["id"], "field": NOTE[kind], "as_of": row["created_at"]})["restored"] == 1
    assert now(rita, row)[NOTE[kind]] == "One."
    assert undo(rita, created)["conflict_count"] == 1 and active(rita, row), "she has worked on it since"
    fresh = make(rita, kind, c)
    assert undo(rita, last(rita, fresh))["restored"] == 1 and not active(rita, fresh)
    assert [h["via"] for h in max.pages("/history", record=row["id"])] == ["restore", "restore", "api", "restore", "restore", "api", "api"]


WAYS = {"operation": lambda op, c, since, stack, rita: {"operation": op}, "field": lambda op, c, since, stack, rita: {"entity": "customers", "id": c["id"], "field": "archived_at", "as_of": since},
        "record": lambda op, c, since, stack, rita: {"entity": "customers", "id": c["id"], "as_of": since},
        "window": lambda op, c, since, stack, rita: window(rita, since, moment(stack)),
        "customers": lambda op, c, since, stack, rita: window(rita, since, moment(stack), entities=["customers"])}


@pytest.mark.parametrize("way", WAYS)
def test_children_go_and_come_with_their_customer(stack, rita, max, ada, way):
    c = rita.customer()
    kept, gone = ([make(rita, kind, c) for kind in KINDS] + [offer(stack, rita, c, "sent")] for _ in range(2))
    for row in gone[:3]:
        archive(rita, row)
    as_person(stack, rita, "update app.offer set archived_at = app.now() where id = %s", gone[3]["id"])
    before = {row["id"]: now(rita, row) for row in kept[:3]}
    since = moment(stack)
    put_away(rita, c)
    away = stack.sql("select archived_at from app.customer where id = %s", c["id"])[0][0]
    for row in kept:
        assert stack.sql(f"select archived_at from app.{row['kind_of'][:-1] if row['kind_of'] != 'activities' else 'activity'} where id = %s", row["id"]) == [(away,)]
    for row in kept[:3]:
        problem(rita.patch(path(row), {NOTE[row["kind_of"]]: "x"}, "*"), 409, "archived")
        problem(rita.post("/" + row["kind_of"], dict(BODY[row["kind_of"]], customer_id=c["id"])), 409, "archived")
        assert row["id"] not in [r["id"] for r in rita.pages("/" + row["kind_of"], customer=c["id"])]
    scope = WAYS[way](last_operation(max, c), c, since, stack, rita)
    done = restore(max, scope)
    assert (done["restored"], done["conflict_count"]) == (5 if way in ("operation", "window") else 1, 0)
    assert read(rita, c)["archived_at"] is None
    assert {row["id"]: active(rita, row) for row in kept[:3] + gone[:3]} == {**{r["id"]: True for r in kept[:3]}, **{r["id"]: False for r in gone[:3]}}
    assert (offered(stack, kept[3])[1], offered(stack, gone[3])[1] is None) == (None, False)
    for row in kept[:3]:
        assert {k: v for k, v in now(rita, row).items() if k not in ("version", "updated_at")} == {k: v for k, v in before[row["id"]].items() if k not in ("version", "updated_at")}
    assert undo(max, done["operation_id"])["conflict_count"] == 0 and not active(rita, kept[0]), "and away again"
    assert undo(max, last_operation(max, c))["conflict_count"] == 0 and active(rita, kept[0]) and not active(rita, gone[0])


def test_a_customer_with_whom_others_worked_stays(stack, rita, max):
    """Taking his creation back would take along what they wrote down."""
    for kind in KINDS:
        begin = moment(stack)
        c = rita.customer()
        own = make(rita, kind, c)
        scope = window(rita, begin, moment(stack))
        assert dry_run(max, scope)["restorable"] == 2
        theirs = make(max, kind, c)
        plan = dry_run(max, scope)
        assert (plan["restorable"], [(k["entity"], k["field"], k["why"]) for k in plan["conflicts"]]) == (1, [("customers", "archived_at", "changed_since")])
        restore(max, scope)
        assert (read(rita, c)["archived_at"], active(rita, own), active(rita, theirs)) == (None, False, True)


def test_amok(stack, max, ada, axel):
    """A rep spoils what belongs to thirty customers, a colleague goes on in between and behind: as an oracle over what was done has it."""
    seed = random.randrange(10 ** 6)
    dice, bad = random.Random(seed), newcomer(stack, manager=max)
    rows = [make(bad, kind, c) for c in (bad.customer() for _ in range(30)) for kind in KINDS]
    state = {r["id"]: {**{f: r[f] for f in FIELDS[r["kind_of"]]}, "archived_at": None} for r in rows}
    log, born = [], set()
    begin = moment(stack)
    for n in range(260):
        row, who = dice.choice(rows), bad if dice.random() < 0.7 or n < 60 else max
        was, kind = state[row["id"]], row["kind_of"]
        draw = dice.random()
        if was["archived_at"]:
            continue
        if draw < 0.12 and who is bad:
            was["archived_at"] = archive(bad, row)["archived_at"]
            log.append((row["id"], "archived_at", None, was["archived_at"], who))
        elif draw < 0.2 and who is bad:
            row = make(bad, kind, {"id": row["customer_id"]})
            rows.append(row)
            born.add(row["id"])
            state[row["id"]] = {**{f: row[f] for f in FIELDS[kind]}, "archived_at": None}
        else:
            field = dice.choice(list(FIELDS[kind]))
            value = FIELDS[kind][field](dice)
            if value != was[field]:
                log.append((row["id"], field, was[field], value, who))
                was[field] = edit(who, row, **{field: value})[field]
    scope, due, conflicts = window(bad, begin, moment(stack)), {id_: dict(of) for id_, of in state.items()}, {}
    for row in rows:
        mine = [e for e in log if e[0] == row["id"]]
        if row["id"] in born:
            if state[row["id"]]["archived_at"]:
                pass   # by himself
            elif any(e[4] is max for e in mine):
                conflicts[row["id"], "archived_at"] = "changed_since"
            else:
                due[row["id"]]["archived_at"] = "now"
            continue
        for field in {e[1] for e in mine if e[4] is bad}:
            of = [e for e in mine if e[1] == field]
            at = builtins.max(n for n, e in enumerate(of) if e[4] is bad)
            start = at
            while start and of[start - 1][4] is bad:
                start -= 1
            undone, target, current = of[at][3], of[start][2], state[row["id"]][field]
            if undone == target:
                continue
            if current == undone:
                due[row["id"]][field] = target
            else:
                conflicts[row["id"], field] = "restored_already" if current == target else "changed_since"
    restorable = sum(1 for id_ in due for f in due[id_] if due[id_][f] != state[id_][f])
    for entities in (None, ["contacts"], ["deals", "activities"]):
        plan = dry_run(max, dict(scope, **({"entities": entities} if entities else {})))
        chosen = {r["id"] for r in rows if not entities or r["kind_of"] in entities}
        assert plan["restorable"] == sum(1 for id_ in chosen for f in due[id_] if due[id_][f] != state[id_][f]), seed
        assert {(k["record_id"], k["field"]): k["why"] for k in plan["conflicts"]} == {k: why for k, why in conflicts.items() if k[0] in chosen}, seed
        assert set(plan["by_entity"]) <= set(entities or KINDS)
    done = restore(max, scope)
    assert (done["restored"], done["conflict_count"], done["outside"]) == (restorable, len(conflicts), 0), seed
    for row in rows:
        shown = now(ada, row)
        if due[row["id"]]["archived_at"] == "now":
            assert shown["archived_at"] is not None
            due[row["id"]].pop("archived_at")
        assert {f: shown[f] for f in due[row["id"]]} == due[row["id"]], (seed, row)
    kind_of = {r["id"]: r["kind_of"] for r in rows}
    for who in (max, axel):
        for k in who.pages(f"/restores/{done['id']}/conflicts"):
            assert k["entity"] == kind_of[k["record_id"]] and k["current"] == masked(k["field"], state[k["record_id"]][k["field"]]), seed


def test_more_than_a_thousand(stack, max):
    """Archived with their customer, in one operation and by hand; by a job, and nothing of what was archived before."""
    rep = newcomer(stack, manager=max)
    c = rep.customer()
    for n, word in ((1150, "Many"), (50, "Before")):
        as_person(stack, rep, "insert into app.contact (org_id, id, customer_id, name, created_at, updated_at) select org_id, app.uuid7(), id, %s || ' ' || n, app.clock(), app.clock() "
                  "from app.customer, generate_series(1, %s) n where id = %s", word, n, c["id"])
    as_person(stack, rep, "update app.contact set archived_at = app.now() where customer_id = %s and name like 'Before%%'", c["id"])

    def states():
        return dict(stack.sql("select split_part(name, ' ', 1) || case when archived_at is null then '' else ' away' end, count(*)::int from app.contact where customer_id = %s group by 1", c["id"]))
    begin = moment(stack)
    put_away(rep, c)
    assert states() == {"Many away": 1150, "Before away": 50}
    for scope in ({"operation": last_operation(max, c)}, window(rep, begin, moment(stack))):
        assert dry_run(max, scope)["by_entity"] == {"contacts": {"restorable": 1150, "conflicts": 0, "records": 1150}, "customers": {"restorable": 1, "conflicts": 0, "records": 1}}
        doc = settled(max, ask(max, scope))
        assert (doc["status"], doc["restored"], doc["conflict_count"], doc["total"]) == ("done", 1151, 0, 1151)
        assert states() == {"Many": 1150, "Before away": 50} and read(rep, c)["archived_at"] is None
        back = max.post(f"/operations/{doc['operation_id']}/undo", {"reason": "x"})
        assert back.status_code == 202 and settled(max, back.json()["id"])["restored"] == 1151 and states() == {"Many away": 1150, "Before away": 50}
    as_person(stack, max, "update app.contact set notes = 'Met her.' where customer_id = %s and name = 'Many 7'", c["id"])
    assert settled(max, ask(max, window(rep, begin, moment(stack), entities=["contacts", "customers"])))["restored"] == 1151, "other fields do not matter"


def test_nothing_comes_back_to_a_customer_who_stays_archived(rita, max):
    c = rita.customer()
    eva = rita.post("/contacts", {"customer_id": c["id"], "name": "Eva"}).json()
    assert rita.delete("/contacts/" + eva["id"], "*").status_code == 200
    alone = max.get("/operations", actor=rita.id, action="contacts.archive").json()["data"][0]["id"]
    assert rita.delete("/customers/" + c["id"], "*").status_code == 200
    doc = max.post(f"/operations/{alone}/undo", {"reason": "x"}).json()
    assert (doc["restored"], [(k["entity"], k["field"], k["why"]) for k in doc["conflicts"]]) == (0, [("contacts", "archived_at", "customer_archived")])
    assert max.get("/contacts", customer=c["id"]).json()["data"] == []
