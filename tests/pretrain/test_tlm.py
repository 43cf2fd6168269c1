"""The TLM arm in training: its share of the blocks, language embeddings by side, exact resume, and
refusals before the first step.

Run with: pytest tests/pretrain/test_tlm.py
"""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from xlmr_lab import configs, storage
from xlmr_lab.batches.pairs import PairEncoder
from xlmr_lab.batches.shards import TokenShards, encode
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import repetition
from xlmr_lab.pretrain.loop import PretrainRun, pretrain
from xlmr_lab.pretrain.settings import check, sampling_phases
from xlmr_lab.pretrain.training import Training
from xlmr_lab.sampling import meter
from xlmr_lab.sampling.pairs import PairSampling

CPU = torch.device("cpu")
HALF = PairSampling(share=0.5, alpha=1.0)


class ByteTokenizer:
    """One piece per byte."""

    size = 300
    fingerprint = "bytes"

    def encode(self, texts, language):
        """Return the bytes, behind the specials."""
        return [np.frombuffer(t.encode(), np.uint8).astype(np.int32) + 4 for t in texts]


def write_pairs(folder: Path, *pairs: str) -> Path:
    """Encode 200 pairs of sentences for each pair of languages."""
    texts = {
        pair: lambda pair=pair: ((str(i), f"{pair} says {i}\nand {i} again") for i in range(200))
        for pair in pairs
    }
    folder.mkdir(parents=True, exist_ok=True)
    encode(texts, PairEncoder(ByteTokenizer()), folder, heldout_fraction=0.1)
    return folder


@pytest.fixture(scope="module")
def pairs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs"), "en+sw", "sw+ur")


@pytest.fixture
def both(shards: TokenShards, pairs_folder: Path) -> TokenShards:
    return shards.with_pairs(TokenShards.open(pairs_folder))


@pytest.fixture
def run(make_run) -> PretrainRun:
    return dataclasses.replace(make_run(), tlm=HALF)


def records(folder: Path, kind: str) -> list[dict]:
    return [r for r in storage.read_jsonl(folder / "metrics.jsonl") if r["kind"] == kind]


def test_a_share_of_the_blocks_is_parallel_and_told_apart(
    run: PretrainRun, shards_folder: Path, pairs_folder: Path, both: TokenShards, tmp_path: Path
):
    pretrain(tmp_path, shards_folder, run, pairs_folder=pairs_folder, threads=1)
    last = records(tmp_path, "step")[-1]
    assert set(last["draws"]) == {"en", "sw", "ur"}
    single, paired = (sum(last[name].values()) for name in ("draws", "pair_draws"))
    assert single + paired == 4 * 12
    assert 12 < paired < 36
    (passes,) = records(tmp_path, "passes")[-1:]
    for key, count in last["pair_draws"].items():
        assert passes["pair_passes"][key] == count / both.num_blocks(key, 16)
        assert passes["pair_shares"][key] == count / 48
    assert set(records(tmp_path, "heldout")[-1]["loss_by_language"]) == {"en", "sw", "ur"}


def test_expected_passes_count_the_share(run: PretrainRun, both: TokenShards):
    """Half of 48 blocks are of pairs, in proportion to their text."""
    blocks = {pair: both.num_blocks(pair, 16) for pair in both.pairs}
    mean = 24 / sum(blocks.values())
    assert repetition.pair_passes(run, both) == pytest.approx(dict.fromkeys(blocks, mean))
    draws = meter.expected_draws(sampling_phases(run, both), run.length)
    single = {key: draws[key] / both.num_blocks(key, 16) for key in run.languages}
    assert repetition.plan(run, both).passes() == pytest.approx(single)
    assert sum(draws[key] for key in run.languages) == pytest.approx(24)


def test_pairs_repeated_too_often_are_told_apart_with_their_own_remedy(
    run: PretrainRun, both: TokenShards
):
    limit = repetition.pair_passes(run, both)["en+sw"] * 0.99
    single, pairs = repetition.warnings(run, both, limit)
    assert "of 3 languages will be gone through" in single
    assert "set " in single
    assert "tlm" not in single
    assert pairs.startswith("2 of 2 pairs of languages will be gone through more than ")
    assert "; a smaller tlm.share" in pairs
    assert "set " not in pairs
    assert repetition.warnings(run, both, 100.0) == []


def test_what_a_warning_on_languages_advises_ends_it_beside_parallel_text(
    run: PretrainRun, both: TokenShards
):
    """The steps it advises draw half of their blocks from single languages."""
    run = configs.override(run, ["pretrain.steps=100"])
    limit = repetition.plan(run, both).mean_passes() / 2
    told = repetition.warning(run, both, limit)
    assert told
    steps = int(told.partition("set pretrain.steps=")[2].partition(",")[0])
    for count, ends in ((steps, True), (steps + 1, False)):
        mended = configs.override(run, [f"pretrain.steps={count}"])
        assert (repetition.warning(mended, both, limit) is None) == ends


