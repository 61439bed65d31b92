"""mutate.py -- does the matrix notice when a rule is gone? Loads sql/ with one rule changed, and asks until a cell turns red.

    HOLDFAST_BUILD=build tests/rules/mutate.py [word of a name]...
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.dirname(here)]

from holdfast import ROOT, Stack  # noqa: E402
from matrix import Matrix  # noqa: E402
from mutations import ALONE, MUTATIONS, TESTS  # noqa: E402
from mutations_children import MUTATIONS as OF_CHILDREN  # noqa: E402
from runs import alone, dismissed, run, scenes  # noqa: E402


class Mutant:
    """A stack whose SQL can be changed, from the text of sql/ as it is when the stack starts."""

    def __init__(self, stack):
        self.stack, self.matrix = stack, Matrix()
        self.sql = tempfile.mkdtemp(dir=stack.folder)
        shutil.copytree(os.path.join(ROOT, "sql"), self.sql, dirs_exist_ok=True)
        self.load()
        with open(os.path.join(here, "scene.sql")) as file, stack.connect() as c, c.cursor() as q:
            q.execute(file.read())
        self.orgs = scenes(stack, self.matrix, rooms=False)
        self.before = set(self.red(None, "lists"))

    def load(self):
        done = subprocess.run(["psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", "load.sql",
                               f"host={self.stack.socket} dbname=holdfast user=postgres"], cwd=self.sql, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr

    def red(self, known, under):
        """What is wrong; with known, ends with the first that is not known."""
        def new(wrong):
            return known is not None and not set(wrong) <= known

        def asked():
            return [w for cells in run(self.orgs, self.matrix, None, ["sql"], new, under).values() for w in cells]

        def apart():
            return [w for check in (dismissed, alone) for scene in self.orgs.values() for role in scene.roles
                    for w in check(scene, self.matrix, role)]
        found = []
        for check in (apart, asked) if under == ALONE else (asked, apart):
            if not new(found):
                found += check()
        return found

    def try_(self, m):
        """What turned red by a mutation, the first of it."""
        path = os.path.join(self.sql, m.file)
        with open(path) as file:
            text = file.read()
        assert text.count(m.old) == m.times, f"{m.name}: sql/{m.file} has {text.count(m.old)} times: {m.old}"
        with open(path, "w") as file:
            file.write(text.replace(m.old, m.new))
        try:
            if m.under == TESTS:
                return self.tested()
            self.load()
            return [w for w in self.red(self.before, m.under) if w not in self.before]
        finally:
            with open(path, "w") as file:
                file.write(text)


    def tested(self):
        """What the tests of restores say, in a tree of their own with this sql/."""
        tree = tempfile.mkdtemp(dir=self.stack.folder)
        for name in ("conf", "sql", "tests"):
            shutil.copytree(self.sql if name == "sql" else os.path.join(ROOT, name), os.path.join(tree, name))
        os.chmod(tree, 0o755)
        done = subprocess.run([sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-q", "-x", *RESTORE_TESTS], cwd=tree, text=True, capture_output=True)
        return [line for line in done.stdout.splitlines() if line.startswith("FAILED")]


RESTORE_TESTS = [f"tests/api/test_child_{word}.py" for word in ("restores", "restore_conflicts", "restore_rights")]


def mutate(stack, names=(), say=print):
    """The names of what nobody noticed."""
    mutant, green = Mutant(stack), []
    say(f"{len(mutant.before)} cells are red by themselves")
    for m in MUTATIONS + OF_CHILDREN:
        if not names or any(n in m.name for n in names):
            began = time.time()
            try:
                red = mutant.try_(m)
                word = "red  " if red else "GREEN"
            except AssertionError as e:
                red, word = [str(e)], "STALE"
            say(f"{word} {time.time() - began:4.0f} s  {m.name}{': ' if red else ''}{''.join(red[:1])}")
            if word != "red  ":
                green.append(m.name)
    return green


if __name__ == "__main__":
    with Stack() as running:
        sys.exit(", ".join(mutate(running, sys.argv[1:], lambda text: print(text, flush=True))) or None)
