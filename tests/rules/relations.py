"""relations.py -- who stands around a caller, and what a customer can be to him."""
from collections import namedtuple

# What each person is: above him, role (None: the caller's own), segments, who only a leader has, whether he leaves in the end.
Person = namedtuple("Person", "above role segments leaders left", defaults=(False, False))
HOME, NEXT, LAST = "prospecting", "negotiation", "closing"
# Of the callers; a manager answers for his people's segments too, and of an admin and an auditor they must not matter.
SEGMENTS = {"manager": [NEXT]}
LEADERS = ("admin", "manager")                  # whom people can be below

# Around each caller. "boss", an admin, and "far", "far2" of another team are there once in an org.
CAST = {
    "head": Person("top", "manager", []),
    "me": Person("head", None, None),
    "mate": Person("head", "rep", [HOME, NEXT]),
    "exmate": Person("head", "rep", [HOME], left=True),
    "low": Person("me", "rep", [HOME], leaders=True),
    "exlow": Person("me", "rep", [HOME], leaders=True, left=True),
    "sub": Person("me", "manager", [], leaders=True),
    "deep": Person("sub", "rep", [HOME], leaders=True),
    "gone": Person("head", None, None, left=True),      # a caller who was dismissed
}
BELOW = [name for name, p in CAST.items() if p.leaders]
ONCE = {
    "top": Person(None, "manager", []),
    "lead": Person(None, "manager", []),
    "far": Person("lead", "rep", [HOME, LAST]),
    "far2": Person("lead", "rep", [NEXT]),
}
STAGES = {HOME: "new", NEXT: "proposal", LAST: "won"}

# A customer: its owner, its segment, who worked on it (the owner, unless said); who moved it to whom and where, and what is
# peculiar about it. only: the roles that it can exist for.
Relation = namedtuple("Relation", "owner segment worker moved archived glass org only",
                      defaults=(HOME, None, None, False, None, False, None))
RELATIONS = {
    "own": Relation("me"),
    "own, other segment": Relation("me", LAST),
    "own, archived": Relation("me", archived=True),
    "below": Relation("low", only=LEADERS),
    "below, other segment": Relation("low", LAST, only=LEADERS),
    "below, archived": Relation("low", archived=True, only=LEADERS),
    "below, left": Relation("exlow", only=LEADERS),
    "two below": Relation("deep", only=LEADERS),
    "team": Relation("mate"),
    "team, other segment": Relation("mate", NEXT),
    "team, archived": Relation("mate", archived=True),
    "team, left": Relation("exmate"),
    "above": Relation("head"),
    "other team": Relation("far"),
    "unowned": Relation(None, worker="low|mate"),
    "unowned, other segment": Relation(None, LAST, worker="far"),
    "handed over": Relation("me", moved=("me", "far2", NEXT)),
    "taken": Relation("me", moved=("boss", "far", HOME)),
    "taken, team": Relation("me", moved=("boss", "mate", HOME)),
    "glass": Relation("far", glass=("me", False), only=("manager", "rep")),
    "glass, over": Relation("far", glass=("me", True), only=("manager", "rep")),
    "glass, another's": Relation("far", glass=("low|mate", False)),
    "other org": Relation("alien", org=True),
}


def exists(relation, role):
    return RELATIONS[relation].only is None or role in RELATIONS[relation].only
