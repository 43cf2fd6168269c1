"""Vocabulary training: reproducible bytes, shares under a budget, coverage per language, errors.

Run with: pytest tests/vocabulary/test_train.py
"""

import dataclasses
import hashlib
import io
import math
import os
import re
import subprocess
import sys

import pytest
import sentencepiece

from xlmr_lab import machine_memory, storage
from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.load import load
from xlmr_lab.vocabulary.sample import MOST_PASSES, Sample, paragraphs
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.special_tokens import UNK_ID
from xlmr_lab.vocabulary.tokenizer import Tokenizer
from xlmr_lab.vocabulary.train import plan, train

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


IN_ANOTHER_PROCESS = """
import hashlib, pathlib, sys
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.train import train
words = [f"{a}{b}{c}" for a in "bdfk" for b in "aeiou" for c in "lmnr"]
lines = [" ".join(words[i * 7 % 80 : i * 7 % 80 + 9]) for i in range(200)]
folder = pathlib.Path(sys.argv[1])
folder.mkdir()
config = VocabularyConfig(model=sys.argv[2], size=40, sample_bytes=5000)
texts = {key: lambda: iter(lines) for key in {"qab", "qaa"}}
train(texts, {"qaa": 1, "qab": 3}, folder, config=config, seed=3)
for path in sorted(folder.iterdir()):
    print(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
"""


