"""What a run takes, known from settings and machine before there are token shards."""

import os

import torch

from xlmr_lab.model.bands import bands, zipf_shares
from xlmr_lab.pretrain import distributed, event_files, memory_plan, telemetry
from xlmr_lab.pretrain.precision import resolve
from xlmr_lab.pretrain.settings import PretrainRun


def check(run: PretrainRun, vocab_size: int, *, runs: int = 1) -> None:
    """Refuse a run that this machine, or a vocabulary of at most so many ids, has no place for, or
    not for so many at once.

    Raises:
        UserError: names the setting to change.
    """
    distributed.chosen_device(run.pretrain.device)
    if run.pretrain.tensorboard:
        event_files.require_package()
    bands(vocab_size, run.model.hidden_size, run.model.adaptive_cutoffs)
    require_memory(run, vocab_size, runs=runs)


def require_memory(run: PretrainRun, vocab_size: int, *, runs: int) -> None:
    """Refuse runs that do not fit into memory together: each looks only at what is free when it
    begins.

    Raises:
        UserError: names the setting to change.
    """
    device = distributed.chosen_device(run.pretrain.device)
    shape = memory_plan.shape_of(run, vocab_size, device, processes=distributed.started_with())
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    memory_plan.require(shape, memory_plan.available_bytes(device, processes=local), runs=runs)


def num_tokens(run: PretrainRun) -> float:
    """Return how many tokens a run trains on."""
    return run.length.steps * run.length.step_blocks * run.batches.block_tokens


def least_seconds(run: PretrainRun, vocab_size: int, rate: float) -> float:
    """Return how long a run takes that does nothing but matrix products, `rate` operations a
    second, on text whose pieces are as frequent as Zipf's law says."""
    shares = zipf_shares(vocab_size, run.model.adaptive_cutoffs)
    return num_tokens(run) * telemetry.token_operations(run, vocab_size, shares) / rate


def matrix_rate(run: PretrainRun) -> float:
    """Return the operations a second of a run's processes, each of which has one thread."""
    device = distributed.chosen_device(run.pretrain.device)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rate = telemetry.matrix_rate(device, resolve(run.pretrain.precision, device))
        return rate * distributed.started_with()
    finally:
        torch.set_num_threads(threads)
