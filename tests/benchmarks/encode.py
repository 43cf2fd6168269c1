"""Encoding against Hugging Face tokenizers, paired in one process, and with several processes.

The tokenizer of the other side is the one that transformers' `XLMRobertaTokenizer` is made of, from
the same SentencePiece model: its table of normalisation, white space and the mark of a space,
unigram pieces. Both get the same list of paragraphs and give the ids of each, on one thread. Rounds
alternate, and time is CPU time, so that a busy machine hurts both alike. Processes are measured by
the clock, from documents in memory to finished shards. Bar: `encode_batch` takes five
times as long.

    python tests/benchmarks/encode.py
    python tests/benchmarks/encode.py --folder ../shared/data/text --vocabulary data/vocabulary-X
"""

import argparse
import functools
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("POLARS_MAX_THREADS", "1")  # before it is imported

import bars
import sentencepiece
import tokenizers
from bars import Bar
from tokenizers import normalizers, pre_tokenizers

from xlmr_lab.babel import corpora
from xlmr_lab.babel.corpora import BabelConfig
from xlmr_lab.batches import shards
from xlmr_lab.corpus import sources
from xlmr_lab.vocabulary import model_proto
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.special_tokens import UNK_ID
from xlmr_lab.vocabulary.tokenizer import MODEL_NAME, Tokenizer
from xlmr_lab.vocabulary.train import train

Encode = Callable[[list[str]], Sequence[Sequence[int]]]

LEAST_RATIO = 5.0
"""How many times as long `encode_batch` takes."""


def main() -> None:
    """Measure, print rates and ratios, and hold the bar."""
    options = parse()
    documents = read(options)
    with tempfile.TemporaryDirectory() as made:
        folder = options.vocabulary or train_on(documents, Path(made), options.size)
        model = (folder / MODEL_NAME if folder.is_dir() else folder).read_bytes()
    tokenizer = Tokenizer(model)
    paragraphs = [line for text in documents for line in text.split("\n") if line.strip()]
    check(tokenizer, model, paragraphs)
    print(f"{tokenizer.size:,} ids; load {os.getloadavg()[0]:.1f}")
    verdicts = [
        compare(name, texts, tokenizer, hugging_face(model), options.rounds)
        for name, texts in (("paragraphs", paragraphs), ("documents", documents))
    ]
    measure_processes(documents, tokenizer, options)
    bars.finish(verdicts)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, help="a corpus on the disk; default: Babel")
    parser.add_argument("--vocabulary", type=Path, help="a folder or file; default: train one")
    parser.add_argument("--size", type=int, default=8002, help="ids of the trained vocabulary")
    parser.add_argument("--megabytes", type=float, default=10.0, help="text to read")
    parser.add_argument("--repeats", type=int, default=8, help="copies of it for processes")
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


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
                if left < 0:
                    break
    return documents


def train_on(documents: list[str], folder: Path, size: int) -> Path:
    """Train a vocabulary on the documents."""
    config = VocabularyConfig(size=size, sample_bytes=5_000_000)
    train({"und": lambda: iter(documents)}, {"und": 1.0}, folder, config=config, seed=1)
    return folder


def hugging_face(model: bytes) -> tokenizers.Tokenizer:
    """Return the tokenizer that XLMRobertaTokenizer makes of the pieces of a model."""
    proto = model_proto.read(model)
    names = Tokenizer(model).names(range(4 + len(proto.pieces) - 3))
    scores = [0.0] * 4 + [piece.score for piece in proto.pieces[3:]]
    vocabulary = [*zip(names, scores, strict=True), ("<mask>", 0.0)]
    made = tokenizers.Tokenizer(tokenizers.models.Unigram(vocabulary, unk_id=UNK_ID))
    made.normalizer = normalizers.Precompiled(proto.charsmap)
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    return made


