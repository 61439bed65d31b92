"""hiring.py -- what the tests of staff share: people made by the API, their history, requests that meet."""
import concurrent.futures
import contextlib
import time
import uuid

from holdfast import Client
from people import welcome

DIRECTORY = {"id", "name", "segments", "status"}
WHOLE = DIRECTORY | {"email", "role", "manager_id", "person_id", "version", "created_at", "updated_at"}


def address():
    return uuid.uuid4().hex[:16] + "@demo.test"


def hire(admin, role="rep", manager=None, **more):
    """Somebody new by the API; his object with his invite."""
    body = dict({"name": "New Comer", "email": address(), "role": role, "manager_id": manager}, **more)
    answer = admin.post("/staff", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def arrive(stack, person):
    """He sets his password and logs in."""
    return welcome(stack, person["email"], person["invite"])


def person(client, who):
    """Somebody as the client sees him, by object or id."""
    answer = client.get("/staff/" + (who if isinstance(who, str) else who["id"]))
    assert answer.status_code == 200, answer.text
    return answer.json()


def change(admin, who, **fields):
    """PATCHes somebody as he is now; returns the answer."""
    path = "/staff/" + (who if isinstance(who, str) else who["id"])
    return admin.patch(path, fields, admin.get(path).headers["ETag"])


def history(client, who, **more):
    """The changes of a person, the newest first."""
    return client.pages("/history", entity="staff", record=who["id"], **more)


def again(client):
    """The same session on a connection of its own, for a thread."""
    other = Client(client.stack)
    other.http.headers["Authorization"] = client.http.headers["Authorization"]
    return other


@contextlib.contextmanager
def held(stack, statement, *args):
    """Holds a lock while the block runs."""
    c = stack.connect()
    c.autocommit = False
    with contextlib.closing(c), c.cursor() as q:
        q.execute(statement, args)
        yield
        c.rollback()


def meet(stack, lock, *asks):
    """Sends requests that all wait for a lock (statement, argument...) and go on together; their answers."""
    with concurrent.futures.ThreadPoolExecutor(len(asks)) as pool:
        with held(stack, *lock):
            answers = [pool.submit(ask) for ask in asks]
            until = time.monotonic() + 5
            while len(stack.sql("select 1 from pg_stat_activity where wait_event_type = 'Lock'")) < len(asks):
                assert time.monotonic() < until, [a.result() for a in answers if a.done()]
                time.sleep(0.01)
        return [a.result() for a in answers]


def turn(stack, who):
    """What meet needs to have changes of people in this person's org meet."""
    return "select app.staff_turn(org_id) from app.staff where id = %s", who.id
