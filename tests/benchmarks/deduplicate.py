"""Paragraph deduplication against cc_net's loop, paired in one process, and the rate of MinHash.

cc_net's loop is written anew after its description (CCNet Sec. 3.2): of each paragraph the normal
form by Python's string methods and regular expressions, 8 bytes of SHA-1; a table that knows of
each hash whether more than one document has it; a second pass that drops all paragraphs with such a
hash, and copies within a document. Both get the same documents and return what is left of each, the
loop as a list of strings, the lab as a Polars series. Rounds alternate, and time is CPU time, so
that a busy machine hurts both alike; Polars has one thread. Bars: the same is left of each
document, and cc_net's loop takes 2.5 times as long.

    python tests/benchmarks/deduplicate.py
    python tests/benchmarks/deduplicate.py --folder ../shared/data/text --megabytes 20
"""

import argparse
import hashlib
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # before it is imported

import bars
import polars as pl

from xlmr_lab.babel import corpora
from xlmr_lab.babel.corpora import BabelConfig
from xlmr_lab.corpus import sources
from xlmr_lab.corpus.deduplicate import PUNCTUATION, find_duplicates, paragraph_keys, repeats
from xlmr_lab.corpus.minhash import NearDuplicateConfig, band_keys
from xlmr_lab.corpus.near_duplicates import find_near_duplicates

DIGIT = re.compile(r"\d")
DROPPED = re.compile(f"[{PUNCTUATION}\x00-\x1f\x7f-\x9f]")
LEAST_RATIO = 2.5
DATATROVE_RATE = 0.49
"""MB of text for which datatrove 0.10.1 makes signatures of 14 x 8 in a CPU-second of the machine
of `RESULTS.md`.
"""


def main() -> None:
    """Measure, print the ratios, and hold the bars."""
    options = parse()
    documents = read(options)
    size = sum(len(text.encode()) for text in documents) / 1e6
    series = pl.Series("line", documents)
    loops: dict[str, Callable[[], Sequence[str] | pl.Series]] = {
        "cc_net": lambda: cc_net(documents),
        "xlmr_lab": lambda: lab(series),
    }
    kept = {name: list(loop()) for name, loop in loops.items()}
    num_paragraphs = sum(text.count("\n") + 1 for text in documents)
    num_kept = sum(text.count("\n") + 1 for text in kept["cc_net"] if text)
    differing = sum(a != b for a, b in zip(kept["cc_net"], kept["xlmr_lab"], strict=True))
    print(
        f"{len(documents):,} documents of {size:.1f} MB, {num_paragraphs:,} paragraphs, "
        f"{num_kept:,} kept; documents that differ: {differing}"
    )
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(options.rounds):
        for name, loop in loops.items():
            seconds[name].append(cpu_seconds(loop))
    for name, values in seconds.items():
        print(f"{name:10s}{size / statistics.median(values):8.1f} MB per CPU second")
    ratios = sorted(a / b for a, b in zip(seconds["cc_net"], seconds["xlmr_lab"], strict=True))
    print(f"ratio {statistics.median(ratios):.2f} (rounds {ratios[0]:.2f} to {ratios[-1]:.2f})")
    measure_keys(options)
    measure_minhash(documents, size, options.rounds)
    bars.finish(
        [
            bars.at_most("documents that differ", differing, 0),
            bars.at_least("ratio", statistics.median(ratios), LEAST_RATIO),
        ]
    )


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, help="a corpus on the disk; default: Babel")
    parser.add_argument("--megabytes", type=float, default=20.0, help="text to read")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keys", type=int, default=10_000_000, help="random keys to deduplicate")
    return parser.parse_args()


def cpu_seconds(run: Callable[[], object]) -> float:
    """Return the CPU time that a call takes."""
    began = time.process_time()
    run()
    return time.process_time() - began


