"""Weights and settings to and from the folder format of Hugging Face transformers.

Written are `config.json` and `model.safetensors` as beside the released XLM-R checkpoints, whose
names and shapes these are, and whatever files the caller puts there for the tokenizer; the library
itself is not needed. Pickled weights are refused. The token-type embedding, zero in the original,
is written as zeros. Left out: sharded weights, and architectures other than XLM-R's, our own arms
among them.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from xlmr_lab import storage
from xlmr_lab.errors import UserError
from xlmr_lab.model import tensor_names
from xlmr_lab.model.encoder import FIRST_POSITION, PAD_ID, EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.model.tensor_names import Names

WEIGHTS_NAME = "model.safetensors"
CONFIG_NAME = "config.json"

NAMES = Names(
    words="roberta.embeddings.word_embeddings.weight",
    positions="roberta.embeddings.position_embeddings.weight",
    token_types="roberta.embeddings.token_type_embeddings.weight",
    output_bias="lm_head.bias",
    modules={
        "encoder.embedding_norm": "roberta.embeddings.LayerNorm",
        "head.dense": "lm_head.dense",
        "head.norm": "lm_head.layer_norm",
    },
    layer="roberta.encoder.layer.{}",
    layer_modules={
        "query": "attention.self.query",
        "attention_output": "attention.output.dense",
        "attention_norm": "attention.output.LayerNorm",
        "ffn_input": "intermediate.dense",
        "ffn_output": "output.dense",
        "ffn_norm": "output.LayerNorm",
    },
    key_value=("attention.self.key", "attention.self.value"),
    tied={
        "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
        "lm_head.decoder.bias": "lm_head.bias",
    },
    ignored=("roberta.pooler.", "roberta.embeddings.position_ids"),
)

_SETTINGS = {
    "num_layers": "num_hidden_layers",
    "hidden_size": "hidden_size",
    "num_heads": "num_attention_heads",
    "ffn_size": "intermediate_size",
    "dropout": "hidden_dropout_prob",
    "attention_dropout": "attention_probs_dropout_prob",
    "layer_norm_eps": "layer_norm_eps",
    "init_std": "initializer_range",
}
_FIXED = {
    "hidden_act": "gelu",
    "type_vocab_size": 1,
    "pad_token_id": PAD_ID,
    "tie_word_embeddings": True,
    "is_decoder": False,
    "position_embedding_type": "absolute",
}
"""Settings that have one value in XLM-R; a folder that has another is not XLM-R."""


def to_huggingface(
    model: MaskedLM, folder: Path, *, write_tokenizer: Callable[[Path], None] | None = None
) -> None:
    """Write a model as a folder that `XLMRobertaForMaskedLM.from_pretrained` loads.

    `write_tokenizer` gets the unfinished folder and adds its files to it; where it fails, nothing
    is written.

    Raises:
        UserError: the model is not XLM-R's architecture.
    """
    require_published_form(model.encoder.config)
    with storage.atomic_folder(folder) as partial:
        if write_tokenizer is not None:
            write_tokenizer(partial)
        storage.write_json(partial / CONFIG_NAME, huggingface_config(model))
        save_file(huggingface_tensors(model), partial / WEIGHTS_NAME, metadata={"format": "pt"})
        shutil.copymode(partial / CONFIG_NAME, partial / WEIGHTS_NAME)  # safetensors lets one read


def from_huggingface(folder: Path) -> MaskedLM:
    """Read a model from a folder of Hugging Face transformers, in the precision it was stored in.

    Raises:
        UserError: no such folder, not an XLM-R masked LM, pickled weights, tensors that do not fit.
    """
    settings = _read_settings(folder)
    path = folder / WEIGHTS_NAME
    if not path.is_file():
        raise UserError(
            f"{folder} has no {WEIGHTS_NAME}; pickled or sharded weights are not read, save the "
            "model again with safe serialization and in one file"
        )
    try:
        stored = load_file(path)
    except SafetensorError as error:
        raise UserError(f"{path} is damaged ({error}); copy it again") from None
    config = EncoderConfig(
        max_tokens=settings["max_position_embeddings"] - FIRST_POSITION,
        **{ours: settings[theirs] for ours, theirs in _SETTINGS.items()},
    )
    with torch.device("meta"):
        model = MaskedLM(config, settings["vocab_size"])
    state = tensor_names.ours(stored, NAMES, num_layers=config.num_layers, path=path)
    try:
        model.load_state_dict(state, assign=True)
    except RuntimeError as error:
        detail = " ".join(str(error).split())
        raise UserError(f"{path} does not fit its {CONFIG_NAME}: {detail}") from None
    return model.eval()


def huggingface_config(model: MaskedLM) -> dict[str, Any]:
    """Return the content of `config.json` for a model."""
    config = model.encoder.config
    return {
        "architectures": ["XLMRobertaForMaskedLM"],
        "model_type": "xlm-roberta",
        "vocab_size": model.encoder.vocab_size,
        "max_position_embeddings": config.max_tokens + FIRST_POSITION,
        **{theirs: getattr(config, ours) for ours, theirs in _SETTINGS.items()},
        **_FIXED,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "dtype": str(model.head.bias.dtype).removeprefix("torch."),
    }


def huggingface_tensors(model: MaskedLM) -> dict[str, Tensor]:
    """Return a model's weights under the names of Hugging Face transformers, on the CPU."""
    ours = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    positions = ours["encoder.position_embedding.weight"]
    theirs = {
        NAMES.words: ours["encoder.token_embedding.weight"],
        NAMES.positions: positions,
        NAMES.token_types: positions.new_zeros(1, positions.shape[1]),
        NAMES.output_bias: ours["head.bias"],
    }
    num_layers = model.encoder.config.num_layers
    for our_name, their_name in NAMES.pairs(num_layers):
        for kind in ("weight", "bias"):
            theirs[f"{their_name}.{kind}"] = ours[f"{our_name}.{kind}"]
    for number in range(num_layers):
        for kind in ("weight", "bias"):
            halves = ours[f"encoder.layers.{number}.key_value.{kind}"].chunk(2)
            for name, half in zip(NAMES.key_value, halves, strict=True):
                theirs[f"{NAMES.layer.format(number)}.{name}.{kind}"] = half
    return {name: tensor.contiguous() for name, tensor in theirs.items()}


