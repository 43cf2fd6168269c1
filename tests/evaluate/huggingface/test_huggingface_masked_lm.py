"""Masked language models of other libraries: `pytest
tests/evaluate/huggingface/test_huggingface_masked_lm.py`."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.huggingface_masked_lm import open_masked_lm
from xlmr_lab.evaluate.pseudo_perplexity import log_likelihoods

SENTENCES = ["the cat sat on the mat", "dogs", "caf\u00e9 ran"]


@torch.no_grad()
def slowly(library, folder, sentence, text):
    """Return the pseudo-log-likelihood by the library's own model, token by token."""
    model = library.AutoModelForMaskedLM.from_pretrained(folder).eval()
    mask_id = library.AutoTokenizer.from_pretrained(folder).mask_token_id
    (pieces,) = text.encode([sentence], "en")
    row = text.layout.single(pieces)
    ids = torch.from_numpy(row.ids).long()
    total = 0.0
    for place in range(row.start_first, row.start_first + len(pieces)):
        masked = ids.clone()
        masked[place] = mask_id
        more = {}
        if model.config.model_type == "xlm":
            more["langs"] = torch.full_like(ids, model.config.lang2id["en"])[None]
        logits = model(input_ids=masked[None], **more).logits
        total += logits[0, place].log_softmax(-1)[ids[place]].item()
    return total


@pytest.mark.parametrize("kind", ["xlm-roberta", "roberta", "bert", "mbert", "xlm"])
def test_sentences_have_the_likelihood_of_the_librarys_own_logits(kind, library, folder_of):
    model = open_masked_lm(str(folder_of(kind)))
    found = log_likelihoods(model, SENTENCES, "en").nats
    for value, sentence in zip(found, SENTENCES, strict=True):
        expected = slowly(library, folder_of(kind), sentence, model.text)
        assert value == pytest.approx(expected, abs=1e-3)


def test_the_rest_of_a_word_is_hidden_with_its_own_spans(folder_of):
    model = open_masked_lm(str(folder_of("bert")))
    (pieces,) = model.text.encode(["catdogs"], "en")
    assert len(pieces) > 1
    for text, same in (("catdogs", False), ("the cat", True)):
        alone = log_likelihoods(model, [text], "en").nats[0]
        words = log_likelihoods(model, [text], "en", masking="within-word").nats[0]
        assert (words == pytest.approx(alone, rel=1e-6)) == same


def test_an_encoder_of_permutations_is_refused(folder_of):
    with pytest.raises(UserError, match="'xlnet' is trained on permutations and has no masked LM"):
        open_masked_lm(str(folder_of("xlnet")))


def test_a_model_without_its_head_is_refused(folder_of, change, tmp_path):
    folder = change(folder_of("bert"), tmp_path / "bert", "config.json")
    weights = folder / "model.safetensors"
    kept = {name: t for name, t in load_file(weights).items() if not name.startswith("cls.")}
    save_file(kept, weights, metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"lacks \d+ of the model's tensors, such as cls"):
        open_masked_lm(str(folder))


def test_a_head_that_is_not_known_is_refused(folder_of, library, tmp_path):
    shape = {"dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 48}
    size = json.loads((folder_of("bert") / "config.json").read_text())["vocab_size"]
    config = library.DistilBertConfig(vocab_size=size, max_position_embeddings=64, **shape)
    library.DistilBertForMaskedLM(config).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder_of("bert") / name).read_bytes())
    with pytest.raises(UserError, match="the head of 'distilbert' is not known here; give a model"):
        open_masked_lm(str(tmp_path))


def test_a_tokenizer_without_a_mask_is_refused(folder_of, change, tmp_path):
    folder = change(
        folder_of("bert"), tmp_path / "bert", "tokenizer_config.json", mask_token="[PAD]"
    )
    settings = json.loads((folder / "tokenizer_config.json").read_text()) | {"mask_token": None}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(UserError, match="has no mask token; give another model"):
        open_masked_lm(str(folder))
