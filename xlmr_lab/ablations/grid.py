"""A claim of the paper as a grid: settings to train, and contrasts between what they come to.

A `Claim` is made by a pure function from a `Scale` (a base configuration and what is scaled down
for it) to cells and contrasts; nothing is run here. A cell is a whole study configuration, so cells
of different claims that agree in it are the same work and are done once (see campaign.py). A
contrast is a list of pairs of values, each pair of one language (or task) at two cells; its effect
is the mean difference, signed so that the claim as stated is a positive number. Values are of two
kinds (design, section 6): losses on held-out text in bits per byte, which are quiet, and scores of
tasks, which are loud. Losses are of masked pieces, or where vocabularies differ of whole words (see
word_losses.py): where pieces are shorter, more of a masked word is seen, which lowers the loss of
its pieces by itself (`ACROSS_VOCABULARIES`, told where a contrast compares such losses yet).
"""

import dataclasses
from collections.abc import Callable
from typing import Literal

from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.errors import UserError

Kind = Literal["heldout", "words", "score"]
ACROSS_VOCABULARIES = (
    "bits per byte of masked pieces may favour shorter ones, so smaller vocabularies"
)
"""What is said of a claim whose contrasts compare such losses of different vocabularies."""
OF_WORDS = "losses are of whole words, whose pieces do not give each other away"
"""What is said of one whose contrasts compare losses of whole words instead."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One setting of a grid, over all seeds of its configuration."""

    name: str
    """What tables call it, such as languages=15."""
    config: StudyConfig
    """All its settings; its main arm alone is pretrained (`ablation.alphas` is empty)."""
    evaluated: bool = False
    """Whether its models are fine-tuned and scored on `config.evaluated`; otherwise held-out loss
    is all that is known of it."""
    baselines: bool = False
    """Whether the same networks without pretraining, and the task's baselines, are scored too."""

    def __post_init__(self) -> None:
        if self.config.ablation.alphas:
            raise UserError(f"cell {self.name}: ablation.alphas must be empty, a cell is one arm")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What is measured of a cell in a language; nothing but `best` is set of losses."""

    kind: Kind
    task: str = ""
    """Name of the task, as scores have it (nli, ner, qa, or one of GLUE's, such as glue-qnli)."""
    metric: str = ""
    """Name of the measure, as scores have it (accuracy, span_f1, f1, ...)."""
    protocol: str = "zero-shot"
    """Protocol of the scores."""
    selection: str = "joint-dev"
    """How the checkpoint was chosen."""
    arm: str = ""
    """Arm of the scores; empty: the pretrained model, else no-pretraining or bilstm-crf."""
    best: bool = False
    """Of held-out losses: the least of a run instead of the last, as if it had stopped there."""


HELDOUT = Outcome(kind="heldout")
"""Held-out masked-LM loss in bits per byte, the last step of a run; less is better, so its sign is
turned and differences are gains."""
WORDS = Outcome(kind="words")
"""Loss of whole words of held-out text in bits per byte, at the last step; its sign is turned as
well."""
BEST = Outcome(kind="heldout", best=True)
"""Held-out loss where it is least: a model of little text is worse in the end than before."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """A value: an outcome of a cell in a language, for each pretraining seed."""

    cell: str
    language: str
    """Language of the value; empty: the mean over languages the outcome has in that cell."""
    outcome: Outcome = HELDOUT


Pairs = tuple[tuple[Term, Term], ...]
"""(better, worse) for each language or task."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """One comparison that a claim makes."""

    id: str
    """Such as F1-low-7-15."""
    says: str
    """What the claim says of it, in one line."""
    pairs: Pairs
    """(better, worse) for each language or task; which is which is what the claim says."""
    less: Pairs = ()
    """Pairs whose differences are taken off, one for each of `pairs`: a difference of differences.
    """
    margin: float = 0.0
    """Added to each difference: a claim that something stays within a margin is supported where the
    difference is above minus it (points for scores as shares, bits per byte for losses)."""
    paper: str = ""
    """The paper's numbers of the same contrast, in words; empty: it has none."""
    aside: bool = False
    """Whether it is told beside the claim and is no part of it: the paper does not say so."""

    def __post_init__(self) -> None:
        if not self.pairs:
            raise UserError(f"contrast {self.id} compares nothing: it has no pairs")
        if self.less and len(self.less) != len(self.pairs):
            raise UserError(
                f"contrast {self.id} takes {len(self.less)} differences off {len(self.pairs)}; "
                "give as many, or none"
            )

    @property
    def terms(self) -> tuple[Term, ...]:
        """All values that it needs."""
        return tuple(term for pair in (*self.pairs, *self.less) for term in pair)

    @property
    def cells(self) -> frozenset[str]:
        """Names of the cells that it needs."""
        return frozenset(term.cell for term in self.terms)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One of the findings F1 to F15 (design, section 6) at a scale: its grid and its contrasts."""

    id: str
    title: str
    """What the paper claims, in one sentence."""
    section: str
    """Where: section, figure or table of the paper."""
    cells: tuple[Cell, ...]
    contrasts: tuple[Contrast, ...]
    stand_in: str
    """What stands for the paper's setting here, in one or two sentences."""

    def __post_init__(self) -> None:
        names = [cell.name for cell in self.cells]
        if len(set(names)) < len(names):
            raise UserError(f"{self.id}: cells must have names of their own, got {names}")
        missing = {name for c in self.contrasts for name in c.cells} - set(names)
        if missing:
            raise UserError(f"{self.id}: contrasts name cells that are not there: {missing}")
        named = [contrast.id for contrast in self.contrasts]
        if len(set(named)) < len(named):
            raise UserError(f"{self.id}: contrasts must have ids of their own, got {named}")
        if named and all(contrast.aside for contrast in self.contrasts):
            raise UserError(f"{self.id}: all its contrasts are asides, so nothing decides it")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """What a study's budget allows: the base of every grid, and sizes that the grids go through."""

    name: str
    """Its name, such as laptop."""
    base: StudyConfig
    """The setting that grids vary; its languages are seven (XLM-R Sec. 3), of real text more."""
    counts: tuple[int, ...]
    """Numbers of languages of F1 and F2, the base's first."""
    widths: tuple[int, ...]
    """Model widths of F2, the base's first."""
    vocabularies: tuple[int, ...]
    """Vocabulary sizes of F4, in ids, increasing."""
    text_bytes: tuple[int, int]
    """Little text of one language, and more, for F13 (bytes); both less than it has."""
    about: str
    """The scale in one line, for the page."""
    claims: tuple[str, ...] = ()
    """Claims that are tested where none is named; empty: all."""
    scored: bool = False
    """Whether F3 and F4 go by the base's tasks (`evaluated`) as well as by held-out loss."""


Grid = Callable[[Scale], Claim]
"""Makes a claim at a scale; a pure function."""
