"""How much memory the training of a vocabulary will take, and whether it is there.

The need is a sum: what a trainer holds of the text, of each character of it, of each character of a
distinct word, and of each candidate or id. The constants were fitted to the growth of the resident
memory of one process per run (`tests/benchmarks/vocabulary_memory.py`, SentencePiece 0.2.3 and
tokenizers 0.23.3): real text of ninety languages (5 to 100 MB), of scripts without spaces, of
English, and random words that never come again; 8k to 250k ids. They are set so that no run took
more than was predicted; natural text takes half of it or more. How many words are distinct is
measured before (`TextCounts.new_words`), because BPE and WordPiece hold those alone. Users of older
SentencePiece reported 70 GB for ten million sentences, some 45 bytes a character.
"""

import dataclasses
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.sentencepiece_trainer import needs_large_indices, num_seeds
from xlmr_lab.vocabulary.settings import LEAST_SIZE, Model, VocabularyConfig
from xlmr_lab.vocabulary.text_counts import TextCounts


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Bytes of memory for each thing that a trainer holds."""

    text_byte: float
    sentence: float
    character: float
    """After normalisation, spaces included, repeats too."""
    distinct_character: float
    """Of distinct words, a space with each."""
    candidate: float
    """Of unigram training; else for each id."""


COSTS: dict[Model, Costs] = {
    "unigram": Costs(
        text_byte=1.0, sentence=60.0, character=20.0, distinct_character=20.0, candidate=320.0
    ),
    "bpe": Costs(
        text_byte=1.0, sentence=60.0, character=0.0, distinct_character=70.0, candidate=550.0
    ),
    "wordpiece": Costs(
        text_byte=0.0, sentence=0.0, character=0.0, distinct_character=100.0, candidate=550.0
    ),
}
FIXED_BYTES = 40_000_000
"""Libraries and tables, whatever the text."""
LARGE_TEXT = 2.0
"""Unigram training holds twice as much of each character with 64-bit indices."""


class SampledText:
    """How large a sample of some languages becomes in memory, whatever its size."""

    def __init__(self, counts: Mapping[str, TextCounts], shares: Mapping[str, float]) -> None:
        """Take the counts of each language's text and its share of the sample's bytes."""
        self._counts = counts
        self._shares = shares

    def passes(self, size_bytes: float) -> dict[str, float]:
        """Return how often each text stands in a sample of so many bytes."""
        return {
            key: share * size_bytes / self._counts[key].size.num_bytes
            for key, share in self._shares.items()
        }

    def num_characters(self, size_bytes: float) -> float:
        """Return the characters of a sample after normalisation, in expectation."""
        passes = self.passes(size_bytes)
        return sum(passes[key] * self._counts[key].num_characters for key in passes)

    def need(self, config: VocabularyConfig, size_bytes: float) -> int:
        """Return what training on a sample of so many bytes takes (bytes), besides what is held
        before it.
        """
        costs, passes = COSTS[config.model], self.passes(size_bytes)
        num_characters = self.num_characters(size_bytes)
        num_sentences = sum(passes[key] * self._counts[key].size.num_sentences for key in passes)
        distinct = sum(self._counts[key].distinct_characters(passes[key]) for key in passes)
        indexed = costs.character * num_characters + costs.distinct_character * distinct
        if needs_large_indices(config, num_characters):
            indexed *= LARGE_TEXT
        text = costs.text_byte * size_bytes + costs.sentence * num_sentences
        return round(_fixed(config) + text + indexed)


def require(text: SampledText, config: VocabularyConfig, size_bytes: float, available: int) -> int:
    """Return what training on a sample of so many bytes takes, if it may and can have that.

    `available` is what the machine can give (bytes).

    Raises:
        UserError: it needs more than `config.memory_bytes` or more than `available`.
    """
    needed = text.need(config, size_bytes)
    limit = min(config.memory_bytes, available)
    if needed <= limit:
        return needed
    reason = (
        f"vocabulary.memory_bytes allows {_told(config.memory_bytes)}"
        if config.memory_bytes <= available
        else f"the machine has {_told(available)} to give"
    )
    raise UserError(
        f"training this vocabulary needs about {_told(needed, up=True)} of memory, {reason}; "
        + _remedy(text, config, size_bytes, limit)
    )


def available_bytes(
    meminfo: Path = Path("/proc/meminfo"),
    membership: Path = Path("/proc/self/cgroup"),
    groups: Path = Path("/sys/fs/cgroup"),
) -> int:
    """Return the memory that this process can still take: what the machine can give without
    swapping, or what its control groups (version 2) still allow.

    Where the kernel tells neither, as on macOS, all memory that is built in.
    """
    known = [_group_bytes(place) for place in _groups(membership, groups)]
    if meminfo.is_file():
        fields = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        known.append(int(fields["MemAvailable"].split()[0]) << 10)
    else:
        known.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(limit for limit in known if limit is not None)


def _groups(membership: Path, groups: Path) -> list[Path]:
    """Return the folders of this process's control group and of those around it."""
    lines = membership.read_text().splitlines() if membership.is_file() else []
    names = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    return [groups / place for name in names for place in (Path(name), *Path(name).parents)]


def _group_bytes(group: Path) -> int | None:
    """Return what a control group still allows, None if it has no limit; files that it holds in
    memory can be dropped.
    """
    try:
        limit = (group / "memory.max").read_text().strip()
        held = int((group / "memory.current").read_text())
        fields = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except FileNotFoundError:
        return None
    return None if limit == "max" else max(0, int(limit) - held + int(fields["inactive_file"]))


def _fixed(config: VocabularyConfig) -> float:
    """Return the bytes that are needed for any text."""
    candidates = num_seeds(config) if config.model == "unigram" else config.size
    return FIXED_BYTES + COSTS[config.model].candidate * candidates


def _remedy(text: SampledText, config: VocabularyConfig, size_bytes: float, limit: int) -> str:
    """Return which setting fits into a limit if it is lowered, and to what."""
    if (lowered := _largest(lambda n: text.need(config, n), int(size_bytes), limit)) >= 1:
        return f"set vocabulary.sample_bytes to {_rounded(lowered):,} or less"

    def of_size(size: int) -> int:
        return text.need(dataclasses.replace(config, size=size), 1)

    if (smaller := _largest(of_size, config.size, limit, LEAST_SIZE)) >= LEAST_SIZE:
        return f"set vocabulary.size to {smaller} or less"
    return f"no vocabulary fits; give it {_told(of_size(LEAST_SIZE), up=True)} at least"


def _largest(needed: Callable[[int], int], too_much: int, limit: int, least: int = 1) -> int:
    """Return the largest number under `too_much` whose need is within the limit; `least` - 1 if
    there is none.
    """
    fits = least - 1
    while too_much - fits > 1:
        middle = (fits + too_much) // 2
        if needed(middle) <= limit:
            fits = middle
        else:
            too_much = middle
    return fits


def _rounded(number: int) -> int:
    """Return a number with all but its first three digits 0, no larger."""
    unit = 10 ** max(0, len(str(number)) - 3)
    return number // unit * unit


def _told(size_bytes: int, *, up: bool = False) -> str:
    """Say a size in GB or MB; what is needed is rounded up, what there is down."""
    unit, digits, name = (1e9, 1, "GB") if size_bytes >= 1e9 else (1e6, 0, "MB")
    scaled = size_bytes / unit * 10**digits
    whole = math.ceil(scaled) if up else math.floor(scaled)
    return f"{whole / 10**digits:.{digits}f} {name}"
