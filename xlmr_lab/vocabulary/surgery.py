"""Trim a vocabulary to some languages: fewer pieces, the same segmentation of their text.

Kept are the pieces that texts of the languages use, every single character of those texts, specials
and bytes; ids close ranks in their old order. Text whose old pieces are all kept is cut as before,
whatever the subwords:

- unigram: the best path is still there with the score that it had, and what is gone can only have
  competed with it. What is unknown costs ten nats more than the worst piece, so the worst and the
  best piece stay as well.
- BPE: a piece is made by merges, whose results are pieces too; all on the way to a kept one stay.
  Each merge that made the text was the best at hand, and is the best of fewer.
- WordPiece: the longest match was kept, so it is the longest of fewer (a word that was `<unk>`
  because it led into a dead end may become known).

Text with a piece that is gone is cut into more of the pieces that stay; `changed_lines` counts it.
Text is read anew each time it is needed, and never all of it is held. Adding pieces is in
`extension`.
"""

import dataclasses
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import model_proto
from xlmr_lab.vocabulary.load import Vocabulary
from xlmr_lab.vocabulary.model_proto import Kind, ModelProto
from xlmr_lab.vocabulary.sample import batched
from xlmr_lab.vocabulary.special_tokens import FIRST_PIECE_ID, FIRST_PIECE_OFFSET, UNK_ID, mask_id

NEW = -1
"""The old id of an id that is new."""

CHUNK_LINES = 10_000
"""So many lines are held at a time."""

Ids = npt.NDArray[np.int64]
Texts = Mapping[str, Iterable[str]]
"""Lines of text of each language, which may be gone through several times."""


class Change(NamedTuple):
    """A vocabulary made out of another one."""

    content: bytes
    """What its file holds: a SentencePiece model, or WordPiece's JSON."""
    old_ids: Ids
    """The id in the old vocabulary of each id of the new one [V], or `NEW`."""
    record: dict[str, Any]
    """What was done, in numbers."""


class Counts(NamedTuple):
    """The pieces of a text."""

    of_ids: Ids
    """How often each id occurs [V]."""
    num_lines: int


def is_wordpiece(content: bytes) -> bool:
    """Tell what the file of a vocabulary holds: WordPiece's JSON, or a SentencePiece model."""
    return content.lstrip()[:1] == b"{"


def trim(vocabulary: Vocabulary, content: bytes, texts: Texts, *, min_count: int = 1) -> Change:
    """Return the vocabulary of the languages of `texts`; `content` is that of the old one's file.

    Pieces used fewer than `min_count` times in all texts together go, unless they are a single
    character.

    Raises:
        UserError: no language, one without text, or a SentencePiece model of another kind.
    """
    if not texts:
        raise UserError("no languages to keep; name them, such as surgery.languages=en,sw")
    if min_count < 1:
        raise UserError(f"min_count must be at least 1, got {min_count}")
    counted = {key: count_pieces(vocabulary, key, lines) for key, lines in texts.items()}
    for language, counts in counted.items():
        if not counts.of_ids.any():
            raise UserError(f"no text of {language} to tell which pieces it needs; add some")
    total = np.sum([counts.of_ids for counts in counted.values()], axis=0)
    written = "".join(vocabulary.names(np.flatnonzero(total)))
    wanted = set(np.flatnonzero(total >= min_count).tolist())
    take = _of_wordpiece if is_wordpiece(content) else _of_sentencepiece
    made, places = take(content, wanted, set(written))
    last = mask_id(vocabulary.size)
    specials = range(FIRST_PIECE_ID)
    ordinary = [place for place in places if place >= FIRST_PIECE_ID]
    old_ids = np.array([*specials, *ordinary, last], dtype=np.int64)
    record = {
        "kind": "trim",
        "from_fingerprint": vocabulary.fingerprint,
        "from_size": vocabulary.size,
        "size": len(old_ids),
        "share_kept": len(ordinary) / (vocabulary.size - FIRST_PIECE_ID - 1),
        "min_count": min_count,
        "languages": {
            key: {"num_lines": n, "pieces_used": int(np.count_nonzero(of_ids))}
            for key, (of_ids, n) in counted.items()
        },
    }
    return Change(made, old_ids, record)


def count_pieces(vocabulary: Vocabulary, language: str, lines: Iterable[str]) -> Counts:
    """Count the pieces of lines; specials, `<unk>` and `<mask>` are 0."""
    of_ids, num_lines = np.zeros(vocabulary.size, np.int64), 0
    for chunk, encoded in encoded_chunks(vocabulary, language, lines):
        of_ids += np.bincount(np.concatenate(encoded), minlength=vocabulary.size)
        num_lines += len(chunk)
    of_ids[:FIRST_PIECE_ID] = of_ids[mask_id(vocabulary.size)] = 0
    return Counts(of_ids, num_lines)


