"""Checkpoints written from a thread: copies, one at a time, nothing lost, no error unseen."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import checkpoint, checkpoint_writer
from xlmr_lab.pretrain.checkpoint_writer import CheckpointWriter


class Gate:
    """A `checkpoint.write` that waits for leave, and notes who called it."""

    def __init__(self) -> None:
        self.open, self.entered = threading.Event(), threading.Event()
        self.steps: list[int] = []
        self.threads: set[str] = set()

    def __call__(self, folder: Path, content: checkpoint.Tensors, *, step: int, state) -> Path:
        self.entered.set()
        assert self.open.wait(10)
        self.steps.append(step)
        self.threads.add(threading.current_thread().name)
        return WRITE(folder, content, step=step, state=state)


WRITE = checkpoint.write


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A writer's thread that stands still until `gate.open` is set."""
    gate = Gate()
    monkeypatch.setattr(checkpoint_writer.checkpoint, "write", gate)
    yield gate
    gate.open.set()


def content(value: float) -> dict[str, dict[str, torch.Tensor]]:
    return {
        checkpoint.MODEL_NAME: {"weight": torch.full((2, 3), value)},
        checkpoint.OPTIMIZER_NAME: {"weight.exp_avg": torch.full((2, 3), -value)},
    }


def stored(path: Path) -> float:
    return float(checkpoint.load_file(path / checkpoint.MODEL_NAME)["weight"][0, 0])


def test_what_is_written_is_what_was_there_when_it_was_saved(tmp_path: Path, gate: Gate):
    now, state = content(1.0), {"draws": 3}
    with CheckpointWriter(tmp_path, keep=2) as writer:
        writer.save(now, step=1, state=state)
        for part in now.values():
            for tensor in part.values():
                tensor.fill_(9.0)
        state["draws"] = 9
        gate.open.set()
    path, found = checkpoint.newest(tmp_path)
    assert stored(path) == 1.0
    assert found["draws"] == 3


def test_saving_waits_for_the_copy_only(tmp_path: Path, gate: Gate):
    with CheckpointWriter(tmp_path, keep=2) as writer:
        writer.save(content(1.0), step=1, state={})
        assert gate.entered.wait(10)
        writer.check()
        assert checkpoint.newest(tmp_path) is None
        gate.open.set()
    assert checkpoint.newest(tmp_path)[0].name == "step-00000001"
    assert threading.current_thread().name not in gate.threads


def test_one_is_in_flight_at_most_and_buffers_are_used_again(tmp_path: Path, gate: Gate):
    with CheckpointWriter(tmp_path, keep=3) as writer:
        writer.save(content(1.0), step=1, state={})
        threading.Timer(0.05, gate.open.set).start()
        writer.save(content(2.0), step=2, state={})
        assert gate.steps[:1] == [1]
        places = {k: t.data_ptr() for p in writer._copies.values() for k, t in p.items()}
        writer.save(content(3.0), step=3, state={})
        assert places == {k: t.data_ptr() for p in writer._copies.values() for k, t in p.items()}
    assert gate.steps == [1, 2, 3]
    values = [stored(checkpoint.checkpoint_path(tmp_path, step)) for step in (1, 2, 3)]
    assert values == [1.0, 2.0, 3.0]


def test_the_last_good_one_counts_the_one_in_flight(tmp_path: Path, gate: Gate):
    with CheckpointWriter(tmp_path, keep=2) as writer:
        assert writer.last_good() == "none"
        writer.save(content(1.0), step=1, state={})
        threading.Timer(0.05, gate.open.set).start()
        assert writer.last_good() == str(tmp_path / "step-00000001")


def test_the_last_good_one_is_told_beside_what_kept_the_next_from_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with CheckpointWriter(tmp_path, keep=2) as writer:
        writer.save(content(1.0), step=1, state={})
        writer.wait()
        monkeypatch.setattr(checkpoint, "save_file", full)
        writer.save(content(2.0), step=2, state={})
        told = f"{tmp_path}/step-00000001, and cannot write checkpoint {tmp_path}/step-00000002 ("
        assert writer.last_good().startswith(told)
        (tmp_path / "step-00000001" / checkpoint.MODEL_NAME).unlink()
        assert writer.last_good().startswith("none, no checkpoint in")


def full(*arguments: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("asked", ["check", "wait", "save", "leave"])
def test_an_error_of_the_thread_is_raised_by_what_comes_next(tmp_path: Path, asked: str):
    (tmp_path / "file").write_text("in the way")

    def work() -> None:
        with CheckpointWriter(tmp_path / "file", keep=2) as writer:
            writer.save(content(1.0), step=1, state={})
            if asked == "leave":
                return
            while not writer._pending.done():
                pass
            if asked == "save":
                writer.save(content(2.0), step=2, state={})
            getattr(writer, asked)()

    with pytest.raises(UserError, match=r"cannot write checkpoint .*step-00000001.*free some"):
        work()


def test_another_error_is_not_hidden_by_the_thread(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")

    def work() -> None:
        with CheckpointWriter(tmp_path / "file", keep=2) as writer:
            writer.save(content(1.0), step=1, state={})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()


def test_what_must_be_on_the_disk_before_is_put_there_before(tmp_path: Path, gate: Gate):
    order = []
    gate.open.set()
    writer = CheckpointWriter(tmp_path, keep=2, before=lambda: order.append(list(gate.steps)))
    with writer:
        writer.save(content(1.0), step=1, state={})
        writer.save(content(2.0), step=2, state={})
    assert order == [[], [1]]


def test_a_checkpoint_is_written_when_its_own_gpu_has_copied_it(
    tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
):
    waited = []
    monkeypatch.setattr(
        torch.cuda, "synchronize", lambda device: waited.append((device, gate.entered.is_set()))
    )
    gate.open.set()
    second = torch.device("cuda", 1)
    with CheckpointWriter(tmp_path, keep=2, device=second) as writer:
        writer.save(content(1.0), step=1, state={})
    assert waited == [(second, False)]


class Meeting:
    """Other processes, which are there at once; it notes which checkpoints were written by then."""

    def __init__(self, folder: Path, *, first: bool) -> None:
        self.first, self._folder = first, folder
        self.met: list[list[str]] = []

    def wait(self) -> None:
        self.met.append(sorted(path.name for path in self._folder.glob("step-????????")))


@pytest.mark.parametrize("first", [True, False])
def test_all_processes_wait_for_the_disk_together(tmp_path: Path, gate: Gate, first: bool):
    """In a step they would wait as long as nccl lets them; one that left would end the first."""
    processes = Meeting(tmp_path, first=first)
    with CheckpointWriter(tmp_path, keep=2, processes=processes) as writer:
        writer.save(content(1.0), step=1, state={})
        threading.Timer(0.05, gate.open.set).start()
        writer.check()
        writer.save(content(2.0), step=2, state={})
        writer.wait()
    written = ["step-00000001", "step-00000002"] if first else []
    assert processes.met == [[], written[:1], written]
