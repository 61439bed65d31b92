"""How a file gets in: large ones, slow ones, ones that break off, and more than anybody may send."""
import json
import os
import re
import socket
import time

import pytest

from holdfast import problem
from importing import LAWFUL, dry, ended, imported, many, send
from large import processes
from urllib.parse import urlencode


def head(stack, who, length, more=""):
    query = urlencode(dict(LAWFUL, dry_run="true"))
    return (f"POST /v1/imports?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: {who.http.headers['Authorization']}\r\nContent-Type: text/csv\r\n{more}"
            + (f"Content-Length: {length}\r\n" if length is not None else "") + "\r\n").encode()


def talk(stack, *pieces, pause=0, hang_up=False):
    """Sends these pieces one by one; what came back."""
    with socket.create_connection(("127.0.0.1", stack.port), timeout=30) as s:
        for piece in pieces:
            s.sendall(piece)
            time.sleep(pause)
        if hang_up:
            return b""
        answer = b""
        while True:
            got = s.recv(65536)
            answer += got
            if not got or b"\r\n\r\n" in answer and b'"code"' in answer or answer.endswith(b"}"):
                return answer


def nothing_left(stack):
    return stack.sql("select count(*) from app.import i where not exists (select from app.job j where j.id = i.id)") == [(0,)]


def test_a_gibibyte_is_refused_without_reading_it(stack, ada):
    began = time.monotonic()
    answer = talk(stack, head(stack, ada, 1 << 30), b"Name\n")
    assert b" 413 " in answer.split(b"\r\n")[0] and json.loads(answer[answer.index(b"{"):])["code"] == "body_too_large" and b"application/problem+json" in answer
    assert time.monotonic() - began < 5
    # Just beyond the limit, and at it.
    assert b" 413 " in talk(stack, head(stack, ada, (64 << 20) + 1)).split(b"\r\n")[0]


def test_in_chunks_of_no_announced_length(stack, ada):
    piece = b"Name\n" + b"x y\n" * 300
    answer = talk(stack, head(stack, ada, None, "Transfer-Encoding: chunked\r\n"), b"%x\r\n%s\r\n0\r\n\r\n" % (len(piece), piece))
    assert b" 200 " in answer.split(b"\r\n")[0], answer


def test_slow(stack, ada):
    """A slow client holds no worker: nginx waits for him."""
    data = b"Name\nx\n"
    with socket.create_connection(("127.0.0.1", stack.port), timeout=30) as a, socket.create_connection(("127.0.0.1", stack.port), timeout=30) as b, \
            socket.create_connection(("127.0.0.1", stack.port), timeout=30) as c:
        for s in (a, b, c):
            s.sendall(head(stack, ada, len(data)) + data[:3])
        began = time.monotonic()
        assert dry(ada, "Name\nquick\n")["good"] == 1 and time.monotonic() - began < 2
        for s in (a, b, c):
            s.sendall(data[3:])
            assert s.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("part", [5, 100000, 3000000])
def test_broken_off(stack, ada, part):
    data = many(60000)[0].encode()
    talk(stack, head(stack, ada, len(data)) + data[:part], hang_up=True)
    time.sleep(0.3)
    assert nothing_left(stack)


def test_broken_in_its_middle(stack, ada):
    """Parts of it were put aside already when it turns out to be none."""
    data, name = many(9000)
    assert problem(send(ada, data + '"'), 422, "invalid_file")["errors"][0] == {
        "pointer": "#line=9002", "code": "cut", "detail": "Line 9002: a quoted field begins in this row and does not end. Is the file cut off?"}
    assert problem(send(ada, data.encode() + b"M\xfcller,,\n", encoding="utf-8"), 422)["errors"][0]["code"] == "encoding"
    assert nothing_left(stack) and stack.sql("select count(*) from app.import_part") == [(0,)]


def test_what_is_recognised_late(stack, ada):
    """The first letters beyond ASCII come behind a megabyte without any."""
    data, _ = many(30000)
    for codec, encoding in (("cp1252", "windows-1252"), ("cp1251", "windows-1251"), ("utf-8", "utf-8")):
        last = "Müller,," if codec == "cp1252" else "Московский завод,,"
        doc = ended(ada, send(ada, data.encode() + last.encode(codec) + b"\n", dry_run="true").json()["id"])
        assert (doc["encoding"], doc["good"], doc["bad"]) == (encoding, 30001, 0)


def test_too_many_rows(stack, ada):
    answer = send(ada, "Name\n" + "x\n" * 500001, dry_run="true")
    assert problem(answer, 422, "invalid_file")["errors"] == [{"pointer": "#line=500002", "code": "rows", "detail": "Line 500002: the file has more than 500000 rows."}]
    assert nothing_left(stack)


def peak(stack):
    """How large a worker ever was, in KiB."""
    sizes = []
    for pid in processes(stack, "imports")[0]:
        with open(f"/proc/{pid}/status") as file:
            sizes.append(int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]))
    return max(sizes)


def test_the_memory_that_refused_rows_take(stack, ada):
    """However many fields they have more than the header, and however long those are."""
    row = ",".join(["x" * 5000] * 199)
    doc = dry(ada, "Name,City\n" + f"{row}\n" * 30)
    assert doc["bad"] == 30
    small = peak(stack)
    for _ in range(4):
        rows = ada.get(f"/imports/{doc['id']}/errors/file").text.split("\r\n")
    assert len(rows) == 32 and rows[30].endswith(f',"{row[5001:]}"')
    assert peak(stack) - small < 24 * 1024 or "san" in os.environ.get("HOLDFAST_BUILD", "")


def test_the_memory_of_a_worker(stack, ada):
    """A large file leaves a worker no larger than a small one does."""
    for _ in range(8):      # both workers
        dry(ada, many(900)[0])
    small = peak(stack)
    data = "Name,Notes\n" + "".join(f'x{k},"{"n" * 900}"\n' for k in range(60000))
    for _ in range(4):
        assert ended(ada, send(ada, data, dry_run="true").json()["id"], 120)["good"] == 60000
    assert len(data) > 50_000_000 and (peak(stack) - small < 24 * 1024 or "san" in os.environ.get("HOLDFAST_BUILD", ""))


def test_a_token_that_is_none(stack, ada):
    """A refusal comes though the body is not read."""
    data = many(60000)[0]
    answer = ada.request("POST", "/imports", params=dict(LAWFUL), data=data, headers={"Content-Type": "text/csv", "Authorization": "Bearer x"})
    problem(answer, 401)
    problem(ada.request("POST", "/imports", params=dict(LAWFUL), data=data, headers={"Content-Type": "application/json"}), 415)
    problem(ada.request("POST", "/imports", params=dict(LAWFUL, bogus="1"), data=data, headers={"Content-Type": "text/csv"}), 400)
    assert imported(ada, "Name\nstill there\n")["good"] == 1
