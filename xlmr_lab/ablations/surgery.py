"""Trim a trained model to some languages, or extend it by one, with proofs.

The study's cleaned text says which pieces its languages need, and guards the old ones while a new
one is added. Results stand in the study's run folder, `trimmed/` or `extended/`: `huggingface/`
(weights and tokenizer), `vocabulary/` (the lab's own form) and `surgery.json` (what was done to
what, and what the proofs found). The proofs are made on the exported model, imported again; what
fails them is not written. Left out: training the extended model further.

Shapes: N blocks, T tokens of a block.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from xlmr_lab import seeds, storage
from xlmr_lab.ablations import surgery_source
from xlmr_lab.ablations.opened import OpenedRun, open_run
from xlmr_lab.ablations.run import Study
from xlmr_lab.ablations.sections import OF_EXTEND, OF_TRIM
from xlmr_lab.ablations.surgery_source import Source
from xlmr_lab.ablations.surgery_text import SplitText, corpus_text, new_text
from xlmr_lab.batches import masking, packing
from xlmr_lab.errors import UserError
from xlmr_lab.model import surgery as model_surgery
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.model.surgery_proofs import Masked, same_logits, same_losses
from xlmr_lab.vocabulary import diagnostics, extension, surgery, unknown
from xlmr_lab.vocabulary.load import Vocabulary
from xlmr_lab.vocabulary.preprocessed import PreprocessedVocabulary
from xlmr_lab.vocabulary.special_tokens import EOS_ID, mask_id

PROOF_BLOCKS = 8
"""Held-out blocks of each language that the proofs look at, at most."""
RECORD_NAME = "surgery.json"
TRIMMED, EXTENDED = "trimmed", "extended"

Record = dict[str, Any]


def trim(work: Study) -> tuple[Path, Record]:
    """Trim to `surgery.languages`; return the folder and what its record says.

    Raises:
        UserError: no such run, language or source.
    """
    run, settings, target = open_run(work), work.config.surgery, work.folder / TRIMMED
    run.refuse_idle(OF_EXTEND, "trim")
    _check_languages(settings.languages, run.languages())
    source = surgery_source.read(run)
    texts = _texts(run, settings.languages)
    seen = {key: text.seen for key, text in texts.items()}
    change = surgery.trim(source.vocabulary, source.content, seen, min_count=settings.min_count)
    new = model_surgery.gather(source.model, change.old_ids)
    with storage.atomic_folder(target) as partial:
        vocabulary, made = surgery_source.write(partial, source, change, new)
        heldout = {key: text.heldout for key, text in texts.items()}
        ids = np.concatenate(list(_blocks(run, source, vocabulary, heldout).values()))
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
            "made_from": surgery_source.record(run, source),
        }
        storage.write_json(partial / RECORD_NAME, record)
    return target, record


def extend(work: Study) -> tuple[Path, Record]:
    """Extend by `surgery.language`; return the folder and what its record says.

    Raises:
        UserError: no such run, no text, no such source, or a number of pieces that cannot be met.
    """
    run, settings, target = open_run(work), work.config.surgery, work.folder / EXTENDED
    run.refuse_idle(OF_TRIM, "extend")
    _check_new(settings.language, run.languages())
    source = surgery_source.read(run)
    if isinstance(source.vocabulary, PreprocessedVocabulary):
        raise UserError("a vocabulary with preprocessing is not extended; take one of raw text")
    extension.require_unigram(source.content)
    text = new_text(run.config)
    old, coverage = _texts(run, run.languages()), _coverage(run)
    grown = extension.extend(
        source.content,
        list(text.seen),
        {key: part.seen for key, part in old.items()},
        language=settings.language,
        num_pieces=settings.pieces,
        coverage=coverage,
    )
    ids = grown.change.old_ids
    new = model_surgery.extend(
        source.model, ids, grown.sources, start=settings.start, seed=run.config.seed
    )
    with storage.atomic_folder(target) as partial:
        vocabulary, made = surgery_source.write(partial, source, grown.change, new)
        record = grown.change.record | {
            "start": settings.start,
            **_parameters(source.model, made),
            **_fertility(source.vocabulary, vocabulary, settings.language, text.heldout),
            **_unknown(grown.change, text, coverage),
            **_old_lines(source.vocabulary, vocabulary, ids, old),
            "losses": _losses(run, source, made, old),
            "made_from": surgery_source.record(run, source),
        }
        storage.write_json(partial / RECORD_NAME, record)
    return target, record


def _coverage(run: OpenedRun) -> float:
    """Return the share of a new language's characters that its pieces must have."""
    settings = run.config.surgery
    return run.config.vocabulary.coverage if settings.coverage is None else settings.coverage


