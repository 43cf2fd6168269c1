"""The cleaning pipeline: raw files to a clean corpus per language, with a reason for every
paragraph that was left out.

The steps and their order are in `paragraphs`; here files are read, the identifier is trained, and
the results are written and counted. Languages are cleaned one by one and in chunks of
`CHUNK_BYTES`, so memory grows with nothing but the keys of one language's kept paragraphs. XLM-R
Sec. 3 and CCNet Sec. 3.2-3.3 are followed in the steps, not in their order: CCNet deduplicates
first and identifies documents, here paragraphs are identified first. Left out: quality filters,
perplexity, near-duplicates, several processes.
"""

import dataclasses
import hashlib
import itertools
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import polars as pl

from xlmr_lab import configs, progress, storage
from xlmr_lab.corpus import paragraphs, sources
from xlmr_lab.corpus.deduplicate import SeenKeys
from xlmr_lab.corpus.filters import character_reason
from xlmr_lab.corpus.identify import Identifier, train
from xlmr_lab.corpus.report import Report, Tally, identifier_report, nothing_left
from xlmr_lab.corpus.sources import RawDocument, SourceFile
from xlmr_lab.errors import UserError

logger = logging.getLogger(__name__)

CHUNK_BYTES = 32_000_000
"""Text that is cleaned at a time (bytes of UTF-8); no result depends on it."""

OPENING_CHARACTERS = 1000
"""Characters of a paragraph that the identifier is trained on at most."""

