"""importing.py -- how fast a file becomes customers, against \\copy of the same rows into a bare table with the same indexes and history, and
what memory that takes."""
import statistics
import subprocess
import time
from urllib.parse import urlencode

from exporting import peak

QUERY = urlencode({"source": "bench", "lawful_basis": "bench"})


def rows(turn, n):
    """A file of n customers of the size of seed.sql's, none of whom is there twice."""
    lines = ["Company;E-mail;Phone;Website;Street;City;Postal code;Country;Value;Currency;Notes"]
    for k in range(n):
        number = turn * 10_000_000 + k
        lines.append(f"Imported {number};info@i{number}.example;+49 40 {number:09};https://www.i{number}.example;Hauptstraße {k % 500};Town {k % 300};{k % 99999:05};"
                     f"Germany;{k % 5000 * 123},45;EUR;{'Prefers calls in the morning.' if k % 3 == 0 else ''}")
    return "\n".join(lines).encode("cp1252")


def sent(stack, ada, data):
    """Seconds from the first byte to the end of the job, and whether it was good."""
    stack.sql("vacuum app.customer, app.history, app.search_word")
    stack.sql("checkpoint")
    began = time.monotonic()
    answer = ada.request("POST", "/imports?" + QUERY, data=data, headers={"Content-Type": "text/csv"})
    doc = answer.json()
    while answer.status_code in (200, 201, 202) and doc.get("status") in ("queued", "running"):
        time.sleep(0.1)
        answer = ada.get("/imports/" + doc["id"])
        doc = answer.json()
    return time.monotonic() - began, doc.get("status") == "done" and doc["bad"] == 0, doc.get("id")


def copied(stack, text):
    """Seconds of \\copy into the bare table, which has as many rows as the other."""
    stack.sql("checkpoint")
    began = time.monotonic()
    subprocess.run(["psql", "-X", "-q", "-h", stack.socket, "-U", "postgres", "-d", "holdfast", "-v", "ON_ERROR_STOP=1", "-c", "\\copy bench.imported from pstdin"],
                   input=text, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def importing(stack, judge, n):
    stack.sql("create schema if not exists bench")
    stack.sql("create table bench.imported (like app.customer including all)")
    stack.sql("create trigger _900_history_insert after insert on bench.imported referencing new table as new_rows for each statement "
              "execute function app.tg_customer_history_insert()")
    ada = stack.login("ada@demo.test")
    sent(stack, ada, rows(0, 500))
    stack.sql("insert into bench.imported select * from app.customer")
    small = peak(stack, "imports")
    bare, full, failures = [], [], 0
    for turn in range(1, 4):
        ada = stack.login("ada@demo.test")
        seconds, good, id = sent(stack, ada, rows(turn, n))
        full.append(seconds)
        failures += not good
        text = subprocess.run(["psql", "-X", "-q", "-h", stack.socket, "-U", "postgres", "-d", "holdfast", "-c",
                               f"copy (select c.* from app.customer c join app.import_row r on r.org_id = c.org_id and r.record_id = c.id where r.import_id = '{id}') to stdout"],
                              check=True, stdout=subprocess.PIPE).stdout
        bare.append(copied(stack, text))
    rate, base = n / statistics.median(full), n / statistics.median(bare)
    judge(f"import of {n:,}", rate / base, 0.3, True, f"{rate:,.0f} rows/s against {base:,.0f} of \\copy into a bare table", failures)
    judge("import, memory", (peak(stack, "imports") - small) / 8192, 1, False, f"{(peak(stack, 'imports') - small) / 1024:.1f} MiB more than for 500 rows, against 8 MiB")
    stack.sql("drop table bench.imported")
