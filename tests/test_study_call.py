"""The command that goes on with a study finds its folder, wherever that is by now.

Run with: pytest tests/test_study_call.py
"""

import shutil
from pathlib import Path

import pytest

from xlmr_lab import study_call


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a study as it is seen from where it ran."""
    monkeypatch.chdir(tmp_path)
    made = Path("runs", "small-text")
    made.mkdir(parents=True)
    study_call.keep(made, "small", ["seeds=4", "corpus.path=../text"])
    return made


def test_a_folder_in_its_place_is_named_as_it_was_typed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "./lab evaluate --preset small seeds=4 corpus.path=../text"
    assert study_call.told(folder, "evaluate") == told
    monkeypatch.chdir(folder)
    assert study_call.told(Path(), "evaluate") == told


def test_a_renamed_or_copied_folder_is_named_as_it_is(folder: Path) -> None:
    copied = Path(shutil.copytree(folder, folder.with_name("second")))
    rest = "seeds=4 corpus.path=../text"
    assert study_call.told(copied, "vocab") == f"./lab vocab --preset small name=second {rest}"
    study_call.keep(copied, "small", ["name=second", "seeds=4"])
    third = copied.rename(folder.with_name("third"))
    assert study_call.told(third, "vocab") == "./lab vocab --preset small name=third seeds=4"


def test_a_moved_folder_is_named_with_the_folder_it_is_in(folder: Path, tmp_path: Path) -> None:
    study_call.keep(folder, "small", ["runs_dir=runs"])
    moved = Path(shutil.move(folder, tmp_path / "disk"))
    wanted = f"./lab vocab --preset small name=disk runs_dir={tmp_path}"
    assert study_call.told(moved, "vocab") == wanted


def test_a_call_that_does_not_say_where_it_was_made_stays_as_it_is(folder: Path) -> None:
    (folder / study_call.CALL_NAME).write_text('{"preset": "tiny", "settings": ["name=a"]}')
    assert study_call.told(folder, "vocab") == "./lab vocab --preset tiny name=a"
