"""Take steps as one of several processes and tell what this one holds and sends: `torchrun
shared_steps.py SHARDS WORK RUNS`, where RUNS is JSON: name -> settings. Writes NAME-RANK.json into
WORK. Run by test_sharing.py.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import torch
from torch import Tensor

from xlmr_lab import configs, storage
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.pretrain import distributed
from xlmr_lab.pretrain.settings import PretrainRun
from xlmr_lab.pretrain.training import Training

CPU = torch.device("cpu")


def held(tensors: list[Tensor]) -> int:
    """Return how many numbers of the tensors are in this process."""
    return sum(getattr(t, "to_local", lambda t=t: t)().numel() for t in tensors)


def sent(training: Training) -> Counter[str]:
    """Take a step and count what it does together with the others, by kind."""
    with torch.profiler.profile() as profile:
        training.advance()
    return Counter(e.name for e in profile.events() if e.name.startswith("c10d::"))


def look(training: Training) -> dict:
    """Take two steps; return what is held after them, and what the second one sent."""
    training.advance()
    collectives = sent(training)
    weights = list(training.model.parameters())
    moments = [training.optimizer.state[p][name] for p in weights for name in MOMENTS]
    return {
        "numbers": training.num_parameters(),
        "weights": held(weights),
        "gradients": held([p.grad for p in weights]),
        "moments": held(moments),
        "collectives": collectives,
    }


MOMENTS = ("exp_avg", "exp_avg_sq")

if __name__ == "__main__":
    shards, work = TokenShards.open(Path(sys.argv[1])), Path(sys.argv[2])
    with distributed.joined(CPU) as processes:
        for name, settings in json.loads(sys.argv[3]).items():
            run = configs.from_dict(PretrainRun, settings)
            found = look(Training(run, shards, device=CPU, processes=processes))
            storage.write_json(work / f"{name}-{processes.rank}.json", found)
