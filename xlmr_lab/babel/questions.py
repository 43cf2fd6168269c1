"""Questions: an event of which one part is asked for, and whether another event answers it.

A question is an event whose asked part is `WHO` or `WHAT`. The tongue says it with its question
word in the place of the answer, or, where its grammar puts question words first, at the beginning
with the adposition ("in what", which is where). So a language shows what is asked by its own
grammar, and a pretrained model meets only two words that it may not know. Left out: questions of
number and quality, and yes or no.
"""

from collections.abc import Sequence

from xlmr_lab.babel.tongues import Phrase, Tongue
from xlmr_lab.babel.world import NOTHING, WHAT, WHO, Event

ASKED = ("agent", "object", "place", "time")
"""The parts that can be asked for: who, what, where, when."""


def ask(event: Event, part: str, keep: Sequence[bool]) -> Event:
    """Ask for a part of an event; `keep` tells which of quality, place and time the question says.

    Whoever asks what it was says nothing of how many there were, or what they were like.
    """
    kept = dict(zip(("quality", "place", "time"), keep, strict=True))
    said = event._replace(**{detail: NOTHING for detail, stays in kept.items() if not stays})  # type: ignore[arg-type]
    match part:
        case "agent":
            return said._replace(agent=WHO, family=NOTHING)
        case "object":
            return said._replace(object=WHAT, quality=NOTHING, quantity=1)
        case _:
            return said._replace(**{part: WHAT})  # type: ignore[arg-type]


def is_question(event: Event) -> bool:
    """Tell a question from what happened."""
    return WHO in event or WHAT in event


def asked(question: Event) -> str:
    """Return the part that a question asks for."""
    return next(part for part in ASKED if getattr(question, part) in (WHO, WHAT))


def can_be_asked(event: Event) -> list[str]:
    """Return the parts of an event that a question can ask for; none of a denial or a statement."""
    if event.negated or event.action == NOTHING:
        return []
    return [part for part in ASKED if getattr(event, part) != NOTHING]


def answers(question: Event, event: Event) -> bool:
    """Tell whether an event answers a question: it happened as the question has it, it has all that
    the question says, and it says the part that is asked for.

    Asked what did not happen, only a denial of the very same answers: who did not do a thing in
    Rome may have done it elsewhere.
    """
    part = asked(question)
    if event.negated != question.negated or getattr(event, part) == NOTHING:
        return False
    if event.action != question.action:
        return False
    if part != "agent" and (event.agent, event.family) != (question.agent, question.family):
        return False
    if part != "object" and (event.object, event.quantity) != (question.object, question.quantity):
        return False
    unasked = {part, "quality"} if part == "object" else {part}
    others = [detail for detail in ("quality", "place", "time") if detail not in unasked]
    if question.negated:
        return all(getattr(question, d) == getattr(event, d) for d in others)
    return all(getattr(question, d) in (NOTHING, getattr(event, d)) for d in others)


def answer(question: Event, event: Event) -> tuple[int, ...]:
    """Return what an event answers, in concepts and numbers, the same for the same answer."""
    match asked(question):
        case "agent":
            return event.agent, event.family
        case "object":
            return event.quantity, event.quality, event.object
        case part:
            return (getattr(event, part),)


def phrases(tongue: Tongue, event: Event) -> list[Phrase]:
    """Say an event or a question as phrases in the tongue's order."""
    said = tongue.phrases(event)
    if not (is_question(event) and tongue.grammar.question_first):
        return said
    part = asked(event)
    return sorted(said, key=lambda phrase: phrase[0] != part)


def sentence(tongue: Tongue, event: Event) -> str:
    """Say an event or a question as a written sentence."""
    words = [word for _, phrase in phrases(tongue, event) for word, _ in phrase]
    return tongue.write(words, question=is_question(event)).rstrip()


def answer_words(tongue: Tongue, part: str, num_words: int) -> slice:
    """Return which words of the phrase of a part are the answer: places and times lose the word
    that marks them as such, where it is a word of its own.
    """
    if part in ("agent", "object") or num_words == 1:
        return slice(0, num_words)
    return slice(num_words - 1, num_words) if tongue.grammar.preposition else slice(0, 1)
