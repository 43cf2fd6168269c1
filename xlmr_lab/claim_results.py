"""The rows of a campaign that belong to one claim, with the settings that the claim goes through as
columns.

A claim compares cells; which settings they differ in, the run folder says. So a frame has a column
for each of them, named by the last part of the setting's name (`sampling.alpha` is in `alpha`), and
a figure needs to know no cell by name. Frames of single claims also have `arm`, what a reader calls
the cell; they are empty where the campaign did not test the claim, or has no rows of it yet.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from xlmr_lab.campaign_results import Tested
from xlmr_lab.model import parameters
from xlmr_lab.model.bands import bands
from xlmr_lab.model.parameters import Parameters

CONSTANT = "constant"
"""Schedule of an exponent that stays what it is."""
SELECTION, GLUE_SELECTION = "joint-dev", "per-language-dev"
"""How checkpoints of what claims compare were chosen: of GLUE by the dev set of the language alone,
since one of the models that are compared knows no other."""
NER = {"task": "ner", "metric": "span_f1", "protocol": "each"}
"""The scores that F5 goes by."""
ALL_TEXT = "all text"
"""What models are called that had every source of text."""
BODY, PARAMETERS = "constant body", "constant parameters"
"""The lines of F4."""
WORDS, PIECES = "whole words", "masked pieces"
"""What losses are of: across vocabularies those of words compare, those of pieces favour short
ones."""
ALONE, TOGETHER = "alone", "together with others"
"""The arms of F13."""

TYPES = {
    "cell": pl.String(),
    "arm": pl.String(),
    "schedule": pl.String(),
    "most": pl.Int64(),
    "shortened": pl.List(pl.String),
}
"""Of columns whose type no value may tell."""


def cells_of(tested: Tested, claim: str) -> list[str]:
    """Return the names of a claim's cells, in the order of its grid; none if it was not tested."""
    return [row["cell"] for row in tested.cells() if claim in row["claims"]]


def by_setting(tested: Tested, cells: Sequence[str], *names: str) -> pl.DataFrame:
    """Return the held-out rows of cells (see `Tested.heldout`), with a column for each setting.

    A cell that has no rows yet is absent from the frame. Tuples of settings are lists.

    Raises:
        UserError: there is no such cell.
    """
    return with_settings(tested, tested.heldout(), cells, names)


def with_settings(
    tested: Tested, frame: pl.DataFrame, cells: Sequence[str], names: Sequence[str]
) -> pl.DataFrame:
    """Return the rows of those cells in a frame of cells (held-out losses, scores), with a column
    for each setting.

    Raises:
        UserError: there is no such cell.
    """
    values = {
        name.rpartition(".")[2]: [tested.setting(cell, name) for cell in cells] for name in names
    }
    return _joined(frame, {"cell": list(cells)} | values)


def compared(scores: pl.DataFrame) -> pl.DataFrame:
    """Return the scores that claims go by: of checkpoints chosen as they are, and of dev sets only
    where a language has no test set of a task."""
    is_test, is_glue = pl.col("split") == "test", pl.col("task").str.starts_with("glue")
    selection = pl.when(is_glue).then(pl.lit(GLUE_SELECTION)).otherwise(pl.lit(SELECTION))
    return scores.filter(pl.col("selection") == selection).filter(
        is_test | ~is_test.any().over("cell", "task", "language")
    )


def alphas(tested: Tested, *, constant: bool = False) -> pl.DataFrame:
    """Return the held-out rows of F3 with columns `arm`, `alpha` (of a schedule its first) and
    `schedule`; `constant`: only arms whose exponent stays what it is."""
    names = ("sampling.alpha", "sampling.schedule")
    frame = by_setting(tested, cells_of(tested, "F3"), *names)
    frame = frame.with_columns(arm=pl.col("cell"))
    return frame.filter(pl.col("schedule") == CONSTANT) if constant else frame


def corpora(tested: Tested) -> pl.DataFrame:
    """Return the NER scores of F5, each language's tagger learned in it, with the sources of text
    as column `arm`."""
    cells = cells_of(tested, "F5")
    sources = [", ".join(tested.setting(cell, "corpus.sources")) or ALL_TEXT for cell in cells]
    frame = compared(_joined(tested.scores(), {"cell": cells, "text": sources}))
    own = frame.filter(pl.all_horizontal(pl.col(name) == value for name, value in NER.items()))
    return own.with_columns(arm=pl.col("text")).drop("text")


def text_dial(tested: Tested) -> pl.DataFrame:
    """Return the best held-out losses of F13, a row for each cell, seed and language that it is
    about: `arm` (alone, or together with others), and its training text in `text_bytes`.
    The step is in `best_step`.

    The training text is about what is not held out, since documents are held out by their hash.
    """
    cells = cells_of(tested, "F13")
    whole = [1 - tested.setting(cell, "batches.heldout_fraction") for cell in cells]
    alone = [len(tested.setting(cell, "part.languages")) == 1 for cell in cells]
    known = {
        "cell": cells,
        "arm": [ALONE if own else TOGETHER for own in alone],
        "whole": whole,
        "most": [tested.setting(cell, "part.most_bytes") or None for cell in cells],
        "shortened": [tested.setting(cell, "part.shortened") for cell in cells],
    }
    frame = _joined(tested.heldout(), known)
    compared = frame.filter(arm=ALONE)["language"].unique()
    least = pl.min_horizontal(pl.col("size_bytes") * pl.col("whole"), "most")
    about = pl.col("most").is_null() | pl.col("language").is_in(pl.col("shortened"))
    return (
        frame.filter(about, pl.col("language").is_in(compared.implode()))
        .with_columns(text_bytes=least)
        .sort("bits_per_byte", maintain_order=True)
        .unique(["cell", "seed", "language"], keep="first", maintain_order=True)
        .sort("text_bytes", "language", "arm", "seed")
        .drop("whole", "most", "shortened")
        .rename({"step": "best_step"})
    )


