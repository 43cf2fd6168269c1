"""Tables of a cleaning, from its files: examples of what was rejected, scores, perplexities, what
is known to be true. `cleaning_results` puts them together for notebooks.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from xlmr_lab import seeds
from xlmr_lab.babel.pages import CLEAN
from xlmr_lab.corpus import card_tables, cards, documents
from xlmr_lab.corpus.judge import CleanConfig
from xlmr_lab.corpus.paragraphs import REASONS, STAGES
from xlmr_lab.corpus.report import Report
from xlmr_lab.results import Study
from xlmr_lab.study_words import MODEL_ORGANISM

CONFUSION = pl.Schema({"gold": pl.String, "predicted": pl.String, "count": pl.Int64})
"""How often paragraphs of a language were taken for another; "" is none."""

SCORES = pl.Schema(
    {
        "identifier": pl.String,
        "is_expected": pl.Boolean,
        "score": pl.Float64,
        "num_paragraphs": pl.Int64,
    }
)
"""How many paragraphs an identifier names with a score from `score` up to the next."""

PERPLEXITIES = pl.Schema(
    {
        "language": pl.String,
        "num_documents": pl.Int64,
        "p05": pl.Float64,
        "p50": pl.Float64,
        "p95": pl.Float64,
        "middle_begins": pl.Float64,
        "tail_begins": pl.Float64,
    }
)
"""Quantiles of the perplexity of a language's documents, and its cutoffs."""

TRUTH = pl.Schema(
    {
        "language": pl.String,
        "label": pl.String,
        "num_paragraphs": pl.Int64,
        "num_kept": pl.Int64,
        "is_clean": pl.Boolean,
    }
)
"""Paragraphs of a kind, and how many of them were kept."""

SCORE_STEPS = 100
"""Steps of a score from 0 to 1."""

MAX_ROWS = 20_000
"""Rejected paragraphs of a language among which examples are chosen: its first ones."""

MAX_CHARACTERS = 240
"""Characters of an example that are shown."""

IDENTIFIERS = {"lid": "fastText", "lab": "n-gram model"}
"""The identifiers by the columns of their verdicts."""

UNSEEN = r"[\x00-\x1f\x7f-\x9f\x{feff}]"
"""Characters that no page shows."""


def about(report: Report, settings: CleanConfig, two_identifiers: bool) -> str:
    """Say in Markdown what was read, what was kept, and by what."""
    own = report.languages.values()
    read, kept = (sum(getattr(x, f"{w}_paragraphs") for x in own) for w in ("read", "kept"))
    documents_read = sum(x.read_documents for x in own)
    size = card_tables.amount(sum(x.read_bytes for x in own))
    by = "by two identifiers that must agree" if two_identifiers else "by one identifier, fastText"
    models = (
        f"Perplexity is known for {len(report.cutoffs)} of {len(report.languages)} languages."
        if report.cutoffs
        else "There are no language models, so no perplexity."
    )
    lost = sum(report.unreadable.values())
    reasons = ", ".join(f"{name} {count:,}" for name, count in report.unreadable.items())
    unreadable = f"{lost:,} records could not be read ({reasons})." if lost else ""
    return " ".join(
        [
            f"Read: {documents_read:,} documents, {read:,} paragraphs, {size} of text.",
            f"Kept: {kept:,} paragraphs ({card_tables.percent(kept / read if read else None)}).",
            unreadable or "Every record could be read.",
            f"Languages are told {by}; of equal paragraphs {_kept_of(settings)} kept.",
            models,
        ]
    )


def _kept_of(settings: CleanConfig) -> str:
    return "the first is" if settings.keep == "first" else "none is"


def examples(folder: Path, languages: Sequence[str], number: int, seed: int) -> pl.DataFrame:
    """Return `number` rejected paragraphs for each reason, of as many languages as there are; which
    ones the seed decides.
    """
    columns = ("doc_id", "lang", "stage", "reason", "paragraph", "text")
    parts = []
    for language in languages:
        own = documents.scan(folder, language).select(columns).head(MAX_ROWS).collect()
        order = seeds.generator(seed, "examples", language).permutation(own.height)
        shuffled = own[order.tolist()].with_columns(turn=pl.int_range(pl.len()).over("reason"))
        parts.append(shuffled.filter(pl.col("turn") < number))
    if not parts:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String) | {"paragraph": pl.Int32})
    rows = pl.concat(parts).with_columns(
        order=pl.col("reason").replace_strict(
            {reason: place for place, reason in enumerate(REASONS)}, return_dtype=pl.Int64
        )
    )
    turns = rows.sort("order", "turn", maintain_order=True)
    chosen = turns.group_by("order", maintain_order=True).head(number)
    return chosen.select(columns)


