r"""Statistics of a cleaned corpus: sizes beside those of XLM-R Table 6 and Figure 1, what each step
of cleaning left, lengths, scripts.

Words are runs between white space, as the paper's "tokens" seem to be: fair inside a language that
writes spaces, meaningless across scripts (a Chinese sentence is one word). No sampling should rest
on them. Quantiles are exact and are lengths that occur: the least that so many texts do not exceed.
Letters are Unicode's (\p{L}), without digits, marks and punctuation. Left out: sizes of the paper's
Wikipedia corpus, which it prints nowhere.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from xlmr_lab.corpus import documents
from xlmr_lab.corpus.paragraphs import STAGES
from xlmr_lab.corpus.report import LanguageReport, Report
from xlmr_lab.corpus.scripts import script_of
from xlmr_lab.languages import LANGUAGES
from xlmr_lab.paper import tables

SIZES = pl.Schema(
    {
        "language": pl.String,
        "num_documents": pl.Int64,
        "num_paragraphs": pl.Int64,
        "size_bytes": pl.Int64,
        "num_words": pl.Int64,
    }
)
"""Size of a language's documents; `num_words` counts runs between white space."""

WATERFALL = pl.Schema(
    {
        "language": pl.String,
        "stage": pl.String,
        "reason": pl.String,
        "num_paragraphs": pl.Int64,
        "share": pl.Float64,
        "size_bytes": pl.Int64,
    }
)
"""What a step took away for a reason, and, where `reason` is null, what there was after it; `share`
is of the paragraphs read."""

AGAINST_PAPER = pl.Schema(
    {
        "language": pl.String,
        "name": pl.String,
        "size_bytes": pl.Int64,
        "share": pl.Float64,
        "rank": pl.Int64,
        "paper_printed_gib": pl.Float64,
        "paper_gib": pl.Float64,
        "paper_share": pl.Float64,
        "paper_rank": pl.Int64,
        "ratio": pl.Float64,
        "in_wikipedia_88": pl.Boolean,
    }
)
"""A language beside its row of XLM-R Table 6. Shares and ranks are among the languages that both
have; `ratio` is our share by the paper's. `paper_gib` is corrected, `paper_printed_gib` is not;
`in_wikipedia_88` tells whether Figure 1 has the language."""

LENGTHS = pl.Schema(
    {
        "language": pl.String,
        "unit": pl.String,
        "num": pl.Int64,
        "mean_bytes": pl.Float64,
        "min_bytes": pl.Int64,
        "p05_bytes": pl.Int64,
        "p25_bytes": pl.Int64,
        "p50_bytes": pl.Int64,
        "p75_bytes": pl.Int64,
        "p95_bytes": pl.Int64,
        "max_bytes": pl.Int64,
    }
)
"""Lengths of a language's documents, with their line feeds, and paragraphs, without: `unit`
"document" or "paragraph"; `p05` to `p95` are quantiles."""

SCRIPTS = pl.Schema(
    {"language": pl.String, "script": pl.String, "num_letters": pl.Int64, "share": pl.Float64}
)
"""Letters of a language's documents by script, an ISO 15924 code, most frequent first."""

CHUNK_BYTES = 8_000_000
"""Text whose letters are counted at once (bytes of UTF-8)."""


class Correlation(NamedTuple):
    """How far a corpus's sizes go with the paper's; None where fewer than three languages say."""

    num_languages: int
    spearman: float | None
    """Correlation of the ranks."""
    log_pearson: float | None
    """Correlation of the logarithms of the sizes."""


def sizes(folder: Path) -> pl.DataFrame:
    """Return the size of each language of a folder of documents, in alphabetical order of the
    languages.

    Raises:
        UserError: the folder holds no documents.
    """
    words = pl.col("text").str.count_matches(r"\S+")
    counted = (
        documents.scan(folder)
        .group_by(pl.col("lang").alias("language"))
        .agg(
            num_documents=pl.len(),
            num_paragraphs=pl.col("num_paragraphs").cast(pl.Int64).sum(),
            size_bytes=pl.col("num_bytes").sum(),
            num_words=words.cast(pl.Int64).sum(),
        )
        .sort("language")
    )
    return counted.cast(SIZES).collect(engine="streaming")


def stages(report: Report) -> pl.DataFrame:
    """Return what each step of cleaning took away for which reason, and what it left: for each
    language of the report a row "read", then each step's reasons and what there was after it, then
    a row "kept".

    Sizes after a step hold line feeds. What the normalisation of kept text saved shows between
    "read" and the first step.
    """
    rows = [row for key, own in report.languages.items() for row in _waterfall(key, own)]
    return pl.DataFrame(rows, schema=WATERFALL, orient="row")


def against_paper(frame: pl.DataFrame, stands_for: Mapping[str, str] = {}) -> pl.DataFrame:
    """Return the languages of a frame like that of `sizes` beside the paper's, largest first.

    `stands_for` gives the paper's key of languages that have another one, as invented ones do;
    what the paper lacks has nulls.
    """
    printed = {row["key"]: row["size_GiB_paper"] for row in tables.read("cc100_languages")}
    rows: list[tuple[Any, ...]] = []
    for language, size in frame.select("language", "size_bytes").iter_rows():
        key = stands_for.get(language, language)
        known = LANGUAGES.get(key)
        name = language if known is None else known.name
        figures = (printed[key], known.size_gib, known.in_wikipedia_88) if known else (None,) * 3
        rows.append((language, name, size, *figures))
    names = ("language", "name", "size_bytes", "paper_printed_gib", "paper_gib", "in_wikipedia_88")
    table = pl.DataFrame(rows, schema={name: AGAINST_PAPER[name] for name in names}, orient="row")
    own = pl.when(pl.col("paper_gib").is_not_null()).then(pl.col("size_bytes"))
    shared = table.with_columns(
        share=own / own.sum(),
        rank=own.rank("min", descending=True),
        paper_share=pl.col("paper_gib") / pl.col("paper_gib").sum(),
        paper_rank=pl.col("paper_gib").rank("min", descending=True),
    ).with_columns(ratio=pl.col("share") / pl.col("paper_share"))
    ordered = shared.sort("size_bytes", "language", descending=[True, False])
    return ordered.select(AGAINST_PAPER.names()).cast(AGAINST_PAPER)


