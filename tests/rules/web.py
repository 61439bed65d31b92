"""web.py -- the same questions through HTTP: what a client gets is what the api functions answer."""
import json
from datetime import datetime

from asking import Asker
from asking_children import SINGULAR
from holdfast import PASSWORD, Client
from model import ARCHIVED, ENDED, MISSING, REFUSED

STATUS = {404: MISSING, 401: ENDED, 403: REFUSED, 409: ARCHIVED}
PATHS = {"customer_list": "/customers", "customer_change": "/customers/{}", "customer_get": "/customers/{}", "customer_history": "/customers/{}/history", "history_list": "/history",
         **{f"{one}_{verb}": f"/{kind}{path}" for kind, one in SINGULAR.items() for verb, path in (("list", ""), ("get", "/{}"), ("change", "/{}"))}}
TIMES = ("created_at", "updated_at", "archived_at", "at", "due_at", "done_at")


class Web(Asker):
    """Asks as a client does; several people of the org log in for it."""
    keeps, fields_too = True, False

    def __init__(self, stack, org, people=6):
        super().__init__(None, org)
        self.clients = {}
        active = [p for p in self.org.people.values() if p.status == "active"]
        for p in self.dice.sample(active, min(people, len(active))):
            token, = stack.sql("select app.invite_create(%s)", p.email)[0]
            answer = Client(stack).post("/sessions/password", {"token": token, "password": PASSWORD})
            assert answer.status_code == 204, answer.text
            self.clients[p.id] = stack.login(p.email)

    def person(self):
        return self.org.people[self.dice.choice(list(self.clients))]

    def dismiss(self):
        """One of them has to go, but not Ada, who may be the last admin; whoever asks from now on is he."""
        self.clients = dict([[c for c in self.clients.items() if c[0] != self.org_.ada.id][-1]])
        self.org_.let_go(self.person(), "inactive")

    def fields(self):
        return None   # what is not asked for is absent here, not null

    def call(self, function, columns, *args):
        path, params = PATHS[function], {}
        if "{}" in path:
            path, args = path.format(args[0]), args[1:]
        if function.endswith("_change"):
            return self.answer(function, columns, self.clients[self.me.id].patch(path, {}, "*"))
        if function.endswith("_get"):
            params = {"as_of": text(args[0])}
        else:
            params = {k: ",".join(map(text, v)) if isinstance(v, list) else text(v) for k, v in json.loads(args[0]).items()}
            if function.endswith("_list") and function != "history_list":
                params.update(archived=text(args[1]), sort=args[3], cursor=args[4], limit=min(args[5], 200), count=args[6])
            else:
                params.update(cursor=args[1], limit=args[2])
        return self.answer(function, columns, self.clients[self.me.id].get(path, **{k: v for k, v in params.items() if v is not None}))

    def answer(self, function, columns, answer):
        if answer.status_code != 200:
            return STATUS.get(answer.status_code, answer.text)
        body = answer.json()
        if function.endswith(("_get", "_change")):
            return [row(body, columns)]
        return [row(r, columns) for r in body["data"]] + [{"_tail": True, "_next": body["next"], "_count": body.get("count")}]


def text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value if value is None else str(value)


def row(body, columns):
    return {k: datetime.fromisoformat(v.replace("Z", "+00:00")) if k in TIMES and v else v for k, v in ((k, body.get(k)) for k in columns if k[0] != "_")}
