"""Judges a sample of measured paragraphs again by other thresholds, quickly enough to turn them by
hand.

Of a large piece of text only every second, third, ... document is looked at, and each of its
paragraphs has the `weight` of all that it stands for. Duplicates are looked for among those that
are looked at, and perplexity sorts their documents. The steps after that (contamination, quality,
near-duplicates) are not taken again: what is kept here goes on to them.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from xlmr_lab import cleaning_tables, configs, seeds, verdict_words
from xlmr_lab.corpus import agreement, buckets, identifiers
from xlmr_lab.corpus.buckets import BucketConfig
from xlmr_lab.corpus.deduplicate import Keep, repeats
from xlmr_lab.corpus.judge import CleanConfig, Judge
from xlmr_lab.corpus.paragraphs import STAGE_OF, STAGES

MAX_PARAGRAPHS = 100_000
"""Paragraphs that are judged at most, but for what whole documents add."""

REASONS = (*STAGES["filters"], *STAGES["identify"], *STAGES["deduplicate"])
"""Why a paragraph of a sample is rejected, in the order of the tests."""

COMPARED = pl.Schema(
    {
        "language": pl.String,
        "before": pl.String,
        "after": pl.String,
        "bucket_before": pl.String,
        "bucket_after": pl.String,
        "is_clean": pl.Boolean,
        "num_paragraphs": pl.Int64,
        "num_judged": pl.Int64,
    }
)
"""Paragraphs by the reasons that two sets of thresholds give, null where there is none; those that
are kept by the bucket of their perplexity. `is_clean` is null where nobody knows. `num_judged` of
the sample stand for `num_paragraphs`."""

KEYS = tuple(name for name in COMPARED if not name.startswith("num_"))

SHOWN = (
    *("turn", "shown", "weight", "identified", "expected", "voted", "label", "score"),
    *("damaged_share", "letter_share", "code_share", "num_bytes", "mixed_score", "perplexity"),
    *("lid_label", "lid_score", "lab_label", "lab_score"),
)
"""Columns of a verdict beside `KEYS`: the text, and the measures that it rests on."""

LABELS = {"doc_id": pl.String, "paragraph": pl.Int32, "is_clean": pl.Boolean}
"""What is known of labelled paragraphs."""

UNUSED = ("url", "source", "raw", "text")
"""Columns of measured paragraphs that are not kept."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """Measured paragraphs and the study's judge of them."""

    rows: pl.DataFrame
    """The paragraphs in the order of the input, from `read`."""
    judge: Judge
    """Judges by the study's own thresholds."""
    names: Mapping[str, str]
    """Names of languages by their keys, in their order."""
    num_measured: int
    """Paragraphs that were measured altogether."""

    def languages(self) -> list[str]:
        """Return the languages of its paragraphs, those of the study first."""
        found = set(self.rows["expected"]) - {""}
        known = [key for key in self.names if key in found]
        return [*known, *sorted(found - set(known))]

    def settings(self, thresholds: Mapping[str, Any]) -> CleanConfig:
        """Return the study's `clean` with some settings changed, as `{"min_letter_share": 0.8}`.

        Raises:
            UserError: no such setting, or a value that is not allowed.
        """
        told = [f"{name}={value}" for name, value in thresholds.items()]
        return configs.override(self.judge.config, told)

    def verdicts(self, thresholds: Mapping[str, Any]) -> pl.DataFrame:
        """Return what becomes of each paragraph by the study's thresholds (before) and with some
        changed (after): a row each with `KEYS`, and with `SHOWN` of the latter.
        """
        after = self._judged(self.settings(thresholds))
        before = self._judged(self.judge.config) if thresholds else after
        return after.with_columns(
            language="lang",
            before=before["reason"],
            after="reason",
            bucket_before=before["bucket"],
            bucket_after="bucket",
        ).select(*KEYS, *SHOWN)

    def compare(self, thresholds: Mapping[str, Any]) -> pl.DataFrame:
        """Count paragraphs by both verdicts, as `COMPARED` and the name of the language."""
        return self.counted(self.verdicts(thresholds))

    def decided(self, verdicts: pl.DataFrame, thresholds: Mapping[str, Any]) -> pl.DataFrame:
        """Add to a few rows of `verdicts` the step that rejects them, and in words the measure
        that decided.
        """
        judge = self.judge._replace(config=self.settings(thresholds))
        told = [verdict_words.decided(row, judge) for row in verdicts.iter_rows(named=True)]
        return verdicts.with_columns(
            stage=pl.col("after").replace_strict(STAGE_OF, default=None, return_dtype=pl.String),
            decided=pl.Series(told, dtype=pl.String),
        )

    def counted(self, verdicts: pl.DataFrame) -> pl.DataFrame:
        """Count the paragraphs that `verdicts` returned, as `compare` does."""
        sums = {"num_paragraphs": pl.col("weight").sum(), "num_judged": pl.len()}
        counted = verdicts.group_by(KEYS).agg(**sums).cast(COMPARED)
        order = {key: place for place, key in enumerate(self.names)}
        language = pl.col("language")
        place = language.replace_strict(order, default=len(order), return_dtype=pl.Int64)
        name = language.replace_strict(dict(self.names), default=None, return_dtype=pl.String)
        return counted.sort(place, *KEYS, nulls_last=True).with_columns(name=name)

    def _judged(self, settings: CleanConfig) -> pl.DataFrame:
        """Return the rows with `lang`, `reason`, `bucket`, and the `label` and `score` believed."""
        judge = self.judge._replace(config=settings)
        known, two = judge.known, judge.two_identifiers
        score = agreement.score(known) if two else pl.col("lid_score")
        judged = judge.judge(self.rows).with_columns(
            label=identifiers.label(known, two=two), score=score.cast(pl.Float64)
        )
        return _in_buckets(_without_copies(judged, settings.keep), settings.buckets)


