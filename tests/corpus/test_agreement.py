"""Two identifiers' word: every reason, thresholds that keep their promise, and what is no text."""

import itertools
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from xlmr_lab.corpus import agreement, identify, ngram_identifier
from xlmr_lab.corpus.agreement import MEASURES, AgreementConfig, Known
from xlmr_lab.corpus.ngram_identifier import Halves
from xlmr_lab.errors import UserError


def measured(*rows: tuple[object, ...]) -> pl.DataFrame:
    """Return measures from rows of lid label and score, lab label and score, mixed score."""
    return pl.DataFrame([(*row, False) for row in rows], schema=MEASURES, orient="row")


def test_each_reason_has_its_case() -> None:
    frame = measured(
        ("sw", 0.9, "sw", 0.8, 0.0),
        ("sw", 0.9, "so", 0.9, 0.0),
        ("sw", 0.4, "sw", 0.5, 0.0),
        ("", 0.0, "", 0.0, 0.0),
        ("sw", 0.9, "", 0.0, 0.0),
        ("sw", 0.9, "sw", 0.9, 0.95),
        ("en", 0.9, "en", 0.9, 0.0),
        (None, None, None, None, None),
    )
    config = AgreementConfig()
    reasons = frame.select(agreement.reason(config, expected=pl.lit("sw"))).to_series().to_list()
    assert reasons == [
        None, "disagreement", "low_confidence", "low_confidence", "low_confidence", "mixed",
        "wrong_language", None,
    ]  # fmt: skip
    assert set(reasons) - {None} == set(agreement.REASONS)
    any_language = frame.select(agreement.reason(config)).to_series().to_list()
    assert any_language == [*reasons[:6], None, None]
    unsaid = frame.select(agreement.reason(config, expected=pl.lit(None, dtype=pl.String)))
    assert unsaid.to_series().to_list() == any_language


def test_the_joint_score_is_the_geometric_mean() -> None:
    frame = measured(("sw", 0.9, "sw", 0.4, 0.0), ("sw", 0.9, "so", 0.9, 0.0))
    verdicts = frame.select(label=agreement.label(), score=agreement.score())
    assert verdicts["label"].to_list() == ["sw", ""]
    np.testing.assert_allclose(verdicts["score"], [0.6, 0], atol=1e-6)


def test_a_language_that_one_model_does_not_know_rests_on_the_other() -> None:
    known = Known(frozenset({"en", "sw", "yo"}), frozenset({"en", "sw", "hi_rom"}))
    frame = measured(
        ("yo", 0.7, "en", 0.9, 0.0),
        ("en", 0.3, "hi_rom", 0.8, 0.0),
        ("yo", 0.7, "hi_rom", 0.8, 0.0),
        ("sw", 0.9, "en", 0.9, 0.0),
        ("yo", 0.7, "", 0.0, 0.0),
    )
    verdicts = frame.select(
        label=agreement.label(known),
        score=agreement.score(known),
        reason=agreement.reason(AgreementConfig(), known=known),
    )
    assert verdicts["label"].to_list() == ["yo", "hi_rom", "", "", "yo"]
    np.testing.assert_allclose(verdicts["score"], [0.7, 0.8, 0, 0, 0.7], atol=1e-6)
    assert verdicts["reason"].to_list() == [None, None, "disagreement", "disagreement", None]


def test_thresholds_of_a_language_win() -> None:
    frame = measured(("sw", 0.7, "sw", 0.7, 0.0), ("en", 0.7, "en", 0.7, 0.0))
    config = AgreementConfig(min_scores=("sw:0.8",))
    for calibrated, expected in (
        (None, ["low_confidence", None]),
        ({"sw": 0.1, "en": 0.9}, ["low_confidence"] * 2),
    ):
        reasons = frame.select(agreement.reason(config, calibrated=calibrated))
        assert reasons.to_series().to_list() == expected


@pytest.mark.parametrize("item", ["sw", "sw:x", "sw:2", ":0.5", "sw:nan"])
def test_a_threshold_that_is_none_is_an_error(item: str) -> None:
    with pytest.raises(UserError, match=f"takes language:score .* got '{item}'"):
        AgreementConfig(min_scores=(item,))
    with pytest.raises(UserError, match=r"max_mixed_score must be in \[0, 1\], got 2"):
        AgreementConfig(max_mixed_score=2)


