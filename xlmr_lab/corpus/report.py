"""What cleaning reports: counts by language and reason, what could not be read, and how well the
identifiers did. Read = kept + rejected is checked here for every language, and a language of which
nothing is left is an error that says why.
"""

import dataclasses
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from xlmr_lab.corpus import labelled, paragraphs

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class LanguageReport:
    """What became of a language's text; read = kept + rejected in paragraphs."""

    read_documents: int
    read_paragraphs: int
    read_bytes: int
    kept_documents: int
    kept_paragraphs: int
    kept_bytes: int
    rejected: dict[str, int]
    """Paragraphs left out, by reason."""
    rejected_bytes: dict[str, int]
    """Their text (bytes of UTF-8, without line ends), by reason."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class IdentifierReport:
    """How often the identifiers name the file's language, in labelled paragraphs that they were not
    trained on.
    """

    accuracy: float | None
    """Over all measured paragraphs; None where every labelled document was needed for training."""
    accuracy_by_language: dict[str, float | None]
    num_paragraphs: dict[str, int]
    """Measured paragraphs by language: those long enough to be identified by themselves."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What cleaning read, kept and left out."""

    languages: dict[str, LanguageReport]
    identifier: IdentifierReport
    unreadable: dict[str, int]
    """Records of the input that could not be read, by reason; they are not among the read."""
    cutoffs: dict[str, tuple[float, float]]
    """Perplexity at which a language's middle and tail begin."""


def collect(
    *,
    read: Mapping[str, Mapping[str, int]],
    written: Mapping[str, Mapping[str, Any]],
    identified: Sequence[Mapping[str, Any]],
    portions: Sequence[Mapping[str, Any]],
    cutoffs: Mapping[str, tuple[float, float]],
) -> Report:
    """Return the report of what was `read` and what of it `written`, by language.

    Raises:
        UserError: nothing is left of a language that files claim to be in.
    """
    claimed = {p["language"]: p["files"] for p in portions if p["language"] is not None}
    measured = sum(p["paragraphs"] for portion in portions for p in portion["pieces"])
    judged = sum(counts["paragraphs"] for counts in read.values())
    if measured != judged:
        raise RuntimeError(f"{measured:,} paragraphs were measured, {judged:,} were judged")
    unreadable: Counter[str] = Counter()
    for portion in portions:
        unreadable.update(portion["unreadable"])
    languages = {}
    for language, counts in read.items():
        own = written[language]
        kept = own["kept"]["paragraphs"]
        if counts["paragraphs"] != kept + sum(own["rejected"].values()):
            raise RuntimeError(f"{language}: read {counts} is not kept + rejected: {own}")
        if not kept and language in claimed:
            raise labelled.nothing_left(language, claimed[language], own["rejected"])
        languages[language] = _language_report(language, counts, own)
    return Report(
        languages=languages,
        identifier=_identifier_report(list(read), identified),
        unreadable=dict(sorted(unreadable.items())),
        cutoffs=dict(cutoffs),
    )


def _language_report(
    language: str, read: Mapping[str, int], written: Mapping[str, Mapping[str, int]]
) -> LanguageReport:
    kept = written["kept"]
    share = kept["paragraphs"] / read["paragraphs"]
    logger.info(
        "%s: kept %s of %s paragraphs (%.1f %%)",
        language,
        kept["paragraphs"],
        read["paragraphs"],
        100 * share,
    )
    ordered = [reason for reason in paragraphs.REASONS if reason in written["rejected"]]
    return LanguageReport(
        **{f"read_{name}": count for name, count in read.items()},
        **{f"kept_{name}": count for name, count in kept.items()},
        rejected={reason: written["rejected"][reason] for reason in ordered},
        rejected_bytes={reason: written["rejected_bytes"][reason] for reason in ordered},
    )


def _identifier_report(
    languages: Sequence[str], identified: Sequence[Mapping[str, Any]]
) -> IdentifierReport:
    """Return how often the identifiers were right in what measures them."""
    measured: Counter[str] = Counter()
    correct: Counter[str] = Counter()
    for row in identified:
        measured[row["language"]] += row["measured"]
        correct[row["language"]] += row["correct"]
    return IdentifierReport(
        accuracy=correct.total() / measured.total() if measured.total() else None,
        accuracy_by_language={
            key: correct[key] / measured[key] if measured[key] else None for key in languages
        },
        num_paragraphs={key: measured[key] for key in languages},
    )
