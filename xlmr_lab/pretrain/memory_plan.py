"""How much memory a run will take on its device, known before it starts from shapes alone, and
which setting fits where that is too much.

What a run holds at its peak is a sum: weights and AdamW's two moments all the time; what autograd
keeps of each layer for the backward pass, which grows with the sequences that go through at once;
the logits of a chunk; gradients. The bytes of a layer are what our layer keeps, counted on a CPU by
torch's hooks (tests/pretrain/test_memory_plan.py); the constants of a CPU's process were fitted to
the peaks of tests/benchmarks/pretrain_memory.py. What CUDA takes was read from the same code (masks
of dropout in bytes, attention in one kernel that keeps no weights) and, with the margins beside it,
could not be measured where it was written.

Shapes: B sequences at once, T tokens, P masked positions, D model width, F feed-forward width, H
heads, V vocabulary, L layers.
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal

import torch

from xlmr_lab import machine_memory
from xlmr_lab.batches.masking import num_masked
from xlmr_lab.errors import UserError
from xlmr_lab.machine_memory import told
from xlmr_lab.model.bands import Band, bands
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.losses import rows_at_once
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain.distributed import Parallel
from xlmr_lab.pretrain.precision import Computed, resolve
from xlmr_lab.pretrain.settings import PretrainRun

NUMBER = 4
"""Bytes of a weight, a gradient, a moment."""
CPU_FIXED = 100_000_000
"""Bytes of what libraries load and compile in the first steps on a CPU."""
CPU_HOLES = 1.08
"""On a CPU freed memory is kept (see memory.py), and what is asked for next may not fit into it."""
CUDA_FIXED = 500_000_000
"""Bytes of what torch does not count on a GPU: kernels, loaded when first called, and workspaces of
cuBLAS, 32 MiB each on Hopper."""
CUDA_HOLES = 1.05
"""Torch's allocator takes a GPU's memory in segments, and what is asked for may fit into none."""
NCCL = 1_000_000_000
"""Bytes of NCCL's buffers, 4 MiB for each channel and neighbour: 688 MB among four A100s
(NVIDIA/nccl issue 964), more where there are more channels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What decides the memory of a run on one device."""

    model: EncoderConfig
    """The encoder."""
    vocab_size: int
    """Ids of the vocabulary."""
    block_tokens: int
    """T"""
    mask_fraction: float
    """Share of the tokens to predict."""
    sequences: int
    """Sequences of a step on this device."""
    at_once: int
    """B, of which `sequences` are made up."""
    precision: Computed = "fp32"
    """Bits of products."""
    checkpointed: bool = False
    """Whether layers are computed again in the backward pass."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where."""
    processes: int = 1
    """How many share a step."""
    parallel: Parallel = "ddp"
    """How they share it."""
    languages: tuple[str, ...] = ()
    """Those of the run, for language embeddings."""

    @property
    def num_parameters(self) -> int:
        """Weights of the model."""
        with torch.device("meta"):
            model = MaskedLM(self.model, self.vocab_size, languages=self.languages)
        return sum(p.numel() for p in model.parameters())

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights."""
        return NUMBER * self.num_parameters

    @property
    def divided(self) -> int:
        """Among how many processes weights, gradients and moments are divided."""
        return self.processes if self.parallel == "fsdp" else 1

    @property
    def adds_up(self) -> bool:
        """Whether gradients are added to what is held already: those of parts before, or DDP's
        buckets, which stay from step to step."""
        in_buckets = self.processes > 1 and self.parallel == "ddp"
        return self.at_once < self.sequences or in_buckets

    @property
    def bands(self) -> list[Band]:
        """Parts of the output, one where it is a full softmax."""
        return bands(self.vocab_size, self.model.hidden_size, self.model.adaptive_cutoffs)


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """Bytes at the peak of a step, by what they are for."""

    parameters: int
    """Weights and moments."""
    gradients: int
    """Gradients that are held at the peak."""
    activations: int
    """What is kept for the backward pass, and what it works with."""
    logits: int
    """A chunk of logits and what turns it into gradients."""
    snapshot: int
    """A copy of the last checkpoint, while it is written, and what fsdp gathers for it."""
    process: int
    """What the process takes besides."""

    @property
    def total(self) -> int:
        """All of them."""
        return sum(dataclasses.astuple(self))


def need(shape: Shape) -> Need:
    """Return what a run takes. The peak is at the loss, when all activations are kept, or at the
    end of the backward pass, when all gradients are there and that of the embedding is added to
    what it was before; on a GPU that of its lookup stands beside it (see `model.tied`), under fsdp
    what is sent of it and what comes back."""
    weights = shape.weight_bytes
    embedding = NUMBER * shape.vocab_size * shape.model.hidden_size
    output = NUMBER * sum(band.num_scores * band.width for band in shape.bands)
    on_gpu = shape.device == "cuda"
    whole, sent = (weights, embedding + weights // shape.divided) if shape.divided > 1 else (0, 0)
    at_loss = (output + weights * shape.adds_up, activations(shape), chunk(shape))
    at_end = (weights + embedding * (shape.adds_up + on_gpu) + sent, _hole(shape, embedding), 0)
    gradients, kept, logits = max(at_loss, at_end, key=sum)
    parameters = 3 * weights // shape.divided + whole  # whole as layers need them
    return Need(
        parameters=parameters,
        gradients=gradients,
        activations=kept,
        logits=logits,
        snapshot=0 if on_gpu else 3 * weights + 2 * embedding * (shape.divided > 1),
        process=_process(shape, parameters + gradients + kept + logits),
    )


def _process(shape: Shape, held: int) -> int:
    """Return the bytes that a process takes beside those `held` by tensors."""
    if shape.device == "cpu":
        return CPU_FIXED + round((CPU_HOLES - 1) * held)
    return CUDA_FIXED + NCCL * (shape.processes > 1) + round((CUDA_HOLES - 1) * held)


def _hole(shape: Shape, embedding: int) -> int:
    """Return the bytes that activations have left when the embedding's gradient is made, and that
    it does not fit into (see CPU_HOLES): with an adaptive softmax that is last, and else at the
    loss."""
    if shape.device == "cuda" or len(shape.bands) == 1:
        return 0
    return min(embedding, activations(shape) + chunk(shape))


def activations(shape: Shape) -> int:
    """Return the bytes that are kept of all layers, and those that one layer's gradient takes."""
    model, tokens = shape.model, shape.at_once * shape.block_tokens
    positions = shape.at_once * num_masked(shape.block_tokens, shape.mask_fraction)
    inner, outer = layer_bytes(shape), NUMBER * model.hidden_size * tokens
    last = inner * positions // tokens + 4 * outer  # keys and values of all, the rest of some
    embedded = 2 * outer + (model.dropout > 0) * outer
    head = 5 * NUMBER * model.hidden_size * positions
    if shape.checkpointed:
        again = 2 * inner if shape.device == "cpu" else inner  # holes: see CPU_HOLES
        return model.num_layers * outer + again + working_bytes(shape) + embedded + head
    return (model.num_layers - 1) * inner + last + working_bytes(shape) + embedded + head


