"""test_outbox.py -- what leaves the house: who is told of what, that it is true, that it arrives, and that it stays inside what must."""
import glob
import os
import signal
import threading
import time
import uuid

import pytest

from holdfast import problem
from people import MISSING
from receiving import (Receiver, body_of, clock, configure, deliveries, mailbox, otto, raise_alarm, receiver, settled, signed, stack, status, until)  # noqa: F401


def test_a_message_is_signed_and_has_ids_only(stack, otto, receiver):
    configure(otto, receiver.url)
    before = time.time()
    alert = str(uuid.uuid4())
    raise_alarm(stack, otto, alert=alert, rule="contact_changes", severity="high", count=51)
    (path, headers, body), = until(lambda: list(receiver.got))
    org, = stack.sql("select org_id from app.staff where id = %s", otto.id)[0]
    message = body_of((path, headers, body))
    assert set(message) == {"id", "at", "org", "kind", "subject"} and message["org"] == org and message["kind"] == "alert.raised"
    assert message["subject"] == {"alert": alert, "rule": "contact_changes", "severity": "high", "count": 51}
    assert path == "/hook" and headers["Holdfast-Id"] == message["id"] and headers["Content-Type"] == "application/json"
    assert before - 2 <= int(headers["Holdfast-Timestamp"]) <= time.time() + 2
    assert signed(headers, body) and not signed(headers, body + b" ") and not signed(dict(headers, **{"Holdfast-Timestamp": "1"}), body)
    sent = settled(otto)
    assert (sent["outbox_id"], sent["kind"], sent["subject"], sent["channel"], sent["target"]) == (message["id"], "alert.raised", message["subject"], "webhook", receiver.url)
    assert (sent["status"], sent["attempts"], sent["last_status"], sent["last_error"], sent["next_at"]) == ("sent", 1, 200, None, None)
    assert sent["at"] == message["at"] or sent["at"] >= message["at"]
    assert [(t["status"], t["error"]) for t in sent["log"]] == [(200, None)] and sent["sent_at"] == sent["log"][0]["at"]
    time.sleep(2.5)
    assert len(receiver.got) == 1, "once"


def test_who_is_told_of_what(stack, otto, receiver):
    raise_alarm(stack, otto, severity="critical")
    assert deliveries(otto) == [], "nobody wants to know"
    base = receiver.url
    configure(otto, {"url": base + "1", "severity": "high"}, {"url": base + "2", "kinds": ["alert.raised"]}, {"url": base + "3", "severity": "info", "kinds": ["export.asked"]},
              {"url": base + "4"}, {"url": base + "4"})
    due = [(dict(severity="critical"), "124"), (dict(severity="high"), "124"), (dict(severity="medium"), "24"), ({}, "24"), (dict(kind="export.asked"), "34"), (dict(kind="export.asked", severity="high"), "134")]
    for subject, _ in due:
        raise_alarm(stack, otto, **subject)
    told = {}
    for d in deliveries(otto):
        told.setdefault(d["outbox_id"], set()).add(d["target"][-1])
    assert [told[k] for k in sorted(told)] == [set(w) for _, w in due]
    until(lambda: len(receiver.got) == sum(len(w) for _, w in due))


def test_what_is_not_an_id_or_a_word_stays_inside(stack, otto, receiver):
    configure(otto, receiver.url)
    for subject in ({"name": "Adler GmbH"}, {"mail": "a@b.test"}, {"phone": "+49301234"}, {"deep": [{"er": "two words"}]}, {"Key": 1}, {"a b": 1}, {"rule": "x\r\nBcc: y"}, {"rule": ""}, {"severity": "awful"}):
        with pytest.raises(Exception, match="subject_(shape|severity)"):
            raise_alarm(stack, otto, **subject)
    with pytest.raises(Exception, match="kind_shape"):
        raise_alarm(stack, otto, "Alert raised")
    assert deliveries(otto) == []