def test_calibration_finds_the_least_score_that_keeps_the_promise() -> None:
    scores = (0.95, 0.9, 0.8, 0.7, 0.6)
    gold = ("sw", "sw", "en", "sw", "en")
    frame = measured(*(("sw", s, "sw", s, 0.0) for s in scores), ("so", 0.5, "so", 0.5, 0.0))
    frame = frame.with_columns(gold=pl.Series([*gold, "sw"]))
    found = agreement.calibrate(frame, target_precision=0.75)
    assert found.schema == agreement.CALIBRATION
    rows = {row["language"]: row for row in found.iter_rows(named=True)}
    assert rows["sw"]["min_score"] == pytest.approx(0.7)
    assert (rows["sw"]["precision"], rows["sw"]["recall"]) == (0.75, 0.75)
    assert rows["sw"]["num_paragraphs"] == 4
    assert set(rows) == {"sw"}
    strict = agreement.calibrate(frame, target_precision=1.0).filter(pl.col("language") == "sw")
    assert strict["min_score"][0] == pytest.approx(0.9)
    thresholds = dict(found.select("language", "min_score").iter_rows())
    reasons = frame.select(agreement.reason(AgreementConfig(), calibrated=thresholds))
    assert reasons.to_series().is_null().to_list() == [True] * 4 + [False, True]
    with pytest.raises(UserError, match="target_precision must be in"):
        agreement.calibrate(frame, target_precision=0)


MENUS = (
    "Home | About us | Contact | Log in",
    "Start \u00bb Produkte \u00bb Schuhe",
    "English Fran\u00e7ais Deutsch Espa\u00f1ol Italiano",
    "Главная | О нас | Сайт",
    "Contact Us Terms of Service Privacy Policy",
)  # fmt: skip

TEXTS = (
    "",
    "The committee met on Monday | and decided nothing at all about the building of the bridge.",
    "Angela Merkel met Emmanuel Macron in Berlin.",
    "Er sah das Haus am See und die Berge im Winter",
    "\u00ab Oui \u00bb, dit-elle, \u00ab mais la col\u00b7laboraci\u00f3 \u00bb ?",
    "\u0e40\u0e08\u0e49\u0e32\u0e02\u0e2d\u0e07 AI Superpowers China and the New World Order",
    "A well-known - if rarely told - story of two brothers who went out into the wide world.",
    "\u8fd9\u662f\u4e00\u4e2a\u56fd\u5bb6\u3002",
)


def test_menus_are_no_text() -> None:
    frame = pl.DataFrame({"text": [*MENUS, *TEXTS]})
    found = frame.select(agreement.is_menu(pl.col("text"))).to_series().to_list()
    assert found == [True] * len(MENUS) + [False] * len(TEXTS)


class Parrot:
    """An identifier that is always of one opinion, and counts what it is asked."""

    languages = ("qaa", "qab")

    def __init__(self) -> None:
        self.asked: list[str] = []

    def predict(self, texts):
        self.asked += texts
        return ["qaa" if text else "" for text in texts], np.full(len(texts), 0.75, np.float32)

    def predict_halves(self, texts):
        labels, scores = self.predict(texts)
        return Halves(labels, scores, np.full(len(texts), 0.25, np.float32))


def test_measures_abstain_on_menus() -> None:
    texts = pl.Series("x", ["A line of text.", MENUS[0], "Another line of text."])
    parrot = Parrot()
    found = agreement.measure(texts, parrot, parrot)
    assert found.schema == MEASURES
    assert found["is_menu"].to_list() == [False, True, False]
    assert found["lid_label"].to_list() == found["lab_label"].to_list() == ["qaa", "", "qaa"]
    assert found["lab_score"].to_list() == found["lid_score"].to_list() == [0.75, 0, 0.75]
    assert found["mixed_score"].to_list() == [0.25, 0, 0.25]
    assert MENUS[0] not in parrot.asked
    assert agreement.measure(texts.clear(), parrot, parrot).schema == MEASURES
    assert Known.of(parrot, parrot).lab == {"qaa", "qab"}


