"""The verbs of the command line: each takes a study's settings and goes as far along the chain as
it says.

All verbs share the settings and the stages, so `corpus` leaves what `vocab` needs, and `study`
redoes nothing that another verb has done. What a verb has to say goes to standard output, progress
and logs to standard error.
"""

import logging
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import intervals, reports, results, storage
from xlmr_lab.ablations import (
    diagnosis,
    doctor_told,
    exported,
    losses_told,
    parallel_text,
    sampling_told,
    stages,
    standing,
    surgery,
    surgery_told,
    vocabulary_told,
)
from xlmr_lab.ablations import folder as run_folder
from xlmr_lab.ablations.run import Study
from xlmr_lab.ablations.surgery_source import MODEL_FOLDER
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import distributed

logger = logging.getLogger(__name__)

Say = Callable[[str], None]
WIDTH = 80
"""Columns of a terminal that prose is wrapped for."""


def study(work: Study, say: Say) -> None:
    """Run everything: text, vocabulary, pretraining over arms and seeds, tasks, findings,
    notebooks, report.
    """
    work.run()
    report(work, say)
    _say_doctor(work, say)


def corpus(work: Study, say: Say) -> None:
    """Clean the text and tell what was kept of each language."""
    folder = stages.cleaned(work.config)
    counts = storage.read_json(folder / "report.json")["languages"]
    rows = [
        (
            row["language"],
            f"{row['size_bytes'] / 1e3:,.0f} kB",
            f"{row['num_documents']:,}",
            f"{counts[row['language']]['kept_paragraphs']:,}",
            f"{sum(counts[row['language']]['rejected'].values()):,}",
        )
        for row in stages.sizes(work.config)
    ]
    say(table(("language", "kept", "documents", "paragraphs", "rejected"), rows))
    say(f"cleaned corpus: {folder}")


def vocab(work: Study, say: Say) -> None:
    """Train the vocabulary and tell how it serves each language, and what it costs a model."""
    measured = diagnosis.diagnosis(work.config)
    languages, premiums = (
        storage.read_jsonl(measured / f"{name}.jsonl") for name in ("languages", "premium")
    )
    say(table(*vocabulary_told.rows(languages, premiums)))
    for line in vocabulary_told.notes(languages, premiums):
        say(textwrap.fill(line, WIDTH))
    say(diagnosis.cost(work.config))
    say(f"vocabulary: {stages.vocabulary(work.config)}")
    if run_folder.is_free(work.folder, work.config):
        work.prepare_vocabulary()
        say("to look at it: ./lab notebook, notebooks 03_language_sampling, 04_vocabulary")
        say(f'and 06_model_anatomy, each with run = "{work.folder}"')
    else:
        told = f"{work.folder} holds a study with other settings and stays as it is; add name=NEW "
        say(textwrap.fill(told + "to look at this vocabulary in 04_vocabulary.ipynb", WIDTH))


def pretrain(work: Study, say: Say) -> None:
    """Pretrain the main arm over its seeds, and tell how often each language is to be seen, and
    was; `vocab` and notebook 03 show it beforehand. Processes that torchrun starts take each step
    together.
    """
    distributed.require_even(work.config.batches.batch_sequences)
    device = distributed.chosen_device(work.config.pretrain.device)
    with distributed.joined(device) as processes:
        if processes.first:
            work.prepare()
        processes.wait()
        _pretrain(work, say if processes.first else lambda text: None)


def _pretrain(work: Study, say: Say) -> None:
    found = work.arms([work.config.sampling.alpha])
    run, shards = found[0].run, parallel_text.training_shards(work.config)
    before = [arm for arm in found if arm.final.is_dir()]
    if len(before) < len(found):
        say(table(*sampling_told.planned(run, shards)))
    work.pretrain([work.config.sampling.alpha])
    drawn = [sampling_told.last_draws(arm.folder) for arm in found]
    say(table(*sampling_told.made(run, shards, drawn)))
    say(sampling_told.note(run, len(found)))
    say(table(*losses_told.rows(found, shards)))
    say(textwrap.fill(losses_told.NOTE, WIDTH))
    for arm in before:
        say(f"{arm.folder.name}: {standing.finished(arm)}")
    say(f"runs: {work.folder / 'arms'}")
    say("to look at it: ./lab notebook, notebooks 03 and 05 to 09, each with")
    say(f'run = "{work.folder}" in its cell of parameters')


def evaluate(work: Study, say: Say) -> None:
    """Fine-tune the main arm and the baseline without pretraining, and tell the scores.

    `evaluate ENCODER` is another thing: any encoder (hf:PATH, hf:OWNER/NAME, a run folder, a
    checkpoint) on task files; `evaluate ENCODER --help`.
    """
    work.prepare()
    work.evaluate()
    for line in _scores_told(work.scores().to_dicts()):
        say(line)
    _say_doctor(work, say)
    say(f"scores: {work.folder / 'scores.jsonl'}")


def _say_doctor(work: Study, say: Say) -> None:
    for line in doctor_told.lines(work.doctor()):
        say(textwrap.fill(line, WIDTH, break_on_hyphens=False))


