"""Arms of a study: named by their sampling, warned of once for each setting, counted in every
basis.
"""

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from xlmr_lab import configs
from xlmr_lab.ablations import arms, studies
from xlmr_lab.ablations.arms import Arm
from xlmr_lab.batches.shards import TokenShards, encode
from xlmr_lab.pretrain.settings import PretrainRun


class ByteTokenizer:
    """One piece per byte."""

    size = 300
    fingerprint = "bytes"

    def encode(self, texts, language=None):
        """Return the bytes, behind the specials."""
        return [np.frombuffer(t.encode(), np.uint8).astype(np.int32) + 4 for t in texts]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> TokenShards:
    """Return shards of 300 and 30 documents of two paragraphs and 22 bytes."""
    folder = tmp_path_factory.mktemp("shards")
    texts = {
        key: [(f"{key}-{i}", "nineteen letters or\nso\n") for i in range(count)]
        for key, count in (("en", 300), ("sw", 50))
    }
    documents = {key: (lambda found=found: iter(found)) for key, found in texts.items()}
    encode(documents, ByteTokenizer(), folder, heldout_fraction=0.1)
    return TokenShards.open(folder)


def arm(seed: int, *changes: str) -> Arm:
    settings = ["pretrain.steps=100", "batches.batch_sequences=8", "ablation.alphas=", *changes]
    config = configs.override(studies.tiny(), settings)
    run = PretrainRun(
        seed=seed,
        languages=("en", "sw"),
        sampling=config.sampling,
        batches=config.batches,
        model=config.model,
        pretrain=config.pretrain,
    )
    return Arm(name=config.sampling.name(), folder=Path("nowhere"), run=run)


def test_a_language_repeated_too_often_is_told_once_for_each_setting(
    shards: TokenShards, caplog: pytest.LogCaptureFixture
) -> None:
    even = [arm(seed, "sampling.alpha=0") for seed in (1, 2, 3)]
    by_size = [arm(seed, "sampling.alpha=1") for seed in (1, 2, 3)]
    passes = {key: 400 / shards.num_blocks(key, 64) for key in ("en", "sw")}
    assert passes["en"] < 16 < passes["sw"]
    with caplog.at_level(logging.WARNING):
        arms.warn([*even, *by_size], shards, passes["sw"] - 0.1)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("alpha=0: 1 of 2 languages will be gone through more than")
    caplog.clear()
    arms.warn([*even, *by_size], shards, passes["sw"] + 0.1)
    assert not caplog.messages


def test_what_was_counted_stays_as_long_as_it_is_of_the_same_shards(
    shards: TokenShards, tmp_path: Path
) -> None:
    counted = tmp_path / "blocks.jsonl"
    assert arms.keep_training_text(tmp_path, shards.folder, 64, counted="")
    rows = counted.read_text()
    gone = Path("nowhere", shards.folder.name)
    assert arms.keep_training_text(tmp_path, gone, 64, counted=str(shards.folder))
    assert counted.read_text() == rows
    assert not arms.keep_training_text(tmp_path, Path("shards-2"), 64, counted=str(shards.folder))
    assert not counted.exists()
    assert not arms.keep_training_text(tmp_path, gone, 64, counted=str(shards.folder))


def test_the_text_to_train_on_is_counted_in_every_basis(shards: TokenShards) -> None:
    rows = {row["language"]: row for row in arms.training_text(shards, 64)}
    for key, row in rows.items():
        documents = shards.counts(key)["documents"]
        assert row == {
            "language": key,
            "num_blocks": documents * 24 // 63,
            "num_pieces": documents * 23,
            "num_bytes": documents * 23,
            "num_sentences": documents * 2,
        }
    assert json.dumps(rows)
