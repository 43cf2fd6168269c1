"""Parameters counted are those that a model has, and widths solved for spend the budget.

Run with: pytest tests/model/test_parameters.py
"""

import dataclasses
import itertools

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.model import encoder, parameters, presets
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.model.parameters import PAPER_SHAPE, Shape, count, trade_off, width
from xlmr_lab.paper import tables


def sizes(config: EncoderConfig) -> dict[str, int]:
    names = ("num_layers", "hidden_size", "ffn_size", "max_tokens", "adaptive_cutoffs")
    return {name: getattr(config, name) for name in names}


def test_a_count_by_hand() -> None:
    """V=10, L=1, H=2, Hff=4, 3 tokens: embeddings 20, positions (3+2)*2, each norm 4."""
    found = count(10, num_layers=1, hidden_size=2, ffn_size=4, max_tokens=3)
    attention, feed_forward = 4 * (4 + 2), (8 + 4) + (8 + 2)
    assert (found.embedding, found.output_bias) == (20, 10)
    assert (found.positions, found.head) == (10 + 4, (4 + 2) + 4)
    assert found.layers == attention + feed_forward + 2 * 4
    assert found.total == 20 + 10 + 14 + 10 + 54
    assert found.vocabulary_share == 30 / 108


@pytest.mark.parametrize(
    ("config", "vocab_size"),
    [
        (presets.preset("tiny").encoder, 1800),
        (presets.preset("small").encoder, 777),
        (
            EncoderConfig(num_layers=3, hidden_size=12, num_heads=3, ffn_size=30, max_tokens=9),
            50,
        ),
        (dataclasses.replace(presets.preset("tiny").encoder, adaptive_cutoffs=(300,)), 1800),
        (dataclasses.replace(presets.preset("small").encoder, adaptive_cutoffs=(50, 400)), 777),
        (
            EncoderConfig(
                num_layers=1,
                hidden_size=66,  # whose bands are not as wide as it, divided
                num_heads=3,
                ffn_size=99,
                adaptive_cutoffs=(5, 9, 40),
            ),
            50,
        ),
    ],
)
def test_the_count_is_that_of_a_real_model(config: EncoderConfig, vocab_size: int) -> None:
    model = MaskedLM(config, vocab_size)
    real = sum(weight.numel() for weight in model.parameters())
    found = count(vocab_size, **sizes(config))
    assert found.total == real
    assert found.embedding == model.encoder.token_embedding.weight.numel()
    assert found.head + found.output_bias + found.output_rows == sum(
        w.numel() for w in model.head.parameters()
    )
    shape = Shape(
        num_layers=config.num_layers,
        ffn_factor=config.ffn_size / config.hidden_size,
        head_width=config.hidden_size // config.num_heads,
        max_tokens=config.max_tokens,
        adaptive_cutoffs=config.adaptive_cutoffs,
    )
    assert shape.parameters(vocab_size, config.hidden_size) == real
    assert shape.of_vocabulary(vocab_size, config.hidden_size) == found.vocabulary


def test_the_first_position_is_the_encoders() -> None:
    assert parameters.FIRST_POSITION == encoder.FIRST_POSITION


def test_base_has_the_published_number_of_parameters() -> None:
    """Hugging Face counts 278,295,186 with its row of token types, which we fold into positions."""
    assert count(250_002, **sizes(presets.preset("base").encoder)).total == 278_295_186 - 768


def test_the_papers_formula_gives_the_sizes_of_table_7() -> None:
    rows = [row for row in tables.read("model_configs") if "XLM" in str(row["model"])]
    assert len(rows) >= 4
    for row in rows:
        shape = Shape(num_layers=int(row["L"]), counting="paper")
        found = shape.parameters(1000 * int(row["V"].removesuffix("k")), int(row["H_m"]))
        assert f"{found / 1e6:.0f}M" == row["params_by_formula_4LH2+2LHHff+VH"], row["model"]


def test_widths_and_totals_are_those_derived_from_the_paper() -> None:
    rows = tables.read("derived_fixed_capacity_widths")
    vocabularies, exact, rounded, at_rounded, increasing = (
        [row[name] for row in rows] for name in rows[0]
    )
    points = trade_off(
        [int(size) for size in vocabularies],
        parameters.paper_budget(),
        body_width=parameters.PAPER_WIDTH,
        shape=PAPER_SHAPE,
    )
    fixed, other = points[:5], points[5:]
    assert [round(point.real_width) for point in fixed] == exact
    assert [point.hidden_size for point in fixed] == rounded
    assert [round(point.num_parameters / 1e6, 1) for point in fixed] == at_rounded
    assert [round(point.num_parameters / 1e6, 1) for point in other] == increasing
    assert {point.hidden_size for point in other} == {768}


@pytest.mark.parametrize("cutoffs", [(), (500, 100_000)])
@pytest.mark.parametrize("counting", ["exact", "paper"])
@pytest.mark.parametrize("layers", [1, 6, 24])
def test_the_width_found_spends_the_budget(
    counting: parameters.Counting, layers: int, cutoffs: tuple[int, ...]
) -> None:
    shape = Shape(num_layers=layers, counting=counting, max_tokens=128, adaptive_cutoffs=cutoffs)
    for vocab_size, total in itertools.product((1000, 32_000, 250_002), (60e6, 550e6)):
        found = width(vocab_size, total, shape)
        square, linear, rest = shape.polynomial(vocab_size)
        assert square * found**2 + linear * found + rest == pytest.approx(total, rel=1e-12)
        whole = 256  # a width that all bands divide
        by_formula = square * whole**2 + linear * whole + rest
        assert shape.parameters(vocab_size, whole) == by_formula


def test_a_point_says_what_gives_a_study_its_width() -> None:
    (point,) = trade_off(
        [2000], 400_000, body_width=64, shape=Shape(num_layers=2, head_width=32, max_tokens=128)
    )[:1]
    assert point.hidden_size == 96
    assert point.settings == "model.hidden_size=96 model.num_heads=3 model.ffn_size=384"


def test_a_vocabulary_that_leaves_no_room_names_the_largest_that_does() -> None:
    shape = Shape(num_layers=12)
    with pytest.raises(UserError, match=r"4,000,000 ids leaves no room .* 3,067,121 ids at most"):
        width(4_000_000, 200e6, shape)
    assert parameters.largest_vocabulary(200e6, shape) == 3_067_121
    assert width(3_067_121, 200e6, shape) >= 64
    with pytest.raises(UserError, match="no room"):
        width(3_067_122, 200e6, shape)
    with pytest.raises(UserError, match="raise the total"):
        width(1000, 500_000, shape)


@pytest.mark.parametrize("total", [40e6, 41e6, 60e6, 400e6])
def test_the_largest_vocabulary_is_found_across_cutoffs(total: float) -> None:
    shape = Shape(num_layers=6, adaptive_cutoffs=(600_000, 605_000))
    most = parameters.largest_vocabulary(total, shape)
    assert width(most, total, shape) >= shape.head_width
    with pytest.raises(UserError, match=f"take {most:,} ids at most"):
        width(most + 1, total, shape)


def test_impossible_sizes_are_named() -> None:
    with pytest.raises(UserError, match="vocab_size must be at least 1, got 0"):
        width(0, 1e6, PAPER_SHAPE)
    with pytest.raises(UserError, match="num_layers must be at least 1, got 0"):
        Shape(num_layers=0)
    with pytest.raises(UserError, match="counting must be exact or paper, got 'all'"):
        Shape(num_layers=1, counting="all")
