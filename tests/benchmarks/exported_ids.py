"""The tokenizer that is exported of a vocabulary: the same ids on every line of a text, and its
rate beside the usual conversion.

The usual conversion has the pieces, and SentencePiece's table of normalisation as it is; how many
lines it gives other ids is told as well. All run on one thread, time is CPU time, and rounds
alternate. Bar: no line has other ids in the exported one.

    python tests/benchmarks/exported_ids.py --vocabulary FOLDER --text ../shared/data/text
"""

import argparse
import base64
import json
import lzma
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # before it is imported

import bars
import tokenizers

from xlmr_lab.vocabulary import export, model_proto
from xlmr_lab.vocabulary.load import Vocabulary, load

CHUNK_LINES = 5000
TIMED_EVERY = 70
"""The rates are of one line in so many."""
ROUNDS = 5


def main() -> None:
    """Compare, print, and hold the bar."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--vocabulary", type=Path, required=True, help="a SentencePiece vocabulary")
    parser.add_argument("--text", type=Path, required=True, help="folder with *.txt.xz below it")
    options = parser.parse_args()
    vocabulary = load(options.vocabulary)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        export.write(options.vocabulary, folder, max_tokens=512)
        content = json.loads((folder / export.TOKENIZER_NAME).read_text("utf-8"))
        model = model_proto.read((folder / "sentencepiece.bpe.model").read_bytes())
    fast = {"exported": loaded(content), "usual": loaded(usual(content, model.charsmap))}
    lines = list(read(options.text))
    num_bytes = sum(len(line.encode()) for line in lines)
    print(f"{vocabulary.size:,} ids; {len(lines):,} lines, {num_bytes / 1e6:.1f} MB")
    others = {name: differing(vocabulary, tokenizer, lines) for name, tokenizer in fast.items()}
    for name, number in others.items():
        print(f"{name}: {number:,} lines with other ids")
    measure(fast, lines[::TIMED_EVERY])
    bars.finish([bars.at_most("lines of other ids, exported", others["exported"], 0)])


def loaded(content: dict) -> tokenizers.Tokenizer:
    """Return a tokenizer of the content of its file, which takes specials as text."""
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(content))
    tokenizer.encode_special_tokens = True
    return tokenizer


def usual(content: dict, table: bytes) -> dict:
    """Return the content that the usual conversion gives the same model."""
    encoded = base64.b64encode(table).decode("ascii")
    metaspace = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always"}
    parts = [{"type": "WhitespaceSplit"}, {**metaspace, "split": True}]
    return {
        **content,
        "normalizer": {"type": "Precompiled", "precompiled_charsmap": encoded},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": parts},
    }


def read(folder: Path) -> Iterator[str]:
    """Yield all lines below a folder that are not empty."""
    for path in sorted(folder.rglob("*.txt.xz")):
        with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
            yield from filter(None, file.read().split("\n"))


def differing(vocabulary: Vocabulary, tokenizer: tokenizers.Tokenizer, lines: list[str]) -> int:
    """Return how many lines have other ids than in the lab."""
    count = 0
    for start in range(0, len(lines), CHUNK_LINES):
        chunk = lines[start : start + CHUNK_LINES]
        found = tokenizer.encode_batch_fast(chunk, add_special_tokens=False)
        expected = vocabulary.encode(chunk)
        count += sum(a.tolist() != b.ids for a, b in zip(expected, found, strict=True))
    return count


def measure(fast: dict[str, tokenizers.Tokenizer], lines: list[str]) -> None:
    """Print the rate of each tokenizer and the ratio of the two."""
    size = sum(len(line.encode()) for line in lines) / 1e6
    seconds: dict[str, list[float]] = {name: [] for name in fast}
    for _ in range(ROUNDS):
        for name, tokenizer in fast.items():
            # A fresh copy, whose cache of words is empty.
            fresh = tokenizers.Tokenizer.from_str(tokenizer.to_str())
            start = time.process_time()
            fresh.encode_batch_fast(lines, add_special_tokens=False)
            seconds[name].append(time.process_time() - start)
    for name, values in seconds.items():
        print(f"{name}: {size / statistics.median(values):.2f} MB a CPU-second")
    ratios = sorted(a / b for a, b in zip(seconds["exported"], seconds["usual"], strict=True))
    print(f"{statistics.median(ratios):.2f} times the time ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
