"""Encoders to evaluate: pretrained by the lab, freshly initialised as the baseline without that, or
of Hugging Face.

Whatever it is, an encoder comes with the text encoder that belongs to it, and tasks need no more.
The baseline has the architecture, vocabulary and fine-tuning of the pretrained encoder, and the
initial weights of the pretraining run of the same seed, so that what differs between the two is
the pretraining alone.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from xlmr_lab import configs, seeds, storage
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import huggingface
from xlmr_lab.evaluate.huggingface_encoder import ForeignEncoder
from xlmr_lab.evaluate.text import TextEncoder, of_vocabulary
from xlmr_lab.model.encoder import Encoder, EncoderConfig
from xlmr_lab.pretrain.loop import load_model
from xlmr_lab.vocabulary.load import load

FOREIGN = "hf:"
"""Opens the name of an encoder of Hugging Face: a folder or a name on the hub follows."""

STATE_NAME, CHECKPOINTS_NAME, ARMS_NAME = "state.json", "checkpoints", "arms.json"
STAGES_NAME, CONFIG_NAME = "stages.json", "config.json"
"""Files and folders of checkpoints, runs and studies."""

AnyEncoder = Encoder | ForeignEncoder
"""What tasks fine-tune: modules with the same call and shape."""


class Opened(NamedTuple):
    """An encoder, in evaluation mode on the CPU, and its text."""

    module: AnyEncoder
    text: TextEncoder


def open_encoder(source: str | Path, *, vocabulary: Path | None = None) -> Opened:
    """Open an encoder with its text: one of our checkpoints, the last checkpoint of a run folder,
    the only arm of a study's run folder, or `hf:` and a folder or hub name.

    `vocabulary` is that of our encoders; None takes the one of the study that the checkpoint lies
    in.

    Raises:
        UserError: there is no such encoder, there are several, or its vocabulary is not found or
            another one.
    """
    name = str(source)
    if name.startswith(FOREIGN):
        if vocabulary is not None:
            raise UserError(f"{name} has a tokenizer of its own; leave the vocabulary out")
        return Opened(*huggingface.open_encoder(name.removeprefix(FOREIGN)))
    checkpoint = locate(name)
    model, state = load_model(checkpoint)
    return Opened(model.encoder, _text(checkpoint, state, vocabulary))


def locate(source: str | Path) -> Path:
    """Return the folder of an encoder: the checkpoint that a folder is or has, or what `hf:` names,
    fetched from the hub unless it is here; opened in the same way as the source.

    Raises:
        UserError: there is no such encoder, or there are several.
    """
    name = str(source)
    if name.startswith(FOREIGN):
        return huggingface.locate(name.removeprefix(FOREIGN))
    return _checkpoint(Path(source))


def _checkpoint(place: Path) -> Path:
    """Return the checkpoint that a folder is or has."""
    if (place / STATE_NAME).is_file():
        return place
    if (place / CHECKPOINTS_NAME).is_dir():
        steps = sorted(path.parent for path in place.glob(f"{CHECKPOINTS_NAME}/*/{STATE_NAME}"))
        if not steps:
            raise UserError(f"{place / CHECKPOINTS_NAME} has no checkpoint yet; pretrain first")
        return steps[-1]
    if (place / ARMS_NAME).is_file():
        arms = [place / row["folder"] for row in storage.read_json(place / ARMS_NAME)]
        if len(arms) == 1:
            return _checkpoint(arms[0])
        names = ", ".join(str(arm) for arm in arms)
        raise UserError(f"{place} has {len(arms)} pretrained models; give one of {names or 'none'}")
    if (place / CONFIG_NAME).is_file() and "model_type" in storage.read_json(place / CONFIG_NAME):
        raise UserError(f"{place} is a folder of Hugging Face; write {FOREIGN}{place}")
    raise UserError(
        f"no encoder at {place}; give a checkpoint like checkpoints/step-00000200, a run folder, "
        f"or {FOREIGN}NAME"
    )


def _text(checkpoint: Path, state: dict[str, Any], named: Path | None) -> TextEncoder:
    """Return the text of a checkpoint of the lab."""
    place = named or _vocabulary_of_study(checkpoint)
    vocabulary = load(place)
    if vocabulary.fingerprint != state["vocabulary"]:
        raise UserError(
            f"{checkpoint} was trained with vocabulary {state['vocabulary']}, the one at {place} "
            f"is {vocabulary.fingerprint}; give the one that it was pretrained with"
        )
    return of_vocabulary(vocabulary)


def _vocabulary_of_study(checkpoint: Path) -> Path:
    """Return the vocabulary of the study that a checkpoint lies in, by its own records."""
    for folder in checkpoint.resolve().parents:
        if (folder / STAGES_NAME).is_file():
            recorded = storage.read_json(folder / STAGES_NAME).get("vocabulary", "")
            data = Path(storage.read_json(folder / CONFIG_NAME)["data_dir"])
            for base in (Path(), *folder.parents):  # a relative one: from where the study was run
                place = base / data / Path(recorded).name
                if recorded and place.is_dir():
                    return place
    raise UserError(f"{checkpoint} lies in no study with its vocabulary; give vocabulary=PATH")


def load_encoder(
    checkpoint: Path | None,
    *,
    config: EncoderConfig,
    vocab_size: int,
    seed: int,
    languages: Sequence[str] = (),
) -> Encoder:
    """Return the encoder of a checkpoint, or with None one with initial weights of the seed, and
    with embeddings of `languages` if its configuration has any.

    Raises:
        UserError: the checkpoint is missing or damaged, or holds an encoder of another shape or
            vocabulary size.
    """
    if checkpoint is None:
        generator = torch.Generator().manual_seed(seeds.integer(seed, "model"))
        return Encoder(config, vocab_size, languages=languages, generator=generator).eval()
    encoder = load_model(checkpoint)[0].encoder
    if encoder.vocab_size != vocab_size:
        raise UserError(
            f"{checkpoint} has {encoder.vocab_size:,} ids and the vocabulary {vocab_size:,}; "
            "give the vocabulary that it was pretrained with"
        )
    asked, found = configs.flatten(config), configs.flatten(encoder.config)
    different = [
        f"{name}={found[name]}, not {asked[name]}" for name in asked if asked[name] != found[name]
    ]
    if different:
        raise UserError(f"{checkpoint} has {'; '.join(different)}; give the settings of its run")
    return encoder