def test_a_failed_try_is_repeated(stack, otto, receiver):
    answers = [500, 503, 204]
    receiver.answer = lambda h: status(h, answers[len(receiver.got) - 1])
    configure(otto, receiver.url)
    raise_alarm(stack, otto)
    first = settled(otto)
    assert (first["status"], first["attempts"], first["last_status"], first["last_error"], first["sent_at"]) == ("queued", 1, 500, "bad_status", None)
    time.sleep(1.5)
    assert len(receiver.got) == 1, "not before its time"
    stack.clock("61 s")
    until(lambda: len(receiver.got) == 2)
    stack.clock("363 s")
    until(lambda: deliveries(otto)[0]["status"] == "sent")
    assert [(t["status"], t["error"]) for t in deliveries(otto)[0]["log"]] == [(500, "bad_status"), (503, "bad_status"), (204, None)]
    ids = {h["Holdfast-Id"] for _, h, _ in receiver.got}
    stamps = [int(h["Holdfast-Timestamp"]) for _, h, _ in receiver.got]
    assert len(ids) == 1 and stamps[1] >= stamps[0] + 60 and all(signed(h, b) for _, h, b in receiver.got), "each try with a stamp of its own"


def test_eight_tries_then_an_admin_may_try_again(stack, otto, receiver):
    receiver.answer = lambda h: status(h, 500)
    configure(otto, receiver.url)
    raise_alarm(stack, otto)
    waits, ahead = [60, 300, 1800, 7200, 21600, 43200, 43200], 0
    for n, wait in enumerate(waits, 1):
        until(lambda: stack.sql("select true from app.delivery where attempts = %s and lease is null and target = %s", n, receiver.url))
        (left,), = stack.sql("select extract(epoch from next_at - (select max(a.at) from app.delivery_attempt a where a.delivery_id = d.id)) from app.delivery d where target = %s", receiver.url)
        assert left == wait
        ahead += wait + 2
        stack.clock(f"{ahead} s")
    until(lambda: stack.sql("select true from app.delivery where status = 'failed' and attempts = 8 and target = %s", receiver.url))
    stack.clock("0")
    failed, = deliveries(otto, status="failed")
    assert len(failed["log"]) == 8 and failed["next_at"] is None and failed["last_status"] == 500
    path = f"/deliveries/{failed['id']}/retry"
    receiver.answer = None
    key = {"Idempotency-Key": uuid.uuid4().hex}
    for _ in range(2):
        answer = otto.post(path, headers=key)
        assert answer.status_code == 200 and answer.json()["id"] == failed["id"], answer.text
    sent = until(lambda: deliveries(otto, status="sent"))[0]
    assert len(sent["log"]) == 9 and sent["attempts"] == 1
    problem(otto.post(path), 409, "not_failed")
    problem(otto.post(f"/deliveries/{MISSING}/retry"), 404)


def children(stack, program):
    with open(os.path.join(stack.state, "run", program + ".pid")) as file:
        master = file.read().strip()
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(stat) as file:
                pid, rest = file.read().split(" (", 1)
        except OSError:
            continue
        if rest.rsplit(") ", 1)[1].split()[1] == master:
            yield int(pid)


def test_killed_half_way_it_is_sent_again(stack, otto, receiver):
    held = threading.Event()
    receiver.answer = lambda h: held.wait(20) if len(receiver.got) == 1 else status(h, 200)
    configure(otto, receiver.url)
    raise_alarm(stack, otto)
    until(lambda: receiver.got)
    for pid in children(stack, "alerts"):
        os.kill(pid, signal.SIGKILL)
    held.set()
    time.sleep(2.5)
    lost, = deliveries(otto)
    assert (lost["status"], lost["attempts"], lost["log"], len(receiver.got)) == ("queued", 1, [], 1), "its lease holds"
    stack.clock("61 s")
    until(lambda: deliveries(otto)[0]["status"] == "sent")
    assert len(receiver.got) == 2 and len({h["Holdfast-Id"] for _, h, _ in receiver.got}) == 1
    assert deliveries(otto)[0]["attempts"] == 2