def _scores_told(scores: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield a heading and a table for each task, protocol and selection."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in scores:
        asked = f", asked in {row['question_language']}" if row["question_language"] else ""
        place = f"{row['language']}{asked}"
        names = [row[name] for name in ("task", "protocol", "selection")]
        groups.setdefault((*names, place, row["arm"], row["metric"]), []).append(row)
    tables: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for group, own in groups.items():
        mark = doctor_told.MARK * any(row["refused"] for row in own)
        mean = f"{sum(row['value'] for row in own) / len(own):.3f}{mark}"
        tables.setdefault(group[:3], []).append((*group[3:], mean, str(len(own))))
    for heading, cells in tables.items():
        yield ", ".join(heading)
        yield table(("language", "arm", "measure", "mean", "runs"), sorted(cells))
    if any(row["refused"] for own in groups.values() for row in own):
        yield doctor_told.LEGEND


def ablate(work: Study, say: Say) -> None:
    """Pretrain every arm and tell what the comparison says.

    `ablate SCALE` is another thing: the paper's claims as one study; `ablate laptop --help`.
    """
    work.run()
    say(findings_table(work))


def report(work: Study, say: Say) -> None:
    """Execute the notebooks on the study and write its HTML report. Its figures and tables as files
    too, each with its run and call: export=html,svg,png,csv,tex writes `report/exports/`.

    `report FOLDER` is another thing: the page of the paper's claims that `ablate SCALE` tested, of
    its run folder or of notebooks/results/laptop. So is `report NOTEBOOK [name=value ...]`: one
    notebook with parameters, or over a grid of them; `report 03_language_sampling --help`.
    """
    run_folder.require_finished(work.folder, work.config)
    say(findings_table(work))
    study = results.open_study(work.folder)
    say(f"report: {written(study.folder, lambda: reports.report_study(study, notebooks()))}")


def written(folder: Path, write: Callable[[], Path]) -> Path:
    """Return the report of a run folder, written anew if it was made from anything else than is
    there now.
    """
    page, stamp = folder / "report" / "index.html", folder / "report" / "made-from.json"
    shown = _shown(folder)
    if not page.is_file() or not stamp.is_file() or storage.read_json(stamp) != shown:
        stamp.unlink(missing_ok=True)
        write()
        storage.write_json(stamp, shown)
    return page


def export(work: Study, say: Say) -> None:
    """Write the model of a pretrained run (its main arm, first seed) with its tokenizer as a
    Hugging Face folder, `export/` in the run folder; of a run with a vocabulary alone, the
    tokenizer. There `<mask>` in a text is the mask, as `<s>` is a special; loaded with
    split_special_tokens=True such names are text, and every line has the lab's ids.
    """
    made = exported.export(work)
    say(f"Hugging Face {'tokenizer' if made.model_maker else 'model'}: {made.folder}")
    say("<mask> in a text is the mask there; to read names of specials as text, with")
    say("the ids of the lab, load the tokenizer with split_special_tokens=True")
    if made.model_maker:
        say(f"no model yet; `{made.model_maker}` makes one")


def trim(work: Study, say: Say) -> None:
    """Trim the model of a pretrained run and its vocabulary to `surgery.languages`, and prove that
    the logits of the kept ids are what they were; `trimmed/` in the run folder, of which
    `trimmed/huggingface` is for transformers.
    """
    folder, record = surgery.trim(work)
    _say_surgery(say, surgery_told.trimmed_lines(record), surgery_told.trimmed(record))
    say(f"trimmed model: {folder}, for transformers: {folder / MODEL_FOLDER}")


def extend(work: Study, say: Say) -> None:
    """Extend the model of a pretrained run and its unigram vocabulary by a language, and prove that
    the loss on the old languages is what it was; `extended/` in the run folder, of which
    `extended/huggingface` is for transformers.
    """
    folder, record = surgery.extend(work)
    _say_surgery(say, surgery_told.losses(record), surgery_told.extended(record))
    say(f"extended model: {folder}, for transformers: {folder / MODEL_FOLDER}")


def _say_surgery(say: Say, rows: surgery_told.Rows, lines: Iterable[str]) -> None:
    say(table(*rows))
    for line in lines:
        say(textwrap.fill(line, WIDTH))


VERBS: dict[str, Callable[[Study, Say], None]] = {
    "study": study,
    "corpus": corpus,
    "vocab": vocab,
    "pretrain": pretrain,
    "evaluate": evaluate,
    "ablate": ablate,
    "report": report,
    "export": export,
    "trim": trim,
    "extend": extend,
}


def notebooks() -> list[Path]:
    """Return the notebooks of this checkout, in their order.

    Raises:
        UserError: the package is installed without them.
    """
    found = sorted((Path(__file__).parents[1] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    if not found:
        raise UserError("the notebooks are not beside the package; run from a checkout of xlmr_lab")
    return found


def _shown(folder: Path) -> dict[str, str]:
    """Return checksums of all that a report is made from: results, notebooks, code."""
    package = Path(__file__).parent
    parts = [*sorted(folder.glob("*.json*")), *notebooks()]
    parts += [p for p in sorted(package.rglob("*")) if p.suffix in (".py", ".tsv")]
    return {f"{path.parent.name}/{path.name}": storage.checksum(path) for path in parts}


def findings_table(work: Study) -> str:
    """Return the study's findings for a terminal of 80 columns."""
    lines = []
    for row in storage.read_jsonl(work.folder / "findings.jsonl"):
        lines.append(f"{row['verdict']:>12}  {row['claim']}")
        if row["low"] is not None:
            numbers = intervals.told(row["effect"], row["low"], row["high"])
            lines += _indented(f"{numbers} {row['outcome']}")
        lines += _indented("; ".join(filter(None, (row["lean"], row["note"]))))
    return "\n".join(lines)


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, 80, initial_indent=" " * 14, subsequent_indent=" " * 14)


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Lay out a table for a terminal: the first column to the left, the others to the right.

    >>> print(table(("language", "kept"), [("sw", "1.6 kB")]))
    language    kept
    sw        1.6 kB
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = []
    for row in (header, *rows):
        first, *others = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
