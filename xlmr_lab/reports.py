"""Batch side of the notebooks: execute those that show a study or a campaign, and put them together
as one HTML page.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xlmr_lab import intervals, notebook_execution, notebook_parameters, storage
from xlmr_lab.campaign_results import Tested
from xlmr_lab.errors import UserError
from xlmr_lab.notebook_execution import Execution
from xlmr_lab.report_page import page
from xlmr_lab.results import Study

NEEDS = {"11_ner_and_qa": {"ner": "run", "qa": "qa_run"}, "17_glue": {"glue": "run"}}
"""Notebooks on tasks that not all studies have: the sections of those tasks, any of which will do,
and the parameter that takes a study with each."""
STUDY, CAMPAIGN = "run", "studies"
"""Parameters that take the run folder of a study, and of a campaign, which is the paper's claims as
tested."""
FIRST = "16_results"
"""The notebook that a campaign's report begins with: the claims as a whole."""
VERDICTS = ("supported", "contradicted", "inconclusive")
"""The order in which contrasts are counted."""


def write_report(
    notebooks: Sequence[Path],
    path: Path,
    *,
    title: str,
    summary: str = "",
    provenance: Mapping[str, Any] | None = None,
    findings: Sequence[Mapping[str, str]] = (),
    effects: str = "effect [95 %]",
    labels: Mapping[str, str] | None = None,
) -> Path:
    """Write executed notebooks as one HTML page that needs no network: text, figures, tables,
    folded code.

    `summary` is Markdown that stands before the table of contents, above `findings` (claim, effect,
    verdict, details), whose effects are called `effects`; `provenance` is a nested dict that ends
    the page. `labels` tell apart runs of one notebook, by the stem of the executed copy.
    """
    import nbformat

    read = [(source.stem, nbformat.read(source, as_version=4)) for source in notebooks]
    parts: dict[str, Any] = {
        "summary": summary,
        "findings": findings,
        "effects": effects,
        "labels": labels or {},
    }
    storage.write_text(path, page(read, title=title, provenance=provenance or {}, **parts))
    return path


def report_study(study: Study, notebooks: Sequence[Path]) -> Path:
    """Execute notebooks on a study into its `notebooks/`, and write its `report/index.html`; beside
    it `findings.jsonl`, what the study found and what made it, to show to others.

    The notebooks are those that take the run folder as parameter `run`; one on tasks that the study
    has no scores of is left out.
    """
    work = [
        _execution(source, study.folder, parameters(study, source))
        for source in wanted(study, notebooks)
    ]
    for _, error in notebook_execution.run_notebooks(work):
        if error:
            raise error
    found = study.findings().to_dicts()
    record = {"provenance": study.provenance()}
    storage.write_jsonl(study.folder / "report" / "findings.jsonl", [record, *found])
    return write_report(
        [one.target for one in work],
        study.folder / "report" / "index.html",
        title=f"XLM-R study: {study.folder.name}",
        summary=f"{study.about()} {study.kinship()}",
        provenance=study.provenance(),
        findings=[_headline(row) for row in found],
    )


def report_campaign(tested: Tested, notebooks: Sequence[Path]) -> Path:
    """Execute notebooks on a campaign into its `notebooks/`, and write its `report/index.html`,
    which begins with the verdict on each claim.

    The notebooks are those whose first parameter takes the run folder, `studies`; others show a
    study, and claims beside it. One that stops is on the page with its error, and stops no other.

    Raises:
        UserError: notebooks stopped; the page is written.
    """
    taken = [path for path in notebooks if notebook_parameters.names(path)[:1] == [CAMPAIGN]]
    work = [
        _execution(source, tested.folder, {CAMPAIGN: tested.name})
        for source in sorted(taken, key=lambda path: path.stem != FIRST)
    ]
    for one in work:
        one.target.unlink(missing_ok=True)
    stopped = [str(error) for _, error in notebook_execution.run_notebooks(work) if error]
    executed = [one.target for one in work if one.target.is_file()]
    path = write_report(
        executed,
        tested.folder / "report" / "index.html",
        title=f"The paper's claims, tested: {tested.folder.name}",
        summary=tested.about(),
        provenance=tested.provenance(),
        findings=_verdicts(tested.conclusions().to_dicts()),
        effects="its contrasts",
    )
    if stopped:
        raise UserError(f"{path} is not whole: {'; '.join(stopped)}")
    return path


def executed(folder: Path) -> list[Path]:
    """Return the notebooks as they ran on a run, in their order."""
    return sorted((folder / "notebooks").glob("*.ipynb"))


def _execution(source: Path, folder: Path, parameters: Mapping[str, str]) -> Execution:
    target = folder / "notebooks" / source.name
    return Execution(source=source, target=target, parameters=parameters)


def wanted(study: Study, notebooks: Sequence[Path]) -> list[Path]:
    """Return the notebooks that have something to say of a study, in their order."""
    there = _sections(study)
    said = [p for p in notebooks if p.stem not in NEEDS or there & set(NEEDS[p.stem])]
    return [path for path in said if STUDY in notebook_parameters.names(path)]


def parameters(study: Study, notebook: Path) -> dict[str, str]:
    """Return the parameters with which a notebook shows a study, of each of its tasks those scores
    that there are; where it takes another study for tasks that this one lacks, it keeps that.
    """
    there, needs = _sections(study), NEEDS.get(notebook.stem, {})
    return {STUDY: study.name} | {needs[name]: study.name for name in needs if name in there}


def _sections(study: Study) -> set[str]:
    """Return the sections of the tasks that a study has scores of."""
    return {task.partition("-")[0] for task in study.scores()["task"].unique()}


def _headline(row: Mapping[str, Any]) -> dict[str, str]:
    """Return a finding as the first page of a report tells it."""
    details = (
        f"{row['outcome']}: {row['contrast']}; {row['num_pairs']} pairs (Sec. {row['section']})"
    )
    return {
        "claim": row["claim"],
        "effect": intervals.told(row["effect"], row["low"], row["high"]).replace(" ", "\u00a0"),
        "verdict": ", ".join(filter(None, (row["verdict"], row["lean"]))),
        "details": "; ".join(filter(None, (details, row["note"]))),
    }


def _verdicts(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return conclusions as the first page of a report tells them: a row for each claim."""
    found = []
    for claim in dict.fromkeys(row["claim"] for row in rows):
        own = [row for row in rows if row["claim"] == claim]
        counts = Counter(row["verdict"] for row in own if not row["aside"])
        found.append(
            {
                "claim": f"{claim}: {own[0]['title']}",
                "effect": ", ".join(f"{counts[v]}\u00a0{v}" for v in VERDICTS if counts[v]),
                "verdict": own[0]["claim_verdict"],
                "details": "\n".join([*map(_contrast, own), f"Sec. {own[0]['section']}"]),
            }
        )
    return found


def _contrast(row: Mapping[str, Any]) -> str:
    """Return a contrast in a line."""
    effect = math.nan if row["effect"] is None else row["effect"]
    told = f"{intervals.told(effect, row['low'], row['high'])} {row['unit']}, {row['verdict']}"
    known = "not known" if row["effect"] is None else told
    beside = ", beside the claim" * row["aside"]
    more = f" ({row['note']})" if row["note"] else ""
    return f"{row['contrast']}: {row['says']}: {known}{beside}{more}"
