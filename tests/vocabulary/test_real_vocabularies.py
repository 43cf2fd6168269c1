"""Vocabularies of real text in some ninety languages: nothing of it is unknown, no letter is lost.

Run with: pytest tests/vocabulary/test_real_vocabularies.py

On the beginning of each language's text and small samples, so that it takes less than a minute of a
free processor; the whole text is tried by `tests/benchmarks/vocabulary_real.py`.
"""

import itertools
import lzma
from collections.abc import Iterator
from pathlib import Path

import pytest

from xlmr_lab import storage
from xlmr_lab.vocabulary import letters
from xlmr_lab.vocabulary.load import Vocabulary, load
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.special_tokens import UNK_ID
from xlmr_lab.vocabulary.train import train

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "text"
SOURCES = ("ntrex", "common_voice", "ud", "eltec", "voa", "bible", "oldi", "wisesight")
LEAST_BYTES = 100_000
"""Of a language that takes part."""
USED_LINES = 1000
"""So many of a language are read; those of `ntrex` come first."""

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no real text at {FOLDER.name}"),
]


def lines(key: str) -> Iterator[str]:
    for path in (FOLDER / source / f"{key}.txt.xz" for source in SOURCES):
        if path.is_file():
            with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
                yield from (line.rstrip("\n") for line in file if not line.isspace())


@pytest.fixture(scope="module")
def text() -> dict[str, list[str]]:
    rows = (FOLDER / "BYTES.tsv").read_text("utf-8").splitlines()[1:]
    sizes = {row.split("\t")[0]: int(row.split("\t")[-1]) for row in rows}
    keys = [key for key, size in sizes.items() if size >= LEAST_BYTES]
    assert len(keys) > 80
    return {key: list(itertools.islice(lines(key), USED_LINES)) for key in keys}


@pytest.mark.parametrize(
    ("model", "most_unknown"),
    # BERT's WordPiece knows no word of more than 100 characters; Khmer writes such ones.
    [("unigram", 0.001), ("bpe", 0.001), ("wordpiece", 0.002)],
)
def test_hardly_a_piece_is_unknown_and_no_letter_is_lost(text, tmp_path, model, most_unknown):
    config = VocabularyConfig(model=model, size=32_002, sample_bytes=3_000_000)
    texts = {key: (lambda found=found: iter(found)) for key, found in text.items()}
    sizes = {key: float(len(found)) for key, found in text.items()}
    train(texts, sizes, tmp_path, config=config, seed=1)
    vocabulary = load(tmp_path)
    assert vocabulary.size == 32_002
    for key, found in text.items():
        assert unknown_rate(vocabulary, found) < most_unknown, key
        lost = letters.lost(vocabulary, key, letters.count(found), found)
        assert not [row for row in lost if row["frequency"] > 1e-5], key
    languages = storage.read_json(tmp_path / "vocabulary.json")["languages"]
    assert max(row["largest_lost"] for row in languages.values()) <= 1e-5


def unknown_rate(vocabulary: Vocabulary, found: list[str]) -> float:
    ids = vocabulary.encode(found)
    return sum(int((row == UNK_ID).sum()) for row in ids) / sum(map(len, ids))
