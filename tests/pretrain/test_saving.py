"""A run and its checkpoints: written while it goes on, waited for at its end, the best one kept."""

import math
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from xlmr_lab import storage
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import checkpoint_writer, training
from xlmr_lab.pretrain.loop import load_model, pretrain

WRITE = checkpoint_writer.checkpoint.write


def run_pretrain(folder: Path, shards_folder: Path, run) -> Path:
    return pretrain(folder, shards_folder, run, threads=1)


def test_steps_are_taken_while_a_checkpoint_is_written(
    tmp_path: Path, shards_folder: Path, make_run, monkeypatch: pytest.MonkeyPatch
):
    seven, waited = threading.Event(), []
    original = training.Training.advance

    def advance(self) -> None:
        original(self)
        if self.step == 7:
            seven.set()

    def write(folder: Path, content, *, step: int, state) -> Path:
        waited.append(seven.wait(10))
        return WRITE(folder, content, step=step, state=state)

    monkeypatch.setattr(training.Training, "advance", advance)
    monkeypatch.setattr(checkpoint_writer.checkpoint, "write", write)
    final = run_pretrain(tmp_path, shards_folder, make_run())
    assert waited == [True, True, True]
    assert storage.read_json(final / "state.json")["step"] == 12


def test_metrics_are_on_the_disk_before_the_checkpoint_that_stands_for_them(
    tmp_path: Path, shards_folder: Path, make_run, monkeypatch: pytest.MonkeyPatch
):
    metrics, rename, events = tmp_path / "metrics.jsonl", os.rename, []

    def fsync(descriptor: int) -> None:
        if metrics.exists() and os.fstat(descriptor).st_ino == metrics.stat().st_ino:
            events.append(storage.read_jsonl(metrics)[-1]["step"])

    def rename_and_note(source: Path, target: Path) -> None:
        events.append(Path(target).name)
        rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename_and_note)
    run_pretrain(tmp_path, shards_folder, make_run())
    flushed, named = events[::2], events[1::2]
    assert named == ["step-00000005", "step-00000010", "step-00000012"]
    logged = (4, 10, 12)
    assert all(step >= least for step, least in zip(flushed, logged, strict=True)), events


def test_the_run_ends_when_its_last_checkpoint_is_written(
    tmp_path: Path, shards_folder: Path, make_run, monkeypatch: pytest.MonkeyPatch
):
    def write(folder: Path, content, *, step: int, state) -> Path:
        time.sleep(0.1)
        return WRITE(folder, content, step=step, state=state)

    monkeypatch.setattr(checkpoint_writer.checkpoint, "write", write)
    assert (run_pretrain(tmp_path, shards_folder, make_run(steps=3)) / "state.json").is_file()


def test_a_signal_waits_for_the_checkpoint_in_flight_and_its_own(
    tmp_path: Path, shards_folder: Path, make_run, monkeypatch: pytest.MonkeyPatch
):
    original = training.Training.advance

    def write(folder: Path, content, *, step: int, state) -> Path:
        time.sleep(0.1)
        return WRITE(folder, content, step=step, state=state)

    def advance(self) -> None:
        original(self)
        if self.step == 6:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(training.Training, "advance", advance)
    monkeypatch.setattr(checkpoint_writer.checkpoint, "write", write)
    with pytest.raises(KeyboardInterrupt, match="at step 6 of 12"):
        run_pretrain(tmp_path, shards_folder, make_run())
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["step-00000005", "step-00000006"]


def test_a_signal_does_not_hide_that_its_checkpoint_failed(
    tmp_path: Path, shards_folder: Path, make_run, monkeypatch: pytest.MonkeyPatch
):
    def full(tensors, path) -> None:
        raise OSError(28, "No space left on device")

    def advance(self, original=training.Training.advance) -> None:
        original(self)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(training.Training, "advance", advance)
    monkeypatch.setattr(checkpoint_writer.checkpoint, "save_file", full)
    with pytest.raises(UserError, match=r"cannot write checkpoint .*00001 "):
        run_pretrain(tmp_path, shards_folder, make_run())


