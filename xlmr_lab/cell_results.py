"""All cells of a tested campaign side by side, whichever claim they are of: the settings that vary,
what a run took, and what came out.

Cells that are pretrained alike are one here, with the claims and names of all: the base, which many
claims have, would otherwise stand there once for each. How a model was fine-tuned is no setting of
a cell but told by the outcome, as its protocol. Losses are of a run's last step. Left out: scores
of networks without pretraining, questions in another language than their context, and single steps
of a run.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from xlmr_lab import claim_results, model_costs
from xlmr_lab.campaign_results import Tested
from xlmr_lab.cell_frames import (
    BASE,
    COMPUTE,
    LEARNED,
    NUM_LANGUAGES,
    OUTCOMES,
    PIECES,
    WORDS,
    Cells,
    claim_number,
)
from xlmr_lab.score_results import OWN_SETS

FINETUNING = ("nli", "ner", "qa", "glue", "tasks", "evaluated")
"""Sections that tell nothing of how a model was pretrained."""
LANGUAGES = ("part.languages", "corpus.languages", "babel.languages")
"""Settings that name the languages of a cell, the first that does."""
NAMED = ("part.languages",)
"""Those of them that are told as they are, beside how many languages there are."""
ALL_IF_EMPTY = ("part.languages", "corpus.sources")
"""Settings that name some of what there is; naming none, they have all of it."""
BASELINES = ("no-pretraining", "bilstm-crf")
"""Arms of scores that are no pretrained model's."""
Change = Mapping[str, Any]


def cells(tested: Tested) -> Cells:
    """Return all cells of a campaign, those whose runs are still to come without outcomes."""
    base = tested.campaign()["settings"]
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in tested.cells():
        own = {k: v for k, v in row["changed"].items() if k.partition(".")[0] not in FINETUNING}
        groups.setdefault(json.dumps(own, sort_keys=True), []).append(row)
    changes = [json.loads(group) for group in groups]
    names = [[row["cell"] for row in rows] for rows in groups.values()]
    heads = [own[0] if change else BASE for own, change in zip(names, changes, strict=True)]
    merged = {name: head for head, own in zip(heads, names, strict=True) for name in own}
    sets = [{claim for row in rows for claim in row["claims"]} for rows in groups.values()]
    claims = [sorted(own, key=claim_number) for own in sets]
    told = {"cell": heads, "names": names, "claims": claims} | _columns(base, changes)
    lists = dict.fromkeys(("names", "claims"), pl.List(pl.String))
    took = {head: _took(base, change) for head, change in zip(heads, changes, strict=True)}
    outcomes = _outcomes(tested, merged)
    return Cells(
        settings=pl.DataFrame(told, schema_overrides={"cell": pl.String(), **lists}),
        compute=_compute(tested, merged, took, outcomes),
        outcomes=outcomes,
    )


def _columns(base: Change, changes: Sequence[Change]) -> dict[str, list[Any]]:
    """Return the values of every setting in which cells differ, in the order of the settings."""
    changed = {name for change in changes for name in change}
    names = [name for name in _leaves(base) if name in changed]
    columns: dict[str, list[Any]] = {}
    if changed & set(LANGUAGES):
        columns[NUM_LANGUAGES] = [_num_languages(base, change) for change in changes]
    for name in names:
        if name not in LANGUAGES or name in NAMED:
            columns[name] = [_plain(_value(base, change, name), name) for change in changes]
    return columns


def _leaves(settings: Change, prefix: str = "") -> list[str]:
    """Return the names of all settings.

    >>> _leaves({"seed": 0, "model": {"hidden_size": 64}})
    ['seed', 'model.hidden_size']
    """
    found = []
    for name, value in settings.items():
        found += _leaves(value, f"{prefix}{name}.") if isinstance(value, dict) else [prefix + name]
    return found


def _value(base: Change, change: Change, name: str) -> Any:
    if name in change:
        return change[name]
    value: Any = base
    for part in name.split("."):
        value = value[part]
    return value