def layer_bytes(shape: Shape) -> int:
    """Return the bytes that autograd keeps of one layer at all positions; in bf16 also the layer's
    weights in 16 bits."""
    model, tokens = shape.model, shape.at_once * shape.block_tokens
    width, ffn = model.hidden_size, model.ffn_size
    narrow, on_cpu = shape.precision == "bf16", shape.device == "cpu"
    mask = 2 if not on_cpu else 4 if narrow else 8  # of two dropouts
    per_width = (22 if narrow else 32 if on_cpu else 28) + mask * (model.dropout > 0)
    per_score = (6 if narrow else 12) if on_cpu and model.attention_dropout > 0 else 0
    kept = per_width * width + (4 if narrow else 8) * ffn
    kept += per_score * model.num_heads * shape.block_tokens
    rounded = 2 * (4 * width**2 + 2 * width * ffn) if narrow else 0
    return tokens * kept + rounded


def working_bytes(shape: Shape) -> int:
    """Return the bytes that the gradient of one layer takes while it is computed."""
    model, tokens = shape.model, shape.at_once * shape.block_tokens
    explicit = shape.device == "cpu" and model.attention_dropout > 0
    scores = model.num_heads * shape.block_tokens if explicit else 0
    return NUMBER * tokens * (2 * model.hidden_size + max(2 * model.ffn_size, 4 * scores))


