"""Weights out of fairseq's checkpoints: the released `model.pt` of XLM-R, or one trained there.

Such a file is a pickle, which can run any program when it is read. Here it cannot: torch reads
tensors and plain containers alone, and of other classes only `argparse.Namespace`, the container of
settings, and an empty one in the place of fairseq's old meters; neither runs anything. A file that
wants more is refused, and told by what it wants.

Both forms are read, torch's old one and its zip; both settings of fairseq, `args` and `cfg`;
attention as one matrix (RoBERTa's) or as three; and names from before and after its encoder was
renamed. What is stored in 16 bits is widened to 32, as fairseq does. Left out: RoBERTa-XL's
pre-norm, and writing this form.
"""

import argparse
import pickle
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from xlmr_lab.errors import UserError
from xlmr_lab.model import tensor_names
from xlmr_lab.model.encoder import FIRST_POSITION, EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.model.tensor_names import Names

FILE_NAME = "model.pt"
"""The checkpoint in a released folder."""

NAMES = Names(
    words="encoder.sentence_encoder.embed_tokens.weight",
    positions="encoder.sentence_encoder.embed_positions.weight",
    output_bias="encoder.lm_head.bias",
    modules={
        "encoder.embedding_norm": "encoder.sentence_encoder.layernorm_embedding",
        "head.dense": "encoder.lm_head.dense",
        "head.norm": "encoder.lm_head.layer_norm",
    },
    layer="encoder.sentence_encoder.layers.{}",
    layer_modules={
        "query": "self_attn.q_proj",
        "attention_output": "self_attn.out_proj",
        "attention_norm": "self_attn_layer_norm",
        "ffn_input": "fc1",
        "ffn_output": "fc2",
        "ffn_norm": "final_layer_norm",
    },
    key_value=("self_attn.k_proj", "self_attn.v_proj"),
    tied={"encoder.lm_head.weight": "encoder.sentence_encoder.embed_tokens.weight"},
    ignored=(
        "classification_heads.",
        "encoder.sentence_encoder.version",
        "encoder.sentence_encoder.embed_positions._float_tensor",
    ),
)
"""fairseq's present names; those from before are turned into these."""

METERS = tuple(f"fairseq.meters.{kind}Meter" for kind in ("Average", "Time", "Stopwatch"))
"""Classes of objects that training left in checkpoints until 2019, of no use here."""

_RENAMED = (
    (re.compile(r"^decoder\."), "encoder."),
    (re.compile(r"\.emb_layer_norm\."), ".layernorm_embedding."),
)
_FUSED = re.compile(r"(.*\.self_attn)\.in_proj_(weight|bias)")
_WANTED = re.compile(r"GLOBAL (\S+)")
_LAYER = re.compile(r"encoder\.sentence_encoder\.layers\.(\d+)\.")

_FIXED = {
    "activation_fn": "gelu",
    "encoder_normalize_before": False,
    "untie_weights_roberta": False,
    "encoder_layers_to_keep": None,
}
"""Settings that have one value in XLM-R, where a file has them at all."""


def from_fairseq(path: Path) -> MaskedLM:
    """Read a model from a checkpoint of fairseq, or from a folder with a `model.pt`.

    Raises:
        UserError: no such file, damaged, not an XLM-R masked LM, or a pickle that wants more than
            tensors and settings.
    """
    file = path / FILE_NAME if path.is_dir() else path
    if not file.is_file():
        raise UserError(f"no checkpoint of fairseq at {file}; give a file like xlmr.base/model.pt")
    content = _read(file)
    if not isinstance(content, dict) or not isinstance(content.get("model"), Mapping):
        raise UserError(f"{file} has no 'model'; it is not a checkpoint of fairseq")
    stored = _present_names(content["model"])
    config = _config(_settings(content, file), stored, file)
    with torch.device("meta"):
        model = MaskedLM(config, len(stored[NAMES.words]))
    state = tensor_names.ours(stored, NAMES, num_layers=config.num_layers, path=file)
    for name, tensor in state.items():
        state[name] = tensor.to(torch.promote_types(tensor.dtype, torch.float32))
    try:
        model.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise UserError(f"{file} does not hold XLM-R: {' '.join(str(error).split())}") from None
    return model.eval()


class _Unused:
    """What is read in the place of a meter."""


def _read(file: Path) -> Any:
    """Return what a file of torch holds, without running anything."""
    allowed: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [argparse.Namespace]
    allowed += [(_Unused, name) for name in METERS]
    try:
        with torch.serialization.safe_globals(allowed):
            return torch.load(
                file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file)
            )
    except pickle.UnpicklingError as error:
        if wanted := _WANTED.search(str(error)):
            raise UserError(
                f"{file} wants {wanted[1]}, which could run code; only tensors, plain containers "
                "and argparse.Namespace are read. Where you trust the file, save its 'args' and "
                "'model' alone with torch.save in a process of its own"
            ) from None
        raise UserError(f"{file} is damaged or not a file of torch; copy it again") from None
    except (RuntimeError, EOFError, ValueError, TypeError, AttributeError, LookupError, OSError):
        raise UserError(f"{file} is damaged or not a file of torch; copy it again") from None


def _settings(content: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """Return the settings of the model, as old checkpoints have them and as new ones do."""
    found = content.get("args") or (content.get("cfg") or {}).get("model")
    if isinstance(found, argparse.Namespace):
        return vars(found)
    if isinstance(found, Mapping):
        return dict(found)
    raise UserError(f"{file} has no settings, neither 'args' nor 'cfg'; save it with fairseq again")


def _present_names(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors by fairseq's present names."""
    found = {}
    for name, tensor in stored.items():
        for pattern, new in _RENAMED:
            name = pattern.sub(new, name)
        if fused := _FUSED.fullmatch(name):
            for letter, part in zip("qkv", tensor.chunk(3), strict=True):
                found[f"{fused[1]}.{letter}_proj.{fused[2]}"] = part
        else:
            found[name] = tensor
    return found


def _config(settings: Mapping[str, Any], stored: Mapping[str, Tensor], file: Path) -> EncoderConfig:
    """Return the shape, which the tensors tell but for the number of heads."""
    for name, value in _FIXED.items():
        if settings.get(name, value) != value:
            raise UserError(f"{file}: {name} is {settings[name]!r}, XLM-R has {value!r}")
    heads = settings.get("encoder_attention_heads")
    if not isinstance(heads, int):
        raise UserError(f"{file}: its settings lack encoder_attention_heads; save it again")
    layers = {int(found[1]) for name in stored if (found := _LAYER.match(name))}
    first = f"{NAMES.layer.format(0)}.fc1.weight"
    for name in (NAMES.words, NAMES.positions, first):
        if name not in stored:
            raise UserError(f"{file} has no tensor {name!r}; it does not hold an XLM-R masked LM")
    return EncoderConfig(
        num_layers=len(layers),
        hidden_size=stored[NAMES.words].shape[1],
        num_heads=heads,
        ffn_size=len(stored[first]),
        max_tokens=len(stored[NAMES.positions]) - FIRST_POSITION,
        dropout=settings.get("dropout", 0.1),
        attention_dropout=settings.get("attention_dropout", 0.1),
    )
