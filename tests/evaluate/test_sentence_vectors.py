"""Sentences as vectors: `pytest tests/evaluate/test_sentence_vectors.py`."""

import numpy as np
import pytest
import torch

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.sentence_vectors import embed, hidden_states
from xlmr_lab.model.encoder import Encoder, EncoderConfig

DEEP = EncoderConfig(num_layers=3, hidden_size=16, num_heads=2, ffn_size=32, max_tokens=12)
SENTENCES = ["abcd ef", "ab", "ab cd ef gh ij", "\u200b", "xy"]


@pytest.fixture
def deep(tokenizer):
    generator = torch.Generator().manual_seed(0)
    return Encoder(DEEP, tokenizer.size, generator=generator).eval()


def test_states_of_all_layers_are_those_of_the_encoder(deep):
    ids = torch.tensor([[0, 9, 8, 2], [0, 7, 2, 1]])
    mask = ids != 1
    with torch.no_grad():
        states = hidden_states(deep, ids, mask, None)
        again = hidden_states(deep, ids, mask, None)
    assert len(states) == len(again) == DEEP.num_layers + 1
    torch.testing.assert_close(states[-1], deep(ids, mask))
    for below, above, layer in zip(states[:-1], states[1:], deep.layers, strict=True):
        torch.testing.assert_close(layer(below, below, mask[:, None, None]), above)
    places = deep.position_embedding.weight[[2, 3, 4, 5]]
    expected = deep.embedding_norm(deep.token_embedding(ids[0]) + places)
    torch.testing.assert_close(states[0][0], expected)


def test_a_sentence_is_the_mean_of_its_own_tokens(deep, tokenizer):
    (pieces,) = tokenizer.encode(["abcd ef"])
    ids = torch.tensor([[0, *pieces, 2]])
    with torch.no_grad():
        states = hidden_states(deep, ids, None, None)
    for specials, counted in ((False, slice(1, 4)), (True, slice(0, 5))):
        vectors, num_cut = embed(deep, tokenizer, SENTENCES, "en", specials=specials)
        assert vectors.shape == (4, len(SENTENCES), 16)
        for layer, state in enumerate(states):
            expected = state[0, counted].mean(0).detach().numpy()
            np.testing.assert_allclose(vectors[layer, 0], expected, atol=1e-6)
        assert num_cut == 0


def test_batches_change_no_vector(deep, tokenizer):
    whole = embed(deep, tokenizer, SENTENCES, "en").vectors
    single = embed(deep, tokenizer, SENTENCES, "en", batch_tokens=1).vectors
    np.testing.assert_allclose(whole, single, atol=1e-6)


def test_a_text_without_a_piece_is_the_unknown(deep, tokenizer):
    vectors = embed(deep, tokenizer, ["\u200b"], "en").vectors
    with torch.no_grad():
        expected = deep(torch.tensor([[0, 3, 2]]))[0, 1]
    np.testing.assert_allclose(vectors[-1, 0], expected.numpy(), atol=1e-6)


def test_what_is_too_long_is_cut_and_counted(deep, tokenizer):
    long, fitting = "ab " * 11, "ab " * 10
    vectors, num_cut = embed(deep, tokenizer, [long, fitting], "en")
    assert num_cut == 1
    np.testing.assert_allclose(vectors[:, 0], vectors[:, 1], atol=1e-6)


def test_languages_reach_the_encoder_and_its_text(tokenizer):
    config = EncoderConfig(
        num_layers=1, hidden_size=16, num_heads=2, ffn_size=32, language_embeddings=True
    )
    generator = torch.Generator().manual_seed(0)
    encoder = Encoder(config, tokenizer.size, languages=("en", "de"), generator=generator)
    with torch.no_grad():
        encoder.language_embedding.weight.normal_(generator=generator)
    english, german = (embed(encoder, tokenizer, ["ab"], key).vectors for key in ("en", "de"))
    assert tokenizer.languages == ["en", "de"]
    assert not np.allclose(english, german, atol=0.01)
    with pytest.raises(UserError, match="no language embedding for sw"):
        embed(encoder, tokenizer, ["ab"], "sw")


def test_dropout_is_off(tokenizer):
    config = EncoderConfig(num_layers=1, hidden_size=16, num_heads=2, ffn_size=32, dropout=0.5)
    encoder = Encoder(config, tokenizer.size, generator=torch.Generator().manual_seed(0)).train()
    first, second = (embed(encoder, tokenizer, SENTENCES, "en").vectors for _ in range(2))
    assert np.array_equal(first, second)
