"""Scales: every one of them is whole."""

import pytest

from xlmr_lab.ablations import scales, variants
from xlmr_lab.errors import UserError


@pytest.mark.parametrize("name", scales.SCALES)
def test_every_scale_is_whole(name):
    scale = scales.scale(name)
    own = variants.languages_of(scale.base)
    assert scale.counts[0] == len(own) == (16 if name == "real" else 7)
    high, low = variants.tiers_of(scale.base)
    assert {*high, *low} <= set(own)
    assert scale.widths[0] == scale.base.model.hidden_size
    assert not scale.base.ablation.alphas
    small = name != "paper"  # as published, but for models that would stay on the plateau
    assert scale.base.model.attention_start == ("neighbours" if small else "random")
    assert list(scale.vocabularies) == sorted(scale.vocabularies)


def test_an_unknown_scale_is_refused_with_those_there_are():
    with pytest.raises(UserError, match=r"unknown scale 'huge'; there are tiny, laptop"):
        scales.scale("huge")
