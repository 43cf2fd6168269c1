"""A dataset card of a cleaned corpus in the form of the Hugging Face hub: metadata, then Markdown,
generated from the corpus itself.

What the documents and the report of cleaning tell is told by tables; what they cannot tell, such as
licence and purpose, the caller says. What was not done is listed among the limits. Left out:
samples of the text, personal data, social biases; nothing here measures them.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

import xlmr_lab
from xlmr_lab import configs, storage
from xlmr_lab.corpus import card_tables, hub_metadata, statistics
from xlmr_lab.corpus.paragraphs import STAGES
from xlmr_lab.corpus.report import IdentifierReport, LanguageReport, Report
from xlmr_lab.errors import UserError

STAGE_TEXTS = {
    "filters": "paragraphs that are empty, no text by their characters, too short or too long",
    "identify": "paragraphs in another language than claimed or asked for, or in none for certain",
    "deduplicate": "paragraphs that the corpus already has",
    "contamination": "paragraphs that share text with an evaluation set",
    "quality": "documents, and lines of them, that break a published rule of quality",
    "near_duplicates": "documents that are nearly the same as an earlier one",
}
"""What each step of cleaning takes away."""

NOT_DONE = {
    "clean.near_duplicates": "Documents that are nearly the same were not looked for.",
    "clean.contamination.evaluation_sets": "No evaluation set was named that must not be in it.",
    "clean.quality.sets": "No published rule of document quality was applied.",
    "measure.second_identifier": "A single identifier tells languages; XLM-R had two agree.",
    "measure.encyclopaedia_sources": "There is no perplexity; every document is in bucket `all`.",
}
"""What it means for a corpus that a setting is empty or false."""

FEW_DOCUMENTS = 100
"""Fewer documents of a language than this are named among the limits."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What a card says that the corpus cannot say of itself."""

    name: str
    """Title of the card."""
    description: str
    """What the corpus is and what it is for; Markdown."""
    licence: str
    """The hub's name of a licence (mit, cc-by-sa-4.0), else `other` or `unknown`."""
    licence_text: str
    """What the licence covers; Markdown."""
    rebuild: str
    """Shell command that makes the corpus."""
    source_datasets: tuple[str, ...] = ("original",)
    """The hub's names of the datasets that it was made from."""
    measures: tuple[str, ...] = ()
    """What else is known of its quality, a sentence or two each."""
    limits: tuple[str, ...] = ()
    """Known limits, a sentence or two each."""
    citation: str = ""
    """BibTeX."""
    fingerprint: str = ""
    """Fingerprint of settings and input."""
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Versions of the libraries that it was made with, such as provenance gives them."""
    stands_for: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The paper's keys of the languages that invented ones stand for."""


def card(folder: Path, about: About, settings: Mapping[str, Any]) -> str:
    """Return the card of a cleaned corpus: `documents/` and `report.json` in `folder`.

    `settings` are the configurations that it was made with, by the names of their sections.

    Raises:
        UserError: there are no documents, or there is no readable report.
    """
    report = read_report(folder)
    sizes = statistics.sizes(folder / "documents")
    flat = {
        name: value
        for section, config in settings.items()
        for name, value in configs.flatten(config, f"{section}.").items()
    }
    header = hub_metadata.corpus_metadata(
        sizes,
        pretty_name=about.name,
        license=about.licence,
        source_datasets=list(about.source_datasets),
    )
    sections = {
        "How it was made": _making(about, report, flat),
        "What is in it": card_tables.composition(folder, sizes, about.stands_for),
        "What was left out, and why": card_tables.rejects(report),
        "How good it is": "\n\n".join(
            [card_tables.quality(folder, report, sizes, about.stands_for), *about.measures]
        ),
        "Known limits": _limits(about, sizes, report, flat),
        "Licence": about.licence_text.strip(),
        "How to obtain it": f"```sh\n{about.rebuild.strip()}\n```",
        "Citation": about.citation and f"```bibtex\n{about.citation.strip()}\n```",
    }
    parts = [f"## {title}\n\n{text}\n" for title, text in sections.items() if text]
    start = f"---\n{hub_metadata.as_yaml(header)}---\n\n# {about.name}\n\n"
    return "\n".join([f"{start}{about.description.strip()}\n", *parts])


def read_report(folder: Path) -> Report:
    """Return the report that a cleaning left in its folder.

    Raises:
        UserError: there is none, or it is broken.
    """
    path = folder / "report.json"
    if not path.is_file():
        raise UserError(f"no {path.name} in {folder}; clean a corpus first")
    stored = storage.read_json(path)
    return Report(
        languages={key: LanguageReport(**own) for key, own in stored["languages"].items()},
        identifier=IdentifierReport(**stored["identifier"]),
        unreadable=stored["unreadable"],
        cutoffs={key: (head, tail) for key, (head, tail) in stored["cutoffs"].items()},
    )


def _making(about: About, report: Report, flat: Mapping[str, Any]) -> str:
    removed = {
        stage: sum(own.rejected.get(r, 0) for own in report.languages.values() for r in reasons)
        for stage, reasons in STAGES.items()
    }
    steps = card_tables.table(
        ["step", "what it takes away", "paragraphs"],
        [(stage, STAGE_TEXTS[stage], number) for stage, number in removed.items()],
    )
    made_with = {"xlmr_lab": xlmr_lab.__version__, **about.versions}
    program = ", ".join(f"{name} {version}" for name, version in made_with.items())
    mark = f"; settings and input {about.fingerprint}" if about.fingerprint else ""
    lines = "\n".join(f"{name}={_shown(value)}" for name, value in flat.items())
    return (
        f"Cleaned in the steps of XLM-R Sec. 3 and CCNet Sec. 3 ({program}{mark}):\n\n{steps}\n\n"
        f"The settings:\n\n```\n{lines}\n```"
    )


def _shown(value: Any) -> str:
    """Write a setting as the command line takes it, of a path its last part."""
    if isinstance(value, tuple | list):
        return ",".join(map(_shown, value))
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return Path(value).name if isinstance(value, str) and value.startswith("/") else str(value)


def _limits(about: About, sizes: pl.DataFrame, report: Report, flat: Mapping[str, Any]) -> str:
    """Return what the caller knows of limits, and what follows from the settings and the report."""
    found = [*about.limits, *(text for name, text in NOT_DONE.items() if not flat.get(name, True))]
    few = sizes.filter(pl.col("num_documents") < FEW_DOCUMENTS)["language"].to_list()
    if few:
        found.append(f"Fewer than {FEW_DOCUMENTS} documents: {', '.join(few)}.")
    measured = report.identifier.accuracy_by_language
    unknown = [key for key in sizes["language"] if measured.get(key) is None]
    if unknown:
        found.append(f"How often identification errs is not measured: {', '.join(unknown)}.")
    without = [key for key in sizes["language"] if key not in report.cutoffs]
    if report.cutoffs and without:
        found.append(f"No encyclopaedia, so no perplexity: {', '.join(without)}.")
    return "\n".join(f"- {text}" for text in found) or "None are known."
