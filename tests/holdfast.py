"""holdfast.py -- a private stack and clients for it, as tests and benchmarks use them.

    with Stack() as stack:
        rita = stack.login("rita@demo.test")
        rita.get("/customers").json()
"""
import contextlib
import json
import os
import secrets
import socket
import subprocess
import tempfile
import threading
import time
import uuid

import jwt
import psycopg2
import requests

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("HOLDFAST_BUILD", os.path.join(ROOT, "build"))
PASSWORD = "holdfast-demo-1"


def _no_limits():
    """An org's budgets that limit nobody."""
    none = {"soft": 999999999, "hard": 999999999}
    windows = {w: none for w in ("hour", "day", "month")}
    all_ = {"customers": windows, "contacts": windows, "reveals": windows, "denied": windows,
            **{m: {"week": {"soft": "100%", "hard": "100%"}} for m in ("segment", "team")},
            **{m: {w: {"hard": 999999999} for w in ("hour", "day")} for m in ("contact_changes", "near_misses", "deletions")}}
    return json.dumps({role: all_ for role in ("rep", "manager", "admin", "auditor")})


NO_LIMITS = _no_limits()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Stack:
    """A stack of its own under a temporary folder: PostgreSQL, the programs, nginx."""

    def __init__(self, seed="demo", build=BUILD):
        # /var/tmp: PostgreSQL's user must reach it, and it is on a disk.
        self.folder = tempfile.mkdtemp(prefix="hf-", dir="/var/tmp")
        os.chmod(self.folder, 0o755)
        self.state = os.path.join(self.folder, "s")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = dict(os.environ, PORT=str(self.port), STATE=self.state, HOLDFAST_BUILD=build, HOLDFAST_SEED=seed)
        self.kept = threading.local()
        self.signs, self.folded = None, None

    def run(self, verb, check=True):
        """conf/stack VERB; returns what it printed."""
        done = subprocess.run([os.path.join(ROOT, "conf/stack"), verb], env=self.env, cwd=ROOT, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        if check and done.returncode != 0:
            raise AssertionError(f"stack {verb}: {done.stdout}")
        return done.stdout

    def start(self):
        self.run("start")
        with self.connect() as c, c.cursor() as q:
            with open(os.path.join(ROOT, "tests/sql/clock.sql")) as file:
                q.execute(file.read())
            with open(os.path.join(ROOT, "tests/sql/fold.sql")) as file:
                q.execute(file.read())
        return self

    def stop(self):
        self.run("stop")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        subprocess.run(["rm", "-rf", self.folder], check=True)

    @property
    def socket(self):
        """The folder of PostgreSQL's unix socket."""
        return os.path.join(self.state, "run")

    def connect(self, user="postgres"):
        """A connection as a database role; autocommit."""
        c = psycopg2.connect(host=self.socket, dbname="holdfast", user=user)
        c.autocommit = True
        return c

    def sql(self, text, *args, user="postgres"):
        """Runs one statement and returns its rows as tuples."""
        with self._connection(user).cursor() as q:
            q.execute(text, args)
            return q.fetchall() if q.description else []

    def _connection(self, user):
        """This thread's for a role, kept, since a new one costs 9 ms, and like a new one."""
        kept = self.kept.__dict__
        with contextlib.suppress(KeyError, psycopg2.Error):
            if kept[user].get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_IDLE:
                kept[user].cursor().execute("reset all")
                return kept[user]
            kept[user].close()
        kept[user] = self.connect(user)
        return kept[user]

    def login(self, email, password=PASSWORD):
        return Client(self, email, password)

    def enter(self, email):
        """Somebody with a new session as logging in makes one, but without his password, whose argon2 is 50 ms. He cannot refresh it."""
        if self.signs is None:
            token = self.login("ada@demo.test").tokens["access_token"]
            with open(os.path.join(self.state, "keys/k1.pem")) as file:
                self.signs = file.read(), jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
        key, head, claims = self.signs
        secret, now = secrets.token_urlsafe(32), int(time.time())
        (sid, staff), = self.sql("""with s as (
                insert into app.session (org_id, id, staff_id, secret_hash, address, agent, created_at, expires_at)
                select l.org_id, app.uuid7(), l.staff_id, app.secret_hash(l.org_id || '.' || %s), '127.0.0.1', 'tests', app.now(), app.now() + interval '12 hours'
                from app.login l where l.email = %s returning org_id, staff_id)
            select org_id || '.' || %s, app.staff_doc(org_id, staff_id) from s""", secret, email, secret)
        claims = dict(claims, sub=staff["id"], sid=sid, jti=uuid.uuid4().hex, iat=now, nbf=now, exp=now + 300)
        return Client(self, pair={"access_token": jwt.encode(claims, key, "ES256", head), "staff": staff})

    def clock(self, interval):
        """Sets the database's clock ahead by an interval text; '0' sets it right."""
        self.sql("update app.test_clock set ahead = %s::interval", interval)

    def unlimited(self):
        """Takes the limits of all orgs' people away, as tests need it that are about other things; what is seen is counted all the same."""
        for _ in range(10):     # orgs at once are in no order that what works in one of them keeps to
            with contextlib.suppress(psycopg2.errors.DeadlockDetected):
                self.sql("update app.settings set budgets = %s", NO_LIMITS)
                break
        else:
            raise AssertionError("the limits could not be taken away")
        self.sql("update app.exposure set limits_of = null")    # or what was worked out before would hold until the next hour

    def fold_differences(self, new=False):
        """Records whose folded history is not the record: must be empty. new: of those only that were written since this was asked before."""
        since, self.folded = self.folded if new else None, self.sql("select pg_snapshot_xmin(pg_current_snapshot())::xid::text")[0][0]
        return self.sql("select * from app.test_fold_differences(%s::xid)", since)


class Client:
    """Somebody who is logged in (or, with email None, is not). Paths are below /v1."""

    def __init__(self, stack, email=None, password=PASSWORD, pair=None):
        self.stack = stack
        self.http = requests.Session()
        self.http.trust_env = False
        if email is not None:
            answer = self.post("/sessions", {"email": email, "password": password})
            assert answer.status_code == 201, answer.text
            pair = answer.json()
        if pair is not None:
            self.tokens = pair
            self.staff = self.tokens["staff"]
            self.id = self.staff["id"]
            self.http.headers["Authorization"] = "Bearer " + self.tokens["access_token"]

    def request(self, method, path, **more):
        return self.http.request(method, self.stack.url + ("" if path.startswith("/openapi") else "/v1") + path,
                                 timeout=30, **more)

    def get(self, path, headers=None, **params):
        return self.request("GET", path, params=params or None, headers=headers)

    def post(self, path, body=None, headers=None, **params):
        return self.request("POST", path, json=body, headers=headers, params=params or None)

    def patch(self, path, body, etag=None, headers=None):
        return self.request("PATCH", path, json=body, headers=dict({"If-Match": etag} if etag else {}, **(headers or {})))

    def delete(self, path, etag=None):
        return self.request("DELETE", path, headers={"If-Match": etag} if etag else None)

    def pages(self, path, **params):
        """All rows of a list, page by page."""
        rows, cursor = [], None
        while True:
            answer = self.get(path, **dict(params, **({"cursor": cursor} if cursor else {})))
            assert answer.status_code == 200, answer.text
            rows += answer.json()["data"]
            cursor = answer.json()["next"]
            if cursor is None:
                return rows

    def customer(self, **fields):
        """A new customer of this person; returns its object, as GET does."""
        answer = self.post("/customers", dict({"name": "Test " + uuid.uuid4().hex[:8]}, **fields))
        assert answer.status_code == 201, answer.text
        return {k: v for k, v in answer.json().items() if k != "duplicates"}

    def change(self, customer, **fields):
        """PATCHes a customer as it is now; returns the new object."""
        path = "/customers/" + customer["id"]
        answer = self.patch(path, fields, self.get(path).headers["ETag"])
        assert answer.status_code == 200, answer.text
        return answer.json()


def problem(answer, status, code=None, pointer=None):
    """Asserts that an answer is a refusal as RFC 9457 has it, and returns its object."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["Content-Type"] == "application/problem+json", answer.headers
    body = answer.json()
    assert body["status"] == status and body["instance"] == answer.headers["X-Request-Id"], body
    assert {"type", "title", "status", "detail", "instance", "code"} <= set(body), body
    for secret in ("SQLSTATE", "ERROR:", "select ", "relation ", "PL/pgSQL", "plpgsql", "constraint \""):
        assert secret not in answer.text, answer.text
    if code is not None:
        assert body["code"] == code, body
    if pointer is not None:
        assert pointer in [e["pointer"] for e in body.get("errors", [])], body
    return body
