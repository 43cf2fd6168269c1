"""Measuring: every paragraph of the input once, by its characters, two identifiers and a language
model; the slow part of cleaning, spread over processes or machines.

`measured/` holds a table of paragraphs for each piece of about `CHUNK_BYTES` of text, so memory
does not grow with the input, and a receipt for each portion of the input, which is written last and
names checksums: a portion without a whole receipt is measured again. No threshold is applied here.
"""

import glob
import io
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from xlmr_lab import configs, storage
from xlmr_lab.corpus import executors, models, paragraphs, portions, verdicts
from xlmr_lab.corpus.deduplicate import paragraph_keys, salt
from xlmr_lab.corpus.executors import Call, Executor
from xlmr_lab.corpus.models import MeasureConfig, Models
from xlmr_lab.corpus.perplexity import Scorer
from xlmr_lab.corpus.portions import Portion
from xlmr_lab.corpus.sources import SourceFile
from xlmr_lab.errors import ResumableError, UserError

CHUNK_BYTES = 32_000_000
"""Text that is measured at a time (bytes of UTF-8). What is kept and why the rest is not do not
depend on it; the order of rejected near-duplicates does, and which documents of very many the
percentiles rest on.
"""

MODELS_NAME = "models"
MARK_NAME = "measuring.json"
MEASURED_NAME = "measured"

SMALL_BYTES = 30_000_000
"""Input up to this size is measured in this process: starting others would take longer (bytes)."""

_PACKED = {".gz": 4, ".xz": 5, ".zst": 4, ".bz2": 5}
"""How much larger than its file a text is expected to be."""


def measure(
    files: Sequence[SourceFile],
    folder: Path,
    *,
    config: MeasureConfig,
    seed: int,
    jobs: int = 1,
    executor: Executor = "local",
) -> None:
    """Learn the models from the labelled files and measure all files into `folder`.

    Raises:
        UserError: a file that cannot be read, a language with no text, a full disk.
    """
    dealt = portions.deal(files)
    mark = _mark(dealt, config, seed)
    if not _is_begun(folder, mark):
        needed = sum(_expected_bytes(portion, config.max_bytes_per_language) for portion in dealt)
        storage.require_space(folder, needed, "measuring the text")
        storage.write_json(folder / MARK_NAME, mark)
    size = sum(_file_bytes(portion) for portion in dealt)
    small = size <= SMALL_BYTES and executor == "local"
    jobs = 1 if small else jobs
    model_folder = folder / MODELS_NAME
    model_folder.mkdir(exist_ok=True)
    models.learn(
        dealt,
        model_folder,
        config=config,
        seed=seed,
        jobs=jobs,
        executor=executor,
    )
    calls = [_call(portion, folder, config, mark) for portion in dealt]
    try:
        executors.run(calls, label="measure", jobs=jobs, executor=executor)
    except UserError as error:
        if small:
            raise
        raise ResumableError(
            f"{error}; mend that and run the same command again, other files are not read anew"
        ) from None


def _mark(dealt: Sequence[Portion], config: MeasureConfig, seed: int) -> str:
    """Return a fingerprint of all that decides what is measured: files, settings, model."""
    given = config.identifier_path
    if given and not Path(given).is_file():
        raise UserError(f"measure.identifier_path: no fastText model at {given}")
    files = [file.place for portion in dealt for file in portion.files if file.is_local]
    status = [os.stat(name) for name in [*files, *([given] if given else [])]]
    return configs.fingerprint(
        [list(map(list, portion.files)) for portion in dealt],
        [[s.st_size, s.st_mtime_ns] for s in status],
        config,
        seed,
        CHUNK_BYTES,
    )


def _is_begun(folder: Path, mark: str) -> bool:
    """Return whether this very measuring was begun in a folder; what is of another one goes."""
    path = folder / MARK_NAME
    if path.is_file() and storage.read_json(path) == mark:
        return True
    path.unlink(missing_ok=True)  # first: a kill must not leave it with half of what it stands for
    for name in (MODELS_NAME, MEASURED_NAME):
        shutil.rmtree(folder / name, ignore_errors=True)
    return False


def _call(portion: Portion, folder: Path, config: MeasureConfig, mark: str) -> Call:
    arguments = {
        "portion": portion,
        "folder": folder,
        "config": config,
        "chunk_bytes": CHUNK_BYTES,
        "mark": mark,
    }
    return Call(measure_portion, arguments, size=max(1, _file_bytes(portion)))


