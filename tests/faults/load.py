"""load.py -- what the tests of faults share: keep-alive clients, load, and the processes of a stack."""
import http.client
import json
import os
import threading
import time

PEOPLE = ["rita", "nina", "carl", "omar", "pia", "theo", "max", "ada"]


class Lost(Exception):
    """A connection broke. idle: it had answered before, and no byte of this answer came."""

    def __init__(self, why, idle):
        super().__init__(f"{why!r}, idle={idle}")
        self.idle = idle


class Answer:
    def __init__(self, response, body, began):
        self.status, self.headers, self.body = response.status, response.headers, body
        self.began, self.ended = began, time.monotonic()

    @property
    def seconds(self):
        return self.ended - self.began

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The word of a problem, None for another kind of answer."""
        if self.headers["Content-Type"] != "application/problem+json":
            return None
        return self.json()["code"]

    def __repr__(self):
        return f"{self.status} after {self.seconds:.3f} s: {self.body[:200]!r}"


class Wire:
    """One keep-alive connection of somebody who is logged in. Paths are below /v1."""

    def __init__(self, stack, token=None, timeout=30):
        self.port, self.token, self.timeout = stack.port, token, timeout
        self.http, self.fresh = None, True

    def close(self):
        if self.http is not None:
            self.http.close()
        self.http, self.fresh = None, True

    def once(self, method, path, body=None, headers=None):
        """One request; raises Lost where no whole answer came."""
        began = time.monotonic()
        sent = dict({"Authorization": "Bearer " + self.token} if self.token else {}, **(headers or {}))
        if body is not None:
            body = json.dumps(body)
            sent["Content-Type"] = "application/json"
        if self.http is None:
            self.http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        begun = False
        try:
            self.http.request(method, "/v1" + path, body, sent)
            response = self.http.getresponse()
            begun = True
            answer = Answer(response, response.read(), began)
        except (OSError, http.client.HTTPException) as why:
            idle = not self.fresh and not begun and not isinstance(why, TimeoutError)
            self.close()
            raise Lost(why, idle) from why
        self.fresh = False
        if response.will_close:
            self.close()
        return answer

    def ask(self, method, path, body=None, headers=None):
        """One request, sent again where a connection was closed while it was idle, as browsers do."""
        try:
            return self.once(method, path, body, headers)
        except Lost as lost:
            if not lost.idle:
                raise
        return self.once(method, path, body, headers)

    def get(self, path):
        return self.ask("GET", path)

    def patch(self, path, body, etag):
        return self.ask("PATCH", path, body, {"If-Match": etag})

    def until_good(self, path, seconds=30):
        """GETs until it is answered: for the time after a fault."""
        end = time.monotonic() + seconds
        while True:
            try:
                answer = self.get(path)
                if answer.status < 500:
                    return answer
            except Lost:
                answer = "lost"
            assert time.monotonic() < end, answer
            time.sleep(0.01)


def wires(stack, people):
    return [Wire(stack, stack.login(name + "@demo.test").tokens["access_token"]) for name in people]


class Load:
    """Eight people read and write until it ends: what was answered, what broke, and what was wrong."""

    def __init__(self, stack, people=PEOPLE):
        self.stack, self.wires = stack, wires(stack, people)
        self.answers, self.broken, self.wrong = [], [], []
        self.records = [None] * len(people)
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(len(people))]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        while None in self.records and not self.wrong:
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def run(self, i):
        try:
            answer = self.wires[i].ask("POST", "/customers", {"name": f"Load {i}"})
            assert answer.status == 201, answer
            self.records[i] = answer.json()["id"]
            n = 0
            while not self.stopped.is_set():
                n += 1
                self.turn(self.wires[i], "/customers/" + self.records[i], f"{i}-{n}")
        except Exception as e:  # pylint: disable=broad-except
            self.wrong.append(repr(e))

    def ask(self, wire, *request):
        try:
            answer = wire.ask(*request)
            self.answers.append(answer)
            return answer
        except Lost as lost:
            self.broken.append(lost)
            return None

    def turn(self, wire, path, serial):
        """Reads, changes two fields and lists; both fields change or none does, and nothing else comes back."""
        was = self.ask(wire, "GET", path)
        if was is None or was.status != 200:
            return
        seen = was.json()
        if seen["city"] != seen["address"]:
            self.wrong.append(f"half: {seen}")
        done = self.ask(wire, "PATCH", path, {"city": serial, "address": serial}, {"If-Match": was.headers["ETag"]})
        if done is not None and done.status == 200:
            now = done.json()
            if (now["city"], now["address"], now["version"]) != (serial, serial, seen["version"] + 1):
                self.wrong.append(f"not what was asked, {serial} over {seen['version']}: {now}")
        page = self.ask(wire, "GET", "/customers?limit=3&fields=id,name")
        if page is not None and page.status == 200 and not page.json()["data"]:
            self.wrong.append(f"an empty page: {page}")

    @property
    def failed(self):
        return [a for a in self.answers if a.status >= 400] + self.broken

    def check(self):
        """After the end: what is stored is what was answered; each change is whole, once and remembered."""
        assert self.wrong == []
        done = sum(a.status == 200 and a.body.startswith(b'{"id"') and b'"city":"' in a.body for a in self.answers)
        rows = self.stack.sql(
            "select c.version, (select count(distinct h.operation_id) from app.history h where h.record_id = c.id), "
            "(select count(*) from app.history h where h.record_id = c.id) from app.customer c where c.id = any(%s::uuid[])",
            self.records)
        for version, operations, changes in rows:
            assert operations == version and changes == 1 + 2 * (version - 1)
        assert done > 0 and self.stack.fold_differences() == []
        print(f"{len(self.answers)} answers, {len(self.failed)} failed: {self.failed[:5]}")


def inside(stack, pid):
    """The name of a process of this stack, None for another."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf8") as file:
            comm = file.read().strip()
        try:
            mine = (os.readlink(f"/proc/{pid}/cwd") + "/").startswith(stack.state + "/")
        except PermissionError:  # a program may not be looked into; its stack is in its name
            with open(f"/proc/{pid}/cmdline", encoding="utf8") as file:
                mine = file.read().split("\0")[0] == f"{comm}: {stack.state}"
        with open(f"/proc/{pid}/stat", encoding="utf8") as file:
            return comm if mine and file.read().rsplit(") ", 1)[1][0] != "Z" else None
    except (FileNotFoundError, ProcessLookupError):
        return None


def processes(stack, name=None):
    """{pid: name} of a stack's processes."""
    found = {int(pid): inside(stack, pid) for pid in os.listdir("/proc") if pid.isdigit()}
    return {pid: comm for pid, comm in found.items() if comm is not None and name in (None, comm)}


def part(stack, name):
    """The pid of a part: keeper, postgres, nginx, or the master of a program."""
    with open(f"{stack.state}/run/{name}" + ("" if name == "keeper" else ".pid"), encoding="utf8") as file:
        words = file.read().split()
        return int(words[0]) if words else None  # it is being written


def workers(stack, name):
    master = part(stack, name)
    with open(f"/proc/{master}/task/{master}/children", encoding="utf8") as file:
        return [int(pid) for pid in file.read().split()]


def kill(pid, number):
    """Says whether it was still there."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def until(condition, seconds, what):
    """Waits for a condition and says how long that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"{what} took longer than {seconds} s"
        time.sleep(0.005)
    return time.monotonic() - began
