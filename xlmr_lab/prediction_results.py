"""Asks the models that a study has trained what stands where a text is hidden.

Models are those of one arm, a seed each, at the newest checkpoint that their run kept. Text is
typed, with `<mask>` where something is to be guessed, or comes from documents that no run was
trained on.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from xlmr_lab import batch_results, configs, seeds, storage, study_call
from xlmr_lab.batch_results import StudyBatches
from xlmr_lab.batches.masking import IGNORE_INDEX
from xlmr_lab.batches.stream import heldout_masked
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import masked_prediction
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.results import Study
from xlmr_lab.sampling.settings import SamplingConfig
from xlmr_lab.vocabulary.special_tokens import BOS_ID, EOS_ID, MASK_TOKEN, mask_id

Ids = npt.NDArray[np.int64]

GUESSES = pl.Schema(
    {
        "mask": pl.Int64,
        "piece": pl.String,
        "seed": pl.Int64,
        "probability": pl.Float64,
        "stood": pl.Boolean,
    }
)
"""What each seed's model gives the pieces that are likeliest on average, at each mask, and what it
gives the piece that stood there."""

SPACE = "\u2581"
ARMS_NAME = "arms.json"
MAX_TOKENS = 2_000_000
"""Tokens of a language in which pieces are counted, at most."""
MAX_WORD_PIECES = 4
"""A word of more pieces is left, unless the text has too few others, as in scripts without spaces:
then single pieces of it are hidden."""
KNOWN = ("language", "name", "script", "family", "tier", "size_bytes")


def open_models(study: Study, arm: str = "") -> "TrainedModels":
    """Load the models of an arm, by default the study's main one.

    Raises:
        UserError: nothing is trained yet, there is no such arm, or no checkpoint is left.
    """
    if not (study.folder / ARMS_NAME).is_file():
        call = study_call.maker(study.folder, ARMS_NAME)
        raise UserError(f"{study.name} has no trained model yet; `{call}` trains one")
    runs = [
        (row["arm"], study.folder / row["folder"])
        for row in storage.read_json(study.folder / ARMS_NAME)
    ]
    names = sorted({name for name, _ in runs})
    if arm and arm not in names:
        raise UserError(f"{study.name} has no arm {arm!r}; it has {', '.join(names)}")
    main = arm or _main_arm(study, runs)
    models = {}
    for name, folder in runs:
        if name == main:
            seed = int(storage.read_json(folder / "config.json")["seed"])
            models[seed] = _loaded(_newest(study, folder))
    return TrainedModels(
        study=study, arm=main, models=models, batches=batch_results.open_batches(study)
    )


def _main_arm(study: Study, runs: Sequence[tuple[str, Path]]) -> str:
    """Return the arm with the study's own sampling, or the first."""
    wanted = configs.from_dict(SamplingConfig, study.config()["sampling"])
    for name, folder in runs:
        found = storage.read_json(folder / "config.json")["sampling"]
        if configs.from_dict(SamplingConfig, found) == wanted:
            return name
    return runs[0][0]


def _newest(study: Study, folder: Path) -> Path:
    """Return the newest checkpoint of a run."""
    found = sorted((folder / "checkpoints").glob("step-*"))
    if not found:
        call = study_call.maker(study.folder, ARMS_NAME)
        raise UserError(
            f"{study.name}/arms/{folder.name} has no checkpoint left; `{call}` makes it"
        )
    return found[-1]