@pytest.mark.parametrize("model", ["unigram", "bpe", "wordpiece"])
def test_another_process_gives_the_same_bytes(tmp_path, model):
    found = {
        subprocess.run(
            [sys.executable, "-c", IN_ANOTHER_PROCESS, str(tmp_path / hash_seed), model],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2", "3")
    }
    assert len(found) == 1
    assert len(next(iter(found)).splitlines()) == 2


@pytest.mark.parametrize(
    ("model", "name"), [("bpe", "sentencepiece.model"), ("wordpiece", "wordpiece.json")]
)
def test_each_kind_of_vocabulary_is_whole_and_knows_its_text(texts, sizes, tmp_path, model, name):
    config = VocabularyConfig(model=model, size=400, sample_bytes=120_000)
    train(texts, sizes, tmp_path, config=config, seed=1)
    assert {path.name for path in tmp_path.iterdir()} == {name, "vocabulary.json"}
    vocabulary = load(tmp_path)
    assert vocabulary.size == 400
    assert storage.read_json(tmp_path / "vocabulary.json")["fingerprint"] == vocabulary.fingerprint
    for key, read in texts.items():
        assert not any(UNK_ID in ids for ids in vocabulary.encode(list(read()), key))


def test_preprocessing_is_part_of_the_vocabulary(tmp_path):
    pytest.importorskip("sacremoses")
    lines = ["Some-thing, \u00c9l\u00e1n; no." + " abcd" * (i % 3) for i in range(50)]
    config = VocabularyConfig(
        model="bpe", size=40, sample_bytes=5000, preprocessing="tokenized_lowercased"
    )
    train({"en": lambda: iter(lines)}, {"en": 1}, tmp_path, config=config, seed=1)
    record = storage.read_json(tmp_path / "vocabulary.json")
    assert record["config"]["preprocessing"] == "tokenized_lowercased"
    assert "sacremoses" in record["versions"]
    letters = set(record["options"]["required_chars"])
    assert letters >= set("elan;")
    assert not letters & set("S\u00c9\u00e9\u00e1")
    (ids,) = load(tmp_path).encode(["\u00c9L\u00c1N"], "en")
    assert UNK_ID not in ids


def test_another_seed_samples_other_paragraphs(folder, texts, sizes, tmp_path):
    train(texts, sizes, tmp_path, config=CONFIG, seed=2)
    name = "sentencepiece.model"
    assert (tmp_path / name).read_bytes() != (folder / name).read_bytes()


def test_the_record_says_how_the_sample_was_drawn(folder):
    record = storage.read_json(folder / "vocabulary.json")
    assert record["fingerprint"] == Tokenizer.load(folder).fingerprint
    assert record["seed"] == 1
    assert record["config"]["alpha"] == 0.3
    assert record["options"]["num_threads"] == 1
    assert record["versions"]["sentencepiece"] == sentencepiece.__version__
    languages = record["languages"]
    for language in languages.values():
        wanted = language["probability"] * CONFIG.sample_bytes
        assert language["sample_bytes"] == pytest.approx(wanted, rel=0.1)
        assert language["passes"] == language["sample_bytes"] / language["text_bytes"]
    assert languages["qab"]["passes"] > 1  # the small language is repeated
    for name in ("num_bytes", "num_sentences"):
        parts = [row[name.replace("num", "sample")] for row in languages.values()]
        assert record["sample"][name] == sum(parts)


def test_the_record_is_enough_to_draw_the_sample_again(folder, texts, sizes):
    record = storage.read_json(folder / "vocabulary.json")
    config = VocabularyConfig(**record["config"])
    drawn = Sample(texts, plan(texts, sizes, config).passes, "none", record["seed"])
    text = "".join(line + "\n" for line in drawn)
    assert hashlib.sha256(text.encode()).hexdigest() == record["sample"]["sha256"]


def test_memory_that_is_allowed_changes_no_byte(folder, texts, sizes, tmp_path):
    config = VocabularyConfig(size=400, sample_bytes=120_000, memory_bytes=1 << 34)
    train(texts, sizes, tmp_path, config=config, seed=1)
    for name in ("sentencepiece.model", "vocabulary.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_a_budget_of_sentences_is_kept_with_the_shares(texts, sizes, tmp_path):
    config = VocabularyConfig(size=200, sample_bytes=120_000, sample_sentences=500)
    train(texts, sizes, tmp_path, config=config, seed=1)
    record = storage.read_json(tmp_path / "vocabulary.json")
    assert record["sample"]["num_sentences"] == pytest.approx(500, rel=0.1)
    total = record["sample"]["num_bytes"]
    assert total < 100_000
    for language in record["languages"].values():
        assert language["sample_bytes"] / total == pytest.approx(language["probability"], abs=0.05)


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


def test_letters_that_the_sample_misses_keep_their_pieces(tmp_path):
    """Each of 33 letters stands in one paragraph of 33, of which the sample has a few."""
    georgian = [chr(0x10D0 + i) for i in range(33)]
    lines = [letter + " ka lo mi nu te so ra" * 9 for letter in georgian]
    config = VocabularyConfig(size=52, sample_bytes=1500)
    train({"qaa": lambda: iter(lines)}, {"qaa": 1}, tmp_path, config=config, seed=1)
    record = storage.read_json(tmp_path / "vocabulary.json")
    assert record["sample"]["num_sentences"] < 20
    assert UNK_ID not in Tokenizer.load(tmp_path).encode(["".join(georgian)])[0]


def test_a_size_the_text_does_not_support_names_the_largest(texts, sizes, tmp_path):
    config = VocabularyConfig(size=100_000, sample_bytes=50_000)
    with pytest.raises(
        UserError, match=r"100000 is more than this text supports; set vocabulary"
    ) as e:
        train(texts, sizes, tmp_path, config=config, seed=1)
    assert not list(tmp_path.iterdir())
    largest = int(str(e.value).split("vocabulary.size=")[1].split()[0])
    assert largest < config.size
    at_the_edge = VocabularyConfig(size=largest, sample_bytes=50_000)
    train(texts, sizes, tmp_path, config=at_the_edge, seed=1)
    assert Tokenizer.load(tmp_path).size == largest


@pytest.mark.parametrize("model", ["unigram", "bpe", "wordpiece"])
def test_a_size_below_the_number_of_characters_names_the_least(texts, sizes, tmp_path, model):
    config = VocabularyConfig(model=model, size=20, sample_bytes=50_000)
    with pytest.raises(
        UserError, match=r"20 is too small .* set vocabulary\.size=(\d+) or more, or lower"
    ) as refused:
        train(texts, sizes, tmp_path, config=config, seed=1)
    least = int(str(refused.value).split("vocabulary.size=")[1].split()[0])
    config = VocabularyConfig(model=model, size=least, sample_bytes=50_000)
    train(texts, sizes, tmp_path, config=config, seed=1)
    assert load(tmp_path).size == least


def test_a_size_that_byte_fallback_leaves_no_room_for_is_refused(texts, sizes, tmp_path):
    config = VocabularyConfig(size=256, sample_bytes=50_000, byte_fallback=True)
    with pytest.raises(UserError, match=r"256 is too small"):
        train(texts, sizes, tmp_path, config=config, seed=1)


def test_a_language_without_text_is_named(texts, sizes, tmp_path):
    empty = {**texts, "qac": lambda: iter(["\n", "  "])}
    with pytest.raises(UserError, match="no text for qac"):
        train(empty, {**sizes, "qac": 1.0}, tmp_path, config=CONFIG, seed=1)
    with pytest.raises(UserError, match="no text to sample from for qac"):
        train(empty, {**sizes, "qac": 0.0}, tmp_path, config=CONFIG, seed=1)


def test_text_that_is_no_unicode_is_named_with_its_language(texts, sizes, tmp_path):
    broken = {**texts, "qab": lambda: iter(["ka lo", "mi \udcff nu"])}
    with pytest.raises(UserError, match=r"text of qab .* U\+DCFF"):
        train(broken, sizes, tmp_path, config=CONFIG, seed=1)


@pytest.mark.parametrize("model", ["unigram", "bpe", "wordpiece"])
def test_a_corpus_of_one_line_is_quickly_told_what_it_supports(tmp_path, model):
    """At the default budget the line would be read some ten million times."""
    config = VocabularyConfig(model=model)
    line = "kala moni teru sapi"
    message = r"250002 is more than this text supports; set vocabulary\.size=(\d+) or less"
    with pytest.raises(UserError, match=message) as refused:
        train({"qaa": lambda: iter([line])}, {"qaa": 1}, tmp_path, config=config, seed=1)
    largest = int(str(refused.value).split("vocabulary.size=")[1].split()[0])
    config = VocabularyConfig(model=model, size=largest)
    train({"qaa": lambda: iter([line])}, {"qaa": 1}, tmp_path, config=config, seed=1)
    record = storage.read_json(tmp_path / "vocabulary.json")
    assert record["sample"]["num_sentences"] == MOST_PASSES
    assert UNK_ID not in load(tmp_path).encode([line])[0]


def test_a_long_line_is_used_to_its_end(tmp_path):
    """SentencePiece would leave it out silently."""
    line = "ka lo mi nu " * 2000 + "zezo " * 500
    config = VocabularyConfig(model="bpe", size=26, sample_bytes=100_000)
    train({"qaa": lambda: iter([line])}, {"qaa": 1}, tmp_path, config=config, seed=1)
    assert len(Tokenizer.load(tmp_path).pieces("zezo")) < len("\u2581zezo")


def test_a_plan_that_needs_too_much_memory_is_refused_before_it_starts(texts, sizes, tmp_path):
    config = VocabularyConfig(size=400, sample_bytes=120_000, memory_bytes=42_000_000)
    with pytest.raises(UserError, match=r"vocabulary\.memory_bytes allows 42 MB; set vocabulary"):
        train(texts, sizes, tmp_path, config=config, seed=1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("model", ["unigram", "bpe", "wordpiece"])
@pytest.mark.parametrize("memory_bytes", [1000, 41_500_000, 43_000_000, 60_000_000])
def test_what_a_refused_plan_is_told_to_set_trains_at_once(
    texts, sizes, tmp_path, model, memory_bytes
):
    """Of the default size and sample, and of a size that the text would support."""
    for size in (VocabularyConfig().size, 400):
        config = VocabularyConfig(model=model, size=size, memory_bytes=memory_bytes)
        try:
            plan(texts, sizes, config)
        except UserError as error:
            told = re.findall(r"vocabulary\.(\w+)=(\d+)", str(error))
            assert told
            mended = dataclasses.replace(config, **{name: int(value) for name, value in told})
            train(texts, sizes, tmp_path, config=mended, seed=1)
            assert load(tmp_path).size == mended.size
        else:
            assert size == 400


def test_what_training_takes_is_told_in_megabytes(texts, sizes, tmp_path, caplog):
    caplog.set_level("INFO")
    train(texts, sizes, tmp_path, config=CONFIG, seed=1)
    planned = storage.read_json(tmp_path / "vocabulary.json")["planned_memory_bytes"]
    assert f"training 400 ids with up to {math.ceil(planned / 1e6)} MB of memory" in caplog.text


def test_the_share_of_each_language_is_told(texts, sizes, tmp_path, caplog):
    config = VocabularyConfig(size=400, sample_bytes=60_000)
    with caplog.at_level("INFO"):
        train(texts, sizes, tmp_path, config=config, seed=1)
    rows = storage.read_json(tmp_path / "vocabulary.json")["languages"]
    key = max(rows, key=lambda key: rows[key]["probability"])
    told = f"share q of the bytes of its sample: {key} {100 * rows[key]['probability']:.1f} %, "
    assert told in caplog.text


def test_a_plan_that_the_machine_cannot_hold_is_refused(texts, sizes, tmp_path, monkeypatch):
    monkeypatch.setattr(machine_memory, "available_bytes", lambda: 42_000_000)
    with pytest.raises(UserError, match=r"the machine has 42 MB to give; set vocabulary"):
        train(texts, sizes, tmp_path, config=CONFIG, seed=1)


def test_a_budget_that_leaves_a_language_out_is_refused(texts, sizes, tmp_path):
    config = VocabularyConfig(size=400, sample_bytes=1)
    with pytest.raises(UserError, match="leaves nothing of qaa"):
        train(texts, sizes, tmp_path, config=config, seed=1)


REPEATED = (
    "1 of 2 languages stand more than 10 times in the sample of the vocabulary, which then knows "
    "them by heart: "
)


def test_a_language_that_is_repeated_often_is_warned_of(tmp_path, caplog):
    """Of 200 bytes as much as of 2000: 20 and 2 times in 8000, not warned of at 5 times."""
    line = "ka lo mi nu te " * 13 + "so ra"
    texts = {"qaa": lambda: iter([line]), "qab": lambda: iter([line] * 10)}
    sizes = {"qaa": 1.0, "qab": 1.0}
    for sample_bytes, warned in ((2000, []), (8000, [REPEATED + "qaa 20; set"])):
        caplog.clear()
        config = VocabularyConfig(size=19, sample_bytes=sample_bytes)
        train(texts, sizes, tmp_path, config=config, seed=1)
        told = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
        assert len(told) == len(warned)
        assert all(line.startswith(start) for line, start in zip(told, warned, strict=True))


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_what_a_warning_of_repetition_names_ends_it(tmp_path, caplog, alpha):
    """Two lines and twenty, said to be of the same size; at alpha 1 a larger one is no help."""
    line = "ka lo mi nu te " * 13 + "so ra"
    texts = {"qaa": lambda: iter([line] * 2), "qab": lambda: iter([line] * 20)}
    sizes = {"qaa": 1.0, "qab": 1.0}
    config = VocabularyConfig(size=19, sample_bytes=123_456, sample_sentences=100, alpha=alpha)
    train(texts, sizes, tmp_path, config=config, seed=1)
    (told,) = (r.getMessage() for r in caplog.records if r.levelname == "WARNING")
    named = re.search(r"set vocabulary\.sample_bytes=(\d+)(.*)$", told)
    assert named[2].endswith("; a larger vocabulary.alpha repeats less too") == (alpha < 1)
    caplog.clear()
    mended = dataclasses.replace(config, sample_bytes=int(named[1]))
    train(texts, sizes, tmp_path, config=mended, seed=1)
    assert plan(texts, sizes, mended).passes["qaa"] == pytest.approx(10, rel=0.01)
    assert not [r for r in caplog.records if r.levelname == "WARNING"]


@pytest.mark.parametrize("model", ["unigram", "bpe", "wordpiece"])
def test_a_size_that_repeated_text_does_not_support_is_mended_in_one_round(
    texts, sizes, tmp_path, caplog, model
):
    """The sample that the warning names has the size that it names, whatever training says."""
    config = dataclasses.replace(CONFIG, model=model, size=8000, sample_bytes=50_000_000, alpha=0.0)
    with pytest.raises(UserError, match="vocabulary size 8000 is more than this text supports"):
        train(texts, sizes, tmp_path, config=config, seed=1)
    (told,) = (r.getMessage() for r in caplog.records if r.levelname == "WARNING")
    named = dict(re.findall(r"vocabulary\.(size|sample_bytes)=(\d+)", told))
    caplog.clear()
    mended = dataclasses.replace(config, **{name: int(value) for name, value in named.items()})
    train(texts, sizes, tmp_path, config=mended, seed=1)
    assert named.keys() == {"size", "sample_bytes"}
    assert load(tmp_path).size == int(named["size"])
    assert not [r for r in caplog.records if r.levelname == "WARNING"]