def chunk(shape: Shape) -> int:
    """Return the bytes for what is held of the largest band: its logits and their gradients, a copy
    of the rows where they are not all of the embedding's, in bf16 that of all rows in its bits.
    """
    positions = shape.at_once * num_masked(shape.block_tokens, shape.mask_fraction)
    per_weight = (6 if shape.precision == "bf16" else 0) + NUMBER * (len(shape.bands) > 1)
    return max(
        2 * NUMBER * min(rows_at_once(band.num_scores, shape.device), positions) * band.num_scores
        + per_weight * band.num_scores * band.width
        for band in shape.bands
    )


def shape_of(
    run: PretrainRun, vocab_size: int, device: torch.device, *, processes: int = 1
) -> Shape:
    """Return what decides the memory of a run in one of its processes."""
    settings, batches = run.pretrain, run.batches
    sequences = batches.batch_sequences // processes
    return Shape(
        model=run.model,
        vocab_size=vocab_size,
        block_tokens=batches.block_tokens,
        mask_fraction=batches.mask_fraction,
        sequences=sequences,
        at_once=min(settings.micro_sequences or sequences, sequences),
        precision=resolve(settings.precision, device),
        checkpointed=settings.activation_checkpointing,
        device="cuda" if device.type == "cuda" else "cpu",
        processes=processes,
        parallel=settings.parallel,
        languages=run.languages,
    )


def available_bytes(device: torch.device, *, processes: int = 1) -> int:
    """Return the memory that a device can still give to each of so many processes on a machine."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return machine_memory.available_bytes() // processes


def require(shape: Shape, available: int, *, runs: int = 1) -> Need:
    """Return what a run takes, if the device has that for so many at once, which `jobs` decides.

    Raises:
        UserError: it has not; the message names settings that fit.
    """
    found = need(shape)
    if runs * found.total <= available:
        return found
    place = "the GPU" if shape.device == "cuda" else "the machine"
    if found.total <= available:
        raise UserError(
            f"pretraining {runs} runs at once needs about {told(runs * found.total, up=True)} of "
            f"memory; {place} has {told(available)} to give; set jobs={available // found.total}"
        )
    raise UserError(
        f"pretraining needs about {told(found.total, up=True)} of memory, "
        f"{told(found.activations, up=True)} of it for {shape.at_once} sequences at once; {place} "
        f"has {told(available)} to give; {_remedy(shape, available, ' jobs=1' * (runs > 1))}"
    )


def _remedy(shape: Shape, available: int, alone: str) -> str:
    """Return settings that fit: the most sequences at once by halves, before layers are computed
    twice."""
    least = shape
    for checkpointed in sorted({shape.checkpointed, True}):
        also = " pretrain.activation_checkpointing=true" * (checkpointed > shape.checkpointed)
        at_once = shape.at_once
        while at_once >= 1:
            least = dataclasses.replace(shape, at_once=at_once, checkpointed=checkpointed)
            if need(least).total <= available:
                micro = f" pretrain.micro_sequences={at_once}" if at_once < shape.at_once else ""
                return f"set{micro}{also}{alone}"
            at_once //= 2
    return (
        f"one sequence at once needs {told(need(least).total, up=True)} still; take a smaller "
        "model or vocabulary, or shorter blocks"
    )
