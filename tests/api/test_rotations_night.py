"""The night of an org: a step for each segment, whatever becomes of one."""
import contextlib
import time

import pytest

from rotating import Org


@pytest.fixture
def org(stack):
    return Org(stack)


@pytest.mark.parametrize("fault", ["perform pg_sleep(3)", "null"])
def test_one_segment_keeps_no_other_waiting(org, fault):
    """One that takes too long or fails is begun once a night, and what the others got stays."""
    org.policy(longest_days=30)
    org.policy("negotiation", longest_days=30)
    org.policy("closing", longest_days=30)
    org.stack.sql("update app.staff set segments = '{prospecting,negotiation,closing}' where id = %s", org.one.id)
    org.customers(org.one, 3)
    for id, stage in zip(org.customers(org.one, 2), ("proposal", "won")):
        org.stack.sql("update app.customer set stage = %s where id = %s", stage, id)
    org.stack.sql("update app.customer set owner_since = app.now() - interval '90 days' where org_id = %s", org.id)
    org.stack.sql(f"create function app.test_fault() returns trigger language plpgsql as $$ begin {fault}; raise 'no'; end $$")
    org.stack.sql("create trigger test_fault before insert on app.rotation for each row when (new.segment_id = 'negotiation') execute function app.test_fault()")
    until = time.monotonic() + 30
    try:
        with contextlib.closing(org.stack.connect("holdfast_cgi")) as c, c.cursor() as q:
            org.evening()
            q.execute("set statement_timeout = 1000")
            while org.stack.sql("select 1 from app.org where org_id = %s and rotated_on = '-infinity'", org.id):
                q.execute("select api.rotations_step()")
                assert time.monotonic() < until
    finally:
        org.stack.sql("drop function app.test_fault cascade")
        org.policy("negotiation")
        org.policy("closing")
    assert {r["segment"]: r["customers"] for r in org.admin.pages("/rotations", status="open")} == {"prospecting": 3, "closing": 1}
