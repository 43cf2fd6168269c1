"""Document filters: each measure by hand, each rule at its threshold, repetition against a plain
re-implementation, and real text in many languages.
"""

import collections
import lzma
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from xlmr_lab.corpus import quality
from xlmr_lab.corpus import words as words_module
from xlmr_lab.corpus.normalize import normalized, paragraphs
from xlmr_lab.corpus.quality import QualityConfig
from xlmr_lab.errors import UserError

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "text"

ALL = QualityConfig(sets=("ccnet", "gopher_quality", "gopher_repetition", "c4", "fineweb"))


def measures(text: str, stop_words: tuple[str, ...] = ()) -> dict[str, float | None]:
    return quality.measure(pl.Series([text]), stop_words).row(0, named=True)


def reason(**row: float) -> str | None:
    """Return the reason for a document whose other measures are null."""
    frame = pl.DataFrame({name: [row.get(name)] for name in quality.MEASURES}, quality.MEASURES)
    return frame.select(quality.reason(ALL)).item()


def test_measures_by_hand() -> None:
    text = 'The cat sat. "Why?" #no\n- one two...\nOne (two.)\n'
    found = measures(text)
    assert found["num_characters"] == len(text)
    # the cat sat why no | one two | one two; the dash is no word
    assert found["num_words"] == 9
    assert found["mean_word_length"] == pytest.approx((3 + 3 + 3 + 3 + 2 + 3 + 3 + 3 + 3) / 9)
    assert found["hashes_per_word"] == pytest.approx(1 / 9)
    assert found["ellipses_per_word"] == pytest.approx(1 / 9)
    assert found["bullet_line_share"] == pytest.approx(1 / 3)
    assert found["ellipsis_line_share"] == pytest.approx(1 / 3)
    assert found["finished_line_share"] == pytest.approx(2 / 3)
    assert found["alphabetic_word_share"] == pytest.approx(9 / 10)
    assert found["short_line_share"] == 1.0
    assert found["lines_per_word"] == pytest.approx(3 / 9)
    # The cat sat. | "Why?" | #no | - one two... | One (two.)
    assert found["num_sentences"] == 5
    assert found["num_curly_brackets"] == found["num_lorem_ipsum"] == 0
    assert found["num_stop_words"] is None


def test_marks_and_lists_are_counted() -> None:
    found = measures("Lorem IPSUM dolor {sit}\u2026 To be, to BE!\n", quality.STOP_WORDS["en"])
    assert found["num_lorem_ipsum"] == 1
    assert found["num_curly_brackets"] == 1
    assert found["ellipses_per_word"] == pytest.approx(1 / 8)
    assert found["num_stop_words"] == 2  # to, be: words, not how often they stand


def test_repeated_lines_by_hand() -> None:
    found = measures("One two.\nThree\none TWO\nOne two.\n")
    assert found["duplicate_line_share"] == 2 / 4
    assert found["duplicate_character_share"] == pytest.approx(12 / (3 * 6 + 5))


def test_repeated_words_by_hand() -> None:
    found = measures("a bb c d e f a bb c d e f\n")
    assert found["top_2_gram_share"] == pytest.approx(2 * 3 / 14)  # "a bb" or "bb c" twice
    assert found["top_4_gram_share"] == pytest.approx(2 * 5 / 14)
    assert found["duplicate_5_gram_share"] == pytest.approx(7 / 14)
    assert found["duplicate_6_gram_share"] == pytest.approx(7 / 14)
    assert found["duplicate_7_gram_share"] == 0.0
    assert measures("to be " * 9 + "\n")["top_2_gram_share"] == 1.0


def test_equal_documents_are_no_repetition() -> None:
    text = "a b c d e f g h i j k l\n"
    frame = quality.measure(pl.Series([text, text, "", text]))
    repeated = [n for n in quality.MEASURES if n.startswith(("top", "duplicate"))]
    assert frame.select(repeated).sum().row(0) == (0.0,) * len(repeated)


