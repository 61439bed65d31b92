"""asks.py -- one question in its two forms, and one action that asks some."""
from collections import namedtuple

from psycopg2.extras import Json

# One way to ask: through HTTP, and the arguments of the api function. page: all pages of the list in this order instead.
Ask = namedtuple("Ask", "method path args params body headers page", defaults=(None, None, None, None))
# status: when it is answered; hidden: when the customer is not there for the caller. done: what an answer to "done" or "seen"
# shows; writes: whether it changes the customer; of: what it changes instead, of that which belongs to it; opens: whether, though
# it changes nothing of him, the customer is another one to the caller afterwards.
Action = namedtuple("Action", "function status hidden asks done writes of opens", defaults=("nothing", False, None, False))


def post(path, body, **args):
    return Ask("POST", path, dict(args, body=Json(body)), None, body)


def undo(operation):
    return post(f"/operations/{operation}/undo", {"reason": "Back."}, id=operation, retry=None)
