"""Language embeddings: off they change nothing, on they are added to each token and are learned.

Run with: pytest tests/model/test_language_embeddings.py
"""

import dataclasses
from pathlib import Path

import pytest
import torch

from xlmr_lab.errors import UserError
from xlmr_lab.model.convert import to_huggingface
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM

LANGUAGES = ("en", "sw", "ur")


@pytest.fixture
def with_languages(config: EncoderConfig) -> MaskedLM:
    """The small model with embeddings of three languages."""
    config = dataclasses.replace(config, language_embeddings=True)
    generator = torch.Generator().manual_seed(1)
    return MaskedLM(config, 50, languages=LANGUAGES, generator=generator).double().eval()


def test_without_them_languages_make_no_difference(config: EncoderConfig, model: MaskedLM, ids):
    assert model.encoder.language_ids(["en", "sw", "xx"]) is None
    places = torch.tensor([[0], [1], [2]])
    assert torch.equal(model(ids, languages=places), model(ids))
    named = MaskedLM(config, 50, languages=LANGUAGES, generator=torch.Generator().manual_seed(1))
    plain = MaskedLM(config, 50, generator=torch.Generator().manual_seed(1))
    assert named.state_dict().keys() == plain.state_dict().keys()
    assert all(torch.equal(named.state_dict()[n], x) for n, x in plain.state_dict().items())


@torch.inference_mode()
def test_the_vector_of_the_language_is_added_to_each_token(with_languages: MaskedLM, ids):
    """So a token matrix that holds the vector already gives the same hidden states."""
    encoder = with_languages.encoder
    places = encoder.language_ids(["ur", "en", "ur"])
    assert places.tolist() == [[2], [0], [2]]
    found = encoder(ids, languages=places)
    plain = MaskedLM(dataclasses.replace(encoder.config, language_embeddings=False), 50).double()
    weights = with_languages.state_dict()
    vectors = weights.pop("encoder.language_embedding.weight")
    for row, place in enumerate((2, 0, 2)):
        moved = weights["encoder.token_embedding.weight"] + vectors[place]
        plain.load_state_dict(weights | {"encoder.token_embedding.weight": moved})
        alone = plain.eval().encoder(ids[row : row + 1])
        torch.testing.assert_close(found[row : row + 1], alone)


@torch.inference_mode()
def test_a_sequence_may_change_its_language_within(with_languages: MaskedLM, ids):
    encoder = with_languages.encoder
    places = torch.zeros_like(ids)
    assert torch.equal(
        encoder(ids, languages=places), encoder(ids, languages=encoder.language_ids(["en"] * 3))
    )
    places[:, 10:] = 1
    assert not torch.allclose(encoder(ids, languages=places), encoder(ids, languages=places * 0))


def test_the_loss_teaches_the_languages_of_the_batch(with_languages: MaskedLM, ids):
    positions = torch.tensor([[1, 2]] * 3)
    places = with_languages.encoder.language_ids(["sw", "sw", "en"])
    with_languages.loss(ids, positions, ids.gather(1, positions), places).backward()
    gradient = with_languages.encoder.language_embedding.weight.grad
    assert [bool(row.any()) for row in gradient] == [True, True, False]


def test_a_language_that_has_none_and_a_text_of_no_language_are_refused(
    with_languages: MaskedLM, ids
):
    with pytest.raises(UserError, match="no language embedding for xx, only for en, sw, ur"):
        with_languages.encoder.language_ids(["en", "xx"])
    with pytest.raises(UserError, match="needs the language of its text"):
        with_languages(ids)


def test_such_a_model_is_not_exported_as_xlm_r(with_languages: MaskedLM, tmp_path: Path):
    with pytest.raises(UserError, match="language embeddings cannot be exported"):
        to_huggingface(with_languages, tmp_path / "out")
    assert not (tmp_path / "out").exists()
