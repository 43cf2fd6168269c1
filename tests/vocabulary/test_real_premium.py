"""On parallel news of eleven languages: who pays how much more than English for one vocabulary.

Run with: pytest tests/vocabulary/test_real_premium.py
"""

import lzma
from pathlib import Path

import pytest

from xlmr_lab.vocabulary import letters
from xlmr_lab.vocabulary.diagnostics import LanguageText, diagnose
from xlmr_lab.vocabulary.load import Vocabulary, load
from xlmr_lab.vocabulary.premium import premiums
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.train import train

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "text" / "ntrex"
TRAINED = ("en", "de", "sw", "ru", "uk", "ar", "hi", "ka", "th", "zh-Hans")
UNHEARD = "am"
"""In a script of which the vocabulary has no piece."""
NUM_HELD = 300

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no real text at {FOLDER.name}"),
]


@pytest.fixture(scope="module")
def lines() -> dict[str, list[str]]:
    found = {}
    for key in (*TRAINED, UNHEARD):
        with lzma.open(FOLDER / f"{key}.txt.xz", "rt", encoding="utf-8") as file:
            found[key] = file.read().split("\n")
    return found


@pytest.fixture(scope="module")
def vocabulary(lines, tmp_path_factory) -> Vocabulary:
    folder = tmp_path_factory.mktemp("vocabulary")
    texts = {key: (lambda key=key: iter(filter(None, lines[key][NUM_HELD:]))) for key in TRAINED}
    sizes = dict.fromkeys(TRAINED, 1.0)
    config = VocabularyConfig(size=8000, sample_bytes=1_500_000, coverage=0.9995)
    train(texts, sizes, folder, config=config, seed=1)
    return load(folder)


def test_premiums_over_english_come_in_a_plausible_order(lines, vocabulary):
    held = {key: own[:NUM_HELD] for key, own in lines.items()}
    paid = {row["language"]: row["premium"] for row in premiums(vocabulary, held, "en")}
    assert paid["en"] == 1
    # One letter of Chinese is a morpheme, so it takes about as many pieces as English
    assert 0.7 < paid["zh-Hans"] < 1.4
    for key in ("de", "sw", "ru", "uk", "ar", "hi", "ka", "th"):
        assert 0.85 < paid[key] < 2.2, key
    # rich inflection costs more than the analytic language with the same text to learn from
    assert paid["ru"] > 1.05
    assert paid["ka"] > 1.05
    # a script that the vocabulary does not know: words of one unknown piece each, so it seems cheap
    assert paid[UNHEARD] < 1.2


def test_what_seems_cheap_is_unknown_and_relatives_share_most(lines, vocabulary):
    texts = {
        key: LanguageText(
            rated=own[:NUM_HELD],
            unseen=True,
            used=own,
            letters=letters.count(own),
        )
        for key, own in lines.items()
    }
    found = diagnose(vocabulary, {key: _filled(text) for key, text in texts.items()})
    rows = {row["language"]: row for row in found.languages}
    assert rows[UNHEARD]["unknown_rate"] > 0.3
    assert rows[UNHEARD]["share_lost"] > 0.9
    for key in TRAINED:
        # three hundred lines of Chinese have characters that the other lines have not
        assert rows[key]["unknown_rate"] < (0.03 if key == "zh-Hans" else 0.005), key
        assert rows[key]["share_lost"] < 0.01, key
    common = {(row["language"], row["other"]): row["of_use"] for row in found.overlap}
    assert common["ru", "uk"] > 2 * common["ru", "ar"]
    assert common["en", "de"] > common["en", "ru"]
    shares = {row["script"]: row["share"] for row in found.scripts}
    assert shares["Latn"] > shares["Geor"] > 0.02


def _filled(text: LanguageText) -> LanguageText:
    """Leave the blank lines between documents out."""
    return LanguageText(
        rated=list(filter(None, text.rated)),
        unseen=text.unseen,
        used=list(filter(None, text.used)),
        letters=text.letters,
    )