def test_two_machines_do_not_send_the_same(stack, otto, receiver):
    configure(otto, receiver.url)
    stopped = list(children(stack, "alerts"))
    a, b = stack.connect("holdfast_cgi"), stack.connect("holdfast_cgi")
    try:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        raise_alarm(stack, otto)
        a.autocommit = False
        with a.cursor() as one, b.cursor() as other:
            one.execute("select target from api.outbox_take(100)")
            assert (receiver.url,) in one.fetchall()
            other.execute("set statement_timeout = '3s'")
            other.execute("select target from api.outbox_take(100)")
            assert (receiver.url,) not in other.fetchall(), "while the first one is at it"
            a.commit()
            other.execute("select target from api.outbox_take(100)")
            assert (receiver.url,) not in other.fetchall(), "nor after"
    finally:
        a.close(), b.close()
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1", "127.1"])
def test_private_addresses(stack, otto, receiver, host):
    url = f"http://{host}:{receiver.port}/hook"
    configure(otto, url, allow_private=False)
    raise_alarm(stack, otto)
    refused = settled(otto)
    assert (refused["status"], refused["attempts"], refused["last_status"], refused["last_error"], refused["next_at"]) == ("failed", 1, None, "private_address", None)
    assert receiver.got == []
    if host == "localhost":   # and it is this that kept it
        configure(otto, url)
        assert otto.post(f"/deliveries/{refused['id']}/retry").status_code == 200
        until(lambda: receiver.got)


def test_redirects_are_not_followed(stack, otto, receiver):
    for n, code in enumerate((301, 307), 1):
        receiver.answer = lambda h: status(h, code, Location="/other")
        configure(otto, receiver.url)
        raise_alarm(stack, otto)
        d = settled(otto)
        assert (d["status"], d["last_status"], d["last_error"]) == ("queued", code, "bad_status")
        assert [p for p, _, _ in receiver.got] == ["/hook"] * n


def test_slow_and_talkative_receivers(stack, otto, receiver):
    def answer(handler):
        if handler.path == "/hook":
            time.sleep(14)
        handler.send_response(200)
        while handler.path == "/hook/heads":
            handler.send_header("X-More", "x" * 1000)
            handler.flush_headers()
        handler.end_headers()
        while handler.path != "/hook":
            handler.wfile.write(b"x" * 1024)

    receiver.answer = answer
    configure(otto, receiver.url, receiver.url + "/endless", receiver.url + "/heads", f"http://127.0.0.1:{receiver.port}/hook?again")
    began = time.monotonic()
    raise_alarm(stack, otto)
    until(lambda: all(d["log"] for d in deliveries(otto)), 13)
    assert 9 < time.monotonic() - began < 13
    told = {d["target"]: d for d in deliveries(otto)}
    assert (told[receiver.url]["last_error"], told[receiver.url]["status"], told[receiver.url]["last_status"]) == ("timed_out", "queued", None)
    assert (told[receiver.url + "/endless"]["last_error"], told[receiver.url + "/endless"]["last_status"]) == (None, 200)
    assert (told[receiver.url + "/heads"]["last_error"], told[receiver.url + "/heads"]["status"]) == ("failed", "queued")


def test_nobody_there(stack, otto):
    with Receiver() as gone:
        pass
    configure(otto, gone.url, "http://nowhere.invalid/")
    raise_alarm(stack, otto)
    until(lambda: all(d["log"] for d in deliveries(otto)), 12)
    assert {d["target"]: d["last_error"] for d in deliveries(otto)} == {gone.url: "no_connection", "http://nowhere.invalid/": "no_address"}