def _check_languages(languages: Sequence[str], there: Sequence[str]) -> None:
    unknown = [key for key in languages if key not in there]
    if unknown or not languages:
        told = f"no text of {', '.join(unknown)}" if unknown else "no languages to keep"
        raise UserError(f"{told}; surgery.languages names some of {', '.join(there)}")


def _check_new(language: str, there: Sequence[str]) -> None:
    if language in there:
        raise UserError(
            f"surgery.language must be a new one, got {language}, which the study has; "
            f"it has {', '.join(there)}"
        )


def _texts(run: OpenedRun, languages: Iterable[str]) -> dict[str, SplitText]:
    folder, fraction = run.stage("cleaned"), run.config.batches.heldout_fraction
    return {key: corpus_text(folder, key, fraction) for key in languages}


def _parameters(old: MaskedLM, new: MaskedLM) -> dict[str, int]:
    before, after = (sum(p.numel() for p in model.parameters()) for model in (old, new))
    return {"parameters_before": before, "parameters": after}


def _blocks(
    run: OpenedRun, source: Source, vocabulary: Vocabulary, texts: Mapping[str, Iterable[str]]
) -> dict[str, npt.NDArray[np.int32]]:
    """Return for each language the first blocks of its paragraphs [N, T], each paragraph followed
    by `</s>`; text too short for a block stands in it repeatedly.
    """
    length = min(run.config.batches.block_tokens, source.model.encoder.config.max_tokens)
    enough = PROOF_BLOCKS * (length - 1)
    found = {}
    for language, lines in texts.items():
        first = list(itertools.islice(lines, enough))
        rows = [np.append(ids, EOS_ID) for ids in vocabulary.encode(first, language)]
        tokens = np.concatenate(rows)[:enough]
        number = max(1, packing.num_blocks(len(tokens), length))
        tokens = np.resize(tokens, number * (length - 1))
        found[language] = np.stack([packing.block(tokens, k, length) for k in range(number)])
    return found


def _fertility(old: Vocabulary, new: Vocabulary, language: str, lines: Iterable[str]) -> Record:
    """Return how both vocabularies serve the new language."""
    texts = {language: list(lines)}
    (before,), (after,) = (diagnostics.fertility(v, texts) for v in (old, new))
    return {"fertility_before": before, "fertility": after}


def _unknown(change: surgery.Change, text: SplitText, coverage: float) -> Record:
    """Return what is known of characters of the new language that have no piece."""
    lines = list(text.seen)
    guarded = change.record["characters_dropped_for_guard"]
    seen = unknown.without_piece(change.content, lines).keys() - set(guarded)
    return {
        "coverage": coverage,
        "num_bytes": sum(len(line.encode("utf-8")) for line in lines),
        "characters_beyond_coverage": len(seen),
        "unknown_characters": unknown.causes(
            change.content, list(text.heldout), seen=seen, guarded=guarded
        ),
    }


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
    run: OpenedRun, source: Source, made: MaskedLM, texts: Mapping[str, SplitText]
) -> list[Record]:
    """Return the masked-LM loss of each old language before and after."""
    size, batches = source.vocabulary.size, run.config.batches
    heldout = {key: text.heldout for key, text in texts.items()}
    masked = {
        key: Masked(
            *masking.mask(
                blocks,
                vocab_size=size,
                fraction=batches.mask_fraction,
                rng=seeds.generator(run.config.seed, "surgery", key),
            )
        )
        for key, blocks in _blocks(run, source, source.vocabulary, heldout).items()
    }
    new_ids = np.append(np.arange(size - 1), mask_id(made.encoder.vocab_size))
    losses = same_losses(source.model, made, masked, new_ids)
    return [{"language": key, **found._asdict()} for key, found in losses.items()]
