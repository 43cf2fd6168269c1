"""Letters of a language that a vocabulary loses: what becomes `<unk>`, or leaves nothing behind.

A letter is a letter or a mark of Unicode (vowel signs of Indic scripts are marks). Each is tried
alone and doubled, since WordPiece may know it at the start of a word only; what becomes of one that
fails is decided by some of its places in the text: a mark may be known together with the letter
below it, and a letter may stand at the start of words only. What byte fallback spells in bytes is
not lost, and is told apart; so is a letter that only documents have that training did not see.
"""

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from xlmr_lab.corpus.scripts import letter_scripts
from xlmr_lab.vocabulary.load import Vocabulary
from xlmr_lab.vocabulary.special_tokens import UNK_ID

UNKNOWN, UNSEEN, MISSING, BYTES = "unknown", "unseen", "missing", "bytes"
"""What becomes of a letter that has no piece: `<unk>`, as training saw it or did not see it,
nothing at all, or its UTF-8 bytes."""

THERE = "there"
"""A letter that has a piece where it stands."""

MAX_PLACES = 5
"""A letter is looked at in so many places."""

MAX_LISTED = 500
"""So many lost letters of a language are listed, the most frequent ones; all are counted."""

BYTE_PIECE = re.compile(r"<0x[0-9A-F]{2}>")
WORD_MARKS = "\u2581#"
"""What pieces hold that is no text: the space of SentencePiece, the continuation of WordPiece."""

_CHUNK_CHARACTERS = 1 << 22


def count(texts: Iterable[str]) -> dict[str, int]:
    """Return how often each character occurs, in the order of their code points.

    >>> count(["ab", "b"])
    {'a': 1, 'b': 2}
    """
    total: Counter[int] = Counter()
    chunk: list[str] = []
    size = 0
    for text in texts:
        chunk.append(text)
        size += len(text)
        if size >= _CHUNK_CHARACTERS:
            total.update(_points(chunk))
            chunk, size = [], 0
    total.update(_points(chunk))
    return {chr(point): total[point] for point in sorted(total)}


def lost(
    vocabulary: Vocabulary,
    language: str,
    counts: Mapping[str, int],
    texts: Sequence[str],
    *,
    unseen: Mapping[str, int] = {},
) -> list[dict[str, Any]]:
    """Return a row for each letter without a piece, most frequent first: how often it stands among
    the letters of the language, and what becomes of it.

    `texts` show letters in their places; `counts` may come from more text than they hold. `unseen`
    is how many of them are of text that the vocabulary was not trained on.
    """
    found = sorted(letter_scripts(counts).items(), key=lambda pair: (-counts[pair[0]], pair[0]))
    total = sum(counts[letter] for letter, _ in found)
    fates = _fates(vocabulary, language, [letter for letter, _ in found], texts)
    return [
        {
            "language": language,
            "letter": letter,
            "code": f"U+{ord(letter):04X}",
            "description": unicodedata.name(letter, "").lower(),
            "letter_script": script,
            "count": counts[letter],
            "frequency": counts[letter] / total,
            "fate": UNSEEN
            if fates[letter] == UNKNOWN and unseen.get(letter) == counts[letter]
            else fates[letter],
        }
        for letter, script in found
        if letter in fates
    ]


def summary(counts: Mapping[str, int], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sum up the rows of `lost`: distinct letters, how many of them are lost, which share of the
    text they make up, and the frequency of the most frequent one.
    """
    gone = [row for row in rows if row["fate"] != BYTES]
    return {
        "num_letters": len(letter_scripts(counts)),
        "letters_lost": len(gone),
        "letters_unseen": sum(row["fate"] == UNSEEN for row in gone),
        "letters_in_bytes": len(rows) - len(gone),
        "share_lost": sum(row["frequency"] for row in gone),
        "largest_lost": max((row["frequency"] for row in gone), default=0.0),
    }


def _points(texts: Sequence[str]) -> dict[int, int]:
    counts = np.bincount(np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32))
    return {int(point): int(counts[point]) for point in counts.nonzero()[0]}


def _fates(
    vocabulary: Vocabulary, language: str, letters: Sequence[str], texts: Sequence[str]
) -> dict[str, str]:
    """Return what becomes of the letters that have no piece."""
    alone = vocabulary.encode(letters, language)
    doubled = vocabulary.encode([2 * letter for letter in letters], language)
    fates = {}
    for letter, *ids in zip(letters, alone, doubled, strict=True):
        fate = next(filter(None, (_fate(vocabulary, row.tolist()) for row in ids)), "")
        if fate in (UNKNOWN, MISSING):
            fate = _fate_in_places(vocabulary, language, letter, texts) or fate
        if fate and fate != THERE:
            fates[letter] = fate
    return fates


def _fate(vocabulary: Vocabulary, ids: list[int]) -> str:
    """Return what became of a text that was encoded to these ids, "" if it is there."""
    if UNK_ID in ids:
        return UNKNOWN
    names = vocabulary.names(ids)
    if any(map(BYTE_PIECE.fullmatch, names)):
        return BYTES
    return "" if any(name.strip(WORD_MARKS) for name in names) else MISSING


def _fate_in_places(
    vocabulary: Vocabulary, language: str, letter: str, texts: Sequence[str]
) -> str:
    """Return what becomes of a letter in most of its first places, `THERE` if it is known; "" where
    no place can tell, since what stands around it is unknown itself.
    """
    places = list(itertools.islice(_places(letter, texts), MAX_PLACES))
    rests = [unit.replace(letter, "") for unit in places]
    found: Counter[str] = Counter()
    for whole, rest in zip(
        vocabulary.encode(places, language), vocabulary.encode(rests, language), strict=True
    ):
        if UNK_ID not in rest:
            same = whole.tolist() == rest.tolist()
            found[MISSING if same else _fate(vocabulary, whole.tolist()) or THERE] += 1
    return found.most_common(1)[0][0] if found else ""


def _places(letter: str, texts: Sequence[str]) -> Iterator[str]:
    """Yield the places of a letter: with the letter before it, if there is one, and all marks."""
    for text in texts:
        place = text.find(letter)
        while place >= 0:
            start, end = place, place + 1
            while start and _joins(text[start]):
                start -= 1
            if start and text[start - 1].isalpha():
                start -= 1
            while end < len(text) and _joins(text[end]):
                end += 1
            yield text[start:end]
            place = text.find(letter, end)


def _joins(character: str) -> bool:
    """Tell marks, and the vowels and finals of conjoining Hangul."""
    return unicodedata.category(character)[0] == "M" or "\u1160" <= character <= "\u11ff"
