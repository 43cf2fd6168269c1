"""How encoders see text: `pytest tests/evaluate/test_text.py`."""

import numpy as np
import pytest

from xlmr_lab.evaluate.text import XLMR, Layout, of_vocabulary

BERT = Layout(
    begin=(101,),
    between=(102,),
    end=(102,),
    pad_id=0,
    unk_id=100,
    label_at="first",
    segments=(0, 1, 0),
)
XLNET = Layout(
    begin=(),
    between=(4,),
    end=(4, 3),
    pad_id=5,
    unk_id=0,
    label_at="last",
    segments=(0, 1, 2),
)


def shown(row):
    return row.ids.tolist(), row.segments.tolist(), row.start_first, row.start_second, row.label_at


def test_two_texts_are_laid_out_as_each_architecture_has_them():
    first, second = [7, 8], [9]
    assert shown(XLMR.pair(first, second)) == ([0, 7, 8, 2, 2, 9, 2], [0] * 7, 1, 5, 0)
    assert shown(BERT.pair(first, second)) == (
        [101, 7, 8, 102, 9, 102],
        [0, 0, 0, 0, 1, 1],
        1,
        4,
        0,
    )
    assert shown(XLNET.pair(first, second)) == ([7, 8, 4, 9, 4, 3], [0, 0, 0, 1, 1, 2], 0, 3, 5)


def test_one_text_is_all_of_the_first_segment_but_for_a_last_classifier_token():
    assert shown(XLMR.single([7])) == ([0, 7, 2], [0, 0, 0], 1, 3, 0)
    assert shown(BERT.single([7])) == ([101, 7, 102], [0, 0, 0], 1, 3, 0)
    assert shown(XLNET.single([7])) == ([7, 4, 3], [0, 0, 2], 0, 3, 2)


@pytest.mark.parametrize("layout", [XLMR, BERT, XLNET])
def test_a_row_has_the_specials_that_are_counted_even_around_empty_texts(layout):
    for first, second in (([], []), ([7], []), ([], [7, 8]), ([7, 8, 9], [10])):
        row = layout.pair(first, second)
        assert len(row.ids) == len(first) + len(second) + layout.num_specials_pair
        assert row.ids[row.start_first :][: len(first)].tolist() == first
        assert row.ids[row.start_second :][: len(second)].tolist() == second
        assert len(layout.single(first).ids) == len(first) + layout.num_specials_single
        assert row.ids.dtype == row.segments.dtype == np.int32


def test_segments_are_told_apart_where_there_are_any():
    assert [layout.has_segments for layout in (XLMR, BERT, XLNET)] == [False, True, True]


def test_a_vocabulary_as_text_encoder_says_what_the_vocabulary_says(tokenizer):
    tokenizer.fingerprint = "toy"
    text = of_vocabulary(tokenizer)
    assert (text.size, text.fingerprint, text.layout) == (500, "toy", XLMR)
    words = text.encode_words(["abcd", "ef"], "qaa")
    assert [ids.tolist() for ids in words] == [
        ids.tolist() for ids in tokenizer.encode(["abcd", "ef"])
    ]
    assert tokenizer.languages == ["qaa", None]
