"""Machine translation and code-switching: events said with the words, or in the order, of two
tongues.

A translator errs as systems do: it takes a wrong word of the right kind, leaves a word as it was in
the source, leaves words out, says words twice, and keeps the order of the source. Labels are kept,
as translated training sets keep them (XLM-R Sec. 4, translate-train and translate-test), so some no
longer follow. Names and years are never taken for others. Code-switched text has the grammar of one
tongue (the matrix language of Myers-Scotton 1993) and some words of another. Left out: errors of
morphology, scripts of names.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial

import numpy as np

from xlmr_lab.babel import questions
from xlmr_lab.babel.tongues import Phrase, Tongue, Word
from xlmr_lab.babel.world import Event, World
from xlmr_lab.errors import UserError

Say = Callable[[Event], str]
"""Says an event or a question as a written sentence."""

FOREIGN = 1_000_000
"""Added to a concept, it names the other tongue's word for it."""

CONCEPTS = ("agent", "family", "action", "object", "quality", "place", "time")
CONFUSED = ("animal", "thing", "action", "quality", "animal_class", "thing_class")
"""Kinds of concepts that are taken for another of their kind; all others are names and times."""
SWITCHED = (*CONFUSED, "time")
"""Kinds whose words code-switched text takes from the other tongue; names are the same in both."""
ORDER_HABITS = ("order", "quality_first", "place_first", "not_first", "question_first")

WRONG = 0.6
"""Of the changed words, the share of wrong ones; the rest is left untranslated."""
DROPPED = 0.6
"""Of the dropped and doubled words, the share of dropped ones."""
MAX_WORDS = 16
CHANCES = 1 + 2 * len(CONCEPTS) + MAX_WORDS
"""Draws for one sentence: its order, two for each concept, one for each word."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TranslationConfig:
    """How well Babel's machine translates."""

    errors: float = 0.1
    """Errors a content word (expected number, 0 to 1): half of them a wrong or untranslated word,
    half a dropped or doubled one, which befall function words too. 0, with `source_order` 0, is the
    exact translation.
    """
    source_order: float = 0.2
    """Share of sentences left in the word order of the source (probability)."""

    def __post_init__(self) -> None:
        for name in ("errors", "source_order"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(
                    f"tasks.translation.{name} must be in [0, 1], got {getattr(self, name)}"
                )


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Translator:
    """Translates from one tongue into another, with errors."""

    tongue: Tongue
    """The target, which also knows the words of the source."""
    source_ordered: Tongue
    """The same in the word order of the source."""
    kinds: dict[int, range]
    """The concepts that each concept may be taken for."""
    config: TranslationConfig

    def phrases(
        self, event: Event, chances: Sequence[float], whole: Collection[str] = ()
    ) -> list[Phrase]:
        """Translate an event or a question; the `whole` parts keep all of their words.

        `chances` are `CHANCES` draws from [0, 1).
        """
        ordered = chances[0] < self.config.source_order
        tongue = self.source_ordered if ordered else self.tongue
        said = questions.phrases(tongue, self._misread(event, chances[1:]))
        draws = iter(chances[1 + 2 * len(CONCEPTS) :])
        noisy = [
            (part, words if part in whole else self._lose(words, draws)) for part, words in said
        ]
        return [phrase for phrase in noisy if phrase[1]] or said

    def sayer(self, rng: np.random.Generator) -> Say:
        """Return what says one event or question after the other as a translated sentence."""

        def say(event: Event) -> str:
            phrases = self.phrases(event, rng.random(CHANCES).tolist())
            words = [word for _, phrase in phrases for word, _ in phrase]
            return self.tongue.write(words, question=questions.is_question(event)).rstrip()

        return say

    def _misread(self, event: Event, chances: Sequence[float]) -> Event:
        """Take some concepts for others of their kind, and leave some in the source's words."""
        half, changed = self.config.errors / 2, {}
        for name, chance, other in zip(CONCEPTS, chances, chances[len(CONCEPTS) :], strict=False):
            concept = getattr(event, name)
            if concept < 0 or chance >= half:
                continue
            if chance >= half * WRONG:
                changed[name] = concept + FOREIGN
            elif kind := self.kinds.get(concept):
                step = 1 + int(other * (len(kind) - 1))
                changed[name] = kind[(concept - kind.start + step) % len(kind)]
        return event._replace(**changed) if changed else event

    def _lose(self, words: list[Word], draws: Iterator[float]) -> list[Word]:
        """Drop some words and say some twice."""
        half, kept = self.config.errors / 2, []
        for word, chance in zip(words, draws, strict=False):
            if chance >= half * DROPPED:
                kept.append(word)
                if chance < half:
                    kept.append(word)
        return kept


def exact(tongue: Tongue) -> Say:
    """Return what says an event or a question as a sentence of a tongue."""
    return partial(questions.sentence, tongue)


def translator(
    world: World, source: Tongue, target: Tongue, config: TranslationConfig
) -> Translator:
    """Return the translator from a source into a target tongue."""
    tongue = with_words_of(target, source)
    habits = {habit: getattr(source.grammar, habit) for habit in ORDER_HABITS}
    grammar = dataclasses.replace(target.grammar, **habits)
    return Translator(
        tongue=tongue,
        source_ordered=dataclasses.replace(tongue, grammar=grammar),
        kinds={c: world.concepts(kind) for kind in CONFUSED for c in world.concepts(kind)},
        config=config,
    )


def with_words_of(matrix: Tongue, other: Tongue) -> Tongue:
    """Return the matrix tongue with the other's words for concepts beyond `FOREIGN`."""
    foreign = {concept + FOREIGN: form for concept, form in other.forms.items() if concept >= 0}
    return dataclasses.replace(matrix, forms=matrix.forms | foreign)


def switcher(
    world: World, matrix: Tongue, other: Tongue, share: float, rng: np.random.Generator
) -> Say:
    """Return what says one event after the other in the grammar of the matrix tongue, each content
    word but names in the other's word with probability `share`.
    """
    tongue = with_words_of(matrix, other)
    switched = {concept for kind in SWITCHED for concept in world.concepts(kind)}

    def say(event: Event) -> str:
        chances = rng.random(len(CONCEPTS)).tolist()
        changed = {
            name: getattr(event, name) + FOREIGN
            for name, chance in zip(CONCEPTS, chances, strict=True)
            if chance < share and getattr(event, name) in switched
        }
        return tongue.sentence(event._replace(**changed)).rstrip()

    return say
