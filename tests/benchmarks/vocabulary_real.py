"""A vocabulary of real text in many languages: time, memory, what is unknown, which letters go.

The text is one folder per source with a file per language, `<source>/<language>.txt.xz`; a language
takes part with all its sources together, from `--least-bytes` on. Training runs in a process of its
own, whose peak memory is told beside what was predicted; then all of the text is encoded. Bars: 12
GiB, at most 0.1 % of the pieces of each language unknown, no letter above 1 in 100,000 of the
letters of its language lost.

    python tests/benchmarks/vocabulary_real.py --text FOLDER --sizes 32002,250002
"""

import argparse
import json
import lzma
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import bars
from bars import Bar

from xlmr_lab import storage
from xlmr_lab.vocabulary import letters, train
from xlmr_lab.vocabulary.load import RECORD_NAME, Vocabulary, load
from xlmr_lab.vocabulary.sample import batched
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.special_tokens import UNK_ID

MEMORY_BYTES = 12 << 30
MOST_UNKNOWN = 0.001
RAREST_LETTER = 1e-5


def main() -> None:
    """Train each size in a process, print what it took, and hold the bars."""
    options = parse()
    texts = found(options.text, options.least_bytes)
    if options.child:
        return run(texts, options)
    print(f"{len(texts)} languages, {sum(map(size_bytes, texts.values())) / 1e6:.1f} MB of text")
    verdicts = list[Bar]()
    with tempfile.TemporaryDirectory() as name:
        for size in options.sizes:
            folder = Path(f"{options.folder}-{size}" if options.folder else f"{name}/{size}")
            peak, told = trained(folder, size)
            print(f"{options.model}, {size:,} ids: {told}", flush=True)
            of_size = [bars.at_most("peak GiB", peak / 2**30, MEMORY_BYTES / 2**30)]
            of_size += held(texts, load(folder))
            verdicts += [bar._replace(told=f"{size} ids: {bar.told}") for bar in of_size]
    bars.finish(verdicts)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--text", type=Path, required=True, help="folder of sources")
    parser.add_argument(
        "--sizes", type=lambda text: list(map(int, text.split(","))), required=True, help="ids"
    )
    parser.add_argument("--model", default="unigram", help="unigram, bpe or wordpiece")
    parser.add_argument("--sample-bytes", type=int, default=100_000_000)
    parser.add_argument("--least-bytes", type=int, default=100_000, help="of a language")
    parser.add_argument("--folder", help="keep the vocabularies here, with -SIZE after the name")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def found(folder: Path, least_bytes: int) -> dict[str, Callable[[], Iterator[str]]]:
    """Return the text of each language that has enough of it."""
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*/*.txt.xz")):
        files.setdefault(path.name.removesuffix(".txt.xz"), []).append(path)
    texts = {key: partial(lines, paths) for key, paths in sorted(files.items())}
    return {key: text for key, text in texts.items() if size_bytes(text) >= least_bytes}


def lines(paths: list[Path]) -> Iterator[str]:
    """Yield the lines of a language's files that are not blank."""
    for path in paths:
        with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
            yield from (line.rstrip("\n") for line in file if not line.isspace())


def size_bytes(text: Callable[[], Iterator[str]]) -> int:
    """Return the size of a text without its line ends."""
    return sum(len(line.encode("utf-8")) for line in text())


def run(texts: dict[str, Callable[[], Iterator[str]]], options: argparse.Namespace) -> None:
    """Train one vocabulary, and print what it took as JSON."""
    (size,) = options.sizes
    config = VocabularyConfig(
        model=options.model,
        size=size,
        sample_bytes=options.sample_bytes,
        memory_bytes=MEMORY_BYTES,
    )
    sizes = {key: float(sum(1 for _ in text())) for key, text in texts.items()}
    held = peak_bytes()
    start, cpu = time.perf_counter(), time.process_time()
    train.train(texts, sizes, options.child, config=config, seed=1)
    taken = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu}
    print(json.dumps(taken | {"held_bytes": held, "peak_bytes": peak_bytes()}))


def peak_bytes() -> int:
    """Return the most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def trained(folder: Path, size: int) -> tuple[int, str]:
    """Train a vocabulary in a process of its own; return its peak (bytes) and what it took."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [*sys.argv[1:], "--sizes", str(size), "--child", str(folder)]
    done = subprocess.run(
        [sys.executable, __file__, *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    took = json.loads(done.stdout)
    record = storage.read_json(folder / RECORD_NAME)
    return took["peak_bytes"], (
        f"{took['seconds']:.0f} s ({took['cpu_seconds']:.0f} CPU-seconds), peak "
        f"{took['peak_bytes'] / 1e6:,.0f} MB ({took['held_bytes'] / 1e6:,.0f} before training), "
        f"predicted {record['planned_memory_bytes'] / 1e6:,.0f} MB more; "
        f"{record['sample']['num_bytes'] / 1e6:.1f} MB sampled, "
        f"least passes {min(row['passes'] for row in record['languages'].values()):.2f}, "
        f"most {max(row['passes'] for row in record['languages'].values()):.2f}"
    )


def held(texts: dict[str, Callable[[], Iterator[str]]], vocabulary: Vocabulary) -> list[Bar]:
    """Return how a vocabulary meets the bars on all of the text."""
    unknown, largest = {}, {}
    for key, text in texts.items():
        unknown[key] = unknown_rate(text(), key, vocabulary)
        gone = letters.lost(vocabulary, key, letters.count(text()), list(text()))
        largest[key] = max((row["frequency"] for row in gone), default=0.0)
    worst = max(unknown, key=lambda key: unknown[key])
    rarest = max(largest, key=lambda key: largest[key])
    return [
        bars.at_most(f"share of unknown pieces ({worst})", unknown[worst], MOST_UNKNOWN),
        bars.at_most(f"most frequent lost letter ({rarest})", largest[rarest], RAREST_LETTER),
    ]


def unknown_rate(text: Iterator[str], language: str, vocabulary: Vocabulary) -> float:
    """Return the share of unknown among the pieces of a text."""
    num_unknown = num_pieces = 0
    for batch in batched(text):
        for ids in vocabulary.encode(batch, language):
            num_unknown += int((ids == UNK_ID).sum())
            num_pieces += len(ids)
    return num_unknown / num_pieces


if __name__ == "__main__":
    main()
