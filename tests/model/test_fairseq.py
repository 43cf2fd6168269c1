"""Checkpoints of fairseq give the same logits in every form, and no pickle of theirs is run.

The files are built here, in the form and with the names of the released ones: those are not at
hand. Logits are compared with transformers' implementation of the same weights.

Run with: pytest tests/model/test_fairseq.py
"""

import argparse
import collections
import os
import sys
import types
from pathlib import Path

import pytest
import torch

from xlmr_lab.errors import UserError
from xlmr_lab.model.convert import huggingface_config, huggingface_tensors, to_huggingface
from xlmr_lab.model.fairseq import from_fairseq
from xlmr_lab.model.masked_lm import MaskedLM

SETTINGS = {
    "arch": "roberta_base",
    "task": "multilingual_masked_lm",
    "activation_fn": "gelu",
    "encoder_layers": 2,
    "encoder_attention_heads": 4,
    "encoder_embed_dim": 32,
    "encoder_ffn_embed_dim": 48,
    "tokens_per_sample": 20,
    "dropout": 0.1,
    "attention_dropout": 0.1,
    "untie_weights_roberta": False,
}


def fairseq_tensors(model: MaskedLM, *, root: str = "decoder", fused: bool = False):
    """Return the weights under fairseq's names, by way of those of Hugging Face."""
    theirs = huggingface_tensors(model)
    place = f"{root}.sentence_encoder"
    norm = "emb_layer_norm" if root == "decoder" else "layernorm_embedding"
    moved = {
        "roberta.embeddings.word_embeddings": f"{place}.embed_tokens",
        "roberta.embeddings.position_embeddings": f"{place}.embed_positions",
        "roberta.embeddings.LayerNorm": f"{place}.{norm}",
        "roberta.encoder.layer.": f"{place}.layers.",
        "attention.self.query": "self_attn.q_proj",
        "attention.self.key": "self_attn.k_proj",
        "attention.self.value": "self_attn.v_proj",
        "attention.output.dense": "self_attn.out_proj",
        "attention.output.LayerNorm": "self_attn_layer_norm",
        "intermediate.dense": "fc1",
        "output.dense": "fc2",
        "output.LayerNorm": "final_layer_norm",
        "lm_head.": f"{root}.lm_head.",
    }
    found = collections.OrderedDict()
    for name, tensor in theirs.items():
        if "token_type" in name:
            continue
        for old, new in moved.items():
            name = name.replace(old, new)
        found[name] = tensor
    found[f"{root}.lm_head.weight"] = found[f"{place}.embed_tokens.weight"]
    found[f"{place}.version"] = torch.tensor([3.0])
    if fused:
        for number in range(model.encoder.config.num_layers):
            for kind in ("weight", "bias"):
                names = [f"{place}.layers.{number}.self_attn.{x}_proj.{kind}" for x in "qkv"]
                parts = [found.pop(name) for name in names]
                found[f"{place}.layers.{number}.self_attn.in_proj_{kind}"] = torch.cat(parts)
    return found


def content(model: MaskedLM, /, **changes):
    """Return what the released files hold."""
    return {
        "args": argparse.Namespace(**SETTINGS),
        "model": fairseq_tensors(model),
        "optimizer_history": [{"criterion_name": "MaskedLmLoss", "num_updates": 1_500_000}],
        "extra_state": {"epoch": 1, "val_loss": 2.5},
        "last_optimizer_state": None,
    } | changes


