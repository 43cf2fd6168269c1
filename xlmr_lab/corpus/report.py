"""What cleaning reports: counts by language and reason, and how well the identifier did.

A tally takes a language's judged paragraphs chunk by chunk, writes them as shards and counts them;
at the end read = kept + rejected is asserted, and a language with nothing left is an error that
says why.
"""

import dataclasses
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from xlmr_lab.corpus import documents, paragraphs
from xlmr_lab.corpus.sources import SourceFile
from xlmr_lab.errors import UserError

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


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class IdentifierReport:
    """How often the identifier names the file's language, in labelled paragraphs that it was not
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


class Tally:
    """Writes a language's judged paragraphs and counts them."""

    def __init__(self, language: str, folder: Path) -> None:
        self.language = language
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self._folder = folder

    def add(self, frame: pl.DataFrame, unseen: pl.DataFrame) -> None:
        """Take a chunk's judged paragraphs, and those of them that measure the identifier."""
        kept = paragraphs.kept(frame, self.language)
        rejected = paragraphs.rejected(frame, self.language)
        for name, table in (("documents", kept), ("rejected", rejected)):
            if not table.is_empty():
                number = self.counts[f"shards of {name}"]
                documents.write_shard(self._folder / name, self.language, number, table)
                self.counts[f"shards of {name}"] += 1
        self.reasons.update(dict(rejected.group_by("reason").len().iter_rows()))
        self.counts.update(
            read_documents=frame["document"].n_unique(),
            read_paragraphs=frame.height,
            read_bytes=int(frame["raw"].str.len_bytes().sum()) + frame.height,
            kept_documents=kept.height,
            kept_paragraphs=int(kept["num_paragraphs"].sum()),
            kept_bytes=int(kept["num_bytes"].sum()),
            measured=unseen.height,
            correct=unseen.filter(pl.col("lid_label") == self.language).height,
        )

    def finish(self, files: Sequence[SourceFile]) -> None:
        """Check that every paragraph is accounted for and that some are left."""
        read, kept = self.counts["read_paragraphs"], self.counts["kept_paragraphs"]
        assert read == kept + self.reasons.total(), (self.language, read, kept, self.reasons)
        if not kept:
            raise nothing_left(self.language, files, self.reasons)
        share = kept / read
        logger.info(
            "%s: kept %s of %s paragraphs (%.1f %%)", self.language, kept, read, 100 * share
        )

    def report(self) -> LanguageReport:
        """Return the counts."""
        names = [f.name for f in dataclasses.fields(LanguageReport) if f.name != "rejected"]
        rejected: dict[str, int] = {reason: self.reasons[reason] for reason in paragraphs.REASONS}
        return LanguageReport(**{name: self.counts[name] for name in names}, rejected=rejected)


def identifier_report(tallies: Iterable[Tally]) -> IdentifierReport:
    """Return how often the identifier was right in what measures it."""
    counts = {tally.language: tally.counts for tally in tallies}
    measured = sum(c["measured"] for c in counts.values())
    return IdentifierReport(
        accuracy=sum(c["correct"] for c in counts.values()) / measured if measured else None,
        accuracy_by_language={
            language: c["correct"] / c["measured"] if c["measured"] else None
            for language, c in counts.items()
        },
        num_paragraphs={language: c["measured"] for language, c in counts.items()},
    )


def nothing_left(
    language: str, files: Sequence[SourceFile], reasons: Mapping[str, int]
) -> UserError:
    """Return the error for a language of which nothing is left, with what removed it."""
    where = ", ".join(str(file.path) for file in files)
    removed = ", ".join(
        f"{reason} {count:,}"
        for reason, count in sorted(reasons.items(), key=lambda item: -item[1])
    )
    if set(reasons) <= {"empty"}:
        return UserError(
            f"language {language!r} has no text: {where}; give it some or leave it out"
        )
    return UserError(
        f"no text of language {language!r} is left after cleaning {where} "
        f"(paragraphs removed: {removed}); "
        "see whether the files are what they claim to be, or relax the clean settings"
    )
