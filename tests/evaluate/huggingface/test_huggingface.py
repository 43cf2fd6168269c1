"""Opening encoders of Hugging Face, and what is refused: `pytest
tests/evaluate/huggingface/test_huggingface.py`."""

import logging
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import encoders
from xlmr_lab.evaluate.huggingface import EXTRA, open_encoder

WEIGHTS = "model.safetensors"


def refused(source, match):
    """Assert that a source is refused in one line."""
    with pytest.raises(UserError, match=match) as caught:
        open_encoder(str(source))
    assert "\n" not in str(caught.value)


@pytest.fixture
def copied(folder_of, change, tmp_path):
    """Return the function that copies the folder of a kind with changed settings."""

    def copy(kind, name="config.json", **settings):
        return change(folder_of(kind), tmp_path / kind, name, **settings)

    return copy


def test_an_encoder_comes_in_evaluation_mode_and_full_precision(folder_of, library, tmp_path):
    model = library.AutoModelForMaskedLM.from_pretrained(folder_of("bert"))
    model.half().save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder_of("bert") / name).read_bytes())
    encoder, text = open_encoder(str(tmp_path))
    assert not encoder.training
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    assert text.size == encoder.vocab_size == model.config.vocab_size


def test_the_prefix_opens_it_where_any_encoder_is_opened(folder_of):
    opened = encoders.open_encoder(f"hf:{folder_of('xlnet')}")
    module, text = open_encoder(str(folder_of("xlnet")))
    assert opened.text.layout == text.layout
    ids = torch.tensor([[9, 8, 4, 3]])
    with torch.no_grad():
        assert torch.equal(opened.module(ids), module(ids))


@pytest.fixture
def talkative(library):
    """Let the library say all that it says by itself."""
    log = library.utils.logging
    log.set_verbosity_info()
    log.enable_progress_bar()
    yield log
    log.set_verbosity_error()
    log.disable_progress_bar()


def test_opening_changes_no_randomness_and_writes_nothing(folder_of, talkative, capfd, caplog):
    folder = str(folder_of("bert"))
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    capfd.readouterr()
    with caplog.at_level(logging.INFO):
        open_encoder(folder)
    assert torch.equal(torch.rand(3), expected)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    assert talkative.get_verbosity() == logging.INFO
    assert talkative.is_progress_bar_enabled()


def test_weights_in_several_files_are_read(folder_of, library, tmp_path):
    whole, _ = open_encoder(str(folder_of("bert")))
    library.AutoModel.from_pretrained(folder_of("bert")).save_pretrained(
        tmp_path, max_shard_size="20KB"
    )
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder_of("bert") / name).read_bytes())
    assert not (tmp_path / WEIGHTS).exists()
    parts, _ = open_encoder(str(tmp_path))
    for name, tensor in whole.state_dict().items():
        assert torch.equal(parts.state_dict()[name], tensor)


def test_a_folder_that_is_not_there(tmp_path):
    refused(tmp_path / "absent", r"no folder at .*absent; give hf:PATH of a folder, or hf:OWNER")
    refused(tmp_path, "no config.json in .*; give a folder saved by save_pretrained")


def test_pickled_weights_are_never_read(copied, tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    folder = copied("bert")
    (folder / WEIGHTS).unlink()
    torch.save({"weights": Trap()}, folder / "pytorch_model.bin")
    refused(folder, r"has no model.safetensors; pickled weights can run code and are not read")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        (
            {"model_type": "gpt2"},
            r"config.json: 'gpt2' is no encoder of masked text; give one such",
        ),
        ({"model_type": "t5"}, "'t5' is no encoder of masked text"),
        ({"model_type": "bart"}, "'bart' is no encoder of masked text"),
        ({"is_decoder": True}, "'bert' is no encoder of masked text"),
        ({"model_type": "novel"}, r"has no model_type 'novel'; give an encoder such as 'bert'"),
        (
            {"model_type": "novel", "auto_map": {"AutoModel": "novel.NovelModel"}},
            "it brings code of its own, which is never run; give an encoder",
        ),
        ({"model_type": None}, "has no model_type; give a folder saved by save_pretrained"),
        (
            {"hidden_size": "wide"},
            r"config.json cannot be used \(.*'hidden_size' expected int, got str",
        ),
    ],
)
def test_what_is_no_encoder(settings, match, copied):
    refused(copied("bert", **settings), match)


def test_code_in_a_folder_is_never_run(copied, tmp_path):
    folder = copied("bert", auto_map={"AutoConfig": "own.OwnConfig", "AutoModel": "own.OwnModel"})
    (folder / "own.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\n")
    open_encoder(str(folder))
    assert not (tmp_path / "sprung").exists()


def test_a_configuration_that_is_no_json(copied):
    folder = copied("bert")
    (folder / "config.json").write_text("{")
    refused(folder, r"config.json is no JSON; copy it again")


