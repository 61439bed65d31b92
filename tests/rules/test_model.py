"""test_model.py -- a random org, and every answer about its customers is what the model says. HOLDFAST_TEST_SEED repeats a run."""
import os
import random
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.dirname(here)]

from asking import Asker, Disagreement  # noqa: E402
from holdfast import Stack  # noqa: E402
from random_org import RandomOrg  # noqa: E402
from web import Web  # noqa: E402

LONG = os.environ.get("HOLDFAST_LONG") == "1"
ANSWERS = 200000 if LONG else 20000
THROUGH_HTTP = 200
# How many people each org has: with more than 50 below somebody his pages are put together another way.
ORGS = [14, 75] * (8 if LONG else 1)
# What must have been among the answers, or the run has proved little.
AMONG = ["list clear", "list masked", "list hidden", "get", "get clear", "get masked", "get hidden", "get missing", "get of an opened one",
         "write", "write refused", "write missing", "write archived", "history", "history missing", "changes of customers", "changes of staff", "changes of settings", "changes of funnel", "session ended",
         "list of contacts", "list of activities", "get contacts", "get activities", "get contacts as of", "get activities as of", "get contacts missing", "child hidden", "change contacts done",
         "archive contacts done", "archive activities done", "archive activities refused", "create contacts done", "create contacts refused", "create activities missing", "create contacts archived",
         "changes of contacts", "changes of activities"]


@pytest.fixture(scope="module")
def universe():
    with Stack(seed="none") as running:
        running.foreign = list(RandomOrg(running.connect(), random.Random(0), 3, 20).org.customers)
        yield running


def programs(stack):
    """A connection as the programs have it."""
    c = stack.connect("holdfast_cgi")
    with c.cursor() as q:
        q.execute("set jit = off")
    return c


def compare(stack, seed, people, answers):
    """Compares so many answers in one random org, in the end some through HTTP; returns how many, and of what they were made."""
    asker = Asker(programs(stack), RandomOrg(stack.connect(), random.Random(seed), people, foreign=stack.foreign))
    while asker.compared < answers:
        asker.org_.change()
        asker.round()
    web = Web(stack, asker.org_)
    while web.compared < THROUGH_HTTP:
        asker.org_.change(asker.org_.settings)
        web.round()
    asker.org_.change(web.dismiss)
    web.round()
    return asker.compared + web.compared, asker.kinds + web.kinds


def test_the_policies_agree_with_the_model(universe):
    seed = int(os.environ.get("HOLDFAST_TEST_SEED") or random.randrange(10 ** 9))
    print(f"test_model: HOLDFAST_TEST_SEED={seed}")
    compared, kinds = 0, Counter()
    with ThreadPoolExecutor(2) as two:
        runs = [two.submit(compare, universe, f"{seed} {n}", people, ANSWERS / len(ORGS)) for n, people in enumerate(ORGS)]
        for n, run in enumerate(runs):
            try:
                answers, of = run.result()
            except Disagreement as e:
                [r.cancel() for r in runs]
                pytest.fail(f"HOLDFAST_TEST_SEED={seed}, org {n}\n  {e}", pytrace=False)
            except Exception as e:
                raise AssertionError(f"HOLDFAST_TEST_SEED={seed}, org {n}") from e
            compared, kinds = compared + answers, kinds + of
    print(f"test_model: compared {compared} answers: {dict(sorted(kinds.items()))}")
    assert compared >= ANSWERS
    assert [word for word in AMONG if not kinds[word]] == []
    assert universe.fold_differences() == []
