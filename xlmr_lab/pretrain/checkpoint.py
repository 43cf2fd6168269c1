"""Checkpoints: folders of safetensors and JSON, whole or absent, checked by SHA-256 when read.

`checkpoints/step-00000200/{model.safetensors, optimizer.safetensors, state.json}`; `state.json`
holds the step, the stream's counters, the run's settings, the held-out loss if it was measured at
that step, and the checksums of the other two. A folder is written beside, flushed and renamed, so a
killed process leaves no half checkpoint; one damaged later is reported, set aside as `*.damaged`
until the run has passed it, and the one before is used.
Nothing is ever unpickled. A checkpoint of other settings is refused. Training writes through
checkpoint_writer.py, which does it while the next steps are taken.
"""

import logging
import math
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from xlmr_lab import configs, storage
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain.distributed import divided_as

logger = logging.getLogger(__name__)

MODEL_NAME = "model.safetensors"
OPTIMIZER_NAME = "optimizer.safetensors"
TENSOR_NAMES = (MODEL_NAME, OPTIMIZER_NAME)
STATE_NAME = "state.json"
BEST_NAME = "best"
"""A link to the checkpoint of the lowest held-out loss, beside the checkpoints."""
HELDOUT_LOSS = "heldout_loss"
"""The mean held-out loss at a checkpoint's step, in its state."""
MOMENTS = ("exp_avg", "exp_avg_sq")
"""What AdamW keeps for each parameter besides the step count."""

Tensors = Mapping[str, Mapping[str, Tensor]]
"""The tensors of each of a checkpoint's files: file name -> name -> tensor."""

DAMAGED = ".damaged"
"""What follows the name of a checkpoint that is set aside."""

_NAME = re.compile(rf"step-(\d{{8,}})({re.escape(DAMAGED)})?")


def checkpoint_path(folder: Path, step: int) -> Path:
    """Return where the checkpoint of a step is.

    >>> checkpoint_path(Path("checkpoints"), 200).name
    'step-00000200'
    """
    return folder / f"step-{step:08d}"


def tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> Tensors:
    """Return what a checkpoint holds of a model and its optimizer, not copied."""
    moments = {
        f"{name}.{kind}": optimizer.state[parameter][kind]
        for name, parameter in model.named_parameters()
        for kind in MOMENTS
    }
    return {MODEL_NAME: model.state_dict(), OPTIMIZER_NAME: moments}


def write(folder: Path, content: Tensors, *, step: int, state: Mapping[str, Any]) -> Path:
    """Write the checkpoint of a step into `folder`.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    path = checkpoint_path(folder, step)
    try:
        with storage.atomic_folder(path) as partial:
            for name, part in content.items():
                save_file(dict(part), partial / name)
            whole = {"step": step, **state}
            sums = {name: storage.checksum(partial / name) for name in content}
            sums[STATE_NAME] = _own_checksum(whole)
            storage.write_json(partial / STATE_NAME, {**whole, "sha256": sums})
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"cannot write checkpoint {path} ({error}); free some space or choose another folder, "
            "then run again to go on from the checkpoint before"
        ) from None
    return path


def remove_old(folder: Path, step: int, *, keep: int, keep_best: bool = False) -> None:
    """Remove all checkpoints up to `step` but the last `keep`; with `keep_best` also leave the one
    of the lowest held-out loss, which `best` then points to; without, there is no `best`. Those set
    aside count for nothing."""
    steps = sorted(s for s in _steps(folder) if s <= step)
    kept = set(steps[-keep:])
    best = _best(folder, steps) if keep_best else None
    if best is None:
        (folder / BEST_NAME).unlink(missing_ok=True)
    else:
        with storage.atomic_path(folder / BEST_NAME) as partial:
            partial.symlink_to(checkpoint_path(folder, best).name)
        kept.add(best)
    for old in steps:
        if old not in kept:
            shutil.rmtree(checkpoint_path(folder, old))
    for passed in (s for s in _steps(folder, DAMAGED) if s <= step):
        shutil.rmtree(_aside(folder, passed))


def set_aside_after(folder: Path, step: int) -> None:
    """Rename the checkpoints after `step`, the newest that is whole, so that they are not counted
    among those kept and push no whole one out."""
    for damaged in (s for s in _steps(folder) if s > step):
        path, aside = checkpoint_path(folder, damaged), _aside(folder, damaged)
        shutil.rmtree(aside, ignore_errors=True)
        path.rename(aside)
        logger.warning("%s is now %s, which goes when the run has passed it", path, aside.name)


def last_step(folder: Path) -> int:
    """Return the step of the last checkpoint, whole or not; 0 if there is none."""
    return max(_steps(folder), default=0)


def newest(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return the newest checkpoint that is whole, with its state; None if there is none at all.

    Damaged ones are reported in the log and passed over.

    Raises:
        UserError: all are damaged, so that only its user can say that the run begins anew.
    """
    damages: dict[Path, str] = {}
    for step in sorted(_steps(folder), reverse=True):
        path = checkpoint_path(folder, step)
        damage = find_damage(path, TENSOR_NAMES)
        if damage is None:
            for damaged, told in damages.items():
                logger.warning("checkpoint %s is damaged (%s), taking one before", damaged, told)
            return path, read_state(path)
        damages[path] = damage
    if damages:
        told = "; ".join(f"{path.name} ({damage})" for path, damage in damages.items())
        raise UserError(
            f"no checkpoint in {folder} is whole: {told}; put back a copy of one, or remove "
            f"{folder} to begin from step 0, which drops the records there are"
        )
    return None


