"""Settings of a vocabulary out of their range are refused by name.

Run with: pytest tests/vocabulary/test_settings.py
"""

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.settings import LEAST_SIZE, VocabularyConfig


@pytest.mark.parametrize(
    "setting",
    [
        {"alpha": 1.3},
        {"size": LEAST_SIZE - 1},
        {"sample_bytes": 0},
        {"sample_sentences": 0},
        {"memory_bytes": 0},
        {"coverage": 0.9},
        {"coverage": 1.1},
    ],
)
def test_settings_out_of_range_are_refused_by_name(setting):
    with pytest.raises(UserError, match=next(iter(setting))):
        VocabularyConfig(**setting)


def test_a_setting_without_effect_is_refused():
    with pytest.raises(UserError, match="byte_fallback is for unigram and bpe"):
        VocabularyConfig(model="wordpiece", byte_fallback=True)
    assert VocabularyConfig(model="bpe", byte_fallback=True).byte_fallback


def test_the_default_is_the_paper():
    config = VocabularyConfig()
    assert (config.model, config.size, config.preprocessing) == ("unigram", 250_002, "none")