def read(options: argparse.Namespace) -> list[str]:
    """Return documents of a corpus, from every file the same amount."""
    with tempfile.TemporaryDirectory() as folder:
        if not options.folder:
            corpora.write(Path(folder), BabelConfig(corpus_bytes=int(options.megabytes * 1e6)))
        files = sources.find(options.folder or Path(folder) / "corpus")
        documents = []
        for file in files:
            left = options.megabytes * 1e6 / len(files)
            for document in sources.read(file):
                documents.append(document.text.strip("\n"))
                left -= len(document.text.encode())
                if options.folder and left < 0:
                    break
    return documents


def cc_net(documents: list[str]) -> list[str]:
    """Return what cc_net's two passes leave of documents."""
    hashes = []
    repeated: dict[int, bool] = {}
    for text in documents:
        values = [cc_net_hash(line) for line in text.split("\n")]
        for value in set(values):
            repeated[value] = value in repeated
        hashes.append(values)
    kept = []
    for text, values in zip(documents, hashes, strict=True):
        lines, seen = [], set()
        for line, value in zip(text.split("\n"), values, strict=True):
            if not repeated[value] and value not in seen:
                lines.append(line)
            seen.add(value)
        kept.append("\n".join(lines))
    return kept


def cc_net_hash(line: str) -> int:
    """Return 8 bytes of the SHA-1 of a paragraph's normal form."""
    line = line.strip()
    if line:
        line = DROPPED.sub("", DIGIT.sub("0", line.lower()))
    return int.from_bytes(hashlib.sha1(line.encode()).digest()[:8], "little")


def lab(documents: pl.Series) -> pl.Series:
    """Return what the lab leaves of documents."""
    lists = documents.str.split("\n").to_frame().with_row_index("document")
    lines = lists.explode("line")
    keys = paragraph_keys(lines["line"])
    dropped = repeats(keys, lines["document"]).to_numpy(writable=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keys.npy"
        np.save(path, keys.to_numpy()[~dropped])
        (flags,) = find_duplicates(
            [path], Path(folder) / "duplicates", keep="none", memory_bytes=1 << 30
        )
        dropped[~dropped] = np.load(flags)
    kept = lines.filter(~pl.Series(dropped)).with_columns(pl.col("document").set_sorted())
    lists_kept = kept.group_by("document", maintain_order=True).agg("line")
    texts = lists.select("document").join(
        lists_kept.with_columns(pl.col("line").list.join("\n")),
        on="document",
        how="left",
        maintain_order="left",
    )
    return texts["line"].fill_null("")


def measure_keys(options: argparse.Namespace) -> None:
    """Print how long it takes to find duplicates among random keys."""
    keys = np.random.default_rng(0).integers(0, 2**64, size=options.keys, dtype=np.uint64)
    keys[: options.keys // 5] = keys[-(options.keys // 5) :]
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.npy" for number in range(10)]
        for path, piece in zip(paths, np.array_split(keys, 10), strict=True):
            np.save(path, piece)
        for megabytes in (16, 1000):
            seconds = cpu_seconds(
                lambda memory=megabytes: find_duplicates(
                    paths, Path(folder) / "out", keep="first", memory_bytes=memory << 20
                )
            )
            print(f"{options.keys:,} keys in {megabytes} MB: {seconds:.2f} CPU seconds")


def measure_minhash(documents: list[str], size: float, rounds: int) -> None:
    """Print the rate of MinHash keys and of clustering."""
    texts, config = pl.Series(documents), NearDuplicateConfig()
    keys = band_keys(texts, config=config)
    rate = size / statistics.median(
        cpu_seconds(lambda: band_keys(texts, config=config)) for _ in range(rounds)
    )
    print(f"MinHash {rate:.1f} MB per CPU second, {rate / DATATROVE_RATE:.0f} times datatrove's")
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "keys.npy", keys)
        near = Path(folder) / "near"
        seconds = cpu_seconds(
            lambda: find_near_duplicates([near.parent / "keys.npy"], near, memory_bytes=1 << 30)
        )
        share = np.load(near / "000000.npy")["duplicate"].mean()
    print(
        f"clusters: {len(documents) / seconds:,.0f} documents per CPU second, {share:.1%} dropped"
    )


if __name__ == "__main__":
    main()
