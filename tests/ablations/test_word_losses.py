"""Losses of whole words: what is read of held-out text, and that a campaign has them where a claim
compares vocabularies.
"""

import polars as pl
import pytest
from least_campaign import LEAST

from xlmr_lab import storage
from xlmr_lab.__main__ import main
from xlmr_lab.ablations import word_losses
from xlmr_lab.batches.splits import rank
from xlmr_lab.corpus import documents
from xlmr_lab.evaluate import masked_prediction
from xlmr_lab.evaluate.pseudo_perplexity import log_likelihoods, of_masked_lm
from xlmr_lab.vocabulary.load import load

OWN = (
    *LEAST,
    "seeds=2",
    "babel.languages=qaa,qam",
    "babel.corpus_bytes=200000",
    "babel.smallest_bytes=30000",
)


def write(folder, texts):
    empty = dict.fromkeys(documents.DOCUMENTS)
    rows = [empty | {"doc_id": name, "lang": "qaa", "text": text} for name, text in texts]
    frame = pl.DataFrame(rows, schema=documents.DOCUMENTS)
    documents.write_shard(folder, "qaa", 0, frame)


def test_what_is_held_out_is_read_in_the_order_of_its_hash(tmp_path):
    names = sorted((f"d{number}" for number in range(200)), key=rank)
    held = [name for name in names if rank(name) < 0.05]
    assert 1 < len(held) < 20
    write(tmp_path, [(name, f"{name} a\n{name} b\n") for name in sorted(names)])
    read = word_losses.sentences(tmp_path, "qaa", 0.05)
    assert read == [f"{name} {letter}" for name in held for letter in "ab"]
    least = word_losses.sentences(tmp_path, "qaa", rank(names[0]) / 2)
    assert least == [f"{names[0]} a", f"{names[0]} b"], "the first is held out where none would be"


def test_a_paragraph_is_read_to_its_end_and_no_further_one(tmp_path):
    write(tmp_path, [("d0", "\n".join(["x" * 3001] * 9) + "\n")])
    assert len(word_losses.sentences(tmp_path, "qaa", 1.0)) == 4, "4 of 3,001 bytes for 10,000"


def test_what_is_read_does_not_depend_on_the_order_in_which_documents_come(tmp_path):
    """Of more documents than are read, the first by hash are, as if all were sorted."""
    texts = {f"d{n}": f"{n} {'x' * (n * 37 % 400)}\n{n} y\n" for n in range(400)}
    write(tmp_path, list(texts.items()))
    in_order = [line for name in sorted(texts, key=rank) for line in texts[name].splitlines()]
    read = word_losses.sentences(tmp_path, "qaa", 1.0)
    assert read == in_order[: len(read)]
    size = sum(len(line) for line in read)
    assert size - len(read[-1]) < word_losses.READ_BYTES <= size


@pytest.mark.slow
def test_vocabularies_are_compared_by_words_of_one_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["ablate", "tiny", "F7", "predict", *OWN]) == 0
    assert main(["ablate", "tiny", "F7", *OWN]) == 0
    folder = tmp_path / "runs" / "studies-tiny"
    rows = storage.read_jsonl(folder / "words.jsonl")
    assert {(row["cell"], row["seed"], row["language"]) for row in rows} == {
        (cell, seed, key)
        for cell in ("base", "tokenized BPE")
        for seed in (0, 1)
        for key in ("qaa", "qam")
    }
    bytes_read = {(row["language"], row["num_bytes"]) for row in rows}
    assert len(bytes_read) == 2, "each language has one text for all models"
    one = next(row for row in rows if row["cell"] == "base")
    assert one["bits_per_byte"] == pytest.approx(_by_hand(tmp_path, one), abs=1e-5)
    told = {row["contrast"]: row for row in storage.read_jsonl(folder / "conclusions.jsonl")}
    assert (told["F7"]["aside"], told["F7-pieces"]["aside"]) == (False, True)
    bits = {(row["cell"], row["seed"], row["language"]): row["bits_per_byte"] for row in rows}
    gains = [
        bits["tokenized BPE", seed, key] - bits["base", seed, key] + 0.01
        for seed in (0, 1)
        for key in ("qaa", "qam")
    ]
    assert told["F7"]["effect"] == pytest.approx(sum(gains) / 4)
    costs = storage.read_jsonl(folder / "costs.jsonl")
    assert sum(row["kind"] == "word losses" for row in costs) == 4
    assert all(row["seconds"] > 0 and row["predicted_seconds"] > 0 for row in costs)


def _by_hand(place, row):
    """Return the bits per byte of what a row says, from its checkpoint and its language's text."""
    run = row["reading"].removeprefix("words-").rsplit("-", 1)[0]
    (checkpoint,) = (place / "runs" / "studies-tiny" / "arms" / run / "checkpoints").glob(
        "step-00000006"
    )
    (unigram,) = (
        path.parent
        for path in (place / "data").glob("vocabulary-*/vocabulary.json")
        if storage.read_json(path)["config"]["model"] == "unigram"
    )
    (clean,) = (place / "data").glob("clean-*")
    read = word_losses.sentences(clean / "documents", row["language"], 0.05)
    model = of_masked_lm(masked_prediction.load(checkpoint), load(unigram))
    found = log_likelihoods(model, read, row["language"], masking="within-word")
    plain = log_likelihoods(model, read, row["language"])
    assert found.bits_per_byte != plain.bits_per_byte
    return found.bits_per_byte