def find_damage(path: Path, names: tuple[str, ...]) -> str | None:
    """Return what is wrong with the named files of a checkpoint, None if nothing."""
    for name in (STATE_NAME, *names):
        if not (path / name).is_file():
            return f"{name} is missing"
    try:
        content = read_state(path)
        sums = dict(content.pop("sha256"))
        found = {STATE_NAME: _own_checksum(content)}
    except (ValueError, KeyError, AttributeError, TypeError):  # it may be any JSON, or none
        return f"{STATE_NAME} is not what was written"
    found |= {name: storage.checksum(path / name) for name in names}
    wrong = [name for name, value in found.items() if sums.get(name) != value]
    return f"{' and '.join(wrong)} changed since, by SHA-256" if wrong else None


def read_state(path: Path) -> dict[str, Any]:
    """Return what `state.json` of a checkpoint holds."""
    state: dict[str, Any] = storage.read_json(path / STATE_NAME)
    return state


def load(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, *, step: int) -> None:
    """Put the weights and optimizer state of a checkpoint into a freshly built model and optimizer.

    Values are copied, so that tensors keep the alignment in memory on which rounding can depend.
    """
    load_weights(path, model)
    stored = load_file(path / OPTIMIZER_NAME)
    for name, parameter in model.named_parameters():
        moments = {kind: divided_as(stored[f"{name}.{kind}"], parameter) for kind in MOMENTS}
        optimizer.state[parameter] = {
            "step": torch.tensor(step, dtype=torch.float32, device=parameter.device),
            **{kind: torch.empty_like(parameter).copy_(m) for kind, m in moments.items()},
        }


def load_weights(path: Path, model: nn.Module) -> None:
    """Copy the weights of a checkpoint into a model."""
    own, stored = model.state_dict(), load_file(path / MODEL_NAME)
    model.load_state_dict({n: divided_as(t, own.get(n, t)) for n, t in stored.items()})


def _own_checksum(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what `state.json` says besides checksums."""
    return configs.fingerprint(dict(content), digits=64)


def _aside(folder: Path, step: int) -> Path:
    path = checkpoint_path(folder, step)
    return path.with_name(path.name + DAMAGED)


def _steps(folder: Path, ending: str = "") -> list[int]:
    """Return the steps of the checkpoints in a folder, or of those whose names end so."""
    if not folder.is_dir():
        return []
    names = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return [int(name[1]) for name in names if name and (name[2] or "") == ending]


def _best(folder: Path, steps: list[int]) -> int | None:
    """Return the step of the lowest held-out loss, the first of equals; None if none was measured
    or can be read."""
    losses = []
    for step in steps:
        try:
            loss = float(read_state(checkpoint_path(folder, step))[HELDOUT_LOSS])
        except (ValueError, OSError, KeyError, TypeError):
            continue  # saved between two measurements, or damaged, which `newest` tells
        if math.isfinite(loss):
            losses.append((loss, step))
    return min(losses)[1] if losses else None
