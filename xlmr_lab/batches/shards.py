"""Documents as token files: little-endian ids that a run maps into memory instead of loading.

Per language `<language>.train.bin` and `<language>.heldout.bin` hold the documents one after the
other, each followed by `</s>`, in uint16 where the vocabulary allows; `shards.json` beside them
holds the counts, checksums and the vocabulary's fingerprint. Where documents end is not stored: the
`</s>` say it. Which documents are held out is decided in `splits`.
"""

import contextlib
import copy
import itertools
import logging
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from xlmr_lab import progress, storage
from xlmr_lab.batches import packing
from xlmr_lab.batches.encoding import Documents, Encodes, encoded
from xlmr_lab.batches.splits import LEAST_HELDOUT_TOKENS, SPLITS, Document, Split, split
from xlmr_lab.errors import UserError
from xlmr_lab.sampling.settings import Basis

logger = logging.getLogger(__name__)

SIDECAR_NAME = "shards.json"
LARGEST_UINT16_VOCABULARY = 1 << 16


@dataclass(slots=True)
class _SplitWriter:
    """An open token file and its counts."""

    file: IO[bytes]
    counts: dict[str, int] = field(
        default_factory=lambda: dict(documents=0, sentences=0, bytes=0, pieces=0, tokens=0)
    )

    def add(self, document: Document) -> None:
        self.file.write(document.tokens.tobytes())
        self.counts["documents"] += 1
        self.counts["sentences"] += document.num_sentences
        self.counts["bytes"] += document.num_bytes
        self.counts["pieces"] += len(document.tokens) - 1
        self.counts["tokens"] += len(document.tokens)


def encode(
    documents: Documents,
    tokenizer: Encodes,
    folder: Path,
    *,
    heldout_fraction: float,
    jobs: int = 1,
    total_bytes: int | None = None,
) -> None:
    """Write the token files and their sidecar into `folder`, with `jobs` processes, of which
    nothing that is written depends; `total_bytes` of text is for the time left only.

    Raises:
        ResumableError: a process was killed.
        UserError: a fraction outside (0, 1), no language, or a language with fewer than two
            documents.
    """
    if not 0 < heldout_fraction < 1:
        raise UserError(f"heldout_fraction must be between 0 and 1, got {heldout_fraction}")
    if not documents:
        raise UserError("there is no language to encode; name at least one")
    dtype = token_dtype(tokenizer.size)
    languages = {}
    with progress.bar(total_bytes, "encode", unit="B") as bar:
        parts = encoded(documents, tokenizer, dtype, jobs=jobs, advance=bar.update)
        with contextlib.closing(parts):
            for language, group in itertools.groupby(parts, key=operator.itemgetter(0)):
                found = itertools.chain.from_iterable(part for _, part in group)
                languages[language] = _write_language(folder, language, found, heldout_fraction)
                counts = languages[language]["train"]
                logger.info("%s: %s pieces to train on", language, f"{counts['pieces']:,}")
    storage.write_json(
        folder / SIDECAR_NAME,
        {
            "vocab_size": tokenizer.size,
            "vocabulary_fingerprint": tokenizer.fingerprint,
            "dtype": dtype.str,
            "heldout_fraction": heldout_fraction,
            "languages": languages,
        },
    )


def token_dtype(vocab_size: int) -> np.dtype[Any]:
    """Return the little-endian type that holds every id.

    >>> token_dtype(65_536).itemsize, token_dtype(65_537).itemsize
    (2, 4)
    """
    return np.dtype("<u2" if vocab_size <= LARGEST_UINT16_VOCABULARY else "<u4")


def _write_language(
    folder: Path, language: str, documents: Iterable[Document], fraction: float
) -> dict[str, Any]:
    """Write both files of a language and return what the sidecar says of them."""
    paths = {name: token_path(folder, language, name) for name in SPLITS}
    with paths["train"].open("wb") as train, paths["heldout"].open("wb") as heldout:
        writers = {"train": _SplitWriter(train), "heldout": _SplitWriter(heldout)}
        for name, document in split(documents, fraction=fraction):
            writers[name].add(document)
    if not writers["train"].counts["tokens"]:
        found = writers["heldout"].counts
        raise UserError(
            f"too little text for {language}: {found['documents']} documents of {found['tokens']} "
            f"tokens leave nothing to train on once {LEAST_HELDOUT_TOKENS} tokens are held out; "
            "add text or leave the language out"
        )
    return {
        name: {**writers[name].counts, "checksum": storage.checksum(paths[name])} for name in SPLITS
    }


def token_path(folder: Path, language: str, name: Split) -> Path:
    """Return where the tokens of a language's split are."""
    return folder / f"{language}.{name}.bin"


