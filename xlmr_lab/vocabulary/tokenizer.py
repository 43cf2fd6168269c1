"""Text to ids and back with a SentencePiece model, in the published id layout (see
`special_tokens`).

Encoding works on lists: one call for many texts is several times faster than a call with rich
output per text, and one thread per process keeps it deterministic in time and order. No special
token is added; who packs sequences adds them. A text that spells `<s>` or `<mask>` is ordinary text
and never becomes a special id.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sentencepiece

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.special_tokens import (
    FIRST_PIECE_ID,
    FIRST_PIECE_OFFSET,
    MASK_TOKEN,
    NUM_ADDED_IDS,
    SENTENCEPIECE_BOS,
    SENTENCEPIECE_EOS,
    SENTENCEPIECE_UNK,
    SPECIAL_TOKENS,
    UNK_ID,
    mask_id,
)

MODEL_NAME = "sentencepiece.model"
PUBLISHED_MODEL_NAME = "sentencepiece.bpe.model"
"""Name of the same file beside the released XLM-R checkpoints (it is a unigram model all the
same)."""


class Tokenizer:
    """A SentencePiece model seen through XLM-R's ids."""

    def __init__(self, model: bytes) -> None:
        """Take the serialised SentencePiece model.

        Raises:
            UserError: the bytes are no SentencePiece model, or one with its specials elsewhere.
        """
        self._processor = p = sentencepiece.SentencePieceProcessor()
        try:
            p.LoadFromSerializedProto(model)
        except RuntimeError:
            raise UserError("not a SentencePiece model; train one or copy it again") from None
        found = (p.unk_id(), p.bos_id(), p.eos_id())
        expected = (SENTENCEPIECE_UNK, SENTENCEPIECE_BOS, SENTENCEPIECE_EOS)
        if found != expected:
            raise UserError(
                f"the SentencePiece model has <unk>, <s>, </s> at {found}, XLM-R needs {expected}; "
                "train it with unk_id=0 bos_id=1 eos_id=2"
            )
        self.size: int = p.vocab_size() + NUM_ADDED_IDS
        """Number of ids, specials and `<mask>` included."""
        self.fingerprint: str = hashlib.sha256(model).hexdigest()[:16]
        """Digits that name this vocabulary; token shards carry them."""

    @classmethod
    def load(cls, path: Path) -> "Tokenizer":
        """Load a model file, or the one in a vocabulary folder or beside a released checkpoint.

        Raises:
            UserError: there is no model at `path`, or it cannot be used.
        """
        candidates = [path / MODEL_NAME, path / PUBLISHED_MODEL_NAME] if path.is_dir() else [path]
        for candidate in candidates:
            if candidate.is_file():
                try:
                    return cls(candidate.read_bytes())
                except UserError as error:
                    raise UserError(f"{candidate}: {error}") from None
        raise UserError(f"no vocabulary at {path}; looked for {', '.join(map(str, candidates))}")

    def encode(
        self, texts: Sequence[str], language: str | None = None
    ) -> list[npt.NDArray[np.int32]]:
        """Return the ids of each text, without `<s>` and `</s>`; line ends count as spaces.

        The language makes no difference to raw text.
        """
        encoded = self._processor.encode(list(texts), out_type=int, num_threads=1)
        return [_to_ids(pieces) for pieces in encoded]

    def pieces(self, text: str, language: str | None = None) -> list[str]:
        """Return the pieces of a text as strings; U+2581 marks a space."""
        found: list[str] = self._processor.encode(text, out_type=str, num_threads=1)
        return found

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids; `<s>`, `<pad>`, `</s>` and `<mask>` leave nothing."""
        last = mask_id(self.size)
        kept = [int(i) for i in ids if i == UNK_ID or FIRST_PIECE_ID <= i < last]
        text: str = self._processor.decode(
            [SENTENCEPIECE_UNK if i == UNK_ID else i - FIRST_PIECE_OFFSET for i in kept]
        )
        return text

    def names(self, ids: Iterable[int]) -> list[str]:
        """Return the name of each id: a piece, or a special such as `<mask>`."""
        return [self._name(int(i)) for i in ids]

    def _name(self, i: int) -> str:
        if i == mask_id(self.size):
            return MASK_TOKEN
        if i in SPECIAL_TOKENS:
            return SPECIAL_TOKENS[i]
        piece: str = self._processor.id_to_piece(i - FIRST_PIECE_OFFSET)
        return piece


def _to_ids(pieces: list[int]) -> npt.NDArray[np.int32]:
    ids = np.array(pieces, dtype=np.int32)
    unknown = ids == SENTENCEPIECE_UNK
    ids += FIRST_PIECE_OFFSET
    ids[unknown] = UNK_ID
    return ids
