"""Text to ids and back with a SentencePiece model, in the published id layout (see
`special_tokens`).

Encoding works on lists: one call for many texts, whose ids come as arrays, is faster than a call
for each and several times faster than one with rich output, and one thread per process keeps it
deterministic in time and order. No special token is added; who packs sequences adds them. A text
that spells `<s>` or `<mask>` is ordinary text and never becomes a special id; one that spells
U+2581, the mark of a space, has a space there. Models with byte fallback cut what has no piece into
bytes, which are ordinary ids.
"""

import hashlib
import itertools
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sentencepiece

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import arguments, foreign, model_proto, spans, surrogates
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

_T5_LAYOUT = (2, -1, 1)
"""Where T5 and mT5 have <unk>, <s>, </s>."""


class Tokenizer:
    """A SentencePiece model, unigram or BPE, seen through XLM-R's ids."""

    def __init__(self, model: bytes) -> None:
        """Take the serialised SentencePiece model.

        Raises:
            UserError: the bytes are no SentencePiece model, a part of one, or one with its specials
                elsewhere.
        """
        self._processor = p = sentencepiece.SentencePieceProcessor()
        try:
            p.LoadFromSerializedProto(model)
        except RuntimeError:
            raise foreign.refusal(foreign.SENTENCEPIECE, model) from None
        if not model_proto.is_whole(model):
            raise foreign.refusal(foreign.SENTENCEPIECE, model)
        found = (p.unk_id(), p.bos_id(), p.eos_id())
        expected = (SENTENCEPIECE_UNK, SENTENCEPIECE_BOS, SENTENCEPIECE_EOS)
        if found != expected:
            raise UserError(
                f"the SentencePiece model has <unk>, <s>, </s> at {found}"
                f"{' like T5' if found == _T5_LAYOUT else ''}, XLM-R needs {expected}; "
                "train it with unk_id=0 bos_id=1 eos_id=2"
            )
        self.size: int = p.vocab_size() + NUM_ADDED_IDS
        """Number of ids, specials and `<mask>` included."""
        self.fingerprint: str = hashlib.sha256(model).hexdigest()[:16]
        """Digits that name this vocabulary; token shards carry them."""

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Tokenizer":
        """Load a model file, or the one in a vocabulary folder or beside a released checkpoint.

        Raises:
            UserError: there is no model at `path`, or it cannot be used.
        """
        path = Path(path)
        candidates = [path / MODEL_NAME, path / PUBLISHED_MODEL_NAME] if path.is_dir() else [path]
        for candidate in candidates:
            if candidate.is_file():
                try:
                    return cls(_read(candidate))
                except UserError as error:
                    raise UserError(f"{candidate}: {error}") from None
        raise UserError(f"no vocabulary at {path}; looked for {', '.join(map(str, candidates))}")

    def encode(
        self, texts: Sequence[str], language: str | None = None
    ) -> list[npt.NDArray[np.int32]]:
        """Return the ids of each text, without `<s>` and `</s>`; line ends count as spaces.

        The language makes no difference to raw text.

        Raises:
            UserError: a text has a lone surrogate, or there is one text and no list.
        """
        arguments.check_texts(texts)
        try:
            encoded = self._processor.encode(list(texts), out_type="numpy", num_threads=1)
        except TypeError:
            surrogates.refuse(texts)
            raise
        if not encoded:
            return []
        ids = _to_ids(np.concatenate(encoded))
        ends = itertools.accumulate(map(len, encoded), initial=0)
        return [ids[start:end] for start, end in itertools.pairwise(ends)]

    def pieces(self, text: str, language: str | None = None) -> list[str]:
        """Return the pieces of a text as strings; U+2581 marks a space."""
        surrogates.refuse([text])
        found: list[str] = self._processor.encode(text, out_type=str)
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
        encoded = self._processor.encode(text, out_type="offset_mapping")
        normal, origins = self._processor.normalize(text, with_offsets=True)
        byte_values = [self._byte(i) for i in encoded["ids"]]
        covered = spans.in_normal_text(encoded["pieces"], byte_values)
        assert not len(covered) or covered[-1, 1] == len(normal), "pieces make up the normal text"
        first, last = self._added_spaces()
        traced = spans.in_original_text(
            covered, normal, np.array(origins), first_added=first, last_added=last
        )
        return _to_ids(np.array(encoded["ids"], dtype=np.int32)), traced

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids; `<s>`, `<pad>`, `</s>` and `<mask>` leave nothing.

        Raises:
            UserError: an id is none of the vocabulary.
        """
        last, given = mask_id(self.size), arguments.checked_ids(ids, self.size)
        kept = [i for i in given if i == UNK_ID or FIRST_PIECE_ID <= i < last]
        text: str = self._processor.decode(
            [SENTENCEPIECE_UNK if i == UNK_ID else i - FIRST_PIECE_OFFSET for i in kept]
        )
        return text

    def names(self, ids: Iterable[int]) -> list[str]:
        """Return the name of each id, a piece or a special such as `<mask>`; raises as `decode`."""
        return [self._name(i) for i in arguments.checked_ids(ids, self.size)]

    def _name(self, i: int) -> str:
        if i == mask_id(self.size):
            return MASK_TOKEN
        if i in SPECIAL_TOKENS:
            return SPECIAL_TOKENS[i]
        piece: str = self._processor.id_to_piece(i - FIRST_PIECE_OFFSET)
        return piece

    def _byte(self, piece: int) -> int | None:
        """Return the byte that a piece stands for, or None for an ordinary one."""
        if not self._processor.is_byte(piece):
            return None
        return int(self._processor.id_to_piece(piece)[1:-1], 16)

    def _added_spaces(self) -> tuple[bool, bool]:
        """Return whether the model puts a space before each text, and whether behind it."""
        normal: str = self._processor.normalize("a")
        return normal.startswith(spans.SPACE), normal.endswith(spans.SPACE)


def _to_ids(pieces: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Turn SentencePiece's numbers into ids, in place."""
    unknown = pieces == SENTENCEPIECE_UNK
    pieces += FIRST_PIECE_OFFSET
    pieces[unknown] = UNK_ID
    return pieces


def _read(path: Path) -> bytes:
    """Return the bytes of a model file; of another file no more than it takes to see that."""
    with path.open("rb") as file:
        head = file.read(foreign.HEAD_BYTES)
        if not head.startswith(foreign.MODEL_OPENING):
            raise foreign.refusal(foreign.SENTENCEPIECE, head)
        return head + file.read()
