"""receiving.py -- who is told: a webhook's receiver and a mail server, both on 127.0.0.1."""
import hashlib
import hmac
import http.server
import json
import socketserver
import threading
import time

import pytest
from psycopg2.extras import Json

from holdfast import Stack
from people import other_org

SECRET = "0123456789abcdef0123456789ABCDEF-ß"


def until(what, seconds=8, pause=0.05):
    """Waits for what() to be true, and returns that."""
    end = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(pause)
    return value


class Receiver:
    """Keeps what is posted, and answers each request by answer(handler), which may take its time; 200 without one."""

    def __init__(self, answer=None):
        got = self.got = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got.append((self.path, dict(self.headers), body))
                try:
                    (receiver.answer or (lambda h: status(h, 200)))(self)
                except OSError:
                    pass
                self.close_connection = True

            def do_GET(self):
                got.append((self.path, dict(self.headers), None))
                status(self, 200)

            def log_message(self, *_):
                pass

        receiver = self
        self.answer = answer
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def status(handler, code, **headers):
    handler.send_response(code)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def signed(headers, body, secret=SECRET):
    """Whether a message is signed as the README says."""
    text = f"{headers['Holdfast-Timestamp']}.{headers['Holdfast-Id']}.".encode() + body
    return headers["Holdfast-Signature"] == "v1=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


class Mailbox:
    """A mail server that keeps what it gets; recipients that begin with no@ it refuses."""

    def __init__(self):
        got = self.got = []

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                say = lambda text: self.wfile.write(text.encode() + b"\r\n")  # noqa: E731
                say("220 sink")
                sender, to = None, []
                while line := self.rfile.readline().decode().rstrip("\r\n"):
                    word = line[:4].upper()
                    if word == "RCPT" and "<no@" in line:
                        say("550 no such user")
                    elif word == "DATA":
                        say("354 go on")
                        text = b""
                        while (part := self.rfile.readline()) not in (b".\r\n", b""):
                            text += part
                        got.append((sender, to, text))
                        say("250 kept")
                    else:
                        sender = line if word == "MAIL" else sender
                        to += [line] if word == "RCPT" else []
                        say("221 bye" if word == "QUIT" else "250 ok")

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"smtp://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def raise_alarm(stack, who, kind="alert.raised", **subject):
    """Tells in the name of somebody's org, as SQL in its transaction would."""
    stack.sql("""with o as (select set_config('app.org', (select s.org_id::text from app.staff s where s.id = %s), true) as org)
        select app.notify(%s, %s) from o""", who.id, kind, Json(subject))


def configure(who, *urls, emails=(), **more):
    """The settings of who is told, in the place of those before."""
    named = {"webhooks": [u if isinstance(u, dict) else {"url": u} for u in urls], "emails": [e if isinstance(e, dict) else {"email": e} for e in emails],
             "allow_private": True}
    answer = who.patch("/settings", dict({"notify": dict(named, **more)}, **({"webhook_secret": SECRET} if urls else {})), "*")
    assert answer.status_code == 200, answer.text
    return answer.json()["notify"]


def deliveries(who, **filter):
    return who.get("/deliveries", **filter).json()["data"]


def settled(who, seconds=8):
    """Its newest delivery, once it was tried."""
    return until(lambda: [d for d in deliveries(who)[:1] if d["log"]], seconds)[0]


def body_of(message):
    return json.loads(message[2])


# For the modules that import them by name: a stack that sends, and who is sent to.


@pytest.fixture(scope="module")
def mailbox():
    return Mailbox()


@pytest.fixture(scope="module")
def stack(mailbox):
    """Its own: it is restarted, and has a mail server. A proxy in its environment, where nobody is, must not be asked."""
    running = Stack()
    running.env.update(HOLDFAST_SMTP=mailbox.url, HOLDFAST_MAIL_FROM="crm@holdfast.test", http_proxy="http://127.0.0.1:9", ALL_PROXY="http://127.0.0.1:9")
    with running:
        # That somebody changed the settings is told too, which would be one message more in each test.
        running.sql("alter table app.settings disable trigger _400_rights")
        yield running


@pytest.fixture
def otto(stack):
    """The admin of an org that is this test's alone."""
    return other_org(stack)


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


@pytest.fixture(autouse=True)
def clock(stack):
    yield
    stack.clock("0")
