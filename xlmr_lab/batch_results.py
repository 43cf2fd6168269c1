"""Reads what a study trains on as its trainer does: batches of blocks, masked, and the documents
that blocks are made of.

The token shards lie where `stages.json` says; nothing need be trained. Batches and masks are those
of the main arm's first seed: the same functions of the same seeds.
"""

import dataclasses

import numpy as np
import numpy.typing as npt
import polars as pl

from xlmr_lab import configs, seeds, stage_folders, study_call, vocabulary_results
from xlmr_lab.batches import masking, packing, padding
from xlmr_lab.batches.fates import FATES, fates
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.batches.stream import BatchConfig, BlockStream
from xlmr_lab.errors import UserError
from xlmr_lab.results import Study
from xlmr_lab.sampling import schedules
from xlmr_lab.sampling.pairs import PairSampling, single_length, with_pairs
from xlmr_lab.sampling.schedules import Length, Phase
from xlmr_lab.sampling.settings import SamplingConfig
from xlmr_lab.vocabulary.load import Vocabulary
from xlmr_lab.vocabulary.special_tokens import BOS_ID, EOS_ID

Tokens = npt.NDArray[np.int32]

CELLS = pl.Schema(
    {
        "row": pl.Int64,
        "language": pl.String,
        "place": pl.Int64,
        "piece": pl.String,
        "seen": pl.String,
        "fate": pl.String,
    }
)
"""Blocks token by token: the piece that stands there, what the model sees there, and its fate."""

MAX_TOKENS = 2_000_000
"""Tokens of a language whose documents are measured, at most."""
MAX_BLOCKS = 400
"""Blocks of a language whose masks are counted, at most."""
LONGEST_ROW = 512
"""Tokens of a document that stand in one row, where rows are padded to the longest of their batch.
"""
KNOWN = ("language", "name", "script", "family", "tier", "size_bytes")


