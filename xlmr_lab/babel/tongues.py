"""How a language says an event: script, lexicon, sound laws, word order, morphology, and its place
in a family tree.

Each tongue has a code from the range ISO 639-2 reserves for local use (qaa-qtz) and stands in for
one of the paper's hundred languages, whose size it takes. A family shares proto-forms, a script and
habits of order; each member has sound laws of its own, words of its own coining, and a few
departures in grammar. Proper names are shared by all, spelled in the tongue's script or kept in
Latin letters: with digits of years they are the anchors across scripts. A focus particle ("even",
like Finnish -kin) can follow any word, so that words have more than one form, without which
SentencePiece finds no whole words. A verb is marked as past beside a time and unmarked elsewhere,
which says nothing of tense. Left out: agreement, irregular forms.
"""

import dataclasses
from functools import cached_property
from typing import Any

from xlmr_lab import languages, seeds
from xlmr_lab.babel import grammar as grammars
from xlmr_lab.babel import lexicon
from xlmr_lab.babel import world as worlds
from xlmr_lab.babel.grammar import Grammar
from xlmr_lab.babel.scripts import SCRIPTS, Script, spell
from xlmr_lab.babel.world import NOTHING, WHAT, WHO, Event, World
from xlmr_lab.errors import UserError

FAMILIES = (
    "Latn",
    "Cyrl",
    "Arab",
    "Deva",
    "Hans",
    "Grek",
    "Thai",
    "Hang",
    "Hebr",
    "Geor",
    "Ethi",
    "Armn",
)
"""The script of each family, in order of the families' numbers."""

PER, LOC, ORG, OUTSIDE = "PER", "LOC", "ORG", "O"

Word = tuple[str, str]
"""A written word and its entity tag in IOB2 form."""
Phrase = tuple[str, list[Word]]
"""Which part of an event is said (`agent`, `action`, `object`, `place`, `time`), and its words."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TongueConfig:
    """The dials of Babel's languages."""

    latin_names: float = 0.5
    """Share of proper names that every tongue keeps in Latin letters (probability); the rest is
    spelled in its script.
    """
    coined: float = 0.2
    """Share of a tongue's words that do not come from its family's proto-forms (probability)."""
    one_grammar: bool = False
    """Give every tongue the same word order and morphology; alignment is then easiest (Dufter and
    Schütze 2020).
    """

    def __post_init__(self) -> None:
        for name in ("latin_names", "coined"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"{name} must be in [0, 1], got {getattr(self, name)}")


@dataclasses.dataclass(frozen=True)
class Tongue:
    """One invented language: what it is called, whom it stands for, and how it speaks."""

    code: str
    family: int
    stands_for: str
    script: Script
    grammar: Grammar
    forms: dict[int, str]
    """The word of each concept, and the question words `WHO` and `WHAT`."""
    functions: dict[str, str]

    def phrases(self, event: Event) -> list[Phrase]:
        """Say an event as phrases in the order of the grammar, without what is not said."""
        thing = self._object(event)
        if event.action == NOTHING:
            thing = [(self.forms[event.object], OUTSIDE)]
        core: dict[str, Phrase] = {
            "S": ("agent", self._subject(event)),
            "V": ("action", self._verb(event)),
            "O": ("object", thing),
        }
        around = [("place", self._place(event)), ("time", self._time(event))]
        ordered = [core[part] for part in self.grammar.order]
        said = around + ordered if self.grammar.place_first else ordered + around
        return [phrase for phrase in said if phrase[1]]

    def words(self, event: Event) -> list[Word]:
        """Say an event as words with entity tags."""
        return [word for _, phrase in self.phrases(event) for word in phrase]

    def sentence(self, event: Event, stressed: float = 1.0) -> str:
        """Say an event as a written sentence.

        `stressed` in [0, 1) says which word bears the focus particle, by its place in the sentence;
        digits never do.
        """
        words = [word for word, _ in self.words(event)]
        if stressed < 1 and not words[place := int(stressed * len(words))].isdigit():
            words[place] += self.functions["even"]
        return self.write(words)

    def write(self, words: list[str], *, question: bool = False) -> str:
        """Write words as a sentence, with spaces where the script has them, and its last mark."""
        script = self.script
        mark = script.question_mark if question else script.full_stop
        return (" ".join(words) if script.spaced else self._joined(words)) + mark

    def join(self, sentences: list[str]) -> str:
        """Put sentences beside each other in a paragraph."""
        return (" " if self.script.spaced else "").join(sentences).rstrip()

    def _joined(self, words: list[str]) -> str:
        """Write without spaces, save around Latin letters and digits."""
        text, before = "", False
        for word in words:
            latin = word.isascii()
            text += f" {word}" if text and (latin or before) else word
            before = latin
        return text

    def _subject(self, event: Event) -> list[Word]:
        forms = self.forms
        if event.family != NOTHING:
            return [(forms[event.agent], f"B-{PER}"), (forms[event.family], f"I-{PER}")]
        return self._named(event.agent)

    def _named(self, concept: int) -> list[Word]:
        kind = self.kinds.get(concept, "")
        return [(self.forms[concept], f"B-{kind}" if kind else OUTSIDE)]

    def _verb(self, event: Event) -> list[Word]:
        grammar, functions = self.grammar, self.functions
        stem = functions["is"] if event.action == NOTHING else self.forms[event.action]
        past = event.time != NOTHING
        if past and grammar.past_suffix:
            stem += functions["past"]
        verb = [(stem, OUTSIDE)]
        if past and not grammar.past_suffix:
            verb.append((functions["past"], OUTSIDE))
        if event.negated:
            negation = (functions["not"], OUTSIDE)
            return [negation, *verb] if grammar.not_first else [*verb, negation]
        return verb

    def _object(self, event: Event) -> list[Word]:
        grammar, functions = self.grammar, self.functions
        noun, phrase = self.forms[event.object], []
        if event.quantity > 1:
            phrase.append((functions[f"number{event.quantity}"], OUTSIDE))
            if grammar.plural_suffix:
                noun += functions["plural"]
        words = [(noun, OUTSIDE)]
        if event.quantity > 1 and not grammar.plural_suffix:
            words.append((functions["plural"], OUTSIDE))
        if event.quality != NOTHING:
            quality = (self.forms[event.quality], OUTSIDE)
            words = [quality, *words] if grammar.quality_first else [*words, quality]
        return phrase + words

    def _place(self, event: Event) -> list[Word]:
        if event.place == NOTHING:
            return []
        place, at = (self.forms[event.place], f"B-{LOC}"), self.functions["at"]
        if self.grammar.place_suffix and not place[0].isascii():
            return [(place[0] + at, place[1])]
        adposition = (at, OUTSIDE)
        return [adposition, place] if self.grammar.preposition else [place, adposition]

    def _time(self, event: Event) -> list[Word]:
        if event.time == NOTHING:
            return []
        time, when = (self.forms[event.time], OUTSIDE), (self.functions["when"], OUTSIDE)
        return [when, time] if self.grammar.preposition else [time, when]

    @cached_property
    def kinds(self) -> dict[int, str]:
        """The entity type of each concept, empty for those that are no names."""
        types = {"place": LOC, "organisation": ORG, "given_name": PER, "family_name": PER}
        kinds: dict[int, str] = {}
        number = 0
        for kind, count in worlds.KINDS.items():
            kinds |= dict.fromkeys(range(number, number + count), types.get(kind, ""))
            number += count
        return kinds


