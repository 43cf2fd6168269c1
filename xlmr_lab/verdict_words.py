"""Says in words which measure decided about a paragraph, beside the threshold that it met.

A row is one of `cleaning_sample.Sample.verdicts`; its `after` is the verdict of the judge.
"""

from collections.abc import Mapping
from typing import Any

from xlmr_lab.corpus import filters
from xlmr_lab.corpus.judge import Judge

Row = Mapping[str, Any]


def decided(row: Row, judge: Judge) -> str:
    """Say why a paragraph is kept or rejected."""
    reason = row["after"]
    if reason is None:
        return _kept(row, judge)
    if reason == "not_text":
        return _characters(row, judge)
    if reason in ("wrong_language", "low_confidence", "disagreement"):
        return _language(row, judge)
    return _simple(row, judge)[reason]


def _simple(row: Row, judge: Judge) -> dict[str, str]:
    """Return the words for each reason that one measure decides."""
    config, size = judge.config, f"{row['num_bytes']:,} bytes"
    first = config.keep == "first"
    return {
        "empty": "nothing in it",
        "markup": "marks of wikitext or of a template",
        "too_short": f"{size}, least {config.min_paragraph_bytes:,}",
        "too_long": f"{size}, most {filters.MAX_BYTES:,}",
        "mixed": f"halves in two languages, {row['mixed_score'] or 0:.2f}, "
        f"most {config.agreement.max_mixed_score:g}",
        "no_language": "no identifier names a language",
        "other_language": f"in {row['expected']}, which was not asked for",
        "duplicate": "a copy of an earlier one" if first else "there are copies of it",
    }


def _characters(row: Row, judge: Judge) -> str:
    """Name the measure of characters that is beyond its threshold."""
    config = judge.config
    if row["damaged_share"] > config.max_damaged_share:
        share, most = row["damaged_share"], config.max_damaged_share
        return f"{share:.2%} of its characters damaged, most {100 * most:g}%"
    if row["letter_share"] < config.min_letter_share:
        share, least = row["letter_share"], config.min_letter_share
        return f"{share:.1%} letters, least {100 * least:g}%"
    return f"{row['code_share']:.1%} digits glued to letters, most {100 * filters.CODE_SHARE:g}%"


def _language(row: Row, judge: Judge) -> str:
    """Tell the verdict on the language: the paragraph's own, or its document's."""
    whose = "" if row["identified"] else "its document: "
    if row["after"] == "disagreement":
        both = (f"{row[f'{name}_label']} {row[f'{name}_score']:.2f}" for name in ("lid", "lab"))
        return whose + " against ".join(both)
    if row["after"] == "wrong_language":
        return f"{whose}{row['label']} {row['score']:.2f}, expected {row['expected']}"
    named = row["label"] or "no language"
    return f"{whose}{named} {row['score']:.2f}, least {least_score(row['label'], judge):.2g}"


def _kept(row: Row, judge: Judge) -> str:
    """Tell how surely a kept paragraph is in its language, and its place by perplexity."""
    place = "" if row["perplexity"] is None else f"; perplexity {row['perplexity']:,.0f}"
    place += f", {row['bucket_after']}" if place else ""
    if row["label"] is None:
        return f"too short to identify{place}"
    least = least_score(row["label"], judge)
    if row["label"] != row["expected"] or row["score"] < least:
        return f"in doubt, but its document is in {row['voted']}{place}"
    whose = "" if row["identified"] else "its document: "
    return f"{whose}{row['label']} {row['score']:.2f}, least {least:.2g}{place}"


def least_score(language: str | None, judge: Judge) -> float:
    """Return the least score with which a language is believed."""
    config = judge.config.agreement
    calibrated = judge.min_scores if judge.two_identifiers else {}
    return (calibrated | config.by_language()).get(language or "", config.min_score)
