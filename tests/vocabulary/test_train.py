"""Vocabulary training: reproducible bytes, shares under a budget, coverage per language, errors.

Run with: pytest tests/vocabulary/test_train.py
"""

import io
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import sentencepiece

from xlmr_lab import storage
from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary import train as training
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.special_tokens import UNK_ID
from xlmr_lab.vocabulary.tokenizer import Tokenizer
from xlmr_lab.vocabulary.train import alphabet, paragraphs, sample, train

CONFIG = VocabularyConfig(size=400, sample_bytes=120_000)


@pytest.fixture(scope="module")
def folder(texts, sizes, tmp_path_factory):
    made = tmp_path_factory.mktemp("vocabulary")
    train(texts, sizes, made, config=CONFIG, seed=1)
    return made


def test_size_counts_all_ids(folder):
    tokenizer = Tokenizer.load(folder)
    assert tokenizer.size == CONFIG.size
    model = sentencepiece.SentencePieceProcessor(model_file=str(folder / "sentencepiece.model"))
    assert model.vocab_size() == CONFIG.size - 2


def test_the_same_seed_gives_the_same_bytes_anywhere(folder, texts, sizes, tmp_path):
    train(texts, sizes, tmp_path, config=CONFIG, seed=1)
    for name in ("sentencepiece.model", "vocabulary.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_another_process_gives_the_same_bytes(tmp_path):
    code = (
        "import hashlib, pathlib, sys\n"
        "from xlmr_lab.vocabulary.settings import VocabularyConfig\n"
        "from xlmr_lab.vocabulary.train import train\n"
        "words = [f'{a}{b}{c}' for a in 'bdfk' for b in 'aeiou' for c in 'lmnr']\n"
        "lines = [' '.join(words[i * 7 % 80 : i * 7 % 80 + 9]) for i in range(200)]\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "folder.mkdir()\n"
        "config = VocabularyConfig(size=40, sample_bytes=5000)\n"
        "train({'qaa': lambda: iter(lines)}, {'qaa': 1}, folder, config=config, seed=3)\n"
        "print(hashlib.sha256((folder / 'sentencepiece.model').read_bytes()).hexdigest())\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / hash_seed)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(found) == 1


def test_another_seed_samples_other_paragraphs(folder, texts, sizes, tmp_path):
    train(texts, sizes, tmp_path, config=CONFIG, seed=2)
    name = "sentencepiece.model"
    assert (tmp_path / name).read_bytes() != (folder / name).read_bytes()


def test_the_record_says_how_the_sample_was_drawn(folder):
    record = storage.read_json(folder / "vocabulary.json")
    assert record["fingerprint"] == Tokenizer.load(folder).fingerprint
    assert record["seed"] == 1
    assert record["config"]["alpha"] == 0.3
    assert record["sentencepiece_options"]["num_threads"] == 1
    for language in record["languages"].values():
        wanted = language["probability"] * CONFIG.sample_bytes
        assert language["sample_bytes"] == pytest.approx(wanted, rel=0.1)
        assert language["passes"] == language["sample_bytes"] / language["text_bytes"]
    assert record["languages"]["qab"]["passes"] > 1  # the small language is repeated


def test_letters_of_a_rare_script_have_pieces_where_a_global_coverage_drops_them(
    documents, tmp_path
):
    # With alpha 1 and a budget of the whole text, the sample is each paragraph once.
    lines = {
        "qaa": [line for text in documents["qaa"] for line in paragraphs(text)],
        "qab": [next(paragraphs(documents["qab"][0]))[:12]],
    }
    sizes = {key: float(sum(len(line.encode()) for line in kept)) for key, kept in lines.items()}
    config = VocabularyConfig(size=400, alpha=1.0, sample_bytes=int(sum(sizes.values())))
    texts = {key: (lambda kept=kept: iter(kept)) for key, kept in lines.items()}
    train(texts, sizes, tmp_path, config=config, seed=1)
    theirs = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines["qaa"] + lines["qab"]),
        model_writer=theirs,
        vocab_size=400,
        minloglevel=2,
    )
    global_coverage = sentencepiece.SentencePieceProcessor(model_proto=theirs.getvalue())
    assert global_coverage.unk_id() in global_coverage.encode(lines["qab"][0])
    assert UNK_ID not in Tokenizer.load(tmp_path).encode(lines["qab"])[0]
    record = storage.read_json(tmp_path / "vocabulary.json")
    assert record["languages"]["qab"]["num_characters_lost"] == 0


def test_alphabet_keeps_the_frequent_characters_first():
    # 6 a, 3 b, 1 c, 1 d: nine of eleven are covered by a and b.
    lines = ["aaab bb", "aaac d"]
    assert alphabet(lines, 9 / 11)[0] == {"a", "b"}
    assert alphabet(lines, 0.85)[0] == {"a", "b", "c"}
    assert alphabet(lines[::-1], 0.85)[0] == {"a", "b", "c"}
    assert alphabet(lines, 1.0)[1] == Counter("aaaaaabbbcd")


