"""Pseudo-perplexity: `pytest tests/evaluate/test_pseudo_perplexity.py`."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import pseudo_perplexity
from xlmr_lab.evaluate.pseudo_perplexity import (
    LogLikelihoods,
    MaskedModel,
    log_likelihoods,
    of_masked_lm,
    run,
    word_ends,
)
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM

SHAPE = EncoderConfig(num_layers=2, hidden_size=16, num_heads=2, ffn_size=32, max_tokens=10)
SENTENCES = ["abcd ef", "ab", "ab cd efgh ij", "xy zz xy"]


@pytest.fixture
def network(tokenizer):
    generator = torch.Generator().manual_seed(0)
    made = MaskedLM(SHAPE, tokenizer.size, generator=generator).double().eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(0.0, 0.3, generator=generator)
    return made


@pytest.fixture
def model(network, tokenizer):
    return dataclasses.replace(of_masked_lm(network, tokenizer), text=tokenizer)


@torch.no_grad()
def slowly(network, tokenizer, sentence, hidden=lambda i, _n: range(i, i + 1)):
    """Return the pseudo-log-likelihood, one token at a time and nothing padded."""
    (pieces,) = tokenizer.encode([sentence])
    total = 0.0
    for i, target in enumerate(pieces.tolist()):
        ids = torch.tensor([[0, *pieces.tolist(), 2]])
        ids[0, [1 + j for j in hidden(i, len(pieces))]] = tokenizer.size - 1
        total += network(ids)[0, 1 + i].log_softmax(-1)[target].item()
    return total


def test_each_token_is_masked_once(model, network, tokenizer):
    found = log_likelihoods(model, SENTENCES, "en")
    expected = [slowly(network, tokenizer, sentence) for sentence in SENTENCES]
    np.testing.assert_allclose(found.nats, expected, rtol=1e-12)
    assert found.num_tokens.tolist() == [3, 1, 5, 3]
    assert found.num_bytes.tolist() == [7, 2, 13, 8]
    assert found.num_unknown == 0


def test_batches_and_chunks_change_nothing(model, monkeypatch):
    whole = log_likelihoods(model, SENTENCES, "en").nats
    monkeypatch.setattr(pseudo_perplexity, "CHUNK_ROWS", 2)
    for batch_tokens in (1, 11, 30):
        parts = log_likelihoods(model, SENTENCES, "en", batch_tokens=batch_tokens).nats
        np.testing.assert_allclose(parts, whole, rtol=1e-12)


def test_perplexity_and_bits_by_hand():
    """8 tokens foreseen with probability 1/2 each: perplexity 2, 8 bits."""
    nats = 8 * math.log(0.5)
    found = LogLikelihoods(
        np.array([nats / 4, nats * 3 / 4]), np.array([2, 6]), np.array([4, 12]), 0
    )
    assert found.perplexity == pytest.approx(2)
    assert found.bits_per_byte == pytest.approx(0.5)


def test_a_model_that_foresees_nothing_has_the_vocabularys_size(model):
    size = 500
    blind = dataclasses.replace(model, head=lambda states: torch.zeros(len(states), size))
    found = log_likelihoods(blind, SENTENCES, "en")
    assert found.perplexity == pytest.approx(size)
    assert found.bits_per_byte == pytest.approx(12 * math.log2(size) / 30)


def test_the_rest_of_a_word_can_be_hidden_too(model, network, tokenizer, monkeypatch):
    def offsets(_text, _language):
        (pieces,) = tokenizer.encode(["abcd ef"])
        return pieces, np.array([[0, 2], [2, 4], [5, 7]])

    tokenizer.offsets = offsets
    found = log_likelihoods(model, ["abcd ef"], "en", masking="within-word")
    expected = slowly(
        network, tokenizer, "abcd ef", hidden=lambda i, _n: range(i, 2 if i < 2 else 3)
    )
    np.testing.assert_allclose(found.nats, [expected], rtol=1e-12)
    assert found.nats[0] != pytest.approx(slowly(network, tokenizer, "abcd ef"), rel=1e-6)


def test_words_end_at_white_space_of_any_kind():
    def ends(text, *spans):
        return word_ends(text, np.array(spans))

    assert ends("ab", (0, 1), (1, 2)) == [2, 2]
    assert ends("a\u3000b", (0, 1), (2, 3)) == [1, 2]
    assert ends("a b", (0, 1), (2, 2), (2, 3)) == [1, 3, 3]  # the mark of a word alone
    assert ends("\u20ac", (0, 1), (0, 1), (0, 1)) == [3, 3, 3]  # three bytes of one character
    assert word_ends("", np.zeros((0, 2), dtype=np.int64)) == []


def test_what_is_too_long_is_scored_in_windows(model, network, tokenizer):
    parts = ["ab cd ef gh ij kl mn op", "qr st"]
    (found,) = log_likelihoods(model, [" ".join(parts)], "en").nats
    expected = sum(slowly(network, tokenizer, part) for part in parts)
    assert found == pytest.approx(expected, rel=1e-12)


def test_unknown_tokens_are_counted(model, tokenizer, monkeypatch):
    monkeypatch.setattr(
        tokenizer, "encode", lambda _texts, _language=None: [np.array([3, 9, 3], dtype=np.int32)]
    )
    assert log_likelihoods(model, ["a"], "en").num_unknown == 2


def test_languages_come_one_by_one(model, tokenizer):
    found = run(model, {"qaa": SENTENCES[:2], "qab": SENTENCES})
    assert tokenizer.languages == ["qaa", "qab"]
    np.testing.assert_allclose(found["qab"].nats[:2], found["qaa"].nats, rtol=1e-12)
    assert list(found) == ["qaa", "qab"]


def test_adaptive_outputs_and_language_embeddings_are_scored(tokenizer):
    config = dataclasses.replace(SHAPE, language_embeddings=True, adaptive_cutoffs=(100,))
    generator = torch.Generator().manual_seed(0)
    network = MaskedLM(config, tokenizer.size, languages=("en", "de"), generator=generator)
    model = dataclasses.replace(of_masked_lm(network.double(), tokenizer), text=tokenizer)
    with torch.no_grad():
        network.encoder.language_embedding.weight.normal_(0.0, 1.0, generator=generator)
        (pieces,) = tokenizer.encode(["ab"])
        places = network.encoder.language_ids(["de"])
        logits = network.eval()(torch.tensor([[0, tokenizer.size - 1, 2]]), languages=places)
    expected = logits[0, 1].log_softmax(-1)[pieces[0]].item()
    assert log_likelihoods(model, ["ab"], "de").nats[0] == pytest.approx(expected, rel=1e-12)
    assert log_likelihoods(model, ["ab"], "en").nats[0] != pytest.approx(expected, rel=1e-6)


def test_nothing_to_score_is_refused(model):
    with pytest.raises(UserError, match="no sentence of sw to score"):
        log_likelihoods(model, [], "sw")
    with pytest.raises(UserError, match="sentence 2 of en has no token; leave it out"):
        log_likelihoods(model, ["ab", "\u200b"], "en")
    with pytest.raises(UserError, match="masking must be token or within-word, got 'word'"):
        log_likelihoods(model, ["ab"], "en", masking="word")


def test_one_of_our_models_is_scored_with_its_own_mask(network, tokenizer):
    found = of_masked_lm(network, tokenizer)
    assert isinstance(found, MaskedModel)
    assert found.mask_id == tokenizer.size - 1
    assert found.text.size == tokenizer.size
