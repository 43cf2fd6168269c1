"""Text to ids and back with WordPiece, the subwords of mBERT, in the same id layout as XLM-R.

BERT's conventions: control characters are dropped, CJK characters stand apart, words are split at
punctuation and, where the vocabulary is lower-cased, lose case and accents. A word is cut into the
longest pieces from its beginning on; one that cannot be, or has too many characters, is `<unk>` as
a whole. The file is JSON: the pieces in the order of their ids, and the conventions beside them.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tokenizers

from xlmr_lab import configs
from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import arguments, foreign, spans, surrogates
from xlmr_lab.vocabulary.special_tokens import (
    FIRST_PIECE_ID,
    MASK_TOKEN,
    SPECIAL_TOKENS,
    UNK_ID,
    UNK_TOKEN,
    mask_id,
)

WORDPIECE_NAME = "wordpiece.json"
UNKNOWN_TEXT = "\u2047"
"""DOUBLE QUESTION MARK, what `<unk>` decodes to, as with SentencePiece."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WordPieces:
    """What the file of a WordPiece vocabulary holds."""

    pieces: tuple[str, ...]
    """The pieces in the order of their ids, which begin at `FIRST_PIECE_ID`."""
    lowercase: bool
    """Whether text loses case and accents."""
    max_word_characters: int = 100
    """A word of more characters is `<unk>`."""
    continuing_prefix: str = "##"
    """What marks a piece that does not begin a word."""

    def __post_init__(self) -> None:
        taken = {*SPECIAL_TOKENS.values(), MASK_TOKEN, ""}
        seen: set[str] = set()
        for piece in self.pieces:
            if piece in taken or piece in seen:
                raise UserError(f"the pieces hold {piece!r} twice or as a special; name each once")
            seen.add(piece)
        if self.max_word_characters < 1:
            raise UserError(
                f"max_word_characters must be at least 1, got {self.max_word_characters}"
            )


class WordPieceTokenizer:
    """A WordPiece vocabulary in XLM-R's ids."""

    def __init__(self, content: bytes) -> None:
        """Take the content of a vocabulary's file.

        Raises:
            UserError: it is no WordPiece vocabulary.
        """
        self._settings = _parsed(content)
        self._inner = _built(self._settings)
        self.size: int = FIRST_PIECE_ID + len(self._settings.pieces) + 1
        """Number of ids, specials and `<mask>` included."""
        self.fingerprint: str = hashlib.sha256(content).hexdigest()[:16]
        """Digits that name this vocabulary; token shards carry them."""

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "WordPieceTokenizer":
        """Load a vocabulary's file, or the one in its folder.

        Raises:
            UserError: there is none at `path`, or it cannot be used.
        """
        path = Path(path)
        file = path / WORDPIECE_NAME if path.is_dir() else path
        if not file.is_file():
            raise UserError(f"no vocabulary at {path}; looked for {file}")
        try:
            return cls(file.read_bytes())
        except UserError as error:
            raise UserError(f"{file}: {error}") from None

    def encode(
        self, texts: Sequence[str], language: str | None = None
    ) -> list[npt.NDArray[np.int32]]:
        """Return the ids of each text, without `<s>` and `</s>`; line ends count as spaces.

        The language makes no difference.

        Raises:
            UserError: a text has a lone surrogate, or there is one text and no list.
        """
        arguments.check_texts(texts)
        try:
            encoded = self._inner.encode_batch_fast(list(texts), add_special_tokens=False)
        except TypeError:
            surrogates.refuse(texts)
            raise
        return [np.array(one.ids, dtype=np.int32) for one in encoded]

    def pieces(self, text: str, language: str | None = None) -> list[str]:
        """Return the pieces of a text as strings; `<unk>` stands for an unknown word."""
        surrogates.refuse([text])
        found: list[str] = self._inner.encode(text, add_special_tokens=False).tokens
        return found

    def offsets(
        self, text: str, language: str | None = None
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Return the ids of a text [N], as `encode` gives them, and the [start, end) of each in the
        characters of the text as it was given [N, 2]; see `spans`.

        Raises:
            UserError: the text has a lone surrogate.
        """
        surrogates.refuse([text])
        encoded = self._inner.encode(text, add_special_tokens=False)
        found = np.array(encoded.offsets, dtype=np.int64).reshape(-1, 2)
        return np.array(encoded.ids, dtype=np.int32), spans.with_dropped(text, found)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the words of ids between spaces; `<s>`, `<pad>`, `</s>` and `<mask>` leave
        nothing.

        Raises:
            UserError: an id is none of the vocabulary.
        """
        text, prefix = "", self._settings.continuing_prefix
        for i in arguments.checked_ids(ids, self.size):
            if FIRST_PIECE_ID <= i < mask_id(self.size) or i == UNK_ID:
                piece = UNKNOWN_TEXT if i == UNK_ID else self._name(i)
                continued = i != UNK_ID and piece.startswith(prefix) and piece != prefix
                text += piece.removeprefix(prefix) if continued else " " + piece
        return text.strip(" ")

    def names(self, ids: Iterable[int]) -> list[str]:
        """Return the name of each id, a piece or a special such as `<mask>`; raises as `decode`."""
        return [self._name(i) for i in arguments.checked_ids(ids, self.size)]

    def to_json(self) -> str:
        """Return what `tokenizers` writes of this vocabulary; of the specials it has `<unk>`."""
        text: str = self._inner.to_str()
        return text

    def _name(self, i: int) -> str:
        if i == mask_id(self.size):
            return MASK_TOKEN
        if i in SPECIAL_TOKENS:
            return SPECIAL_TOKENS[i]
        return self._settings.pieces[i - FIRST_PIECE_ID]


def _parsed(content: bytes) -> WordPieces:
    """Read the file's content strictly."""
    try:
        values = json.loads(content)
    except ValueError:
        values = None
    if not isinstance(values, dict) or "pieces" not in values:
        raise foreign.refusal(foreign.WORDPIECE, content)
    return configs.from_dict(WordPieces, values)


def _built(settings: WordPieces) -> tokenizers.Tokenizer:
    ids: dict[str, Any] = {UNK_TOKEN: UNK_ID}
    ids |= {piece: i for i, piece in enumerate(settings.pieces, FIRST_PIECE_ID)}
    inner = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(
            ids,
            unk_token=UNK_TOKEN,
            continuing_subword_prefix=settings.continuing_prefix,
            max_input_chars_per_word=settings.max_word_characters,
        )
    )
    inner.normalizer = tokenizers.normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=True,
        strip_accents=settings.lowercase,
        lowercase=settings.lowercase,
    )
    inner.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return inner
