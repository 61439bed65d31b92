"""What no well-behaved client sends: broken framing, doubled headers, slowness, size, odd paths."""
import json
import os
import re
import socket
import stat
import threading
import time

import fastcgi
import pytest
from conftest import LONG
from load import Wire, inside, part, processes, until, workers

PROGRAMS = ["alerts", "bulk", "customers", "events", "exports", "funnel", "health", "history", "holds", "notices", "operations", "restores", "sessions", "settings", "staff"]


def raw(stack, text, timeout=15):
    """Sends bytes to nginx and returns status, headers and body of the first answer."""
    with socket.create_connection(("127.0.0.1", stack.port), timeout=timeout) as s:
        s.sendall(text.encode() if isinstance(text, str) else text)
        answer = b""
        while b"\r\n\r\n" not in answer:
            chunk = s.recv(65536)
            assert chunk, answer
            answer += chunk
        head, body = answer.split(b"\r\n\r\n", 1)
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])}
        while len(body) < int(headers.get("content-length", 0)):
            body += s.recv(65536)
        return int(head.split()[1]), headers, body.decode()


def refused(answer, *statuses):
    """Asserts that an answer is a problem of its own, with one of these statuses."""
    status, headers, body = answer
    assert status in statuses, answer
    assert headers["content-type"] == "application/problem+json", answer
    problem = json.loads(body)
    assert problem["status"] == status and problem["instance"] == headers["x-request-id"], answer


@pytest.fixture(scope="module")
def rita(stack):
    return stack.login("rita@demo.test")


@pytest.fixture
def unchanged(stack):
    count = "select count(*), sum(version) from app.customer"
    before = stack.sql(count)
    yield
    assert stack.sql(count) == before and stack.fold_differences() == []


def head(stack, rita, first, *more, body=""):
    return "\r\n".join((first + " HTTP/1.1", f"Host: 127.0.0.1:{stack.port}", "Authorization: Bearer " + rita.tokens["access_token"],
                        *more, "", body))


NAME = '{"name":"never"}'


WRONG = "not as long as announced"


@pytest.mark.parametrize("more, body, says", [
    ([("CONTENT_LENGTH", "100")], NAME, WRONG), ([("CONTENT_LENGTH", "16")], NAME + "  ", WRONG), ([("CONTENT_LENGTH", "0")], NAME, WRONG),
    ([("CONTENT_LENGTH", "65536")], NAME, WRONG), ([], NAME, WRONG), ([("CONTENT_LENGTH", "-1")], NAME, ""),
    ([("CONTENT_LENGTH", "16x")], NAME, ""), ([("CONTENT_LENGTH", "16"), ("CONTENT_LENGTH", "16")], NAME, ""),
    ([("CONTENT_LENGTH", "16"), ("HTTP_AUTHORIZATION", "Bearer x")], NAME, ""),
    ([("CONTENT_LENGTH", "16"), ("HTTP_IDEMPOTENCY_KEY", "a"), ("HTTP_IDEMPOTENCY_KEY", "b")], NAME, "")])
@pytest.mark.usefixtures("unchanged")
def test_a_request_that_is_not_whole_or_says_a_thing_twice_is_400(stack, rita, more, body, says):
    params = [("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/v1/customers"), ("CONTENT_TYPE", "application/json"),
              ("HTTP_AUTHORIZATION", "Bearer " + rita.tokens["access_token"])]
    reply = fastcgi.ask(stack.socket + "/customers.sock", params + more, body.encode())
    assert reply.status == 400 and reply.headers["Content-Type"] == "application/problem+json" and says in reply.body, reply.body


def test_the_whole_request_is_good(stack, rita):
    """So that the test before this one can fail."""
    params = [("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/v1/customers"), ("CONTENT_TYPE", "application/json"),
              ("HTTP_AUTHORIZATION", "Bearer " + rita.tokens["access_token"]), ("CONTENT_LENGTH", "16")]
    reply = fastcgi.ask(stack.socket + "/customers.sock", params, NAME.encode())
    assert reply.status == 201, reply.body


