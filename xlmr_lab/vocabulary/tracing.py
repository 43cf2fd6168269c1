"""Where in the original text each character of preprocessed text comes from, for spans.

The steps of `preprocess` are done again with their tracks kept, about ten times slower; the text
that comes out is the same. Spans come in order: marks that trade places (`".` becomes `."` in
English) both have the span of the two; an accent that is dropped belongs to the letter before it.
"""

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from xlmr_lab.vocabulary import moses, surrogates
from xlmr_lab.vocabulary.preprocess import PLAIN, parts, steps
from xlmr_lab.vocabulary.settings import Preprocessing

GROUP = re.compile(r"\\g<(\d)>")


class Traced(NamedTuple):
    """A character and the half-open span of the original text that it comes from."""

    character: str
    start: int
    end: int


def trace(text: str, language: str, kind: Preprocessing) -> list[Traced]:
    """Return the characters of the preprocessed text, each with its place in `text`.

    A space between tokens has an empty span, or that of white space.

    Raises:
        UserError: as `preprocess`.
    """
    if kind == "none":
        return [Traced(c, i, i + 1) for i, c in enumerate(text)]
    surrogates.refuse([text])
    rules, split = steps(language)
    found: list[Traced] = []
    for start, part in parts(text):
        traced = [Traced(c, i, i + 1) for i, c in enumerate(part, start)]
        for rule in rules:
            traced = _substituted(traced, rule)
        traced = _split(traced, split(_text(traced)))
        if kind == "tokenized_lowercased":
            traced = _without_accents(traced)
        end = traced[-1].end if traced else start
        found += [*traced, Traced(" ", end, end)]
    return list(_single_spaced(found))


def cover(traced: list[Traced], start: int, end: int) -> tuple[int, int]:
    """Return the span of the original text that characters `start` to `end` of the preprocessed
    text come from; white space at their ends is left out, empty where there is nothing else."""
    chosen = [row for row in traced[start:end] if not row.character.isspace()]
    if chosen:
        return _hull(chosen)
    place = traced[start].start if start < len(traced) else traced[-1].end if traced else 0
    return place, place


def _text(traced: list[Traced]) -> str:
    return "".join(row.character for row in traced)


def _substituted(traced: list[Traced], rule: moses.Rule) -> list[Traced]:
    """Return the outcome of a rule: groups keep their places, what is new comes from the rest."""
    found: list[Traced] = []
    done = 0
    for match in rule.pattern.finditer(_text(traced)):
        found += traced[done : match.start()]
        done = match.end()
        made = GROUP.split(rule.template)  # literal, group, literal, ... literal
        groups = [slice(*match.span(int(number))) for number in made[1::2]]
        kept = {i for group in groups for i in range(group.start, group.stop)}
        rest = [traced[i] for i in range(match.start(), done) if i not in kept]
        start, end = _hull([row for row in rest if not row.character.isspace()] or rest)
        rows = [Traced(c, start, end) for c in made[0]]
        for group, literal in zip(groups, made[2::2], strict=True):
            rows += traced[group]
            rows += [Traced(c, start, end) for c in literal]
        found += _in_order(rows)
    return found + traced[done:]


def _hull(rows: list[Traced]) -> tuple[int, int]:
    return min(row.start for row in rows), max(row.end for row in rows)


def _in_order(rows: list[Traced]) -> list[Traced]:
    """Give rows that stand before one with an earlier start, and that one, the span of them all."""
    starts = [row.start for row in rows]
    highest = list(itertools.accumulate(starts, max))
    lowest = list(itertools.accumulate(reversed(starts), min))[::-1]
    moved = [i for i, start in enumerate(starts) if highest[i] > start or lowest[i] < start]
    if moved:
        start, end = _hull([rows[i] for i in moved])
        for i in moved:
            rows[i] = rows[i]._replace(start=start, end=end)
    return rows


def _split(traced: list[Traced], text: str) -> list[Traced]:
    """Return `text`, which is that of `traced` with white space put in or taken out."""
    rows = [row for row in traced if not row.character.isspace()]
    if "".join(text.split()) != _text(rows):
        # Text that spells what Moses puts for a row of dots while it works comes out as dots.
        return [Traced(c, *_hull(rows)) for c in text]
    found: list[Traced] = []
    remaining = iter(rows)
    for c in text:
        end = found[-1].end if found else traced[0].start
        found.append(Traced(" ", end, end) if c.isspace() else next(remaining))
    return found


def _without_accents(traced: list[Traced]) -> list[Traced]:
    lowered = _text(traced).lower()  # of the whole: a final sigma depends on what stands around it
    found: list[Traced] = []
    place = 0
    for character, start, end in traced:
        here = lowered[place : place + len(character.lower())]
        place += len(here)
        plain = here.translate(PLAIN)
        found += [Traced(c, start, end) for c in plain]
        if not plain and found:
            found[-1] = found[-1]._replace(end=max(end, found[-1].end))
    return found


def _single_spaced(traced: list[Traced]) -> Iterator[Traced]:
    """Yield the rows without white space at the ends, and with one space for any within."""
    space = None
    started = False
    for row in traced:
        if row.character.isspace():
            space = space or row._replace(character=" ")
            continue
        if space and started:
            yield space
        yield row
        space, started = None, True