@functools.lru_cache(maxsize=16)
def _loaded(checkpoint: Path) -> MaskedLM:
    """Load a model once; checkpoints do not change."""
    return masked_prediction.load(checkpoint)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Hidden:
    """A text with some of its tokens hidden."""

    language: str
    """Its language."""
    ids: tuple[int, ...]
    """What the model sees, from `<s>` to `</s>`."""
    positions: tuple[int, ...]
    """Where `<mask>` stands."""
    stood: tuple[int, ...]
    """What stood there; empty where nobody knows."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TrainedModels:
    """The models of an arm, with the text that they were trained and not trained on."""

    study: Study
    """The study."""
    arm: str
    """The arm's name."""
    models: Mapping[int, MaskedLM]
    """A model for each pretraining seed."""
    batches: StudyBatches
    """The study's token shards and vocabulary."""

    def about(self) -> str:
        """Say in Markdown which models answer."""
        seeds_told = ", ".join(str(seed) for seed in self.models)
        return f"Answering: the models of arm `{self.arm}`, pretraining seeds {seeds_told}."

    def written(self, text: str, language: str) -> Hidden:
        """Return a text with `<mask>` in it as the model sees it.

        Raises:
            UserError: there is no `<mask>` in it, or it is too long.
        """
        if MASK_TOKEN not in text:
            raise UserError(f"write {MASK_TOKEN} where a piece is to be guessed, got {text!r}")
        vocabulary, mask = self.batches.vocabulary, mask_id(self.batches.vocabulary.size)
        ids: list[int] = [BOS_ID]
        for place, part in enumerate(text.split(MASK_TOKEN)):
            ids += [mask] * (place > 0)
            (found,) = vocabulary.encode([part.rstrip()], language)
            inner = place > 0 and not part[:1].isspace()
            ids += found[_lone_spaces(vocabulary.names(found)) if inner else 0 :].tolist()
        ids.append(EOS_ID)
        self._require_room(len(ids))
        positions = tuple(place for place, found in enumerate(ids) if found == mask)
        return Hidden(language=language, ids=tuple(ids), positions=positions, stood=())

    def heldout(self, language: str, number: int = 0, *, words: int = 2, seed: int = 0) -> Hidden:
        """Return a document that was not trained on, with so many of its words hidden; `number`
        counts from 0 and begins anew behind the last, and what is longer than a block is left out.
        """
        starts = self._documents(language)
        start, end = starts[number % len(starts)]
        tokens = self.batches.shards.tokens(language, "heldout")[start:end].astype(np.int64)
        ids = np.array([BOS_ID, *tokens[: self.batches.config.block_tokens - 2], EOS_ID])
        pieces = self.batches.vocabulary.names(ids[1:-1].tolist())
        rng = seeds.generator(seed, "words", language, number)
        positions = 1 + _hidden_places(pieces, words, rng)
        stood = ids[positions]
        ids[positions] = mask_id(self.batches.vocabulary.size)
        return Hidden(
            language=language,
            ids=tuple(ids.tolist()),
            positions=tuple(positions.tolist()),
            stood=tuple(stood.tolist()),
        )

    def num_documents(self, language: str) -> int:
        """Return how many documents of a language were not trained on."""
        return len(self._documents(language))

    def names(self, ids: Sequence[int]) -> list[str]:
        """Return the pieces of ids."""
        return self.batches.vocabulary.names(ids)

    def guesses(self, hidden: Hidden, *, best: int = 5) -> pl.DataFrame:
        """Return what every model gives the likeliest pieces of all models at each mask, likeliest
        first, and the piece that stood there.
        """
        ids, positions = np.array(hidden.ids), np.array(hidden.positions)
        found = {
            seed: masked_prediction.distributions(model, ids, positions, hidden.language)
            for seed, model in self.models.items()
        }
        mean = np.mean(list(found.values()), axis=0)  # P V
        rows = []
        for mask in range(len(positions)):
            chosen = np.argsort(-mean[mask], kind="stable")[:best].tolist()
            stood = hidden.stood[mask] if hidden.stood else None
            if stood is not None and stood not in chosen:
                chosen.append(stood)
            rows += [
                (mask, name, seed, float(found[seed][mask, i]), i == stood)
                for i, name in zip(chosen, self.names(chosen), strict=True)
                for seed in found
            ]
        return pl.DataFrame(rows, schema=GUESSES, orient="row")

    def judged(self, *, blocks: int = 16) -> pl.DataFrame:
        """Return every hidden token of some held-out blocks of each language: the frequency of what
        stood there among the language's training tokens, at which rank each model has it, and how
        sure the model was of its first choice.

        Only tokens hidden by `<mask>` count, not those that were replaced or kept.
        """
        frames = []
        for key in self.batches.languages():
            masked = heldout_masked(self.batches.shards, key, self.batches.config, blocks)
            seen = np.take_along_axis(masked.inputs, masked.positions, axis=1)
            is_hidden = seen == mask_id(self.batches.shards.vocab_size)
            only = masked._replace(targets=np.where(is_hidden, masked.targets, IGNORE_INDEX))
            frequencies = self._frequencies(key)
            commonest = int(frequencies.argmax())
            for seed, model in self.models.items():
                found = masked_prediction.answers(model, only, key)
                columns = {
                    "rank": found.ranks,
                    "probability": found.probabilities.astype(np.float64),
                    "confidence": found.confidences.astype(np.float64),
                    "frequency": frequencies[found.targets],
                    "commonest": found.targets == commonest,
                }
                frame = pl.DataFrame(columns)
                frames.append(
                    frame.select(
                        pl.lit(key).alias("language"), pl.lit(seed).alias("seed"), pl.all()
                    )
                )
        known = self.study.sizes().select(KNOWN)
        return pl.concat(frames).join(known, on="language", how="left", maintain_order="left")

    def _frequencies(self, language: str) -> npt.NDArray[np.float64]:
        """Return the share of each id in the first of a language's training text."""
        tokens = self.batches.shards.tokens(language, "train")[:MAX_TOKENS].astype(np.int64)
        counts = np.bincount(tokens, minlength=self.batches.shards.vocab_size)
        counts[EOS_ID] = 0
        return counts / counts.sum()

    def _documents(self, language: str) -> list[tuple[int, int]]:
        """Return where the held-out documents of a language begin and end, without `</s>`."""
        tokens = self.batches.shards.tokens(language, "heldout")
        ends = np.flatnonzero(tokens == EOS_ID).tolist()
        starts = [0, *(end + 1 for end in ends[:-1])]
        return list(zip(starts, ends, strict=True))

    def _require_room(self, length: int) -> None:
        most = min(model.encoder.config.max_tokens for model in self.models.values())
        if length > most:
            raise UserError(f"the text has {length} tokens, the models take {most}; shorten it")


def _lone_spaces(names: Sequence[str]) -> int:
    """Return how many pieces at the beginning are a space alone: behind a mask without a space the
    vocabulary would put one.

    >>> _lone_spaces([SPACE, "."]), _lone_spaces([SPACE + "a"])
    (1, 0)
    """
    return int(bool(names) and names[0] == SPACE)


def _hidden_places(pieces: Sequence[str], words: int, rng: np.random.Generator) -> Ids:
    """Return the places of the pieces of some words, chosen at random, in order; where there are
    too few of `MAX_WORD_PIECES` at most, of all of them and of some pieces of longer ones."""
    groups: list[list[int]] = []
    for place, piece in enumerate(pieces):
        if piece.startswith(SPACE) or not groups:
            groups.append([])
        groups[-1].append(place)
    whole = [group for group in groups if len(group) <= MAX_WORD_PIECES]
    single = [[place] for group in groups if len(group) > MAX_WORD_PIECES for place in group]
    order = [whole[i] for i in rng.permutation(len(whole))]
    order += [single[i] for i in rng.permutation(len(single))]
    return np.array(sorted(place for part in order[:words] for place in part), dtype=np.int64)
