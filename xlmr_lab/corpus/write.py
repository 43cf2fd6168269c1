"""Writing: the documents of each language out of all pieces, in shards, with what was rejected
beside them and everything counted.

Near duplicates go and buckets come in here, since both need the whole corpus: a document is in its
language's head, middle or tail by the percentiles of perplexity (CCNet Sec. 4.1). At the end read =
kept + rejected is checked for every language.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from xlmr_lab import configs, storage
from xlmr_lab.corpus import assemble, buckets, documents, executors
from xlmr_lab.corpus import report as reports
from xlmr_lab.corpus.buckets import BucketConfig
from xlmr_lab.corpus.executors import Call, Executor
from xlmr_lab.corpus.report import Report

SHARD_BYTES = 16_000_000
"""Text of a shard, which ends with the document that reaches it (bytes of UTF-8)."""

COUNTS_NAME = "counts"
REPORT_NAME = "report.json"

READ = ("documents", "paragraphs", "bytes")

MAX_PERPLEXITIES = 4_000_000
"""Documents that the percentiles of all languages together rest on at most; of more, every second
or third and so on."""

Cutoffs = Mapping[str, tuple[float, float]]


def write(
    receipts: Sequence[Path],
    folder: Path,
    *,
    near: Path | None,
    portions: Sequence[dict[str, Any]],
    settings: BucketConfig,
    jobs: int,
    executor: Executor,
) -> Report:
    """Write the assembled pieces of these receipts into `folder` and report on them.

    Raises:
        UserError: nothing is left of a language that files claim to be in.
    """
    work = receipts[0].parent.parent
    known = [storage.read_json(path) for path in receipts]
    read, pieces_of = _read_by_language(receipts, known)
    cutoffs = _cutoffs(receipts, near, settings)
    calls = [
        Call(
            write_language,
            {
                "language": language,
                "receipts": pieces_of[language],
                "folder": folder,
                "work": work,
                "near": near,
                "cutoffs": cutoffs,
            },
        )
        for language in sorted(read)
    ]
    executors.run(calls, label="write", unit="language", jobs=jobs, executor=executor)
    report = reports.collect(
        read=read,
        written={key: storage.read_json(work / COUNTS_NAME / f"{key}.json") for key in read},
        identified=[row for receipt in known for row in receipt["identified"]],
        portions=portions,
        cutoffs=cutoffs,
    )
    storage.write_json(folder / REPORT_NAME, configs.to_dict(report))
    return report


def _read_by_language(
    receipts: Sequence[Path], known: Sequence[dict[str, Any]]
) -> tuple[dict[str, dict[str, int]], dict[str, list[Path]]]:
    """Return what was read of each language, and the receipts of the pieces that have any of it."""
    read: dict[str, Counter[str]] = defaultdict(Counter)
    pieces_of: dict[str, list[Path]] = defaultdict(list)
    for path, receipt in zip(receipts, known, strict=True):
        for row in receipt["read"]:
            pieces_of[row["lang"]].append(path)
            read[row["lang"]].update({name: row[name] for name in READ})
    return {language: dict(counts) for language, counts in read.items()}, dict(pieces_of)


def write_language(
    language: str,
    receipts: Sequence[Path],
    folder: Path,
    work: Path,
    near: Path | None,
    cutoffs: Cutoffs,
) -> None:
    """Write a language's shards and then its counts, unless the counts are there."""
    receipt = work / COUNTS_NAME / f"{language}.json"
    if receipt.is_file():
        return
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    kept = _Shards(folder / "documents", language)
    left = _Shards(folder / "rejected", language)
    for path in receipts:
        own = _of(language, path.with_suffix(".parquet"))
        doomed = _near_duplicates(language, path, near)
        stays = own.filter(~doomed).drop("places")
        kept.add(stays.with_columns(bucket=_bucket(cutoffs)))
        rejected = _of(language, path.with_name(f"{path.stem}-rejected.parquet"))
        rejected = pl.concat([rejected, assemble.expand(own.filter(doomed), "near_duplicate")])
        left.add(rejected)
        groups = rejected.group_by("reason")
        reasons.update(dict(groups.len().iter_rows()))
        sizes.update(dict(groups.agg(pl.col("num_bytes").sum()).iter_rows()))
        counts.update(
            documents=stays.height,
            paragraphs=int(stays["num_paragraphs"].sum()),
            bytes=int(stays["num_bytes"].sum()),
        )
    kept.close()
    left.close()
    written = {"kept": counts, "rejected": reasons, "rejected_bytes": sizes}
    storage.write_json(receipt, {name: dict(sorted(own.items())) for name, own in written.items()})


class _Shards:
    """Gathers rows of one language and writes them in shards of about `SHARD_BYTES`."""

    def __init__(self, folder: Path, language: str) -> None:
        self._folder = folder
        self._language = language
        self._waiting: list[pl.DataFrame] = []
        self._bytes = self._number = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Take rows; where they fill a shard, write it."""
        while self._bytes + int(frame["num_bytes"].sum()) >= SHARD_BYTES:
            ends = frame["num_bytes"].cum_sum() + self._bytes
            size = int((ends < SHARD_BYTES).sum()) + 1
            self._waiting.append(frame.head(size))
            self.close()
            frame = frame.slice(size)
        if not frame.is_empty():
            self._waiting.append(frame)
            self._bytes += int(frame["num_bytes"].sum())

    def close(self) -> None:
        """Write what waits."""
        if self._waiting:
            table = pl.concat(self._waiting).rechunk()
            documents.write_shard(self._folder, self._language, self._number, table)
            self._number += 1
        self._waiting, self._bytes = [], 0


def _of(language: str, path: Path) -> pl.DataFrame:
    return pl.scan_parquet(path).filter(pl.col("lang") == language).collect()


def _near_duplicates(language: str, receipt: Path, near: Path | None) -> pl.Series:
    """Return which of a language's documents of a piece are near duplicates of earlier ones."""
    languages = pl.read_parquet(receipt.with_suffix(".parquet"), columns=["lang"])["lang"]
    if near is None:
        return pl.Series(np.zeros(int((languages == language).sum()), dtype=bool))
    flags = np.load(near / f"{receipt.stem}.npy")["duplicate"]
    return pl.Series(flags[(languages == language).to_numpy()])


def _bucket(cutoffs: Cutoffs) -> pl.Expr:
    return buckets.bucket(pl.col("perplexity"), pl.col("lang"), cutoffs)


def _cutoffs(
    receipts: Sequence[Path], near: Path | None, settings: BucketConfig
) -> dict[str, tuple[float, float]]:
    """Return where the buckets of each language begin, over the documents that stay."""
    parts: list[pl.DataFrame] = []
    step = 1
    for path in receipts:
        frame = pl.read_parquet(path.with_suffix(".parquet"), columns=["lang", "perplexity"])
        if near is not None:
            frame = frame.filter(~pl.Series(np.load(near / f"{path.stem}.npy")["duplicate"]))
        parts.append(frame.filter(pl.col("perplexity").is_not_null()).gather_every(step))
        while sum(part.height for part in parts) > MAX_PERPLEXITIES:
            step *= 2
            parts = [part.gather_every(2) for part in parts]
    known = pl.concat(parts)
    by_language = {str(language): own["perplexity"] for (language,), own in known.group_by("lang")}
    ordered = {language: by_language[language] for language in sorted(by_language)}
    return buckets.cutoffs(ordered, config=settings)
