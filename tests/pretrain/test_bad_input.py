"""Input that cannot work ends the run before its first step, and before it has written anything,
with a line that says what to do."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from xlmr_lab import storage
from xlmr_lab.batches.shards import encode, token_path
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import loop
from xlmr_lab.pretrain.loop import pretrain
from xlmr_lab.vocabulary.special_tokens import UNK_ID


class KnowsNothing:
    """A tokenizer whose vocabulary has none of the text's letters."""

    size = 300
    fingerprint = "nothing"

    def encode(self, texts, language: str | None = None) -> list[np.ndarray]:
        return [np.full(len(text), UNK_ID, dtype=np.int32) for text in texts]


@pytest.fixture(autouse=True)
def no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a step is taken."""

    def advance(self) -> None:
        raise AssertionError("a step was taken")

    monkeypatch.setattr(loop.Training, "advance", advance)


def copied(shards_folder: Path, target: Path, **changes) -> Path:
    """Copy token shards, with changes of what their sidecar says, which is written last."""
    target.mkdir()
    for path in shards_folder.glob("*.bin"):
        (target / path.name).write_bytes(path.read_bytes())
    sidecar = storage.read_json(shards_folder / "shards.json")
    storage.write_json(target / "shards.json", {**sidecar, **changes})
    return target


def touch(path: Path, sidecar: Path) -> None:
    """Make a file a second younger than the sidecar."""
    second = sidecar.stat().st_mtime_ns + 10**9
    os.utime(path, ns=(second, second))


def refused(folder: Path, shards_folder: Path, run, told: str) -> None:
    with pytest.raises(UserError, match=told):
        pretrain(folder, shards_folder, run, threads=1)


def test_ids_that_the_vocabulary_has_not(tmp_path: Path, shards_folder: Path, make_run):
    shards = copied(shards_folder, tmp_path / "shards", vocab_size=100)
    refused(
        tmp_path / "run",
        shards,
        make_run(),
        r"shards of en at .* hold id 1\d\d, .* ids up to 99; delete that folder and encode again",
    )
    assert not (tmp_path / "run").exists()


def test_text_of_which_nothing_can_be_masked(tmp_path: Path, make_run):
    (tmp_path / "shards").mkdir()
    documents = {"sw": lambda: ((f"sw-{i}", "habari ya leo\n") for i in range(60))}
    encode(documents, KnowsNothing(), tmp_path / "shards", heldout_fraction=0.1)
    refused(
        tmp_path / "run",
        tmp_path / "shards",
        make_run(languages=("sw",)),
        r"nothing can be masked in sw: \d+ blocks .* only special ids and <unk>; .*leave the lang",
    )
    assert not (tmp_path / "run").exists()


def test_a_little_text_that_can_be_masked_is_enough(tmp_path: Path, shards_folder: Path, make_run):
    shards = copied(shards_folder, tmp_path / "shards")
    path = token_path(shards, "ur", "train")
    tokens = np.memmap(path, dtype="<u2", mode="r+")
    tokens[:] = UNK_ID
    tokens[15 * 7] = 40
    tokens.flush()
    (shards / "shards.json").touch()
    with pytest.raises(AssertionError, match="a step was taken"):
        pretrain(tmp_path / "run", shards, make_run(), threads=1)


def test_a_block_longer_than_the_positions(tmp_path: Path, shards_folder: Path, make_run):
    run = make_run(block_tokens=17)
    refused(tmp_path / "run", shards_folder, run, "block_tokens must be at most model.max_tokens")
    assert not (tmp_path / "run").exists()


def test_a_model_that_the_vocabulary_does_not_allow(tmp_path: Path, shards_folder: Path, make_run):
    run = make_run()
    run = dataclasses.replace(
        run, model=dataclasses.replace(run.model, adaptive_cutoffs=(200, 400))
    )
    told = "model.adaptive_cutoffs must be below the vocabulary's 300 ids, got 400"
    refused(tmp_path / "run", shards_folder, run, told)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize(("name", "place"), [("", "run"), ("checkpoints", "checkpoints")])
def test_a_folder_that_cannot_be_written(
    tmp_path: Path,
    shards_folder: Path,
    make_run,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    place: str,
    resumed: bool,
):
    folder = tmp_path / "run"
    if resumed:
        with pytest.raises(AssertionError):
            pretrain(folder, shards_folder, make_run(), threads=1)
        if name:
            (folder / name).rmdir()
    if name:
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("in the way")
    else:
        monkeypatch.setattr(Path, "write_bytes", denied)
    refused(folder, shards_folder, make_run(), rf"cannot write to .*{place} \(.*choose another")


def denied(self: Path, data: bytes) -> int:
    """Refuse as a folder without leave to write does."""
    raise PermissionError(13, "Permission denied", str(self))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"vocabulary_fingerprint": "other"}, "vocabulary is bytes there and other here"),
        ({"vocab_size": 301}, "vocab_size is 300 there and 301 here"),
    ],
)
def test_going_on_with_another_vocabulary(
    tmp_path: Path, shards_folder: Path, make_run, monkeypatch: pytest.MonkeyPatch, change, told
):
    monkeypatch.undo()
    pretrain(tmp_path / "run", shards_folder, make_run(steps=3, warmup_steps=1), threads=1)
    other = copied(shards_folder, tmp_path / "shards", **change)
    run = make_run(steps=3, warmup_steps=1)
    refused(tmp_path / "run", other, run, f"step-00000003 has other settings: {told}; use those")


@pytest.mark.parametrize("split", ["train", "heldout"])
def test_going_on_with_a_token_file_that_has_changed(
    tmp_path: Path, shards_folder: Path, make_run, split: str
):
    shards = copied(shards_folder, tmp_path / "shards")
    with pytest.raises(AssertionError, match="a step was taken"):
        pretrain(tmp_path / "run", shards, make_run(), threads=1)
    path = token_path(shards, "sw", split)
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
    touch(path, shards / "shards.json")
    told = rf"sw.{split}.bin has changed since it was encoded; put it back, or delete .* encode"
    refused(tmp_path / "run", shards, make_run(), told)


def test_token_files_that_are_copied_and_the_same_are_used(
    tmp_path: Path, shards_folder: Path, make_run
):
    shards = copied(shards_folder, tmp_path / "shards")
    for path in shards.glob("*.bin"):
        touch(path, shards / "shards.json")
    with pytest.raises(AssertionError, match="a step was taken"):
        pretrain(tmp_path / "run", shards, make_run(), threads=1)
