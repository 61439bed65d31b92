"""exporting.py -- how fast files go out, from when their first byte comes, what memory that takes, and that slow readers hold up nobody."""
import glob
import json
import os
import re
import statistics
import subprocess
import time

COLUMNS = ("id name email phone website address city postal_code country source stage owner_id value currency notes tags custom "
           "created_at updated_at").split()


def approved(stack, **filter):
    """The link to an export of customers by ada that abby has approved, and who may fetch it."""
    ada, abby = stack.login("ada@demo.test"), stack.login("abby@demo.test")
    asked = ada.post("/exports", {"entity": "customers", "columns": COLUMNS, "filter": filter, "reason": "bench"})
    assert asked.status_code == 202, asked.text
    assert abby.post(f"/exports/{asked.json()['id']}/approve", {"note": "bench"}).status_code == 200
    return ada, stack.url + ada.post(f"/exports/{asked.json()['id']}/ticket").json()["url"], asked.json()["row_count"]


def fetch(ada, url, *more):
    """curl at work on a link: it prints the status, the seconds until the first byte and until the last."""
    return subprocess.Popen(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{time_starttransfer} %{time_total}", *more,
                             "-H", "Authorization: " + ada.http.headers["Authorization"], url], text=True, stdout=subprocess.PIPE)


def ended(curl):
    status, first, whole = curl.communicate()[0].split()
    return status == "200", float(first), float(whole)


def peak(stack, program="exports"):
    """The most KiB that a process of a program has held."""
    most = 0
    for status in glob.glob("/proc/[0-9]*/status"):
        try:
            with open(status) as file:
                text = file.read()
            if re.search(rf"^Name:\s+{program}$", text, re.M) and os.readlink(os.path.dirname(status) + "/cwd") == stack.state:
                most = max(most, int(re.search(r"^VmHWM:\s+(\d+)", text, re.M)[1]))
        except OSError:
            continue
    return most


def counted(stack):
    """Waits until app.seen has followed the downloads before: that goes on when they have ended, and is work of its own."""
    while stack.sql("select exists (select from app.export_ticket where not counted and status = 'done')") == [(True,)]:
        time.sleep(0.2)


def exporting(stack, judge, psql):
    stack.sql("update app.settings set exports = %s", json.dumps({"rows_most": 1048000, "two_approvers_above": 1048000}))
    few = {"value_max": "61725"}        # one of 800 customers of seed.sql
    for _ in range(3):
        assert ended(fetch(*approved(stack, **few)[:2]))[0]
    small = peak(stack)
    copies, files, firsts, failures = [], [], [], 0
    for _ in range(3):
        counted(stack)
        began = time.monotonic()
        psql(stack, "export.sql")
        copies.append(time.monotonic() - began)
        ada, url, rows = approved(stack)
        good, first, whole = ended(fetch(ada, url))
        failures += not good
        firsts.append(first)
        files.append(rows / whole)
    base = rows / statistics.median(copies)
    judge("export as CSV", statistics.median(files) / base, 0.7, True, f"{statistics.median(files):,.0f} rows/s against {base:,.0f} of \\copy, {rows:,} rows", failures)
    judge("export, first byte", statistics.median(firsts), 1, False, f"{statistics.median(firsts):.2f} s against 1 s")
    judge("export, memory", (peak(stack) - small) / 8192, 1, False, f"{(peak(stack) - small) / 1024:.1f} MiB more than for a thousand rows, against 8 MiB")
    alone = statistics.median(ended(fetch(*approved(stack, **few)[:2]))[2] for _ in range(5))
    # Nobody takes what their curl writes, and it is more than all buffers on the way hold.
    slow = [subprocess.Popen(["curl", "-s", "-H", "Authorization: " + ada.http.headers["Authorization"], url], stdout=subprocess.PIPE)
            for ada, url, _ in (approved(stack, country="DE", value_max="12345000") for _ in range(6))]
    time.sleep(3)
    together = [ended(fetch(*approved(stack, **few)[:2])) for _ in range(5)]
    busy = sum(curl.poll() is None for curl in slow)
    for curl in slow:
        curl.kill()
        curl.communicate()
    judge("export beside slow readers", statistics.median(t[2] for t in together) / alone, 2, False,
          f"{statistics.median(t[2] for t in together):.3f} s beside {busy} who stopped reading, {alone:.3f} s alone", sum(not t[0] for t in together) + (busy < 6))
