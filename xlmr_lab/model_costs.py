"""What a masked language model costs to train, by its parts: parameters, operations for a token,
memory for what is kept of each parameter and for logits.

Operations are counted as our model computes them (see model.operations); or, to compare, everything
at all positions. What an adaptive softmax takes depends on how many targets are in its further
bands, here by Zipf's law; a run's telemetry counts them. Left out: the memory of activations, which
depends on what is kept of them.

Symbols: V ids, L layers, H width, F width of the feed-forward layers, S tokens of a block.
"""

import dataclasses
from typing import Any

from xlmr_lab.batches.masking import check_fraction
from xlmr_lab.errors import UserError
from xlmr_lab.model import bands, parameters
from xlmr_lab.model import operations as model_operations
from xlmr_lab.model.operations import Operations
from xlmr_lab.model.parameters import Parameters
from xlmr_lab.paper import tables

BYTES_PER_NUMBER = 4
MOMENTS = 2
"""Numbers that AdamW keeps for each parameter."""
CHUNK = (256, 2**26)
"""Most positions, and most logits, that our loss holds at once on a CPU (see model.losses)."""

PAPER_MODELS = ("mBERT", "XLM-15", "XLM-100", "XLM-R-Base", "XLM-R")
"""The multilingual encoders of XLM-R Table 7."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """The sizes of an encoder with its vocabulary."""

    name: str
    """What a reader calls it."""
    num_layers: int
    """Transformer layers."""
    hidden_size: int
    """Model width."""
    ffn_size: int
    """Width of the feed-forward layers."""
    vocab_size: int
    """Ids of the vocabulary."""
    max_tokens: int = 512
    """Longest sequence in tokens."""
    num_languages: int = 0
    """Languages that have an embedding."""
    adaptive_cutoffs: tuple[int, ...] = ()
    """Ids at which further bands of an adaptive softmax begin; empty: the full softmax."""

    def __post_init__(self) -> None:
        for name in ("num_layers", "hidden_size", "ffn_size", "vocab_size", "max_tokens"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}")
        bands.check_cutoffs(self.adaptive_cutoffs, self.hidden_size)
        bands.bands(self.vocab_size, self.hidden_size, self.adaptive_cutoffs)

    @property
    def parameters(self) -> Parameters:
        """The parameters by what they are for."""
        return parameters.count(
            self.vocab_size,
            num_layers=self.num_layers,
            hidden_size=self.hidden_size,
            ffn_size=self.ffn_size,
            max_tokens=self.max_tokens,
            num_languages=self.num_languages,
            adaptive_cutoffs=self.adaptive_cutoffs,
        )

    @property
    def band_shares(self) -> tuple[float, ...]:
        """The shares of the targets in the further bands, by Zipf's law."""
        return bands.zipf_shares(self.vocab_size, self.adaptive_cutoffs)

    def resized(self, **sizes: int) -> "Model":
        """Return a model of other sizes, without the cutoffs that they have no room for."""
        vocab_size, width = (
            sizes.get(name, getattr(self, name)) for name in ("vocab_size", "hidden_size")
        )
        changed: dict[str, Any] = dict(sizes)
        changed["adaptive_cutoffs"] = bands.fitting(self.adaptive_cutoffs, vocab_size, width)
        return dataclasses.replace(self, **changed)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What a model is trained on at once."""

    block_tokens: int = 512
    """Tokens of a block."""
    step_tokens: int = 65_536
    """Tokens that are held at once on one device."""
    mask_fraction: float = 0.15
    """Share of the tokens that are predicted."""

    def __post_init__(self) -> None:
        check_fraction(self.mask_fraction)
        for name in ("block_tokens", "step_tokens"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Bytes that training holds, by what they are for."""

    weights: int
    """The parameters in 32 bits."""
    gradients: int
    """One for each."""
    moments: int
    """What AdamW keeps."""
    logits: int
    """Logits in 32 bits that are held at once."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.weights + self.gradients + self.moments + self.logits


def operations(model: Model, load: Load, *, everywhere: bool = False) -> Operations:
    """Return the operations for a token, in blocks no longer than the model takes; `everywhere`:
    head and last layer at all positions.

    >>> base = Model(name="", num_layers=12, hidden_size=768, ffn_size=3072, vocab_size=250_002)
    >>> round(operations(base, Load(), everywhere=True).total / 1e9, 3)
    1.722
    """
    return model_operations.count(
        model.vocab_size,
        num_layers=model.num_layers,
        hidden_size=model.hidden_size,
        ffn_size=model.ffn_size,
        block_tokens=min(load.block_tokens, model.max_tokens),
        masked_share=1.0 if everywhere else load.mask_fraction,
        adaptive_cutoffs=model.adaptive_cutoffs,
        band_shares=model.band_shares,
    )


def memory(model: Model, load: Load, *, everywhere: bool = False) -> Memory:
    """Return the bytes for parameters and logits; `everywhere`: the logits of all positions at once
    instead of a chunk of masked ones.
    """
    number = BYTES_PER_NUMBER * model.parameters.total
    masked = load.step_tokens * (1.0 if everywhere else load.mask_fraction)
    parts = bands.bands(model.vocab_size, model.hidden_size, model.adaptive_cutoffs)
    inside = [round(masked * share) for share in (1.0, *model.band_shares)]
    held = [
        (rows if everywhere else min(rows, _chunk(band))) * band.num_scores
        for rows, band in zip(inside, parts, strict=True)
    ]
    return Memory(
        weights=number,
        gradients=number,
        moments=MOMENTS * number,
        logits=BYTES_PER_NUMBER * (sum(held) if everywhere else max(held)),
    )


def _chunk(band: bands.Band) -> int:
    """Return how many positions are scored at once."""
    return max(1, min(CHUNK[0], CHUNK[1] // band.num_scores))


def paper_models() -> list[Model]:
    """Return the multilingual encoders of XLM-R Table 7, with the vocabularies as printed."""
    rows = {str(row["model"]): row for row in tables.read("model_configs")}
    return [_printed(name, rows[name]) for name in PAPER_MODELS]


def printed_parameters(name: str) -> str:
    """Return the number of parameters that Table 7 prints for a model; nothing for one that it does
    not have.
    """
    rows = {str(row["model"]): row for row in tables.read("model_configs")}
    return str(rows[name]["params_printed"]) if name in rows else ""


def _printed(name: str, row: dict[str, tables.Cell]) -> Model:
    sizes = {key: int(float(row[key] or 0)) for key in ("L", "H_m", "H_ff")}
    return Model(
        name=name,
        num_layers=sizes["L"],
        hidden_size=sizes["H_m"],
        ffn_size=sizes["H_ff"],
        vocab_size=1000 * int(str(row["V"]).removesuffix("k")),
    )
