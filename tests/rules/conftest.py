"""One stack for the matrix of the rules, and an org of its own for each setting of visibility."""
import os
import sys

import pytest

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.dirname(here), os.path.join(os.path.dirname(here), "api")]

from holdfast import Stack  # noqa: E402
from people import Forge  # noqa: E402
from matrix import Matrix  # noqa: E402
from runs import scenes  # noqa: E402


@pytest.fixture(scope="session")
def stack():
    with Stack() as running:
        with open(os.path.join(here, "scene.sql")) as file, running.connect() as c, c.cursor() as q:
            q.execute(file.read())
        yield running


@pytest.fixture(scope="session")
def forge(stack):
    return Forge(stack, stack.login("ada@demo.test"))


@pytest.fixture(scope="session")
def matrix():
    return Matrix()


@pytest.fixture(scope="session")
def orgs(stack, matrix):
    """An org for each setting of visibility."""
    return scenes(stack, matrix)
