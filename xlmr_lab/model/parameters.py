"""How many parameters an encoder has, and which width a vocabulary leaves room for (XLM-R Sec. 3,
Figure 6).

A vocabulary of V ids takes V H parameters of a model of width H. At a fixed total a larger one
leaves less for the layers: `width` solves for H. The paper's Figure 6 has that line, and another at
a constant body, where the total increases with the vocabulary. Two ways to count: "exact" is every
weight of our masked LM, "paper" the formula 4 L H^2 + 2 L H Hff + V H that gives the sizes of Table
7, without biases, norms, positions and head. How many times as wide as the model its feed-forward
layers are is kept, 4 in all of Table 7. An adaptive softmax has rows of its own for the ids of its
further bands (see bands.py), in either count.

Symbols: V ids of the vocabulary, L layers, H model width, Hff width of the feed-forward layers.
"""

import bisect
import dataclasses
import itertools
import math
from collections.abc import Sequence
from functools import partial
from typing import Literal

from xlmr_lab.errors import UserError
from xlmr_lab.model.bands import WIDTH_DIVISOR, Band, bands, fitting

Counting = Literal["exact", "paper"]

FIRST_POSITION = 2
"""Positions that the published layout keeps for padding (see model.encoder)."""

PAPER_VOCABULARY, PAPER_LAYERS, PAPER_WIDTH = 150_000, 12, 768
"""The model of the paper's ablations (XLM-R Sec. 3): BERT-Base with 150k pieces."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What stays as it is when the width changes, and how parameters are counted."""

    num_layers: int
    """Transformer layers."""
    ffn_factor: float = 4
    """Width of the feed-forward layers by width of the model (XLM-R Table 7: 4)."""
    head_width: int = 64
    """Width of an attention head, of which a model's width is a multiple (XLM-R Table 7: 64)."""
    max_tokens: int = 512
    """Longest sequence in tokens, for which there are positions."""
    counting: Counting = "exact"
    """Every weight, or the paper's formula."""
    adaptive_cutoffs: tuple[int, ...] = ()
    """Ids at which further bands of an adaptive softmax begin; those beyond a vocabulary are left
    out."""

    def __post_init__(self) -> None:
        for name in ("num_layers", "ffn_factor", "head_width", "max_tokens"):
            if not getattr(self, name) >= 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.counting not in ("exact", "paper"):
            raise UserError(f"counting must be exact or paper, got {self.counting!r}")

    def rounded(self, real_width: float) -> int:
        """Return the nearest width that heads fill.

        >>> Shape(num_layers=12).rounded(1072.9), Shape(num_layers=12).rounded(354.6)
        (1088, 384)
        """
        return max(1, math.floor(real_width / self.head_width + 0.5)) * self.head_width

    def parameters(self, vocab_size: int, hidden_size: int) -> int:
        """Return the parameters of a model of this shape, counted as the shape says."""
        square, linear, rest = self._plain(vocab_size)
        plain = round(square * hidden_size**2 + linear * hidden_size + rest)
        further = self._further(vocab_size, hidden_size)
        return plain + _rows(further) + _ways(further, hidden_size, biases=self._exact)

    def of_vocabulary(self, vocab_size: int, hidden_size: int) -> int:
        """Return the parameters that grow with the vocabulary, counted as the shape says."""
        rows = _rows(self._further(vocab_size, hidden_size))
        return vocab_size * (hidden_size + self._exact) + rows

    def polynomial(self, vocab_size: int) -> tuple[float, float, float]:
        """Return the coefficients of H^2, H and 1 in the number of parameters; widths of further
        bands are real numbers here."""
        square, linear, rest = self._plain(vocab_size)
        cutoffs = [cutoff for cutoff in self.adaptive_cutoffs if cutoff < vocab_size]
        for place, (start, end) in enumerate(itertools.pairwise((*cutoffs, vocab_size)), start=1):
            narrower = WIDTH_DIVISOR**-place
            square, linear = square + narrower, linear + 1 + narrower * (end - start)
        return square, linear, rest + self._exact * len(cutoffs)

    @property
    def _exact(self) -> bool:
        return self.counting == "exact"

    def _further(self, vocab_size: int, hidden_size: int) -> list[Band]:
        cutoffs = fitting(self.adaptive_cutoffs, vocab_size, hidden_size)
        return bands(vocab_size, hidden_size, cutoffs)[1:]

    def _plain(self, vocab_size: int) -> tuple[float, float, float]:
        """Return the coefficients where all ids are one band."""
        square = self.num_layers * (4 + 2 * self.ffn_factor)
        if not self._exact:
            return square, vocab_size, 0
        per_layer = 4 + self.ffn_factor + 1 + 2 * 2  # biases of both parts, and their norms
        positions, head = self.max_tokens + FIRST_POSITION + 2, 1 + 2
        linear = vocab_size + positions + self.num_layers * per_layer + head
        return square + 1, linear, vocab_size