def beside_document(chosen: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """Return paragraphs with what was kept of their documents, both shortened."""
    parts = [pl.DataFrame(schema={"doc_id": pl.String, "document": pl.String})]
    for language in set(chosen["lang"]) & set(documents.languages(folder)):
        wanted = chosen.filter(lang=language)["doc_id"].unique().to_list()
        own = documents.scan(folder, language).filter(pl.col("doc_id").is_in(wanted))
        parts.append(own.select("doc_id", document=shown(pl.col("text"))).collect())
    kept = pl.concat(parts).unique("doc_id", keep="first", maintain_order=True)
    joined = chosen.join(kept, on="doc_id", how="left", maintain_order="left")
    return joined.select(
        "stage",
        "reason",
        pl.col("lang").alias("language"),
        shown(pl.col("text")).alias("paragraph"),
        pl.col("document").alias("kept of its document"),
        "doc_id",
    )


def shown(text: pl.Expr) -> pl.Expr:
    """Return the start of texts, in one line, with a mark for what cannot be seen; null where there
    is nothing.
    """
    line = text.str.strip_chars().str.replace_all(r"[\r\n]+", " ¶ ")
    seen = line.str.replace_all(UNSEEN, "\ufffd")
    long = seen.str.len_chars() > MAX_CHARACTERS
    cut = pl.when(long).then(seen.str.slice(0, MAX_CHARACTERS) + "…").otherwise(seen)
    return pl.when(cut != "").then(cut)


def scores(judged: pl.DataFrame) -> pl.DataFrame:
    """Return how many of the judged paragraphs each identifier names with which score, as `SCORES`.

    Those count that are text and long enough to be identified by themselves.
    """
    text = ~pl.col("reason").is_in(STAGES["filters"]).fill_null(value=False)
    rows = judged.filter(text & pl.col("identified") & (pl.col("expected") != ""))
    parts = [pl.DataFrame(schema=SCORES)]
    for column, name in IDENTIFIERS.items():
        named = rows.filter(pl.col(f"{column}_label").fill_null("") != "")
        step = (pl.col(f"{column}_score") * SCORE_STEPS).floor().clip(0, SCORE_STEPS - 1)
        counted = (
            named.group_by(
                identifier=pl.lit(name),
                is_expected=pl.col(f"{column}_label") == pl.col("expected"),
                score=(step / SCORE_STEPS).cast(pl.Float64).round(6),
            )
            .agg(num_paragraphs=pl.len())
            .sort("is_expected", "score")
        )
        parts.append(counted.cast(SCORES))
    return pl.concat(parts)


def perplexities(folder: Path, cutoffs: Mapping[str, tuple[float, float]]) -> pl.DataFrame:
    """Return the distribution of the documents' perplexities by language, as `PERPLEXITIES`."""
    if not cutoffs:
        return pl.DataFrame(schema=PERPLEXITIES)
    known = documents.scan(folder).filter(pl.col("perplexity").is_not_null())
    quantiles = {
        f"p{percent:02}": pl.col("perplexity").quantile(percent / 100) for percent in (5, 50, 95)
    }
    grouped = known.group_by(language="lang").agg(num_documents=pl.len(), **quantiles)
    places = {
        name: pl.col("language").replace_strict(
            {key: pair[place] for key, pair in cutoffs.items()},
            default=None,
            return_dtype=pl.Float64,
        )
        for place, name in enumerate(("middle_begins", "tail_begins"))
    }
    return grouped.with_columns(**places).collect().cast(PERPLEXITIES).sort("language")


def labels(folder: Path) -> pl.DataFrame:
    """Return what each paragraph of labelled pages is: doc_id, paragraph, language, label, and
    whether that is clean.
    """
    parts = []
    for path in sorted(folder.glob("*.jsonl")):
        own = pl.read_ndjson(path).with_columns(language=pl.lit(path.stem))
        numbers = pl.int_ranges(pl.col("labels").list.len(), dtype=pl.Int32)
        parts.append(own.with_columns(paragraph=numbers).explode("labels", "paragraph"))
    columns = ("doc_id", "paragraph", "language", pl.col("labels").alias("label"))
    return pl.concat(parts).select(*columns, is_clean=pl.col("labels") == CLEAN)


def truth(folder: Path, pieces: Sequence[Path], rejected: Path) -> pl.DataFrame:
    """Return how many paragraphs of labelled pages, among those that were measured, were kept, by
    language and label, as `TRUTH`.
    """
    place = ("doc_id", "paragraph")
    read = pl.scan_parquet(list(pieces)).select(place).collect()
    left_out = documents.scan(rejected).select(place).collect().with_columns(kept=pl.lit(0))
    known = labels(folder).join(read, on=place, how="semi")
    counted = (
        known.join(left_out, on=place, how="left")
        .group_by("language", "label", "is_clean")
        .agg(num_paragraphs=pl.len(), num_kept=pl.col("kept").fill_null(1).sum())
    )
    ordered = counted.sort("language", "is_clean", "label", descending=[False, True, False])
    return ordered.select(TRUTH.names()).cast(TRUTH)


def card_about(
    study: Study, *, command: str, fingerprint: str, stands_for: Mapping[str, str]
) -> cards.About:
    """Return what a study can say for its corpus's card; of real text it knows no licence."""
    babel = study.is_babel()
    return cards.About(
        name=f"The corpus of {study.folder.name}",
        description=MODEL_ORGANISM if babel else "Text that was cleaned for a study.",
        licence="mit" if babel else "unknown",
        licence_text="MIT, like the program that makes it."
        if babel
        else "That of its sources, which the study does not know.",
        rebuild=command or "./lab corpus",
        source_datasets=("original",) if babel else ("extended",),
        fingerprint=fingerprint,
        stands_for=stands_for,
    )


def as_section(card: str) -> str:
    """Return a card without its metadata, each heading two levels down.

    >>> as_section('---\\nlicense: "mit"\\n---\\n\\n# Name\\n\\n## Part\\n')
    '### Name\\n\\n#### Part\\n'
    """
    text = card.split("---\n", 2)[2].lstrip("\n")
    return re.sub(r"^(#{1,4}) ", r"##\1 ", text, flags=re.MULTILINE)
