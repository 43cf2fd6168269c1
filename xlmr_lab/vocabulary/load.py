"""What every kind of vocabulary can do, and how one is loaded."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from xlmr_lab import configs, storage
from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary.preprocessed import PreprocessedVocabulary
from xlmr_lab.vocabulary.settings import VocabularyConfig
from xlmr_lab.vocabulary.tokenizer import MODEL_NAME, PUBLISHED_MODEL_NAME, Tokenizer
from xlmr_lab.vocabulary.wordpiece import WORDPIECE_NAME, WordPieceTokenizer

RECORD_NAME = "vocabulary.json"
"""File of a vocabulary's folder that says what made it."""


class Vocabulary(Protocol):
    """Text to ids in the published layout and back, whatever the subwords are."""

    size: int
    """Number of ids, specials and `<mask>` included."""
    fingerprint: str
    """Digits that name the vocabulary; token shards carry them."""

    def encode(
        self, texts: Sequence[str], language: str | None = None
    ) -> list[npt.NDArray[np.int32]]:
        """Return the ids of each text, without `<s>` and `</s>`.

        `language` is that of the texts; vocabularies with preprocessing need it.

        Raises:
            UserError: a text has a lone surrogate, there is no language and one is needed, or there
                is one text and no list.
        """

    def pieces(self, text: str, language: str | None = None) -> list[str]:
        """Return the pieces of a text as strings."""

    def offsets(
        self, text: str, language: str | None = None
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Return the ids of a text [N], as `encode` gives them, and the [start, end) of each in the
        characters of the text as it was given [N, 2].

        The space before a word is in no span. Spans come in order, but for marks that a
        preprocessing exchanges.
        """

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids; `<s>`, `<pad>`, `</s>` and `<mask>` leave nothing.

        Raises:
            UserError: an id is none of the vocabulary.
        """

    def names(self, ids: Iterable[int]) -> list[str]:
        """Return the name of each id, a piece or a special such as `<mask>`; raises as `decode`."""


def load(path: str | os.PathLike[str]) -> Vocabulary:
    """Load the vocabulary of a folder, also one beside a released checkpoint, or a model file.

    In a folder `vocabulary.json`, where there is one, says the kind of subwords and what is done to
    the text before them; without it text is taken raw.

    Raises:
        UserError: there is no vocabulary at `path`, it cannot be used, or its files do not belong
            together.
    """
    path = Path(path)
    if not path.is_dir():
        is_wordpiece = path.name == WORDPIECE_NAME
        return WordPieceTokenizer.load(path) if is_wordpiece else Tokenizer.load(path)
    file = path / RECORD_NAME
    if not file.is_file():
        return _subwords(path, _model_in(path))
    record = storage.read_json(file)
    config = _config(record, file)
    inner = _subwords(path, config.model)
    if record.get("fingerprint", inner.fingerprint) != inner.fingerprint:
        raise UserError(
            f"{file} describes vocabulary {record['fingerprint']}, the file beside it is "
            f"{inner.fingerprint}; copy the folder again"
        )
    if config.preprocessing == "none":
        return inner
    return PreprocessedVocabulary(inner, config.preprocessing)


def _config(record: Any, file: Path) -> VocabularyConfig:
    """Return the settings that a vocabulary was trained with."""
    config = record.get("config") if isinstance(record, Mapping) else None
    if not isinstance(config, Mapping):
        raise UserError(f'{file} has no settings under "config"; copy the folder again')
    try:
        return configs.from_dict(VocabularyConfig, config)
    except UserError as error:
        raise UserError(f"{file}: {error}") from None


def _model_in(folder: Path) -> str:
    """Return the kind of subwords of a folder without a record."""
    sentencepiece = [folder / MODEL_NAME, folder / PUBLISHED_MODEL_NAME]
    if any(file.is_file() for file in sentencepiece):
        return "unigram"
    if (folder / WORDPIECE_NAME).is_file():
        return "wordpiece"
    names = ", ".join((MODEL_NAME, PUBLISHED_MODEL_NAME, WORDPIECE_NAME))
    raise UserError(f"no vocabulary at {folder}; looked for {names} in it")


def _subwords(folder: Path, model: str) -> Tokenizer | WordPieceTokenizer:
    return WordPieceTokenizer.load(folder) if model == "wordpiece" else Tokenizer.load(folder)
