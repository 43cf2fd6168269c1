"""Memory that a run took, beside what was planned for it: its own, whatever was there before."""

import logging
import re
from pathlib import Path

import pytest
import torch

from xlmr_lab import storage
from xlmr_lab.pretrain import memory_use
from xlmr_lab.pretrain.loop import pretrain
from xlmr_lab.pretrain.memory import keep_freed_memory
from xlmr_lab.pretrain.telemetry import peak_memory

CPU = torch.device("cpu")
MANY = 400_000_000

begins_anew = pytest.mark.skipif(
    not memory_use.CLEAR.exists(), reason="this system does not forget a process's peak"
)


@begins_anew
def test_what_was_there_or_freed_before_does_not_count():
    keep_freed_memory()
    held, freed = torch.ones(MANY // 4), torch.ones(MANY // 4)
    del freed
    before = memory_use.begin(CPU)
    assert peak_memory(CPU) - before < MANY // 20
    own = torch.ones(MANY // 4)
    assert peak_memory(CPU) - before == pytest.approx(MANY, rel=0.05)
    del held, own


@begins_anew
def test_a_small_run_after_something_large_tells_its_own_peak(
    tmp_path: Path, shards_folder: Path, make_run
):
    keep_freed_memory()
    large = torch.ones(MANY // 4)
    del large
    assert peak_memory(CPU) > MANY
    now = memory_use.begin(CPU)
    torch.ones(MANY // 4)
    pretrain(tmp_path, shards_folder, make_run(steps=3), threads=1)
    told = storage.read_jsonl(tmp_path / "telemetry.jsonl")[-1]["peak_memory_bytes"]
    assert told < now + MANY // 4


def test_planned_and_taken_are_compared_at_the_end(
    tmp_path: Path, shards_folder: Path, make_run, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.INFO):
        pretrain(tmp_path, shards_folder, make_run(steps=3), threads=1)
    found = storage.read_json(tmp_path / "memory.json")
    planned = storage.read_json(tmp_path / "provenance.json")["planned_memory_bytes"]
    assert found["planned_bytes"] == planned
    assert 0 < found["taken_bytes"] < MANY
    (line,) = [m for m in caplog.messages if "planned" in m]
    assert re.fullmatch(r"took \d+ MB of memory at its peak, \d\.\d\d of the \d+ MB planned", line)