def test_a_cap_is_on_what_is_drawn_of_single_languages(make_run, both: TokenShards):
    blocks = both.num_blocks("ur", 16)
    capped = {"schedule": "capped", "max_passes": 10 / blocks}
    run = dataclasses.replace(make_run(alpha=0.0, sampling=capped), tlm=HALF)
    assert max(repetition.plan(run, both).passes().values()) <= 10 / blocks * (1 + 1e-9)
    assert 24 / 3 < 10
    q = sampling_phases(run, both)[0].probabilities
    assert q["ur"] == pytest.approx(8 / 48)


def test_a_run_with_parallel_text_goes_on_exactly(
    run: PretrainRun, shards_folder: Path, pairs_folder: Path, tmp_path: Path
):
    model = dataclasses.replace(run.model, language_embeddings=True)
    run = dataclasses.replace(run, model=model)
    final = pretrain(tmp_path, shards_folder, run, pairs_folder=pairs_folder, threads=1)
    names = ("model.safetensors", "optimizer.safetensors", "state.json")
    before = {name: (final / name).read_bytes() for name in names}
    shutil.rmtree(final)
    pretrain(tmp_path, shards_folder, run, pairs_folder=pairs_folder, threads=1)
    assert {name: (final / name).read_bytes() for name in names} == before


def test_a_block_of_a_pair_teaches_the_embeddings_of_both_languages(
    run: PretrainRun, both: TokenShards
):
    run = dataclasses.replace(
        run,
        languages=("ur", "sw", "en"),
        model=dataclasses.replace(run.model, language_embeddings=True),
        batches=dataclasses.replace(run.batches, batch_sequences=1),
    )
    training = Training(run, both, device=CPU)
    seen = set()
    for _ in range(40):
        training.advance()
        (key,) = training._unseen[-1].languages
        taught = training.model.encoder.language_embedding.weight.grad.any(dim=1)
        languages = {run.languages[k] for k in taught.nonzero().flatten().tolist()}
        assert languages <= set(key.split("+"))
        seen.add((key, *sorted(languages)))
    assert ("en+sw", "en", "sw") in seen


@pytest.mark.parametrize("begun", ["with", "without"])
def test_a_run_does_not_go_on_with_another_share(
    run: PretrainRun, shards_folder: Path, pairs_folder: Path, tmp_path: Path, begun: str
):
    plain = dataclasses.replace(run, tlm=PairSampling())
    kinds = {"with": (run, pairs_folder), "without": (plain, None)}
    first, folder = kinds.pop(begun)
    pretrain(tmp_path, shards_folder, first, pairs_folder=folder, threads=1)
    ((other, folder),) = kinds.values()
    with pytest.raises(UserError, match=r"other settings: tlm.share is (None|0.5) there and"):
        pretrain(tmp_path, shards_folder, other, pairs_folder=folder, threads=1)


def test_a_run_does_not_go_on_with_other_parallel_text(
    run: PretrainRun, shards_folder: Path, pairs_folder: Path, tmp_path: Path
):
    pretrain(tmp_path / "run", shards_folder, run, pairs_folder=pairs_folder, threads=1)
    other = write_pairs(tmp_path / "pairs", "en+sw", "en+ur")
    with pytest.raises(UserError, match=r"other settings: shards is \w+ there and \w+ here"):
        pretrain(tmp_path / "run", shards_folder, run, pairs_folder=other, threads=1)


def test_a_run_begun_before_there_was_parallel_text_goes_on(
    make_run, shards_folder: Path, tmp_path: Path
):
    final = pretrain(tmp_path, shards_folder, make_run(), threads=1)
    shutil.rmtree(final)
    config = storage.read_json(tmp_path / "config.json")
    del config["tlm"]
    storage.write_json(tmp_path / "config.json", config)
    assert pretrain(tmp_path, shards_folder, make_run(), threads=1) == final


def test_a_share_without_text_and_text_without_a_share_are_refused(
    run: PretrainRun, make_run, shards: TokenShards, both: TokenShards
):
    with pytest.raises(UserError, match=r"share is 0.5 and the pairs of parallel text are none"):
        check(run, shards)
    with pytest.raises(UserError, match=r"share is None and .* are en\+sw, sw\+ur; give both"):
        check(make_run(), both)


def test_a_pair_of_a_language_outside_the_run_is_refused(run: PretrainRun, both: TokenShards):
    alone = dataclasses.replace(run, languages=("en", "sw"))
    with pytest.raises(UserError, match=r"parallel text of sw\+ur, but ur is none of the run's"):
        check(alone, both)


def test_changed_token_files_of_pairs_are_noticed(
    run: PretrainRun, shards_folder: Path, tmp_path: Path
):
    folder = write_pairs(tmp_path / "pairs", "en+sw")
    path = folder / "en+sw.train.bin"
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    (folder / "shards.json").touch()
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"en\+sw.train.bin has changed since it was encoded"):
        pretrain(tmp_path / "run", shards_folder, run, pairs_folder=folder, threads=1)
