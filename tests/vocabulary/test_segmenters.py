"""Words of Chinese, Japanese and Thai: nothing is lost, and traditional characters are looked up.

Run with: pytest tests/vocabulary/test_segmenters.py
"""

import os

import numpy as np
import pytest

from xlmr_lab.vocabulary import segmenters

TEXT = {
    "zh": "我們沒有放棄,我们在图书馆读书。",
    "ja": "東京都に住んでいる学生は、図書館で本を読む。",
    "th": "ภาษาไทยเป็นภาษาที่มีระดับเสียงของคำ",
}


@pytest.mark.parametrize("code", ["ja", "th", "zh"])
def test_words_put_together_are_the_text(code):
    split = segmenters.SEGMENTERS[code]()
    rng = np.random.default_rng(5)
    letters = [*TEXT[code], *"aZ1.é%\U0001f600"]
    texts = [TEXT[code]] + ["".join(rng.choice(letters, 40)) for _ in range(100)]
    for text in texts:
        assert split(text).replace(" ", "") == text
    assert len(split(TEXT[code]).split()) < len(TEXT[code])


def test_traditional_characters_are_looked_up_in_simplified_form():
    split = segmenters.chinese()
    assert split("沒有放棄") == "沒有 放棄"
    assert split("没有放弃") == "没有 放弃"


def test_japanese_is_cut_into_short_units():
    assert segmenters.japanese()("食べさせられた") == "食べ させ られ た"


def test_loading_thai_leaves_the_environment_as_it_was(monkeypatch):
    for given in ({}, {segmenters.READ_ONLY: "0"}, {segmenters.OLD_READ_ONLY: "1"}):
        for name in (segmenters.READ_ONLY, segmenters.OLD_READ_ONLY):
            monkeypatch.delenv(name, raising=False)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        before = dict(os.environ)
        segmenters.thai.__wrapped__()
        assert dict(os.environ) == before