def check(tokenizer: Tokenizer, model: bytes, texts: list[str]) -> None:
    """Make sure that all ids are those that SentencePiece gives one text after the other."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    for text, ids in zip(texts, tokenizer.encode(texts), strict=True):
        assert ids.tolist() == [i + 1 if i else UNK_ID for i in processor.encode(text)], text


def compare(
    name: str, texts: list[str], tokenizer: Tokenizer, other: tokenizers.Tokenizer, rounds: int
) -> Bar:
    """Print rates of both sides; return the verdict on their ratio."""
    size = sum(len(text.encode()) for text in texts) / 1e6
    batch = functools.partial(other.encode_batch, add_special_tokens=False)
    fast = functools.partial(other.encode_batch_fast, add_special_tokens=False)
    sides: dict[str, Encode] = {
        "xlmr_lab": tokenizer.encode,
        "encode_batch": lambda texts: [found.ids for found in batch(texts)],
        "encode_batch_fast": lambda texts: [found.ids for found in fast(texts)],
    }
    ours, theirs = (sides[key](texts) for key in ("xlmr_lab", "encode_batch"))
    same = sum(a.tolist() == b for a, b in zip(ours, theirs, strict=True))
    print(
        f"{len(texts):,} {name} of {size:.1f} MB, {sum(map(len, ours)):,} pieces; "
        f"ids of SentencePiece all the same, of Hugging Face in {same / len(texts):.2%}"
    )
    seconds: dict[str, list[float]] = {key: [] for key in sides}
    for _ in range(rounds):
        for key, encode in sides.items():
            seconds[key].append(cpu_seconds(lambda encode=encode: encode(texts)))
    medians = {}
    for key, values in seconds.items():
        ratios = sorted(a / b for a, b in zip(values, seconds["xlmr_lab"], strict=True))
        medians[key] = statistics.median(ratios)
        print(
            f"  {key:18s}{size / statistics.median(values):7.2f} MB per CPU second, "
            f"{medians[key]:5.2f} times as long (rounds {ratios[0]:.2f} to {ratios[-1]:.2f})"
        )
    return bars.at_least(f"{name}: encode_batch / xlmr_lab", medians["encode_batch"], LEAST_RATIO)


def cpu_seconds(run: Callable[[], object]) -> float:
    """Return the CPU time that a call takes."""
    began = time.process_time()
    run()
    return time.process_time() - began


def measure_processes(
    documents: list[str], tokenizer: Tokenizer, options: argparse.Namespace
) -> None:
    """Print how long shards take by the clock, rounds alternating between numbers of processes."""
    size = options.repeats * sum(len(text.encode()) for text in documents) / 1e6
    texts = {"und": functools.partial(numbered, documents, options.repeats)}
    found: dict[int, list[tuple[float, ...]]] = {jobs: [] for jobs in options.jobs}
    made = set()
    for _ in range(options.rounds):
        for jobs, rounds in found.items():
            with tempfile.TemporaryDirectory() as folder:
                before = clocks()
                shards.encode(texts, tokenizer, Path(folder), heldout_fraction=0.01, jobs=jobs)
                rounds.append(tuple(b - a for a, b in zip(before, clocks(), strict=True)))
                made.add(shards.TokenShards.open(Path(folder)).counts("und")["checksum"])
    assert len(made) <= 1, "shards depend on the number of processes"
    for jobs, rounds in found.items():
        wall, own, workers = (statistics.median(column) for column in zip(*rounds, strict=True))
        fastest, slowest = min(rounds)[0], max(rounds)[0]
        print(
            f"shards of {size:.0f} MB, jobs={jobs}: {size / wall:.1f} MB a second by the clock "
            f"({size / slowest:.1f} to {size / fastest:.1f}); CPU seconds: {own:.2f} of this "
            f"process, {workers:.2f} of others"
        )


def clocks() -> tuple[float, float, float]:
    """Return wall-clock time, CPU time of this process, and CPU time of those that have ended."""
    times = os.times()
    return (
        time.perf_counter(),
        times.user + times.system,
        times.children_user + times.children_system,
    )


def numbered(documents: list[str], repeats: int) -> Iterator[tuple[str, str]]:
    """Yield the documents several times, with names."""
    for number in range(repeats):
        yield from ((f"{number}-{i}", text) for i, text in enumerate(documents))


if __name__ == "__main__":
    main()
