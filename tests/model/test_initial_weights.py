"""Initial weights that look at neighbours: where heads look, and that little else changes."""

import dataclasses

import pytest
import torch

from xlmr_lab import configs
from xlmr_lab.ablations import studies
from xlmr_lab.errors import UserError
from xlmr_lab.model.encoder import FIRST_POSITION, Encoder, EncoderConfig
from xlmr_lab.model.initial_weights import distances, rotation, waves

CONFIG = EncoderConfig(
    num_layers=2,
    hidden_size=128,
    num_heads=4,
    ffn_size=256,
    max_tokens=64,
    init_std=0.08,
    attention_start="neighbours",
)


def made(config: EncoderConfig = CONFIG, seed: int = 0) -> Encoder:
    return Encoder(config, 500, generator=torch.Generator().manual_seed(seed)).eval()


def attention_weights(encoder: Encoder, ids: torch.Tensor) -> torch.Tensor:
    """Return the first layer's attention [B, H, T, T]."""
    heads, layer = encoder.config.num_heads, encoder.layers[0]
    x = encoder._embed(ids, encoder.token_embedding(ids), None, padded=False)
    query = layer.query(x).unflatten(-1, (heads, -1)).transpose(1, 2)
    key = layer.key_value(x)[..., : x.shape[-1]].unflatten(-1, (heads, -1)).transpose(1, 2)
    return (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(-1)


def test_heads_alternate_between_left_and_right():
    assert distances(5) == [-1, 1, -2, 2, -3]


def test_a_wave_is_sine_and_cosine_of_its_position():
    angle = torch.tensor(torch.pi / 4)
    by_hand = torch.stack([angle.sin(), (3 * angle).sin(), angle.cos(), (3 * angle).cos()])
    torch.testing.assert_close(waves(2, 4)[1], by_hand * 2**0.5)


@pytest.mark.parametrize("distance", [-3, -1, 0, 1, 2])
def test_a_rotation_moves_every_wave_alike(distance):
    all_waves = waves(10, 16)
    moved = all_waves[3:7] @ rotation(distance, 16).T
    torch.testing.assert_close(moved, all_waves[3 + distance : 7 + distance], atol=1e-5, rtol=0)


def test_waves_of_two_positions_hardly_agree():
    found = waves(64, 128)
    agreement = found @ found.T / 128
    torch.testing.assert_close(agreement.diagonal(), torch.ones(64))
    assert (agreement - torch.eye(64)).abs().max() < 0.05


def test_each_head_looks_at_its_distance_first():
    ids = torch.randint(4, 500, (8, 64), generator=torch.Generator().manual_seed(1))
    found = attention_weights(made(), ids).mean(0)  # H T T
    for head, distance in enumerate(distances(4)):
        there = torch.stack([found[head, t, t + distance] for t in range(3, 61)])
        assert there.mean() > 0.5, f"head {head} gives {there.mean():.2f} to distance {distance}"


def test_random_weights_look_everywhere():
    ids = torch.randint(4, 500, (8, 64), generator=torch.Generator().manual_seed(1))
    config = dataclasses.replace(CONFIG, attention_start="random")
    found = attention_weights(made(config), ids).mean(0)
    assert found.max() < 0.2


def test_only_positions_queries_and_keys_start_otherwise():
    other = made(dataclasses.replace(CONFIG, attention_start="random"))
    mine = dict(made().named_parameters())
    width = CONFIG.hidden_size
    for name, weight in other.named_parameters():
        if name == "position_embedding.weight" or name.endswith("query.weight"):
            assert not torch.equal(weight, mine[name])
        elif name.endswith("key_value.weight"):
            assert not torch.equal(weight[:width], mine[name][:width])
            assert torch.equal(weight[width:], mine[name][width:])
        else:
            assert torch.equal(weight, mine[name])


def test_positions_outweigh_tokens_and_padding_has_none():
    encoder = made()
    places = encoder.position_embedding.weight
    assert not places[FIRST_POSITION - 1].any()
    share = places[FIRST_POSITION:].pow(2).mean() / CONFIG.init_std**2
    assert share.item() == pytest.approx(4, rel=1e-4)


def test_an_unknown_start_is_refused():
    with pytest.raises(UserError, match=r"model.attention_start.*random.*neighbours.*'near'"):
        configs.override(studies.tiny(), ["model.attention_start=near"])
