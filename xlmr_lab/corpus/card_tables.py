"""The tables of a dataset card, in Markdown: what is in a cleaned corpus, what was left out, and
how good it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from xlmr_lab.corpus import documents, statistics
from xlmr_lab.corpus.buckets import BUCKETS
from xlmr_lab.corpus.paragraphs import STAGES
from xlmr_lab.corpus.report import Report

COLUMN_TEXTS = {
    "doc_id": "identifier of the document",
    "lang": "key of its language",
    "text": "paragraphs, each ended by a line feed",
    "source": "folder that the document came from",
    "url": "address of the page, where known",
    "lid_label": "language of the document by the first identifier, fastText",
    "lid_score": "probability of that",
    "lab_label": "language by the second identifier, where there was one",
    "lab_score": "probability of that",
    "perplexity": "under a model of the language's encyclopaedia, per piece, where there was one",
    "bucket": "head, middle or tail of its language by perplexity, `all` without",
    "num_bytes": "bytes of `text` in UTF-8",
    "num_paragraphs": "paragraphs of `text`",
}
"""What the columns of a document say."""

WORST = 5
"""Languages that are named as those told least often."""


def composition(folder: Path, sizes: pl.DataFrame, stands_for: Mapping[str, str]) -> str:
    """Return what is in a corpus: sizes beside the paper's, lengths, scripts, columns."""
    paper = statistics.against_paper(sizes, stands_for)
    whole = max(1, int(sizes["size_bytes"].sum()))
    counts = {row["language"]: row for row in sizes.to_dicts()}
    rows = []
    for row in paper.to_dicts():
        key, own = row["language"], counts[row["language"]]
        name = f"invented, size of {row['name']}" if key in stands_for else row["name"]
        numbers = own["num_documents"], own["num_paragraphs"], own["num_words"]
        shares = percent(own["size_bytes"] / whole), percent(row["paper_share"])
        ranks = row["rank"], row["paper_rank"]
        rows.append((key, name, *numbers, amount(own["size_bytes"]), *shares, *ranks))
    names = ["language", "name", "documents", "paragraphs", "words", "size", "share"]
    main = table([*names, "paper's share", "rank", "paper's rank"], rows)
    columns = table(["column", "what it says"], COLUMN_TEXTS.items())
    return (
        f"{amount(whole)} of text. The paper's shares are of XLM-R Table 6, with its errata "
        "corrected, among the languages that both have. Words are runs between white space.\n\n"
        f"{main}\n\n{_lengths(folder / 'documents', paper['language'].to_list())}\n\n"
        f"Documents are Parquet files, `documents/<language>-<number>.parquet`:\n\n{columns}"
    )


def rejects(report: Report) -> str:
    """Return what was left out, by reason and by step."""
    frame = statistics.stages(report)
    read = max(1, int(frame.filter(stage="read")["num_paragraphs"].sum()))
    lost = frame.filter(pl.col("reason").is_not_null())
    totals = {
        reason: lost.filter(reason=reason).select("num_paragraphs", "size_bytes").sum().row(0)
        for reason in lost["reason"].unique()
    }
    reasons = [
        (
            stage,
            reason,
            totals[reason][0],
            percent(totals[reason][0] / read),
            amount(totals[reason][1]),
        )
        for stage, own in STAGES.items()
        for reason in own
        if reason in totals
    ]
    shown = ["read", *(stage for stage in STAGES if stage in set(lost["stage"])), "kept"]
    left = frame.filter(pl.col("reason").is_null() & pl.col("stage").is_in(shown))
    languages = []
    for (key,), own in left.group_by("language", maintain_order=True):
        numbers = own["num_paragraphs"].to_list()
        languages.append((key, *numbers[:-1], percent(own["share"].to_list()[-1])))
    text = (
        f"Of {read:,} paragraphs, in the order of the tests:\n\n"
        + table(["step", "reason", "paragraphs", "share of the read", "size"], reasons)
        + "\n\nParagraphs that were there before and after each step:\n\n"
        + table(["language", "read", *(f"after {s}" for s in shown[1:-1]), "kept"], languages)
        + "\n\nEach of them can be read in `rejected/`, with `stage` and `reason`."
    )
    if report.unreadable:
        counts = table(["reason", "records"], report.unreadable.items())
        text += f"\n\nRecords of the input that could not be read, not among the above:\n\n{counts}"
    return text