def encoded_chunks(
    vocabulary: Vocabulary, language: str | None, lines: Iterable[str]
) -> Iterator[tuple[list[str], list[npt.NDArray[np.int32]]]]:
    """Yield some lines with their ids at a time, so that never all are held."""
    for chunk in batched(lines, CHUNK_LINES):
        yield chunk, vocabulary.encode(chunk, language)


def changed_lines(
    old: Vocabulary, new: Vocabulary, old_ids: Ids, texts: Texts
) -> list[dict[str, Any]]:
    """Return for each language how many of its lines have other pieces than before, and the shares
    of pieces that were and are unknown.
    """
    return [{"language": key, **_changed(old, new, old_ids, key, texts[key])} for key in texts]


def _changed(
    old: Vocabulary, new: Vocabulary, old_ids: Ids, language: str, lines: Iterable[str]
) -> dict[str, Any]:
    num_lines = num_changed = 0
    pieces, unknown = np.zeros(2, np.int64), np.zeros(2, np.int64)  # before, after
    for chunk, before in encoded_chunks(old, language, lines):
        after = new.encode(chunk, language)
        num_lines += len(chunk)
        num_changed += sum(
            not np.array_equal(ids, old_ids[others])
            for ids, others in zip(before, after, strict=True)
        )
        both = [np.concatenate(encoded) for encoded in (before, after)]
        pieces += [len(ids) for ids in both]
        unknown += [np.count_nonzero(ids == UNK_ID) for ids in both]
    rates = (unknown / np.maximum(1, pieces)).tolist()
    return {
        "num_lines": num_lines,
        "num_changed": num_changed,
        "share_changed": num_changed / max(1, num_lines),
        "unknown_rate_before": rates[0],
        "unknown_rate": rates[1],
    }


def _of_sentencepiece(
    content: bytes, wanted: set[int], characters: set[str]
) -> tuple[bytes, list[int]]:
    """Return the trimmed model and the old id of each piece that it keeps."""
    proto = model_proto.read(content)
    if proto.model_kind not in ("unigram", "bpe"):
        raise UserError(
            f"a SentencePiece model of kind {proto.model_kind} is not trimmed; unigram and bpe are"
        )
    places = {id_ - FIRST_PIECE_OFFSET for id_ in wanted}
    for place, piece in enumerate(proto.pieces):
        if piece.kind != Kind.NORMAL or piece.text in characters:
            places.add(place)
    places |= set(_extremes(proto)) if proto.model_kind == "unigram" else _on_the_way(proto, places)
    kept = sorted(places)
    made = dataclasses.replace(proto, pieces=[proto.pieces[place] for place in kept])
    return model_proto.write(made), [place + FIRST_PIECE_OFFSET for place in kept]


def _extremes(proto: ModelProto) -> Iterable[int]:
    """Return a piece of the lowest score, which prices what is unknown, and one of the highest,
    which prices what the user defined.
    """
    scores = [(p.score, place) for place, p in enumerate(proto.pieces) if p.kind == Kind.NORMAL]
    return [place for _, place in (min(scores), max(scores))] if scores else []


def _on_the_way(proto: ModelProto, places: set[int]) -> set[int]:
    """Return the pieces that merges make on the way to the given ones."""
    normal = {p.text: place for place, p in enumerate(proto.pieces) if p.kind == Kind.NORMAL}
    scores = {text: proto.pieces[place].score for text, place in normal.items()}
    found = set()
    for place in places:
        if proto.pieces[place].kind == Kind.NORMAL:
            found |= {normal[text] for text in merges(proto.pieces[place].text, scores)}
    return found


def merges(text: str, scores: Mapping[str, float]) -> Iterator[str]:
    """Yield what BPE makes of the characters of a text, in the order of its merges: the pair of the
    highest score first, of equal ones the first in the text.

    >>> list(merges("abab", {"ab": -1.0, "ba": -2.0, "abab": -3.0}))
    ['ab', 'ab', 'abab']
    """
    symbols = list(text)
    while len(symbols) > 1:
        pairs = [a + b for a, b in itertools.pairwise(symbols)]
        best = max((scores[pair] for pair in pairs if pair in scores), default=None)
        if best is None:
            return
        at = next(i for i, pair in enumerate(pairs) if scores.get(pair) == best)
        symbols[at : at + 2] = [pairs[at]]
        yield pairs[at]


def _of_wordpiece(
    content: bytes, wanted: set[int], characters: set[str]
) -> tuple[bytes, list[int]]:
    """Return the trimmed file and the old id of each piece that it keeps."""
    values = json.loads(content)
    prefix = values.get("continuing_prefix", "##")
    old = list(enumerate(values["pieces"], FIRST_PIECE_ID))
    kept = [
        (id_, piece)
        for id_, piece in old
        if id_ in wanted or piece in characters or piece.removeprefix(prefix) in characters
    ]
    values["pieces"] = [piece for _, piece in kept]
    made = json.dumps(values, ensure_ascii=False, indent=0) + "\n"
    return made.encode("utf-8"), [id_ for id_, _ in kept]
