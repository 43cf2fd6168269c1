"""Packing: members one after the other, damage that costs one of them, and the window over it."""

import bz2
import gzip
import io
import lzma
import re
from collections.abc import Callable

import pytest
import zstandard

from xlmr_lab.corpus import packing
from xlmr_lab.corpus.packing import Window
from xlmr_lab.corpus.unreadable import PackingError

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}
PARTS = [bytes(f"member {i} ", "ascii") * (50 + i) for i in range(5)]


def pieces(data: bytes, name: str) -> tuple[bytes, list[str]]:
    """Return all that can be read, and the reasons of what cannot."""
    stream, got, reasons = packing.unpacked(io.BytesIO(data), name), b"", []
    while True:
        try:
            more = stream.read1(1 << 16)  # type: ignore[attr-defined]
        except PackingError as error:
            reasons.append(error.reason)
            continue
        if not more:
            return got, reasons
        got += more


@pytest.mark.parametrize("name", PACK)
def test_members_follow_each_other(name: str) -> None:
    data = b"".join(map(PACK[name], PARTS))
    assert packing.sniff(data[:8]) == name
    assert pieces(data, name) == (b"".join(PARTS), [])
    assert pieces(data + b"\0" * 512, name) == (b"".join(PARTS), [])
    assert pieces(b"", name) == (b"", [])


def test_what_is_not_packed_is_told_by_its_first_bytes() -> None:
    assert packing.sniff(b"WARC/1.0") is None
    assert packing.sniff(b"") is None
    raw = io.BytesIO(b"as it is")
    assert packing.unpacked(raw, None) is raw


@pytest.mark.parametrize("name", PACK)
def test_a_broken_member_costs_itself(name: str) -> None:
    members = list(map(PACK[name], PARTS))
    broken = bytearray(members[2])
    broken[len(broken) // 2] ^= 0xFF
    got, reasons = pieces(b"".join((*members[:2], bytes(broken), *members[3:])), name)
    assert reasons == ["broken_compression"]
    assert got.startswith(PARTS[0] + PARTS[1])
    assert got.endswith(PARTS[3] + PARTS[4])


@pytest.mark.parametrize("name", PACK)
def test_bytes_between_members_are_passed_over(name: str) -> None:
    members = list(map(PACK[name], PARTS))
    got, reasons = pieces(members[0] + b"no packing at all" * 9000 + members[1], name)
    assert (got, reasons) == (PARTS[0] + PARTS[1], ["broken_compression"])


@pytest.mark.parametrize("name", PACK)
@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_cut_is_told_once(name: str, cut: int) -> None:
    members = list(map(PACK[name], PARTS))
    got, reasons = pieces(b"".join(members)[:-cut], name)
    assert reasons == ["truncated"]
    assert got.startswith(b"".join(PARTS[:4]))


@pytest.mark.parametrize("name", PACK)
def test_much_from_little_comes_in_small_steps(name: str) -> None:
    data = PACK[name](b"\0" * 30_000_000)
    stream = packing.unpacked(io.BytesIO(data), name)
    sizes = []
    while more := stream.read1(1 << 26):  # type: ignore[attr-defined]
        sizes.append(len(more))
    assert sum(sizes) == 30_000_000
    assert max(sizes) <= packing.UNPACKED_BYTES * (32 if name == "zst" else 1)


def test_a_window_looks_ahead_and_finds() -> None:
    window = Window(io.BufferedReader(io.BytesIO(b"x" * 200_000 + b"<page>one</page>rest")))
    assert window.fill(3) >= 3
    assert window.seek(re.compile(b"<page>"), 6)
    assert window.offset == 200_000
    assert window.fill(100) == 20
    assert window.find(re.compile(b"</page>")) == (9, 16)
    assert window.peek(6, 9) == b"one"
    window.advance(16)
    assert not window.seek(re.compile(b"<page>"), 6)
    assert window.fill(1) == 0


def test_a_window_ends_at_a_break_and_goes_on_behind_it() -> None:
    members = [gzip.compress(part) for part in (b"one", b"two", b"three")]
    data = members[0] + members[1][:-6] + b"XX" + members[1][-4:] + members[2]
    window = Window(packing.unpacked(io.BytesIO(data), "gz"))
    assert window.peek(0, window.fill(100)) == b"one"
    with pytest.raises(PackingError):
        window.check()
    window.clear()
    assert window.peek(0, window.fill(100)) == b"three"
    window.check()
