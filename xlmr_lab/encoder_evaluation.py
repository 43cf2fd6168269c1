"""`xlmr-lab evaluate ENCODER`: one given encoder on given tasks, told in 80 columns and as tables
beside the paper's.

An encoder is a word among the arguments that is no setting: hf:PATH, hf:OWNER/NAME, a run folder or
a checkpoint. Scores are told in per cent, with half the width of the interval over fine-tuning
seeds; retrieval by layer, as the mean over pairs of languages.
"""

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from xlmr_lab import configs, intervals, score_results, score_tables, storage
from xlmr_lab.ablations import doctor_told, evaluation, evaluation_config, evaluation_plan
from xlmr_lab.ablations.evaluation_plan import Evaluation
from xlmr_lab.ablations.task_runs import TaskRuns
from xlmr_lab.commands import WIDTH, table
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import scores
from xlmr_lab.evaluate.doctor import records
from xlmr_lab.evaluate.encoders import FOREIGN
from xlmr_lab.figures.paper_tables import PaperTable, paper_table
from xlmr_lab.paper.benchmarks import BENCHMARKS, Name

TABLES: dict[Name, str] = {"xnli": "nli", "ner": "ner", "mlqa": "qa", "glue": "glue"}
"""Tables of the paper, and the tasks that they are of."""
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
{body}
</html>
"""
HELP = """xlmr-lab evaluate ENCODER [--preset NAME] [section.field=value ...]

Fine-tune an encoder on the tasks whose path is given, score it in every
language, and set the scores beside the paper's. Nothing is pretrained. ENCODER
is hf:PATH of a folder saved by save_pretrained, hf:OWNER/NAME of the hub, a run
folder of the lab, or a checkpoint. Without one, `evaluate` is that of a study:
`xlmr-lab evaluate --help`.

How it is fine-tuned, by the encoder's width unless --preset says it:

{presets}

Examples:

  xlmr-lab evaluate hf:FacebookAI/xlm-roberta-base nli.path=../xnli
  xlmr-lab evaluate hf:../mbert ner.path=../conll ner.protocols=zero-shot,all
  xlmr-lab evaluate hf:../bert glue.path=../glue predictions=true
  xlmr-lab evaluate runs/small/arms/ARM qa.path=../mlqa retrieval.path=../nli

The settings of {preset}:

{settings}"""


def source_of(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the encoder that arguments name, and the settings among them.

    >>> source_of(["hf:a/b", "nli.path=x/y"])
    ('hf:a/b', ['nli.path=x/y'])
    >>> source_of(["nli.path=x"])
    (None, ['nli.path=x'])

    Raises:
        UserError: they name several.
    """
    named = [word for word in arguments if _is_source(word)]
    if len(named) > 1:
        raise UserError(f"one encoder at a time, got {' and '.join(named)}; run evaluate for each")
    settings = [word for word in arguments if not _is_source(word)]
    return (named[0] if named else None), settings


