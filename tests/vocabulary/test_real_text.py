"""A vocabulary of real text in scripts with and without spaces: nothing of a held-out text is lost.

Run with: pytest tests/vocabulary/test_real_text.py
"""

import lzma
from pathlib import Path

import pytest
import sentencepiece

from xlmr_lab.vocabulary.diagnostics import fertility
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.tokenizer import Tokenizer
from xlmr_lab.vocabulary.train import train

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "text" / "ntrex"
LANGUAGES = ("en", "am", "ka", "th", "ur")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no real text at {FOLDER.name}"),
]


@pytest.fixture(scope="module")
def lines() -> dict[str, list[str]]:
    found = {}
    for key in LANGUAGES:
        with lzma.open(FOLDER / f"{key}.txt.xz", "rt", encoding="utf-8") as file:
            found[key] = [line for line in file.read().split("\n") if line]
    return found


@pytest.fixture(scope="module")
def tokenizer(lines, tmp_path_factory) -> Tokenizer:
    folder = tmp_path_factory.mktemp("vocabulary")
    texts = {key: (lambda kept=kept[200:]: iter(kept)) for key, kept in lines.items()}
    sizes = {key: float(len(kept)) for key, kept in lines.items()}
    config = VocabularyConfig(size=3000, sample_bytes=1_000_000)
    train(texts, sizes, folder, config=config, seed=1)
    return Tokenizer.load(folder)


def test_hardly_a_piece_of_unseen_text_is_unknown(lines, tokenizer):
    for row in fertility(tokenizer, {key: kept[:200] for key, kept in lines.items()}):
        assert row["unknown_rate"] < 0.002, row["language"]
        assert row["bytes_per_piece"] > 2, row["language"]


def test_text_comes_back_normalised(lines, tokenizer):
    normalizer = sentencepiece.SentencePieceNormalizer(rule_name="nmt_nfkc")
    for key in LANGUAGES:
        unseen = lines[key][:50]
        for text, ids in zip(unseen, tokenizer.encode(unseen), strict=True):
            if 3 not in ids:
                plain = normalizer.normalize(text).replace("\u2581", " ").strip()
                assert tokenizer.decode(ids) == plain
