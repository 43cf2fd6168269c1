"""The cleaning pipeline: measured paragraphs to a clean corpus per language, with a stage and a
reason for all that was left out.

The steps are XLM-R's (Sec. 3) and CCNet's (Sec. 3.2-3.4): characters, languages, duplicates over
the whole corpus (`judge`), contamination and filters of documents, perplexity (`assemble`),
near-duplicates, buckets. CCNet deduplicates first and identifies documents; here paragraphs are
identified first, so that a copy under another language is no copy. Each step works on pieces, whose
results are files with receipts, so a killed run goes on where it was; memory is bounded by
`memory_bytes` and the size of a piece. Other thresholds need no second measuring.
"""

import contextlib
import dataclasses
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from xlmr_lab import configs, storage
from xlmr_lab.corpus import assemble, contamination, executors, measure, write
from xlmr_lab.corpus.deduplicate import find_duplicates
from xlmr_lab.corpus.executors import Call, Executor
from xlmr_lab.corpus.judge import CleanConfig, Judge
from xlmr_lab.corpus.models import MeasureConfig
from xlmr_lab.corpus.near_duplicates import find_near_duplicates
from xlmr_lab.corpus.report import Report
from xlmr_lab.corpus.sources import SourceFile
from xlmr_lab.errors import ResumableError, UserError

MEMORY_BYTES = 1_000_000_000
"""Memory for finding duplicates, where none is set (bytes)."""

WORK_NAME = "work"
MARK_NAME = "cleaning.json"
KEYS_NAME = "keys"
DUPLICATES_NAME = "duplicates"
ASSEMBLED_NAME = "assembled"
NEAR_NAME = "near"
FINGERPRINTS_NAME = "evaluation.npy"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Workplace:
    """Where and how a cleaning works; no result depends on it."""

    jobs: int = 1
    """Processes at work at once."""
    executor: Executor = "local"
    """Processes of this machine, or a Ray cluster."""
    memory_bytes: int = MEMORY_BYTES
    """Memory for finding duplicates (bytes)."""


def clean(
    files: Sequence[SourceFile],
    folder: Path,
    *,
    config: CleanConfig,
    measuring: MeasureConfig,
    seed: int,
    languages: Sequence[str] = (),
    place: Workplace = Workplace(),
) -> Report:
    """Measure files and clean them into `folder`: `documents/`, `rejected/`, `report.json`, and the
    `models/` and `measured/` that were made on the way.

    Raises:
        UserError: a file that cannot be read, a language with no text or none left, a full disk.
    """
    measure.measure(
        files, folder, config=measuring, seed=seed, jobs=place.jobs, executor=place.executor
    )
    return clean_measured(
        folder,
        folder,
        config=config,
        measuring=measuring,
        seed=seed,
        languages=languages,
        place=place,
    )


def clean_measured(
    measured: Path,
    folder: Path,
    *,
    config: CleanConfig,
    measuring: MeasureConfig,
    seed: int,
    languages: Sequence[str] = (),
    place: Workplace = Workplace(),
) -> Report:
    """Clean what `measure.measure` left in `measured` into `folder`, by these thresholds.

    `languages` are those wanted of text that names none (empty: all).
    """
    judge = Judge.open(
        measured / measure.MODELS_NAME,
        config,
        measuring=measuring,
        seed=seed,
        languages=languages,
    )
    receipts = _portions(measured)
    work = _Work(measured, folder, judge, place, receipts)
    if work.is_new:
        work.begin()
    _prepare_contamination(config, work.folder)
    work.each_piece(write_keys, "judge")
    work.find_duplicates()
    work.each_piece(assemble_piece, "assemble")
    work.find_near_duplicates()
    report = write.write(
        work.files(ASSEMBLED_NAME, ".json"),
        folder,
        near=work.folder / NEAR_NAME if config.near_duplicates else None,
        portions=receipts,
        settings=config.buckets,
        jobs=work.jobs,
        executor=place.executor,
    )
    work.remove()
    return report


def _portions(measured: Path) -> list[dict[str, Any]]:
    """Return the receipts of what was read.

    Raises:
        UserError: it holds no document; the message counts what could not be read.
    """
    receipts = measure.portion_receipts(measured)
    if any(portion["pieces"] for portion in receipts):
        return receipts
    unreadable: Counter[str] = Counter()
    for portion in receipts:
        unreadable.update(portion["unreadable"])
    told = ", ".join(f"{reason} {count:,}" for reason, count in sorted(unreadable.items()))
    where = ", ".join(place for portion in receipts for place in portion["files"])
    raise UserError(f"no document can be read from {where} (records left out: {told or 'none'})")


