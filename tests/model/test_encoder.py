"""The encoder: shapes, positions, padding, initial weights, and what it refuses."""

import dataclasses

import pytest
import torch

from xlmr_lab.errors import UserError
from xlmr_lab.model.encoder import (
    PAD_ID,
    Encoder,
    EncoderConfig,
    attention,
    select,
)
from xlmr_lab.model.initial_weights import initialize
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.vocabulary import special_tokens


def test_padding_id_is_the_vocabularys():
    assert special_tokens.PAD_ID == PAD_ID


def test_output_at_some_positions_is_the_output_at_all_positions(model: MaskedLM, ids):
    positions = torch.tensor([[0, 3, 19], [1, 2, 3], [7, 8, 9]])
    everywhere = model.encoder(ids)
    some = model.encoder(ids, positions=positions)
    torch.testing.assert_close(some, everywhere[torch.arange(3)[:, None], positions])


def test_some_positions_with_padding(model: MaskedLM, padded_ids):
    mask = padded_ids != PAD_ID
    first = torch.zeros(3, 1, dtype=torch.long)
    some = model.encoder(padded_ids, mask, first)
    torch.testing.assert_close(some[:, 0], model.encoder(padded_ids, mask)[:, 0])


def test_padding_changes_no_other_position(model: MaskedLM, padded_ids):
    alone = model.encoder(padded_ids[2:, :5])
    padded = model.encoder(padded_ids, padded_ids != PAD_ID)[2:, :5]
    torch.testing.assert_close(padded, alone)


def test_int32_ids_give_what_int64_ids_give(model: MaskedLM, ids):
    assert torch.equal(model.encoder(ids.int()), model.encoder(ids))


def test_order_of_tokens_matters(model: MaskedLM, ids):
    assert not torch.allclose(model.encoder(ids.flip(1)).flip(1), model.encoder(ids))


def test_select_takes_rows_by_hand():
    x = torch.arange(12.0).view(2, 3, 2)
    assert select(x, torch.tensor([[2], [0]])).tolist() == [[[4.0, 5.0]], [[6.0, 7.0]]]


def test_written_out_attention_equals_the_fused_one_when_little_is_dropped():
    generator = torch.Generator().manual_seed(1)
    query, key, value = torch.randn(3, 2, 4, 6, 8, dtype=torch.float64, generator=generator)
    mask = torch.ones(2, 1, 1, 6, dtype=torch.bool)
    mask[1, ..., 4:] = False
    fused = attention(query, key, value, mask, 0.0)
    torch.testing.assert_close(attention(query, key, value, mask, 1e-9), fused)


def test_initial_weights_are_a_function_of_the_generator(config: EncoderConfig):
    first, second, other = (
        Encoder(config, 50, generator=torch.Generator().manual_seed(seed)).state_dict()
        for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["layers.0.query.weight"], other["layers.0.query.weight"])


def test_initial_weights_are_normal_with_zero_biases_and_padding():
    config = EncoderConfig(num_layers=1, hidden_size=128, num_heads=2, ffn_size=512)
    encoder = Encoder(config, 1000, generator=torch.Generator().manual_seed(1))
    assert encoder.token_embedding.weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert encoder.layers[0].ffn_input.weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert not encoder.layers[0].ffn_input.bias.any()
    assert not encoder.token_embedding.weight[PAD_ID].any()
    assert not encoder.position_embedding.weight[PAD_ID].any()
    assert (encoder.embedding_norm.weight == 1).all()


def test_initialize_draws_a_head_of_its_own():
    head = torch.nn.Linear(100, 100)
    initialize(head, std=0.5, generator=torch.Generator().manual_seed(1))
    assert head.weight.std().item() == pytest.approx(0.5, rel=0.03)


def test_dropout_only_in_training(config: EncoderConfig, ids):
    encoder = Encoder(config, 50)
    assert torch.equal(encoder.eval()(ids), encoder(ids))
    assert not torch.equal(encoder.train()(ids), encoder(ids))


def test_dropout_is_decided_by_torchs_generator(config: EncoderConfig, ids):
    encoder = Encoder(config, 50).train()
    with torch.random.fork_rng():
        torch.manual_seed(7)
        first = encoder(ids)
        torch.manual_seed(7)
        assert torch.equal(encoder(ids), first)


def trained_once(model: MaskedLM, ids: torch.Tensor, *, checkpointed: bool):
    """Return the loss, its gradients, and the numbers that were kept for the backward pass."""
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    model.encoder.checkpointed = checkpointed
    positions = torch.tensor([[1, 2], [3, 4], [5, 6]])
    with torch.random.fork_rng(), torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        torch.manual_seed(7)
        loss = model.train().loss(ids, positions, ids.gather(1, positions))
        parameters = list(model.parameters())
        return loss, torch.autograd.grad(loss, parameters), sum(kept.values())


def test_checkpointed_activations_need_less_memory_and_change_no_bit(model: MaskedLM, ids):
    loss, gradients, kept = trained_once(model, ids, checkpointed=False)
    again, same, less = trained_once(model, ids, checkpointed=True)
    assert again == loss
    assert all(map(torch.equal, same, gradients))
    assert less < kept / 2


def test_a_sequence_that_is_too_long_is_refused(model: MaskedLM):
    with pytest.raises(UserError, match="21 tokens is longer than the model's max_tokens=20"):
        model.encoder(torch.full((1, 21), 5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": 30}, "hidden_size must be a multiple of num_heads, got 30 and 4"),
        ({"num_layers": 0}, "num_layers must be at least 1, got 0"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"attention_dropout": float("nan")}, "attention_dropout must be in"),
        ({"layer_norm_eps": 0.0}, "layer_norm_eps must be above 0"),
    ],
)
def test_impossible_shapes_are_refused(config: EncoderConfig, change, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(config, **change)


def test_the_lowest_layers_are_the_embeddings_and_then_the_layers_from_the_bottom(config):
    with_languages = dataclasses.replace(config, language_embeddings=True)
    encoder = Encoder(with_languages, 50, languages=("qaa", "qab"))
    outside = {id(p) for layer in encoder.layers for p in layer.parameters()}
    embeddings = {id(p) for p in encoder.parameters()} - outside

    def reached(num_layers):
        return {id(p) for module in encoder.lowest(num_layers) for p in module.parameters()}

    assert reached(0) == set()
    assert reached(1) == embeddings
    assert reached(2) == embeddings | {id(p) for p in encoder.layers[0].parameters()}
    assert reached(9) == {id(p) for p in encoder.parameters()}


def test_the_shape_is_told_as_that_of_any_encoder(config):
    encoder = Encoder(config, 50)
    shape = (encoder.hidden_size, encoder.max_tokens, encoder.init_std, encoder.vocab_size)
    assert shape == (32, 20, 0.02, 50)
