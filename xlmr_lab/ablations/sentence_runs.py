"""Sentence retrieval of one encoder on a folder of sentences: Tatoeba, aligned texts, or an NLI
task.
"""

from collections.abc import Sequence
from pathlib import Path

from xlmr_lab.ablations import task_sets
from xlmr_lab.ablations.evaluation_config import SentencesConfig
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import aligned_sentences, retrieval
from xlmr_lab.evaluate.encoders import Opened
from xlmr_lab.evaluate.scores import Score

ENGLISH = "en"


def groups(
    config: SentencesConfig, folder: Path, languages: Sequence[str]
) -> tuple[list[dict[str, list[str]]], str | None]:
    """Return groups of languages with their aligned sentences, and the language that each other is
    paired with; Tatoeba has a group for each of its languages.

    Raises:
        UserError: the folder holds no aligned sentences, not those of a language, or fewer than two
            languages.
    """
    if any(folder.glob(f"tatoeba.*-{aligned_sentences.PIVOT}.*")):
        if config.pivot not in ("", ENGLISH):
            raise UserError(f"retrieval.pivot must be en for Tatoeba, got {config.pivot!r}")
        keys = aligned_sentences.KEYS
        there = {keys.get(name, name): name for name in aligned_sentences.tatoeba_languages(folder)}
        wanted = _wanted(languages, list(there), folder)
        return [
            aligned_sentences.read_tatoeba(folder, there[key]) for key in wanted if key != ENGLISH
        ], ENGLISH
    texts = {path.stem: path for path in sorted(folder.glob("*.txt"))}
    if len(texts) > 1:
        found = aligned_sentences.read(
            {key: texts[key] for key in _wanted(languages, list(texts), folder)}
        )
    else:
        splits = [split for split in task_sets.SCORED if task_sets.languages("nli", folder, split)]
        split = (splits or task_sets.SCORED)[0]
        there_too = task_sets.languages("nli", folder, split)
        wanted = _wanted(languages, there_too, folder)
        found = aligned_sentences.premises(folder, wanted, split)
    pivot = config.pivot or (ENGLISH if ENGLISH in found else None)
    if len(found) < 2 or (pivot and pivot not in found):
        raise UserError(
            f"{folder} has sentences of {', '.join(found)}; retrieval needs at least 2 languages, "
            "retrieval.pivot among them"
        )
    return [found], pivot


def _wanted(languages: Sequence[str], there: Sequence[str], folder: Path) -> list[str]:
    """Return the languages to score that are there, or all that are."""
    if not there:
        raise UserError(
            f"retrieval.path holds no aligned sentences: {folder}; give Tatoeba's files, "
            "<language>.txt with a sentence a line, or the folder of an NLI task"
        )
    found = [key for key in languages if key in there] if languages else list(there)
    if not found:
        raise UserError(f"{folder} has no sentences of {', '.join(languages)}")
    return found


def run(
    opened: Opened, config: SentencesConfig, folder: Path, languages: Sequence[str]
) -> list[Score]:
    """Return how often sentences find their translations, for each layer."""
    found, pivot = groups(config, folder, languages)
    own = retrieval.RetrievalConfig(
        similarity=config.similarity,
        neighbours=config.neighbours,
        centred=config.centred,
        specials=config.specials,
    )
    return [
        row
        for sentences in found
        for row in retrieval.run(opened.module, opened.text, sentences, config=own, pivot=pivot)
    ]