def test_two_if_match_are_400(stack, rita):
    path = "/v1/customers/" + rita.customer()["id"]
    params = [("REQUEST_METHOD", "DELETE"), ("REQUEST_URI", path), ("HTTP_AUTHORIZATION", "Bearer " + rita.tokens["access_token"]),
              ("HTTP_IF_MATCH", "*"), ("HTTP_IF_MATCH", '"v9"')]
    assert fastcgi.ask(stack.socket + "/customers.sock", params).status == 400
    refused(raw(stack, head(stack, rita, "DELETE " + path, "If-Match: *", 'If-Match: "v9"')), 400)
    assert rita.get(path[3:]).json()["archived_at"] is None


@pytest.mark.parametrize("more", [
    ["Authorization: Bearer x"], ["Content-Length: 16", "Content-Length: 16"], ["Content-Length: 16", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", "Content-Length: 4"], ["Transfer-Encoding: gzip"], ["Transfer-Encoding: chunked, identity"],
    ["Content-Length: 16x"], ["Content-Length: -16"], ["Content-Length: 99999999999999999999"], ["Host: elsewhere"]])
@pytest.mark.usefixtures("unchanged")
def test_what_could_be_read_in_two_ways_is_refused(stack, rita, more):
    text = head(stack, rita, "POST /v1/customers", "Content-Type: application/json", *more, body=NAME)
    refused(raw(stack, text), 400, 413)


@pytest.mark.parametrize("path", [
    "/", "/v1", "/v1/", "/v1/nothing", "/v2/customers", "/V1/customers", "/v1/Customers", "/v1/customers/", "/v1//customers", "//v1/customers",
    "/v1/customers/%2e%2e/%2e%2e/etc/passwd", "/v1/customers/%2e%2e/sessions/current", "/v1/customers/../sessions/current",
    "/v1/customers%2fcurrent", "/v1/./customers", "/etc/passwd", "/index.html", "/v1/customers;a=b", "/openapi.json/", "/keys/k1.pem",
    "/v1/customers/%252e%252e/x"])
def test_a_path_that_is_not_ours_is_404(stack, rita, path):
    refused(raw(stack, head(stack, rita, "GET " + path)), 404)


@pytest.mark.parametrize("path", ["/../etc/passwd", "/v1/../../etc/passwd", "/v1/%2e%2e/%2e%2e/etc/passwd", "/v1/customers%00", "/v1/customers/%zz"])
def test_a_path_that_is_none_is_400(stack, rita, path):
    refused(raw(stack, head(stack, rita, "GET " + path)), 400)


def test_too_large_is_said_at_once(stack, rita):
    deep = "[" * 17 + "]" * 17
    for want, first, more, body in [
            ((431, 400), "GET /v1/customers", ["X-Long: " + "x" * 9000], ""),
            ((431, 400), "GET /v1/customers", [f"X-{n}: {'x' * 4000}" for n in range(20)], ""),
            ((400, 414), "GET /v1/customers?" + "a=1&" * 10000, [], ""), ((400,), "GET /v1/customers?" + "a&" * 3000, [], ""),
            ((400,), "GET /v1/customers?city=" + ",".join("x" * 3000), [], ""), ((414,), "GET /v1/" + "x" * 9000, [], ""),
            ((413,), "POST /v1/customers", [], '{"name":"' + "x" * 65536 + '"}'), ((413,), "POST /v1/customers", [], "[" * 2 ** 20),
            ((400,), "POST /v1/customers", [], '{"custom":{"a":' + deep + "}}"), ((400,), "POST /v1/customers", [], "[" * 60000),
            ((400, 422), "POST /v1/customers", [], '{"name":"x","tags":[' + ",".join(["1"] * 20001) + "]}"),
            ((400, 422), "POST /v1/customers", [], '{"name":"x",' + ",".join(f'"m{n}":1' for n in range(5000)) + "}"),
            ((422, 400), "POST /v1/customers", [], '{"name":"' + "x" * 60000 + '"}')]:
        more = more + ([f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else [])
        began = time.monotonic()
        refused(raw(stack, head(stack, rita, first, *more, body=body)), *want)
        assert time.monotonic() - began < 0.5, (first[:40], body[:20])


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="utf8") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))


