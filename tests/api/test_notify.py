"""test_notify.py -- whom an org may name to be told, who sees that, and the list of what was sent."""
import glob
import os
import re
import uuid

import pytest

from holdfast import problem
from people import MISSING, other_org
from receiving import (SECRET, clock, configure, deliveries, mailbox, otto, raise_alarm, receiver, settled, signed, stack, status, until)  # noqa: F401

HOOK = {"url": "https://hooks.example/x"}


@pytest.mark.parametrize("notify, pointer", [
    ({"webhooks": [dict(HOOK, url=u)]}, "/notify") for u in (
        "ftp://x.test/", "file:///etc/passwd", "https://", "https://user@x.test/", "https://user:pw@x.test/", "https://x.test\\@y.test/", "https://x.test:999999/", "https://x.test/a b",
        "https://x.test/ß", "javascript:x", "//x.test", "x.test", "gopher://x.test:25/")] + [
    ({"webhooks": [dict(HOOK, url="https://x.test\tx")]}, "/notify/webhooks/0/url"), ({"webhooks": [HOOK] * 6}, "/notify/webhooks"), ({"webhooks": [dict(HOOK, url="https://x.test/" + "x" * 500)]}, "/notify/webhooks/0/url"), ({"webhooks": [{}]}, "/notify/webhooks/0/url"),
    ({"webhooks": [dict(HOOK, severity="awful")]}, "/notify/webhooks/0/severity"), ({"webhooks": [dict(HOOK, kinds=["x"])]}, "/notify"), ({"webhooks": {}}, "/notify/webhooks"),
    ({"emails": [{"email": f"a{i}@b.test"} for i in range(6)]}, "/notify/emails"), ({"emails": [{"email": "x"}]}, "/notify/emails/0/email"), ({"allow_private": "yes"}, "/notify/allow_private"), (None, "/notify"), ([], "/notify")],
    ids=lambda v: str(v)[:60])
def test_wrong_settings(otto, notify, pointer):
    problem(otto.patch("/settings", {"notify": notify, "webhook_secret": SECRET}, "*"), 422, "invalid_value", pointer)
    assert otto.get("/settings").json()["notify"] == {}


def test_right_settings(otto):
    problem(otto.patch("/settings", {"notify": {"webhooks": [HOOK]}}, "*"), 422, "invalid_value", "/webhook_secret")
    for short in ("x" * 31, "", None, " " * 40):
        problem(otto.patch("/settings", {"webhook_secret": short}, "*"), 422, "invalid_value", "/webhook_secret")
    urls = ["https://x.test", "http://x.test:8080", "https://x.test/a?b=c@d", "https://[2001:db8::1]:8443/x", "https://x.test?y"]
    whole = {"webhooks": [{"url": u} for u in urls], "emails": [{"email": "a.b+c@d-e.test", "severity": "low", "kinds": ["alert.raised"]}], "allow_private": False}
    answer = otto.patch("/settings", {"notify": whole, "webhook_secret": SECRET}, "*").json()
    assert answer["notify"] == whole and "webhook_secret" not in answer
    assert (answer["version"], otto.get("/settings").headers["ETag"]) == (2, '"v2"')
    # A merge patch: what is not named stays, null takes away.
    answer = otto.patch("/settings", {"notify": {"webhooks": [HOOK], "allow_private": None}}, "*").json()
    assert (answer["notify"], answer["version"]) == ({"webhooks": [HOOK], "emails": whole["emails"]}, 3)
    rows = otto.get("/history", entity="settings", field="notify").json()["data"]
    assert rows[0]["new"] == {"webhooks": [HOOK], "emails": whole["emails"]} and rows[0]["old"] == whole and rows[1]["old"] == {}
    assert otto.post(f"/operations/{rows[0]['operation_id']}/undo", {"reason": "x"}).status_code == 201
    assert otto.get("/settings").json()["notify"] == whole