@pytest.fixture
def theirs(model: MaskedLM, monkeypatch: pytest.MonkeyPatch):
    """The same weights in transformers."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    transformers = pytest.importorskip("transformers")
    transformers.utils.logging.disable_progress_bar()
    made = transformers.XLMRobertaForMaskedLM(
        transformers.XLMRobertaConfig(**huggingface_config(model))
    ).double()
    missing = made.load_state_dict(huggingface_tensors(model), strict=False).missing_keys
    assert set(missing) <= {"lm_head.decoder.weight", "lm_head.decoder.bias"}
    return made.eval()


@torch.inference_mode()
@pytest.mark.parametrize("zipped", [False, True], ids=["old", "zip"])
@pytest.mark.parametrize(
    ("root", "fused", "settings"),
    [("decoder", False, "args"), ("decoder", True, "args"), ("encoder", False, "cfg")],
    ids=["xlmr", "roberta", "present"],
)
def test_every_form_gives_the_logits_of_transformers(
    model: MaskedLM, theirs, padded_ids, tmp_path: Path, zipped, root, fused, settings
):
    made = content(model, model=fairseq_tensors(model, root=root, fused=fused))
    if settings == "cfg":
        made |= {"args": None, "cfg": {"model": made["args"], "task": {"data": "x"}}}
    file = tmp_path / "model.pt"
    torch.save(made, file, _use_new_zipfile_serialization=zipped)
    found = from_fairseq(tmp_path)
    assert found.encoder.config == model.encoder.config
    mask = padded_ids != 1
    logits = theirs(padded_ids, attention_mask=mask).logits
    assert (found(padded_ids, mask) - logits).abs().max() < 1e-10 * logits.abs().max()
    for name, tensor in model.state_dict().items():
        assert torch.equal(found.state_dict()[name], tensor), name


def test_what_is_stored_in_16_bits_is_widened(model: MaskedLM, tmp_path: Path):
    halves = {name: x.half() for name, x in fairseq_tensors(model).items()}
    torch.save(content(model, model=halves), tmp_path / "model.pt")
    found = from_fairseq(tmp_path / "model.pt")
    assert {x.dtype for x in found.parameters()} == {torch.float32}
    bias = model.head.bias.half().float()
    assert torch.equal(found.head.bias, bias)
    to_huggingface(found, tmp_path / "out")


@pytest.mark.parametrize("zipped", [False, True], ids=["old", "zip"])
def test_meters_of_old_training_are_passed_over(
    model: MaskedLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zipped
):
    meters = types.ModuleType("fairseq.meters")
    meters.AverageMeter = type("AverageMeter", (), {"__module__": "fairseq.meters"})
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "fairseq", types.ModuleType("fairseq"))
        patch.setitem(sys.modules, "fairseq.meters", meters)
        meter = meters.AverageMeter()
        meter.sum = 3.0
        made = content(model, extra_state={"train_meters": {"train_loss": meter}})
        torch.save(made, tmp_path / "model.pt", _use_new_zipfile_serialization=zipped)
    assert torch.equal(from_fairseq(tmp_path).head.bias, model.head.bias)


class Shell:
    """Would make a folder when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("zipped", [False, True], ids=["old", "zip"])
def test_nothing_is_run_and_what_was_wanted_is_told(model: MaskedLM, tmp_path: Path, zipped):
    made = content(model, extra_state=Shell(tmp_path / "made"))
    torch.save(made, tmp_path / "model.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(UserError, match=r"model.pt wants posix\.mkdir, which could run code; only"):
        from_fairseq(tmp_path)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation_fn": "gelu_fast"}, "activation_fn is 'gelu_fast', XLM-R has 'gelu'"),
        ({"encoder_normalize_before": True}, "encoder_normalize_before is True, XLM-R has False"),
        ({"encoder_attention_heads": None}, "settings lack encoder_attention_heads"),
        ({"encoder_attention_heads": 5}, "hidden_size must be a multiple of num_heads"),
    ],
)
def test_other_architectures_are_refused(model: MaskedLM, tmp_path: Path, change, message):
    torch.save(content(model, args=argparse.Namespace(**SETTINGS | change)), tmp_path / "model.pt")
    with pytest.raises(UserError, match=message):
        from_fairseq(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x.pop("decoder.lm_head.bias"), "no tensor 'encoder.lm_head.bias'"),
        (
            lambda x: x.pop("decoder.sentence_encoder.embed_tokens.weight"),
            "no tensor .*embed_tokens.weight",
        ),
        (lambda x: x.update({"decoder.more": torch.ones(2)}), "does not have: encoder.more"),
        (lambda x: x.update({"decoder.lm_head.weight": torch.ones(50, 32)}), "XLM-R ties them"),
        (lambda x: x.update({"decoder.lm_head.bias": torch.ones(3)}), "does not hold XLM-R: "),
    ],
)
def test_other_tensors_are_refused(model: MaskedLM, tmp_path: Path, change, message):
    tensors = fairseq_tensors(model)
    change(tensors)
    torch.save(content(model, model=tensors), tmp_path / "model.pt")
    with pytest.raises(UserError, match=message):
        from_fairseq(tmp_path)


@pytest.mark.parametrize("zipped", [False, True], ids=["old", "zip"])
def test_damaged_and_other_files_are_refused(model: MaskedLM, tmp_path: Path, zipped):
    with pytest.raises(UserError, match=r"no checkpoint of fairseq at .*model\.pt; give a file"):
        from_fairseq(tmp_path)
    file = tmp_path / "model.pt"
    torch.save(content(model), file, _use_new_zipfile_serialization=zipped)
    whole = file.read_bytes()
    for cut in (0, 100, len(whole) // 2, len(whole) - 30):
        file.write_bytes(whole[:cut])
        with pytest.raises(UserError, match="damaged or not a file of torch"):
            from_fairseq(tmp_path)
    file.write_text("a text")
    with pytest.raises(UserError, match="damaged or not a file of torch"):
        from_fairseq(tmp_path)
    torch.save({"weights": torch.ones(2)}, file)
    with pytest.raises(UserError, match="has no 'model'"):
        from_fairseq(tmp_path)
    torch.save(content(model, args=None), file)
    with pytest.raises(UserError, match="has no settings"):
        from_fairseq(tmp_path)