def vocabularies(tested: Tested, *, words: bool = True) -> pl.DataFrame:
    """Return the losses of F4 with columns `ids`, `width`, `parameters` (all weights), `loss_of`
    and `line`: constant body, or constant parameters. The base's size is on both lines, if it is
    among those that were tested.

    They are of whole words at the end of a run, or else of masked pieces at each step.
    """
    cells = cells_of(tested, "F4")
    base = tested.campaign()["settings"]
    size = base["vocabulary"]["size"]
    rows: dict[str, list[Any]] = {"cell": [], "ids": [], "width": [], "parameters": [], "line": []}
    for cell in cells:
        ids = tested.setting(cell, "vocabulary.size")
        own = tested.setting(cell, "model.hidden_size")
        is_solved = ids in rows["ids"]  # the grid has each size with the base's body first
        lines = [PARAMETERS] if is_solved else [BODY, PARAMETERS] if ids == size else [BODY]
        for line in lines:
            found = (cell, ids, own, parameters_of(tested, cell).total, line)
            for name, value in zip(rows, found, strict=True):
                rows[name].append(value)
    return _joined(_losses(tested, words), rows).with_columns(arm=pl.col("cell"))


def preprocessing(tested: Tested, *, words: bool = True) -> pl.DataFrame:
    """Return the losses of F7, with the vocabulary's model and preprocessing as `arm`, and
    `loss_of`: of whole words at the end of a run, or else of masked pieces at each step."""
    cells = cells_of(tested, "F7")
    arms = [_cut(tested, cell) for cell in cells]
    return _joined(_losses(tested, words), {"cell": cells, "arm": arms})


def softmaxes(tested: Tested) -> pl.DataFrame:
    """Return the held-out rows of F15, with the softmax as `arm`, and columns `ids`, `cutoffs`
    (in words), `parameters` (all weights), `head` (those that are not shared with the embedding)
    and `logits` (scores at every masked position; of further bands only where targets are)."""
    cells = cells_of(tested, "F15")
    cutoffs = [tested.setting(cell, "model.adaptive_cutoffs") for cell in cells]
    ids = [tested.setting(cell, "vocabulary.size") for cell in cells]
    widths = [tested.setting(cell, "model.hidden_size") for cell in cells]
    counts = [parameters_of(tested, cell) for cell in cells]
    known = {
        "cell": cells,
        "arm": ["adaptive softmax" if own else "full softmax" for own in cutoffs],
        "ids": ids,
        "cutoffs": [", ".join(f"{cutoff:,}" for cutoff in own) for own in cutoffs],
        "parameters": [count.total for count in counts],
        "head": [count.output_bias + count.output_rows + count.head for count in counts],
        "logits": [bands(*sizes)[0].num_scores for sizes in zip(ids, widths, cutoffs, strict=True)],
    }
    return _joined(tested.heldout(), known)


def lengths(tested: Tested) -> pl.DataFrame:
    """Return the held-out rows of F6, with batch and steps in words as `arm`, and columns
    `batch_sequences`, `steps` (of the whole run) and `tokens` (seen at the row's step)."""
    names = ("batches.batch_sequences", "batches.block_tokens", "pretrain.steps")
    frame = by_setting(tested, cells_of(tested, "F6"), *names)
    told = pl.format("batch {}, {} steps", "batch_sequences", "steps")
    tokens = pl.col("step") * pl.col("batch_sequences") * pl.col("block_tokens")
    return frame.with_columns(arm=told, tokens=tokens)


def speeds(tested: Tested, claim: str) -> pl.DataFrame:
    """Return what pretraining took for each cell of a claim and seed: `cell`, `seed` and
    `step_seconds`; of runs whose time is known."""
    cells = cells_of(tested, claim)
    runs = tested.costs().filter(kind="pretraining").explode("cells").rename({"cells": "cell"})
    runs = runs.filter(pl.col("cell").is_in(cells), pl.col("seconds").is_not_null())
    return runs.select("cell", "seed", step_seconds=pl.col("seconds") / pl.col("steps"))


def parameters_of(tested: Tested, cell: str) -> Parameters:
    """Return the parameters of a cell's model, every weight counted.

    Raises:
        UserError: there is no such cell.
    """
    names = ("num_layers", "hidden_size", "ffn_size", "max_tokens", "adaptive_cutoffs")
    shape = {name: tested.setting(cell, f"model.{name}") for name in names}
    return parameters.count(tested.setting(cell, "vocabulary.size"), **shape)


def _losses(tested: Tested, words: bool) -> pl.DataFrame:
    """Return losses of whole words, or of masked pieces, told in `loss_of`."""
    frame = tested.words() if words else tested.heldout()
    return frame.with_columns(loss_of=pl.lit(WORDS if words else PIECES))


def _cut(tested: Tested, cell: str) -> str:
    """Say how a cell's vocabulary cuts text."""
    model = tested.setting(cell, "vocabulary.model")
    before = tested.setting(cell, "vocabulary.preprocessing")
    name = "BPE" if model == "bpe" else model
    return f"{name} on {'raw' if before == 'none' else before} text"


def _joined(frame: pl.DataFrame, known: dict[str, list[Any]]) -> pl.DataFrame:
    """Return the rows of cells that something is known of, with what is known as columns."""
    rows = pl.DataFrame(known, schema_overrides={n: t for n, t in TYPES.items() if n in known})
    return frame.join(rows, on="cell", how="inner", maintain_order="left")
