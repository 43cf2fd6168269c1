"""Language models on real text: what the buckets of web documents are made of, and how fast."""

import lzma
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from xlmr_lab.corpus import perplexity
from xlmr_lab.corpus.perplexity import PerplexityConfig, Scorer

FOLDER = Path(__file__).parents[3] / "shared" / "data"
SOURCES = {"fr": ("ud", "eltec", "ntrex"), "sv": ("ud", "ntrex", "common_voice")}
PAGES = {"fr": "FreCORE.dev", "sv": "SweCORE.train"}

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the real corpora in ../shared/data"),
]

Record = Callable[[str, object], None]


def read(path: Path) -> list[str]:
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return [line for line in file.read().split("\n") if line.strip()]


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    folder = tmp_path_factory.mktemp("models")
    for language, sources in SOURCES.items():
        paths = [FOLDER / "text" / source / f"{language}.txt.xz" for source in sources]
        texts = [line for path in paths for line in read(path)]
        perplexity.train_language(texts, folder / language, config=PerplexityConfig())
    return Scorer(folder)


def pages(language: str) -> tuple[list[set[str]], list[str]]:
    """Return the register labels and the texts of web documents."""
    rows = [line.split("\t", 1) for line in read(pages_path(language))]
    return [set(labels.split()) for labels, _ in rows], [text for _, text in rows]


def pages_path(language: str) -> Path:
    return FOLDER / "raw" / "web_documents" / f"{PAGES[language]}.tsv.xz"


def perplexities(scorer: Scorer, texts: list[str], language: str) -> np.ndarray:
    logs, tokens = scorer.score(texts, language)
    return 10 ** (-logs / tokens)


@pytest.mark.parametrize("language", PAGES)
def test_persuasion_and_forums_fall_in_the_tail_more_often_than_narration(
    scorer: Scorer, language: str, record_property: Record
) -> None:
    labels, texts = pages(language)
    found = perplexities(scorer, texts, language)
    is_tail = found >= np.quantile(found, 0.6)
    share = {
        name: is_tail[[name in own for own in labels]].mean()
        for name in ("NA", "IN", "IP", "ID", "OP", "HI")
    }
    record_property("tail_shares", {name: round(float(value), 2) for name, value in share.items()})
    assert share["NA"] + 0.05 < share["IP"]
    assert share["NA"] + 0.1 < share["ID"]


@pytest.mark.parametrize("language", PAGES)
def test_other_orders_and_languages_are_more_surprising(scorer: Scorer, language: str) -> None:
    rng = np.random.default_rng(1)
    texts = pages(language)[1][:300]
    shuffled = [" ".join(rng.permutation(text.split())) for text in texts]
    before, after = (perplexities(scorer, some, language) for some in (texts, shuffled))
    assert (after > before).mean() > 0.99
    other = {"fr": "sv", "sv": "fr"}[language]
    wrong = perplexities(scorer, pages(other)[1][:300], language)
    assert np.median(wrong) > 1.2 * np.median(before)


def test_scoring_is_fast_enough_for_the_web(scorer: Scorer, record_property: Record) -> None:
    texts = [text[i : i + 300] for text in pages("fr")[1] for i in range(0, len(text), 300)]
    megabytes = sum(len(text.encode("utf-8")) for text in texts) / 1e6
    start = time.process_time()
    scorer.score(texts, "fr")
    speed = megabytes / (time.process_time() - start)
    record_property("megabytes_per_cpu_second", round(speed, 2))
    assert speed > 2
