"""Peak memory of training a vocabulary against what `vocabulary.memory` predicts.

Each run is a process of its own. Text: `random`, words that hardly come again, which is the most
that BPE and WordPiece can meet; `short`, one such word a line; `zipf`, few words often; and files
of lines given by `--files`. Told is the growth of the resident memory from before training to its
peak, in MB and for each character.

    python tests/benchmarks/vocabulary_memory.py --megabytes 5,20 --sizes 8002,250002
"""

import argparse
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from xlmr_lab.vocabulary import train
from xlmr_lab.vocabulary.settings import VocabularyConfig

LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))
BLOCK_WORDS = 12_000
COMMON_WORDS = 20_000
LINE_WORDS = {"random": 12, "zipf": 12, "short": 1}
HEADER = (
    "| model | text | ids | MB of text | million characters | predicted MB | grew MB | bytes a "
    "character | seconds |\n|---|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    """Measure every combination and print a table."""
    options = parse()
    if options.child:
        return run(options)
    print(HEADER, flush=True)
    texts = [*options.texts, *map(str, options.files)]
    for model, text, megabytes, size in itertools.product(
        options.models, texts, options.megabytes, options.sizes
    ):
        arguments = ["--child", text, "--models", model, "--megabytes", megabytes, "--sizes", size]
        subprocess.run([sys.executable, __file__, *arguments], check=True)


def parse() -> argparse.Namespace:
    """Read the command line."""

    def several(text: str) -> list[str]:
        return list(filter(None, text.split(",")))

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=several, default=["unigram", "bpe", "wordpiece"])
    parser.add_argument("--texts", type=several, default=list(LINE_WORDS))
    parser.add_argument("--files", type=Path, nargs="*", default=[], help="text, line by line")
    parser.add_argument("--megabytes", type=several, default=["5", "20"])
    parser.add_argument("--sizes", type=several, default=["8002"])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


def run(options: argparse.Namespace) -> None:
    """Train one vocabulary and print its row."""
    (model,), (megabytes,), (size,) = options.models, options.megabytes, options.sizes
    config = VocabularyConfig(
        model=model, size=int(size), sample_bytes=int(float(megabytes) * 1e6), memory_bytes=1 << 40
    )
    texts = {"qaa": lambda: lines(options.child, config.sample_bytes)}
    made = train.plan(texts, {"qaa": 1.0}, config)
    before = resident("VmRSS")
    reset_peak()
    start = time.perf_counter()
    trainer = train.wordpiece_trainer if model == "wordpiece" else train.sentencepiece_trainer
    trainer.train(texts["qaa"](), made.options)
    seconds = time.perf_counter() - start
    grew = resident("VmHWM") - before
    counts = made.counts["qaa"]
    print(
        f"| {model} | {Path(options.child).stem} | {config.size:,} | "
        f"{counts.size.num_bytes / 1e6:.1f} | {counts.num_characters / 1e6:.2f} | "
        f"{made.memory_bytes / 1e6:,.0f} | {grew / 1e6:,.0f} | "
        f"{grew / counts.num_characters:.1f} | {seconds:.0f} |",
        flush=True,
    )


def lines(text: str, num_bytes: int) -> Iterator[str]:
    """Yield lines of a text up to a size."""
    size = 0
    for line in invented(text) if text in LINE_WORDS else written(Path(text)):
        size += len(line.encode("utf-8"))
        if size > num_bytes:
            return
        yield line


def written(path: Path) -> Iterator[str]:
    """Yield the lines of a file."""
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            yield line.rstrip("\n")


def invented(text: str) -> Iterator[str]:
    """Yield lines of random words without end."""
    rng = np.random.default_rng(0)
    common = words(rng, COMMON_WORDS)
    while True:
        if text == "zipf":
            block = [common[i] for i in np.minimum(rng.zipf(1.2, BLOCK_WORDS), COMMON_WORDS) - 1]
        else:
            block = words(rng, BLOCK_WORDS)
        for start in range(0, BLOCK_WORDS, LINE_WORDS[text]):
            yield " ".join(block[start : start + LINE_WORDS[text]])


def words(rng: np.random.Generator, number: int) -> list[str]:
    """Return random words of 3 to 12 letters."""
    lengths = rng.integers(3, 13, number)
    drawn = "".join(LETTERS[rng.integers(0, len(LETTERS), lengths.sum())])
    ends = lengths.cumsum()
    return [drawn[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def resident(field: str) -> int:
    """Return the resident memory of this process, now (VmRSS) or at its peak (VmHWM), in bytes."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(row.split()[1]) << 10 for row in status if row.startswith(field))


def reset_peak() -> None:
    """Let the peak begin anew from what is held now."""
    Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    main()
