"""Trim a trained model to some languages, or extend it by one, with proofs.

The study's cleaned text says which pieces its languages need, and guards the old ones while a new
one is added. Results stand in the study's run folder, `trimmed/` or `extended/`: `huggingface/`
(weights and tokenizer), `vocabulary/` (the lab's own form) and `surgery.json` (what was done, and
what the proofs found). The proofs are made on the exported model, imported again; what fails them
is not written. Left out: training the extended model further.

Shapes: N blocks, T tokens of a block.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from xlmr_lab import seeds, storage
from xlmr_lab.ablations import stages, surgery_source
from xlmr_lab.ablations.run import Study
from xlmr_lab.ablations.sections import SurgeryConfig
from xlmr_lab.ablations.surgery_source import Source
from xlmr_lab.ablations.surgery_text import SplitText, corpus_text, new_text
from xlmr_lab.batches import masking, packing
from xlmr_lab.errors import UserError
from xlmr_lab.model import surgery as model_surgery
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.model.surgery_proofs import Masked, same_logits, same_losses
from xlmr_lab.vocabulary import diagnostics, extension, surgery
from xlmr_lab.vocabulary.load import Vocabulary
from xlmr_lab.vocabulary.preprocessed import PreprocessedVocabulary
from xlmr_lab.vocabulary.special_tokens import EOS_ID, mask_id

PROOF_BLOCKS = 8
"""Held-out blocks of each language that the proofs look at, at most."""
RECORD_NAME = "surgery.json"
TRIMMED, EXTENDED = "trimmed", "extended"

_OF_TRIM, _OF_EXTEND = ("languages", "min_count"), ("text", "language", "pieces", "start")

Record = dict[str, Any]


def trim(work: Study) -> tuple[Path, Record]:
    """Trim to `surgery.languages`; return the folder and what its record says.

    Raises:
        UserError: no such language or source.
    """
    settings, target = work.config.surgery, work.folder / TRIMMED
    _refuse_idle(settings, _OF_EXTEND, "trim")
    _check_languages(settings.languages, [row["language"] for row in stages.sizes(work.config)])
    source = surgery_source.read(work)
    texts = {key: corpus_text(work.config, key) for key in settings.languages}
    seen = {key: text.seen for key, text in texts.items()}
    change = surgery.trim(source.vocabulary, source.content, seen, min_count=settings.min_count)
    new = model_surgery.gather(source.model, change.old_ids)
    with storage.atomic_folder(target) as partial:
        vocabulary, made = surgery_source.write(partial, source, change, new)
        heldout = {key: text.heldout for key, text in texts.items()}
        ids = np.concatenate(list(_blocks(work, source, vocabulary, heldout).values()))
        proof = same_logits(source.model, made, ids.astype(np.int64), change.old_ids)
        if not proof.is_equal:
            raise UserError(
                "the logits of kept ids are not what they were, by their bits; the weights may "
                "hold values that are no numbers"
            )
        record = change.record | {
            **_parameters(source.model, made),
            "heldout": surgery.changed_lines(
                source.vocabulary, vocabulary, change.old_ids, heldout
            ),
            "logits": proof._asdict() | {"num_blocks": len(ids), "block_tokens": ids.shape[1]},
        }
        storage.write_json(partial / RECORD_NAME, record)
    return target, record


def extend(work: Study) -> tuple[Path, Record]:
    """Extend by `surgery.language`; return the folder and what its record says.

    Raises:
        UserError: no text, no such source, or a number of pieces that cannot be met.
    """
    config, settings, target = work.config, work.config.surgery, work.folder / EXTENDED
    _refuse_idle(settings, _OF_TRIM, "extend")
    text = new_text(config)
    keys = [row["language"] for row in stages.sizes(config)]
    if settings.language in keys:
        raise UserError(
            f"surgery.language must be a new one, got {settings.language}, which the study has; "
            f"it has {', '.join(keys)}"
        )
    source = surgery_source.read(work)
    if isinstance(source.vocabulary, PreprocessedVocabulary):
        raise UserError("a vocabulary with preprocessing is not extended; take one of raw text")
    old = {key: corpus_text(config, key) for key in keys}
    grown = extension.extend(
        source.content,
        text.seen,
        {key: part.seen for key, part in old.items()},
        language=settings.language,
        num_pieces=settings.pieces,
        coverage=config.vocabulary.coverage,
    )
    ids = grown.change.old_ids
    new = model_surgery.extend(
        source.model, ids, grown.sources, start=settings.start, seed=config.seed
    )
    with storage.atomic_folder(target) as partial:
        vocabulary, made = surgery_source.write(partial, source, grown.change, new)
        record = grown.change.record | {
            "start": settings.start,
            **_parameters(source.model, made),
            **_fertility(source.vocabulary, vocabulary, settings.language, text.heldout),
            **_old_lines(source.vocabulary, vocabulary, ids, old),
            "losses": _losses(work, source, made, old),
        }
        storage.write_json(partial / RECORD_NAME, record)
    return target, record


def _refuse_idle(settings: SurgeryConfig, names: Sequence[str], verb: str) -> None:
    """Refuse settings that have no effect."""
    default = SurgeryConfig()
    for name in names:
        if getattr(settings, name) != getattr(default, name):
            raise UserError(f"surgery.{name} has no effect on {verb}; leave it out")


def _check_languages(languages: Sequence[str], there: Sequence[str]) -> None:
    unknown = [key for key in languages if key not in there]
    if unknown or not languages:
        told = f"no text of {', '.join(unknown)}" if unknown else "no languages to keep"
        raise UserError(f"{told}; surgery.languages names some of {', '.join(there)}")


def _parameters(old: MaskedLM, new: MaskedLM) -> dict[str, int]:
    before, after = (sum(p.numel() for p in model.parameters()) for model in (old, new))
    return {"parameters_before": before, "parameters": after}


def _blocks(
    work: Study, source: Source, vocabulary: Vocabulary, texts: Mapping[str, Sequence[str]]
) -> dict[str, npt.NDArray[np.int32]]:
    """Return for each language the first blocks of its paragraphs [N, T], each paragraph followed
    by `</s>`; text too short for a block stands in it repeatedly.
    """
    length = min(work.config.batches.block_tokens, source.model.encoder.config.max_tokens)
    enough = PROOF_BLOCKS * (length - 1)
    found = {}
    for language, lines in texts.items():
        rows = [np.append(ids, EOS_ID) for ids in vocabulary.encode(lines[:enough], language)]
        tokens = np.concatenate(rows)[:enough]
        number = max(1, packing.num_blocks(len(tokens), length))
        tokens = np.resize(tokens, number * (length - 1))
        found[language] = np.stack([packing.block(tokens, k, length) for k in range(number)])
    return found


def _fertility(old: Vocabulary, new: Vocabulary, language: str, lines: Sequence[str]) -> Record:
    """Return how both vocabularies serve the new language."""
    texts = {language: lines}
    (before,), (after,) = (diagnostics.fertility(v, texts) for v in (old, new))
    return {"fertility_before": before, "fertility": after}


def _old_lines(
    old: Vocabulary, new: Vocabulary, old_ids: npt.NDArray[np.int64], texts: Mapping[str, SplitText]
) -> Record:
    """Return how many lines of the old languages changed, guarded ones and others."""
    seen, heldout = (
        surgery.changed_lines(old, new, old_ids, {key: text[k] for key, text in texts.items()})
        for k in (0, 1)
    )
    return {"guarded": seen, "heldout": heldout}


def _losses(
    work: Study, source: Source, made: MaskedLM, texts: Mapping[str, SplitText]
) -> list[Record]:
    """Return the masked-LM loss of each old language before and after."""
    size, batches = source.vocabulary.size, work.config.batches
    heldout = {key: text.heldout for key, text in texts.items()}
    masked = {
        key: Masked(
            *masking.mask(
                blocks,
                vocab_size=size,
                fraction=batches.mask_fraction,
                rng=seeds.generator(work.config.seed, "surgery", key),
            )
        )
        for key, blocks in _blocks(work, source, source.vocabulary, heldout).items()
    }
    new_ids = np.append(np.arange(size - 1), mask_id(made.encoder.vocab_size))
    losses = same_losses(source.model, made, masked, new_ids)
    return [{"language": key, **found._asdict()} for key, found in losses.items()]
