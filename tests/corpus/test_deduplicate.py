"""Exact deduplication: CCNet's normal form, keys that never change, and a set that grows."""

import hashlib

import numpy as np
import polars as pl
import pytest

from xlmr_lab.corpus.deduplicate import SeenKeys, normal_form, paragraph_keys


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("  Hello, World 1999 ", "hello, world 0000"),  # ASCII punctuation stays, as in CCNet
        ("\u00ab\u00a0Oui\u00a0\u00bb \u2014 dit-il\u2026", "\u00a0oui\u00a0  dit-il"),
        ("\u4ed6\u8bf4\uff1a\u201c\u597d\u3002\u201d", "\u4ed6\u8bf4\u597d"),
        ("a\x07b\u0664", "ab0"),  # BELL, ARABIC-INDIC DIGIT FOUR
    ],
)
def test_normal_form_by_hand(text: str, form: str) -> None:
    assert pl.DataFrame({"text": [text]}).select(normal_form(pl.col("text"))).item() == form


def test_keys_are_the_first_eight_bytes_of_sha1() -> None:
    keys = paragraph_keys(pl.Series("text", ["Room 12", "room 99", "other"]))
    expected = int.from_bytes(hashlib.sha1(b"room 00").digest()[:8], "little")
    assert keys.to_list()[:2] == [expected, expected]
    assert keys.n_unique() == 2
    assert keys.dtype == pl.UInt64


def test_no_paragraphs_have_no_keys() -> None:
    assert paragraph_keys(pl.Series("text", [], dtype=pl.String)).to_list() == []
    assert SeenKeys().add(pl.Series("key", [], dtype=pl.UInt64)).tolist() == []


def test_the_first_of_equal_keys_is_new() -> None:
    seen = SeenKeys()
    assert seen.add(pl.Series([7, 3, 7], dtype=pl.UInt64)).tolist() == [True, True, False]
    assert seen.add(pl.Series([3, 5, 2**64 - 1], dtype=pl.UInt64)).tolist() == [False, True, True]
    assert len(seen) == 4


def test_a_growing_set_agrees_with_a_python_set() -> None:
    rng, seen, known = np.random.default_rng(1), SeenKeys(), set()
    for size in rng.integers(0, 400, size=60).tolist():
        keys = rng.integers(0, 5000, size=size, dtype=np.uint64)
        expected = []
        for key in keys.tolist():
            expected.append(key not in known)
            known.add(key)
        assert seen.add(pl.Series(keys)).tolist() == expected
    assert len(seen) == len(known)