def correlation(frame: pl.DataFrame) -> Correlation:
    """Return how far the sizes in a frame of `against_paper` go with the paper's."""
    both = frame.filter(pl.col("paper_gib").is_not_null() & (pl.col("size_bytes") > 0))
    if both.height < 3:
        return Correlation(both.height, None, None)
    own, paper = pl.col("size_bytes"), pl.col("paper_gib")
    spearman, pearson = both.select(
        pl.corr(own.rank(), paper.rank()).alias("ranks"),
        pl.corr(own.log(), paper.log()).alias("logarithms"),
    ).row(0)
    return Correlation(both.height, _number(spearman), _number(pearson))


def lengths(folder: Path) -> pl.DataFrame:
    """Return the distribution of the lengths of documents and paragraphs of each language.

    Raises:
        UserError: the folder holds no documents.
    """
    table = documents.scan(folder).select("num_bytes", "text", language="lang")
    lines = pl.col("text").str.strip_suffix("\n").str.split("\n")
    units = {
        "document": table.select("language", length="num_bytes"),
        "paragraph": table.select("language", text=lines)
        .explode("text")
        .select("language", length=pl.col("text").str.len_bytes().cast(pl.Int64)),
    }
    counted = [
        lengths.group_by("language", "length")
        .agg(num=pl.len().cast(pl.Int64))
        .with_columns(unit=pl.lit(unit))
        .collect(engine="streaming")
        for unit, lengths in units.items()
    ]
    return _distribution(pl.concat(counted))


def scripts(folder: Path) -> pl.DataFrame:
    """Return how many letters of each language are of which script.

    Raises:
        UserError: the folder holds no documents.
    """
    counts: dict[str, npt.NDArray[np.int64]] = {}
    for path in documents.paths(folder):
        frame = pl.read_parquet(path, columns=["lang", "text", "num_bytes"])
        chunk = pl.col("num_bytes").cum_sum() // CHUNK_BYTES
        for (language, _), part in frame.group_by("lang", chunk, maintain_order=True):
            points = np.frombuffer("".join(part["text"]).encode("utf-32-le"), np.uint32)
            found = np.bincount(points)
            known = counts.get(str(language), np.zeros(0, np.int64))
            longer, shorter = sorted((found, known), key=len, reverse=True)
            counts[str(language)] = longer + np.pad(shorter, (0, len(longer) - len(shorter)))
    rows = [(key, point, own[point]) for key, own in counts.items() for point in own.nonzero()[0]]
    schema = {"language": pl.String, "point": pl.Int64, "num_letters": pl.Int64}
    return _by_script(pl.DataFrame(rows, schema=schema, orient="row"))


def _waterfall(language: str, own: LanguageReport) -> list[tuple[Any, ...]]:
    """Return the rows of a language from what was read to what was kept."""

    def row(stage: str, reason: str | None, number: int, size: int) -> tuple[Any, ...]:
        return language, stage, reason, number, number / max(1, own.read_paragraphs), size

    left = own.read_paragraphs
    size = own.kept_bytes + sum(own.rejected.values()) + sum(own.rejected_bytes.values())
    rows = [row("read", None, left, own.read_bytes)]
    for stage, reasons in STAGES.items():
        for reason in (reason for reason in reasons if own.rejected.get(reason)):
            number, removed = own.rejected[reason], own.rejected_bytes[reason]
            rows.append(row(stage, reason, number, removed))
            left, size = left - number, size - number - removed
        rows.append(row(stage, None, left, size))
    assert (left, size) == (own.kept_paragraphs, own.kept_bytes), (language, left, size, own)
    return [*rows, row("kept", None, left, size)]


def _number(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)


def _distribution(counted: pl.DataFrame) -> pl.DataFrame:
    """Return the distributions of lengths from how often each occurs."""
    length, num = pl.col("length"), pl.col("num")
    quantiles = {
        f"p{percent:02}_bytes": length.filter(num.cum_sum() * 100 >= num.sum() * percent).first()
        for percent in (5, 25, 50, 75, 95)
    }
    table = (
        counted.sort("language", "unit", "length")
        .group_by("language", "unit", maintain_order=True)
        .agg(
            num.sum(),
            mean_bytes=(length * num).sum() / num.sum(),
            min_bytes=length.min(),
            max_bytes=length.max(),
            **quantiles,
        )
    )
    return table.select(LENGTHS.names()).cast(LENGTHS)


def _by_script(counts: pl.DataFrame) -> pl.DataFrame:
    """Return the letters of each language by script, from how often each code point occurs."""
    points = counts["point"].unique().sort()
    characters = pl.DataFrame({"point": points, "character": [chr(point) for point in points]})
    letters = characters.filter(pl.col("character").str.contains(r"\p{L}"))
    table = (
        counts.join(letters.with_columns(script=script_of(pl.col("character"))), on="point")
        .group_by("language", "script")
        .agg(pl.col("num_letters").sum())
        .with_columns(share=pl.col("num_letters") / pl.col("num_letters").sum().over("language"))
        .sort("language", "num_letters", "script", descending=[False, True, False])
    )
    return table.select(SCRIPTS.names()).cast(SCRIPTS)