def test_a_target_that_is_taken_out_gets_nothing_more(stack, otto, receiver):
    receiver.answer = lambda h: status(h, 500)
    configure(otto, receiver.url)
    raise_alarm(stack, otto)
    settled(otto)
    assert otto.patch("/settings", {"notify": {"webhooks": []}}, "*").status_code == 200
    stack.clock("61 s")
    until(lambda: deliveries(otto)[0]["status"] == "failed")
    assert deliveries(otto)[0]["last_error"] == "target_gone" and len(receiver.got) == 1


def test_mail(stack, otto, mailbox):
    to = f"ceo-{uuid.uuid4().hex[:8]}@holdfast.test"
    configure(otto, emails=[{"email": to, "severity": "high"}])
    alert = str(uuid.uuid4())
    raise_alarm(stack, otto, alert=alert, rule="mass_change", severity="medium")
    raise_alarm(stack, otto, alert=alert, rule="mass_change", severity="critical", person=otto.id)
    sent = settled(otto)
    assert (sent["channel"], sent["target"], sent["status"], sent["last_status"] // 100, sent["last_error"]) == ("email", to, "sent", 2, None)
    (sender, rcpt, text), = [m for m in mailbox.got if to in m[1][0]]
    assert "<crm@holdfast.test>" in sender and rcpt == [f"RCPT TO:<{to}>"]
    head, body = text.decode("ascii").split("\r\n\r\n", 1)
    headers = dict(line.split(": ", 1) for line in head.split("\r\n"))
    assert set(headers) == {"Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"}
    assert (headers["From"], headers["To"], headers["Subject"]) == ("Holdfast <crm@holdfast.test>", f"<{to}>", "Holdfast: alert.raised, critical")
    for line in (f"alert: {alert}", "rule: mass_change", "severity: critical", f"person: {otto.id}"):
        assert "\r\n" + line + "\r\n" in body
    assert b"\n" not in text.replace(b"\r\n", b"")
    configure(otto, emails=["no@holdfast.test"])
    raise_alarm(stack, otto)
    refused = settled(otto)
    assert (refused["status"], refused["last_status"], refused["last_error"]) == ("queued", 550, "mail_refused")


def test_no_word_of_the_org_becomes_a_header(stack, otto, mailbox):
    for email in ("a@b.test\r\nBcc: x@y.test", "a@b.test\nBcc: x@y.test", "a@b.test> <c@d.test", "a b@c.test", "a@b", "@b.test", "a@b.test,c@d.test", "ä@b.test", "<a@b.test>", '"a"@b.test'):
        assert otto.patch("/settings", {"notify": {"emails": [{"email": email}]}}, "*").status_code == 422
    to = f"x-{uuid.uuid4().hex[:8]}@holdfast.test"
    stack.sql("update app.org set name = 'Evil' || e'\\r\\nBcc: x@y.test\\r\\n\\r\\n.' where org_id = (select org_id from app.staff where id = %s)", otto.id)
    configure(otto, emails=[to])
    raise_alarm(stack, otto)
    settled(otto)
    assert b"Bcc" not in [m for m in mailbox.got if to in m[1][0]][0][2]


def test_a_restart_loses_nothing(stack, otto, receiver):
    """The last one: afterwards there is no mail server."""
    receiver.answer = lambda h: status(h, 503)
    configure(otto, receiver.url, emails=["no@holdfast.test"])
    raise_alarm(stack, otto)
    until(lambda: all(d["log"] for d in deliveries(otto)))
    before = deliveries(otto, status="queued")
    assert len(before) == 2
    stack.stop()
    del stack.env["HOLDFAST_SMTP"]
    stack.start()
    assert deliveries(otto) == before
    receiver.answer = None
    stack.clock("61 s")
    after = {d["channel"]: d for d in until(lambda: [d for d in deliveries(otto) if d["status"] != "queued"][1:] and deliveries(otto))}
    assert after["webhook"]["status"] == "sent" and len(receiver.got) == 2
    assert (after["email"]["status"], after["email"]["last_error"], after["email"]["attempts"]) == ("failed", "no_smtp", 2)
