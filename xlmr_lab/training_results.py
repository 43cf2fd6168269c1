"""Reads how the runs of a study went: losses and optimisation by step, tokens and passes, and the
checkpoints that are kept.
"""

from collections.abc import Sequence

import polars as pl

from xlmr_lab.errors import UserError
from xlmr_lab.results import Study

KEYS = ("arm", "seed", "step")


def step_tokens(study: Study) -> int:
    """Return the tokens of a batch."""
    batches = study.config()["batches"]
    return int(batches["batch_sequences"] * batches["block_tokens"])


def heldout(study: Study, arms: Sequence[str] | None = None) -> pl.DataFrame:
    """Return the held-out losses with `tokens`, all that the run had seen by then, and `passes`,
    how often it had gone through the language's text; of some arms, or of all.

    Raises:
        UserError: there is no such arm, or nothing was measured.
    """
    losses = study.heldout()
    if losses.is_empty():
        raise UserError(
            f"no run of {study.name} measured held-out loss: pretrain.heldout_blocks is 0; train "
            "with at least 1"
        )
    blocks = study.training_sizes().select("language", "num_blocks")
    passes = (
        study.draws()
        .select(*KEYS, "language", "blocks")
        .join(blocks, on="language")
        .with_columns(passes=pl.col("blocks") / pl.col("num_blocks"))
        .drop("blocks", "num_blocks")
    )
    frame = losses.join(passes, on=[*KEYS, "language"], how="left", maintain_order="left")
    return _counted(study, frame, arms)


def steps(study: Study, arms: Sequence[str] | None = None) -> pl.DataFrame:
    """Return the training records with `tokens`, all that the run had seen by then; of some arms,
    or of all.

    Raises:
        UserError: there is no such arm.
    """
    return _counted(study, study.steps(), arms)


def runs(study: Study) -> pl.DataFrame:
    """Return the pretraining runs: what they saw, how they ended, and the steps whose checkpoints
    are kept.
    """
    frame = study.runs()
    kept = [
        ", ".join(
            f"{int(path.name.removeprefix('step-')):,}"
            for path in sorted((study.folder / "arms" / run / "checkpoints").glob("step-*"))
        )
        for run in frame["run"]
    ]
    return frame.select(
        "run",
        "sampling",
        "seed",
        "steps",
        (pl.col("steps") * step_tokens(study)).alias("tokens"),
        "last training loss",
        pl.Series("checkpoints kept", kept, dtype=pl.String),
    )


def _counted(study: Study, frame: pl.DataFrame, arms: Sequence[str] | None) -> pl.DataFrame:
    """Keep some arms, and count tokens."""
    known = frame["arm"].unique().sort().to_list()
    for arm in arms or []:
        if arm not in known:
            raise UserError(f"{study.name} has no arm {arm!r}; it has {', '.join(known)}")
    kept = frame if arms is None else frame.filter(pl.col("arm").is_in(list(arms)))
    return kept.with_columns(tokens=pl.col("step") * step_tokens(study))
