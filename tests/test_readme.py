"""The README is short, and what it names is there: commands, settings, links, notebooks."""

import json
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from xlmr_lab import intervals, storage

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
LINKS = re.findall(r"\]\(([^)\s]+)\)", README)
SCRIPT_WORDS = {"test", "notebook", "--help"}  # what ./lab does itself; the rest are verbs


def commands() -> list[list[str]]:
    lines = [line.partition("#")[0].strip() for block in BLOCKS for line in block.splitlines()]
    return [shlex.split(line) for line in lines if line]


VERB_COMMANDS = [c for c in commands() if c[1:] and c[1] not in SCRIPT_WORDS]


@cache
def help_of(*verb: str) -> str:
    """Return what `./lab VERB --help` prints; a verb may have two words."""
    done = subprocess.run(
        [sys.executable, "-m", "xlmr_lab", *verb, "--help"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_can_be_read_in_one_go() -> None:
    assert len(README.splitlines()) <= 200


def test_the_two_commands_come_first() -> None:
    assert commands()[:2] == [["./lab"], ["./lab", "test"]]
    assert all(command[0] == "./lab" for command in commands())


@pytest.mark.slow
@pytest.mark.parametrize("command", VERB_COMMANDS, ids=" ".join)
def test_commands_and_their_settings_exist(command: list[str]) -> None:
    # a scale, an encoder, a notebook
    own = command[1] in ("ablate", "evaluate", "report") and "=" not in command[2]
    of_two = command[1] == "bench" or own
    verb = command[1:3] if of_two else command[1:2]
    text = help_of(*verb)
    for word in command[1 + len(verb) :]:
        name, equals, _ = word.partition("=")
        shown = f" {name}=" if equals else word
        assert word == "--help" or shown in text, f"{command[1]} knows no {word}"


def test_settings_named_in_the_text_exist() -> None:
    settings = set(re.findall(r"^ +([\w.]+)=", help_of("study"), re.MULTILINE))
    sections = {name.split(".")[0] for name in settings if "." in name}
    dotted = set(re.findall(r"(?<![\w/])\w+(?:\.\w+)+", README))
    named = {n for n in dotted if n.split(".")[0] in sections and not n.endswith(".py")}
    assert {"corpus.path", "ner.path", "nli.path"} <= named
    assert named <= settings


@pytest.mark.slow
def test_the_verbs_are_those_of_the_script_and_of_the_command_line() -> None:
    script = (ROOT / "lab").read_text("utf-8")
    (listed,) = re.findall(r"study corpus [a-z ]+", README)
    assert listed in script
    done = subprocess.run(
        [sys.executable, "-m", "xlmr_lab", "--help"], capture_output=True, text=True, check=True
    )
    assert [verb for verb in listed.split() if not re.search(rf"\b{verb}\b", done.stdout)] == []


@pytest.mark.parametrize("link", sorted(set(LINKS)))
def test_links_lead_somewhere(link: str) -> None:
    if not link.startswith("https://"):
        assert (ROOT / link).exists()


def test_every_notebook_is_listed() -> None:
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert there
    assert {link for link in LINKS if link.endswith(".ipynb")} == there


def test_folders_and_files_in_the_overview_exist() -> None:
    named = re.findall(r"(?<![\w/<])((?:xlmr_lab|tests)/[\w/.]*)", README)
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_part_of_the_package_is_in_the_overview() -> None:
    parts = {path.parent.name for path in (ROOT / "xlmr_lab").glob("*/__init__.py")}
    assert [part for part in sorted(parts) if f"xlmr_lab/{part}/" not in README] == []


def findings(path: Path) -> list[dict[str, Any]]:
    """Return a study's stored findings, without the record of what made them."""
    record, *rows = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    assert record["provenance"]["command"].startswith("xlmr_lab study")
    assert record["provenance"]["libraries"]["torch"]
    return rows


def told_of(finding: dict[str, Any]) -> str:
    """Return what a cell of the README says of a finding."""
    levels = re.search(r" \([\d.]+ with, [\d.]+ without", finding["outcome"])
    effect = intervals.told(finding["effect"], finding["low"], finding["high"])
    verdict = ", ".join(filter(None, (finding["verdict"], finding["lean"])))
    return effect + (f"{levels[0]})" if levels else "") + f": {verdict}"


def place_of(study: str, finding: dict[str, Any]) -> tuple[str, str]:
    """Return the row and the column of the README that speak of a finding."""
    if contrast := re.search("\N{GREEK SMALL LETTER ALPHA} = .*", finding["claim"]):
        return contrast[0], finding["claim"].partition(" at ")[0]
    task = re.search("zero-shot (NLI|NER)", finding["claim"])
    assert task is not None, finding["claim"]
    return task[1], f"`{study}`"


def tables() -> dict[tuple[str, str], str]:
    """Return the cells of the README's tables by the beginnings of their row and column."""
    cells = {}
    for table in re.findall(r"(?:^\|.*\n)+", README, re.MULTILINE):
        header, _, *rows = (
            [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()
        )
        for first, *row in rows:
            cells |= {
                (first.partition(",")[0], column.partition(",")[0]): cell
                for column, cell in zip(header[1:], row, strict=True)
            }
    return cells


def test_the_tables_of_results_are_what_the_stored_studies_found() -> None:
    paths = sorted((ROOT / "notebooks" / "results").glob("*-findings.jsonl"))
    studies = {path.name.removesuffix("-findings.jsonl"): findings(path) for path in paths}
    assert {"tiny", "small"} <= set(studies)
    found = [(name, row) for name, rows in studies.items() for row in rows]
    wanted = {place_of(name, row): told_of(row) for name, row in found}
    assert len(wanted) == len(found)
    told = {place: cell for place, cell in tables().items() if "[+" in cell or "[-" in cell}
    assert told == wanted


def test_verdicts_on_claims_are_those_of_the_stored_campaign() -> None:
    rows = storage.read_jsonl(ROOT / "notebooks" / "results" / "laptop" / "conclusions.jsonl")
    found: dict[str, list[str]] = {}
    for claim, verdict in dict.fromkeys((row["claim"], row["claim_verdict"]) for row in rows):
        found.setdefault(verdict, []).append(claim)
    section = README.partition("## The paper's claims, tested")[2].partition("\n## ")[0]
    told = re.findall(r"\*\*(\w+)\*\* ((?:F\d+, )*F\d+)", section)
    assert {verdict: claims.split(", ") for verdict, claims in told} == found
    campaign = storage.read_json(ROOT / "notebooks" / "results" / "laptop" / "campaign.json")
    assert f"{campaign['seeds']} seeds" in section