class _Work:
    """The pieces of a cleaning and what is made of them on the way."""

    def __init__(
        self,
        measured: Path,
        folder: Path,
        judge: Judge,
        place: Workplace,
        portions: Sequence[dict[str, Any]],
    ) -> None:
        self.folder = folder / WORK_NAME
        self._pieces = measure.pieces(measured)
        self._judge = judge
        self._place = place
        self.size = sum(path.stat().st_size for path in self._pieces)
        small = self.size < measure.SMALL_BYTES and place.executor == "local"
        self.jobs = 1 if small else place.jobs
        self._mark = configs.fingerprint(judge.config, judge.languages, portions)
        begun = self.folder / MARK_NAME
        self.is_new = not begun.is_file() or storage.read_json(begun) != self._mark

    def begin(self) -> None:
        """Make room, and let nothing stay that another cleaning left."""
        storage.require_space(self.folder, 5 * self.size, "cleaning")
        self.remove()
        for name in ("documents", "rejected"):
            shutil.rmtree(self.folder.with_name(name), ignore_errors=True)
        storage.write_json(self.folder / MARK_NAME, self._mark)

    def remove(self) -> None:
        """Remove what was made on the way; the mark first, so that what a kill leaves of it is
        not taken for work that is done.
        """
        (self.folder / MARK_NAME).unlink(missing_ok=True)
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def files(self, name: str, suffix: str) -> list[Path]:
        """Return the file that a step makes of each piece, in their order."""
        return [_numbered(self.folder / name, n, suffix) for n in range(len(self._pieces))]

    def each_piece(self, function: Callable[..., None], label: str) -> None:
        """Call a function for every piece."""
        calls = [
            Call(
                function,
                {"piece": path, "number": number, "judge": self._judge, "work": self.folder},
            )
            for number, path in enumerate(self._pieces)
        ]
        executor = self._place.executor
        executors.run(calls, label=label, unit="piece", jobs=self.jobs, executor=executor)

    def find_duplicates(self) -> None:
        """Find the paragraphs that are copies, unless that is done."""
        found = self.folder / DUPLICATES_NAME
        if not found.is_dir():
            keys, keep = self.files(KEYS_NAME, ".npy"), self._judge.config.keep
            with _goes_on():
                find_duplicates(keys, found, keep=keep, memory_bytes=self._place.memory_bytes)

    def find_near_duplicates(self) -> None:
        """Find the documents that are nearly copies, if that is wanted and not done."""
        found = self.folder / NEAR_NAME
        if self._judge.config.near_duplicates and not found.is_dir():
            bands = self.files(ASSEMBLED_NAME, ".npy")
            with _goes_on():
                find_near_duplicates(bands, found, memory_bytes=self._place.memory_bytes)


@contextlib.contextmanager
def _goes_on() -> Iterator[None]:
    """Have what a user can mend leave the work that is done: more memory, more disk."""
    try:
        yield
    except UserError as error:
        raise ResumableError(f"{error}; then run the same command again, it goes on") from None


def write_keys(piece: Path, number: int, judge: Judge, work: Path) -> None:
    """Write the keys of a piece's paragraphs that may be duplicates, unless that is done."""
    path = _numbered(work / KEYS_NAME, number, ".npy")
    if not path.is_file():
        _save(path, assemble.keys(piece, judge))


def assemble_piece(piece: Path, number: int, judge: Judge, work: Path) -> None:
    """Write what becomes of a piece, unless that is done: `<number>.parquet`, its documents,
    `<number>-rejected.parquet`, `<number>.npy`, their keys, and `<number>.json`, the receipt.
    """
    receipt = _numbered(work / ASSEMBLED_NAME, number, ".json")
    if measure.is_whole(receipt):
        return
    copies = np.load(_numbered(work / DUPLICATES_NAME, number, ".npy"))
    evaluation = work / FINGERPRINTS_NAME
    fingerprints = contamination.load(evaluation) if evaluation.is_file() else None
    made = assemble.assemble(pl.read_parquet(piece), judge, copies, fingerprints)
    tables = {
        receipt.with_suffix(".parquet"): made.documents,
        receipt.with_name(f"{receipt.stem}-rejected.parquet"): made.rejected,
    }
    for path, table in tables.items():
        measure.write_table(path, table)
    paths = list(tables)
    if made.bands is not None:
        paths.append(receipt.with_suffix(".npy"))
        _save(paths[-1], made.bands)
    storage.write_json(
        receipt,
        {
            "pieces": [measure.piece_receipt(path) for path in paths],
            "read": made.read.to_dicts(),
            "identified": made.identified.to_dicts(),
        },
    )


def _prepare_contamination(config: CleanConfig, work: Path) -> None:
    """Write the fingerprints of the evaluation sets, if there are any."""
    guard, path = config.contamination, work / FINGERPRINTS_NAME
    if guard.evaluation_sets and not path.is_file():
        texts = contamination.evaluation_texts(guard)
        made = contamination.build(texts, guard.num_words, guard.min_words)
        contamination.save(path, made)


def _numbered(folder: Path, number: int, suffix: str) -> Path:
    return folder / f"{number:06d}{suffix}"


def _save(path: Path, array: npt.NDArray[Any]) -> None:
    with storage.atomic_path(path) as partial, partial.open("wb") as file:
        np.save(file, array)
