"""Extend a vocabulary by a language it lacks: new pieces behind the old ones, old text as before.

A unigram vocabulary is trained on the new language's text, normalised as the old one does. Its
pieces that are not there yet are candidates, first the single characters, then those that save most
pieces on the text. Their scores are brought to the old scale by the pieces that both have: the
median, over the text, of what the old model gives them less what the new one does; so the new
pieces are used, and compete with the old ones as they did in training.

A guard of text in the old languages must be cut as before. A candidate that occurs in it goes, and
what then takes its place, until none does: the best path of a line without new pieces stays the
best when competitors go, so the guard is gone through once and never held. No score is below the
worst old one, which prices what is unknown; all add up exactly (see `exact_sums`).

Old ids stay, new pieces follow them, and `<mask>` moves to the new last id. Only unigram models are
extended: merges of BPE and the longest match of WordPiece give a new piece no score to lose by.
"""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import model_proto, own_pieces
from xlmr_lab.vocabulary.exact_sums import STEP
from xlmr_lab.vocabulary.model_proto import Kind, ModelProto, Piece
from xlmr_lab.vocabulary.sample import batched
from xlmr_lab.vocabulary.special_tokens import FIRST_PIECE_OFFSET, UNK_ID, mask_id
from xlmr_lab.vocabulary.surgery import (
    CHUNK_LINES,
    NEW,
    Change,
    Texts,
    count_pieces,
    encoded_chunks,
    is_wordpiece,
)
from xlmr_lab.vocabulary.tokenizer import Tokenizer

CANDIDATES_PER_PIECE = 2
"""Pieces of the new language's own vocabulary, first, for each that is asked for."""


class Extension(NamedTuple):
    """A vocabulary that was extended."""

    change: Change
    """The new vocabulary, and which ids are new."""
    sources: list[list[int]]
    """The old ids that stood for each new piece, without `<unk>`; empty where nothing else did."""


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """A piece that might be added."""

    piece: Piece
    source: list[int]
    """Ids that the old vocabulary cuts it into, without `<unk>`."""
    gain: int
    """Pieces and unknown characters that it saves on the new language's text."""

    @property
    def is_character(self) -> bool:
        """Whether it is a single character, without which that would be unknown."""
        return len(self.piece.text) == 1


def extend(
    model: bytes,
    lines: Sequence[str],
    guard: Texts,
    *,
    language: str,
    num_pieces: int,
    coverage: float,
) -> Extension:
    """Return a SentencePiece model with `num_pieces` more pieces, from lines of the new language.

    `coverage` is the share of the language's characters that its own vocabulary must have.

    Raises:
        UserError: no unigram model, no text, more pieces than the text supports or fewer than it
            has new characters, text that nothing can be learned from, or nothing to add.
    """
    if num_pieces < 1:
        raise UserError(f"pieces must be at least 1, got {num_pieces}")
    require_unigram(model)
    proto, old = model_proto.read(model), Tokenizer(model)
    text = own_pieces.normalized(model, lines)
    if not text:
        raise UserError(f"no text of {language} to take pieces from; add some")
    learn = functools.partial(own_pieces.learned, text, language, coverage=coverage)
    chosen, dropped = _found(proto, text, guard, learn, num_pieces, language)
    told = {"language": language, "num_lines": len(lines)}
    told |= {"guard": {key: sum(1 for _ in group) for key, group in guard.items()}}
    record = _record(old, chosen, dropped) | told
    old_ids = [*range(old.size - 1), *[NEW] * num_pieces, mask_id(old.size)]
    made = model_proto.write(_with(proto, chosen))
    change = Change(made, np.array(old_ids, dtype=np.int64), record)
    return Extension(change, [candidate.source for candidate in chosen])


def require_unigram(model: bytes) -> None:
    """Refuse other vocabularies.

    Raises:
        UserError: it is one.
    """
    kind = "wordpiece" if is_wordpiece(model) else model_proto.read(model).model_kind
    if kind != "unigram":
        raise UserError(
            f"only unigram vocabularies are extended, this one is {kind}; train a new one on all "
            "the text"
        )


def _found(
    proto: ModelProto,
    text: Sequence[str],
    guard: Texts,
    learn: Callable[..., ModelProto],
    num_pieces: int,
    language: str,
) -> tuple[list[Candidate], list[Candidate]]:
    """Return the pieces to add and those that the guard forbids, of as large an own vocabulary as
    it takes.
    """
    size, own_size = CANDIDATES_PER_PIECE * num_pieces, 0
    while True:
        own = learn(size=size)
        kept, dropped = _unseen_in(guard, proto, _candidates(proto, own, text))
        chosen, possible = _chosen(proto, kept, text, num_pieces)
        if len(chosen) == num_pieces or len(own.pieces) == own_size:
            break
        size, own_size = 2 * size, len(own.pieces)
    _check(kept, dropped, possible, num_pieces, language)
    return chosen, dropped


def _record(
    old: Tokenizer, chosen: Sequence[Candidate], dropped: Sequence[Candidate]
) -> dict[str, Any]:
    return {
        "kind": "extend",
        "from_fingerprint": old.fingerprint,
        "from_size": old.size,
        "size": old.size + len(chosen),
        "characters_added": sum(c.is_character for c in chosen),
        "dropped_for_guard": len(dropped),
        "characters_dropped_for_guard": [c.piece.text for c in dropped if c.is_character],
    }


