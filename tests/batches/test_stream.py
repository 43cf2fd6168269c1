"""The stream: exact resume, one pass at a time, shares by probability, fixed held-out blocks.

Run with: pytest tests/batches/test_stream.py
"""

import dataclasses
import hashlib
import json
import shutil
from collections import Counter

import numpy as np
import pytest

from xlmr_lab import languages
from xlmr_lab.batches import packing
from xlmr_lab.batches.shards import TokenShards, encode, token_path
from xlmr_lab.batches.stream import (
    BatchConfig,
    BlockStream,
    StreamState,
    draw_languages,
    heldout_blocks,
    heldout_masked,
    upper_edges,
)
from xlmr_lab.errors import UserError
from xlmr_lab.sampling.exponent import probabilities
from xlmr_lab.sampling.schedules import Length, Phase, phases
from xlmr_lab.sampling.settings import SamplingConfig

CONFIG = BatchConfig(block_tokens=32, batch_sequences=16)


@pytest.fixture
def stream(shards):
    return make(shards)


def make(shards, *, alpha=0.3, seed=1, config=CONFIG):
    q = probabilities(shards.sizes("blocks", config.block_tokens), alpha)
    return BlockStream(shards, [Phase(1, q)], config=config, seed=seed)


def take(stream, state, count):
    """Return that many batches and the state after them."""
    batches = []
    for _ in range(count):
        batch, state = stream.next(state)
        batches.append(batch)
    return batches, state


def assert_same(some, others):
    for a, b in zip(some, others, strict=True):
        np.testing.assert_array_equal(a.tokens, b.tokens)
        assert a.languages == b.languages


@pytest.mark.parametrize("wrong", [300, 2**16 - 1])
def test_an_id_beyond_the_vocabulary_is_refused_where_it_is_drawn(shards, tmp_path, wrong):
    key = shards.languages[0]
    folder = tmp_path / "shards"
    shutil.copytree(shards.folder, folder)
    for name in ("train", "heldout"):
        tokens = np.memmap(token_path(folder, key, name), dtype="<u2", mode="r+")
        tokens[7] = wrong
        tokens.flush()
    broken = TokenShards.open(folder)
    assert broken.vocab_size == 300
    told = (
        rf"shards of {key} at .* hold id {wrong}, .* ids up to 299; delete that folder and encode"
    )
    whole = make(broken, alpha=1.0)
    with pytest.raises(UserError, match=told):
        take(whole, whole.start(), 1000)
    with pytest.raises(UserError, match=told):
        heldout_blocks(broken, key, CONFIG, 10_000)
    with pytest.raises(UserError, match=r"shards of sw .* hold id -1, "):
        shards.require_ids(np.array([[4, 5], [6, -1]]), ["en", "sw"])


def test_a_batch_holds_whole_blocks_of_the_languages_it_names(shards, stream):
    batch, _ = stream.next(stream.start())
    assert batch.tokens.shape == (16, 32)
    assert batch.tokens.dtype == np.int32
    blocks = {
        key: {
            packing.block(shards.tokens(key, "train"), k, 32).tobytes()
            for k in range(stream.num_blocks[key])
        }
        for key in shards.languages
    }
    for row, language in zip(batch.tokens, batch.languages, strict=True):
        assert row.tobytes() in blocks[language]


def test_a_resumed_stream_goes_on_bit_for_bit(shards, stream):
    whole, end = take(stream, stream.start(), 12)
    first, middle = take(stream, stream.start(), 5)
    saved = json.dumps(dataclasses.asdict(middle))
    rest, resumed_end = take(make(shards), StreamState(**json.loads(saved)), 7)
    assert_same(whole, first + rest)
    assert resumed_end == end


def test_a_state_stays_as_it_was(stream):
    state = stream.start()
    stream.next(state)
    assert state == stream.start()
    assert_same([stream.next(state)[0]], [stream.next(state)[0]])


