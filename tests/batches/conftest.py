"""A tokenizer double and small shards for the batch tests."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from xlmr_lab.batches.shards import TokenShards, encode

COUNTS = {"en": 900, "sw": 150, "ur": 90}


class ByteTokenizer:
    """One piece per byte."""

    def __init__(self, size: int = 300) -> None:
        self.size = size
        self.fingerprint = f"bytes-{size}"

    def encode(self, texts: Sequence[str], language: str | None = None) -> list[np.ndarray]:
        """Return the bytes, behind the specials."""
        return [np.frombuffer(t.encode(), np.uint8).astype(np.int32) + 4 for t in texts]


@pytest.fixture(scope="session")
def tokenizer() -> ByteTokenizer:
    """One piece per byte."""
    return ByteTokenizer()


@pytest.fixture(scope="session")
def large_tokenizer() -> ByteTokenizer:
    """One piece per byte, with more ids than 16 bits hold."""
    return ByteTokenizer(65_537)


@pytest.fixture(scope="session")
def documents() -> dict[str, Callable[[], Iterator[tuple[str, str]]]]:
    """Documents of two paragraphs in three languages; each text says which it is."""
    texts = {
        key: [(f"doc-{i}", f"{key} {i}\nand more\n") for i in range(count)]
        for key, count in COUNTS.items()
    }
    return {key: (lambda found=found: iter(found)) for key, found in texts.items()}


@pytest.fixture(scope="session")
def folder(documents, tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of token shards in three languages."""
    made = tmp_path_factory.mktemp("shards")
    encode(documents, tokenizer, made, heldout_fraction=0.1)
    return made


@pytest.fixture(scope="session")
def shards(folder: Path) -> TokenShards:
    """The same, opened."""
    return TokenShards.open(folder)
