"""One stack for all API tests; after each test every record that it wrote must be the fold of its history, and all of them in the end."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from holdfast import Client, Stack  # noqa: E402


@pytest.fixture(scope="session")
def stack():
    with Stack() as running:
        running.unlimited()
        yield running
        assert running.fold_differences() == []


@pytest.fixture(autouse=True)
def folds(stack):
    yield
    assert stack.fold_differences(new=True) == []


@pytest.fixture
def contacts(stack, request):
    """Where contact values are masked in the demo org, for one test: off, lists or always. By SQL, past what it is about."""
    def mask(word):
        return stack.sql("""with was as (select org_id, contact_masking from app.settings where org_id = (
                select org_id from app.login where email = 'ada@demo.test'))
            update app.settings s set contact_masking = %s from was where s.org_id = was.org_id returning was.contact_masking""", word)[0][0]
    was = mask(request.param)
    yield request.param
    mask(was)


def _person(name):
    @pytest.fixture(name=name)
    def person(stack):
        return stack.enter(name + "@demo.test")
    return person


ada, abby, max, olga, axel = (_person(n) for n in ("ada", "abby", "max", "olga", "axel"))
rita, nina, carl, omar, pia, theo = (_person(n) for n in ("rita", "nina", "carl", "omar", "pia", "theo"))


@pytest.fixture
def nobody(stack):
    return Client(stack)
