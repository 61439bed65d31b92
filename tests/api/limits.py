"""limits.py -- limits of one person, laid over the org's for as long as a test wants."""
import contextlib
import json


@contextlib.contextmanager
def limited(stack, who, **measures):
    """measures: {window: (soft, hard)}; None is no limit."""
    laid = {m: {w: dict(soft=soft if soft is not None else 999999999, hard=hard if hard is not None else 999999999) for w, (soft, hard) in windows.items()}
            for m, windows in measures.items()}
    was, = stack.sql("select o.org_id, o.budgets from app.settings o join app.staff s on s.org_id = o.org_id where s.id = %s", who.id)
    # The version says that limits have to be worked out again (app.exposure_key), as a change by PATCH would.
    write = "update app.settings set budgets = %s, version = version + 1 where org_id = %s"
    stack.sql(write, json.dumps(dict(was[1] or {}, **{who.id: laid})), was[0])
    try:
        yield
    finally:
        stack.sql(write, None if was[1] is None else json.dumps(was[1]), was[0])
