"""Pretrain as one of several processes: `torchrun two_processes.py SHARDS WORK RUNS`, where RUNS is
JSON: name of a folder in WORK, in which "{rank}" is that of the process, -> {"run": settings,
"stop": step or null}. One that is to stop gets SIGTERM in that step, in its last process only. Run
by test_distributed.py.
"""

import json
import os
import signal
import sys
from pathlib import Path

from xlmr_lab import configs
from xlmr_lab.pretrain import training
from xlmr_lab.pretrain.loop import PretrainRun, pretrain


def stop_in(step: int | None) -> None:
    """Have a process send itself a signal when it begins a step."""

    def advance(self: training.Training) -> None:
        if self.step + 1 == step and self.processes.rank == self.processes.size - 1:
            os.kill(os.getpid(), signal.SIGTERM)
        original(self)

    original, training.Training.advance = ORIGINAL, advance


ORIGINAL = training.Training.advance

if __name__ == "__main__":
    shards, work = Path(sys.argv[1]), Path(sys.argv[2])
    os.fsync = lambda descriptor: None
    for name, plan in json.loads(sys.argv[3]).items():
        stop_in(plan["stop"])
        folder = work / name.format(rank=os.environ.get("RANK", "0"))
        try:
            pretrain(folder, shards, configs.from_dict(PretrainRun, plan["run"]), threads=1)
        except KeyboardInterrupt:
            assert plan["stop"], "nobody sent a signal"