class TokenShards:
    """The token files of a folder, opened for reading only."""

    def __init__(self, folder: Path, sidecar: Mapping[str, Any]) -> None:
        """Use `TokenShards.open`."""
        self.folder = folder
        self.vocab_size: int = sidecar["vocab_size"]
        self.vocabulary_fingerprint: str = sidecar["vocabulary_fingerprint"]
        self.languages: list[str] = list(sidecar["languages"])
        self.pairs: list[str] = []
        self._folders = dict.fromkeys(self.languages, folder)
        self._counts: Mapping[str, Any] = sidecar["languages"]
        self._dtype = np.dtype(sidecar["dtype"])

    @classmethod
    def open(cls, folder: Path) -> "TokenShards":
        """Open the shards of a folder; files are measured, not read (see `verify`).

        Raises:
            UserError: no shards there, or a file that is missing or of the wrong length.
        """
        if not (folder / SIDECAR_NAME).is_file():
            raise UserError(f"no token shards at {folder}; encode the documents first")
        shards = cls(folder, storage.read_json(folder / SIDECAR_NAME))
        for language, name in itertools.product(shards.languages, SPLITS):
            path = token_path(folder, language, name)
            expected = shards.counts(language, name)["tokens"] * shards._dtype.itemsize
            found = path.stat().st_size if path.is_file() else 0
            if found != expected:
                raise UserError(
                    f"{path} has {found:,} bytes instead of {expected:,}; "
                    "delete the folder and encode again"
                )
        return shards

    def with_pairs(self, pairs: "TokenShards") -> "TokenShards":
        """Return these shards and those of pairs of languages (see pairs.py) as one.

        Raises:
            UserError: they were encoded with another vocabulary.
        """
        pairs.require_vocabulary(self.vocabulary_fingerprint)
        both = copy.copy(self)
        both.pairs = pairs.languages
        both._counts = {**self._counts, **pairs._counts}
        both._folders = {**self._folders, **pairs._folders}
        return both

    def keys(self) -> list[str]:
        """Return the languages, and the pairs of them if there are any."""
        return [*self.languages, *self.pairs]

    def path(self, language: str, name: Split) -> Path:
        """Return where the tokens of a language's split are."""
        return token_path(self._folders[language], language, name)

    def verify(self) -> None:
        """Read every file and compare it with its checksum.

        Raises:
            UserError: a file is not what was written.
        """
        for language, name in itertools.product(self.keys(), SPLITS):
            path = self.path(language, name)
            if storage.checksum(path) != self.counts(language, name)["checksum"]:
                raise UserError(f"{path} is damaged; delete the folder and encode again")

    def require_vocabulary(self, fingerprint: str) -> None:
        """Refuse a vocabulary other than the one the shards were encoded with.

        Raises:
            UserError: the fingerprints differ.
        """
        if fingerprint != self.vocabulary_fingerprint:
            raise UserError(
                f"the token shards at {self.folder} were encoded with vocabulary "
                f"{self.vocabulary_fingerprint}, not {fingerprint}; delete that folder and run "
                "again, which encodes the documents again"
            )

    def counts(self, language: str, name: Split = "train") -> dict[str, Any]:
        """Return documents, sentences (paragraphs), bytes, pieces, tokens and checksum of a split.

        Raises:
            UserError: the shards do not hold the language.
        """
        if language not in self._counts:
            raise UserError(
                f"no token shards for {language!r} at {self.folder}; "
                f"there are {', '.join(self.languages)}"
            )
        found: dict[str, Any] = self._counts[language][name]
        return found

    def tokens(self, language: str, name: Split = "train") -> npt.NDArray[Any]:
        """Return all tokens of a split as a 1-D array mapped from the file, read-only."""
        self.counts(language, name)
        return np.memmap(self.path(language, name), dtype=self._dtype, mode="r").view(np.ndarray)

    def require_ids(self, blocks: npt.NDArray[Any], languages: Sequence[str]) -> None:
        """Refuse blocks, each of one of `languages`, with an id that the vocabulary has not.

        Raises:
            UserError: names the language and the id.
        """
        if 0 <= blocks.min() and blocks.max() < self.vocab_size:
            return
        row, place = np.argwhere((blocks < 0) | (blocks >= self.vocab_size))[0]
        raise UserError(
            f"the token shards of {languages[row]} at {self._folders[languages[row]]} hold id "
            f"{blocks[row, place]}, their vocabulary has ids up to {self.vocab_size - 1}; delete "
            "that folder and encode again"
        )

    def num_blocks(self, language: str, block_tokens: int, name: Split = "train") -> int:
        """Return how many blocks a language's split fills."""
        return packing.num_blocks(self.counts(language, name)["tokens"], block_tokens)

    def sizes(self, basis: Basis, block_tokens: int) -> dict[str, float]:
        """Return the size of each language's training text, and pair's, in the unit of `basis`."""
        if basis == "blocks":
            return {key: float(self.num_blocks(key, block_tokens)) for key in self.keys()}
        return {key: float(self.counts(key)[basis]) for key in self.keys()}
