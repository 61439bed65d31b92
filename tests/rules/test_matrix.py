"""test_matrix.py -- every cell of matrix.txt, through HTTP and by SQL as the programs' role."""
from itertools import product

import pytest

from actions import ACTIONS, CHILD, ELSEWHERE
from matrix import Matrix
from relations import RELATIONS, exists
from runs import alone, dismissed, own, run
from scene import words

HEADS = Matrix().labels
VISIBILITIES, ROLES = (sorted({cell[n] for cell in HEADS}) for n in (0, 1))
WAYS = ("sql", "http")


@pytest.fixture(scope="module")
def wrong(orgs, matrix, forge):
    """What is wrong of each caller on each way, all asked at once."""
    found = {}
    for job, cells in run(orgs, matrix, forge, WAYS).items():
        found.setdefault(job[:3], []).extend(cells)
    return found


def test_every_cell_is_labelled(stack, matrix):
    generated = set(product(words(stack, "app.settings", "visibility_word"), words(stack, "app.staff", "role_word"), RELATIONS, ACTIONS))
    assert matrix.faults == []
    assert sorted(generated - set(matrix.labels)) == [], "cells that are not in matrix.txt"
    assert sorted(set(matrix.labels) - generated) == [], "cells of matrix.txt that nobody asks"
    assert sorted(matrix.maskings) == sorted(words(stack, "app.settings", "contact_masking_word"))
    assert [c for c in generated if (matrix.labels[c] == "-") == exists(c[2], c[1])] == [], "what can be has a label, what cannot has a dash"


def test_every_function_is_asked(stack):
    """Who adds a function asks it in actions.py, or says in ELSEWHERE why it tells of no customer."""
    functions = {name for name, in stack.sql("""select proname from pg_proc where pronamespace = 'api'::regnamespace
        and proargnames[1] = 'session' and has_function_privilege('holdfast_cgi', oid, 'execute')""")}
    asked = {a.function for a in ACTIONS.values()}
    assert asked.isdisjoint(ELSEWHERE) and sorted(functions) == sorted(asked | set(ELSEWHERE))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_cells(wrong, visibility, role, way):
    assert wrong[visibility, role, way] == []


@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_what_was_changed(orgs, matrix, wrong, visibility):
    """What is labelled done is done, and nothing else is."""
    scene = orgs[visibility]
    now = scene.now()
    due = {}
    for (role, relation, room), c in scene.customers.items():
        done = own(matrix, visibility, role, relation)
        due[c.org, c.id] = room in done and ACTIONS[room].writes
        for of in c.row["children"] or ():
            # Archived with its customer; else changed by what is done in the room of children.
            due[c.org, getattr(c, of)] = room == CHILD and any(ACTIONS[a].of == of for a in done)
    changed = {k for k in due if now[k] != scene.versions[k]}
    assert changed == {k for k, so in due.items() if so}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("role", ROLES)
def test_who_was_dismissed(orgs, matrix, forge, role, way):
    assert dismissed(orgs["own"], matrix, role, forge if way == "http" else None) == []


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_alone(orgs, matrix, visibility, role):
    """The policies without the functions, and the conditions of lists, which an index serves, without the policies."""
    assert alone(orgs[visibility], matrix, role) == []