def test_confusion_counts_every_pair() -> None:
    gold = pl.Series(["sw", "sw", "sw", "en", "en", "so"])
    predicted = pl.Series(["sw", "so", "so", "en", "", "so"])
    counts = agreement.confusion(gold, predicted)
    assert counts["count"].sum() == 6
    assert counts.filter(gold="sw", predicted="so")["count"].to_list() == [2]
    assert agreement.most_confused(counts).rows() == [("sw", "so", 2, 2 / 3)]


def test_precision_at_recall_takes_the_surest_first() -> None:
    gold = pl.Series(["a"] * 4)
    predicted = pl.Series(["a", "b", "a", ""])
    scores = pl.Series([0.9, 0.8, 0.7, 0.0])
    found = agreement.precision_at_recall(gold, predicted, scores, [0.25, 0.5, 0.75])
    assert found[:2] == [1.0, 2 / 3]
    assert np.isnan(found[2])


FOLDER = Path(__file__).parents[3] / "shared" / "data" / "text"
LEARNT_BYTES = 100_000


def learnt_and_asked() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return text to learn from, a line from each source but NTREX in turn, of the languages that
    have enough of it, and the sentences of NTREX.
    """
    learnt, asked = {}, {}
    sizes = pl.read_csv(FOLDER / "BYTES.tsv", separator="\t")
    sources = [name for name in sizes.columns[1:-1] if name != "ntrex"]
    for row in sizes.iter_rows(named=True):
        if sum(row[name] for name in sources) >= LEARNT_BYTES:
            texts = [lines(name, row["key"]) for name in sources if row[name]]
            in_turn = itertools.chain.from_iterable(itertools.zip_longest(*texts))
            distinct = dict.fromkeys(text[:1000] for text in in_turn if text)
            ends = itertools.accumulate(len(text.encode()) for text in distinct)
            zipped = zip(distinct, ends, strict=True)
            learnt[row["key"]] = [text for text, end in zipped if end <= LEARNT_BYTES]
            if row["ntrex"]:
                asked[row["key"]] = list(lines("ntrex", row["key"]))
    return learnt, asked


def lines(source: str, language: str) -> Iterator[str]:
    with lzma.open(FOLDER / source / f"{language}.txt.xz", "rt", encoding="utf-8") as file:
        yield from filter(None, map(str.strip, itertools.islice(file, 20_000)))


def macro_f1(gold: pl.Series, predicted: pl.Series) -> float:
    counts = agreement.confusion(gold, predicted)
    right = counts.filter(pl.col("gold") == pl.col("predicted"))
    scores = []
    for language in gold.unique():
        true = counts.filter(gold=language)["count"].sum()
        named = counts.filter(predicted=language)["count"].sum()
        scores.append(2 * right.filter(gold=language)["count"].sum() / (true + named))
    return float(np.mean(scores))


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the real corpora in ../shared/data")
def test_two_models_are_more_precise_than_either_on_news_of_sixty_languages(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    learnt, asked = learnt_and_asked()
    assert len(asked) >= 55
    identify.train(learnt, tmp_path / "lid.bin", seed=1)
    ngram_identifier.train(learnt, tmp_path / "lab.npz")
    lid = identify.Identifier.load(tmp_path / "lid.bin")
    lab = ngram_identifier.NgramIdentifier.load(tmp_path / "lab.npz")
    texts = pl.Series([text for own in asked.values() for text in own])
    gold = pl.Series([language for language, own in asked.items() for _ in own])
    for name, identifier in (("lid", lid), ("lab", lab)):
        found = macro_f1(gold, pl.Series(identifier.predict(texts.to_list())[0]))
        record_property(f"macro_f1_{name}", found)
        assert found >= 0.97
    measures = agreement.measure(texts, lid, lab).with_columns(gold=gold)
    assert measures["is_menu"].mean() < 0.01
    assert (measures["mixed_score"] > AgreementConfig().max_mixed_score).mean() < 0.01
    both = measures.select(label=agreement.label(), score=agreement.score())
    recalls = (0.8, 0.9, 0.95, 0.97)
    joint = agreement.precision_at_recall(gold, both["label"], both["score"], recalls)
    record_property("precision_joint", joint)
    for name in ("lid", "lab"):
        verdicts = measures[f"{name}_label"], measures[f"{name}_score"]
        single = agreement.precision_at_recall(gold, *verdicts, recalls)
        record_property(f"precision_{name}", single)
        assert all(a > b for a, b in zip(joint, single, strict=True)), (name, single, joint)
