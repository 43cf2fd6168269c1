"""Named random streams: stable, distinct, and independent of how an integer is stored."""

import hashlib
import itertools
import struct

import numpy as np
import pytest

from xlmr_lab import seeds


def test_a_stream_is_the_same_on_every_machine() -> None:
    digest = hashlib.sha256(b"1\x1fstr:masking\x1fint:7").digest()
    words = struct.unpack("<8I", digest)
    assert seeds.words(1, "masking", 7) == list(words)
    assert seeds.integer(1, "masking", 7) == words[0] + (words[1] % 2**31 << 32)
    draws = seeds.generator(1, "masking", 7).integers(0, 1000, 5)
    assert draws.tolist() == [530, 399, 671, 511, 771]


def test_other_seeds_names_and_orders_are_other_streams() -> None:
    streams = [
        seeds.integer(1),
        seeds.integer(2),
        seeds.integer(1, "a"),
        seeds.integer(1, "b"),
        seeds.integer(1, "a", "b"),
        seeds.integer(1, "b", "a"),
        seeds.integer(1, "ab"),
        seeds.integer(1, "a", 1),
        seeds.integer(1, "a", "1"),
        seeds.integer(11, "a"),
    ]
    assert len(set(streams)) == len(streams)


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint8])
def test_numpy_integers_name_the_stream_of_the_same_number(kind: type) -> None:
    assert seeds.words(kind(3), "step", kind(5)) == seeds.words(3, "step", 5)


def test_a_number_that_is_no_integer_is_refused() -> None:
    with pytest.raises(TypeError):
        seeds.words(1, 0.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        seeds.words(1.0)  # type: ignore[arg-type]


def test_integers_fit_what_torch_takes() -> None:
    drawn = [seeds.integer(0, n) for n in range(1000)]
    assert all(0 <= n < 2**63 for n in drawn)
    assert max(drawn) > 2**62


def test_neighbouring_streams_are_uncorrelated() -> None:
    streams = [seeds.generator(1, "draws", step).standard_normal(4000) for step in range(4)]
    for a, b in itertools.combinations(streams, 2):
        assert abs(np.corrcoef(a, b)[0, 1]) < 0.06  # four standard errors