def test_a_disk_that_fills_up_stops_the_run_at_the_next_step(
    tmp_path: Path, shards_folder: Path, make_run, monkeypatch: pytest.MonkeyPatch
):
    steps, original = [], training.Training.advance

    def full(tensors, path) -> None:
        raise OSError(28, "No space left on device")

    def advance(self) -> None:
        original(self)
        steps.append(self.step)
        time.sleep(0.02)

    monkeypatch.setattr(checkpoint_writer.checkpoint, "save_file", full)
    monkeypatch.setattr(training.Training, "advance", advance)
    with pytest.raises(UserError, match=r"cannot write checkpoint .*00005 .*No space .*run again"):
        run_pretrain(tmp_path, shards_folder, make_run())
    assert 6 <= steps[-1] <= 8
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_a_loss_that_is_not_finite_is_told_though_the_checkpoint_in_flight_fails(
    tmp_path: Path, shards_folder: Path, make_run, monkeypatch: pytest.MonkeyPatch
):
    broken = threading.Event()

    def full(tensors, path) -> None:
        broken.wait(10)
        raise OSError(28, "No space left on device")

    def advance(self, original=training.Training.advance) -> None:
        if self.step + 1 == 6:
            self.model.head.bias.data[:] = math.nan
            broken.set()
        original(self)

    monkeypatch.setattr(checkpoint_writer.checkpoint, "save_file", full)
    monkeypatch.setattr(training.Training, "advance", advance)
    told = r"^loss nan .* at step 6, .*checkpoint: none, and cannot write checkpoint .*No space"
    with pytest.raises(UserError, match=told):
        run_pretrain(tmp_path, shards_folder, make_run())


def test_the_best_checkpoint_stays_and_does_not_stop_the_run(
    tmp_path: Path, shards_folder: Path, make_run, monkeypatch: pytest.MonkeyPatch
):
    losses = iter([math.nan, 2.0, 2.5])
    monkeypatch.setattr(
        "xlmr_lab.pretrain.records.heldout_loss", lambda *args, **settings: {"en": next(losses)}
    )
    run = make_run(checkpoint_steps=4, heldout_steps=4, keep_checkpoints=1, keep_best=True)
    run_pretrain(tmp_path, shards_folder, run)
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["best", "step-00000008", "step-00000012"]
    _, state = load_model(tmp_path / "checkpoints" / "best")
    assert (state["step"], state["heldout_loss"]) == (8, 2.0)


def test_a_damaged_checkpoint_pushes_no_whole_one_out(
    tmp_path: Path, shards_folder: Path, make_run, monkeypatch: pytest.MonkeyPatch
):
    left, remove_old = [], checkpoint_writer.checkpoint.remove_old

    def remove_and_look(folder: Path, step: int, **settings) -> None:
        remove_old(folder, step, **settings)
        left.append((step, sorted(path.name for path in folder.iterdir())))

    def stop_after_seven(self, original=training.Training.advance) -> None:
        original(self)
        if self.step == 7:
            os.kill(os.getpid(), signal.SIGTERM)

    run = make_run(checkpoint_steps=4)
    with monkeypatch.context() as patched:
        patched.setattr(training.Training, "advance", stop_after_seven)
        with pytest.raises(KeyboardInterrupt):
            run_pretrain(tmp_path, shards_folder, run)
    (tmp_path / "checkpoints" / "step-00000007" / "model.safetensors").write_bytes(b"")
    monkeypatch.setattr(checkpoint_writer.checkpoint, "remove_old", remove_and_look)
    run_pretrain(tmp_path, shards_folder, run)
    assert left == [
        (8, ["step-00000004", "step-00000008"]),
        (12, ["step-00000008", "step-00000012"]),
    ]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"checkpoint_steps": 6}, "multiple of heldout_steps, got 6 and 4"),
        ({"checkpoint_steps": 8, "heldout_blocks": 0}, "heldout_blocks above 0, got 0"),
    ],
)
def test_a_best_that_nothing_measures_is_refused(make_run, changes, told: str):
    with pytest.raises(UserError, match=f"keep_best needs a held-out loss .*{told}"):
        make_run(keep_best=True, **changes)


def test_without_the_best_no_held_out_loss_has_to_fit(make_run):
    assert not make_run(checkpoint_steps=6).pretrain.keep_best
