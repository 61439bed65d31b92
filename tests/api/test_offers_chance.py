"""test_offers_chance.py -- offers by chance: some hundred steps as a small model foresees them, and each shown again as of then."""
import random

import pytest

from offering import ACTIONS, LINE, ask, day, offer, read, total
from restoring import moment


class Model:
    """One number's revisions as they ought to be; days count from the walk's beginning."""

    def __init__(self):
        self.revisions, self.today = [], 0
        self.add()

    def add(self):
        self.revisions.append(dict(status="draft", was_sent=False, archived=False, lines=0, until=None, gross=0))
        return self.revisions[-1]

    def due(self, i, action):
        """What an action on revision i answers, by rules written once more."""
        r = self.revisions[i]
        later_sent = any(x["was_sent"] for x in self.revisions[i + 1:])
        if r["archived"]:
            return "archived"
        if action in ("change", "archive"):
            return "offer_sent" if r["was_sent"] else 200
        if action == "send":
            return ("offer_sent" if r["was_sent"] else "not_latest" if later_sent else 422 if not r["lines"] or (r["until"] is not None and r["until"] < self.today)
                    else "offer_accepted" if any(x["status"] == "accepted" for x in self.revisions[:i]) else 200)
        if not r["was_sent"]:
            return "not_sent"
        if action == "revise":
            return ("offer_accepted" if r["status"] == "accepted" else "draft_exists" if any(not x["was_sent"] and not x["archived"] for x in self.revisions)
                    else "not_latest" if later_sent else 201)
        return ("offer_decided" if r["status"] != "sent" else "superseded" if later_sent else "offer_expired" if r["until"] is not None and r["until"] < self.today else 200)

    def status(self, r):
        return "expired" if r["status"] == "sent" and r["until"] is not None and r["until"] < self.today else r["status"]


@pytest.mark.parametrize("seed", range(3))
def test_chance(rita, max, stack, seed):
    """A hundred steps at a time as the model foresees them, some days apart; and every step shown again as of then."""
    dice, customer, begin = random.Random(1000 + seed), rita.customer(currency="EUR"), 60
    model, shown, ids, actions = None, [], [], dict.fromkeys(ACTIONS, 0)
    try:
        for step in range(110):
            stack.clock(f"-{begin} days")
            if model is None or all(r["archived"] for r in model.revisions) or (model.revisions[-1]["status"] == "accepted" and dice.random() < 0.3):
                model, ids = Model(), [offer(rita, customer, lines=[])["id"]]
            if dice.random() < 0.2 and begin > 1:
                begin, model.today = begin - 1, model.today + 1
            stack.clock(f"-{begin} days")
            i, action = dice.randrange(len(ids)) if dice.random() < 0.4 else len(ids) - 1, dice.choice(ACTIONS + ("send", "send", "revise", "change", "accept", "decline"))
            if action == "archive" and dice.random() < 0.7:
                continue
            lines = [dict(LINE, quantity=dice.randint(1, 9))] * dice.choice([0, 1, 2, 2])
            until = dice.choice([None, None, None, 0, 2, 4, -1])
            body = {"lines": lines, "valid_until": day(stack, until) if until is not None else None} if action in ("change", "revise") else {}
            due, answer = model.due(i, action), ask(dice.choice([rita, max]), {"id": ids[i]}, action, **body)
            assert (answer.status_code if answer.status_code != 409 else answer.json()["code"]) == due, (step, action, answer.text)
            r = model.revisions[i]
            if due in (200, 201):
                actions[action] += 1
                if action == "revise":
                    ids.append(answer.json()["id"])
                    r = model.add()
                if action in ("change", "revise"):
                    r.update(lines=len(lines), until=None if until is None else model.today + until, gross=total(lines)[2])
                elif action == "archive":
                    r["archived"] = True
                else:
                    r.update(was_sent=True, status={"send": "sent", "accept": "accepted", "decline": "declined"}[action])
            got = read(rita, ids[i])
            assert [(x["id"], x["status"], x["archived_at"] is not None) for x in got["revisions"]] == [(id_, model.status(x), x["archived"]) for id_, x in zip(ids, model.revisions)]
            assert [x["gross"] for x in got["revisions"]] == [x["gross"] for x in model.revisions]
            shown.append((moment(stack), got))
    finally:
        stack.clock("0")
    assert all(actions.values()), actions
    for at, got in dice.sample(shown, 40):
        then = read(rita, got["id"], as_of=at)
        assert {k: v for k, v in then.items() if k not in ("updated_at", "version")} == {k: v for k, v in got.items() if k not in ("updated_at", "version")}