def test_every_block_is_seen_once_before_any_is_seen_again(stream):
    size = stream.num_blocks["ur"]
    ur = np.full(3 * size, stream.languages.index("ur"))
    passes = stream.block_indices(ur, np.arange(3 * size)).reshape(3, size)
    assert (np.sort(passes, axis=1) == np.arange(size)).all()
    assert (passes[0] != passes[1]).any()
    second = packing.permuted(range(size), size, packing.pass_keys(1, "ur", 1))
    packing.pass_keys.cache_clear()
    assert passes[1].tolist() == second.tolist()
    assert stream.block_indices(ur, np.arange(3 * size)).tolist() == passes.ravel().tolist()


def test_draws_do_not_depend_on_how_they_are_grouped(stream):
    languages = np.random.default_rng(0).integers(0, len(stream.languages), 400)
    draws = np.random.default_rng(1).integers(0, 5 * max(stream.num_blocks.values()), 400)
    together = stream.block_indices(languages, draws)
    one_by_one = [stream.block_indices(languages[i : i + 1], draws[i : i + 1]) for i in range(400)]
    assert together.tolist() == np.concatenate(one_by_one).tolist()


def test_batches_take_the_draws_in_order(shards, stream):
    batches, state = take(stream, stream.start(), 30)
    for place, language in enumerate(stream.languages):
        rows = [
            row
            for batch in batches
            for row, drawn in zip(batch.tokens, batch.languages, strict=True)
            if drawn == language
        ]
        draws = np.arange(state.draws[language])
        indices = stream.block_indices(np.full(len(draws), place), draws)
        tokens = shards.tokens(language, "train")
        for row, index in zip(rows, indices, strict=True):
            np.testing.assert_array_equal(row, packing.block(tokens, int(index), 32))


def test_the_state_counts_blocks_and_passes(stream):
    batches, state = take(stream, stream.start(), 20)
    drawn = Counter(language for batch in batches for language in batch.languages)
    assert state.draws == drawn
    assert state.step == 20
    for language, number in stream.passes(state).items():
        assert number == drawn[language] / stream.num_blocks[language]


@pytest.mark.slow
def test_shares_of_a_million_draws_lie_within_sampling_error(shards):
    """Five standard deviations for each language, and chi-square over the three: 13.8 is passed
    once in a thousand seeds.
    """
    stream = make(shards, config=BatchConfig(block_tokens=32, batch_sequences=50_000))
    q = probabilities(shards.sizes("blocks", 32), 0.3)
    _, state = take(stream, stream.start(), 20)
    assert sum(state.draws.values()) == 1_000_000
    for language, drawn in state.draws.items():
        error = (q[language] * (1 - q[language]) / 1e6) ** 0.5
        assert abs(drawn / 1e6 - q[language]) < 5 * error, language
    chi_square = sum((drawn - 1e6 * q[k]) ** 2 / (1e6 * q[k]) for k, drawn in state.draws.items())
    assert chi_square < 13.8


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_shares_of_a_hundred_languages_lie_within_sampling_error(alpha):
    """The paper's hundred as they are drawn, without text: a million points among their edges."""
    sizes = {key: language.size_gib for key, language in languages.LANGUAGES.items()}
    q = probabilities(sizes, alpha)
    edges = upper_edges(Phase(1, q), sorted(q))
    draws = (draw_languages(edges, step, seed=1, count=100_000) for step in range(10))
    counts = sum(np.bincount(drawn, minlength=len(q)) for drawn in draws)
    expected = 1e6 * np.array([q[key] for key in sorted(q)])
    error = np.sqrt(expected * (1 - expected / 1e6))
    assert (np.abs(counts - expected) < 5 * error).all()
    assert ((counts - expected) ** 2 / expected).sum() < 148.2  # of 99, once in a thousand


