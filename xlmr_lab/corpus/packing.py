"""Packed bytes as a stream: gzip, bzip2, xz and zstd, and a window that moves over them.

The four packings are read in one way: a file is a row of members (streams, frames), each unpacked
by itself, as web archives pack each record and Wikipedia packs its dumps. A member that is broken
or cut off is a `PackingError`; whoever reads on gets what follows the next member's first bytes.
The libraries' own file objects stop for good at that place, and zstd's takes a cut for the end.
"""

import bz2
import io
import lzma
import re
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple, cast

import zstandard

from xlmr_lab.corpus.unreadable import PackingError

PACKED_BYTES = 1 << 16
"""Packed bytes that are read at a time."""

UNPACKED_BYTES = 1 << 20
"""Bytes that one step of unpacking gives at most, but for zstd, which is fed less at a time."""

MAX_RECORD_BYTES = 16 << 20
"""The largest record of a web archive, or page of a dump, that is read (bytes, unpacked)."""


class _Packing(NamedTuple):
    magic: bytes
    """The bytes that every member begins with."""
    begin: Callable[[], Any]
    """Makes the decoder of one member."""
    feed_bytes: int = PACKED_BYTES
    """Packed bytes that the decoder gets at a time."""
    limit: tuple[int, ...] = (UNPACKED_BYTES,)
    """What the decoder is told to give at most, where it can be told."""


_PACKINGS = {
    "gz": _Packing(b"\x1f\x8b\x08", lambda: zlib.decompressobj(wbits=31)),
    "bz2": _Packing(b"BZh", bz2.BZ2Decompressor),
    "xz": _Packing(b"\xfd7zXZ\0", lzma.LZMADecompressor),
    "zst": _Packing(
        b"\x28\xb5\x2f\xfd", lambda: zstandard.ZstdDecompressor().decompressobj(), 1 << 12, ()
    ),
}

_BROKEN = (zlib.error, OSError, ValueError, lzma.LZMAError, EOFError, zstandard.ZstdError)
"""What the decoders raise for bytes that are not of their packing."""


def sniff(opening: bytes) -> str | None:
    """Return the packing that a file's first bytes tell, None where it is not packed."""
    matching = (name for name, packing in _PACKINGS.items() if opening.startswith(packing.magic))
    return next(matching, None)


def unpacked(raw: BinaryIO, packing: str | None) -> BinaryIO:
    """Return a stream of the bytes inside; None stands for a file that is not packed.

    Reading raises `PackingError` once for each member that is broken.
    """
    return raw if packing is None else io.BufferedReader(_Members(raw, packing), UNPACKED_BYTES)


class _Members(io.RawIOBase):
    """The bytes of a file's members, one after the other."""

    def __init__(self, raw: BinaryIO, packing: str) -> None:
        self._raw = raw
        self._packing = _PACKINGS[packing]
        self._decoder: Any = None
        self._input = b""
        self._ready = memoryview(b"")
        self._begun = False  # some member was found
        self._lost = False  # a member was broken, the next one is looked for

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            if self._decoder is None and not self._find_member():
                return 0
            self._ready = memoryview(self._unpack())
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _find_member(self) -> bool:
        """Begin the next member, behind padding or behind a broken one; False at the end."""
        while True:
            if self._lost:
                found = self._input.find(self._packing.magic)
                keep = len(self._packing.magic) - 1
                self._input = self._input[found:] if found >= 0 else self._input[-keep:]
            else:
                found = 0
                self._input = self._input.lstrip(b"\0") if self._begun else self._input
            if self._input and found >= 0:
                self._decoder, self._begun = self._packing.begin(), True
                return True
            more = self._raw.read(PACKED_BYTES)
            if not more:
                self._input = b""
                return False
            self._input += more

    def _unpack(self) -> bytes:
        """Return some more bytes of a member."""
        if not self._input and getattr(self._decoder, "needs_input", True):
            self._input = self._raw.read(PACKED_BYTES)
            if not self._input:
                self._decoder = None
                raise PackingError("truncated", "the file ended before its packing did")
        try:
            data = self._step()
        except _BROKEN as error:
            looked_for, self._lost = self._lost, True
            self._decoder, self._input = None, self._input[1:]
            if looked_for:
                return b""  # bytes that only looked like a member
            raise PackingError("broken_compression", str(error)) from None
        self._lost = self._lost and not data
        return data

    def _step(self) -> bytes:
        """Feed the decoder what there is, and keep what it leaves."""
        decoder = self._decoder
        size = self._packing.feed_bytes
        fed, rest = self._input[:size], self._input[size:]
        data = decoder.decompress(fed, *self._packing.limit)
        if decoder.eof:
            self._input, self._decoder = decoder.unused_data + rest, None
        else:
            self._input = getattr(decoder, "unconsumed_tail", b"") + rest
        return cast(bytes, data)


class Window:
    """The bytes of a stream from a place that only moves on, with room to look ahead.

    Where the stream is broken it seems to end: what comes before the break can still be read.
    `clear` moves on behind it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = cast(io.BufferedReader, stream)
        self._data = b""
        self._at = 0
        self._broken: PackingError | None = None
        self.offset = 0
        """Bytes of the stream before this place, as far as they could be unpacked."""

    def fill(self, size: int) -> int:
        """Try to have `size` bytes in sight, and return how many there are."""
        there = len(self._data) - self._at
        if there >= size or self._broken:
            return there
        parts = [self._data[self._at :]]
        try:
            while there < size and (more := self._stream.read1(PACKED_BYTES)):
                parts.append(more)
                there += len(more)
        except PackingError as error:
            self._broken = error
        self._data, self._at = b"".join(parts), 0
        return there

    def check(self) -> None:
        """Raise what broke the stream where it seems to end.

        Raises:
            PackingError: it is no true end.
        """
        if self._broken:
            raise self._broken

    def peek(self, start: int, end: int) -> bytes:
        """Return bytes in sight, counted from this place."""
        return self._data[self._at + start : self._at + end]

    def find(self, pattern: re.Pattern[bytes], start: int = 0) -> tuple[int, int] | None:
        """Return where the first match in sight begins and ends, counted from this place."""
        match = pattern.search(self._data, self._at + start)
        return match and (match.start() - self._at, match.end() - self._at)

    def advance(self, size: int) -> None:
        """Move over bytes in sight."""
        self._at += size
        self.offset += size

    def clear(self) -> None:
        """Move over everything in sight, and over what broke the stream."""
        self.advance(len(self._data) - self._at)
        self._broken = None

    def seek(self, pattern: re.Pattern[bytes], keep: int) -> bool:
        """Move on to the next match; `keep` is the length of a match at most.

        False at the end of the stream, where nothing is left in sight.

        Raises:
            PackingError: there is none before the stream is broken.
        """
        there = self.fill(keep)
        while True:
            match = self.find(pattern)
            if match is not None:
                self.advance(match[0])
                return True
            self.advance(max(0, there - keep))
            before, there = min(there, keep), self.fill(keep + 1)
            if there == before:
                self.check()
                self.clear()
                return False
