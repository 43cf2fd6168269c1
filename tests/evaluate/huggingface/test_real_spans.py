"""Spans in real text of tokenizers trained on it: `pytest
tests/evaluate/huggingface/test_real_spans.py`."""

import lzma
import unicodedata
from pathlib import Path

import pytest
import tokenizers

from xlmr_lab.evaluate.huggingface_text import of_tokenizer, unmarked

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "text" / "ntrex"
LANGUAGES = ("en", "de", "el", "th", "zh-Hans", "hi", "ko", "ur")
NUM_LINES = 150

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no real text at {FOLDER.name}"),
]


@pytest.fixture(scope="module")
def lines():
    found = {}
    for key in LANGUAGES:
        with lzma.open(FOLDER / f"{key}.txt.xz", "rt", encoding="utf-8") as file:
            found[key] = [line.strip() for line in file if line.strip()][:NUM_LINES]
    return found


def letters(text):
    """Return the letters and digits of a text, without case and accents."""
    parts = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in parts if c.isalnum())


@pytest.mark.parametrize("lowercase", [True, False])
def test_each_piece_of_xlm_says_the_letters_of_its_span(lowercase, lines, library, tmp_path):
    """But for Hangul taken apart, of which a piece may say a part."""
    trained = tokenizers.CharBPETokenizer()
    names = ["<s>", "</s>", "<pad>", "<unk>", *(f"<special{i}>" for i in range(10))]
    every = [line for kept in lines.values() for line in kept]
    trained.train_from_iterator(every, vocab_size=4000, special_tokens=names)
    trained.save_model(str(tmp_path))
    tokenizer = library.XLMTokenizer.from_pretrained(
        tmp_path, do_lowercase_and_remove_accent=lowercase
    )
    encoder = of_tokenizer(tokenizer, size=len(tokenizer), has_segments=False)
    for key, kept in lines.items():
        wrong = num_pieces = num_left = 0
        for line in kept:
            ids, spans = encoder.offsets(line, key)
            pieces = [unmarked(piece) for piece in encoder.to_pieces(line, key)]
            assert len(ids) == len(pieces)
            covered = set()
            for piece, (start, end) in zip(pieces, spans.tolist(), strict=True):
                said, there = letters(piece), letters(line[start:end])
                wrong += said not in there if key == "ko" else said != there
                covered.update(range(start, end))
            num_pieces += len(pieces)
            num_left += sum(c.isalnum() for i, c in enumerate(line) if i not in covered)
        assert (wrong, num_left) == (0, 0), key
        assert num_pieces > 10 * len(kept), key