def _plain(value: Any, name: str = "") -> float | str:
    """Return a value of a setting as a number or words.

    >>> _plain([0.5, 0.3]), _plain([]), _plain([], "corpus.sources"), _plain(True), _plain(64)
    ('0.5, 0.3', 'none', 'all', 'yes', 64)
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or ("all" if name in ALL_IF_EMPTY else "none")
    return value if isinstance(value, int | float) else str(value or "none")


def _num_languages(base: Change, change: Change) -> int:
    named = next(filter(None, (_value(base, change, name) for name in LANGUAGES)), ())
    return len(named) or int(_value(base, change, "babel.num_languages"))


def _took(base: Change, change: Change) -> dict[str, float]:
    """Return what the run of a cell takes, whatever the machine: `COMPUTE` without seconds."""

    def of(name: str) -> Any:
        return _value(base, change, name)

    sizes = ("num_layers", "hidden_size", "ffn_size", "max_tokens")
    model = model_costs.Model(
        name="",
        vocab_size=of("vocabulary.size"),
        num_languages=_num_languages(base, change) if of("model.language_embeddings") else 0,
        adaptive_cutoffs=tuple(of("model.adaptive_cutoffs")),
        **{name: of(f"model.{name}") for name in sizes},
    )
    block, fraction = of("batches.block_tokens"), of("batches.mask_fraction")
    load = model_costs.Load(block_tokens=block, mask_fraction=fraction)
    tokens = of("pretrain.steps") * of("batches.batch_sequences") * block
    return {
        "tokens": tokens,
        "steps": of("pretrain.steps"),
        "parameters": model.parameters.total,
        "operations": tokens * model_costs.operations(model, load).total,
    }


def _compute(
    tested: Tested,
    merged: Mapping[str, str],
    took: Mapping[str, Mapping[str, float]],
    outcomes: pl.DataFrame,
) -> pl.DataFrame:
    """Return what each run with outcomes took; seconds are null where nobody told them."""
    runs = tested.costs().filter(kind="pretraining").explode("cells")
    runs = runs.filter(pl.col("cells").is_in(list(merged)))
    cell = pl.col("cells").replace_strict(merged, default=None, return_dtype=pl.String)
    timed = runs.select("seed", "seconds", cell=cell).unique(["cell", "seed"], keep="first")
    keys = ["cell", "seed"]
    rows = [
        {"cell": cell, "seed": seed} | dict(took[cell])
        for cell, seed in outcomes.select(keys).unique(maintain_order=True).iter_rows()
    ]
    schema = {"cell": pl.String(), "seed": pl.Int64()} | dict.fromkeys(COMPUTE[:-1], pl.Float64())
    return pl.DataFrame(rows, schema=schema).join(timed, on=keys, how="left", maintain_order="left")


def _outcomes(tested: Tested, merged: Mapping[str, str]) -> pl.DataFrame:
    losses = tested.heldout()
    last = losses.filter(pl.col("step") == pl.col("step").max().over("cell", "seed"))
    rows = [
        frame.with_columns(outcome=pl.lit(name), value=pl.col("bits_per_byte"))
        for name, frame in ((PIECES, last), (WORDS, tested.words()))
    ]
    parts = [_merged(frame, merged) for frame in (*rows, _scores(tested))]
    keys = [name for name in OUTCOMES.names() if name != "value"]
    # What merged cells have in common was run once, or once on each of several machines.
    return pl.concat(parts).group_by(keys, maintain_order=True).agg(pl.col("value").mean())


def _scores(tested: Tested) -> pl.DataFrame:
    """Return the scores that claims go by, of pretrained models, fine-tuning seeds averaged; those
    in the language that a task was learned in are an outcome of their own, unless all were learned.
    """
    scores = tested.scores()
    if scores.is_empty():
        return pl.DataFrame(schema=OUTCOMES)
    own = claim_results.compared(scores).filter(~pl.col("arm").is_in(BASELINES))
    if "question_language" in own.columns:
        asked = pl.col("question_language").fill_null("")
        own = own.filter((asked == "") | (asked == pl.col("language")))
    own = own.join(_sources(tested), on=["cell", "task"], how="left", maintain_order="left")
    learned = ~pl.col("protocol").is_in(OWN_SETS) & (pl.col("language") == pl.col("source"))
    outcome = pl.format("{} {} {}", "task", "metric", "protocol")
    outcome = pl.when(learned).then(pl.format(f"{{}} {LEARNED}", outcome)).otherwise(outcome)
    keys = [name for name in OUTCOMES.names() if name != "value"]
    return (
        own.with_columns(outcome=outcome)
        .group_by(keys, maintain_order=True)
        .agg(pl.col("value").mean())
    )


def _sources(tested: Tested) -> pl.DataFrame:
    """Return the language that each cell's tasks were learned in."""
    base = tested.campaign()["settings"]
    tasks = tested.scores()["task"].unique().to_list()
    rows = [
        (
            row["cell"],
            task,
            _value(base, row["changed"], f"{task.partition('-')[0]}.train_language"),
        )
        for row in tested.cells()
        for task in tasks
    ]
    return pl.DataFrame(rows, schema=["cell", "task", "source"], orient="row")


def _merged(frame: pl.DataFrame, merged: Mapping[str, str]) -> pl.DataFrame:
    """Return rows in the form of `OUTCOMES`, cells by the names of those that they are one with."""
    known = frame.filter(pl.col("cell").is_in(list(merged)))
    cell = pl.col("cell").replace_strict(merged, default=None, return_dtype=pl.String)
    return known.with_columns(cell=cell).select(OUTCOMES.names()).cast(OUTCOMES)