def test_alphabet_counts_characters_as_the_vocabulary_will_see_them():
    composed = "\u00e9"  # LATIN SMALL LETTER E WITH ACUTE
    assert alphabet(["e\u0301"], 1.0)[0] == {composed}
    assert alphabet(["\ufb01"], 1.0)[0] == {"f", "i"}  # LATIN SMALL LIGATURE FI


def test_characters_that_sentencepiece_reserves_are_never_required():
    assert alphabet(["a \u2581 \u2585 \t"], 1.0)[0] == {"a"}


def test_the_record_counts_characters_lost_to_coverage(documents, texts, sizes, tmp_path):
    common, rare = "\u10d0", "\u10ff"
    with_rare = [*documents["qab"], rare]
    texts = {**texts, "qab": lambda: iter(with_rare)}
    config = VocabularyConfig(size=400, sample_bytes=120_000, coverage=0.98)
    train(texts, sizes, tmp_path, config=config, seed=1)
    record = storage.read_json(tmp_path / "vocabulary.json")["languages"]["qab"]
    assert record["num_characters_lost"] >= 1
    assert 0 < record["share_lost"] <= 0.02
    tokenizer = Tokenizer.load(tmp_path)
    assert UNK_ID in tokenizer.encode([rare])[0]
    assert UNK_ID not in tokenizer.encode([common])[0]


def test_sample_repeats_by_whole_passes_and_chance():
    lines = [f"line {i}" for i in range(10_000)]
    drawn = Counter(sample(iter(lines), rate=2.25, rng=np.random.default_rng(0)))
    assert set(drawn.values()) == {2, 3}
    assert drawn.total() / len(lines) == pytest.approx(2.25, abs=0.02)
    kept = list(sample(iter(lines), rate=0.1, rng=np.random.default_rng(0)))
    assert len(kept) / len(lines) == pytest.approx(0.1, abs=0.01)
    assert int(kept[0].split()[1]) < 100
    assert int(kept[-1].split()[1]) > 9_900  # spread over the text, not its head


def test_paragraphs_lose_nothing_and_stay_short():
    text = "one\n\n  \n" + " ".join(["word"] * 700) + "\n" + "x" * 2500 + "\n"
    found = list(paragraphs(text))
    assert max(map(len, found)) <= training.LINE_CHARACTERS
    assert "".join(found) == "one" + " ".join(["word"] * 700) + "x" * 2500
    assert not any(line.startswith("ord") for line in found)


def test_a_size_the_text_does_not_support_names_the_largest(texts, sizes, tmp_path):
    config = VocabularyConfig(size=100_000, sample_bytes=50_000)
    with pytest.raises(UserError, match=r"100000 is more than this text supports; set it to") as e:
        train(texts, sizes, tmp_path, config=config, seed=1)
    assert not list(tmp_path.iterdir())
    largest = int(str(e.value).split("set it to ")[1].split()[0])
    assert largest < config.size
    at_the_edge = VocabularyConfig(size=largest, sample_bytes=50_000)
    train(texts, sizes, tmp_path, config=at_the_edge, seed=1)
    assert Tokenizer.load(tmp_path).size == largest


def test_a_size_below_the_number_of_characters_names_the_least(texts, sizes, tmp_path):
    config = VocabularyConfig(size=20, sample_bytes=50_000)
    with pytest.raises(UserError, match=r"20 is too small .* more than (\d+), or lower coverage"):
        train(texts, sizes, tmp_path, config=config, seed=1)


def test_a_language_without_text_is_named(texts, sizes, tmp_path):
    empty = {**texts, "qac": lambda: iter(["\n", "  "])}
    with pytest.raises(UserError, match="no text for qac"):
        train(empty, {**sizes, "qac": 1.0}, tmp_path, config=CONFIG, seed=1)


def test_a_budget_that_leaves_a_language_out_is_refused(texts, sizes, tmp_path):
    config = VocabularyConfig(size=400, sample_bytes=1)
    with pytest.raises(UserError, match="sample_bytes=1 leaves nothing of qaa"):
        train(texts, sizes, tmp_path, config=config, seed=1)


@pytest.mark.parametrize(
    "setting", [{"alpha": 1.3}, {"size": 4}, {"sample_bytes": 0}, {"coverage": 0.9}]
)
def test_settings_out_of_range_are_refused_by_name(setting):
    with pytest.raises(UserError, match=next(iter(setting))):
        VocabularyConfig(**setting)


def test_a_language_that_is_repeated_often_is_warned_of(tmp_path, caplog):
    """Of 200 bytes in each, 15 times as much is sampled, and not at all warned of at 5 times."""
    texts = {key: lambda: iter(["ka lo mi nu te " * 13 + "so ra"]) for key in ("qaa", "qab")}
    sizes = {"qaa": 1.0, "qab": 1.0}
    for sample_bytes, warned in ((2000, []), (6000, ["qaa: its text stands 15", "qab: its text"])):
        caplog.clear()
        config = VocabularyConfig(size=19, sample_bytes=sample_bytes)
        train(texts, sizes, tmp_path, config=config, seed=1)
        told = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
        assert len(told) == len(warned)
        assert all(line.startswith(start) for line, start in zip(told, warned, strict=True))