def codes() -> list[str]:
    """Return the codes of all hundred tongues, from the one that stands for the largest language to
    the smallest.
    """
    return [f"q{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(len(languages.LANGUAGES))]


def spread(count: int) -> list[str]:
    """Return `count` codes spread evenly from the largest to the smallest language.

    >>> spread(3)
    ['qaa', 'qby', 'qdv']
    """
    everything = codes()
    if not 1 <= count <= len(everything):
        raise UserError(
            f"the number of Babel's languages must be 1 to {len(everything)}, got {count}"
        )
    step = (len(everything) - 1) / max(1, count - 1)
    return [everything[int(i * step + 0.5)] for i in range(count)]


def stands_for(code: str) -> languages.Language:
    """Return the real language whose size a tongue takes."""
    by_size = sorted(languages.LANGUAGES.values(), key=lambda x: (-x.size_gib, x.key))
    return by_size[_number(code)]


def script_and_family(code: str) -> tuple[str, str]:
    """Return the script (ISO 15924) and the name of the family of a tongue."""
    family = _number(code) % len(FAMILIES)
    return FAMILIES[family], f"Babel family {family + 1}"


def described(key: str) -> dict[str, Any]:
    """Return name, script, family and the paper's size (GiB) of a language, real or invented."""
    known = languages.LANGUAGES.get(key)
    if known is not None:
        name, script, family, size_gib = known.name, known.script, known.family, known.size_gib
    elif key in codes():
        real = stands_for(key)
        (script, family), size_gib = script_and_family(key), real.size_gib
        name = f"{key}, sized as {real.name}"
    else:
        name, script, family, size_gib = key, "Zyyy", "unknown", 0.0
    return {"name": name, "script": script, "family": family, "paper_gib": size_gib}


def grow(world: World, code: str, seed: int, config: TongueConfig | None = None) -> Tongue:
    """Grow the tongue of a code: the family's proto-forms through its own sound laws, coinings and
    grammar.
    """
    config = config or TongueConfig()
    family = _number(code) % len(FAMILIES)
    script = SCRIPTS[FAMILIES[family]]
    rng = seeds.generator(seed, "babel", "tongue", code)
    proto = lexicon.proto_forms(seeds.generator(seed, "babel", "family", family), world)
    law = lexicon.sound_law(rng)
    coin = rng.random(len(proto)) < config.coined
    own = lexicon.roots(rng, len(proto))
    roots = [tuple(law[s] for s in (own[i] if coin[i] else proto[i])) for i in range(len(proto))]
    num_concepts = world.num_concepts
    forms = {c: spell(script, roots[c]) for c in range(num_concepts)}
    asking = lexicon.roots(seeds.generator(seed, "babel", "question words", family), 2)
    for part, root in zip((WHO, WHAT), asking, strict=True):
        forms[part] = spell(script, tuple(law[s] for s in root))
    forms |= lexicon.names(world, script, seed, config.latin_names)
    functions = {
        name: spell(script, roots[num_concepts + i][:1] if i > 1 else roots[num_concepts + i])
        for i, name in enumerate(lexicon.FUNCTIONS)
    }
    return Tongue(
        code=code,
        family=family,
        stands_for=stands_for(code).key,
        script=script,
        grammar=grammars.draw(rng, family, config.one_grammar),
        forms=forms,
        functions=functions,
    )


def _number(code: str) -> int:
    everything = codes()
    if code not in everything:
        raise UserError(
            f"unknown Babel language {code!r}; codes run from {everything[0]} to {everything[-1]}"
        )
    return everything.index(code)