def test_each_block_is_drawn_as_often_as_the_passes_say_rounded_down_or_up(shards, stream):
    batches, state = take(stream, stream.start(), 60)
    rows = [zip(batch.languages, batch.tokens, strict=True) for batch in batches]
    seen = Counter((key, tokens.tobytes()) for batch in rows for key, tokens in batch)
    for language, passes in stream.passes(state).items():
        tokens = shards.tokens(language, "train")
        blocks = range(stream.num_blocks[language])
        counts = [seen[language, packing.block(tokens, k, 32).tobytes()] for k in blocks]
        assert passes == sum(counts) / len(counts)
        assert set(counts) <= {int(passes), int(passes) + 1}
    assert max(stream.passes(state).values()) > 2


def scheduled(shards, *, steps, config=CONFIG, **settings):
    """Return the stream of a schedule and its phases."""
    sampling = SamplingConfig(**settings)
    sizes = shards.sizes("blocks", config.block_tokens)
    found = phases(sampling, sizes, Length(steps, config.batch_sequences))
    return BlockStream(shards, found, config=config, seed=1), found


def test_a_language_joins_at_its_very_step(shards):
    """Of 20 steps 10 go before: Swahili may be in the 11th batch and is in none before it."""
    config = BatchConfig(block_tokens=32, batch_sequences=400)
    stream, _ = scheduled(
        shards, steps=20, config=config, schedule="annealed", alpha=0.0, starts=("sw:0.5",)
    )
    batches, state = take(stream, stream.start(), 20)
    present = ["sw" in batch.languages for batch in batches]
    assert present == 10 * [False] + 10 * [True]
    assert state.draws["sw"] == sum(batch.languages.count("sw") for batch in batches)


def test_an_exponent_changes_at_its_very_step_and_nowhere_else(shards):
    """Up to the change batches are those of the first exponent, after it those of the second."""
    settings = {"alpha": 1.0, "later_alphas": (0.0,), "changes": (0.6,)}
    stream, _ = scheduled(shards, steps=10, schedule="annealed", **settings)
    streams = stream, make(shards, alpha=1.0), make(shards, alpha=0.0)
    for step in range(10):
        state = StreamState(step, stream.start().draws)
        ours, first, second = (each.next(state)[0].languages for each in streams)
        assert ours == (first if step < 6 else second)
        assert first != second


def test_a_stream_resumed_before_or_after_a_change_goes_on_bit_for_bit(shards):
    settings = {"schedule": "annealed", "later_alphas": (0.0,), "changes": (0.5,)}
    settings |= {"alpha": 1.0, "starts": ("ur:0.75",)}
    stream, _ = scheduled(shards, steps=12, **settings)
    whole, end = take(stream, stream.start(), 12)
    for stop in (5, 6, 7, 9, 10):
        first, middle = take(stream, stream.start(), stop)
        saved = json.dumps(dataclasses.asdict(middle))
        again, _ = scheduled(shards, steps=12, **settings)
        rest, resumed_end = take(again, StreamState(**json.loads(saved)), 12 - stop)
        assert_same(whole, first + rest)
        assert resumed_end == end


def test_capped_passes_are_kept_within_sampling_error(shards):
    sizes = shards.sizes("blocks", 32)
    steps = int(1.5 * sum(sizes.values()) / 16)
    stream, found = scheduled(shards, steps=steps, schedule="capped", alpha=0.0, max_passes=2.0)
    _, state = take(stream, stream.start(), steps)
    for language, drawn in state.draws.items():
        q = found[0].probabilities[language]
        error = (16 * steps * q * (1 - q)) ** 0.5
        assert drawn <= 2 * sizes[language] + 4 * error
    assert stream.passes(state)["ur"] > 1.5


def test_draws_of_a_constant_exponent_are_those_of_every_version(shards):
    """Pinned: runs of the default settings draw the same blocks as ever."""
    stream = make(shards)
    batches, state = take(stream, stream.start(), 12)
    digest = hashlib.sha256()
    for batch in batches:
        digest.update(batch.tokens.tobytes() + ",".join(batch.languages).encode())
    assert state.draws == {"en": 94, "sw": 50, "ur": 48}
    assert digest.hexdigest()[:16] == "706c643e0c6cccca"


