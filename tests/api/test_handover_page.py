"""The handover document as a page: the same facts for the same reader, and nothing that a browser would run."""
import html

import pytest

from holdfast import problem
from masks import masked
from offering import offer
from people import MISSING
from taking_over import Case, child, document, patch
from test_disclosure import Ledger, shown


@pytest.fixture
def case(rita):
    return Case(rita)


def page(client, c, accept="text/html"):
    answer = client.get(f"/customers/{c['id']}/handover", headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    return answer


def test_the_page_has_the_same_facts(stack, rita, axel, case):
    ledger = Ledger(stack)
    answer = page(rita, case.c, "text/html,application/json;q=0.9")
    shown(ledger, rita, answer, [case.c["id"]], "handover")
    assert answer.headers["Content-Type"].lower().startswith("text/html") and "script" not in answer.text
    doc = document(rita, case.c)
    facts = [doc["classification"], doc["customer"]["name"], doc["customer"]["phone"], doc["customer"]["email"], doc["standing"]["stage_name"], "Rita Rep", doc["customer"]["notes"]]
    facts += [k[m] for k in doc["contacts"] for m in ("name", "phone")] + [d["title"] for d in doc["deals"]] + [f"{o['number']}, revision {o['revision']}" for o in doc["offers"]]
    facts += [s["what"] for s in doc["next_steps"]] + [m["says"] for m in doc["completeness"]["missing"]] + [a[m] for a in doc["conversations"] for m in ("subject", "body")]
    assert [f for f in facts if f not in html.unescape(answer.text)] == []
    auditors = html.unescape(page(axel, case.c).text)
    assert case.eva["phone"] not in auditors and case.c["email"] not in auditors and masked("phone", case.eva["phone"]) in auditors
    assert page(rita, case.c, "application/json").json()["customer"] == doc["customer"] and page(rita, case.c, "*/*").json()["customer"] == doc["customer"]


def test_the_page_runs_nothing(rita):
    bad = "<script>alert('1')</script>\"&amp;<img src=x onerror=y>"
    c = rita.customer(name=bad, notes=bad, city=bad, custom={bad: bad}, tags=["</style>" + bad[:20]])
    eva = child(rita, "contacts", c, name=bad, title=bad, email="a&b@x.test")
    child(rita, "activities", c, kind="call", direction="in", contact_id=eva["id"], subject=bad, body=bad, outcome=bad, next_step=bad)
    child(rita, "deals", c, title=bad, notes=bad)
    offer(rita, c, currency="EUR", title=bad, lines=[{"description": bad, "quantity": 1, "unit_price": 1}])
    patch(rita, "/contacts/" + eva["id"], title=bad + "2")
    text = page(rita, c).text
    assert "<script" not in text and "<img" not in text and "</style>&lt;" not in text
    assert text.count("&lt;script&gt;alert") >= 12 and html.unescape(text).count(bad) >= 12
    missing = rita.get(f"/customers/{MISSING}/handover", headers={"Accept": "text/html"})
    problem(missing, 404, "not_found")
