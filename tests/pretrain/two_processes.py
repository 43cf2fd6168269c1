"""Pretrain as one of several processes: `torchrun two_processes.py SHARDS WORK RUNS`, where RUNS is
JSON: name of a folder in WORK, in which "{rank}" is that of the process, -> {"run": settings,
"stop": step or null}. One that is to stop gets SIGTERM in that step, in its last process only; if
it is "slow", no process may leave before the checkpoint is there, which takes a second. Run by
test_distributed.py.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from xlmr_lab import configs
from xlmr_lab.pretrain import checkpoint, training
from xlmr_lab.pretrain.loop import PretrainRun, pretrain


def stop_in(step: int | None) -> None:
    """Have a process send itself a signal when it begins a step."""

    def advance(self: training.Training) -> None:
        if self.step + 1 == step and self.processes.rank == self.processes.size - 1:
            os.kill(os.getpid(), signal.SIGTERM)
        original(self)

    original, training.Training.advance = ORIGINAL, advance


def write_slowly() -> None:
    """Have each checkpoint take a second."""
    original = checkpoint.write

    def write(*arguments, **settings) -> Path:
        time.sleep(1)
        return original(*arguments, **settings)

    checkpoint.write = write


ORIGINAL = training.Training.advance

if __name__ == "__main__":
    shards, work = Path(sys.argv[1]), Path(sys.argv[2])
    os.fsync = lambda descriptor: None
    for name, plan in json.loads(sys.argv[3]).items():
        stop_in(plan["stop"])
        if plan.get("slow"):
            write_slowly()
        folder = work / name.format(rank=os.environ.get("RANK", "0"))
        try:
            pretrain(folder, shards, configs.from_dict(PretrainRun, plan["run"]), threads=1)
        except KeyboardInterrupt:
            assert plan["stop"], "nobody sent a signal"
            saved = checkpoint.checkpoint_path(folder / "checkpoints", plan["stop"])
            assert saved.is_dir() or not plan.get("slow"), "left before the checkpoint was there"