def require_published_form(config: EncoderConfig) -> None:
    """Refuse a model that cannot be exported.

    Raises:
        UserError: it is not XLM-R's architecture; the message names the setting.
    """
    if config.language_embeddings:
        raise UserError(
            "a model with language embeddings cannot be exported: XLM-R's form has no place for "
            "them; export a model pretrained with model.language_embeddings=false"
        )
    if config.adaptive_cutoffs:
        raise UserError(
            "a model with an adaptive softmax cannot be exported: XLM-R's form has the full one; "
            "export a model pretrained with model.adaptive_cutoffs= (empty)"
        )


def _read_settings(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_NAME
    if not path.is_file():
        raise UserError(f"no {CONFIG_NAME} in {folder}; give a folder saved by save_pretrained")
    settings: dict[str, Any] = storage.read_json(path)
    if settings.get("model_type") != "xlm-roberta":
        raise UserError(f"{path}: model_type is {settings.get('model_type')!r}, not 'xlm-roberta'")
    for name, value in _FIXED.items():
        if settings.get(name, value) != value:
            raise UserError(f"{path}: {name} is {settings[name]!r}, XLM-R has {value!r}")
    needed = {"vocab_size", "max_position_embeddings", *_SETTINGS.values()}
    if missing := sorted(needed - settings.keys()):
        raise UserError(f"{path} lacks {', '.join(missing)}")
    return settings
