"""Surgery on real text: trimmed to two languages of five, extended by two that were lacking.

Run with: pytest tests/vocabulary/test_real_surgery.py
"""

import lzma
from pathlib import Path

import pytest

from xlmr_lab.vocabulary.diagnostics import fertility
from xlmr_lab.vocabulary.extension import extend
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.surgery import changed_lines, trim
from xlmr_lab.vocabulary.tokenizer import MODEL_NAME, Tokenizer
from xlmr_lab.vocabulary.train import train

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "text" / "ntrex"
OLD, NEW = ("en", "fr", "sw", "ur", "zh-Hans"), ("cy", "ka")
NUM_UNSEEN = 200

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no real text at {FOLDER.name}"),
]


@pytest.fixture(scope="module")
def lines() -> dict[str, list[str]]:
    found = {}
    for key in (*OLD, *NEW):
        with lzma.open(FOLDER / f"{key}.txt.xz", "rt", encoding="utf-8") as file:
            found[key] = [line for line in file.read().split("\n") if line]
    return found


@pytest.fixture(scope="module")
def seen(lines) -> dict[str, list[str]]:
    return {key: kept[NUM_UNSEEN:] for key, kept in lines.items()}


@pytest.fixture(scope="module")
def unseen(lines) -> dict[str, list[str]]:
    return {key: kept[:NUM_UNSEEN] for key, kept in lines.items()}


@pytest.fixture(scope="module")
def model(seen, tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("vocabulary")
    texts = {key: (lambda kept=seen[key]: iter(kept)) for key in OLD}
    config = VocabularyConfig(size=8000, sample_bytes=1_000_000)
    train(texts, {key: float(len(seen[key])) for key in OLD}, folder, config=config, seed=1)
    return (folder / MODEL_NAME).read_bytes()


def test_trimming_keeps_the_kept_languages_and_little_else(model, seen, unseen):
    kept = ("en", "ur")
    old = Tokenizer(model)
    change = trim(old, model, {key: seen[key] for key in kept})
    new = Tokenizer(change.content)
    assert change.record["share_kept"] < 0.65
    for row in changed_lines(old, new, change.old_ids, {key: seen[key] for key in kept}):
        assert row["num_changed"] == 0, row
    for row in changed_lines(old, new, change.old_ids, {key: unseen[key] for key in kept}):
        assert row["share_changed"] < 0.25, row
    (chinese,) = fertility(new, {"zh-Hans": unseen["zh-Hans"]})
    assert chinese["unknown_rate"] > 0.2


@pytest.mark.parametrize("language", NEW)
def test_an_extension_serves_the_language_and_leaves_the_others(model, seen, unseen, language):
    old = Tokenizer(model)
    guard = {key: seen[key] for key in OLD}
    change = extend(
        model, seen[language], guard, language=language, num_pieces=500, coverage=0.9999
    ).change
    new = Tokenizer(change.content)
    before, after = (fertility(v, {language: unseen[language]})[0] for v in (old, new))
    assert after["unknown_rate"] < 0.001
    if language == "cy":  # Georgian was one <unk> for each word
        assert after["fertility"] < 0.85 * before["fertility"]
    assert sum(r["num_changed"] for r in changed_lines(old, new, change.old_ids, guard)) == 0
    others = {key: unseen[key] for key in OLD}
    for row in changed_lines(old, new, change.old_ids, others):
        assert row["share_changed"] < 0.03, row
