"""What every kind of vocabulary can do, and how one is loaded from its folder."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from xlmr_lab.vocabulary.tokenizer import Tokenizer


class Vocabulary(Protocol):
    """Text to ids in the published layout and back, whatever the subwords are."""

    size: int
    """Number of ids, specials and `<mask>` included."""
    fingerprint: str
    """Digits that name the vocabulary; token shards carry them."""

    def encode(
        self, texts: Sequence[str], language: str | None = None
    ) -> list[npt.NDArray[np.int32]]:
        """Return the ids of each text, without `<s>` and `</s>`.

        `language` is that of the texts; vocabularies with preprocessing need it.
        """

    def pieces(self, text: str, language: str | None = None) -> list[str]:
        """Return the pieces of a text as strings."""

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids; `<s>`, `<pad>`, `</s>` and `<mask>` leave nothing."""

    def names(self, ids: Iterable[int]) -> list[str]:
        """Return the name of each id: a piece, or a special such as `<mask>`."""


def load(path: Path) -> Vocabulary:
    """Load the vocabulary of a folder, or a SentencePiece model file.

    Raises:
        UserError: there is no vocabulary at `path`, or it cannot be used.
    """
    return Tokenizer.load(path)
