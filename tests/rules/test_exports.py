"""test_exports.py -- a random walk of people who take data out, or try to: every answer is what the model says, and nothing ever left that
enough others had not approved. HOLDFAST_TEST_SEED repeats a run."""
import contextlib
import os
import random
import sys
from collections import Counter

import pytest

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.dirname(here)]

from asking import Disagreement  # noqa: E402
from export_org import PART  # noqa: E402
from holdfast import Stack  # noqa: E402
from random_exports import RandomExports  # noqa: E402

LONG = os.environ.get("HOLDFAST_LONG") == "1"
STEPS = 100000 if LONG else 2000
WALK = 500   # steps in one org
# What must have come of the steps, or the walk has proved little; of long ones also what is rare.
AMONG = ["ask done", "approve done", "approve 404 not_found", "approve 409 not_pending", "ticket done", "ticket 409 not_approved", "take done", "take 409 ticket_expired",
         "take 409 ticket_used", "send done", "send 409 not_approved", "done done", "broken done", "downloaded"]
RARE = ["ask 403 forbidden", "ask 409 no_approvers", "ask 409 too_many_open", "ask 422 invalid_value", "approve 401 session_ended", "approve 403 forbidden", "approve 409 already_decided",
        "first of two approvals", "second of two approvals", "reject done", "ticket 403 forbidden", "ticket 409 ticket_used", "take 403 ticket_invalid", "take 409 approval_stale",
        "take 409 not_approved", "take again", "peek done", "one of many parts", "a decoy went out", "masked", "voided inactive", "voided role", "voided segments", "voided under way"]

# Downloads that are in the ledger without enough approvals of different persons, none of them the requester, from before.
UNAPPROVED = """
    select l.request_id, t.export from app.disclosure l
    left join unnest(%s::uuid[], %s::uuid[], %s::int[]) t(request, export, needed) on t.request = l.request_id
    left join app.export e on e.org_id = l.org_id and e.id = t.export and e.staff_id = l.staff_id
    left join app.staff w on w.org_id = e.org_id and w.id = e.staff_id
    where l.org_id = %s and l.channel = 'export' and (w.id is null or t.needed > (
        select count(distinct s.person_id) from app.export_decision d join app.staff s on s.org_id = d.org_id and s.id = d.staff_id
        where d.org_id = e.org_id and d.export_id = e.id and d.decision = 'approve' and d.at <= l.at and s.person_id <> w.person_id))"""


@pytest.fixture(scope="module")
def universe():
    with Stack(seed="none") as running:
        # So that a file has many parts; and what is over ends in the walk alone.
        running.sql(f"create or replace function api.export_part_rows() returns int language sql immutable as 'select {PART}'")
        running.sql("update app.chore set last_at = 'infinity'")
        # It is about who may what, not about what the disk has.
        running.sql("alter system set synchronous_commit = off")
        running.sql("select pg_reload_conf()")
        yield running


def approved(walk):
    """Nothing is in the ledger that was not approved: by what the tables say, and nothing of the model."""
    took = walk.took.items()
    assert walk.sql(UNAPPROVED, [r for r, _ in took], [e for _, e in took], [walk.approvals[e] for _, e in took], walk.org.id) == []


def test_nobody_takes_data_out_alone(universe):
    seed = int(os.environ.get("HOLDFAST_TEST_SEED") or random.randrange(10 ** 9))
    print(f"test_exports: HOLDFAST_TEST_SEED={seed}")
    kinds = Counter()
    with contextlib.closing(universe.connect("holdfast_cgi")) as programs:
        programs.cursor().execute("set jit = off")
        for n in range(STEPS // WALK):
            try:
                walk = RandomExports(universe, programs, random.Random(f"{seed} {n}"), few=n % 2 == 1)
                for step in range(WALK):
                    walk.step()
                    if step % 20 == 19:
                        approved(walk)
                        walk.compare()
            except Disagreement as e:
                pytest.fail(f"HOLDFAST_TEST_SEED={seed}, org {n}\n  {e}", pytrace=False)
            except Exception as e:
                raise AssertionError(f"HOLDFAST_TEST_SEED={seed}, org {n}") from e
            kinds += walk.kinds
    print(f"test_exports: {dict(sorted(kinds.items()))}")
    assert [word for word in AMONG + RARE * LONG if not kinds[word]] == []
    universe.clock("0")
    assert universe.fold_differences() == []