def test_the_secret_is_seen_by_nobody(stack, otto, receiver):
    configure(otto, receiver.url)
    raise_alarm(stack, otto)
    settled(otto)
    tag = otto.get("/settings").headers["ETag"]
    fresh = uuid.uuid4().hex + uuid.uuid4().hex
    answer = otto.patch("/settings", {"webhook_secret": fresh}, tag)
    assert answer.status_code == 200 and answer.headers["ETag"] != tag
    operation = otto.get("/operations", limit=1).json()["data"][0]
    assert (operation["action"], operation["changes"], operation["actor_id"]) == ("settings.change", 0, otto.id), "that it was replaced is remembered"
    raise_alarm(stack, otto)
    until(lambda: len(receiver.got) == 2)
    assert signed(*receiver.got[0][1:]) and not signed(*receiver.got[1][1:]) and signed(*receiver.got[1][1:], secret=fresh)
    problem(otto.patch("/settings", {"webhook_secret": fresh, "visibility": "x"}, "*"), 422)
    texts = [answer.text] + [otto.get(p).text for p in ("/settings", "/history", "/operations", "/deliveries", "/changes")] + [str(got) for got in receiver.got]
    for log in glob.glob(os.path.join(stack.state, "log", "*")):
        with open(log, errors="replace") as file:
            texts.append(file.read())
    (history,), = stack.sql("select string_agg(h::text, ' ') from app.history h")
    for text in texts + [history]:
        assert fresh not in text and SECRET not in text
    # Nor by SQL typed as the programs' role, which may take what is due.
    raise_alarm(stack, otto)
    taken = stack.sql("select * from api.outbox_take(100) t", user="holdfast_cgi")
    assert fresh not in str(taken)


def test_who_does_not_see_it(stack, ada, max, rita, axel, nobody, receiver):
    configure(ada, receiver.url)
    raise_alarm(stack, ada)
    mine = settled(ada)
    otto = other_org(stack)
    assert deliveries(otto) == []
    problem(otto.post(f"/deliveries/{mine['id']}/retry"), 404)
    for who in (max, rita, axel):
        problem(who.get("/deliveries"), 403, "forbidden")
        for id_ in (mine["id"], MISSING):
            problem(who.post(f"/deliveries/{id_}/retry"), 403, "forbidden")
        assert who.get("/settings").json()["notify"] is None
        rows = who.get("/history", entity="settings").json()["data"]
        assert "notify" not in {r["field"] for r in rows} and receiver.url not in str(rows)
        problem(who.patch("/settings", {"notify": {}}, "*"), 403)
        problem(who.patch("/settings", {"webhook_secret": SECRET}, "*"), 403)
    problem(nobody.get("/deliveries"), 401)
    # Nor as what an undo could not take back.
    rows = ada.get("/history", entity="settings", field="notify").json()["data"]
    configure(ada, receiver.url, receiver.url + "2")
    undone = ada.post(f"/operations/{rows[0]['operation_id']}/undo", {"reason": "x"}).json()
    assert [c["field"] for c in undone["conflicts"]] == ["notify"]
    assert receiver.url not in axel.get(f"/restores/{undone['id']}").text + axel.get(f"/restores/{undone['id']}/conflicts").text
    assert receiver.url in ada.get(f"/restores/{undone['id']}/conflicts").text


def test_lists(stack, otto):
    configure(otto, emails=["a@holdfast.test", "no@holdfast.test"])
    for _ in range(3):
        raise_alarm(stack, otto)
    until(lambda: all(d["log"] for d in deliveries(otto)))
    rows = deliveries(otto)
    assert len(rows) == 6 and [r["id"] for r in rows] == sorted((r["id"] for r in rows), reverse=True)
    assert otto.pages("/deliveries", limit=2) == rows
    assert otto.pages("/deliveries", limit=1, status="sent,failed") == [r for r in rows if r["status"] == "sent"] != []
    middle = rows[2]["at"]
    assert deliveries(otto, **{"from": middle}) == rows[:3] and deliveries(otto, to=middle) == rows[3:]
    problem(otto.get("/deliveries", status="lost"), 400, "invalid_parameter", "?status")
    assert re.fullmatch(r"[0-9T:.-]+Z", rows[0]["log"][0]["at"])
