"""test_mutations.py -- HOLDFAST_LONG=1: every rule that is taken out turns a cell of the matrix red."""
import os

import pytest

from holdfast import Stack
from mutate import mutate


@pytest.mark.skipif(os.environ.get("HOLDFAST_LONG") != "1", reason="HOLDFAST_LONG=1 has it")
def test_every_rule_is_missed(capsys):
    def say(text):
        with capsys.disabled():
            print("\n" + text, end="", flush=True)
    with Stack() as own:
        assert mutate(own, say=say) == []