def _candidates(proto: ModelProto, own: ModelProto, text: Sequence[str]) -> list[Candidate]:
    """Return the pieces of the language's own model that are not there, characters first, then by
    what they save.
    """
    uses = count_pieces(Tokenizer(model_proto.write(own)), "", text).of_ids[FIRST_PIECE_OFFSET:]
    there = {piece.text: piece for piece in proto.pieces}
    scores = [piece.score for piece in proto.pieces if piece.kind == Kind.NORMAL]
    least, most = math.ceil(min(scores) / STEP), math.floor(max(scores) / STEP)
    shift = _shift(there, own, uses)
    new = [
        (piece, int(used))
        for piece, used in zip(own.pieces, uses, strict=False)
        if piece.kind == Kind.NORMAL and piece.text not in there
    ]
    cutter = Tokenizer(model_proto.write(model_proto.with_spaces_kept(proto)))
    found = []
    for (piece, used), ids in zip(new, cutter.encode([p.text for p, _ in new]), strict=True):
        score = STEP * min(most, max(least, round((piece.score + shift) / STEP)))
        source = [int(i) for i in ids if i != UNK_ID]
        # Unknown characters in a row are one <unk>, and each of them is lost.
        cost = len(ids) if len(source) == len(ids) else len(piece.text) + 1
        found.append(Candidate(Piece(piece.text, score), source, used * (cost - 1)))
    return sorted(found, key=lambda c: (not c.is_character, -c.gain, c.piece.text))


def _shift(there: Mapping[str, Piece], own: ModelProto, uses: npt.NDArray[np.int64]) -> float:
    """Return what brings the own model's scores to the old scale (nats): the median over uses of
    the pieces that both have, 0 where they share none.
    """
    both = [
        (there[piece.text].score - piece.score, int(used))
        for piece, used in zip(own.pieces, uses, strict=False)
        if used and piece.text in there and there[piece.text].kind == Kind.NORMAL
    ]
    if not both:
        return 0.0
    differences, counts = (np.array(column) for column in zip(*sorted(both), strict=True))
    return float(differences[np.searchsorted(counts.cumsum(), counts.sum() / 2)])


def _unseen_in(
    guard: Texts, proto: ModelProto, candidates: Sequence[Candidate]
) -> tuple[list[Candidate], list[Candidate]]:
    """Divide the candidates into those that leave the guarded lines as they are, and the others."""
    kept, dropped = list(candidates), list[Candidate]()
    tokenizer = _tokenizer(proto, kept)
    for chunk in batched(itertools.chain.from_iterable(guard.values()), CHUNK_LINES):
        waiting = chunk
        while waiting and kept:
            uses, waiting = _new_uses(tokenizer, len(kept), waiting)
            if waiting:
                dropped += [candidate for candidate, used in zip(kept, uses, strict=True) if used]
                kept = [candidate for candidate, used in zip(kept, uses, strict=True) if not used]
                tokenizer = _tokenizer(proto, kept)
    return kept, dropped


def _tokenizer(proto: ModelProto, added: Sequence[Candidate]) -> Tokenizer:
    return Tokenizer(model_proto.write(_with(proto, added)))


def _new_uses(
    tokenizer: Tokenizer, num_added: int, lines: Iterable[str]
) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return how often each added piece, the last ones, is used in the lines, and the lines that
    use one.
    """
    first = mask_id(tokenizer.size) - num_added
    uses, using = np.zeros(num_added, np.int64), []
    for chunk, encoded in encoded_chunks(tokenizer, None, lines):
        for line, ids in zip(chunk, encoded, strict=True):
            if len(ids) and ids.max() >= first:
                np.add.at(uses, ids[ids >= first] - first, 1)
                using.append(line)
    return uses, using


def _chosen(
    proto: ModelProto, candidates: Sequence[Candidate], text: Sequence[str], num_pieces: int
) -> tuple[list[Candidate], int]:
    """Return the first candidates such that all but characters are used in the text, and how many
    there could be.
    """
    left = list(candidates)
    while True:
        chosen = left[:num_pieces]
        uses, _ = _new_uses(_tokenizer(proto, chosen), len(chosen), text)
        idle = {
            c.piece.text
            for c, used in zip(chosen, uses, strict=True)
            if not used and not c.is_character
        }
        if not idle:
            return chosen, len(left)
        left = [c for c in left if c.piece.text not in idle]


def _check(
    kept: Sequence[Candidate],
    dropped: Sequence[Candidate],
    possible: int,
    num_pieces: int,
    language: str,
) -> None:
    """Refuse a number of pieces that cannot be met."""
    if not possible:
        why = "would change text of the old ones" if dropped else "is there already"
        raise UserError(f"nothing to add for {language}: every piece that it uses {why}")
    characters = sum(candidate.is_character for candidate in kept)
    if characters > num_pieces:
        raise UserError(
            f"{language} has {characters} characters that are not there, more than "
            f"surgery.pieces={num_pieces}; set surgery.pieces={characters} or more"
        )
    if possible < num_pieces:
        raise UserError(
            f"the text of {language} supports {possible} new pieces, asked for {num_pieces}; "
            f"set surgery.pieces={possible} or less, or add text"
        )


def _with(proto: ModelProto, added: Sequence[Candidate]) -> ModelProto:
    return dataclasses.replace(proto, pieces=[*proto.pieces, *(c.piece for c in added)])
