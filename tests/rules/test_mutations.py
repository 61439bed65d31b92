"""test_mutations.py -- every rule that is taken out turns a cell of the matrix red: with HOLDFAST_LONG=1; and each is there to be taken out."""
import os

import pytest

from holdfast import ROOT, Stack
from mutate import mutate
from mutations import MUTATIONS
from mutations_children import MUTATIONS as OF_CHILDREN


def test_every_rule_is_where_it_was():
    def times(m):
        with open(os.path.join(ROOT, "sql", m.file)) as file:
            return file.read().count(m.old)
    assert [m.name for m in MUTATIONS + OF_CHILDREN if times(m) != m.times] == []


@pytest.mark.skipif(os.environ.get("HOLDFAST_LONG") != "1", reason="HOLDFAST_LONG=1 has it")
def test_every_rule_is_missed(capsys):
    def say(text):
        with capsys.disabled():
            print("\n" + text, end="", flush=True)
    with Stack() as own:
        assert mutate(own, say=say) == []
