"""No request reads the whole base: a tour of the API among 20,000 customers, and how many rows each request has read.

A condition of a join or of a policy that is not leakproof, or a sort for which no index is the right one, costs nothing in the small base of the other tests."""
import pytest

from holdfast import Stack
from little import MOST, SIZE, Little
from little_tour import TOUR, Record


@pytest.fixture(scope="module")
def stack():
    """Its own: its base is large, and nobody else works in it."""
    with Stack() as running:
        yield running


@pytest.fixture(scope="module")
def little(stack):
    return Little(stack)


def test_what_is_read_is_counted(little):
    """The meter runs: who wants all counted has all read."""
    before = little.read()
    answer = little.ada.get("/customers", count="exact")
    assert answer.json()["count"] >= SIZE and little.read() - before >= SIZE


@pytest.mark.parametrize("who, wish, body, status, most", [
    pytest.param(who, wish, body, status, most or MOST, id=f"{who} {wish} {name}".strip()) for people, wish, name, body, status, most in TOUR for who in people.split()])
def test_reads_little(little, who, wish, body, status, most):
    record = Record(little, who)
    body = body(record) if callable(body) else body
    method, path = wish.format_map(record).split(" ", 1)
    sent = {"data": body} if isinstance(body, bytes) else {"json": body}
    before = little.read()
    answer = getattr(little, who).request(method, path, headers={"If-Match": "*", **({"Content-Type": "text/csv"} if "data" in sent else {})}, **sent)
    read = little.read() - before
    assert answer.status_code == status, answer.text     # what was refused proves nothing
    assert read < most, f"{read} rows"
