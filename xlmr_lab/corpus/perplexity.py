"""Log-probability of text under language models that were trained on an encyclopaedia (CCNet Sec.
4.1).

A low perplexity says that a text reads like the text the model was trained on, a high one that it
is lists, spam, another register or another language; it is a matter of style as much as of quality.
Models are 5-grams over SentencePiece pieces, one for each language, trained here or published: a
folder of models holds for a language either `<language>/` as `train` writes it, or
`<language>.sp.model` with `<language>.arpa`, `.arpa.gz` or `.arpa.bin` as CCNet publishes them (the
binary needs the package `kenlm`).

Texts are brought into CCNet's normal form: lower case, every digit 0, quotation marks, dashes and
CJK punctuation as ASCII. Accents are kept, but taken off for published models, as they were trained
so. Differences from CCNet's code: each paragraph is scored by itself between `<s>` and `</s>` and a
document is the sum of its paragraphs, where CCNet scores a document as one line; the vocabulary is
smaller; and letters without a piece fall back to bytes, so that another script is surprising at
every letter (CCNet's models see one `<unk>` for a whole run of them).
"""

import io
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import sentencepiece

from xlmr_lab import configs, storage
from xlmr_lab.corpus import arpa, kneser_ney
from xlmr_lab.corpus.deduplicate import PUNCTUATION
from xlmr_lab.corpus.language_model import LanguageModel, Vocabulary
from xlmr_lab.errors import UserError

SENTENCEPIECE_NAME = "sentencepiece.model"
RECORD_NAME = "model.json"

TEXTS_AT_ONCE = 5000
"""Texts that are taken to pieces together; no result depends on it."""

LINE_CHARACTERS = 1000
"""Longer paragraphs are cut where the vocabulary is trained: SentencePiece drops those above 4192
bytes, and takes quadratic time on long ones that repeat themselves.
"""

_ASCII = (
    ",", ".", ",", '"', '"', '"', '"', '"', '"', '"', '"', '"', '"', "'", ":", ":", "?", "!", "(",
    ")", ";", "-", " - ", ". ", "~", "'", "...", "-", "<", ">", "[", "]", "%", "-",
)  # fmt: skip
"""What each mark of `PUNCTUATION` becomes; the quotation mark for FULLWIDTH DIGIT ONE is a slip of
CCNet's table that never shows, since digits become 0 first.
"""

_CONTROL = r"[\x00-\x1f\x7f-\x9f]"


@dataclass(frozen=True, kw_only=True, slots=True)
class PerplexityConfig:
    """How language models are trained."""

    vocabulary_size: int = 8000
    """Pieces of a language's vocabulary, fewer where there is little text (CCNet: 65,536)."""
    vocabulary_bytes: int = 2_000_000
    """Text the vocabulary is trained on, evenly from all there is (bytes of UTF-8)."""
    training_bytes: int = 10_000_000
    """Text the n-grams are counted on, from the first (bytes of UTF-8)."""
    min_counts: tuple[int, ...] = (1, 1, 1, 2, 2)
    """How often n-grams of order 1, 2, ... must occur to be kept; as many as the model has orders
    (CCNet: 5 orders, all kept).
    """

    def __post_init__(self) -> None:
        for name in ("vocabulary_size", "vocabulary_bytes", "training_bytes"):
            if getattr(self, name) < 1:
                raise UserError(f"perplexity.{name} must be positive, got {getattr(self, name)}")
        counts = list(self.min_counts)
        if not counts or counts != sorted(counts) or counts[0] != 1:
            raise UserError(
                f"perplexity.min_counts must begin with 1 and not fall, got {self.min_counts}"
            )


def train(texts: Mapping[str, Iterable[str]], folder: Path, *, config: PerplexityConfig) -> None:
    """Train a model for each language on its paragraphs, at `<folder>/<language>/`."""
    for language, paragraphs in texts.items():
        train_language(paragraphs, folder / language, config=config)


