"""The identifiers of a cleaning, one or two, behind one interface (XLM-R Sec. 3: fastText beside an
internal model; CCNet Sec. 3.3: fastText).

Every verdict has the columns `VERDICT`. With two identifiers a label counts where both agree
(`agreement`); with fastText alone its word is taken.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from xlmr_lab.corpus import agreement
from xlmr_lab.corpus.agreement import AgreementConfig, Known
from xlmr_lab.corpus.identify import PREFIX_CHARACTERS, Identifier
from xlmr_lab.corpus.ngram_identifier import NgramIdentifier

FASTTEXT_NAME = "identifier.bin"
NGRAM_NAME = "identifier.npz"

VERDICT = tuple(agreement.MEASURES)
"""Columns of a verdict."""


class Identifiers(NamedTuple):
    """One or two trained identifiers."""

    lid: Identifier
    lab: NgramIdentifier | None

    @classmethod
    def load(cls, folder: Path, fasttext_model: Path | None = None) -> "Identifiers":
        """Load what a cleaning trained in `folder`, or the fastText model that was given to it."""
        second = folder / NGRAM_NAME
        return cls(
            Identifier.load(fasttext_model or folder / FASTTEXT_NAME),
            NgramIdentifier.load(second) if second.is_file() else None,
        )

    def measure(
        self, texts: pl.Series, *, prefix_characters: int = PREFIX_CHARACTERS
    ) -> pl.DataFrame:
        """Return the verdict on each text, a row each, in their order."""
        if self.lab is not None:
            return agreement.measure(texts, self.lid, self.lab)
        labels, scores = self.lid.predict(texts.to_list(), prefix_characters=prefix_characters)
        named = pl.DataFrame({"lid_label": labels, "lid_score": scores})
        nothing = [
            pl.lit(None, dtype=dtype).alias(name)
            for name, dtype in agreement.MEASURES.items()
            if name not in named.columns
        ]
        return named.with_columns(nothing).select(
            pl.col(name).cast(dtype) for name, dtype in agreement.MEASURES.items()
        )

    def known(self) -> Known:
        """Return the languages that each identifier knows."""
        lab = self.lid.languages if self.lab is None else self.lab.languages
        return Known(frozenset(self.lid.languages), frozenset(lab))


def label(known: Known, *, two: bool) -> pl.Expr:
    """Return the language that a verdict settles on, "" where there is none."""
    return agreement.label(known) if two else pl.col("lid_label")


def reason(
    config: AgreementConfig,
    expected: pl.Expr,
    known: Known,
    *,
    two: bool,
    calibrated: Mapping[str, float],
) -> pl.Expr:
    """Return why a verdict speaks against the expected language, or null; null where there is no
    verdict.
    """
    if two:
        return agreement.reason(config, expected=expected, known=known, calibrated=calibrated)
    own = config.by_language()
    label, least = pl.col("lid_label"), pl.lit(config.min_score)
    if own:
        least = label.replace_strict(own, default=config.min_score, return_dtype=pl.Float64)
    return (
        pl.when(pl.col("lid_score") < least)
        .then(pl.lit("low_confidence"))
        .when(label != expected)
        .then(pl.lit("wrong_language"))
    )