def test_the_order_of_the_probabilities_changes_nothing(shards, stream):
    q = probabilities(shards.sizes("blocks", 32), 0.3)
    turned = BlockStream(shards, [Phase(1, dict(reversed(q.items())))], config=CONFIG, seed=1)
    assert_same(take(stream, stream.start(), 3)[0], take(turned, turned.start(), 3)[0])


def test_another_seed_gives_other_batches(shards, stream):
    other = make(shards, seed=2)
    a, b = stream.next(stream.start())[0], other.next(other.start())[0]
    assert (a.tokens != b.tokens).any()


def test_a_language_may_be_left_out(shards):
    stream = BlockStream(shards, [Phase(1, {"en": 0.5, "sw": 0.5})], config=CONFIG, seed=1)
    batches, _ = take(stream, stream.start(), 5)
    assert {language for batch in batches for language in batch.languages} == {"en", "sw"}


def test_held_out_blocks_are_distinct_blocks_of_the_held_out_text(shards):
    found = heldout_blocks(shards, "en", CONFIG, 10)
    assert found.shape == (10, 32)
    tokens = shards.tokens("en", "heldout")
    size = packing.num_blocks(len(tokens), 32)
    every = [packing.block(tokens, k, 32).tobytes() for k in range(size)]
    places = [every.index(row.tobytes()) for row in found]
    assert len(set(places)) == 10
    assert max(places) > size / 2  # not the head of the file
    assert len(heldout_blocks(shards, "en", CONFIG, 10**6)) == size


def test_held_out_masks_are_the_same_in_every_run(folder, shards):
    again = heldout_masked(TokenShards.open(folder), "sw", CONFIG, 8)
    for a, b in zip(heldout_masked(shards, "sw", CONFIG, 8), again, strict=True):
        np.testing.assert_array_equal(a, b)
    # Pinned: a changed draw would make losses of different versions differ for no reason.
    assert again.positions[0].tolist() == [19, 20, 25, 27, 28]
    other = dataclasses.replace(CONFIG, batch_sequences=3, heldout_fraction=0.5)
    same = heldout_masked(shards, "sw", other, 8)
    np.testing.assert_array_equal(same.inputs, again.inputs)


def test_a_language_shorter_than_a_block_is_named(shards):
    config = BatchConfig(block_tokens=5000, batch_sequences=2)
    q = {"en": 0.5, "ur": 0.5}
    with pytest.raises(
        UserError, match=r"ur has \d+ tokens in its train part, fewer than one .* 5000"
    ):
        BlockStream(shards, [Phase(1, q)], config=config, seed=1)
    with pytest.raises(UserError, match=r"ur has \d+ tokens in its heldout part"):
        heldout_blocks(shards, "ur", config, 4)


def test_a_language_without_shards_is_named(shards):
    with pytest.raises(UserError, match="no token shards for 'de'"):
        BlockStream(shards, [Phase(1, {"de": 1.0})], config=CONFIG, seed=1)


def test_streams_of_equal_shards_are_equal_wherever_they_lie(
    stream, documents, tokenizer, tmp_path
):
    encode(documents, tokenizer, tmp_path, heldout_fraction=0.1)
    elsewhere = make(TokenShards.open(tmp_path))
    assert_same(take(stream, stream.start(), 3)[0], take(elsewhere, elsewhere.start(), 3)[0])


@pytest.mark.parametrize(
    "setting", [{"block_tokens": 1}, {"batch_sequences": 0}, {"heldout_fraction": 1.0}]
)
def test_settings_out_of_range_are_refused_by_name(setting):
    with pytest.raises(UserError, match=next(iter(setting))):
        BatchConfig(**setting)