def plain_repetition(text: str) -> dict[str, float]:
    """Measure repeated n-grams the slow way."""
    words = text.split()
    total = sum(map(len, words))
    shares = {}
    for n in range(2, 11):
        ngrams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
        counts = collections.Counter(ngrams)
        if n < 5:
            frequent = [(c, sum(map(len, g))) for g, c in counts.items() if c > 1]
            count, size = max(frequent, default=(0, 0))
            shares[f"top_{n}_gram_share"] = min(1.0, count * size / total)
            continue
        seen, covered = set(), set()
        for i, ngram in enumerate(ngrams):
            covered |= set(range(i, i + n)) if ngram in seen else set()
            seen.add(ngram)
        shares[f"duplicate_{n}_gram_share"] = sum(len(words[i]) for i in covered) / total
    return shares


def random_texts(number: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    vocabulary = ["a", "bc", "def", "ghij", "klmno"]
    sizes = rng.integers(1, 200, size=number)
    return [" ".join(rng.choice(vocabulary[: 2 + size % 4], size=size)) + "\n" for size in sizes]


def test_repetition_equals_a_plain_count() -> None:
    texts = random_texts(60, 1)
    frame = quality.measure(pl.Series(texts))
    for text, row in zip(texts, frame.iter_rows(named=True), strict=True):
        expected = plain_repetition(text)
        assert {name: row[name] for name in expected} == pytest.approx(expected)


def test_no_measure_depends_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = pl.Series([*random_texts(50, 2), "", "\n", "\u4f60\u597d\u3002\n" * 9, "x"])
    whole = quality.measure(texts, ("a",))
    monkeypatch.setattr(words_module, "BLOCK_CHARACTERS", 100)
    assert quality.measure(texts, ("a",)).equals(whole)
    assert quality.measure(texts.clear()).shape == (0, len(quality.MEASURES))


@pytest.mark.parametrize(
    ("text", "num_words", "num_sentences", "finished"),
    [
        ("\u732b\u5728\u7761\u89c9\u3002\u72d7\u5728\u54ea\u91cc\uff1f\n", 4, 2, 1.0),  # Han
        (
            "\u092c\u093f\u0932\u094d\u0932\u0940 \u0938\u094b\u0924\u0940 \u0939\u0948\u0964\n",
            3,
            1,
            1.0,
        ),
        ("\u0647\u0644 \u062a\u0646\u0627\u0645\u061f \u0646\u0639\u0645.\n", 3, 2, 1.0),  # Arabic
        ("\u0539\u0565\u0575 \u0561\u0576\u0578\u0582\u0577:\n", 2, 1, 1.0),  # Armenian, colon
        ("\u1230\u120b\u121d \u1290\u12cd\u1361\u1361\n", 2, 1, 1.0),  # Amharic
        (
            "\u0e41\u0e21\u0e27\u0e19\u0e2d\u0e19\u0e2d\u0e22\u0e39\u0e48\n",
            2.0,
            None,
            None,
        ),  # Thai
        ("\u1780\u17b6\u179a\u1784\u17b6\u179a\u17d4\n", 1.0, 1, 1.0),  # Khmer: letters with marks
        ("\uace0\uc591\uc774\uac00 \uc794\ub2e4.\n", 2, 1, 1.0),  # Korean
    ],
)
def test_words_and_sentences_of_many_scripts(
    text: str, num_words: float, num_sentences: float | None, finished: float | None
) -> None:
    found = measures(text)
    assert found["num_words"] == pytest.approx(num_words)
    assert found["num_sentences"] == num_sentences
    assert found["finished_line_share"] == finished
    spaced = " " in text
    assert (found["mean_word_length"] is not None) == spaced


def test_spaces_make_no_difference_to_repetition_in_scripts_without_them() -> None:
    line = "".join(map(chr, range(0x4E00, 0x4E00 + 10)))
    found = measures(line + line + "\n")
    assert found["duplicate_5_gram_share"] == pytest.approx(1 / 2)  # ten letters make five words
    assert found["duplicate_6_gram_share"] == 0.0


def test_rules_have_the_published_thresholds_and_break_beyond_them() -> None:
    assert list(quality.RULES) == list(quality.REASONS)
    by_measure = collections.defaultdict(list)
    for name, rule in quality.RULES.items():
        by_measure[rule.measure].append((name, rule))
    for name, rule in quality.RULES.items():
        step = -0.001 if "<" in rule.sign else 0.001
        beyond = reason(**{rule.measure: rule.threshold + step})
        others = {other for other, _ in by_measure[rule.measure]}
        assert beyond == name or beyond in others - {name}
        at = reason(**{rule.measure: rule.threshold})
        assert (at == name) == ("=" in rule.sign), name
    gopher = [quality.RULES[f"gopher_duplicate_{n}_grams"].threshold for n in range(5, 11)]
    assert gopher == [0.15, 0.14, 0.13, 0.12, 0.11, 0.1]
    assert [quality.RULES[f"gopher_top_{n}_gram"].threshold for n in (2, 3, 4)] == [0.2, 0.18, 0.16]


def test_null_measures_break_no_rule_and_sets_are_chosen() -> None:
    assert reason() is None
    frame = quality.measure(pl.Series(["short\n"]))
    for sets, expected in (((), None), (("ccnet",), "ccnet_short"), (("c4",), "c4_few_sentences")):
        assert frame.select(quality.reason(QualityConfig(sets=sets))).item() == expected


def test_thresholds_are_changed_by_reason() -> None:
    frame = quality.measure(pl.Series(["One two three four five six seven.\n"]))
    config = QualityConfig(sets=("gopher_quality",), thresholds=("gopher_few_words=7",))
    assert frame.select(quality.reason(config)).item() is None
    config = QualityConfig(sets=("gopher_quality",), thresholds=("gopher_few_words=8",))
    assert frame.select(quality.reason(config)).item() == "gopher_few_words"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"thresholds": ("gopher_few_words=3",)}, r"no reason 'gopher_few_words' in the sets ''"),
        ({"sets": ("ccnet",), "thresholds": ("short=3",)}, r"there are ccnet_short"),
        ({"sets": ("ccnet",), "thresholds": ("ccnet_short=many",)}, r"got 'ccnet_short=many'"),
        ({"finished_lines": True}, r"no effect without c4"),
    ],
)
def test_settings_are_checked(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        QualityConfig(**settings)


real = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the real corpora in ../shared/data"),
]


