"""A stack of its own for each module of tests here: they break it."""
import os
import random
import sys

import pytest

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.dirname(here)]

from holdfast import Stack  # noqa: E402

LONG = os.environ.get("HOLDFAST_LONG") == "1"


@pytest.fixture(scope="module")
def stack():
    with Stack() as running:
        yield running


@pytest.fixture
def dice():
    """Chance, by a seed that a failure shows; HOLDFAST_RANDOM_SEED repeats it."""
    seed = int(os.environ.get("HOLDFAST_RANDOM_SEED") or random.randrange(10 ** 9))
    print(f"HOLDFAST_RANDOM_SEED={seed}")
    return random.Random(seed)
