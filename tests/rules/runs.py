"""runs.py -- asks the matrix, part by part and several at once, and says which cells are wrong."""
import json
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from itertools import product

from actions import ACTIONS, leaves, listing, room_of
from callers import Http, Sql, shows
from children import KINDS
from relations import BELOW, RELATIONS, exists
from scene import Scene, words

# One caller on one way under one setting of contact_masking.
Job = namedtuple("Job", "visibility role way masking")
PLAIN = "lists"     # under it everything is asked, under the others what depends on masks; through HTTP only what changes nothing, in one org
AT_ONCE = 4


def own(matrix, visibility, role, relation):
    """The actions that do something with such a customer."""
    return [a for a in ACTIONS if leaves(a) and matrix.labels.get((visibility, role, relation, a)) in ("done", "clear", "masked", "shown")]


def scenes(stack, matrix, rooms=True):
    def make(visibility):
        return Scene(stack, visibility, words(stack, "app.staff", "role_word"),
                     lambda role, relation: sorted({room_of(a) for a in own(matrix, visibility, role, relation)}) if rooms else [])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = words(stack, "app.settings", "visibility_word")
        return dict(zip(asked, pool.map(make, asked)))


def cells(job, matrix):
    for relation in RELATIONS:
        for name, action in ACTIONS.items():
            cell = job.visibility, job.role, relation, name
            if not exists(relation, job.role) or matrix.labels.get(cell, "-") == "-":
                continue
            if job.masking == PLAIN or matrix.varies(cell, action) and (job.way == "sql" or not leaves(name) and job.visibility == "team"):
                yield relation, name, action, cell


def ask(job, scene, matrix, forge, stop=lambda wrong: False):
    """The cells of a job that are wrong, and how; ends early when stop says so."""
    me = ("me", job.role)
    caller = Http(scene, me, forge) if job.way == "http" else Sql(scene, me)
    nobodys, wrong = scene.stranger(job.role), []
    for relation, name, action, cell in cells(job, matrix):
        if stop(wrong):
            break
        room = room_of(name) if job.way == "http" and leaves(name) else "read"
        c = scene.customers.get((job.role, relation, room)) or scene.customers[job.role, relation, "read"]
        due, got = matrix.due(cell, action, job.masking), caller.outcome(action, c, nobodys)
        if due != got:
            wrong.append(f"{', '.join(cell)} by {job.way} under {job.masking}: due {due}, got {got}")
    # And whatever was asked for, nothing told of a customer that is hidden from him altogether.
    for role, relation in sorted(caller.told):
        if role == job.role and matrix.labels[job.visibility, role, relation, "get"] == ".":
            wrong.append(f"{job.visibility}, {role}, {relation} by {job.way}: some answer told of it")
    return wrong


SORTS = ["-updated_at", "name", "-created_at,name"]


def scope_wrong(scene, matrix, role):
    """What is wrong with a role's lists where no policy hides anything (holdfast_api bypasses them)."""
    caller, wrong = Sql(scene, ("me", role), afresh=True), []
    for relation in RELATIONS:
        c = scene.customers.get((role, relation, "read"))
        due = c and matrix.labels[scene.visibility, role, relation, "list"] != "."
        if c and (shows(caller.call(listing(c, email=c.email), "customer_list").text, c) != "nothing") != due:
            wrong.append(f"{scene.visibility}, {role}, {relation}: {'not ' * due}found by its e-mail without policies")
    for archived, sort in product((False, True), SORTS):
        shown = caller.page("customers", archived, sort)
        counted = caller.run("customer_list", dict(filter="{}", archived=archived, fields=None, sort=sort, cursor=None, lim=1, count="exact"))
        if counted[1][-1]["_count"] != len(shown):
            wrong.append(f"{scene.visibility}, {role}: lists {len(shown)} and counts {counted[1][-1]['_count']} by {sort}")
        for relation in RELATIONS:
            c = scene.customers.get((role, relation, "read"))
            due = c and matrix.labels[scene.visibility, role, relation, "list"] != "."
            if c and c.archived == archived and (c.id in shown) != due:
                wrong.append(f"{scene.visibility}, {role}, {relation}: {'not ' * due}in the list by {sort} without policies")
    for (kind, child), archived in product(KINDS.items(), (False, True)):
        shown = caller.page(kind, archived, "-updated_at")
        for relation in RELATIONS:
            c = scene.customers.get((role, relation, "read"))
            if c and c.archived == archived and (getattr(c, child) in shown) != (matrix.labels[scene.visibility, role, relation, kind[0].replace("c", "k") + ".list"] != "."):
                wrong.append(f"{scene.visibility}, {role}, {relation}: {kind} {'not ' * (getattr(c, child) not in shown)}in their list without policies")
    return wrong