def quality(
    folder: Path, report: Report, sizes: pl.DataFrame, stands_for: Mapping[str, str]
) -> str:
    """Return what is known of a corpus's quality: identification, duplicates, perplexity, sizes."""
    parts = [_identification(report), _duplicates(report)]
    if report.cutoffs:
        parts.append(_buckets(folder / "documents", report))
    found = statistics.correlation(statistics.against_paper(sizes, stands_for))
    if found.spearman is not None:
        parts.append(
            f"Sizes go with the paper's: over {found.num_languages} languages the ranks correlate "
            f"by {found.spearman:.2f} (Spearman), the logarithms by {found.log_pearson:.2f}."
        )
    return "\n\n".join(parts)


def _identification(report: Report) -> str:
    found = report.identifier
    if found.accuracy is None:
        return "How often languages are told rightly is not measured."
    number = sum(found.num_paragraphs.values())
    known = {key: value for key, value in found.accuracy_by_language.items() if value is not None}
    worst = sorted((value, key) for key, value in known.items() if value < 1)[:WORST]
    named = ", ".join(f"{key} {percent(value)}" for value, key in worst)
    return (
        f"Languages are told rightly in {percent(found.accuracy)} of {number:,} labelled "
        f"paragraphs that were not learned from{named and f'; least often: {named}'}."
    )


def _duplicates(report: Report) -> str:
    own = report.languages.values()
    asked = sum(
        language.read_paragraphs
        - sum(language.rejected.get(r, 0) for s in ("filters", "identify") for r in STAGES[s])
        for language in own
    )
    copies = sum(language.rejected.get("duplicate", 0) for language in own)
    share = copies / asked if asked else None
    return f"Of the paragraphs that reached deduplication {percent(share)} were copies."


def _buckets(folder: Path, report: Report) -> str:
    """Return a table of perplexities and of how much text is in each bucket."""
    grouped = documents.scan(folder).group_by("lang", "bucket")
    found = grouped.agg(pl.col("num_bytes").sum()).collect(engine="streaming")
    held = {(language, bucket): size for language, bucket, size in found.iter_rows()}
    rows = [
        (key, f"{head:,.0f}", f"{tail:,.0f}", *(amount(held.get((key, b), 0)) for b in BUCKETS))
        for key, (head, tail) in report.cutoffs.items()
    ]
    names = ["language", "middle begins", "tail begins", *BUCKETS]
    return f"Perplexity, and the text in each bucket:\n\n{table(names, rows)}"


def table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Write a Markdown table; whole numbers get thousands separators and stand right.

    >>> print(table(["key", "bytes"], [["sw", 1234], ["en", None]]))
    | key | bytes |
    |---|---:|
    | sw | 1,234 |
    | en | - |
    """
    body = [list(row) for row in rows]
    numeric = [all(isinstance(row[i], int | None) for row in body) for i in range(len(names))]
    rule = "|".join("---:" if is_number else "---" for is_number in numeric)
    first, *rest = (f"| {' | '.join(map(_cell, row))} |" for row in [names, *body])
    return "\n".join([first, f"|{rule}|", *rest])


def amount(size_bytes: float) -> str:
    """Write a size with its unit.

    >>> amount(0), amount(3 * 2**20), amount(1.5 * 2**30)
    ('0 bytes', '3 MiB', '1.5 GiB')
    """
    units = ((30, "GiB"), (20, "MiB"), (10, "KiB"))
    power, unit = next(((p, u) for p, u in units if size_bytes >= 1 << p), (0, "bytes"))
    return f"{size_bytes / (1 << power):,.4g} {unit}"


def percent(share: float | None) -> str:
    """Write a share to three digits.

    >>> [percent(share) for share in (0.12345, 0.000987, 1.0, 0.00001, None)]
    ['12.3 %', '0.0987 %', '100 %', '< 0.01 %', '-']
    """
    if share is None:
        return "-"
    return "< 0.01 %" if 0 < share < 0.0001 else f"{100 * share:.3g} %"


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")


def _lengths(folder: Path, keys: Sequence[str]) -> str:
    """Return a table of the lengths and scripts of the languages, in this order."""
    known = {(row["language"], row["unit"]): row for row in statistics.lengths(folder).to_dicts()}
    scripts = statistics.scripts(folder).group_by("language", maintain_order=True).head(2)
    rows = []
    for key in keys:
        own = [known[key, unit] for unit in ("document", "paragraph")]
        ranges = [f"{r['p50_bytes']:,} ({r['p05_bytes']:,} to {r['p95_bytes']:,})" for r in own]
        shares = scripts.filter(language=key).select("script", "share").iter_rows()
        rows.append((key, *ranges, ", ".join(f"{s} {percent(share)}" for s, share in shares)))
    names = ["language", "bytes of a document", "bytes of a paragraph", "scripts of its letters"]
    return (
        f"Median lengths (5 % to 95 %) and the two most frequent scripts:\n\n{table(names, rows)}"
    )
