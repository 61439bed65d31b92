"""matrix.py -- reads matrix.txt: what each cell is labelled, and what that means."""
import os
import re

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "matrix.txt")
REFUSED = {"403": 403, "409": 409}
SHOWS = {"clear", "listed", "masked", "shown"}
LABELS = {".", "-", "seen", "done", "empty"} | SHOWS | set(REFUSED)


def tables(path):
    """{table: [rows]}; a row is its cells, the first one the head."""
    found = {}
    with open(path) as file:
        for line in file:
            line = line.rstrip()
            if line.startswith("== "):
                rows = found[line[3:]] = []
            elif line and not line.startswith("#"):
                rows.append(re.split(r"\s{2,}", line))
    return found


class Matrix:
    def __init__(self, path=FILE):
        found = tables(path)
        (_, *self.maskings), *words = found["masking"]
        self.meaning = {(row[0], m): shown for row in words for m, shown in zip(self.maskings, row[1:])}
        self.labels, self.faults, self.actions = {}, [], []
        for table in ("reading", "writing", "children", "offers"):
            head, *rows = found[table]
            actions = head[3:]
            self.actions += actions
            for role, relation, under, *cells in rows:
                where = f"{table}: {role}, {relation}, {under}"
                cells = ["-"] * len(actions) if cells == ["-"] else cells
                if len(cells) != len(actions):
                    self.faults.append(f"{where}: {len(cells)} cells under {len(actions)} heads")
                self.faults += [f"{where}: {c} is no label" for c in cells if c not in LABELS]
                for cell in ((v, role, relation, action, label) for v in under.split(",") for action, label in zip(actions, cells)):
                    if cell[:4] in self.labels:
                        self.faults.append("twice: " + ", ".join(cell))
                    self.labels[cell[:4]] = cell[4]

    def due(self, cell, action, masking):
        """What the answer ought to be: its status, and what it shows."""
        label = self.labels[cell]
        if label == ".":
            return action.hidden, "hidden"
        if label in REFUSED:
            return REFUSED[label], "nothing"
        if label == "empty":
            return action.status, "nothing restored" if action.writes else "nothing"
        shows = action.done if label in ("done", "seen") else label
        return action.status, self.meaning.get((shows, masking), shows)

    def varies(self, cell, action):
        """Whether the answer depends on the masks."""
        label = self.labels[cell]
        return label in SHOWS or label == "done" and action.done in SHOWS
