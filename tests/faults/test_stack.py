"""conf/stack: it starts once, ends whole, and comes back from everything."""
import os
import signal
import socket
import time

import pytest
from holdfast import Stack
from load import Wire, kill, part, processes, until, workers


@pytest.fixture
def stack():
    """Started, and not yet somebody's: most tests here end it."""
    with Stack() as running:
        yield running


def everything(stack):
    """Processes of a stack, but for PostgreSQL's own short-lived ones."""
    return {pid for pid, name in processes(stack).items() if name != "postgres"}


def made(stack, name):
    """A customer that must still be there later."""
    return stack.login("rita@demo.test").customer(name=name)["id"]


def kept(stack, id_):
    answer = stack.login("rita@demo.test").get("/customers/" + id_)
    return answer.status_code == 200 and stack.fold_differences() == []


def test_start_twice_says_so_status_lists_all_and_stop_leaves_nothing(stack):
    before = everything(stack)
    assert stack.run("start") == f"already running: {stack.url}\n"
    assert everything(stack) == before
    status = stack.run("status")
    for name in ("keeper", "postgres", "nginx", "alerts", "bulk", "customers", "events", "exports", "funnel", "health", "history", "holds", "notices", "operations", "restores", "sessions", "settings", "staff"):
        assert name in status, status
    assert stack.url in status
    id_ = made(stack, "Kept over a stop")
    assert "stopped" in stack.run("stop")
    assert processes(stack) == {}
    assert stack.run("stop") == "not running\n"
    assert stack.run("status", check=False) == "not running\n"
    began = time.monotonic()
    assert stack.run("start").strip() == stack.url
    print(f"the second start took {time.monotonic() - began:.1f} s")
    assert kept(stack, id_)


def test_after_the_keeper_was_killed_start_takes_over(stack):
    id_ = made(stack, "Kept over the keeper")
    left = everything(stack)
    os.kill(part(stack, "keeper"), signal.SIGKILL)
    until(lambda: "not running" in stack.run("status", check=False), 2, "seeing it")
    assert stack.run("start").strip().endswith(stack.url)
    assert not left & everything(stack)
    assert kept(stack, id_)
    masters = [n for n in processes(stack).values() if n == "holdfast-keep"]
    assert len(masters) == 1


def test_after_the_keeper_was_killed_stop_ends_the_rest(stack):
    os.kill(part(stack, "keeper"), signal.SIGKILL)
    stack.run("stop")
    assert processes(stack) == {}


def test_after_everything_was_killed_start_recovers(stack):
    id_ = made(stack, "Kept over all")
    for _ in range(3):
        for pid in processes(stack):
            kill(pid, signal.SIGKILL)
    until(lambda: processes(stack) == {}, 5, "the end of all")
    began = time.monotonic()
    stack.run("start")
    print(f"recovered in {time.monotonic() - began:.1f} s")
    assert kept(stack, id_)


def test_a_part_that_dies_comes_back_by_itself(stack):
    id_ = made(stack, "Kept over the parts")
    token = stack.login("rita@demo.test").tokens["access_token"]
    for name in ("customers", "sessions", "nginx", "postgres"):
        before = part(stack, name)
        os.kill(before, signal.SIGKILL)
        took = until(lambda b=before, n=name: part(stack, n) != b and part(stack, n) in processes(stack), 5, name)
        answer = Wire(stack, token).until_good("/customers/" + id_, 10)
        assert answer.status == 200
        print(f"{name}: started after {took:.2f} s")
    time.sleep(2)  # until then some worker may still be waiting with its next attempt to connect
    assert len(workers(stack, "customers")) == 8
    assert stack.run("status") and kept(stack, id_)


def test_two_stacks_know_nothing_of_each_other(stack):
    with Stack(seed="none") as other:
        assert everything(stack) and everything(other) and not everything(stack) & everything(other)
        assert other.sql("select count(*) from app.customer") == [(0,)]
        left = everything(stack)
    assert processes(other) == {} and everything(stack) == left
    assert Wire(stack).get("/health").status == 200


def test_a_taken_port_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        stack = Stack()
        stack.port = taken.getsockname()[1]
        stack.env["PORT"] = str(stack.port)
        said = stack.run("start", check=False)
        assert f"port {stack.port} is taken" in said and str(os.getpid()) in said, said
        with pytest.raises(AssertionError):
            stack.run("start")
        assert processes(stack) == {}
    stack.__exit__()


def test_a_part_that_cannot_start_is_named_with_its_log(stack):
    stack.run("stop")
    with open(stack.state + "/pg/local.conf", "w", encoding="utf8") as file:
        file.write("shared_buffers = nonsense\n")
    said = stack.run("start", check=False)
    assert "postgres did not start" in said and "shared_buffers" in said, said
    assert processes(stack) == {}
    os.remove(stack.state + "/pg/local.conf")
    stack.run("start")