def open_batches(study: Study) -> "StudyBatches":
    """Find the token shards of a study, and its vocabulary.

    Raises:
        UserError: its text is not encoded, or not there any more.
    """
    if "shards" not in stage_folders.named(study):
        call = study_call.told(study.folder, "pretrain")
        raise UserError(f"the text of {study.name} is not encoded yet; `{call}` does that first")
    shards = TokenShards.open(stage_folders.find(study, "shards"))
    if "pairs" in stage_folders.named(study):
        shards = shards.with_pairs(TokenShards.open(stage_folders.find(study, "pairs")))
    return StudyBatches(
        study=study,
        shards=shards,
        vocabulary=vocabulary_results.open_vocabulary(study).load(),
        config=configs.from_dict(BatchConfig, study.config()["batches"]),
    )


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class StudyBatches:
    """The blocks that a study trains on."""

    study: Study
    """The study."""
    shards: TokenShards
    """Its token shards."""
    vocabulary: Vocabulary
    """The vocabulary that they were encoded with."""
    config: BatchConfig
    """The shape of a batch."""

    def about(self) -> str:
        """Say in Markdown what a batch is."""
        batch = self.config
        tokens, chosen = batch.batch_sequences * batch.block_tokens, self.chosen()
        return (
            f"A batch is {batch.batch_sequences} blocks of {batch.block_tokens} tokens, {tokens:,} "
            f"in all; of each block {chosen} tokens are predicted, "
            f"{chosen / (batch.block_tokens - 1):.1%} of those behind `<s>`."
        )

    def languages(self) -> list[str]:
        """Return the languages that there are blocks of, largest first."""
        keys = self.study.sizes()["language"].to_list()
        return [key for key in keys if key in self.shards.languages]

    def chosen(self) -> int:
        """Return how many tokens of a block are predicted."""
        return masking.num_masked(self.config.block_tokens, self.config.mask_fraction)

    def num_blocks(self, language: str) -> int:
        """Return how many blocks there are to train on.

        Raises:
            UserError: there is no text of the language.
        """
        return self.shards.num_blocks(language, self.config.block_tokens)

    def batch(self, *, rows: int = 32, columns: int = 96) -> pl.DataFrame:
        """Return the first batch of training: the first blocks and their first tokens, languages
        side by side.
        """
        stream = self._stream()
        batch, _ = stream.next(stream.start())
        masked = self._mask(batch.tokens, self.study.config()["seed"], self.config.mask_fraction)
        first = masking.Masked(masked.inputs[:rows], masked.positions[:rows], masked.targets[:rows])
        frame = self._cells(batch.tokens[:rows], first, batch.languages[:rows])
        shown = frame.filter(pl.col("place") < columns)
        order = {key: place for place, key in enumerate(self._drawn_from())}
        ranked = shown.with_columns(rank=pl.col("language").replace_strict(order))
        return ranked.sort("rank", "row", "place").drop("rank")

    def drawn(self, batches: int = 50) -> pl.DataFrame:
        """Return the share of each language, and pair, in the first batches of training, beside the
        probability of drawing it.
        """
        stream = self._stream()
        state = stream.start()
        rows = []
        for number in range(1, batches + 1):
            batch, state = stream.next(state)
            phase = max(
                (part for part in self._phases() if part.first_step <= number),
                key=lambda part: part.first_step,
            )
            rows += [
                {
                    "language": key,
                    "batch": number,
                    "share": batch.languages.count(key) / len(batch.languages),
                    "probability": phase.probabilities.get(key, 0.0),
                }
                for key in self._drawn_from()
            ]
        return self._named(pl.DataFrame(rows))

    def block(
        self, language: str, number: int = 0, *, seed: int = 0, fraction: float | None = None
    ) -> pl.DataFrame:
        """Return a block of a language with masks of a seed, in the form of `CELLS`; `number`
        counts from 0 and begins anew behind the last block.
        """
        tokens = self.shards.tokens(language, "train")
        place = number % self.num_blocks(language)
        found = packing.block(tokens, place, self.config.block_tokens)[None]
        return self._cells(found, self._mask(found, seed, fraction), [language])

    def text(
        self, text: str, language: str, *, seed: int = 0, fraction: float | None = None
    ) -> pl.DataFrame:
        """Return a text as a block of its own with masks of a seed; what is longer than a block is
        left out.
        """
        (ids,) = self.vocabulary.encode([text], language)
        kept = ids[: self.config.block_tokens - 2].tolist()
        found = np.array([[BOS_ID, *kept, EOS_ID]], dtype=np.int32)
        return self._cells(found, self._mask(found, seed, fraction), [language])

    def counts(self, *, seed: int = 0) -> pl.DataFrame:
        """Return how many tokens of each language had each fate, in its first blocks."""
        rows = []
        for key in self.languages():
            number = min(MAX_BLOCKS, self.num_blocks(key))
            tokens = self.shards.tokens(key, "train")
            length = self.config.block_tokens
            found = np.stack([packing.block(tokens, k, length) for k in range(number)])
            rng = seeds.generator(seed, "masks", key)
            masked = masking.mask(
                found,
                vocab_size=self.shards.vocab_size,
                fraction=self.config.mask_fraction,
                rng=rng,
            )
            became = fates(found, masked, self.shards.vocab_size)
            numbers = np.bincount(became.ravel(), minlength=len(FATES)).tolist()
            rows += [
                {"language": key, "fate": fate, "tokens": count}
                for fate, count in zip(FATES, numbers, strict=True)
            ]
        return self._named(pl.DataFrame(rows))

    def documents(self) -> pl.DataFrame:
        """Return the lengths of each language's documents in tokens, by quartile and tenth, and
        what share of the positions padding would take.
        """
        rows = []
        for key in self.languages():
            lengths = padding.document_lengths(self.shards.tokens(key, "train")[:MAX_TOKENS])
            blocks, whole = (
                padding.row_lengths(lengths, length)
                for length in (self.config.block_tokens, LONGEST_ROW)
            )
            rng = seeds.generator(0, "padding", key)
            levels = np.quantile(lengths, [0.1, 0.25, 0.5, 0.75, 0.9]).tolist()
            named = dict(zip(("low", "quarter", "median", "three", "high"), levels, strict=True))
            shares = {
                "to_block": padding.to_block(blocks, self.config.block_tokens),
                "to_longest": padding.to_longest(whole, self.config.batch_sequences, rng),
            }
            rows.append({"language": key, "documents": len(lengths)} | named | shares)
        return self._named(pl.DataFrame(rows))

    def _mask(self, tokens: Tokens, seed: int, fraction: float | None) -> masking.Masked:
        """Hide tokens as the first step of a run with this seed does."""
        share = self.config.mask_fraction if fraction is None else fraction
        masking.check_fraction(share)
        rng = seeds.generator(seed, "masks", 1)
        return masking.mask(tokens, vocab_size=self.shards.vocab_size, fraction=share, rng=rng)

    def _cells(self, tokens: Tokens, masked: masking.Masked, languages: list[str]) -> pl.DataFrame:
        rows, length = tokens.shape
        became = fates(tokens, masked, self.shards.vocab_size)
        columns = {
            "row": np.repeat(np.arange(rows), length),
            "language": np.repeat(languages, length),
            "place": np.tile(np.arange(length), rows),
            "piece": self.vocabulary.names(tokens.ravel().tolist()),
            "seen": self.vocabulary.names(masked.inputs.ravel().tolist()),
            "fate": np.array(FATES)[became.ravel()],
        }
        return pl.DataFrame(columns, schema=CELLS)

    def _phases(self) -> list[Phase]:
        config = self.study.config()
        sampling = configs.from_dict(SamplingConfig, config["sampling"])
        sizes = self.shards.sizes(sampling.basis, self.config.block_tokens)
        pairs = self._pair_sampling()
        length = Length(config["pretrain"]["steps"], self.config.batch_sequences)
        single = {key: sizes[key] for key in self.languages()}
        phases = schedules.phases(sampling, single, single_length(length, pairs))
        return with_pairs(phases, {key: sizes[key] for key in self.shards.pairs}, pairs)

    def _pair_sampling(self) -> PairSampling:
        if not self.shards.pairs:
            return PairSampling()
        settings = self.study.config()["tlm"]
        return PairSampling(share=settings["share"], alpha=settings["alpha"])

    def _drawn_from(self) -> list[str]:
        """Return the languages, and the pairs of parallel text."""
        return [*self.languages(), *self.shards.pairs]

    def _stream(self) -> BlockStream:
        seed = self.study.config()["seed"]
        return BlockStream(self.shards, self._phases(), config=self.config, seed=seed)

    def _named(self, frame: pl.DataFrame) -> pl.DataFrame:
        known = self.study.sizes().select(KNOWN)
        return frame.join(known, on="language", how="left", maintain_order="left")
