"""Unicode normalisation: hand-worked cases with the characters' names, and doing it twice."""

import numpy as np
import pytest

from xlmr_lab.corpus.normalize import normalize


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cafe\u0301", "caf\u00e9"),  # COMBINING ACUTE ACCENT
        ("a\tb\u00a0c\u3000d  e", "a b c d e"),  # NO-BREAK SPACE, IDEOGRAPHIC SPACE
        (" a \r\n b\rc\u2028d\u2029e\x0bf\x0cg", "a\nb\nc\nd\ne\nf\ng"),
        ("a\x00b\x1bc\x85d\x9fe", "abcde"),  # control characters
        ("hy\u00adphen \ufeffmark\u200b", "hyphen mark"),  # SOFT HYPHEN, BOM, ZERO WIDTH SPACE
        ("\u0645\u06cc\u200c\u0631", "\u0645\u06cc\u200c\u0631"),  # ZERO WIDTH NON-JOINER
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),  # ZERO WIDTH JOINER
        ("\u06dd\u0661", "\u06dd\u0661"),  # ARABIC END OF AYAH is seen
        ("e\u200b\u0301", "\u00e9"),  # what stood between letter and accent is gone first
        ("x\u00b2 \ufb01", "x\u00b2 \ufb01"),  # SUPERSCRIPT TWO and LIGATURE FI stay: not NFKC
        ("a\n\nb\n", "a\n\nb"),
        ("", ""),
    ],
)
def test_normal_forms(text: str, expected: str) -> None:
    assert normalize(text) == expected


def test_normalising_twice_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    codes = np.concatenate([np.arange(0, 0xD800), np.arange(0xE000, 0x30000, 7)])
    for _ in range(200):
        once = normalize("".join(map(chr, rng.choice(codes, size=60))))
        assert normalize(once) == once


def test_escaped_tags_go_and_comparisons_stay() -> None:
    text = 'see &lt;a href="x.html"&gt;this&lt;/a&gt;, x &lt; y and y &gt; z&lt;br/&gt;'
    assert normalize(text) == "see this, x &lt; y and y &gt; z"