def train_language(texts: Iterable[str], folder: Path, *, config: PerplexityConfig) -> None:
    """Train one language's model and write its folder, whole or not at all.

    Raises:
        UserError: no text, or a vocabulary too small for its letters.
    """
    lines = _training_lines(texts, config.training_bytes)
    num_bytes = sum(len(line.encode("utf-8")) for line in lines)
    if not num_bytes:
        raise UserError(f"no text to train the language model {folder.name!r} on; give it some")
    step = -(-num_bytes // config.vocabulary_bytes)
    serialized = _train_pieces(lines[::step], folder.name, config.vocabulary_size)
    processor = _processor(serialized)
    vocabulary = Vocabulary(processor.vocab_size(), processor.bos_id(), processor.eos_id())
    batches = [_encoded(processor, batch) for batch in _batches(lines)]
    ids, lengths = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    model = kneser_ney.estimate(ids, lengths, vocabulary=vocabulary, min_counts=config.min_counts)
    record = {
        "config": configs.to_dict(config),
        "num_bytes": num_bytes,
        "num_paragraphs": len(lines),
        "num_pieces": len(ids),
        "vocabulary_size": vocabulary.size,
        "sentencepiece_version": sentencepiece.__version__,
    }
    with storage.atomic_folder(folder) as partial:
        model.save(partial)
        (partial / SENTENCEPIECE_NAME).write_bytes(serialized)
        storage.write_json(partial / RECORD_NAME, record)


class Scorer:
    """The models of a folder, each opened when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        """Look for models.

        Raises:
            UserError: there are none.
        """
        self._folder = folder
        self._paths = _model_paths(folder)
        self._models: dict[str, _Model] = {}
        if not self._paths:
            raise UserError(f"no language models in {folder}; train them first")

    def __reduce__(self) -> tuple[type["Scorer"], tuple[Path]]:
        return Scorer, (self._folder,)

    @property
    def languages(self) -> list[str]:
        """The languages that have a model, in alphabetical order."""
        return sorted(self._paths)

    def score(
        self, texts: Sequence[str], language: str
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Return log10 of each paragraph's probability and its tokens, `</s>` counted; zeros for a
        language without a model.

        Raises:
            UserError: the language's model cannot be used.
        """
        if language not in self._paths:
            return np.zeros(len(texts)), np.zeros(len(texts), dtype=np.int64)
        if language not in self._models:
            self._models[language] = _open(*self._paths[language])
        model = self._models[language]
        logs, counts = [np.zeros(0)], [np.zeros(0, dtype=np.int64)]
        for batch in _batches(texts):
            ids, lengths = _encoded(model.processor, _normal(batch, accents=model.accents))
            logs.append(model.log10_probabilities(ids, lengths))
            counts.append(lengths + 1)
        return np.concatenate(logs), np.concatenate(counts)


def normal_text(text: pl.Expr, *, accents: bool = True) -> pl.Expr:
    """Return paragraphs as the models read them; without accents as CCNet's published models do."""
    lowered = text.str.strip_chars().str.to_lowercase()
    if not accents:
        lowered = lowered.str.normalize("NFD").str.replace_all(r"\p{Mn}", "")
    zeros = lowered.str.replace_all(r"\d", "0")
    plain = zeros.str.replace_many(list(PUNCTUATION), list(_ASCII))
    return plain.str.replace_all(_CONTROL, "")


class _Model(NamedTuple):
    """How a language's texts are taken to pieces and scored."""

    processor: sentencepiece.SentencePieceProcessor
    log10_probabilities: arpa.Score
    accents: bool


def _model_paths(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Return the vocabulary and the model of each language of a folder; one trained here first."""
    found = {}
    for vocabulary in folder.glob("*.sp.model"):
        language = vocabulary.name.removesuffix(".sp.model")
        for ending in (".arpa", ".arpa.gz", ".arpa.bin"):
            path = folder / f"{language}{ending}"
            if path.is_file():
                found[language] = (vocabulary, path)
    for path in folder.glob(f"*/{SENTENCEPIECE_NAME}"):
        found[path.parent.name] = (path, path.parent)
    return found


def _open(vocabulary: Path, path: Path) -> _Model:
    try:
        processor = _processor(vocabulary.read_bytes())
    except RuntimeError:
        raise UserError(f"{vocabulary} is no SentencePiece model; train it again") from None
    if path.is_dir():
        return _Model(processor, LanguageModel.load(path).score, accents=True)
    pieces = [processor.id_to_piece(i) for i in range(processor.vocab_size())]
    return _Model(processor, arpa.scorer(path, pieces), accents=False)


def _processor(serialized: bytes) -> sentencepiece.SentencePieceProcessor:
    processor = sentencepiece.SentencePieceProcessor()
    processor.LoadFromSerializedProto(serialized)
    return processor


def _normal(texts: Sequence[str], *, accents: bool = True) -> list[str]:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    return frame.select(normal_text(pl.col("text"), accents=accents)).to_series().to_list()


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        yield texts[start : start + TEXTS_AT_ONCE]


def _encoded(
    processor: sentencepiece.SentencePieceProcessor, texts: Sequence[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the ids of all texts, one after the other, and how many each has."""
    encoded = processor.encode(list(texts), out_type=int, num_threads=1)
    lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
    flat = itertools.chain.from_iterable(encoded)
    return np.fromiter(flat, dtype=np.int64, count=int(lengths.sum())), lengths


def _training_lines(texts: Iterable[str], num_bytes: int) -> list[str]:
    """Return the first paragraphs in normal form, up to `num_bytes`, without those left empty."""
    lines: list[str] = []
    rest, paragraphs = num_bytes, iter(texts)
    while rest > 0 and (batch := list(itertools.islice(paragraphs, TEXTS_AT_ONCE))):
        for line in filter(None, _normal(batch)):
            lines.append(line)
            rest -= len(line.encode("utf-8"))
            if rest <= 0:
                break
    return lines


def _train_pieces(lines: Sequence[str], language: str, size: int) -> bytes:
    """Train a SentencePiece vocabulary and return it serialised."""
    short = (
        line[i : i + LINE_CHARACTERS]
        for line in lines
        for i in range(0, len(line), LINE_CHARACTERS)
    )
    writer = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=short,
            model_writer=writer,
            model_type="unigram",
            vocab_size=size,
            hard_vocab_limit=False,
            character_coverage=0.9995,
            byte_fallback=True,
            normalization_rule_name="identity",
            seed_sentencepiece_size=10 * size,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        if found := re.search(r"smaller than required_chars\. \d+ vs (\d+)", str(error)):
            raise UserError(
                f"perplexity.vocabulary_size={size} is too small for the letters of {language!r}; "
                f"set it to more than {found[1]}"
            ) from None
        raise
    return writer.getvalue()
