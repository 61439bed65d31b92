"""callers.py -- asks through HTTP, and by SQL as the programs' role, and says what an answer shows."""
import http.client
import json
import threading
import time
import uuid
from collections import namedtuple
from urllib.parse import urlencode

import psycopg2

from children import KINDS

# face: the answer without what names the request; hidden and missing must be equal in it.
Answer = namedtuple("Answer", "status text face rows", defaults=(None,))
STATES = {"42501": 403, "23505": 409}
LISTS = {"customers": "customer_list", **{kind: one + "_list" for kind, one in KINDS.items()}}


def digits(phone):
    return phone.replace(" ", "")


def shows(text, c):
    """What of a customer is in a text."""
    whole = any(v in text for v in [c.email, *c.phones, *map(digits, c.phones)])
    masked = "***" in text
    return "both" if whole and masked else "clear" if whole else "masked" if masked else \
        "id" if any(word in text for word in (c.id, c.name, *(getattr(c, k) for k in KINDS.values()))) else "nothing"


class Caller:
    """Somebody who asks. kept: what he got of all pages, and about nobody's; told: the customers that any answer told him of."""

    def __init__(self, scene, who):
        self.scene, self.who, self.kept, self.told = scene, who, {}, set()

    def page(self, *which):
        """All rows of a list (of what, archived, sort) by their ids."""
        if which not in self.kept:
            rows, cursor = [], None
            while True:
                answer = self.more(*which, cursor)
                if answer.rows is None:
                    self.kept[which] = answer
                    break
                rows += answer.rows[0]
                cursor = answer.rows[1]
                if cursor is None:
                    self.kept[which] = {r["id"]: json.dumps(r) for r in rows}
                    # What he created himself under an id of another org's tells of nobody.
                    self.told |= self.scene.named(json.dumps([r for r in rows if r.get("name") != "New"]))
                    break
        return self.kept[which]

    def ask(self, ask, function, c):
        if not ask.page:
            answer = self.call(ask, function)
            self.told |= self.scene.named(answer.text) - self.scene.named(c.id)     # of this one the outcome says it
            return answer
        *which, id_ = ask.page
        rows = self.page(*which)
        return rows if isinstance(rows, Answer) else Answer(200, rows.get(id_, ""), None)

    def outcome(self, action, c, missing):
        """(status, what it shows): "hidden" where nothing tells the customer from one that is not there."""
        found = []
        for ask in action.asks(c, self.scene):
            answer = self.ask(ask, action.function, c)
            what = shows(answer.text, c)
            if action.writes and what == "nothing" and '"restored": 0' in answer.text:
                what = "nothing restored"
            found.append((answer.status, what, answer.face))
        if len({f[:2] for f in found}) > 1:
            return 0, "differently by " + ", ".join(f"{s} {w}" for s, w, _ in found)
        status, what = found[0][:2]
        if status == action.hidden and what == "nothing" and status != action.status or status == 200 == action.hidden and what == "nothing":
            key = action, c.archived
            if key not in self.kept:
                self.kept[key] = [self.ask(ask, action.function, missing).face for ask in action.asks(missing, self.scene)]
            if [f[2] for f in found] != self.kept[key]:
                return status, f"hidden, but not as missing: {[f[2] for f in found]} for {self.kept[key]}"
            return status, "hidden"
        return status, what


class Http(Caller):
    def __init__(self, scene, who, forge):
        super().__init__(scene, who)
        self.forge, self.made, self.connection = forge, 0, None

    def send(self, method, path, params=None, body=None, headers=None):
        if time.time() > self.made + 120:
            self.made = now = int(time.time())
            self.token = self.forge.with_claims(sub=self.scene.staff[self.who], sid=self.scene.sessions[self.who], iat=now, nbf=now,
                                                exp=now + 300, jti=uuid.uuid4().hex)
        head = {"Authorization": "Bearer " + self.token, **(headers or {})}
        if body is not None:
            body, head["Content-Type"] = json.dumps(body), "application/json"
        for attempt in range(2):    # nginx ends a connection after its thousandth request
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.scene.stack.port, timeout=60)
            try:
                self.connection.request(method, "/v1" + path + ("?" + urlencode(params) if params else ""), body, head)
                answer = self.connection.getresponse()
                text = answer.read().decode()
                break
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.connection.close()
                self.connection = None
                if attempt or method not in ("GET", "HEAD"):
                    raise
        if answer.will_close:
            self.connection.close()
            self.connection = None
        return answer, text

    def call(self, ask, function):
        answer, text = self.send(ask.method, ask.path, ask.params, ask.body, ask.headers)
        # What he has left is told by what he saw before, not by whom he asked for.
        head = {k: v for k, v in answer.getheaders() if k not in ("Date", "X-Request-Id", "Exposure-Remaining")}
        doc = json.loads(text) if text else {}
        doc.pop("instance", None)
        head.pop("Location", None) if answer.status == 201 else None
        return Answer(answer.status, f"{head} {json.dumps(doc, ensure_ascii=False)}", (head, doc))

    def more(self, kind, archived, sort, cursor):
        params = {"limit": 200, "sort": sort, **({"archived": "true"} if archived else {}), **({"cursor": cursor} if cursor else {})}
        answer, text = self.send("GET", "/" + kind, params)
        doc = json.loads(text)
        return Answer(answer.status, text, None, (doc["data"], doc["next"]) if answer.status == 200 else None)


class Sql(Caller):
    """As holdfast_cgi; what a call does is taken back, so that nothing is disturbed."""
    threads = threading.local()

    def __init__(self, scene, who, afresh=False):
        super().__init__(scene, who)
        if afresh or getattr(Sql.threads, "of", None) is not scene.stack:
            Sql.threads.of, Sql.threads.kept = scene.stack, psycopg2.connect(
                host=scene.stack.socket, dbname="holdfast", user="holdfast_cgi", options="-c jit=off")
        self.connection = Sql.threads.kept

    def run(self, function, args):
        args = dict(args, session=self.scene.sessions[self.who], request=str(uuid.uuid4()))
        casts = {"if_match": "::text[]", "if_none_match": "::text[]", "fields": "::text[]"}
        text = f"select coalesce(jsonb_agg(to_jsonb(f)), '[]') from api.{function}({', '.join(f'{k} => %({k})s' + casts.get(k, '') for k in args)}) f"
        with self.connection.cursor() as q:
            try:
                q.execute(text, args)
                return 200, q.fetchone()[0], None
            except psycopg2.Error as e:
                status = int(e.pgcode[2:]) if e.pgcode.startswith("PT") else STATES.get(e.pgcode, e.pgcode)
                return status, [], [e.pgcode, e.diag.message_primary, e.diag.message_hint, e.diag.message_detail]
            finally:
                self.connection.rollback()

    def call(self, ask, function):
        status, rows, error = self.run(function, ask.args)
        if rows and rows[0].get("_status"):
            status = rows[0]["_status"]
        if status == 304 or ask.method == "HEAD":
            rows = []       # what the program does not write
        return Answer(status, json.dumps([rows, error], ensure_ascii=False), [rows, error])

    def more(self, kind, archived, sort, cursor):
        status, rows, error = self.run(LISTS[kind], dict(filter="{}", archived=archived, fields=None, sort=sort,
                                                            cursor=cursor, lim=200, count=None))
        return Answer(status, str(error), None, (rows[:-1], rows[-1]["_next"]) if status == 200 else None)
