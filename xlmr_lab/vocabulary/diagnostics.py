"""How well a vocabulary serves each language, in one row for each: how finely its words are cut,
what is unknown, which letters are lost, how many pieces it uses, and how many are its own.

Fertility (pieces per white-space word) is the usual figure and says nothing for scripts that do not
write spaces, where a "word" is a clause; bytes per piece is meaningful inside one script, the
unknown rate everywhere. The three are measured on text that the vocabulary has not seen, where
there is enough of it: text that it was trained on flatters it. Letters and pieces are counted on
more text, seen or not, since rare ones need it.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import letters, overlap, scripts
from xlmr_lab.vocabulary.load import Vocabulary
from xlmr_lab.vocabulary.special_tokens import FIRST_PIECE_ID, UNK_ID, mask_id


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class LanguageText:
    """What a language is measured on."""

    rated: Sequence[str]
    """Paragraphs that fertility, bytes per piece and unknown rate are measured on."""
    unseen: bool
    """Whether the vocabulary was trained without `rated`."""
    used: Sequence[str]
    """Paragraphs that the pieces of the language are counted on."""
    letters: Mapping[str, int]
    """How often each character occurs in the language's text."""
    unseen_letters: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """How often in the documents among it that the vocabulary was trained without."""


class Diagnosis(NamedTuple):
    """Tables about one vocabulary, as rows."""

    languages: list[dict[str, Any]]
    """One row for each language."""
    letters: list[dict[str, Any]]
    """One row for each lost letter of a language, see `letters.lost`."""
    scripts: list[dict[str, Any]]
    """The pieces by script, see `scripts.pieces_by_script`."""
    overlap: list[dict[str, Any]]
    """One row for each pair of languages, see `overlap.pairs`."""


def diagnose(vocabulary: Vocabulary, texts: Mapping[str, LanguageText]) -> Diagnosis:
    """Measure a vocabulary on the text of each language.

    Raises:
        UserError: a language with no text.
    """
    languages: list[dict[str, Any]] = []
    lost: list[dict[str, Any]] = []
    counts = {}
    for language, text in texts.items():
        (row,) = fertility(vocabulary, {language: text.rated})
        gone = letters.lost(
            vocabulary, language, text.letters, text.used, unseen=text.unseen_letters
        )
        counts[language] = pieces_used(vocabulary, language, text.used)
        used_bytes = sum(len(line.encode("utf-8")) for line in text.used)
        row |= {"unseen": text.unseen, "used_bytes": used_bytes}
        languages.append(row | letters.summary(text.letters, gone))
        lost += gone[: letters.MAX_LISTED]
    for row, own in zip(languages, overlap.owned(counts), strict=True):
        row |= own
    by_script = scripts.pieces_by_script(vocabulary, counts)
    return Diagnosis(languages, lost, by_script, list(overlap.pairs(counts)))


def fertility(vocabulary: Vocabulary, texts: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return one row per language: counts, pieces per word, bytes per piece, share of unknown
    pieces.

    Raises:
        UserError: a language with no text.
    """
    return [_row(vocabulary, language, texts[language]) for language in texts]


def pieces_used(
    vocabulary: Vocabulary, language: str, texts: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Return how often each id occurs in the texts, [V]; specials, `<unk>` and `<mask>` are 0."""
    encoded = vocabulary.encode(texts, language)
    ids = np.concatenate([np.zeros(0, np.int32), *encoded])
    counts = np.bincount(ids, minlength=vocabulary.size)
    counts[:FIRST_PIECE_ID] = counts[mask_id(vocabulary.size)] = 0
    return counts


def _row(vocabulary: Vocabulary, language: str, texts: Sequence[str]) -> dict[str, Any]:
    encoded = vocabulary.encode(texts, language)
    num_words = sum(len(text.split()) for text in texts)
    num_pieces = sum(len(ids) for ids in encoded)
    num_bytes = sum(len(text.encode("utf-8")) for text in texts)
    num_unknown = sum(int(np.count_nonzero(ids == UNK_ID)) for ids in encoded)
    if not num_words or not num_pieces:
        raise UserError(f"no text to measure the vocabulary on for {language}")
    return {
        "language": language,
        "num_words": num_words,
        "num_pieces": num_pieces,
        "num_bytes": num_bytes,
        "fertility": num_pieces / num_words,
        "bytes_per_piece": num_bytes / num_pieces,
        "unknown_rate": num_unknown / num_pieces,
    }
