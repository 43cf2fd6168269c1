"""Encoders to evaluate: `pytest tests/evaluate/test_encoders.py`."""

import dataclasses
import io
import json

import pytest
import sentencepiece
import torch

from xlmr_lab import storage
from xlmr_lab.__main__ import main
from xlmr_lab.batches.shards import TokenShards, encode
from xlmr_lab.batches.stream import BatchConfig
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.encoders import load_encoder, open_encoder
from xlmr_lab.evaluate.text import XLMR
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.pretrain.loop import pretrain
from xlmr_lab.pretrain.settings import PretrainConfig, PretrainRun
from xlmr_lab.sampling.settings import SamplingConfig
from xlmr_lab.vocabulary.load import load
from xlmr_lab.vocabulary.tokenizer import MODEL_NAME

SHAPE = EncoderConfig(num_layers=1, hidden_size=16, num_heads=2, ffn_size=32, max_tokens=16)
IDS = torch.tensor([[0, 9, 8, 7, 2]])


@pytest.fixture
def shards(tokenizer, tmp_path):
    texts = [(f"doc-{i}", f"ab cd {i} ef\n" * 8) for i in range(60)]
    tokenizer.fingerprint = "toy"
    (tmp_path / "shards").mkdir()
    encode({"qaa": lambda: iter(texts)}, tokenizer, tmp_path / "shards", heldout_fraction=0.2)
    return TokenShards.open(tmp_path / "shards")


def checkpoint_of(shards, folder, *, steps, peak_learning_rate):
    run = PretrainRun(
        seed=3,
        languages=("qaa",),
        sampling=SamplingConfig(),
        batches=BatchConfig(block_tokens=16, batch_sequences=4, heldout_fraction=0.2),
        model=SHAPE,
        pretrain=PretrainConfig(
            steps=steps, warmup_steps=0, peak_learning_rate=peak_learning_rate, heldout_blocks=2
        ),
    )
    return pretrain(folder / "run", shards.folder, run, threads=1)


def test_the_baseline_starts_where_pretraining_of_the_same_seed_starts(shards, tmp_path):
    path = checkpoint_of(shards, tmp_path, steps=1, peak_learning_rate=1e-12)
    pretrained = load_encoder(path, config=SHAPE, vocab_size=shards.vocab_size, seed=3)
    baseline = load_encoder(None, config=SHAPE, vocab_size=shards.vocab_size, seed=3)
    torch.testing.assert_close(pretrained(IDS), baseline(IDS))
    other = load_encoder(None, config=SHAPE, vocab_size=shards.vocab_size, seed=4)
    assert not torch.allclose(pretrained(IDS), other(IDS), atol=0.1)


def test_a_checkpoint_gives_its_trained_weights(shards, tmp_path):
    path = checkpoint_of(shards, tmp_path, steps=3, peak_learning_rate=1e-2)
    pretrained = load_encoder(path, config=SHAPE, vocab_size=shards.vocab_size, seed=3)
    baseline = load_encoder(None, config=SHAPE, vocab_size=shards.vocab_size, seed=3)
    assert not pretrained.training
    assert not torch.allclose(pretrained(IDS), baseline(IDS), atol=0.01)


def test_a_checkpoint_that_does_not_fit_is_refused(shards, tmp_path):
    path = checkpoint_of(shards, tmp_path, steps=1, peak_learning_rate=1e-3)
    with pytest.raises(UserError, match=r"has 500 ids and the vocabulary 501"):
        load_encoder(path, config=SHAPE, vocab_size=501, seed=3)
    wider = dataclasses.replace(SHAPE, ffn_size=64)
    with pytest.raises(UserError, match=r"has ffn_size=32, not 64; give the settings of its run"):
        load_encoder(path, config=wider, vocab_size=500, seed=3)
    with pytest.raises(UserError, match=r"no checkpoint at .*absent"):
        load_encoder(tmp_path / "absent", config=SHAPE, vocab_size=500, seed=3)


