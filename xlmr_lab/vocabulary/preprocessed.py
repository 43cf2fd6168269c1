"""A vocabulary of preprocessed text: the preprocessing of each language, then the subwords.

Ids decode to the preprocessed text, tokens between spaces: what the preprocessing changed is gone,
as it was for XLM. Spans lead back to the original text all the same (see `tracing`).
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import arguments, extra
from xlmr_lab.vocabulary.preprocess import preprocess
from xlmr_lab.vocabulary.settings import Preprocessing
from xlmr_lab.vocabulary.tokenizer import Tokenizer
from xlmr_lab.vocabulary.tracing import cover, trace
from xlmr_lab.vocabulary.wordpiece import WordPieceTokenizer


class PreprocessedVocabulary:
    """Another vocabulary seen through the preprocessing of its training text."""

    def __init__(self, inner: Tokenizer | WordPieceTokenizer, kind: Preprocessing) -> None:
        """Put the preprocessing before `inner`, which was trained on text preprocessed so."""
        self.inner = inner
        self.kind = kind
        self.size: int = inner.size
        """Number of ids, specials and `<mask>` included."""
        self.fingerprint: str = _fingerprint(inner.fingerprint, kind)
        """Digits that name the subwords, the preprocessing and the versions of its libraries: other
        versions may make other tokens."""

    def encode(
        self, texts: Sequence[str], language: str | None = None
    ) -> list[npt.NDArray[np.int32]]:
        """Return the ids of each text, without `<s>` and `</s>`; line ends count as spaces.

        Raises:
            UserError: no language, or a library for it is missing, or there is one text and no
                list.
        """
        arguments.check_texts(texts)
        return self.inner.encode(self._preprocessed(texts, language), language)

    def pieces(self, text: str, language: str | None = None) -> list[str]:
        """Return the pieces of a text as strings; raises as `encode`."""
        (prepared,) = self._preprocessed([text], language)
        return self.inner.pieces(prepared, language)

    def offsets(
        self, text: str, language: str | None = None
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Return the ids of a text [N] and the [start, end) of each in the characters of the text
        as it was given [N, 2]: before the preprocessing. Raises as `encode`."""
        traced = trace(text, _given(language, self.kind), self.kind)
        prepared = "".join(row.character for row in traced)
        ids, covered = self.inner.offsets(prepared, language)
        found = [cover(traced, start, end) for start, end in covered.tolist()]
        return ids, np.array(found, dtype=np.int64).reshape(-1, 2)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the preprocessed text of ids; `<s>`, `<pad>`, `</s>`, `<mask>` leave nothing.

        Raises:
            UserError: an id is none of the vocabulary.
        """
        return self.inner.decode(ids)

    def names(self, ids: Iterable[int]) -> list[str]:
        """Return the name of each id: a piece, or a special such as `<mask>`."""
        return self.inner.names(ids)

    def _preprocessed(self, texts: Sequence[str], language: str | None) -> list[str]:
        return preprocess(texts, _given(language, self.kind), self.kind)


def _given(language: str | None, kind: Preprocessing) -> str:
    if language is None:
        raise UserError(
            f"a vocabulary with preprocessing={kind} needs the language of the text; "
            "give language=, such as 'en'"
        )
    return language


def versions() -> dict[str, str]:
    """Return the version of each library, and of Unicode, that can change what is preprocessed."""
    return {"unicode": unicodedata.unidata_version, **extra.versions()}


def _fingerprint(inner: str, kind: Preprocessing) -> str:
    made = json.dumps([inner, kind, versions()], sort_keys=True)
    return hashlib.sha256(made.encode("utf-8")).hexdigest()[:16]