def policy_wrong(scene, matrix, role):
    """What is wrong with the policies of app.customer, without any api function."""
    read = {c.id: relation for (r, relation, room), c in scene.customers.items() if r == role and room == "read"}
    with scene.stack.connect() as c, c.cursor() as q:
        c.autocommit = False
        q.execute("select app.enter(%s, gen_random_uuid(), 'test'); set local role holdfast_api", [scene.sessions["me", role]])
        q.execute("select id::text from app.customer where id = any(%s::uuid[])", [list(read)])
        seen = {i for i, in q}
        q.execute("update app.customer set notes = 'x' where id = any(%s::uuid[]) returning id::text", [list(read)])
        written = {i for i, in q}
        seen, written = [seen], [written]
        for child in KINDS.values():
            q.execute(f"select customer_id::text from app.{child} where customer_id = any(%s::uuid[])", [list(read)])
            seen.append({i for i, in q})
            q.execute(f"update app.{child} set archived_at = app.now() where customer_id = any(%s::uuid[]) returning customer_id::text", [list(read)])
            written.append({i for i, in q})
        q.execute("select distinct staff_id::text from app.break_glass where org_id = %s", [scene.org.id])
        glass = {i for i, in q}
        c.rollback()
    below = {id_ for (name, *of), id_ in scene.staff.items() if of == [role] and (name == "me" or name in BELOW)}
    wrong = [f"{scene.visibility}, {role}: broken glass of others seen as holdfast_api"] if role in ("rep", "manager") and not glass <= below else []
    label = {i: (matrix.labels[scene.visibility, role, relation, "get"], matrix.labels[scene.visibility, role, relation, "patch"])
             for i, relation in read.items()}
    return wrong + [f"{scene.visibility}, {role}, {relation}: {of} {'not ' * (i not in s)}seen and {'not ' * (i not in w)}written as holdfast_api"
                    for of, s, w in zip(["customers", *KINDS], seen, written) for i, relation in read.items()
                    if ((i in s), (i in w)) != (label[i][0] != ".", label[i][1] in ("done", "409"))]


def hidden_wrong(scene, role):
    """What is wrong with kinds that a segment keeps back, where a rep sees the customer (it was his, and is in that segment now)."""
    if (scene.visibility, role) != ("open", "rep"):
        return []
    c, wrong = scene.customers[role, "own, other segment", "read"], []
    scene.sql("update app.settings set hides = jsonb_build_object(%s::text, %s::jsonb) where org_id = %s", c.segment, json.dumps(list(KINDS)), scene.org.id)
    try:
        with scene.stack.connect() as db, db.cursor() as q:
            db.autocommit = False
            q.execute("select app.enter(%s, gen_random_uuid(), 'test'); set local role holdfast_api", [scene.sessions["me", role]])
            for kind, child in KINDS.items():
                for of, text in (("seen", f"select count(*) from app.{child} where customer_id = %s"), ("told of", f"select count(*) from app.history where customer_id = %s and entity = '{kind}'"),
                                 ("asked for, but not their customer", "select 1 - count(*) from app.customer where id = %s")):
                    q.execute(text, [c.id])
                    if q.fetchone()[0]:
                        wrong.append(f"open, rep: {kind} that are kept back are {of}")
            db.rollback()
        return wrong
    finally:
        scene.sql("update app.settings set hides = null where org_id = %s", scene.org.id)


def alone(scene, matrix, role):
    """The policies without the functions, and the functions without the policies."""
    wrong = policy_wrong(scene, matrix, role) + hidden_wrong(scene, role)
    scene.sql("alter role holdfast_api bypassrls")
    try:
        return wrong + scope_wrong(scene, matrix, role)
    finally:
        scene.sql("alter role holdfast_api nobypassrls")


def dismissed(scene, matrix, role, forge=None):
    """401 for every action of who has left, even with a session that was forgotten."""
    caller = Http(scene, ("gone", role), forge) if forge else Sql(scene, ("gone", role))
    c = scene.customers[role, "own", "read"]
    found = {name: caller.outcome(action, c, c) for name, action in ACTIONS.items()}
    return [f"{scene.visibility}, {role}, {name}: dismissed, got {got}" for name, got in found.items() if got != (401, "nothing")]


def run(orgs, matrix, forge, ways, stop=lambda wrong: False, first=PLAIN):
    """{job: wrong cells}; ends early when stop says so of those of a job."""
    found, ended = {}, []
    for masking in sorted(matrix.maskings, key=lambda m: (m != first, m != PLAIN)):
        for scene in orgs.values():
            scene.masking(masking)
        jobs = [Job(v, r, way, masking) for way in ways for r in ("rep", "manager", "admin", "auditor") for v in orgs]

        def do(job):
            if not ended:
                found[job] = ask(job, orgs[job.visibility], matrix, forge, lambda wrong: bool(ended) or stop(wrong))
                if stop(found[job]):
                    ended.append(job)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(do, jobs))
    return found
