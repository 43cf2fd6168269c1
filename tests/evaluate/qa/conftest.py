"""A text encoder with spans for the tests of question answering."""

import dataclasses
import re
import zlib

import numpy as np
import pytest

from xlmr_lab.evaluate.text import XLMR


class WordPieces:
    """Cuts each white-space word into pieces of two characters, with their spans; U+200B leaves no
    piece.

    It remembers the languages that it was called with.
    """

    size = 500
    fingerprint = "toy"

    def __init__(self, layout=XLMR):
        self.layout = layout
        self.languages = []

    def encode(self, texts, language=None):
        self.languages.append(language)
        return [self._pieces(text)[0] for text in texts]

    def encode_words(self, words, language=None):
        return self.encode(words, language)

    def offsets(self, text, language=None):
        self.languages.append(language)
        return self._pieces(text)

    def _pieces(self, text):
        found = [
            m.span()
            for word in re.finditer(r"[^\s\u200b]+", text)
            for m in re.compile("..?").finditer(text, *word.span())
        ]
        ids = [4 + zlib.crc32(text[a:b].encode()) % (self.size - 5) for a, b in found]
        return np.array(ids, dtype=np.int32), np.array(found, dtype=np.int64).reshape(-1, 2)


@pytest.fixture
def text():
    return WordPieces()


@pytest.fixture
def xlnet_text():
    """XLNet's layout: the whole row is labelled at its end."""
    layout = dataclasses.replace(
        XLMR, begin=(), between=(4,), end=(4, 3), label_at="last", segments=(0, 1, 2)
    )
    return WordPieces(layout)