def measure_portion(
    portion: Portion,
    folder: Path,
    *,
    config: MeasureConfig,
    chunk_bytes: int,
    mark: str,
) -> None:
    """Measure a portion into `measured/<portion>-<number>.parquet`, unless that is done; `mark`
    names the measuring that it belongs to.
    """
    target = folder / MEASURED_NAME
    receipt = target / f"{portion.name}.json"
    if is_whole(receipt):
        return
    for left in target.glob(f"{glob.escape(portion.name)}-*.parquet"):  # of a killed try
        left.unlink()
    loaded = models.load(folder / MODELS_NAME, config.identifier_path, mark)
    unreadable: Counter[str] = Counter()
    pieces: list[dict[str, Any]] = []
    raw = portions.read(
        portion,
        max_bytes=config.max_bytes_per_language,
        unreadable=unreadable,
        main_content=config.main_content,
    )
    for number, chunk in enumerate(paragraphs.chunks(raw, chunk_bytes)):
        frame = measured(chunk, portion.language, loaded)
        path = target / f"{portion.name}-{number:05d}.parquet"
        write_table(path, frame)
        size = int(chunk["text"].str.len_bytes().sum())
        counts = {"documents": chunk.height, "paragraphs": frame.height, "bytes": size}
        pieces.append(piece_receipt(path) | counts)
    storage.write_json(
        receipt,
        {
            "language": portion.language,
            "files": [file.place for file in portion.files],
            "unreadable": dict(sorted(unreadable.items())),
            "pieces": pieces,
        },
    )


def measured(chunk: pl.DataFrame, claimed: str | None, loaded: Models) -> pl.DataFrame:
    """Return the paragraphs of documents with all that is measured of them; `text` is null where it
    is the same as `raw`, to save space.
    """
    frame = verdicts.identify(paragraphs.split(chunk), loaded.identifiers)
    whole = verdicts.settled(frame, "document", loaded.identifiers)
    found = pl.when(pl.col("voted") != "").then("voted").otherwise(whole)
    frame = frame.with_columns(
        expected=found if claimed is None else pl.lit(claimed),
        claimed=pl.lit(claimed, dtype=pl.String),
    )
    keys = pl.Series("key", _keys(frame), dtype=pl.UInt64)
    scored = _with_log_probabilities(frame.with_columns(keys), loaded.scorer)
    same = pl.col("text") == pl.col("raw")
    return scored.drop("language").with_columns(text=pl.when(~same).then("text"))


def pieces(folder: Path) -> list[Path]:
    """Return the tables of paragraphs in the order of the input."""
    receipts = portion_receipts(folder)
    return [folder / MEASURED_NAME / piece["name"] for r in receipts for piece in r["pieces"]]


def portion_receipts(folder: Path) -> list[dict[str, Any]]:
    """Return the receipts of all portions in the order of the input."""
    return [storage.read_json(path) for path in sorted((folder / MEASURED_NAME).glob("*.json"))]


def write_table(path: Path, frame: pl.DataFrame) -> None:
    """Write a table whole or not at all."""
    packed = io.BytesIO()
    frame.write_parquet(packed, compression="zstd", compression_level=1)
    storage.write_bytes(path, packed.getvalue())


def piece_receipt(path: Path) -> dict[str, Any]:
    """Return the name and checksum of a file."""
    return {"name": path.name, "sha256": storage.checksum(path)}


def is_whole(receipt: Path) -> bool:
    """Return whether a receipt is there and every file that it names is as it was written."""
    if not receipt.is_file():
        return False
    for piece in storage.read_json(receipt)["pieces"]:
        path = receipt.parent / piece["name"]
        if not path.is_file() or storage.checksum(path) != piece["sha256"]:
            return False
    return True


def _keys(frame: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return the key of each paragraph in its language: the same words under another language are
    no copy.
    """
    keys: np.ndarray[Any, np.dtype[np.uint64]] = paragraph_keys(frame["text"]).to_numpy()
    salts = {name: salt(name) for name in frame["expected"].unique().to_list()}
    mask = frame["expected"].replace_strict(salts, return_dtype=pl.UInt64).to_numpy()
    return keys ^ mask


def _with_log_probabilities(frame: pl.DataFrame, scorer: Scorer | None) -> pl.DataFrame:
    """Add the log-probability and number of tokens of each paragraph that is text, under the model
    of its language; null where there is none.
    """
    rows = paragraphs.judged_by_characters(frame).with_row_index("row")
    parts = []
    for language in scorer.languages if scorer is not None else []:
        own = rows.filter(pl.col("reason").is_null() & (pl.col("expected") == language))
        if own.is_empty():
            continue
        assert scorer is not None
        scores, tokens = scorer.score(own["text"].to_list(), language)
        parts.append(
            own.select("row").with_columns(
                log10_probability=pl.Series(scores, dtype=pl.Float64),
                num_tokens=pl.Series(tokens, dtype=pl.Int64),
            )
        )
    empty = pl.DataFrame(
        schema={"row": rows.schema["row"], "log10_probability": pl.Float64, "num_tokens": pl.Int64}
    )
    scored = pl.concat([empty, *parts])
    joined = rows.join(scored, on="row", how="left", maintain_order="left")
    return joined.drop("row", "reason")


def _file_bytes(portion: Portion) -> int:
    return sum(map(_size, portion.files))


def _size(file: SourceFile) -> int:
    """Return the size of a local file (bytes), 0 of one on the network."""
    return file.path.stat().st_size if file.is_local else 0


def _expected_bytes(portion: Portion, max_bytes: int) -> int:
    """Estimate what the measured text will take on the disk."""
    sizes = [_size(file) * _PACKED.get(Path(file.place).suffix, 1) for file in portion.files]
    return min(sum(sizes), max_bytes or sum(sizes))
