"""Token files that have changed since a run began are noticed; those that have not are not read."""

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import token_files, training
from xlmr_lab.pretrain.loop import pretrain

TICK = 0.02
"""Seconds in which the disk's clock surely goes on."""


@pytest.fixture
def copied(tmp_path: Path, shards_folder: Path) -> TokenShards:
    """Token shards of our own to change, with the times of the others."""
    shutil.copytree(shards_folder, tmp_path / "shards", copy_function=shutil.copy2)
    return TokenShards.open(tmp_path / "shards")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are read to be compared."""
    names, checksum = [], token_files.storage.checksum

    def noting(path: Path) -> str:
        names.append(path.name)
        return checksum(path)

    monkeypatch.setattr(token_files.storage, "checksum", noting)
    return names


def shuffle(path: Path) -> None:
    """Change a file in place, with the length and the time of before, as rsync and cp -p do."""
    time.sleep(TICK)
    stat, tokens = path.stat(), np.fromfile(path, "<u2")
    np.random.default_rng(0).shuffle(tokens)
    tokens.tofile(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize("name", ["sw.train.bin", "ur.heldout.bin"])
def test_a_run_does_not_go_on_with_other_text_of_the_same_time(
    tmp_path: Path, copied: TokenShards, make_run, monkeypatch: pytest.MonkeyPatch, name: str
):
    def stop(self) -> None:
        raise AssertionError("a step was taken")

    monkeypatch.setattr(training.Training, "advance", stop)
    with pytest.raises(AssertionError, match="a step was taken"):
        pretrain(tmp_path / "run", copied.folder, make_run(), threads=1)
    shuffle(copied.folder / name)
    with pytest.raises(UserError, match=rf"{name} has changed since it was encoded; put it back"):
        pretrain(tmp_path / "run", copied.folder, make_run(), threads=1)


def test_files_that_stayed_are_not_read(tmp_path: Path, copied: TokenShards, read: list[str]):
    for _ in range(2):
        token_files.check(tmp_path, copied, copied.languages)
    assert read == []


def test_files_that_were_moved_are_read_once(tmp_path: Path, copied: TokenShards, read: list[str]):
    token_files.check(tmp_path, copied, copied.languages)
    path = copied.path("sw", "train")
    time.sleep(TICK)
    path.write_bytes(path.read_bytes())
    for _ in range(2):
        token_files.check(tmp_path, copied, copied.languages)
    assert read == ["sw.train.bin"]


def test_a_change_is_found_again_until_it_is_mended(tmp_path: Path, copied: TokenShards):
    token_files.check(tmp_path, copied, copied.languages)
    path = copied.path("en", "train")
    before = path.read_bytes()
    shuffle(path)
    for _ in range(2):
        with pytest.raises(UserError, match=r"en.train.bin has changed"):
            token_files.check(tmp_path, copied, copied.languages)
    path.write_bytes(before)
    token_files.check(tmp_path, copied, copied.languages)