PAPER_SHAPE = Shape(num_layers=PAPER_LAYERS, counting="paper")
"""The model of the paper's ablations, counted as in the paper."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Parameters:
    """The parameters of a masked language model, by what they are for."""

    embedding: int
    """One row of the model's width for each id; the output matrix is the same (tied)."""
    output_bias: int
    """One for each id."""
    output_rows: int
    """Narrower rows of the ids of an adaptive softmax's further bands, which are not tied."""
    positions: int
    """Learned positions and languages, and the norm on the embeddings."""
    layers: int
    """Attention and feed-forward layers with their norms."""
    head: int
    """The dense layer and the norm of the masked-LM head, and what leads to further bands."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.vocabulary + self.body

    @property
    def vocabulary(self) -> int:
        """Those that grow with the vocabulary."""
        return self.embedding + self.output_bias + self.output_rows

    @property
    def body(self) -> int:
        """Those that do not."""
        return self.positions + self.layers + self.head

    @property
    def vocabulary_share(self) -> float:
        """The part of all that the vocabulary takes, 0 to 1."""
        return self.vocabulary / self.total


def count(
    vocab_size: int,
    *,
    num_layers: int,
    hidden_size: int,
    ffn_size: int,
    max_tokens: int,
    num_languages: int = 0,
    adaptive_cutoffs: Sequence[int] = (),
) -> Parameters:
    """Return the parameters of a `MaskedLM` of these sizes; `num_languages` have an embedding.

    Raises:
        UserError: a cutoff that leaves a band without ids.

    >>> count(250_002, num_layers=12, hidden_size=768, ffn_size=3072, max_tokens=512).total
    278294418
    """
    width = hidden_size
    attention = 4 * (width * width + width)
    feed_forward = 2 * width * ffn_size + ffn_size + width
    norm = 2 * width
    further = bands(vocab_size, width, adaptive_cutoffs)[1:]
    return Parameters(
        embedding=vocab_size * width,
        output_bias=vocab_size,
        output_rows=_rows(further),
        positions=(max_tokens + FIRST_POSITION + num_languages) * width + norm,
        layers=num_layers * (attention + feed_forward + 2 * norm),
        head=width * width + width + norm + _ways(further, width, biases=True),
    )


def _rows(further: Sequence[Band]) -> int:
    """Return the weights of the rows of further bands."""
    return sum(band.num_ids * band.width for band in further)


def _ways(further: Sequence[Band], width: int, *, biases: bool) -> int:
    """Return the weights that lead to further bands: an entry for each, and what narrows."""
    return sum(width + biases + width * band.width for band in further)


def paper_budget() -> int:
    """Return the total that the paper's Figure 6 holds fixed, by its own count.

    >>> f"{paper_budget() / 1e6:.1f}M"
    '200.1M'
    """
    return PAPER_SHAPE.parameters(PAPER_VOCABULARY, PAPER_WIDTH)


def width(vocab_size: int, total: float, shape: Shape) -> float:
    """Return the real-valued width at which a model with this vocabulary has `total` parameters.

    Raises:
        UserError: the vocabulary leaves no room for one head in each layer.

    >>> round(width(32_000, 200.1e6, PAPER_SHAPE))
    1073
    """
    for name, value in {"vocab_size": vocab_size, "total": total}.items():
        if not value >= 1:
            raise UserError(f"{name} must be at least 1, got {value}")
    square, linear, rest = shape.polynomial(vocab_size)
    left = max(0.0, total - rest)
    found = (math.sqrt(linear**2 + 4 * square * left) - linear) / (2 * square)
    if found < shape.head_width:
        most = largest_vocabulary(total, shape)
        raise UserError(
            f"a vocabulary of {vocab_size:,} ids leaves no room for {shape.num_layers} layers of "
            f"width {shape.head_width} (one head) in {total:,.0f} parameters; "
            + (f"take {most:,} ids at most, or a larger total" if most > 0 else "raise the total")
        )
    return found


def largest_vocabulary(total: float, shape: Shape) -> int:
    """Return the largest vocabulary that leaves room for one head in `total` parameters; not above
    0 where there is none.
    """
    most = range(int(total / shape.head_width) + 1)
    return bisect.bisect_right(most, total, key=partial(_at_one_head, shape)) - 1


def _at_one_head(shape: Shape, vocab_size: int) -> float:
    """Return the parameters with one head in each layer."""
    square, linear, rest = shape.polynomial(vocab_size)
    return square * shape.head_width**2 + linear * shape.head_width + rest


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A model of Figure 6: a vocabulary and the width that goes with it."""

    line: Literal["fixed", "increasing"]
    """Fixed total, with the width solved for; or constant body, with an increasing total."""
    vocab_size: int
    """Ids of the vocabulary."""
    real_width: float
    """The width before rounding."""
    hidden_size: int
    """The width that heads fill."""
    num_parameters: int
    """Parameters at `hidden_size`."""
    vocabulary_share: float
    """The part of them that grows with the vocabulary, 0 to 1."""
    settings: str
    """What gives a study this width."""


def trade_off(
    vocab_sizes: Sequence[int], total: float, *, body_width: int, shape: Shape
) -> list[Point]:
    """Return both lines of Figure 6: the widths at `total` parameters, then the totals at
    `body_width`.

    Raises:
        UserError: a vocabulary that is too large for the total.
    """
    fixed = [_point("fixed", size, width(size, total, shape), shape) for size in vocab_sizes]
    return fixed + [_point("increasing", size, body_width, shape) for size in vocab_sizes]


def _point(
    line: Literal["fixed", "increasing"], vocab_size: int, real_width: float, shape: Shape
) -> Point:
    hidden = shape.rounded(real_width)
    number = shape.parameters(vocab_size, hidden)
    return Point(
        line=line,
        vocab_size=vocab_size,
        real_width=real_width,
        hidden_size=hidden,
        num_parameters=number,
        vocabulary_share=shape.of_vocabulary(vocab_size, hidden) / number,
        settings=f"model.hidden_size={hidden} model.num_heads={hidden // shape.head_width} "
        f"model.ffn_size={round(shape.ffn_factor * hidden)}",
    )
