"""What has its final name is on the disk: files and folders are flushed before they are renamed,
and the names after."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from xlmr_lab import storage

Event = tuple[str, int]


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Which files and folders, by their number on the disk, are flushed and renamed, in order."""
    seen: list[Event] = []

    def fsync(descriptor: int) -> None:
        seen.append(("flushed", os.fstat(descriptor).st_ino))

    def noting(rename: Callable[[Path, Path], None]) -> Callable[[Path, Path], None]:
        def note(source: Path, target: Path) -> None:
            seen.append(("renamed", number(source)))
            rename(source, target)

        return note

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", noting(os.rename))
    monkeypatch.setattr(os, "replace", noting(os.replace))
    return seen


def number(path: Path) -> int:
    return path.stat().st_ino


def test_a_file_is_flushed_before_it_has_its_name_and_the_name_after(
    tmp_path: Path, events: list[Event]
) -> None:
    path = tmp_path / "file"
    for text in ("old", "new"):
        events.clear()
        storage.write_text(path, text)
        written = number(path)
        named = number(tmp_path)
        assert events == [("flushed", written), ("renamed", written), ("flushed", named)]


@pytest.mark.parametrize("kind", ["atomic_folder", "resumable_folder"])
def test_a_folder_is_flushed_with_all_in_it_before_it_has_its_name(
    tmp_path: Path, events: list[Event], kind: str
) -> None:
    with getattr(storage, kind)(tmp_path / "made") as partial:
        (partial / "sub").mkdir()
        (partial / "sub/one").write_text("1")
        (partial / "two").write_text("2")
    made = tmp_path / "made"
    place = events.index(("renamed", number(made)))
    flushed = {which for what, which in events[:place] if what == "flushed"}
    assert {number(path) for path in made.rglob("*")} <= flushed
    assert number(made) in flushed
    assert events[-1] == ("flushed", number(tmp_path))