def _is_source(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return word.startswith(FOREIGN) or not equals or "/" in name


def help_text(preset: str | None) -> str:
    """Return what an evaluation of an encoder does, its presets and settings."""
    chosen = preset or "published"
    presets = []
    for name, make in evaluation_config.PRESETS.items():
        told = " ".join((make.__doc__ or "").split()).removeprefix("Return ")
        presets.append(textwrap.fill(f"  {name:<11}{told}", WIDTH, subsequent_indent=" " * 13))
    settings = configs.help_text(evaluation_config.settings(chosen, []))
    return HELP.format(presets="\n".join(presets), preset=chosen, settings=settings)


def run(
    source: str, given: Sequence[str], *, preset: str | None, say: Callable[[str], None]
) -> None:
    """Evaluate an encoder and tell its scores.

    Raises:
        UserError: something is wrong or missing, which is told before anything is trained.
    """
    work = evaluation_plan.open_evaluation(source, given, preset)
    for line in _planned(work):
        say(line)
    evaluation.run(work)
    found = evaluation.doctor(work)
    everything = scores.read(work.folder / evaluation.SCORES_NAME)
    frame = with_source(records.marked(everything, records.doctor(found)), learned_in(work))
    tables = _tables(frame)
    for line in told(frame):
        say(line)
    for name in tables:
        cells = score_tables.beside_paper(frame, name)
        made = paper_table(cells, name)
        _write(work.folder / "tables", name, cells, made)
        for line in beside(cells, name):
            say(line)
    for verdict in doctor_told.lines(found):
        say(textwrap.fill(verdict, WIDTH, break_on_hyphens=False))
    say(f"scores: {work.folder / evaluation.SCORES_NAME}")
    if tables:
        say(f"tables (.html, .tex, .csv): {work.folder / 'tables'}")


def learned_in(work: Evaluation) -> dict[str, str]:
    """Return the language that each task is learned in; GLUE's by their names in scores."""
    return {runs.task: runs.train_language for runs in evaluation_plan.planned(work)}


def with_source(frame: pl.DataFrame, languages: Mapping[str, str]) -> pl.DataFrame:
    """Return scores with what tells transfer (`score_results.marked`), given the language of each
    task's training data; a task of two sets, as MNLI, is learned in one."""
    sources = {str(task): _language_of(str(task), languages) for task in frame["task"].unique()}
    ours = [arm for arm in frame["arm"].unique() if arm not in score_tables.COUNTERPARTS]
    return score_results.marked(frame, pretrained=ours, sources=sources)


def _language_of(task: str, languages: Mapping[str, str]) -> str:
    """Return the language of the longest name of a task that a score's task begins with."""
    names = [name for name in languages if task.startswith(name)]
    return languages[max(names, key=len)] if names else ""


def told(frame: pl.DataFrame) -> Iterator[str]:
    """Yield a heading and a table for each task, protocol and selection, and for each arm where
    there are several."""
    tuned = frame.filter(pl.col("task") != "retrieval")
    several = tuned["arm"].n_unique() > 1
    keys = ["task", "protocol", "selection", *(["arm"] if several else [])]
    for names, group in tuned.group_by(keys, maintain_order=True):
        yield ", ".join(map(str, names))
        measures = group["metric"].unique(maintain_order=True).to_list()
        rows = []
        pairs = ["language", "question_language"]
        for (language, asked), part in group.group_by(pairs, maintain_order=True):
            place = f"{language}, asked in {asked}" if asked else str(language)
            marks = doctor_told.MARK * (part["refused"] != "").any()
            cells = [_cell(part.filter(pl.col("metric") == name)["value"]) for name in measures]
            cells = [cell + marks for cell in cells]
            rows.append((place, *cells, str(part["finetune_seed"].n_unique())))
        yield table(("language", *measures, "seeds"), rows)
        if (group["refused"] != "").any():
            yield doctor_told.LEGEND
    found = frame.filter(pl.col("task") == "retrieval")
    if len(found):
        yield "retrieval, mean over pairs of languages"
        rows = []
        for (protocol,), part in found.group_by(["protocol"], maintain_order=True):
            means = [_cell(part.filter(pl.col("metric") == m)["value"], False) for m in RETRIEVED]
            rows.append((str(protocol), *means))
        yield table(("layer", *RETRIEVED), rows)


RETRIEVED = ("accuracy", "accuracy_to", "accuracy_from")
"""Measures of retrieval."""


def _cell(values: pl.Series, over_seeds: bool = True) -> str:
    """Return a mean in per cent, with half its interval over seeds."""
    found = intervals.mean_interval([100 * value for value in values])
    if found.n < 2 or not over_seeds:
        return f"{found.mean:.1f}"
    return f"{found.mean:.1f} \u00b1 {(found.high - found.low) / 2:.1f}"


def beside(cells: pl.DataFrame, name: Name) -> Iterator[str]:
    """Yield our rows of a table beside the model of the paper that they are compared with."""
    yield BENCHMARKS[name].title
    ours = cells.filter(pl.col("source") == "ours")
    several, ways = (ours[column].n_unique() > 1 for column in ("model", "selection"))
    for (_, arm, protocol, models, selection, metric), part in ours.group_by(
        ["row", "model", "protocol", "models", "selection", "metric"], maintain_order=True
    ):
        told_apart = (f"#M {models}", str(selection) * ways, str(metric))
        heading = (str(arm) * several, str(protocol), *told_apart)
        yield ", ".join(filter(None, heading))
        rows = [
            (
                row["column"],
                _number(row["value"]) + doctor_told.MARK * bool(row["refused"]),
                *(_number(row[name]) for name in ("paper", "difference")),
            )
            for row in part.iter_rows(named=True)
        ]
        own = "this baseline" if arm in score_tables.COUNTERPARTS else "this encoder"
        theirs = score_tables.compared_with(name, arm=str(arm))
        yield table(("", own, theirs, "difference"), rows)
    other = pl.col("note").str.contains(" was scored on ")
    if columns := ours.filter(other)["column"].unique(maintain_order=True).to_list():
        told = f"not compared, other data than the paper's: {', '.join(columns)}"
        yield textwrap.fill(told, WIDTH)
    rest = ours.filter(~other, pl.col("note") != "")
    for (note,), part in rest.group_by(["note"], maintain_order=True):
        of = part.filter(pl.col("column") != score_tables.AVERAGE)["column"].unique()
        named = f" ({', '.join(sorted(of))})" if len(of) else ""
        yield textwrap.fill(f"not compared: {note}{named}", WIDTH)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _tables(frame: pl.DataFrame) -> list[Name]:
    """Return the tables of the paper that scores have rows in."""
    plain = frame.filter(~pl.col("protocol").is_in(score_tables.MIXED))
    there = set(zip(plain["task"], plain["metric"], strict=True))
    return [name for name in TABLES if there & set(score_tables.SOURCES[name])]


def _write(folder: Path, name: Name, cells: pl.DataFrame, made: PaperTable) -> None:
    """Write a table as a page, for LaTeX, and as its cells."""
    page = PAGE.format(title=BENCHMARKS[name].title, body=made._repr_html_())
    storage.write_text(folder / f"{name}.html", page)
    storage.write_text(folder / f"{name}.tex", made.latex())
    storage.write_text(folder / f"{name}.csv", cells.write_csv())


def _planned(work: Evaluation) -> Iterator[str]:
    """Yield what is going to be done."""
    module = work.opened.module
    yield textwrap.fill(
        f"{work.label}: width {module.hidden_size:,}, {module.vocab_size:,} ids, fine-tuned by the "
        f"preset {work.preset}; run folder {work.folder}",
        WIDTH,
        break_on_hyphens=False,
    )
    everything, rows = evaluation_plan.planned(work), []
    for runs in everything:
        tuned = runs.finetune
        length = f"{tuned.passes:g} passes" if tuned.passes else f"{tuned.steps:,} steps"
        rates = ", ".join(f"{rate:g}" for rate in tuned.learning_rates)
        rows.append(_planned_row(runs, runs.task, length, tuned.batch_sequences, rates))
    for plan in evaluation_plan.beside(work, everything):
        name, how = f"{plan.runs.task}, {plan.runs.names['arm']}", plan.config
        length, rate = f"{how.passes:,} passes", f"{how.learning_rate:g}"
        rows.append(_planned_row(plan.runs, name, length, how.batch_sentences, rate))
    if rows:
        yield table(("task", "learned in", "", "batch", "rate", "seeds", "languages"), rows)


def _planned_row(runs: TaskRuns, name: str, length: str, batch: int, rates: str) -> tuple[str, ...]:
    counts = (str(len(runs.seeds)), str(len(runs.languages)))
    return (name, runs.train_language, length, str(batch), rates, *counts)