def real_documents(path: Path, num_lines: int = 40) -> pl.Series:
    """Return the normalised documents of a file, cut after `num_lines`."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        documents = [text.splitlines() for text in file.read().split("\n\n") if text.strip()]
    cut = ["\n".join(d[i : i + num_lines]) for d in documents for i in range(0, len(d), num_lines)]
    lines = pl.DataFrame({"text": cut}).with_row_index("row")
    lines = lines.with_columns(paragraphs(pl.col("text"))).explode("text")
    joined = lines.with_columns(normalized(pl.col("text"))).group_by("row", maintain_order=True)
    return joined.agg(pl.col("text").str.join("\n") + "\n")["text"]


class TestRealText:
    """News in 83 languages, and the speed on novels."""

    pytestmark = real

    def test_news_of_all_languages_passes(self, record_property: Callable[..., None]) -> None:
        rejected = {}
        for path in sorted((FOLDER / "ntrex").glob("*.xz")):
            key = path.name.partition(".")[0]
            frame = quality.measure(real_documents(path), quality.STOP_WORDS.get(key, ()))
            reasons = frame.select(quality.reason(ALL)).to_series()
            rejected[key] = 1 - reasons.null_count() / len(reasons)
        record_property("rejected", rejected)
        assert np.mean(list(rejected.values())) < 0.04
        assert {key: share for key, share in rejected.items() if share > 0.15} == {}

    def test_speed(self, record_property: Callable[..., None]) -> None:
        text = real_documents(FOLDER / "eltec" / "en.txt.xz")
        quality.measure(text[:10])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        frame = quality.measure(text, quality.STOP_WORDS["en"])
        seconds = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
        megabytes = text.str.len_bytes().sum() / 1e6
        record_property("megabytes_per_cpu_second", megabytes / seconds)
        assert megabytes / seconds > 4
        assert frame.select(quality.reason(ALL)).to_series().null_count() > 0.9 * len(text)
