"""What a rep can take away without changing a phone: whoever archives much, or takes back all he ever wrote, is told of at once."""
import pytest

from watching import alerts, answered, customers, limits, patch, rep


@pytest.fixture
def rob(stack, max):
    return rep(stack, max)


def test_archiving_a_book_is_told_of(stack, max, rob):
    ids = customers(stack, rob, 14)
    with limits(stack, rob, deletions={"day": 10}):
        for n, id_ in enumerate(ids):
            assert alerts(max, rob, rule="deletions") == [] or n > 10
            assert rob.delete("/customers/" + id_, "*").status_code == 200
    (alert,) = alerts(max, rob, rule="deletions")
    assert (alert["severity"], alert["times"]) == ("high", 4)
    assert answered(max, alert).json()["restored"] >= 14
    assert stack.sql("select count(*) from app.customer where id = any(%s::uuid[]) and archived_at is null", ids)[0][0] == 14


def test_so_is_taking_back_ones_own_work(stack, max, rob):
    """His restore archives what he made and nobody else touched, and brings back the numbers that he mended: a leaver's last day."""
    with limits(stack, rob, deletions={"day": 10}, contact_changes={"hour": 3, "day": 50}):
        for _ in range(12):
            rob.customer(phone="+49 30 5550 100")
        scope = {"actor": rob.id, "from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
        assert rob.post("/restores", {"scope": scope, "reason": "Mine"}).status_code == 201
        (alert,) = alerts(max, rob, rule="deletions")
        assert alert["severity"] == "high" and len(alert["evidence"]["operations"]) == 1
        assert answered(max, alert).status_code == 201
        assert stack.sql("select count(*) from app.customer where owner_id = %s and archived_at is null", rob.id)[0][0] == 12


def test_and_writing_back_what_he_planted(stack, max, rob):
    ids = customers(stack, rob, 5)
    with limits(stack, rob, contact_changes={"hour": 50, "day": 50}, near_misses={"day": 50}):
        operations = [max.get("/history", record=id_, field="phone").json()["data"][0]["operation_id"]
                      for id_ in ids if patch(rob, id_, phone="+33 1 42680000").status_code == 200]
    assert len(operations) == 5
    scope = {"actor": rob.id, "from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    with limits(stack, rob, contact_changes={"hour": 3, "day": 3}):
        assert rob.post("/restores", {"scope": scope, "reason": "Mine"}).json()["restored"] == 5
    (alert,) = alerts(max, rob, rule="contact_changes")
    assert alert["severity"] == "high" and len(alert["evidence"]["operations"]) == 1


def test_a_manager_who_takes_back_is_not(stack, max, rob):
    with limits(stack, max, deletions={"day": 2}, contact_changes={"hour": 2, "day": 2}):
        made = [rob.customer() for _ in range(4)]
        scope = {"actor": rob.id, "from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
        assert max.post("/restores", {"scope": scope, "reason": "Nonsense"}).json()["restored"] == len(made)
    assert stack.sql("select count(*) from app.alert where staff_id = %s and rule in ('deletions', 'contact_changes') and day = (app.now() at time zone 'UTC')::date", max.id)[0][0] == 0
