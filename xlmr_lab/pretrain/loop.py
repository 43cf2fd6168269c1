"""Pretraining from token shards to a checkpoint, with exact resume (XLM-R Sec. 3 and 5.2).

Killed at any moment and started again, a run on a CPU ends with the same weights and metrics, bit
for bit, as if it had not been killed; on a GPU with the same batches, masks and seeds (see
training.py). It stops by its budget of steps, never on validation loss, whose plateau misleads
(XLM-R Sec. 5.1). A language whose text will be passed too often is told before the first step.
Several processes may share it (see distributed.py).
"""

import contextlib
import functools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from xlmr_lab import configs, progress, storage
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.errors import UserError
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain import (
    checkpoint,
    distributed,
    grace,
    memory_plan,
    repetition,
    resumption,
    token_files,
)
from xlmr_lab.pretrain import folder as run_folder
from xlmr_lab.pretrain.checkpoint_writer import BYTES_PER_PARAMETER, CheckpointWriter
from xlmr_lab.pretrain.distributed import Processes
from xlmr_lab.pretrain.due import Due
from xlmr_lab.pretrain.fit import check_fit
from xlmr_lab.pretrain.heldout import HeldoutSet, heldout_set
from xlmr_lab.pretrain.interrupts import Interrupts
from xlmr_lab.pretrain.memory import keep_freed_memory
from xlmr_lab.pretrain.memory_plan import Shape
from xlmr_lab.pretrain.memory_use import counted
from xlmr_lab.pretrain.out_of_memory import explained
from xlmr_lab.pretrain.records import Records
from xlmr_lab.pretrain.settings import PretrainConfig, PretrainRun, check
from xlmr_lab.pretrain.step_trace import step_trace
from xlmr_lab.pretrain.telemetry import StepClock, Work, matrix_rate, token_operations
from xlmr_lab.pretrain.training import Training, identity
from xlmr_lab.sampling import meter

__all__ = ["PretrainConfig", "PretrainRun", "load_model", "pretrain"]

logger = logging.getLogger(__name__)


def pretrain(
    folder: Path,
    shards_folder: Path,
    run: PretrainRun,
    *,
    pairs_folder: Path | None = None,
    threads: int = 2,
    device: str | None = None,
    passes_warned: float = meter.PASSES_WARNED,
) -> Path:
    """Pretrain a model, or go on where it stopped, and return its final checkpoint.

    `pairs_folder` holds the shards of parallel text, where `run.tlm` asks for a share of it. Under
    torchrun all its processes take the steps together. `device` goes before the setting. A finished
    run returns at once. On SIGINT or SIGTERM the current step is finished and saved. The log tells
    of languages whose text will be passed more than `passes_warned` times.

    Raises:
        UserError: settings that do not fit, a folder of another run or that another process trains
            in, checkpoints that are all damaged, a full disk, too little memory, a loss that is not
            finite.
        KeyboardInterrupt: stopped by a signal, with everything saved.
    """
    shards = _opened(run, shards_folder, pairs_folder)
    place = distributed.chosen_device(device or run.pretrain.device)
    with distributed.joined(place) as processes, _held(folder, run, processes):
        checkpoints = folder / run_folder.CHECKPOINTS_NAME
        chosen = resumption.choose(checkpoints, identity(run, shards), processes)
        if chosen is not None and chosen.state["step"] == run.pretrain.steps:
            return chosen.path
        if processes.first:
            token_files.check(folder, shards, (*run.languages, *shards.pairs))
        resumption.require_everywhere(checkpoints, chosen, processes)
        shape = memory_plan.shape_of(run, shards.vocab_size, place, processes=processes.size)
        planned = _require_memory(shape, place, processes)
        with (
            _processor(threads, place),
            counted(folder, place, planned, writes=processes.first),
            Interrupts() as interrupts,
        ):
            with explained(shape, "build"):
                training = Training(run, shards, device=place, processes=processes)
                work = _work(training)
                if processes.first:
                    _note_origin(folder, training, work, planned, threads)
                if chosen is not None:
                    training.resume(*chosen)
                heldout = _heldout(training, shards)
            if processes.first:
                _ready(folder, training)
            _tell(training, shards, passes_warned)
            return _train(folder, training, heldout, interrupts, work, shape)


def load_model(path: Path) -> tuple[MaskedLM, dict[str, Any]]:
    """Return the model of a checkpoint, in evaluation mode on the CPU, and what its `state.json`
    says.

    Raises:
        UserError: there is no checkpoint at `path`, or it is damaged.
    """
    if not path.is_dir():
        raise UserError(f"no checkpoint at {path}; give a folder like checkpoints/step-00000200")
    if damage := checkpoint.find_damage(path, (checkpoint.MODEL_NAME,)):
        raise UserError(f"checkpoint {path} is damaged ({damage}); use the one before")
    state = checkpoint.read_state(path)
    config = configs.from_dict(EncoderConfig, state["run"]["model"])
    with torch.device("meta"):
        model = MaskedLM(config, state["vocab_size"], languages=state["run"]["languages"])
    checkpoint.load_weights(path, model.to_empty(device="cpu"))
    return model.eval(), state


