"""Checks of fine-tuning runs: the model on disk, the spread of seeds, the set that chose the step.

multilingual-modeling PR#14: right after training a model scores otherwise than from its checkpoint.
A difference between two settings that is smaller than what seeds do to it is no finding.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from xlmr_lab.evaluate.doctor.verdict import Verdict
from xlmr_lab.evaluate.examples import Examples
from xlmr_lab.evaluate.finetune_state import trained
from xlmr_lab.evaluate.task_model import TaskModel, predict
from xlmr_lab.intervals import MOST_SEEDS, mean_interval, seeds_needed

WEIGHTS_NAME = "reloaded.safetensors"

NUM_COMPARED = 16
"""Examples whose logits are compared."""


def reloaded(
    model: TaskModel, fresh: TaskModel, examples: Examples, folder: Path
) -> Verdict | None:
    """Refuse a model that predicts otherwise after it was saved and loaded.

    What training changes is written to `folder` and read into `fresh`, the model as it was before
    training, as a fine-tuning run that is gone on with does. Logits of the first examples must be
    equal bit for bit; a difference that changes no prediction is flagged, and so is a disk without
    room, on which nothing can be told. The file is removed.
    """
    path = folder / WEIGHTS_NAME
    try:
        save_file({name: tensor.contiguous() for name, tensor in trained(model).items()}, path)
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        return unchecked(str(error))
    finally:
        path.unlink(missing_ok=True)
    with torch.no_grad():
        for name, parameter in fresh.named_parameters():
            if name in weights:
                parameter.copy_(weights[name])
    few = examples.first(NUM_COMPARED)
    return differing(predict(model, few), predict(fresh, few))


def unchecked(error: str) -> Verdict:
    """Return what is said where a model cannot be written or read."""
    return Verdict(
        name="reloaded",
        level="flag",
        line=f"the model could not be saved and loaded ({error}), so it is not known whether it "
        "predicts the same from disk; free some space",
        evidence={},
    )


def differing(in_memory: np.ndarray, from_disk: np.ndarray) -> Verdict | None:
    """Refuse logits [N, C] of one model that differ between memory and disk; see `reloaded`."""
    if np.array_equal(in_memory, from_disk, equal_nan=True):
        return None
    largest = float(np.abs(in_memory - from_disk).max())
    if in_memory.shape[-1] == 1:
        changed = ~np.isclose(in_memory, from_disk, rtol=1e-3, atol=1e-5)[:, 0]
    else:
        changed = in_memory.argmax(-1) != from_disk.argmax(-1)
    num_changed = int(changed.sum())
    return Verdict(
        name="reloaded",
        level="refuse" if num_changed else "flag",
        line=f"the model from disk predicts {num_changed:,} of {len(changed):,} labels otherwise "
        f"than the one in memory, logits differ by up to {largest:.2g}: what was trained is not "
        "all that is saved, or not what is loaded",
        evidence={
            "num_changed": num_changed,
            "num_predictions": len(changed),
            "largest_difference": largest,
        },
    )


def seed_spread(
    differences: Sequence[float], claimed: float | None = None, level: float = 0.95
) -> Verdict | None:
    """Flag a difference that seeds alone could make: `differences` of two settings, one for each
    seed, of which the mean or another number is `claimed`.

    It is flagged where the interval of the mean reaches as far as the difference. Told is how many
    seeds would do if they go on to spread as they do.
    """
    found = mean_interval(differences, level)
    size = abs(found.mean if claimed is None else claimed)
    if found.n < 2:
        return Verdict(
            name="seed spread",
            level="flag",
            line=f"a difference of {size:.3f} from {found.n} seed has no interval; run at least 3",
            evidence={"difference": size, "num_seeds": found.n},
        )
    half = (found.high - found.low) / 2
    if half < size:
        return None
    deviation = float(np.std(differences, ddof=1))
    needed = seeds_needed(size, deviation, level)
    enough = f"about {needed:,} would do" if needed else f"not even {MOST_SEEDS:,} would do"
    return Verdict(
        name="seed spread",
        level="flag",
        line=f"a difference of {size:.3f} is within what {found.n} seeds leave open "
        f"(+-{half:.3f}); {enough}",
        evidence={
            "difference": size,
            "half_width": half,
            "deviation": deviation,
            "num_seeds": found.n,
            **({"num_needed": needed} if needed else {}),
        },
    )
