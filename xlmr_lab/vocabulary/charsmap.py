"""SentencePiece's compiled table of normalisation, `precompiled_charsmap`, to a dict and back.

The table is a length, a double array over the UTF-8 bytes of what is replaced (the trie of
darts-clone), and the replacements, each ended by a zero byte. Normalisation takes the longest entry
at each position from left to right.

A unit of the array has its label in the lowest byte, the flag of an entry that ends there in
bit 8, and the way to its children above; `node ^ label` is the child of a node.
"""

import struct
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from xlmr_lab.errors import UserError

_LABEL = 0x8000_00FF
_VALUE = 0x7FFF_FFFF
_ENDS_HERE = 1 << 8
_BLOCK = 256
"""Children of a node lie within an aligned block of this many units."""
_BYTES = [bytes([value]) for value in range(_BLOCK)]


def read(charsmap: bytes) -> dict[str, str]:
    """Return what is replaced, a character or several, with its replacement.

    Raises:
        UserError: the bytes are no such table.
    """
    if not charsmap:
        return {}
    try:
        (size,) = struct.unpack_from("<I", charsmap)
        units = np.frombuffer(charsmap, dtype="<u4", count=size // 4, offset=4).astype(np.int64)
        replacements = _texts(charsmap[4 + size :])
        entries = _entries(units)
        return {key.decode("utf-8"): replacements[place] for key, place in entries.items()}
    except (ValueError, KeyError, IndexError, struct.error):
        raise UserError(
            "the normalisation table of the SentencePiece model is damaged; copy the model again"
        ) from None


def write(rules: Mapping[str, str]) -> bytes:
    """Return the table of these replacements; equal rules give equal bytes."""
    texts = bytearray()
    places: dict[str, int] = {}
    for text in sorted(set(rules.values())):
        places[text] = len(texts)
        texts += text.encode("utf-8") + b"\0"
    trie: dict[int, Any] = {}
    for key in sorted(rules):
        node = trie
        for byte in key.encode("utf-8"):
            node = node.setdefault(byte, {})
        node[0] = places[rules[key]]
    units = _double_array(trie).astype("<u4").tobytes()
    return struct.pack("<I", len(units)) + units + bytes(texts)


def _texts(blob: bytes) -> dict[int, str]:
    """Return the zero-ended texts by the place where each begins."""
    found, place = {}, 0
    for text in blob.split(b"\0")[:-1]:
        found[place] = text.decode("utf-8")
        place += len(text) + 1
    return found


def _entries(units: npt.NDArray[np.int64]) -> dict[bytes, int]:
    """Return the value of each key, level by level of the trie."""
    labels = units & _LABEL
    (inner,) = np.nonzero((labels > 0) & (labels < _BLOCK))
    origins = inner ^ labels[inner]
    order = np.argsort(origins, kind="stable")
    inner, origins = inner[order], origins[order]
    found = {}
    places, keys = _children_at(units, np.zeros(1, dtype=np.int64)), [b""]
    while keys:
        starts = np.searchsorted(origins, places, "left")
        counts = np.searchsorted(origins, places, "right") - starts
        parents = np.repeat(np.arange(len(places)), counts)
        behind = np.arange(len(parents)) - np.repeat(np.cumsum(counts) - counts, counts)
        nodes = inner[np.repeat(starts, counts) + behind]
        steps = zip(parents.tolist(), labels[nodes].tolist(), strict=True)
        keys = [keys[parent] + _BYTES[label] for parent, label in steps]
        places = _children_at(units, nodes)
        for index in np.nonzero(units[nodes] & _ENDS_HERE)[0].tolist():
            found[keys[index]] = int(units[places[index]] & _VALUE)
    return found


def _children_at(
    units: npt.NDArray[np.int64], nodes: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return for each node the place from which `^ label` leads to its children."""
    values = units[nodes]
    return nodes ^ (values >> 10 << ((values & 1 << 9) >> 6))


def _double_array(trie: dict[int, Any]) -> npt.NDArray[np.uint32]:
    """Return a double array of nested dicts by label, in which 0 holds the value of an entry."""
    units, used, taken = [0] * _BLOCK, bytearray(_BLOCK), set()
    used[0] = 1
    first: dict[tuple[int, ...], int] = {}
    pending = deque([(0, trie)])
    while pending:
        place, node = pending.popleft()
        labels = tuple(sorted(node))
        start = first.get(labels, 0)  # places only fill up, so what was full stays full
        while start in taken or any(
            start ^ label < len(used) and used[start ^ label] for label in labels
        ):
            start += 1
        taken.add(start)
        first[labels] = start + 1
        missing = max(0, (start | _BLOCK - 1) + 1 - len(units))
        units += [0] * missing
        used += bytes(missing)
        units[place] |= (place ^ start) << 10 | (_ENDS_HERE if 0 in node else 0)
        for label in labels:
            used[start ^ label] = 1
            units[start ^ label] = label or node[0] | 1 << 31
            if label:
                pending.append((start ^ label, node[label]))
    return np.array(units, dtype=np.uint32)
