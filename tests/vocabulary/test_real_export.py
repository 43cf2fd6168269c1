"""On real text of all languages and sources, the exported tokenizers give the ids of their
vocabularies, line by line. `tests/benchmarks/exported_ids.py` does the same for every line.

Run with: pytest tests/vocabulary/test_real_export.py
"""

import lzma
from pathlib import Path

import pytest
import tokenizers

from xlmr_lab.vocabulary import export
from xlmr_lab.vocabulary.load import load
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.train import train

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "text"
LANGUAGES = ("en", "vi", "ar", "he", "hi", "bn", "th", "ko", "ja", "zh-Hans", "ru", "el")
EVERY = 25
"""One line in so many is compared."""

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no real text at {FOLDER.name}"),
]


def read(path: Path) -> list[str]:
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
        return [line for line in file.read().split("\n") if line]


@pytest.fixture(scope="module")
def lines() -> list[str]:
    paths = sorted(FOLDER.rglob("*.txt.xz"))
    assert len(paths) > 200
    return [line for path in paths for line in read(path)[::EVERY]]


@pytest.mark.parametrize(
    "settings",
    [
        {"size": 8000},
        {"size": 8000, "byte_fallback": True, "coverage": 0.99},
        {"size": 12_000, "model": "bpe"},
        {"size": 12_000, "model": "wordpiece"},
    ],
    ids=["unigram", "unigram-bytes", "bpe", "wordpiece"],
)
def test_ids_are_equal_on_every_line(lines, tmp_path, settings):
    texts = {
        key: (lambda key=key: iter(read(FOLDER / "ntrex" / f"{key}.txt.xz"))) for key in LANGUAGES
    }
    config = VocabularyConfig(**{"sample_bytes": 3_000_000, "coverage": 0.999, **settings})
    train(texts, dict.fromkeys(LANGUAGES, 1.0), tmp_path, config=config, seed=1)
    export.write(tmp_path, tmp_path / "out", max_tokens=512)
    fast = tokenizers.Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    fast.encode_special_tokens = True
    expected = load(tmp_path).encode(lines)
    found = fast.encode_batch_fast(lines, add_special_tokens=False)
    different = sum(a.tolist() != b.ids for a, b in zip(expected, found, strict=True))
    assert different == 0