_EXPANSION = {".gz": 4, ".xz": 5, ".zst": 4}
"""How much larger than its file a text is expected to be, for the disk check."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class CleanConfig:
    """Which paragraphs are kept, and what the language identifier learns from."""

    labelled_sources: tuple[str, ...] = ()
    """Sources whose languages are to be trusted: the identifier is trained and measured on them;
    empty: all sources.
    """
    identifier_share: float = 0.8
    """Share of the labelled documents, chosen by hash, that the identifier may learn from; the
    others measure it.
    """
    identifier_bytes: int = 100_000
    """Text the identifier is trained on, for each language (bytes of UTF-8)."""
    max_damaged_share: float = 0.005
    """Largest share of damaged characters (wrong encoding, replacement, control) in a paragraph
    that is text.
    """
    min_letter_share: float = 0.5
    """Least share of letters and their marks among the characters other than spaces, in a paragraph
    that is text.
    """
    min_paragraph_bytes: int = 10
    """Least length of a paragraph (bytes of UTF-8)."""
    min_identified_bytes: int = 50
    """Least length of a paragraph whose language is identified by itself; a shorter one gets its
    document's (bytes).
    """
    min_confidence: float = 0.5
    """Least probability of the identified language (CCNet Sec. 3.3)."""
    max_bytes_per_language: int = 0
    """Text to read of each language, a document from each source in turn (bytes; 0: all)."""

    def __post_init__(self) -> None:
        for name in ("max_damaged_share", "min_letter_share", "min_confidence"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"clean.{name} must be in [0, 1], got {getattr(self, name)}")
        if not 0 < self.identifier_share < 1:
            raise UserError(
                f"clean.identifier_share must be between 0 and 1, got {self.identifier_share}"
            )
        for name in ("min_paragraph_bytes", "min_identified_bytes", "max_bytes_per_language"):
            if getattr(self, name) < 0:
                raise UserError(f"clean.{name} must be at least 0, got {getattr(self, name)}")
        if self.identifier_bytes < 1000:
            raise UserError(
                f"clean.identifier_bytes must be at least 1000, got {self.identifier_bytes}"
            )


def clean(files: Sequence[SourceFile], folder: Path, *, config: CleanConfig, seed: int) -> Report:
    """Clean files into `folder`: `documents/`, `rejected/`, `identifier.bin` and `report.json`.

    Raises:
        UserError: a file that cannot be read, a language with no text or none left, a full disk.
    """
    by_language: dict[str, list[SourceFile]] = {}
    for file in files:
        by_language.setdefault(file.language, []).append(file)
    labelled = _labelled(by_language, config)
    needed = sum(_expected_bytes(own, config) for own in by_language.values())
    storage.require_space(folder, needed, "cleaning")
    identifier, measured = _train_identifier(labelled, folder, config, seed)
    tallies = {language: Tally(language, folder) for language in by_language}
    with progress.bar(sum(map(_file_bytes, by_language.values())), "clean", "B") as bar:
        for language, own in by_language.items():
            start, tally = bar.n, tallies[language]
            for frame in _judged(own, identifier, config, bar.update):
                unseen = _unseen(frame, config, seed) if language in measured else frame.clear()
                tally.add(frame, unseen)
            tally.finish(own)
            bar.update(start + _file_bytes(own) - bar.n)
    report = Report(
        languages={language: tally.report() for language, tally in tallies.items()},
        identifier=identifier_report(tallies.values()),
    )
    storage.write_json(folder / "report.json", configs.to_dict(report))
    return report


def _judged(
    files: Sequence[SourceFile],
    identifier: Identifier,
    config: CleanConfig,
    advance: Callable[[int], object],
) -> Iterator[pl.DataFrame]:
    """Yield the paragraphs of one language's files with all reasons given, a chunk of documents at
    a time.
    """
    seen = SeenKeys()
    raw = _documents(files, config.max_bytes_per_language, advance)
    for chunk in paragraphs.chunks(raw, CHUNK_BYTES):
        frame = paragraphs.judge_language(
            _judged_by_characters(chunk, config),
            identifier,
            files[0].language,
            min_bytes=config.min_identified_bytes,
            min_confidence=config.min_confidence,
        )
        yield paragraphs.judge_duplicates(frame, seen)


def _judged_by_characters(chunk: pl.DataFrame, config: CleanConfig) -> pl.DataFrame:
    reason = character_reason(
        pl.col("raw"),
        pl.col("text"),
        max_damaged_share=config.max_damaged_share,
        min_letter_share=config.min_letter_share,
        min_bytes=config.min_paragraph_bytes,
    )
    return paragraphs.judge(paragraphs.split(chunk), reason)


def _documents(
    files: Sequence[SourceFile], max_bytes: int, advance: Callable[[int], object] | None = None
) -> Iterator[RawDocument]:
    """Yield documents, one from each file in turn, until `max_bytes` were read (0: all)."""
    readers = deque(sources.read(file, advance=advance) for file in files)
    num_bytes = 0
    while readers:
        document = next(readers[0], None)
        if document is None:
            readers.popleft()
            continue
        readers.rotate(-1)
        yield document
        num_bytes += len(document.text.encode("utf-8"))
        if max_bytes and num_bytes >= max_bytes:
            return


def _labelled(
    by_language: dict[str, list[SourceFile]], config: CleanConfig
) -> dict[str, list[SourceFile]]:
    """Return the files that the identifier may be trained on, by language."""
    known = sorted({file.source for files in by_language.values() for file in files})
    for name in config.labelled_sources:
        if name not in known:
            raise UserError(
                f"clean.labelled_sources: no source {name!r}; there are {', '.join(known)}"
            )
    trusted = config.labelled_sources or known
    labelled = {
        language: [file for file in files if file.source in trusted]
        for language, files in by_language.items()
    }
    without = [language for language, files in labelled.items() if not files]
    if without:
        raise UserError(
            f"no labelled text of {', '.join(without)} in the sources {', '.join(trusted)}; "
            "add a source to clean.labelled_sources or leave the languages out"
        )
    return labelled


def _train_identifier(
    labelled: dict[str, list[SourceFile]], folder: Path, config: CleanConfig, seed: int
) -> tuple[Identifier, set[str]]:
    """Train the identifier and return it with the languages that have documents left to measure it
    on.
    """
    texts, measured = {}, set()
    for language, files in labelled.items():
        texts[language], enough = _training_text(files, config, seed)
        if enough:
            measured.add(language)
    path = folder / "identifier.bin"
    logger.info("training the language identifier on %s languages", len(texts))
    train(texts, path, seed=seed)
    return Identifier.load(path), measured


def _training_text(
    files: Sequence[SourceFile], config: CleanConfig, seed: int
) -> tuple[list[str], bool]:
    """Return paragraphs to train on, and whether they leave documents out to measure on.

    Where chance gives a language no document to learn from, all are taken.
    """
    chosen: list[str] = []
    others: list[str] = []
    reasons: Counter[str] = Counter()
    raw = _documents(files, config.max_bytes_per_language)
    for chunk in paragraphs.chunks(raw, config.identifier_bytes):
        frame = _judged_by_characters(chunk, config)
        reasons.update(frame["reason"].drop_nulls().to_list())
        passing = frame.filter(pl.col("reason").is_null())
        openings = passing["text"].str.slice(0, OPENING_CHARACTERS)
        for doc_id, text in zip(passing["doc_id"], openings, strict=True):
            (chosen if _may_learn(doc_id, config, seed) else others).append(text)
        if sum(len(text.encode("utf-8")) for text in chosen) >= config.identifier_bytes:
            break
    if not chosen and not others:
        raise nothing_left(files[0].language, files, reasons)
    return _first(chosen or others, config.identifier_bytes), bool(chosen)


def _first(texts: Sequence[str], num_bytes: int) -> list[str]:
    """Return the first texts, each once, until they have `num_bytes` of UTF-8."""
    distinct = list(dict.fromkeys(texts))
    ends = itertools.accumulate(len(text.encode("utf-8")) for text in distinct)
    return [t for t, end in zip(distinct, ends, strict=True) if end <= num_bytes] or distinct[:1]


def _may_learn(doc_id: str, config: CleanConfig, seed: int) -> bool:
    digest = hashlib.blake2b(f"{seed}:{doc_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") < config.identifier_share * 2**64


def _unseen(frame: pl.DataFrame, config: CleanConfig, seed: int) -> pl.DataFrame:
    """Return the identified paragraphs of labelled documents that are not there to learn from."""
    identified = frame.filter("identified")
    if config.labelled_sources:
        identified = identified.filter(pl.col("source").is_in(config.labelled_sources))
    unseen = [d for d in identified["doc_id"].unique() if not _may_learn(d, config, seed)]
    return identified.filter(pl.col("doc_id").is_in(unseen))


def _file_bytes(files: Sequence[SourceFile]) -> int:
    return sum(file.path.stat().st_size for file in files)


def _expected_bytes(files: Sequence[SourceFile], config: CleanConfig) -> int:
    """Estimate what the cleaned and rejected text will take on the disk."""
    sizes = [f.path.stat().st_size * _EXPANSION.get(f.path.suffix, 1) for f in files]
    return min(sum(sizes), config.max_bytes_per_language or sum(sizes))
