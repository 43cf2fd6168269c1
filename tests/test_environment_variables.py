"""Variables of the environment are held for a while, and what was before is there again."""

import os
import subprocess
import sys

import pytest

from xlmr_lab.environment_variables import held

TOLD = [sys.executable, "-c", "import os; print(os.environ.get('LAB_A'), os.environ.get('LAB_B'))"]


def told() -> str:
    return subprocess.run(TOLD, capture_output=True, text=True, check=True).stdout.strip()


def test_processes_find_what_is_held_and_nothing_of_it_later(monkeypatch):
    monkeypatch.setenv("LAB_A", "before")
    monkeypatch.delenv("LAB_B", raising=False)
    with held({"LAB_A": "1", "LAB_B": "2"}):
        assert told() == "1 2"
    assert told() == "before None"


def test_an_error_leaves_the_environment_as_it_was(monkeypatch):
    monkeypatch.delenv("LAB_B", raising=False)
    with pytest.raises(ValueError, match="within"), held({"LAB_B": "2"}):
        raise ValueError("within")
    assert "LAB_B" not in os.environ


def test_what_is_removed_within_stays_removed(monkeypatch):
    monkeypatch.delenv("LAB_B", raising=False)
    with held({"LAB_B": "2"}):
        del os.environ["LAB_B"]
    assert "LAB_B" not in os.environ
