"""Encoders to evaluate: `pytest tests/evaluate/test_encoders.py`."""

import dataclasses

import pytest
import torch

from xlmr_lab.batches.shards import TokenShards, encode
from xlmr_lab.batches.stream import BatchConfig
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.encoders import load_encoder
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.pretrain.loop import pretrain
from xlmr_lab.pretrain.settings import PretrainConfig, PretrainRun
from xlmr_lab.sampling.settings import SamplingConfig

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
