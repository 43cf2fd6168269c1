"""Language models of text: trained the same every time, less surprised by what they know."""

import itertools
import pickle
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from xlmr_lab import storage
from xlmr_lab.corpus import perplexity
from xlmr_lab.corpus.deduplicate import PUNCTUATION
from xlmr_lab.corpus.perplexity import PerplexityConfig, Scorer, normal_text
from xlmr_lab.errors import UserError

CONFIG = PerplexityConfig(vocabulary_size=400, min_counts=(1, 1, 1, 2))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, write) -> Path:
    """Return a folder with models of two made-up languages."""
    folder = tmp_path_factory.mktemp("models")
    perplexity.train({key: write(key, 300, 1) for key in ("qaa", "qab")}, folder, config=CONFIG)
    return folder


def per_token(scorer: Scorer, texts: list[str], language: str) -> float:
    logs, tokens = scorer.score(texts, language)
    return float(10 ** (-logs.sum() / tokens.sum()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" The YEAR 1984\u0661 ", "the year 00000"),
        ("\u00c9t\u00e9 \u2014 \u00abbon\u00bb\u2026", '\u00e9t\u00e9  -  "bon"...'),
        ("\u4f60\u597d\uff0c\u5b8c\u3002\uff08\u4e00\uff09\uff1f", "\u4f60\u597d,\u5b8c.(\u4e00)?"),
        ("\uff11\u3010x\u3011", "0[x]"),  # FULLWIDTH DIGIT ONE is a digit first
        ("a\x00b\x85c", "abc"),
        ("\u0939\u093f", "\u0939\u093f"),
        ("", ""),
    ],
)
def test_the_normal_form_is_that_of_ccnet(text: str, expected: str) -> None:
    frame = pl.DataFrame({"text": [text]})
    assert frame.select(normal_text(pl.col("text"))).item() == expected


def test_published_models_are_given_text_without_accents() -> None:
    frame = pl.DataFrame({"text": ["\u00c9t\u00e9 \u0939\u093f\u0902"]})
    bare = frame.select(normal_text(pl.col("text"), accents=False)).item()
    assert bare == "ete \u0939\u093f"  # ANUSVARA is a nonspacing mark, VOWEL SIGN I is not


def test_every_mark_has_its_plain_form() -> None:
    assert len(perplexity._ASCII) == len(PUNCTUATION)


def test_a_model_is_less_surprised_by_its_language(models: Path, write) -> None:
    scorer = Scorer(models)
    assert scorer.languages == ["qaa", "qab"]
    own = per_token(scorer, write("qaa", 50, 1), "qaa")  # words it knows, in other sentences
    strange = per_token(scorer, write("qaa", 50, 8), "qaa")
    other = per_token(scorer, write("qab", 50, 1), "qaa")
    foreign = per_token(scorer, write("qac", 50, 1), "qaa")
    assert own < strange < other
    assert own < strange < foreign
    reversed_letters = [text[::-1] for text in write("qaa", 50, 1)]
    assert own < per_token(scorer, reversed_letters, "qaa")


def test_another_script_is_surprising_at_every_letter(models: Path) -> None:
    logs, tokens = Scorer(models).score(["\u0436" * 5, "\u0436" * 10], "qaa")
    assert tokens.tolist() == [2 * 5 + 2, 2 * 10 + 2]  # two bytes a letter, a space and </s>
    assert logs[1] < logs[0] < -5


