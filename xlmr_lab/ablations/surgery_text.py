"""Text for surgery on a vocabulary, in two parts: one that pieces are taken from or guarded with,
and one that shows what came of it.

Documents go by the hash of their identifier, as everywhere: those under the held-out fraction are
the second part. Where there are none, the document of smallest hash is; of a single document the
last paragraphs.
"""

from collections.abc import Iterable
from typing import NamedTuple

from xlmr_lab.ablations import stages
from xlmr_lab.ablations.studies import StudyConfig
from xlmr_lab.batches.splits import rank
from xlmr_lab.corpus import documents, sources
from xlmr_lab.corpus.file_names import is_language
from xlmr_lab.errors import UserError

LEAST_PARAGRAPHS = 2


class SplitText(NamedTuple):
    """Paragraphs of a language."""

    seen: list[str]
    heldout: list[str]


def corpus_text(config: StudyConfig, language: str) -> SplitText:
    """Return the study's cleaned text of a language."""
    found = documents.iterate(stages.cleaned(config) / "documents", language)
    return split(found, language, config.batches.heldout_fraction)


def new_text(config: StudyConfig) -> SplitText:
    """Return the text of the language that the vocabulary is extended by, as it was given.

    Raises:
        UserError: `surgery.text` or `surgery.language` is missing, or there is no such text.
    """
    settings = config.surgery
    if settings.text is None or not settings.language:
        raise UserError(
            "give the new language and its text, such as surgery.language=sw surgery.text=../text"
        )
    if not is_language(settings.language):
        raise UserError(f'surgery.language is a key such as sw, got "{settings.language}"')
    files = sources.find(settings.text, [settings.language], base=config.corpus.base_url)
    found = (
        (document.doc_id, document.text)
        for file in files
        for document in sources.read(file)
        if document.language == settings.language
    )
    return split(found, settings.language, config.batches.heldout_fraction)


def split(found: Iterable[tuple[str, str]], language: str, fraction: float) -> SplitText:
    """Divide the paragraphs of documents, given by identifier and text.

    Raises:
        UserError: fewer than two paragraphs.
    """
    ranked = [
        (rank(doc_id), [line for line in text.split("\n") if line and not line.isspace()])
        for doc_id, text in found
    ]
    ranked = [(place, lines) for place, lines in ranked if lines]
    if sum(len(lines) for _, lines in ranked) < LEAST_PARAGRAPHS:
        raise UserError(
            f"no text of {language} to speak of: at least {LEAST_PARAGRAPHS} paragraphs are "
            "needed, one to hold out; add some"
        )
    if len(ranked) == 1:
        lines = ranked[0][1]
        cut = max(1, len(lines) - max(1, round(fraction * len(lines))))
        return SplitText(lines[:cut], lines[cut:])
    places = sorted(place for place, _ in ranked)
    limit = max(places[0], min(fraction, places[-2]))
    return SplitText(
        seen=[line for place, lines in ranked if place > limit for line in lines],
        heldout=[line for place, lines in ranked if place <= limit for line in lines],
    )
