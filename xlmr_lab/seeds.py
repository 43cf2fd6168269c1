"""Named random streams: every draw comes from a stream derived from a seed and a purpose.

`generator(seed, "masking", step)` and `generator(seed, "draws", step)` are independent, and neither
depends on what was drawn before. The names are hashed with SHA-256, so a stream is the same on
every machine and in every process.
"""

import hashlib
import operator

import numpy as np

Name = str | int


def words(seed: int, *names: Name) -> list[int]:
    """Return eight 32-bit words that name a stream; NumPy's integers name the same as Python's."""
    parts = [f"str:{n}" if isinstance(n, str) else f"int:{operator.index(n)}" for n in names]
    text = "\x1f".join([str(operator.index(seed)), *parts])
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]


def generator(seed: int, *names: Name) -> np.random.Generator:
    """Return the NumPy generator of a named stream.

    >>> bool(generator(1, "a").random() == generator(1, "a").random())
    True
    >>> bool(generator(1, "a").random() == generator(1, "b").random())
    False
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words(seed, *names))))


def integer(seed: int, *names: Name) -> int:
    """Return a seed in [0, 2**63) for libraries that take one integer, as torch does."""
    low, high, *_ = words(seed, *names)
    return (high << 32 | low) & (2**63 - 1)
