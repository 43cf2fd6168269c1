"""The model and vocabulary that surgery starts from, and the folders that it leaves."""

import functools
from pathlib import Path
from typing import Any, NamedTuple

from xlmr_lab import configs, provenance, storage
from xlmr_lab.ablations.opened import OpenedRun
from xlmr_lab.errors import UserError
from xlmr_lab.model import convert, fairseq
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain import checkpoint
from xlmr_lab.pretrain.loop import load_model
from xlmr_lab.vocabulary import export, model_proto
from xlmr_lab.vocabulary.load import RECORD_NAME, Vocabulary, load
from xlmr_lab.vocabulary.preprocessed import PreprocessedVocabulary
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.surgery import Change, is_wordpiece
from xlmr_lab.vocabulary.tokenizer import MODEL_NAME, PUBLISHED_MODEL_NAME
from xlmr_lab.vocabulary.wordpiece import WORDPIECE_NAME

MODEL_FOLDER, VOCABULARY_FOLDER = "huggingface", "vocabulary"
"""What a result holds: weights and tokenizer for Hugging Face, and the lab's own vocabulary."""


class Source(NamedTuple):
    """A trained model with its vocabulary."""

    model: MaskedLM
    vocabulary: Vocabulary
    content: bytes
    """Of the vocabulary's file."""
    config: dict[str, Any]
    """How the vocabulary was trained, as far as that is known."""
    origin: dict[str, Any]
    """Where model and vocabulary are from, and their checksums."""


def read(run: OpenedRun) -> Source:
    """Return what `surgery.source` and `surgery.vocabulary` name.

    Raises:
        UserError: neither a model in XLM-R's form nor a checkpoint, no vocabulary, or one of
            another model.
    """
    settings = run.config.surgery
    place = run.required_checkpoint() if settings.source is None else Path(settings.source)
    named = None if settings.vocabulary is None else Path(settings.vocabulary)
    wanted = ""
    if (place / convert.CONFIG_NAME).is_file():
        model, weights = convert.from_huggingface(place), place / convert.WEIGHTS_NAME
        named = named or place
    elif (place / fairseq.FILE_NAME).is_file():
        model, weights = fairseq.from_fairseq(place), place / fairseq.FILE_NAME
        named = named or place
    elif (place / checkpoint.STATE_NAME).is_file():
        (model, state), weights = load_model(place), place / checkpoint.MODEL_NAME
        wanted = state.get("vocabulary", "")
        named = named or run.stage("vocabulary")
    else:
        raise UserError(
            f"no model at {place}; surgery.source is a folder of Hugging Face with "
            f"{convert.CONFIG_NAME}, of fairseq with {fairseq.FILE_NAME}, or a checkpoint with "
            f"{checkpoint.STATE_NAME}"
        )
    vocabulary = load(named)
    _check(model, vocabulary, place, named, wanted)
    content = _file(named).read_bytes()
    origin = {
        "model": provenance.shortened(str(place), Path.cwd()),
        "weights_sha256": storage.checksum(weights),
        "vocabulary": provenance.shortened(str(named), Path.cwd()),
        "vocabulary_sha256": storage.checksum(_file(named)),
    }
    return Source(model, vocabulary, content, _config(named, content, vocabulary.size), origin)


def record(run: OpenedRun, source: Source) -> dict[str, Any]:
    """Return what a result was made from: model, vocabulary, text, settings, code and machine."""
    settings = configs.to_dict(run.config.surgery)
    for name in ("source", "vocabulary", "text"):
        if settings[name] is not None:
            settings[name] = provenance.shortened(settings[name], Path.cwd())
    return {
        "run": run.folder.name,
        "source": source.origin,
        "corpus": run.stage("cleaned").name,
        "settings": settings,
        "seed": run.config.seed,
        "provenance": provenance.collect(),
    }


def write(
    folder: Path, source: Source, change: Change, model: MaskedLM
) -> tuple[Vocabulary, MaskedLM]:
    """Write a new model and its vocabulary into `folder`; return both as they are read again."""
    place = folder / VOCABULARY_FOLDER
    name = WORDPIECE_NAME if is_wordpiece(change.content) else MODEL_NAME
    storage.write_bytes(place / name, change.content)
    loaded = load(place / name)
    record = {
        "size": loaded.size,
        "fingerprint": loaded.fingerprint,
        "config": source.config | {"size": loaded.size},
        "surgery": change.record,
    }
    storage.write_json(place / RECORD_NAME, record)
    write_tokenizer = functools.partial(
        export.write, place, max_tokens=model.encoder.config.max_tokens
    )
    has_form = not isinstance(source.vocabulary, PreprocessedVocabulary)
    convert.to_huggingface(
        model, folder / MODEL_FOLDER, write_tokenizer=write_tokenizer if has_form else None
    )
    return load(place), convert.from_huggingface(folder / MODEL_FOLDER)


def _check(model: MaskedLM, vocabulary: Vocabulary, place: Path, named: Path, wanted: str) -> None:
    if vocabulary.size != model.encoder.vocab_size:
        raise UserError(
            f"the vocabulary at {named} has {vocabulary.size:,} ids and the weights at {place} "
            f"{model.encoder.vocab_size:,} rows; give the model's own, surgery.vocabulary=PATH"
        )
    if wanted and wanted != vocabulary.fingerprint:
        raise UserError(
            f"the checkpoint at {place} was trained with vocabulary {wanted}, the one at {named} "
            f"is {vocabulary.fingerprint}; give the model's own, surgery.vocabulary=PATH"
        )


def _file(vocabulary: Path) -> Path:
    if not vocabulary.is_dir():
        return vocabulary
    names = (MODEL_NAME, PUBLISHED_MODEL_NAME, WORDPIECE_NAME)
    return next(vocabulary / name for name in names if (vocabulary / name).is_file())


def _config(vocabulary: Path, content: bytes, size: int) -> dict[str, Any]:
    """Return the settings of a vocabulary's record, or what its file says."""
    record = vocabulary / RECORD_NAME
    if record.is_file():
        config: dict[str, Any] = storage.read_json(record)["config"]
        return config
    if is_wordpiece(content):
        return {"model": "wordpiece", "size": size}
    proto = model_proto.read(content)
    config = {"model": proto.model_kind, "size": size, "byte_fallback": proto.byte_fallback}
    configs.from_dict(VocabularyConfig, config)  # refuses kinds that a vocabulary cannot have
    return config
