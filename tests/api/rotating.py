"""rotating.py -- an org with policies and people of its own, and its nights."""
import time

from people import newcomer, other_org


class Org:
    """An admin with two teams; in the first one a manager with two reps in prospecting."""

    def __init__(self, stack):
        self.stack = stack
        self.admin = other_org(stack)
        self.boss = newcomer(stack, "manager", self.admin, segments=())
        self.one, self.two = (newcomer(stack, "rep", self.boss) for _ in range(2))
        self.stranger = newcomer(stack, "rep", newcomer(stack, "manager", self.admin, segments=()))
        self.auditor = newcomer(stack, "auditor", self.admin, segments=())
        (self.id,), = stack.sql("select org_id from app.staff where id = %s", self.admin.id)
        stack.unlimited()

    def fresh(self):
        """Nothing to rotate, no policy: for the next test."""
        self.stack.sql("update app.settings set rotation = null where org_id = %s", self.id)
        self.stack.sql("update app.customer set archived_at = app.now() where org_id = %s and archived_at is null", self.id)
        self.stack.sql("update app.rotation set status = 'lapsed' where org_id = %s and status = 'open'", self.id)
        return self

    def settings(self, **fields):
        return self.admin.patch("/settings", fields, self.admin.get("/settings").headers["ETag"])

    def policy(self, segment="prospecting", **rules):
        answer = self.settings(rotation={segment: rules or None})
        assert answer.status_code == 200, answer.text
        return answer.json()["rotation"]

    def customers(self, owner, n, days=100, **fields):
        """Customers that somebody has for so many days, made by nobody."""
        names = "".join(", " + k for k in fields)
        return [str(r[0]) for r in self.stack.sql(f"""insert into app.customer (org_id, id, name, stage, owner_id, created_at, updated_at{names})
            select s.org_id, app.uuid7(), 'Turn ' || i, 'new', s.id, app.now() - make_interval(days => %s), app.now(){', %s' * len(fields)}
            from app.staff s, generate_series(1, %s) i where s.id = %s returning id""", days, *fields.values(), n, owner.id)]

    def touch(self, customer, author, n, kind="call", days=1):
        self.stack.sql("""insert into app.activity (org_id, id, customer_id, kind, direction, at, author_id, created_at, updated_at)
            select s.org_id, app.uuid7(), %s, %s, 'out', app.now() - make_interval(days => %s), s.id, app.now(), app.now() from app.staff s, generate_series(1, %s) where s.id = %s""",
                       customer, kind, days, n, author.id)

    def evening(self):
        """Nothing is proposed for today."""
        self.stack.sql("with places as (update app.segment set rotated_on = '-infinity' where org_id = %s) update app.org set rotated_on = '-infinity' where org_id = %s", self.id, self.id)

    def night(self):
        """Has the proposals made anew, by whichever process comes first."""
        self.evening()
        until = time.monotonic() + 30
        while self.stack.sql("select 1 from app.org where org_id = %s and rotated_on = '-infinity'", self.id):
            self.stack.sql("select api.rotations_step()", user="holdfast_cgi")
            assert time.monotonic() < until
        return self.open()

    def open(self, who=None, **more):
        """The open proposals: {id of the person: proposal}."""
        return {r["staff_id"]: r for r in (who or self.admin).pages("/rotations", status="open", **more)}

    def rows(self, proposal, who=None):
        return (who or self.admin).pages(f"/rotations/{proposal['id']}/customers", limit=200)

    def owners(self, ids):
        return [str(o) for _, o in sorted(self.stack.sql("select array_position(%s::uuid[], id), owner_id from app.customer where id = any(%s::uuid[])", ids, ids))]
