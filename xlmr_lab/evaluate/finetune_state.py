"""What a fine-tuning run keeps on disk, so that a kill at any moment changes no score.

A run's folder is named by the fingerprint of all that its looks depend on: settings, seed, data and
initial weights. While it trains it holds its newest checkpoint (checkpoint.py of pretraining: whole
or absent, checked by SHA-256, nothing is unpickled), with the weights that are trained, the
optimizer's moments, the state of the random numbers, the losses, and the looks so far. When it has
ended it holds its looks alone. A run that is found is gone on with, bit for bit on the same machine
with the same number of threads.
"""

import hashlib
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from xlmr_lab import configs, storage
from xlmr_lab.evaluate.encoders import AnyEncoder
from xlmr_lab.evaluate.examples import Examples, Ragged
from xlmr_lab.evaluate.finetune import Finetuning
from xlmr_lab.evaluate.huggingface_encoder import ForeignEncoder
from xlmr_lab.pretrain import checkpoint

SAVE_SECONDS = 300.0
"""Work that a kill can cost (seconds); results do not depend on it."""

LOOKS_NAME = "looks.json"
"""What a run that has ended leaves."""

_RANDOM, _LOSSES, _STEPS = "random.", "losses", ".step"


class KeptRun:
    """The folder of one run: a model at one learning rate."""

    def __init__(self, folder: Path, every_seconds: float) -> None:
        self.folder = folder
        self._every = every_seconds
        self._saved = time.monotonic()

    def ended(self) -> list[dict[str, Any]] | None:
        """Return the looks of a run that has ended; None if it has not."""
        place = self.folder / LOOKS_NAME
        if not place.is_file():
            return None
        looks: list[dict[str, Any]] = storage.read_json(place)
        self._remove_checkpoints()
        return looks

    def resume(self, run: Finetuning) -> list[dict[str, Any]]:
        """Put a run that stands before its first step where the kept one stood, and return the
        looks so far."""
        found = checkpoint.newest(self.folder)
        if found is None:
            return []
        path, state = found
        load(path, run, step=state["step"])
        looks: list[dict[str, Any]] = state["looks"]
        return looks

    def keep(self, run: Finetuning, looks: Iterable[Mapping[str, Any]]) -> None:
        """Write the run down if that is due, which it is not after its last step.

        Raises:
            UserError: the disk is full or the folder cannot be written.
        """
        if run.step == run.config.steps or time.monotonic() - self._saved < self._every:
            return
        content = {checkpoint.MODEL_NAME: trained(run.model), checkpoint.OPTIMIZER_NAME: rest(run)}
        checkpoint.write(self.folder, content, step=run.step, state={"looks": list(looks)})
        checkpoint.remove_old(self.folder, run.step, keep=1)
        self._saved = time.monotonic()

    def end(self, looks: Iterable[Mapping[str, Any]]) -> None:
        """Write down the looks of a run that has ended, and remove its checkpoints."""
        storage.write_json(self.folder / LOOKS_NAME, list(looks))
        self._remove_checkpoints()

    def _remove_checkpoints(self) -> None:
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)


def trained(model: nn.Module) -> dict[str, Tensor]:
    """Return the parameters that training changes, by name."""
    return {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}


def rest(run: Finetuning) -> dict[str, Tensor]:
    """Return what a run's next step depends on besides the weights, and its losses."""
    held = {_LOSSES: torch.stack(run.losses).cpu()}
    held |= {_RANDOM + device: state for device, state in run.random.items()}
    for name, parameter in run.model.named_parameters():
        if moments := run.optimizer.state.get(parameter):
            held[name + _STEPS] = moments["step"]
            held |= {f"{name}.{kind}": moments[kind] for kind in checkpoint.MOMENTS}
    return held


def load(path: Path, run: Finetuning, *, step: int) -> None:
    """Put what a checkpoint holds into a run that has taken no step.

    Values are copied, so that tensors keep the alignment in memory on which rounding can depend.
    """
    weights = load_file(path / checkpoint.MODEL_NAME)
    held = load_file(path / checkpoint.OPTIMIZER_NAME)
    for name, parameter in run.model.named_parameters():
        if not parameter.requires_grad:
            continue
        with torch.no_grad():
            parameter.copy_(weights[name])
        if name + _STEPS in held:
            run.optimizer.state[parameter] = {
                "step": held[name + _STEPS].to(parameter.device),
                **{
                    kind: torch.empty_like(parameter).copy_(held[f"{name}.{kind}"])
                    for kind in checkpoint.MOMENTS
                },
            }
    run.random = {device: held[_RANDOM + device] for device in run.random}
    run.losses = list(held[_LOSSES].to(run.model.device))
    run.go_on_from(step)


def digest(values: Examples | AnyEncoder) -> str:
    """Return digits that name the content of examples, or what an encoder is: its weights, and the
    settings that say what is computed with them (heads, activation, dropout, ...)."""
    found = hashlib.sha256()
    if isinstance(values, nn.Module):
        found.update(_settings(values).encode())
        for name, tensor in values.state_dict().items():
            found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            found.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
        return found.hexdigest()
    arrays = [*_arrays(values.tokens), *_arrays(values.positions), values.labels]
    arrays += [values.row_languages, *(_arrays(values.segments) if values.segments else ())]
    found.update(repr((values.languages, values.pad_id)).encode())
    for array in arrays:
        found.update(f"{array.dtype} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def _settings(encoder: AnyEncoder) -> str:
    """Return what an encoder's states depend on besides its weights and what it is called with."""
    if isinstance(encoder, ForeignEncoder):
        return encoder.settings
    return configs.fingerprint(encoder.config, list(encoder.languages))


def _arrays(rows: Ragged) -> tuple[np.ndarray, np.ndarray]:
    return rows.values, rows.starts
