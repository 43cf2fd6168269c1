"""How an encoder sees text: which ids a text becomes, and how a sequence is laid out for it.

Every task lays its rows out through `Layout`, so that one task file serves each architecture: ours
and XLM-R's `<s> A </s></s> B </s>` (RoBERTa Sec. 4.1), BERT's `[CLS] A [SEP] B [SEP]` with segments
(BERT Sec. 3), XLNet's `A <sep> B <sep> <cls>`, which is classified at its end. What the ids are is
the matter of a `TextEncoder`: one of our vocabularies here, another library's in huggingface.py.
Whether an encoder adds embeddings of languages is its own to say (`language_ids`).
Left out: masking; cutting what is too long, which each task does in its own way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from xlmr_lab.vocabulary.load import Vocabulary
from xlmr_lab.vocabulary.special_tokens import BOS_ID, EOS_ID, PAD_ID, UNK_ID


class Row(NamedTuple):
    """One sequence as it is laid out, T tokens, and where its parts stand."""

    ids: npt.NDArray[np.int32]
    """[T], specials included."""
    segments: npt.NDArray[np.int32]
    """[T], the segment of each token; all 0 where the encoder has none."""
    start_first: int
    """Position of the first piece of the first text."""
    start_second: int
    """Position of the first piece of the second text; T where there is none."""
    label_at: int
    """Position at which the whole sequence is labelled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """The specials around one or two texts, and their segments.

    >>> XLMR.pair([7, 8], [9]).ids.tolist()
    [0, 7, 8, 2, 2, 9, 2]
    """

    begin: tuple[int, ...]
    """Ids before the first text."""

    between: tuple[int, ...]
    """Ids between two texts; they are of the first one's segment."""

    end: tuple[int, ...]
    """Ids behind the last text; they are of its segment, but for a classifier token."""

    pad_id: int
    """Id that fills rows up to the longest; always behind a row."""

    unk_id: int
    """Id of what the vocabulary has no piece for."""

    label_at: Literal["first", "last"]
    """Where the token stands at which a whole sequence is labelled."""

    segments: tuple[int, int, int] = (0, 0, 0)
    """Segments of the first text, of the second, and of a classifier token that stands last."""

    @property
    def has_segments(self) -> bool:
        """Whether segments tell anything apart."""
        return any(self.segments)

    @property
    def num_specials_single(self) -> int:
        """Tokens that a row has besides the pieces of its one text."""
        return len(self.begin) + len(self.end)

    @property
    def num_specials_pair(self) -> int:
        """Tokens that a row has besides the pieces of its two texts."""
        return len(self.begin) + len(self.between) + len(self.end)

    def single(self, ids: npt.ArrayLike) -> Row:
        """Lay out one text, given by its ids."""
        return self._row(np.asarray(ids, dtype=np.int32), None)

    def pair(self, first: npt.ArrayLike, second: npt.ArrayLike) -> Row:
        """Lay out two texts, given by their ids."""
        return self._row(np.asarray(first, dtype=np.int32), np.asarray(second, dtype=np.int32))

    def _row(self, first: npt.NDArray[np.int32], second: npt.NDArray[np.int32] | None) -> Row:
        parts = [np.array(self.begin, dtype=np.int32), first]
        if second is not None:
            parts += [np.array(self.between, dtype=np.int32), second]
        ids = np.concatenate([*parts, np.array(self.end, dtype=np.int32)])
        start_second = len(ids) if second is None else len(ids) - len(second) - len(self.end)
        segments = np.full(len(ids), self.segments[0], dtype=np.int32)
        segments[start_second:] = self.segments[1]
        last = self.label_at == "last"
        if last:
            segments[-1] = self.segments[2]
        return Row(ids, segments, len(self.begin), start_second, len(ids) - 1 if last else 0)


XLMR = Layout(
    begin=(BOS_ID,),
    between=(EOS_ID, EOS_ID),
    end=(EOS_ID,),
    pad_id=PAD_ID,
    unk_id=UNK_ID,
    label_at="first",
)
"""The layout of XLM-R, and of every encoder of the lab."""


class TextEncoder(Protocol):
    """Text to the ids of one encoder. `language` is the key of the texts' language, which some
    vocabularies need."""

    @property
    def size(self) -> int:
        """Number of ids, specials included."""

    @property
    def fingerprint(self) -> str:
        """Digits that name the vocabulary and what is done to text before it."""

    @property
    def layout(self) -> Layout:
        """How sequences are laid out."""

    def encode(
        self, texts: Sequence[str], language: str | None = None
    ) -> list[npt.NDArray[np.int32]]:
        """Return the ids of each text, without specials.

        Raises:
            UserError: a text that cannot be encoded, or no language where one is needed.
        """

    def encode_words(
        self, words: Sequence[str], language: str | None = None
    ) -> list[npt.NDArray[np.int32]]:
        """Return the ids of each word, as it is encoded behind a space; raises as `encode`."""

    def offsets(
        self, text: str, language: str | None = None
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Return the ids of a text [N], as `encode` gives them, and the [start, end) of each in the
        characters of the text as it was given [N, 2].

        The space before a word is in no span; see `vocabulary.spans`. Raises as `encode`.
        """


@dataclass(frozen=True, slots=True)
class VocabularyText:
    """One of our vocabularies as the text encoder of our encoders."""

    vocabulary: Vocabulary

    @property
    def size(self) -> int:
        """Number of ids, specials and `<mask>` included."""
        return self.vocabulary.size

    @property
    def fingerprint(self) -> str:
        """The vocabulary's."""
        return self.vocabulary.fingerprint

    @property
    def layout(self) -> Layout:
        """XLM-R's."""
        return XLMR

    def encode(
        self, texts: Sequence[str], language: str | None = None
    ) -> list[npt.NDArray[np.int32]]:
        """Return the ids of each text, without specials."""
        return self.vocabulary.encode(texts, language)

    def encode_words(
        self, words: Sequence[str], language: str | None = None
    ) -> list[npt.NDArray[np.int32]]:
        """Return the ids of each word: a text of its own, for there is a space before each text."""
        return self.vocabulary.encode(words, language)

    def offsets(
        self, text: str, language: str | None = None
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Return the ids of a text and their spans."""
        return self.vocabulary.offsets(text, language)


def of_vocabulary(vocabulary: Vocabulary) -> TextEncoder:
    """Return one of our vocabularies as a text encoder."""
    return VocabularyText(vocabulary)