def read(
    pieces: Sequence[Path], labels: pl.DataFrame | None, *, limit: int = MAX_PARAGRAPHS
) -> tuple[pl.DataFrame, int]:
    """Return the paragraphs of measured pieces to judge, about `limit`, and how many there are.

    Besides their measures they have the start of their text, `shown`, whether they are clean by
    `labels` (doc_id, paragraph, is_clean), their `weight`, and a `turn` of chance. Small pieces are
    whole, so that languages with little text are.
    """
    lengths = [int(pl.scan_parquet(path).select(pl.len()).collect().item()) for path in pieces]
    most, parts = quota(lengths, limit), []
    for place, (path, length) in enumerate(zip(pieces, lengths, strict=True)):
        every = -(-length // most)
        own = (
            pl.scan_parquet(path)
            .filter(pl.col("document") % every == 0)
            .with_columns(
                shown=cleaning_tables.shown(pl.col("raw")),
                document=pl.col("document").cast(pl.UInt64) + (place << 32),
                weight=pl.lit(every, dtype=pl.Int64),
            )
        )
        parts.append(own.drop(UNUSED).collect())
    rows = pl.concat(parts)
    if labels is None:
        labels = pl.DataFrame(schema=LABELS)
    known = rows.join(
        labels.select(*LABELS), on=["doc_id", "paragraph"], how="left", maintain_order="left"
    )
    turns = seeds.generator(0, "turns").permutation(known.height)
    return known.drop("doc_id").with_columns(turn=pl.Series(turns)), sum(lengths)


def quota(lengths: Sequence[int], limit: int) -> int:
    """Return how much may be taken of each of some lengths so that together it is at most `limit`:
    the shorter ones whole, the same of all others.

    >>> quota([10, 50, 60], 70), quota([10, 50, 60], 200)
    (30, 60)
    """
    left = limit
    for place, length in enumerate(sorted(lengths)):
        others = len(lengths) - place
        if length * others > left:
            return max(1, left // others)
        left -= length
    return max([1, *lengths])


def _without_copies(judged: pl.DataFrame, keep: Keep) -> pl.DataFrame:
    """Reject the copies among paragraphs with no reason, as `clean` does."""
    passing = judged.with_row_index("row").filter(pl.col("reason").is_null())
    repeated = repeats(passing["key"], passing["document"])
    others = passing.filter(~repeated)
    key = pl.col("key")
    others = others.filter(~key.is_first_distinct() if keep == "first" else key.is_duplicated())
    copies = pl.concat([passing.filter(repeated)["row"], others["row"]])
    copy = pl.when(pl.int_range(pl.len()).is_in(copies.implode())).then(pl.lit("duplicate"))
    return judged.with_columns(reason=pl.coalesce("reason", copy))


def _in_buckets(judged: pl.DataFrame, config: BucketConfig) -> pl.DataFrame:
    """Add the `perplexity` of the document of each kept paragraph, and its `bucket`."""
    sums = [pl.col(name).sum() for name in ("log10_probability", "num_tokens")]
    kept = judged.filter(pl.col("reason").is_null())
    documents = kept.group_by("document").agg(pl.col("lang").first(), buckets.perplexity(*sums))
    own = {str(language): part["perplexity"] for (language,), part in documents.group_by("lang")}
    cutoffs = buckets.cutoffs(own, config=config)
    sorted_ones = documents.select(
        "document",
        "perplexity",
        bucket=buckets.bucket(pl.col("perplexity"), pl.col("lang"), cutoffs),
    )
    joined = judged.join(sorted_ones, on="document", how="left", maintain_order="left")
    is_kept = pl.col("reason").is_null()
    return joined.with_columns(pl.when(is_kept).then(name) for name in ("perplexity", "bucket"))
