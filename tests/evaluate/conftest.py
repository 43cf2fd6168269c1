"""A toy vocabulary and a toy encoder for the tests of evaluation."""

import zlib

import numpy as np
import pytest
import torch

from xlmr_lab.evaluate.text import XLMR
from xlmr_lab.model.encoder import Encoder, EncoderConfig

TINY = EncoderConfig(
    num_layers=1, hidden_size=32, num_heads=2, ffn_size=64, max_tokens=32, dropout=0.0
)


class ToyTokenizer:
    """Cuts each white-space word into pieces of two characters; U+200B leaves no piece.

    It remembers the languages that it was called with.
    """

    size = 500
    fingerprint = "toy"
    layout = XLMR

    def __init__(self):
        self.languages = []

    def encode(self, texts, language=None):
        self.languages.append(language)
        return [self._ids(text) for text in texts]

    def encode_words(self, words, language=None):
        return self.encode(words, language)

    def _ids(self, text):
        words = [word.replace("\u200b", "") for word in text.split()]
        pieces = [word[i : i + 2] for word in words for i in range(0, len(word), 2)]
        ids = [4 + zlib.crc32(piece.encode()) % (self.size - 5) for piece in pieces]
        return np.array(ids, dtype=np.int32)


@pytest.fixture
def tokenizer():
    return ToyTokenizer()


@pytest.fixture
def encoder():
    return Encoder(TINY, ToyTokenizer.size, generator=torch.Generator().manual_seed(0))