def vocabulary_in(folder, letters):
    """Train a vocabulary of a few pieces."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([f"{letters} {letters[::-1]}"] * 20),
        model_writer=model,
        vocab_size=20,
        hard_vocab_limit=False,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        minloglevel=2,
    )
    folder.mkdir(parents=True)
    (folder / MODEL_NAME).write_bytes(model.getvalue())
    return folder


@pytest.fixture
def study(tmp_path):
    """Return the run folder of a study with one pretrained model, as the lab writes it."""
    place = vocabulary_in(tmp_path / "data" / "vocabulary-0123", "abcdef")
    vocabulary = load(place)
    texts = [(f"doc-{i}", f"ab cd {i} ef\n" * 8) for i in range(60)]
    (tmp_path / "shards").mkdir()
    encode({"qaa": lambda: iter(texts)}, vocabulary, tmp_path / "shards", heldout_fraction=0.2)
    folder = tmp_path / "runs" / "study"
    arm = folder / "arms" / "alpha-0.3"
    checkpoint_of(TokenShards.open(tmp_path / "shards"), arm, steps=2, peak_learning_rate=1e-3)
    (folder / "config.json").write_text(json.dumps({"data_dir": str(tmp_path / "data")}))
    (folder / "stages.json").write_text(json.dumps({"vocabulary": "data/vocabulary-0123"}))
    (folder / "arms.json").write_text(json.dumps([{"folder": "arms/alpha-0.3/run"}]))
    return folder


def test_a_checkpoint_a_run_and_a_study_open_with_their_vocabulary(study):
    run = study / "arms" / "alpha-0.3" / "run"
    checkpoint = run / "checkpoints" / "step-00000002"
    opened = [open_encoder(place) for place in (checkpoint, run, study, str(study))]
    first = opened[0]
    assert not first.module.training
    assert first.module.max_tokens == SHAPE.max_tokens
    assert first.text.size == first.module.vocab_size
    assert first.text.layout == XLMR
    for other in opened[1:]:
        assert other.text.fingerprint == first.text.fingerprint
        assert torch.equal(other.module(IDS), first.module(IDS))


def test_a_run_opens_with_its_last_checkpoint(study):
    run = study / "arms" / "alpha-0.3" / "run"
    last = run / "checkpoints" / "step-00000002"
    earlier = last.with_name("step-00000001")
    earlier.mkdir(exist_ok=True)
    (earlier / "state.json").write_text("{}")
    assert torch.equal(open_encoder(run).module(IDS), open_encoder(last).module(IDS))


def test_a_study_that_was_moved_still_has_its_vocabulary_beside_it(study, tmp_path):
    (study / "config.json").write_text(json.dumps({"data_dir": "data"}))
    moved = (tmp_path / "runs").rename(tmp_path / "moved")
    assert open_encoder(moved / "study").text.size > 0


def test_a_vocabulary_can_be_given_and_must_be_the_one_it_was_pretrained_with(study, tmp_path):
    run = study / "arms" / "alpha-0.3" / "run"
    own = tmp_path / "data" / "vocabulary-0123"
    fingerprint = open_encoder(run).text.fingerprint
    (study / "stages.json").unlink()
    with pytest.raises(UserError, match=r"lies in no study with its vocabulary; give vocabulary="):
        open_encoder(run)
    assert open_encoder(run, vocabulary=own).text.fingerprint == fingerprint
    other = vocabulary_in(tmp_path / "other", "uvwxyz")
    with pytest.raises(UserError, match=rf"was trained with vocabulary {fingerprint}, the one at"):
        open_encoder(run, vocabulary=other)


def test_what_is_no_encoder_of_the_lab_is_refused(study, tmp_path):
    with pytest.raises(UserError, match=r"no encoder at .*absent; give a checkpoint like"):
        open_encoder(tmp_path / "absent")
    arms = [{"folder": "arms/a"}, {"folder": "arms/b"}]
    (study / "arms.json").write_text(json.dumps(arms))
    with pytest.raises(UserError, match=r"has 2 pretrained models; give one of .*arms/a, .*arms/b"):
        open_encoder(study)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UserError, match=r"is a folder of Hugging Face; write hf:.*foreign"):
        open_encoder(tmp_path / "foreign")
    (tmp_path / "empty" / "checkpoints").mkdir(parents=True)
    with pytest.raises(UserError, match=r"checkpoints has no checkpoint yet; pretrain first"):
        open_encoder(tmp_path / "empty")
    with pytest.raises(UserError, match="has a tokenizer of its own; leave the vocabulary out"):
        open_encoder("hf:owner/name", vocabulary=tmp_path)


def test_a_run_of_the_lab_is_evaluated_from_the_command_line(study, tmp_path, capsys):
    lines = "ab\tO\ncd\tB-X\n\nef\tO\n"
    for name in ("train-qaa", "test-qaa", "test-qab"):
        (tmp_path / f"{name}.tsv").write_text(lines)
    settings = (f"ner.path={tmp_path}", "ner.finetune.steps=2", "ner.seeds=2", "device=cpu")
    place = f"runs_dir={tmp_path / 'out'}"
    assert main(["evaluate", str(study / "arms/alpha-0.3/run"), *settings, place]) == 0
    (folder,) = (tmp_path / "out").iterdir()
    assert folder.name == "evaluate-run-step-00000002"
    rows = storage.read_jsonl(folder / "scores.jsonl")
    assert [(row["language"], row["finetune_seed"]) for row in rows] == [
        (key, seed) for seed in (0, 1) for key in ("qaa", "qab")
    ]
    assert "a language that the paper's table lacks (qaa, qab)" in capsys.readouterr().out