def test_nothing_else_is_loaded_in_place_of_the_weights(copied):
    folder = copied("bert", attn_implementation="owner/kernel")
    refused(
        folder, "attn_implementation is 'owner/kernel'; it brings code of its own, which is nev"
    )
    folder = copied("bert", quantization_config={"quant_method": "bitsandbytes"})
    refused(folder, "config.json is of quantized weights; give the model in full precision")
    folder = copied("bert")
    (folder / WEIGHTS).rename(folder / "pytorch_model.bin")
    index = '{"metadata": {}, "weight_map": {"bert.x": "pytorch_model.bin"}}'
    (folder / "model.safetensors.index.json").write_text(index)
    refused(folder, "pickled weights can run code and are not read")
    for index in ("[]", '{"weight_map": []}', '{"weight_map": {}}'):
        (folder / "model.safetensors.index.json").write_text(index)
        refused(folder, "pickled weights can run code and are not read")
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "/elsewhere"}')
    refused(folder, "is an adapter to another model; merge the two")


def test_weights_that_are_missing_are_not_drawn_at_random(copied):
    folder = copied("bert")
    tensors = load_file(folder / WEIGHTS)
    gone = "bert.encoder.layer.1.output.dense.weight"
    kept = {name: tensor for name, tensor in tensors.items() if name != gone}
    save_file(kept, folder / WEIGHTS, metadata={"format": "pt"})
    refused(folder, r"lacks 1 of the model's tensors, such as encoder.layer.1.output.dense.wei")


def test_weights_that_are_damaged_or_of_another_shape(copied):
    folder = copied("bert")
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: len(content) // 2])
    refused(folder, r"bert cannot be used \(.*\); copy it again")
    narrow = (
        r"does not fit its config.json: .*intermediate.dense.bias is \(48,\), not \(40,\); copy"
    )
    refused(copied("bert", intermediate_size=40), narrow)


def test_a_folder_without_its_tokenizer(folder_of, library, tmp_path):
    for kind in ("xlm-roberta", "bert", "xlm"):
        library.AutoModel.from_pretrained(folder_of(kind)).save_pretrained(tmp_path / kind)
        refused(tmp_path / kind, f"{kind}.*(tokenizer|vocab)")


def test_a_tokenizer_of_another_model(folder_of, copied):
    folder = copied("bert")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((folder_of("roberta") / name).read_bytes())
    refused(folder, r"its tokenizer has \d+ ids and the encoder \d+; add the files of the tok")


def test_a_tokenizer_without_padding(copied):
    folder = copied("bert", "tokenizer_config.json", pad_token="?")
    settings = (folder / "tokenizer_config.json").read_text().replace('"?"', "null")
    (folder / "tokenizer_config.json").write_text(settings)
    refused(folder, "its tokenizer has no pad_token_id, which tasks need")


def test_an_xlm_that_does_not_say_its_languages(copied):
    refused(copied("xlm", lang2id=None), "has language embeddings and its config.json no lang2id")


def test_an_xlm_without_language_embeddings_needs_no_language(copied, library, folder_of, tmp_path):
    config = library.AutoConfig.from_pretrained(folder_of("xlm"))
    config.use_lang_emb = False
    folder = copied("xlm")
    library.XLMModel(config).save_pretrained(folder)
    encoder, _ = open_encoder(str(folder))
    assert encoder.language_ids(["sw"]) is None
    with torch.no_grad():
        assert encoder(torch.tensor([[0, 9, 1]])).shape == (1, 3, 32)


def test_a_hub_that_cannot_be_reached(monkeypatch, tmp_path, library):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    for name in ("owner/encoder", "encoder"):
        refused(name, f"cannot fetch the model '{name}' from the Hugging Face hub: it cannot be re")


def test_a_name_that_the_hub_does_not_know(monkeypatch, library):
    import huggingface_hub
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    for error, match in (
        (RepositoryNotFoundError, "there is none of that name, nor a folder here"),
        (GatedRepoError, "its terms are not accepted yet"),
    ):

        def refuse(*args, error=error, **kwargs):
            raise error.__new__(error)

        monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
        refused("owner/encoder", match)


def test_from_the_hub_come_only_the_files_that_are_read(monkeypatch, folder_of):
    import huggingface_hub
    from huggingface_hub.utils import filter_repo_objects

    asked = {}

    def download(name, allow_patterns):
        asked[name] = allow_patterns
        return str(folder_of("bert"))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    _, text = open_encoder("owner/encoder")
    assert text.fingerprint == open_encoder(str(folder_of("bert")))[1].fingerprint
    names = [path.name for path in folder_of("bert").iterdir()]
    others = ["pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "modeling_own.py"]
    parts = ["model-00001-of-00002.safetensors", "model.safetensors.index.json"]
    more = ["sentencepiece.bpe.model", "merges.txt", "onnx/model.safetensors"]
    fetched = set(
        filter_repo_objects([*names, *others, *parts, *more], allow_patterns=asked["owner/encoder"])
    )
    assert fetched == {*names, *parts, *more[:2]}


def test_a_missing_library_is_told_with_the_extra_that_brings_it(monkeypatch, folder_of):
    folder = folder_of("bert")
    monkeypatch.setitem(sys.modules, "transformers", None)
    refused(folder, rf"need the library transformers, which is not installed; pip.*\[{EXTRA}\]")


def test_a_library_that_a_tokenizer_needs_is_told(monkeypatch, folder_of):
    folder = folder_of("xlm")
    monkeypatch.setitem(sys.modules, "sacremoses", None)
    refused(folder, r"the tokenizer of .*xlm.* needs a library that is not installed: .*sacremoses")
