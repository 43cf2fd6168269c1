"""Presets have the paper's numbers of weights."""

import pytest
import torch

from xlmr_lab.model import presets
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.paper import tables


@pytest.mark.parametrize(
    ("preset", "row"), [(presets.base, "XLM-R-Base"), (presets.large, "XLM-R")]
)
def test_shapes_are_those_of_table_7(preset, row):
    printed = next(r for r in tables.read("model_configs") if r["model"] == row)
    config = preset()
    assert config.num_layers == int(printed["L"])
    assert config.hidden_size == int(printed["H_m"])
    assert config.ffn_size == int(printed["H_ff"])
    assert config.num_heads == int(printed["A"])


def test_base_has_the_weights_of_the_released_model():
    with torch.device("meta"):
        model = MaskedLM(presets.base(), 250_002)
    assert round(sum(p.numel() for p in model.parameters()) / 1e6) == 278


def test_small_presets_keep_the_architecture_and_its_dropout():
    for preset in (presets.tiny(), presets.small()):
        assert preset.dropout == presets.base().dropout
        assert preset.ffn_size == 4 * preset.hidden_size
