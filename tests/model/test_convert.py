"""Our model is Hugging Face's XLMRobertaForMaskedLM: the same numbers both ways."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from xlmr_lab.errors import UserError
from xlmr_lab.model.convert import from_huggingface, to_huggingface
from xlmr_lab.model.masked_lm import MaskedLM

TOLERANCE = 1e-10


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    transformers = pytest.importorskip("transformers")
    transformers.utils.logging.disable_progress_bar()
    return transformers


@pytest.fixture
def other(library):
    """Hugging Face's model in double precision, all weights random and large, token types too."""
    settings = library.XLMRobertaConfig(
        vocab_size=50,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=22,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
    )
    model = library.XLMRobertaForMaskedLM(settings).double().eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.3, generator=generator)
    return model


def relative_error(found: torch.Tensor, expected: torch.Tensor) -> float:
    return ((found - expected).abs().max() / expected.abs().max()).item()


@torch.inference_mode()
def test_imported_weights_give_the_same_logits(other, ids, tmp_path: Path):
    other.save_pretrained(tmp_path)
    model = from_huggingface(tmp_path)
    assert next(model.parameters()).dtype == torch.float64
    assert relative_error(model(ids), other(ids).logits) < TOLERANCE


@torch.inference_mode()
def test_imported_weights_give_the_same_logits_with_padding(other, padded_ids, tmp_path: Path):
    other.save_pretrained(tmp_path)
    mask = padded_ids != 1
    found = from_huggingface(tmp_path)(padded_ids, mask)
    assert relative_error(found, other(padded_ids, attention_mask=mask).logits) < TOLERANCE


@torch.inference_mode()
def test_exported_folder_loads_there_with_the_same_logits(
    library, model: MaskedLM, padded_ids, tmp_path: Path
):
    to_huggingface(model, tmp_path / "out")
    other = library.XLMRobertaForMaskedLM.from_pretrained(tmp_path / "out").eval()
    mask = padded_ids != 1
    assert other.dtype == torch.float64
    found = other(padded_ids, attention_mask=mask).logits
    assert relative_error(found, model(padded_ids, mask)) < TOLERANCE


def test_gradients_are_the_same_too(other, ids, tmp_path: Path):
    other.save_pretrained(tmp_path)
    model = from_huggingface(tmp_path)
    positions = torch.tensor([[1, 2], [3, 4], [5, 19]])
    targets = ids.gather(1, positions)
    labels = torch.full_like(ids, -100).scatter(1, positions, targets)
    loss = other(ids, labels=labels).loss
    loss.backward()
    ours = model.loss(ids, positions, targets)
    ours.backward()
    assert abs(ours.item() - loss.item()) < TOLERANCE * loss.item()
    layer, theirs = model.encoder.layers[0], other.roberta.encoder.layer[0]
    for found, expected in (
        (layer.query.weight.grad, theirs.attention.self.query.weight.grad),
        (layer.key_value.bias.grad[32:], theirs.attention.self.value.bias.grad),
        (layer.ffn_norm.weight.grad, theirs.output.LayerNorm.weight.grad),
        (
            model.encoder.token_embedding.weight.grad,
            other.roberta.embeddings.word_embeddings.weight.grad,
        ),
    ):
        assert relative_error(found, expected) < TOLERANCE


def test_export_and_import_give_the_same_weights_back(model: MaskedLM, tmp_path: Path):
    to_huggingface(model, tmp_path / "out")
    back = from_huggingface(tmp_path / "out")
    assert back.encoder.config == model.encoder.config
    for name, tensor in model.state_dict().items():
        assert torch.equal(back.state_dict()[name], tensor), name


def test_weights_may_be_read_by_whoever_may_read_the_settings(model: MaskedLM, tmp_path: Path):
    to_huggingface(model, tmp_path / "out")
    (mode,) = {path.stat().st_mode for path in (tmp_path / "out").iterdir()}
    assert mode & 0o400


def test_the_files_of_a_tokenizer_travel_along(model: MaskedLM, tmp_path: Path):
    def write_tokenizer(folder: Path) -> None:
        (folder / "tokenizer.json").write_text("{}")

    to_huggingface(model, tmp_path / "out", write_tokenizer=write_tokenizer)
    assert (tmp_path / "out" / "tokenizer.json").read_text() == "{}"
    assert from_huggingface(tmp_path / "out").encoder.config == model.encoder.config


def test_a_tokenizer_that_cannot_be_written_leaves_nothing(model: MaskedLM, tmp_path: Path):
    def write_tokenizer(folder: Path) -> None:
        (folder / "tokenizer.json").write_text("{}")
        raise UserError("no vocabulary at all")

    with pytest.raises(UserError, match="no vocabulary at all"):
        to_huggingface(model, tmp_path / "out", write_tokenizer=write_tokenizer)
    assert list(tmp_path.iterdir()) == []


def test_stored_copies_of_tied_weights_are_accepted_if_equal(model: MaskedLM, tmp_path: Path):
    to_huggingface(model, tmp_path / "out")
    path = tmp_path / "out" / "model.safetensors"
    tensors = load_file(path)
    tensors["lm_head.decoder.weight"] = tensors["roberta.embeddings.word_embeddings.weight"].clone()
    tensors["roberta.pooler.dense.weight"] = torch.zeros(32, 32)
    save_file(tensors, path)
    from_huggingface(tmp_path / "out")
    tensors["lm_head.decoder.weight"] += 1
    save_file(tensors, path)
    with pytest.raises(UserError, match="XLM-R ties them"):
        from_huggingface(tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "bert"}, "model_type is 'bert', not 'xlm-roberta'"),
        ({"hidden_act": "relu"}, "hidden_act is 'relu', XLM-R has 'gelu'"),
        ({"type_vocab_size": 2}, "type_vocab_size is 2"),
        ({"num_hidden_layers": 1}, "tensors that XLM-R does not have: roberta.encoder.layer.1"),
        ({"num_hidden_layers": 3}, "no tensor 'roberta.encoder.layer.2"),
        ({"intermediate_size": 47}, "does not fit its config.json"),
    ],
)
def test_other_architectures_are_refused(model: MaskedLM, tmp_path: Path, change, message):
    to_huggingface(model, tmp_path / "out")
    path = tmp_path / "out" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match=message):
        from_huggingface(tmp_path / "out")


def test_pickled_weights_are_refused(model: MaskedLM, tmp_path: Path):
    to_huggingface(model, tmp_path / "out")
    (tmp_path / "out" / "model.safetensors").rename(tmp_path / "out" / "pytorch_model.bin")
    with pytest.raises(UserError, match="pickled or sharded weights are not read"):
        from_huggingface(tmp_path / "out")


def test_damaged_weights_and_missing_settings_are_refused(model: MaskedLM, tmp_path: Path):
    with pytest.raises(UserError, match=r"no config.json in"):
        from_huggingface(tmp_path)
    to_huggingface(model, tmp_path / "out")
    path = tmp_path / "out" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="is damaged"):
        from_huggingface(tmp_path / "out")
