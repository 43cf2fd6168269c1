"""Judging: thresholds applied to what was measured; quick, pure, and done again whenever one
changes. Characters first, then languages; what has no reason after that may be a duplicate of other
such paragraphs.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from xlmr_lab import storage
from xlmr_lab.corpus import filters, identifiers, verdicts
from xlmr_lab.corpus.agreement import AgreementConfig, Known
from xlmr_lab.corpus.buckets import BucketConfig
from xlmr_lab.corpus.contamination import ContaminationConfig
from xlmr_lab.corpus.deduplicate import Keep
from xlmr_lab.corpus.minhash import NearDuplicateConfig
from xlmr_lab.corpus.models import IDENTIFIERS_NAME, MeasureConfig
from xlmr_lab.corpus.quality import QualityConfig
from xlmr_lab.errors import UserError

IN_DOUBT = ("low_confidence", "disagreement", "mixed")
"""Reasons that the rest of a document can outweigh."""

NO_LANGUAGE = "und"
"""Name of what has no language, in reports and file names (ISO 639-2: undetermined)."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class CleanConfig:
    """Which paragraphs and documents are kept."""

    max_damaged_share: float = filters.MAX_DAMAGED_SHARE
    """Largest share of damaged characters (wrong encoding, replacement, control) in a paragraph
    that is text.
    """
    min_letter_share: float = filters.MIN_LETTER_SHARE
    """Least share of letters and their marks among the characters other than spaces, in a paragraph
    that is text.
    """
    min_paragraph_bytes: int = filters.MIN_BYTES
    """Least length of a paragraph (bytes of UTF-8)."""
    min_identified_bytes: int = 50
    """Least length of a paragraph whose language is identified by itself; a shorter one gets its
    document's (bytes).
    """
    agreement: AgreementConfig = AgreementConfig()
    """How sure the identifiers must be of a paragraph's language."""
    keep: Keep = "first"
    """Which of several equal paragraphs of a language stays: the first, or none (CCNet's two
    passes). Documents are filtered after that, so the one that stays may go with its document."""
    quality: QualityConfig = QualityConfig()
    """Filters of whole documents."""
    contamination: ContaminationConfig = ContaminationConfig()
    """Evaluation sets whose text must not be learned from."""
    near_duplicates: bool = False
    """Whether of documents that are nearly the same only the first is kept."""
    near_duplicate: NearDuplicateConfig = NearDuplicateConfig()
    """What nearly the same is."""
    buckets: BucketConfig = BucketConfig()
    """Where the head and the tail of a language begin, by perplexity."""

    def __post_init__(self) -> None:
        for name in ("max_damaged_share", "min_letter_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"clean.{name} must be in [0, 1], got {getattr(self, name)}")
        if not self.near_duplicates and self.near_duplicate != NearDuplicateConfig():
            raise UserError("clean.near_duplicate has no effect without near_duplicates=true")
        for name in ("min_paragraph_bytes", "min_identified_bytes"):
            if getattr(self, name) < 0:
                raise UserError(f"clean.{name} must be at least 0, got {getattr(self, name)}")


class Judge(NamedTuple):
    """Everything that a verdict on a paragraph needs besides its measures."""

    config: CleanConfig
    known: Known
    two_identifiers: bool
    min_scores: dict[str, float]
    """Least score of each language by calibration, with two identifiers."""
    languages: tuple[str, ...]
    """Languages that are wanted of text that claims none; empty: all."""
    measuring: MeasureConfig
    seed: int

    @classmethod
    def open(
        cls,
        models_folder: Path,
        config: CleanConfig,
        *,
        measuring: MeasureConfig,
        seed: int,
        languages: Sequence[str] = (),
    ) -> "Judge":
        """Return the judge of what was measured with the models of a folder."""
        record = storage.read_json(models_folder / IDENTIFIERS_NAME)
        two = record["lab"] is not None
        return cls(
            config=config,
            known=Known(frozenset(record["lid"]), frozenset(record["lab"] or record["lid"])),
            two_identifiers=two,
            min_scores={row["language"]: row["min_score"] for row in record["calibration"]},
            languages=tuple(languages),
            measuring=measuring,
            seed=seed,
        )

    def judge(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add `lang`, `reason`, `identified` and the verdict that counts to measured paragraphs."""
        config = self.config
        by_characters = filters.character_reason(
            max_damaged_share=config.max_damaged_share,
            min_letter_share=config.min_letter_share,
            min_bytes=config.min_paragraph_bytes,
        )
        expected = pl.col("expected")
        judged = verdicts.with_verdict(frame, config.min_identified_bytes)
        doubt = identifiers.reason(
            config.agreement,
            expected,
            self.known,
            two=self.two_identifiers,
            calibrated=self.min_scores,
        )
        if self.two_identifiers:
            doubt = pl.when(~(_supported() & doubt.is_in(IN_DOUBT))).then(doubt)
        claims = pl.col("claimed").is_not_null()
        nameless = pl.when(~claims & (expected == "")).then(pl.lit("no_language"))
        unwanted = ~claims & ~expected.is_in(list(self.languages)) & bool(self.languages)
        other = pl.when(unwanted).then(pl.lit("other_language"))
        return judged.with_columns(
            lang=pl.when(expected == "").then(pl.lit(NO_LANGUAGE)).otherwise(expected),
            reason=pl.coalesce(by_characters, nameless, other, doubt),
        )


def _supported() -> pl.Expr:
    """Return where a document's paragraphs speak for the expected language, and so does one of the
    identifiers of the paragraph, if it was asked.
    """
    expected = pl.col("expected")
    one = (pl.col("lid_label") == expected) | (pl.col("lab_label") == expected)
    return (pl.col("voted") == expected) & (~pl.col("identified") | one)


def columns_to_judge(names: Sequence[str]) -> list[str]:
    """Return the columns of measured paragraphs that judging looks at: all but the text."""
    return [name for name in names if name not in ("raw", "text")]
