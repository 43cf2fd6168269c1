"""Token shards in three languages, and the settings of a run that takes a second."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from xlmr_lab.batches.masking import mask
from xlmr_lab.batches.shards import TokenShards, encode
from xlmr_lab.batches.stream import BatchConfig
from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain import telemetry
from xlmr_lab.pretrain.loop import PretrainConfig, PretrainRun
from xlmr_lab.pretrain.step import TensorBatch, to_device
from xlmr_lab.sampling.settings import SamplingConfig

DOCUMENTS = {"en": 200, "sw": 60, "ur": 40}


class ByteTokenizer:
    """One piece per byte."""

    size = 300
    fingerprint = "bytes"

    def encode(self, texts: Sequence[str], language: str | None = None) -> list[np.ndarray]:
        """Return the bytes, behind the specials."""
        return [np.frombuffer(t.encode(), np.uint8).astype(np.int32) + 4 for t in texts]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors need no threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def no_flushing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk: what is tested here does not depend on it."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(autouse=True)
def small_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the device's rate in no time."""
    monkeypatch.setattr(telemetry, "MATRIX_SIZE", {"cpu": 16})
    monkeypatch.setattr(telemetry, "MATRIX_SECONDS", 0.0)


@pytest.fixture(scope="session")
def shards_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of token shards; each text says its language and number."""
    folder = tmp_path_factory.mktemp("shards")
    documents = {
        key: lambda key=key, count=count: (
            (f"{key}-{i}", f"{key} says {i * i} times {key}\n") for i in range(count)
        )
        for key, count in DOCUMENTS.items()
    }
    encode(documents, ByteTokenizer(), folder, heldout_fraction=0.1)
    return folder


@pytest.fixture(scope="session")
def shards(shards_folder: Path) -> TokenShards:
    """Return the same, opened."""
    return TokenShards.open(shards_folder)


@pytest.fixture(scope="session")
def make_run() -> Callable[..., PretrainRun]:
    """Return a function that makes a run's settings: `make_run(steps=4, alpha=1.0)`; `sampling` are
    further settings of it.
    """

    def make(
        *,
        alpha: float = 0.3,
        block_tokens: int = 16,
        dropout: float = 0.1,
        sampling: Mapping[str, Any] | None = None,
        **changes,
    ):
        settings = {
            "steps": 12,
            "peak_learning_rate": 3e-3,
            "warmup_steps": 3,
            "log_steps": 2,
            "heldout_steps": 4,
            "heldout_blocks": 3,
            "checkpoint_steps": 5,
        }
        run = {"seed": 1, "languages": tuple(DOCUMENTS)}
        run |= {name: changes.pop(name) for name in list(changes) if name in run}
        return PretrainRun(
            **run,
            sampling=SamplingConfig(alpha=alpha, **(sampling or {})),
            batches=BatchConfig(block_tokens=block_tokens, batch_sequences=4),
            model=EncoderConfig(
                num_layers=2,
                hidden_size=16,
                num_heads=2,
                ffn_size=32,
                max_tokens=16,
                dropout=dropout,
                attention_dropout=dropout,
            ),
            pretrain=PretrainConfig(**(settings | changes)),
        )

    return make


@pytest.fixture
def kept_generator() -> Iterator[None]:
    """Leave torch's generator as it was."""
    with torch.random.fork_rng():
        yield


@pytest.fixture
def model(make_run, kept_generator: None) -> MaskedLM:
    """A model in training, with dropout."""
    generator = torch.Generator().manual_seed(1)
    return MaskedLM(make_run().model, 300, generator=generator).train()


@pytest.fixture
def plain_model(make_run) -> MaskedLM:
    """The same without dropout."""
    generator = torch.Generator().manual_seed(1)
    return MaskedLM(make_run(dropout=0.0).model, 300, generator=generator).train()


@pytest.fixture
def batch() -> TensorBatch:
    """Four masked blocks of 16 random tokens."""
    rng = np.random.default_rng(1)
    tokens = rng.integers(4, 299, size=(4, 16), dtype=np.int32)
    return to_device(mask(tokens, vocab_size=300, fraction=0.15, rng=rng), torch.device("cpu"))