def _train(
    folder: Path,
    training: Training,
    heldout: HeldoutSet,
    interrupts: Interrupts,
    work: Work,
    shape: Shape,
) -> Path:
    settings = training.run.pretrain
    clock = StepClock(run_folder.seconds_so_far(folder), step=training.step, work=work)
    with (
        _writer(folder, training) as writer,
        _records(folder, training) as records,
        _traced(folder, training) as traced,
        progress.bar(settings.steps, "pretrain", initial=training.step) as bar,
    ):
        while training.step < settings.steps:
            with clock, explained(shape, "compute"):
                training.advance()
                stop = training.processes.any(interrupts.received)
                due = Due.after(training.step, settings, stop=stop)
                if not training.is_asynchronous or due.log or due.save:
                    training.require_finite(writer)
            traced()
            writer.check()
            loss = None
            if due.log:
                bar.set_postfix_str(records.steps(training, clock), refresh=False)
            if due.heldout:
                with explained(shape, "compute"):
                    loss = records.heldout(training, heldout)
            if due.save:
                with explained(shape, "checkpoint"):
                    training.save(writer, loss)
            bar.update()
            if due.stop:
                writer.wait()
                raise interrupts.interruption(f"at step {training.step} of {settings.steps}")
    training.processes.wait()
    return checkpoint.checkpoint_path(writer.folder, settings.steps)


def _opened(run: PretrainRun, shards_folder: Path, pairs_folder: Path | None) -> TokenShards:
    """Return the token shards, which the run must fit, as its batches must the processes."""
    shards = TokenShards.open(shards_folder)
    if pairs_folder is not None:
        shards = shards.with_pairs(TokenShards.open(pairs_folder))
    check(run, shards)
    check_fit(run, shards)
    distributed.require_even(run.batches.batch_sequences)
    return shards


def _held(
    folder: Path, run: PretrainRun, processes: Processes
) -> contextlib.AbstractContextManager[None]:
    """Have the first process hold the folder for all of them."""
    return run_folder.held(folder, run) if processes.first else contextlib.nullcontext()


def _traced(
    folder: Path, training: Training
) -> contextlib.AbstractContextManager[Callable[[], None]]:
    """Return what traces the first steps, of the first process, where that is wanted."""
    path = folder / f"trace-from-step-{training.step + 1:08d}.json"
    return step_trace(path, training.run.pretrain.profile_steps * training.processes.first)


def _records(folder: Path, training: Training) -> Records:
    return Records(
        folder,
        step=training.step,
        tensorboard=training.run.pretrain.tensorboard,
        writes=training.processes.first,
    )


def _writer(folder: Path, training: Training) -> CheckpointWriter:
    """Return what writes checkpoints, each one after the metrics that it stands for."""
    settings = training.run.pretrain
    return CheckpointWriter(
        folder / run_folder.CHECKPOINTS_NAME,
        keep=settings.keep_checkpoints,
        keep_best=settings.keep_best,
        before=lambda: run_folder.flush_records(folder),
        device=training.device,
        processes=training.processes,
    )


def _require_memory(shape: Shape, place: torch.device, processes: Processes) -> int:
    """Return the memory that each process will take, if it is there."""
    available = memory_plan.available_bytes(place, processes=processes.local_size)
    return memory_plan.require(shape, available).total


def _note_origin(folder: Path, training: Training, work: Work, planned: int, threads: int) -> None:
    run_folder.add_provenance(
        folder,
        **training.identity(),
        threads=threads,
        torch_device=str(training.device),
        processes=training.processes.size,
        matrix_flops_per_second=round(work.matrix_rate),
        planned_memory_bytes=planned,
    )


def _ready(folder: Path, training: Training) -> None:
    """Make sure that there is room for checkpoints; drop records of steps to come, and put damaged
    checkpoints of them aside."""
    if training.step == 0:
        _require_space(folder, training)
    checkpoint.set_aside_after(folder / run_folder.CHECKPOINTS_NAME, training.step)
    run_folder.keep_records(folder, training.step)


def _tell(training: Training, shards: TokenShards, passes_warned: float) -> None:
    """Log what the steps to come will do to languages, and what saving asks of torchrun."""
    for told in repetition.warnings(training.run, shards, passes_warned):
        logger.warning("%s", told)
    for told in grace.advice(training.num_parameters(), training.processes.size):
        logger.info("%s", told)


def _heldout(training: Training, shards: TokenShards) -> HeldoutSet:
    run = training.run
    return heldout_set(
        shards,
        run.languages,
        run.batches,
        max_blocks=run.pretrain.heldout_blocks,
        device=training.device,
    )


def _work(training: Training) -> Work:
    run, device = training.run, training.device
    return Work(
        step_tokens=run.batches.batch_sequences * run.batches.block_tokens,
        token_operations=functools.partial(token_operations, run, training.vocab_size),
        matrix_rate=matrix_rate(device, training.precision) * training.processes.size,
        device=device,
    )


@contextlib.contextmanager
def _processor(threads: int, device: torch.device) -> Iterator[None]:
    """Use `threads` threads, and leave torch's threads and random numbers as they were."""
    if threads < 1:
        raise UserError(f"threads must be at least 1, got {threads}")
    keep_freed_memory()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            yield
    finally:
        torch.set_num_threads(before)


def _require_space(folder: Path, training: Training) -> None:
    settings = training.run.pretrain
    checkpoints = settings.keep_checkpoints + settings.keep_best + 1
    needed = checkpoints * BYTES_PER_PARAMETER * training.num_parameters()
    storage.require_space(folder, needed, f"{checkpoints} checkpoints")
