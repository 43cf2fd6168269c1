"""Pairs of sentences become a stream of tokens like any other, of which it is known which side each
token is on.

Run with: pytest tests/batches/test_pairs.py
"""

from pathlib import Path

import numpy as np
import pytest

from xlmr_lab import seeds
from xlmr_lab.batches.masking import IGNORE_INDEX, mask
from xlmr_lab.batches.pairs import LanguagePlaces, PairEncoder, ends_before, on_second_side
from xlmr_lab.batches.shards import TokenShards, encode
from xlmr_lab.batches.stream import BatchConfig, BlockStream, StreamState
from xlmr_lab.errors import UserError
from xlmr_lab.sampling.schedules import Phase
from xlmr_lab.vocabulary.special_tokens import BOS_ID, EOS_ID

NUM_LINES = 400
CONFIG = BatchConfig(block_tokens=16, batch_sequences=8)


class Capitals:
    """One piece per byte, of English those of capitals, so that a token tells its language."""

    size = 300
    fingerprint = "bytes-300"

    def encode(self, texts, language):
        """Return the bytes behind the specials."""
        said = [text.upper() if language == "en" else text for text in texts]
        return [np.frombuffer(t.encode(), np.uint8).astype(np.int32) + 4 for t in said]


def lines(prefix: str):
    """Return pairs whose second side is the longer one, named by their number."""
    return lambda: ((str(i), f"{prefix}{i}\nthe{prefix}{i}") for i in range(NUM_LINES))


@pytest.fixture(scope="module")
def pair_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    texts = {"en+sw": lines("m"), "en+ur": lines("k")}
    encode(texts, PairEncoder(Capitals()), folder, heldout_fraction=0.1)
    return folder


@pytest.fixture(scope="module")
def both(shards: TokenShards, pair_folder: Path) -> TokenShards:
    return shards.with_pairs(TokenShards.open(pair_folder))


def ids(text: str) -> list[int]:
    return [ord(c) + 4 for c in text]


def test_a_pair_is_encoded_each_side_in_its_language_with_the_ends_between() -> None:
    (found,) = PairEncoder(Capitals()).encode(["ab\ncd"], "en+sw")
    assert found.tolist() == [*ids("AB"), EOS_ID, EOS_ID, *ids("cd")]


def test_a_pair_that_lacks_a_side_is_no_text() -> None:
    found = PairEncoder(Capitals()).encode(["ab\n", "\ncd", "a\nb"], "en+sw")
    assert [len(pair) for pair in found] == [0, 0, 4]


def test_a_line_is_held_out_in_all_pairs_or_in_none(both: TokenShards) -> None:
    def numbers(pair: str) -> set[str]:
        tokens = both.tokens(pair, "heldout")
        told = "".join(" " if t == EOS_ID else chr(t - 4) for t in tokens.tolist())
        return {word[1:] for word in told.split() if word[0].isupper()}

    assert numbers("en+sw") == numbers("en+ur")
    assert 0 < len(numbers("en+sw")) < NUM_LINES / 3


def test_shards_of_pairs_stand_beside_those_of_languages(
    shards: TokenShards, both: TokenShards
) -> None:
    assert (both.languages, both.pairs) == (["en", "sw", "ur"], ["en+sw", "en+ur"])
    assert shards.pairs == []
    assert np.array_equal(both.tokens("sw"), shards.tokens("sw"))
    assert both.sizes("sentences", 16)["en+sw"] == 2 * both.counts("en+sw")["documents"]
    both.verify()


def test_shards_of_another_vocabulary_are_refused(shards: TokenShards, tmp_path: Path) -> None:
    other = PairEncoder(Capitals())
    other.fingerprint = "other"
    encode({"en+sw": lines("m")}, other, tmp_path, heldout_fraction=0.1)
    with pytest.raises(UserError, match="were encoded with vocabulary other, not bytes-300"):
        shards.with_pairs(TokenShards.open(tmp_path))


def stream_of(both: TokenShards) -> BlockStream:
    q = {"en": 0.3, "sw": 0.2, "en+sw": 0.3, "en+ur": 0.2}
    return BlockStream(both, [Phase(1, q)], config=CONFIG, seed=1)


def test_pairs_are_drawn_resumed_and_passed_as_languages_are(both: TokenShards) -> None:
    stream = stream_of(both)
    state, drawn = stream.start(), []
    size = stream.num_blocks["en+sw"]
    while state.draws["en+sw"] < size:
        batch, state = stream.next(state)
        blocks = zip(batch.languages, batch.blocks.tolist(), strict=True)
        drawn += [block for key, block in blocks if key == "en+sw"]
    assert sorted(drawn[:size]) == list(range(size))
    again, _ = stream_of(both).next(StreamState(state.step, dict(state.draws)))
    expected, _ = stream.next(state)
    assert np.array_equal(again.tokens, expected.tokens)


def test_both_sides_are_masked(both: TokenShards) -> None:
    stream = stream_of(both)
    state, chosen = stream.start(), np.zeros(2, dtype=int)
    for step in range(20):
        batch, state = stream.next(state)
        rng = seeds.generator(1, "masks", step)
        found = mask(batch.tokens, vocab_size=300, fraction=0.3, rng=rng)
        of_pairs = ["+" in key for key in batch.languages]
        targets = found.targets[of_pairs]
        targets = targets[targets != IGNORE_INDEX] - 4
        letters = [chr(t) for t in targets.ravel().tolist()]
        chosen += [sum(c.isupper() for c in letters), sum(c.islower() for c in letters)]
    assert (chosen > 20).all()


def test_each_token_has_the_language_of_its_side(both: TokenShards) -> None:
    """Letters tell it: capitals are English. Blocks begin anywhere in a pair."""
    stream = stream_of(both)
    places = LanguagePlaces(["sw", "en", "ur"], both, both.pairs, 16)
    state = stream.start()
    begins = set()
    for _ in range(60):
        batch, state = stream.next(state)
        found = places.of(batch)
        assert found.shape == batch.tokens.shape
        for key, row, languages in zip(
            batch.languages, batch.tokens.tolist(), found.tolist(), strict=True
        ):
            first, _, second = key.partition("+")
            own = {True: first, False: second or first}
            for token, place in zip(row, languages, strict=True):
                letter = chr(max(token - 4, 0))
                if letter.isalpha():
                    assert ["sw", "en", "ur"][place] == own[letter.isupper() or not second]
            begins.add((row[1] == EOS_ID, languages[1]))
            assert row[0] == BOS_ID
    assert len(begins) > 3


def test_ends_are_counted_before_each_block() -> None:
    """Blocks of `<s>` and three: `a </s> </s> | b </s> c | </s> </s> d`."""
    e, a = EOS_ID, 70
    stream = np.array([a, e, e, a, e, a, e, e, a, e], dtype=np.uint16)
    before = ends_before(stream, 4)
    assert before.tolist() == [0, 2, 3]
    rows = np.array([[BOS_ID, *stream[3 * k : 3 * k + 3]] for k in range(3)], dtype=np.int32)
    second = on_second_side(rows, before)
    assert second.tolist() == [[0, 0, 0, 1], [1, 1, 1, 0], [0, 0, 1, 1]]


def test_without_pairs_a_block_has_one_language(shards: TokenShards) -> None:
    stream = BlockStream(shards, [Phase(1, {"en": 0.5, "sw": 0.5})], config=CONFIG, seed=1)
    batch, _ = stream.next(stream.start())
    found = LanguagePlaces(["sw", "en"], shards, (), 16).of(batch)
    assert found.tolist() == [[["sw", "en"].index(key)] for key in batch.languages]