def test_the_memory_of_a_worker_stays_small(stack, rita):
    wire, body = Wire(stack, rita.tokens["access_token"]), {"name": "x", "custom": {str(n): "y" * 60 for n in range(700)}}
    pids = workers(stack, "customers")
    for _ in range(5000 if LONG else 250):
        assert wire.ask("POST", "/customers", body).status in (201, 413, 422)
        assert wire.get("/customers?limit=200").status == 200
    sizes = {pid: resident(pid) for pid in pids}
    print(f"at most {max(sizes.values()) / 1024:.1f} MiB of {len(sizes)} workers")
    assert max(sizes.values()) < 64 * 1024 and workers(stack, "customers") == pids


class Slow:
    """Two hundred clients that send a byte a second."""

    def __init__(self, stack, text):
        self.text, self.stopped, self.sent = text, threading.Event(), 0
        self.sockets = [socket.create_connection(("127.0.0.1", stack.port)) for _ in range(200)]
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stopped.wait(1):
            for s in self.sockets:
                try:
                    s.send(self.text[self.sent:self.sent + 1])
                except OSError:
                    pass  # it took too long for the server
            self.sent += 1

    def __enter__(self):
        for s in self.sockets:
            s.sendall(self.text[:-60])
        self.sent = len(self.text) - 60
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        for s in self.sockets:
            s.close()


def p99(wire, seconds):
    end, times = time.monotonic() + seconds, []
    while time.monotonic() < end:
        answer = wire.get("/customers?limit=10")
        assert answer.status == 200
        times.append(answer.seconds)
    return sorted(times)[len(times) * 99 // 100]


def test_slow_clients_slow_nobody_else(stack, rita):
    wire, body = Wire(stack, rita.tokens["access_token"]), "x" * 100
    alone = p99(wire, 2)
    with Slow(stack, head(stack, rita, "GET /v1/customers", "X-A: " + body).encode()):
        heads = p99(wire, 4)
    with Slow(stack, head(stack, rita, "POST /v1/customers", f"Content-Length: {len(body)}", body=body).encode()):
        bodies = p99(wire, 4)
    print(f"p99 alone {alone * 1000:.1f} ms, beside slow heads {heads * 1000:.1f} ms, beside slow bodies {bodies * 1000:.1f} ms")
    assert max(heads, bodies) < max(4 * alone, 0.05)


def test_a_program_is_not_blocked_by_a_silent_peer(stack, rita):
    """Only nginx can connect, so this is the second wall: silence costs a worker for a moment, half a head at most 20 s."""
    silent = [socket.socket(socket.AF_UNIX) for _ in range(16)]
    for s in silent:
        s.connect(stack.socket + "/customers.sock")
    took = Wire(stack, rita.tokens["access_token"]).until_good("/customers?limit=1", 5).seconds
    assert took < 1.5
    if LONG:
        before = set(workers(stack, "customers"))
        for s in silent:
            s.close()
        half = socket.socket(socket.AF_UNIX)
        half.connect(stack.socket + "/customers.sock")
        half.send(b"\1\1\0\1")
        until(lambda: before != set(workers(stack, "customers")), 22, "the end of the stuck worker")
    print(f"answered after {took:.2f} s")


def test_nothing_listens_but_nginx_on_loopback(stack):
    inodes = set()
    for pid in processes(stack):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}"))
            except FileNotFoundError:
                continue
            inodes |= {found.group(1)} if found else set()
    listening = []
    for name in ("tcp", "tcp6", "udp", "udp6"):
        with open("/proc/net/" + name, encoding="utf8") as file:
            rows = [line.split() for line in file][1:]
        listening += [row[1] for row in rows if row[9] in inodes and (row[3] == "0A" or name.startswith("udp") and row[3] == "07")]
    assert set(listening) == {f"0100007F:{stack.port:04X}"}


def test_sockets_and_keys_are_closed_to_others(stack):
    for name in PROGRAMS:
        assert stat.S_IMODE(os.stat(f"{stack.socket}/{name}.sock").st_mode) == 0o660
        assert inside(stack, part(stack, name)) == name
    assert stat.S_IMODE(os.stat(stack.socket).st_mode) & 0o007 == 0
    for name in ("k1.pem", "session.key", "cursor.key"):
        assert stat.S_IMODE(os.stat(f"{stack.state}/keys/{name}").st_mode) & 0o077 == 0
