"""Batches made ready ahead are those made in their turn, and a process gets its share."""

import threading
from pathlib import Path

import pytest
import torch

from xlmr_lab.batches.stream import BlockStream, StreamState
from xlmr_lab.pretrain import prepared
from xlmr_lab.pretrain.distributed import ALONE, Processes
from xlmr_lab.pretrain.loop import pretrain
from xlmr_lab.pretrain.prepared import PreparedBatches
from xlmr_lab.pretrain.settings import sampling_phases
from xlmr_lab.pretrain.training import Training

CPU = torch.device("cpu")


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """Return a list to which each masked batch adds its number and the thread that made it."""
    made = []
    original = BlockStream.next

    def noted(self, state: StreamState):
        made.append((state.step + 1, threading.current_thread().name.split("_")[0]))
        return original(self, state)

    monkeypatch.setattr(BlockStream, "next", noted)
    return made


@pytest.fixture
def make_batches(make_run, shards):
    """Return a function that makes the batches of a run of four steps for a process."""

    def make(processes: Processes = ALONE) -> tuple[PreparedBatches, StreamState]:
        run = make_run(steps=4)
        stream = BlockStream(
            shards, sampling_phases(run, shards), config=run.batches, seed=run.seed
        )
        batches = PreparedBatches(run, shards, stream, processes=processes, device=CPU)
        return batches, stream.start()

    return make


def equal(one: prepared.Prepared, other: prepared.Prepared) -> bool:
    same = (one.state, one.languages, one.num_targets) == (
        (other.state, other.languages, other.num_targets)
    )
    return same and all(map(torch.equal, one.own, other.own))


def test_the_next_batch_is_made_meanwhile_and_is_the_same(make_batches, threads):
    batches, state = make_batches()
    turn, ahead = [], []
    for found, is_ahead in ((turn, False), (ahead, True)):
        now = state
        for _ in range(4):
            found.append(batches.after(now, ahead=is_ahead))
            now = found[-1].state
    assert all(map(equal, turn, ahead))
    assert threads[:4] == [(step, "MainThread") for step in (1, 2, 3, 4)]
    assert threads[4:] == [(1, "MainThread"), (2, "batches"), (3, "batches"), (4, "batches")]


def test_a_batch_that_was_made_for_another_place_is_not_taken(make_batches):
    batches, state = make_batches()
    second = batches.after(batches.after(state, ahead=False).state, ahead=False)
    batches.after(state, ahead=True)
    assert equal(batches.after(second.state, ahead=False), batches.after(second.state, ahead=False))
    assert batches.after(second.state, ahead=False).state.step == 3


def test_each_process_gets_its_sequences_and_the_count_of_all(make_batches):
    whole = (lambda made: made[0].after(made[1], ahead=False))(make_batches())
    shares = []
    for rank in (0, 1):
        batches, state = make_batches(Processes(rank=rank, size=2))
        shares.append(batches.after(state, ahead=False))
    for part, own in zip(whole.own, zip(*(s.own for s in shares), strict=True), strict=True):
        assert torch.equal(part, torch.cat(own))
    assert all(s.num_targets == whole.num_targets == whole.own.num_targets() for s in shares)
    assert all(s.languages == whole.languages for s in shares)


def test_a_run_on_a_device_that_works_by_itself_takes_the_same_steps(
    tmp_path: Path, shards_folder: Path, make_run, threads, monkeypatch: pytest.MonkeyPatch
):
    pretrain(tmp_path / "turn", shards_folder, make_run(steps=6), threads=1)
    assert {thread for _, thread in threads} == {"MainThread"}
    threads.clear()
    monkeypatch.setattr(Training, "is_asynchronous", True)
    pretrain(tmp_path / "ahead", shards_folder, make_run(steps=6), threads=1)
    assert threads == [(1, "MainThread"), *((step, "batches") for step in range(2, 7))]
    for name in ("metrics.jsonl", "checkpoints/step-00000006/model.safetensors"):
        assert (tmp_path / "ahead" / name).read_bytes() == (tmp_path / "turn" / name).read_bytes()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_it_is_copied_from_locked_pages(make_run, shards):
    """Never tried where it was written: there was no GPU."""
    training = Training(make_run(), shards, device=torch.device("cuda"))
    made = training._batches.after(training._state, ahead=True).own
    assert all(part.is_pinned() for part in made)
    for there, here in zip(made.to(training.device), made, strict=True):
        assert torch.equal(there.cpu(), here)
