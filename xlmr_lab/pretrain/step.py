"""One training step: forward, loss, backward, clip, update.

A batch may go through the model in parts, whose gradients are added up before the one clipping and
update: each part's loss counts by its share of the batch's targets, so the sum is the mean over all
of them and not a mean of means. Dropout of a part is a function of the seed given for the step and
of the place of its first sequence in the batch. So a step depends on nothing but weights, optimizer
state, batch, that seed and how the batch is parted. Several processes may share it: each takes its
slice, and gradients are added up with the last part's. The step seeds torch's default generator and
leaves it seeded; the loop puts back what was there before.

Shapes: B sequences, T tokens of a sequence, P masked positions of a sequence.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy.typing as npt
import torch
from torch import Tensor, nn

from xlmr_lab.batches.masking import IGNORE_INDEX, Masked
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain.distributed import ALONE, Processes, reducing, whole
from xlmr_lab.pretrain.precision import Computed


class StepResult(NamedTuple):
    """What a step reports, still on the device."""

    loss: Tensor
    """Mean cross entropy over the masked positions before the update, in nats."""

    gradient_norm: Tensor
    """Norm of the whole gradient before clipping."""


class TensorBatch(NamedTuple):
    """A masked batch, or sequences of one."""

    inputs: Tensor
    """int32 [B, T]"""

    positions: Tensor
    """int64 [B, P]"""

    targets: Tensor
    """int64 [B, P]"""

    languages: Tensor
    """int64 [B, 1]: the place of each sequence's language among the run's, which language
    embeddings look at; [B, T] where sequences have more than one."""

    def num_targets(self) -> Tensor:
        """Return how many targets count, as a number on the device."""
        return (self.targets != IGNORE_INDEX).sum()

    def rows(self, place: slice) -> "TensorBatch":
        """Return some of the sequences."""
        return TensorBatch(*(tensor[place] for tensor in self))

    def pinned(self) -> "TensorBatch":
        """Return a copy in pages from which a GPU copies by itself."""
        return TensorBatch(*(tensor.pin_memory() for tensor in self))

    def to(self, device: torch.device) -> "TensorBatch":
        """Return the batch on a device; nobody waits for what is copied from locked pages."""
        return TensorBatch(*(tensor.to(device, non_blocking=True) for tensor in self))

    def parts(self, sequences: int) -> Iterator["TensorBatch"]:
        """Yield the batch in parts of at most so many sequences; 0: whole."""
        split = (tensor.split(sequences or len(self.inputs)) for tensor in self)
        yield from (TensorBatch(*part) for part in zip(*split, strict=True))


class Objective(nn.Module):
    """The masked-LM loss of a model as a forward pass, in the precision that it is trained in."""

    def __init__(self, model: MaskedLM, precision: Computed = "fp32") -> None:
        """Hold the model; its weights stay in 32 bits."""
        super().__init__()
        self.model = model
        self.precision = precision

    def forward(
        self, inputs: Tensor, positions: Tensor, targets: Tensor, languages: Tensor
    ) -> Tensor:
        """Return the mean loss of a batch in nats (see `MaskedLM.loss`)."""
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            return self.model.loss(inputs, positions, targets, languages)


_CLIP_EPSILON = 1e-6
"""What torch adds to a norm before it divides by it."""


def on_host(masked: Masked, languages: npt.ArrayLike | None = None) -> TensorBatch:
    """Return a masked batch as tensors; `languages` are the places of its sequences' [B, 1], or of
    its tokens' [B, T], None where they make no difference."""
    places = [[0]] * len(masked.inputs) if languages is None else languages
    inputs, positions, targets = map(torch.from_numpy, masked)
    return TensorBatch(inputs, positions, targets, torch.as_tensor(places))


def to_device(
    masked: Masked, device: torch.device, languages: npt.ArrayLike | None = None
) -> TensorBatch:
    """Return what `on_host` does, on the device."""
    return on_host(masked, languages).to(device)


def train_step(
    objective: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: TensorBatch,
    *,
    learning_rate: float,
    clip_norm: float,
    dropout_seed: int,
    micro_sequences: int = 0,
    num_targets: Tensor | None = None,
    processes: Processes = ALONE,
) -> StepResult:
    """Update the model on one batch, of which `batch` is the share of this process; `objective` is
    an `Objective` or what distributed.py makes of it; `clip_norm` 0 leaves the gradient as it is,
    `micro_sequences` 0 takes the share at once; `num_targets` is how many count in the batch of all
    processes, None: as many as in `batch`."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.zero_grad()
    loss = add_gradients(
        objective,
        batch,
        dropout_seed=dropout_seed,
        micro_sequences=micro_sequences,
        num_targets=num_targets,
        processes=processes,
    )
    norm = clip(list(objective.parameters()), clip_norm)
    optimizer.step()
    return StepResult(loss, norm)


def clip(parameters: Sequence[Tensor], largest: float) -> Tensor:
    """Scale the gradients such that their norm is at most `largest`, 0: leave them as they are;
    return the norm before. On a CPU nothing is multiplied by 1, which takes as long as the norm.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients, foreach=True)
    told = whole(norm)
    if largest > 0 and (told.is_cuda or not told + _CLIP_EPSILON <= largest):
        torch.nn.utils.clip_grads_with_norm_(parameters, largest, norm, foreach=True)
    return told


def add_gradients(
    objective: nn.Module,
    batch: TensorBatch,
    *,
    dropout_seed: int,
    micro_sequences: int,
    num_targets: Tensor | None = None,
    processes: Processes = ALONE,
) -> Tensor:
    """Add the gradients of the whole batch's mean loss to those of the weights, and return that
    loss."""
    total = (batch.num_targets() if num_targets is None else num_targets).clamp(min=1)
    parts = list(batch.parts(micro_sequences))
    mean = torch.zeros((), device=batch.inputs.device)
    first = processes.rank * len(batch.inputs)
    for number, part in enumerate(parts, 1):
        seed_dropout(dropout_seed + first, batch.inputs.device)
        with reducing(objective, now=number == len(parts)):
            loss = objective(*part)
            loss = loss * (part.num_targets().to(loss.dtype) / total)
            (loss * processes.size).backward()  # what is added up is divided by the size
        mean = mean + loss.detach()
        first += len(part.inputs)
    return processes.sum(mean)


def seed_dropout(seed: int, device: torch.device) -> None:
    """Seed the generators that dropout draws from.

    `torch.manual_seed` would do the same, but collects a stack trace for each call where CUDA has
    not started.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