def test_a_score_does_not_depend_on_what_is_scored_together(
    models: Path, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = Scorer(models)
    texts = [*write("qaa", 30, 4), "", "one word", *write("qab", 5, 4)]
    logs, tokens = scorer.score(texts, "qaa")
    assert logs.dtype == np.float64
    assert tokens.dtype == np.int64
    alone = [scorer.score([text], "qaa") for text in texts]
    assert logs.tolist() == [log[0] for log, _ in alone]
    assert tokens.tolist() == [count[0] for _, count in alone]
    monkeypatch.setattr(perplexity, "TEXTS_AT_ONCE", 7)
    assert scorer.score(texts, "qaa")[0].tolist() == logs.tolist()
    assert scorer.score([], "qaa")[0].shape == (0,)


def test_a_language_without_a_model_gets_no_tokens(models: Path) -> None:
    logs, tokens = Scorer(models).score(["text", "more"], "so")
    assert logs.tolist() == [0, 0]
    assert tokens.tolist() == [0, 0]


def test_training_again_gives_the_same_files(models: Path, tmp_path: Path, write) -> None:
    perplexity.train_language(write("qaa", 300, 1), tmp_path / "qaa", config=CONFIG)
    files = sorted(path.name for path in (models / "qaa").iterdir())
    assert sorted(path.name for path in (tmp_path / "qaa").iterdir()) == files
    for name in files:
        assert (tmp_path / "qaa" / name).read_bytes() == (models / "qaa" / name).read_bytes()


def test_training_takes_no_more_text_than_asked(tmp_path: Path, write) -> None:
    config = PerplexityConfig(vocabulary_size=300, training_bytes=2000, vocabulary_bytes=1000)
    endless = itertools.cycle(write("qab", 20, 1))
    perplexity.train_language(endless, tmp_path / "qab", config=config)
    record = storage.read_json(tmp_path / "qab" / "model.json")
    assert 2000 <= record["num_bytes"] < 2200
    assert record["config"]["training_bytes"] == 2000
    assert record["vocabulary_size"] <= 300


def test_little_or_monotonous_text_trains_a_model_as_well(tmp_path: Path) -> None:
    for name, texts in {"a": ["x"], "b": ["123 456"] * 9, "c": ["ab cd " * 50_000]}.items():
        perplexity.train_language(texts, tmp_path / name, config=PerplexityConfig())
        strange = ["</s> <s> <unk> <0x41>", "\u4e00", texts[0][:100]]
        logs, tokens = Scorer(tmp_path).score(strange, name)
        assert np.isfinite(logs).all()
        assert tokens[0] == 23  # a piece a byte and </s>: text never becomes a special symbol
        assert logs[2] / tokens[2] > logs[0] / tokens[0]


def test_a_scorer_travels_to_another_process(models: Path, write) -> None:
    scorer = Scorer(models)
    texts = write("qaa", 3, 2)
    before = scorer.score(texts, "qaa")[0].tolist()
    assert pickle.loads(pickle.dumps(scorer)).score(texts, "qaa")[0].tolist() == before


def test_a_published_pair_of_files_is_used(models: Path, tmp_path: Path) -> None:
    vocabulary = (models / "qaa" / "sentencepiece.model").read_bytes()
    (tmp_path / "fr.sp.model").write_bytes(vocabulary)
    (tmp_path / "de.sp.model").write_bytes(vocabulary)  # no model beside it
    (tmp_path / "fr.arpa").write_text(
        "\\data\\\nngram 1=4\nngram 2=1\n\n\\1-grams:\n-2\t<unk>\n-99\t<s>\t-0.5\n-1\t</s>\n"
        "-0.25\t\u2581\n\n\\2-grams:\n-0.125\t<s> \u2581\n\n\\end\\\n",
        encoding="utf-8",
    )
    scorer = Scorer(tmp_path)
    assert scorer.languages == ["fr"]
    logs, tokens = scorer.score(["\u0436", "\u0301"], "fr")
    # A space of SentencePiece and two bytes that the model does not know; an accent is nothing.
    assert logs.tolist() == pytest.approx([-0.125 - 2 - 2 - 1, -0.5 - 1])
    assert tokens.tolist() == [4, 1]


def test_a_folder_without_models_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no language models in .*; train them first"):
        Scorer(tmp_path)
    (tmp_path / "fr").mkdir()
    (tmp_path / "fr" / "sentencepiece.model").write_bytes(b"text")
    scorer = Scorer(tmp_path)
    with pytest.raises(UserError, match=r"sentencepiece\.model is no SentencePiece model"):
        scorer.score(["text"], "fr")


def test_text_that_cannot_be_trained_on_is_an_error(tmp_path: Path, write) -> None:
    for texts in ([], ["", "  "]):
        with pytest.raises(UserError, match="no text to train the language model 'qaa' on"):
            perplexity.train_language(texts, tmp_path / "qaa", config=CONFIG)
    small = PerplexityConfig(vocabulary_size=262)
    with pytest.raises(
        UserError, match=r"perplexity\.vocabulary_size=262 is too small for .* 'qaa'; set it to"
    ):
        perplexity.train_language(write("qaa", 50, 1), tmp_path / "qaa", config=small)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["vocabulary_size", "vocabulary_bytes", "training_bytes"])
def test_sizes_must_be_positive(name: str) -> None:
    with pytest.raises(UserError, match=rf"perplexity\.{name} must be positive, got 0"):
        PerplexityConfig(**{name: 0})


@pytest.mark.parametrize("counts", [(), (2, 2), (1, 2, 1), (0, 1)])
def test_counts_must_not_fall(counts: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"perplexity\.min_counts must begin with 1"):
        PerplexityConfig(min_counts=counts)
