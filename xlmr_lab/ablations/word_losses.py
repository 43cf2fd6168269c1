"""Losses of whole words: how well a model foresees the words of held-out text, in bits per byte.

Losses of masked pieces say less of a model with short pieces than of one with long ones: the pieces
of a word give each other away. Here a piece is foreseen without those behind it in its word (Kauf
and Ivanova 2023, arXiv 2305.10588), so that by the chain rule a word has one probability given what
stands around it, whatever its pieces are, and models of different vocabularies compare. What is
left is that a mask for each piece tells how many the word has. Sentences are those of the held-out
documents of smallest hash, the same for all models of a text.
"""

import bisect
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import configs, storage
from xlmr_lab.ablations import stages
from xlmr_lab.ablations.arms import Arm
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.ablations.vocabulary_text import first_paragraphs
from xlmr_lab.batches.splits import rank
from xlmr_lab.corpus import documents
from xlmr_lab.evaluate import masked_prediction, pseudo_perplexity
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.vocabulary.load import load

Ranked = tuple[float, str]
"""A document's place among those of its language, by its hash, and its text."""
WORDS_VERSION = 1
READ_BYTES = 10_000
"""Held-out text of a language that is read, at most (bytes), to the end of a paragraph."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A pretrained model and what it reads: everything that its process needs."""

    checkpoint: Path
    model: EncoderConfig
    """Its shape."""
    vocabulary: Path
    documents: Path
    """Folder of the cleaned documents."""
    languages: tuple[str, ...]
    heldout_fraction: float
    seed: int
    """Pretraining seed."""
    output: Path
    """File of what was found."""

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"words-{self.output.stem}"


def reading(config: StudyConfig, arm: Arm, folder: Path, languages: Sequence[str]) -> Reading:
    """Return what a pretraining run reads: text of those of `languages` that it has.

    Its output lies in `folder`, named by the run and by what is read.
    """
    read_of = tuple(sorted(set(arm.run.languages) & set(languages)))
    mark = configs.fingerprint(WORDS_VERSION, READ_BYTES, read_of)
    return Reading(
        checkpoint=arm.final,
        model=arm.run.model,
        vocabulary=stages.vocabulary(config),
        documents=stages.cleaned(config) / "documents",
        languages=read_of,
        heldout_fraction=config.batches.heldout_fraction,
        seed=arm.run.seed,
        output=folder / f"{arm.folder.name}-{mark}.jsonl",
    )


def run(plan: Reading) -> None:
    """Write for each language the bits per byte of its words, and how much was read."""
    losses = read(plan, masked_prediction.load(plan.checkpoint), plan.languages)
    storage.write_jsonl(plan.output, losses)


def read(plan: Reading, model: MaskedLM, languages: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield what a model makes of the text of some languages, as it is written down."""
    masked = pseudo_perplexity.of_masked_lm(model, load(plan.vocabulary))
    for language in languages:
        text = sentences(plan.documents, language, plan.heldout_fraction)
        found = pseudo_perplexity.log_likelihoods(masked, text, language, masking="within-word")
        yield {
            "language": language,
            "bits_per_byte": round(found.bits_per_byte, 5),
            "num_bytes": int(found.num_bytes.sum()),
            "num_tokens": int(found.num_tokens.sum()),
            "num_unknown": found.num_unknown,
        }


def sentences(folder: Path, language: str, heldout_fraction: float) -> list[str]:
    """Return the paragraphs that are read of a language: of the documents that are held out by
    their hash, or where none is so of that of smallest hash, which is held out then.
    """
    ranked = ((rank(doc_id), text) for doc_id, text in documents.iterate(folder, language))
    found = _first(ranked, heldout_fraction)
    return first_paragraphs([text for _, text in found], READ_BYTES)


def _first(ranked: Iterable[Ranked], below: float) -> list[Ranked]:
    """Return those of documents with their ranks that are held out, or else the first, in order: of
    the first ones only so many as are read, however many there are.

    >>> _first([(0.5, "b"), (0.2, "a"), (0.9, "c")], 0.6)
    [(0.2, 'a'), (0.5, 'b')]
    >>> _first([(0.5, "b"), (0.2, "a")], 0.1)
    [(0.2, 'a')]
    """
    held: list[Ranked] = []
    first: Ranked | None = None
    num_bytes = 0
    for own in ranked:
        first = own if first is None else min(first, own)
        if own[0] >= below:
            continue
        bisect.insort(held, own)
        num_bytes += _size(own)
        while num_bytes - (last := _size(held[-1])) >= READ_BYTES:
            num_bytes -= last
            held.pop()
    return held or ([] if first is None else [first])


def _size(own: Ranked) -> int:
    """Return the bytes of a document's paragraphs."""
    return len(own[1].encode("utf-8")) - own[1].count("\n")
