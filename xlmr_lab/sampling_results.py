"""Reads how a study sampled its languages: its schedule, and what was drawn beside what was to be
expected."""

import dataclasses
from typing import Any

import polars as pl

from xlmr_lab import configs, storage, study_call
from xlmr_lab.results import Study
from xlmr_lab.sampling import meter, schedules
from xlmr_lab.sampling.pairs import PairSampling, single_length
from xlmr_lab.sampling.schedules import Length, Phase
from xlmr_lab.sampling.settings import SamplingConfig

ARMS_NAME, BLOCKS_NAME = "arms.json", "blocks.jsonl"
COLUMNS = {
    "sentences": "num_paragraphs",
    "blocks": "num_blocks",
    "bytes": "size_bytes",
    "pieces": "num_pieces",
}
"""The column of `Study.training_sizes` that holds each basis."""


def about(study: Study) -> str:
    """Say in Markdown what was studied and, of a study that is not pretrained, what is missing."""
    note = undrawn(study)
    return f"{study.about()}\n\n{note}" if note else study.about()


def schedule(study: Study) -> dict[str, Any]:
    """Return how the main runs of a study sample, as arguments of the figures: the exponent, and
    what else is not at its default.
    """
    config = configs.from_dict(SamplingConfig, study.config()["sampling"])
    names = [field.name for field in dataclasses.fields(config) if field.name != "basis"]
    values, plain = {name: getattr(config, name) for name in names}, SamplingConfig()
    return {k: v for k, v in values.items() if k == "alpha" or v != getattr(plain, k)}


def basis(study: Study) -> str:
    """Return what counts as a language's size in the runs of a study."""
    return str(study.config()["sampling"]["basis"])


def undrawn(study: Study) -> str:
    """Say of a study that no run has drawn anything, or that its blocks are estimated, and which
    command mends that; nothing of others.
    """
    drawn, counted = _is_drawn(study), (study.folder / BLOCKS_NAME).is_file()
    told = [
        *(["no finished run has drawn from this text yet"] if not drawn else []),
        *(["its blocks are estimated"] if not counted else []),
    ]
    if not told:
        return ""
    call = study_call.maker(study.folder, BLOCKS_NAME if drawn else ARMS_NAME)
    return f"{', and '.join(told).capitalize()}: `{call}`"


def realised(study: Study) -> pl.DataFrame:
    """Return what every run had drawn of each language at its end, beside what its schedule let
    expect.

    `share` is realised, `expected_share` projected before the first step, `error` the standard
    deviation of a share between such runs; `passes` and `expected_passes` are over the language's
    blocks. Parallel text is left out. A run that is cut short is compared with as many of its
    steps. Before any run is finished the frame is empty.
    """
    if not _is_drawn(study):
        return pl.DataFrame(schema={"language": pl.String, "arm": pl.String})
    sizes = study.training_sizes()
    drawn = study.draws()
    last = drawn.filter(pl.col("step") == pl.col("step").max().over("run"))
    frames = []
    for arm in storage.read_json(study.folder / ARMS_NAME):
        folder = study.folder / arm["folder"]
        run = last.filter(pl.col("run") == folder.name)
        frames.append(_beside(run, sizes, storage.read_json(folder / "config.json")))
    return pl.concat(frames)


def _is_drawn(study: Study) -> bool:
    return (study.folder / ARMS_NAME).is_file()


def _beside(drawn: pl.DataFrame, sizes: pl.DataFrame, config: dict[str, Any]) -> pl.DataFrame:
    """Return the draws of one run with what was to be expected of them."""
    steps = int(drawn["step"].to_list()[0])
    found, length = _phases(sizes, config), _length(steps, config)
    expected, error = meter.expected_draws(found, length), meter.sampling_error(found, length)
    total, drawn_total = steps * length.step_blocks, int(drawn["blocks"].sum())
    blocks = dict(sizes.select("language", "num_blocks").iter_rows())
    rows = [
        {
            "language": key,
            "share": count / drawn_total,
            "expected_share": expected.get(key, 0.0) / total,
            "error": error.get(key, 0.0) / total,
            "passes": count / blocks[key],
            "expected_passes": expected.get(key, 0.0) / blocks[key],
        }
        for key, count in drawn.select("language", "blocks").iter_rows()
    ]
    return drawn.join(pl.DataFrame(rows), on="language", maintain_order="left")


def _phases(sizes: pl.DataFrame, config: dict[str, Any]) -> list[Phase]:
    """Return the phases of a run, as its training derived them."""
    sampling = configs.from_dict(SamplingConfig, config["sampling"])
    known = dict(sizes.select("language", COLUMNS[sampling.basis]).iter_rows())
    counted = {key: float(known[key]) for key in config["languages"]}
    length = _length(config["pretrain"]["steps"], config)
    return schedules.phases(sampling, counted, length)


def _length(steps: int, config: dict[str, Any]) -> Length:
    """Return how much a run draws of single languages."""
    pairs = configs.from_dict(PairSampling, config.get("tlm", {}))
    return single_length(Length(steps, config["batches"]["batch_sequences"]), pairs)
