"""test_idempotency.py -- Idempotency-Key: the same request twice does the thing once."""
import concurrent.futures
import uuid

from holdfast import Client, problem


def test_idempotency_key(rita, max, nina, ada, stack):
    key, body = {"Idempotency-Key": uuid.uuid4().hex}, {"name": "Once"}
    first = rita.post("/customers", body, key)
    again = rita.post("/customers", body, key)
    assert (first.status_code, again.status_code) == (201, 201) and first.json() == again.json() and again.headers["Location"] == first.headers["Location"]
    problem(rita.post("/customers", {"name": "Other"}, key), 422, "key_reused")
    assert max.post("/customers", body, key).json()["id"] != first.json()["id"]  # keys are each person's own
    c = rita.change(first.json(), city="Ulm")
    assert rita.post("/customers", body, key).json() == dict(c, duplicates=[])  # as it is now, not as it was
    max.change(c, owner_id=nina.id)
    problem(rita.post("/customers", body, key), 404, "not_found")  # and as he may see it now
    assert stack.sql("select count(*) from app.customer where name = 'Once'") == [(2,)]
    for wrong in ("a b", "x" * 256):
        problem(rita.post("/customers", body, {"Idempotency-Key": wrong}), 400, "invalid_parameter", "idempotency-key")
    problem(rita.post("/customers", {"name": 5}, {"Idempotency-Key": "failed"}), 422)
    assert rita.post("/customers", body, {"Idempotency-Key": "failed"}).status_code == 201  # a refusal keeps no key


def test_idempotency_key_in_parallel(rita, stack):
    for _ in range(5):
        name, key = uuid.uuid4().hex, {"Idempotency-Key": uuid.uuid4().hex, "Authorization": rita.http.headers["Authorization"]}
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: Client(stack).post("/customers", {"name": name}, key), range(8)))
        for answer in answers:
            if answer.status_code != 201:
                problem(answer, 409, "in_progress")
                assert int(answer.headers["Retry-After"]) >= 1
        assert len({a.json()["id"] for a in answers if a.status_code == 201}) == 1
        assert stack.sql("select count(*) from app.customer where name = %s", name) == [(1,)]
