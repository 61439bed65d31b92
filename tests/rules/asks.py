"""asks.py -- one question in its two forms, and one action that asks some."""
from collections import namedtuple

from psycopg2.extras import Json

# One way to ask: through HTTP, and the arguments of the api function. page: all pages of the list in this order instead.
Ask = namedtuple("Ask", "method path args params body headers page", defaults=(None, None, None, None))
# status: when it is answered; hidden: when the customer is not there for the caller. done: what an answer to "done" or "seen"
# shows; writes: whether it changes the customer; of: what it changes instead, of that which belongs to it.
Action = namedtuple("Action", "function status hidden asks done writes of", defaults=("nothing", False, None))


def post(path, body, **args):
    return Ask("POST", path, dict(args, body=Json(body)), None, body)


def undo(operation):
    return post(f"/operations/{operation}/undo", {"reason": "Back."}, id=operation, retry=None)
