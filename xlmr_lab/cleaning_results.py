"""Reads what the cleaning of a study left behind into polars frames: the trail of every paragraph.

The run folder's `stages.json` says where the cleaned and the measured text lie. Nothing is measured
here: other thresholds are applied to the stored measures of a sample (`cleaning_sample`), and
scores are counted over at most `MAX_PARAGRAPHS`.
"""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from xlmr_lab import cleaning_sample, cleaning_tables, configs, stage_folders, storage, study_call
from xlmr_lab.babel import tongues
from xlmr_lab.cleaning_sample import Sample
from xlmr_lab.cleaning_tables import CONFUSION, TRUTH
from xlmr_lab.corpus import cards, documents, measure, statistics
from xlmr_lab.corpus.judge import CleanConfig, Judge, columns_to_judge
from xlmr_lab.corpus.models import IDENTIFIERS_NAME, MeasureConfig
from xlmr_lab.corpus.report import Report
from xlmr_lab.errors import UserError
from xlmr_lab.results import Study

MAX_PARAGRAPHS = 2_000_000
"""Measured paragraphs whose scores are counted at most: of every piece as many from its start."""

TURNED = (
    "max_damaged_share",
    "min_letter_share",
    "min_paragraph_bytes",
    "min_identified_bytes",
    "agreement.min_score",
    "agreement.min_scores",
    "agreement.max_mixed_score",
    "keep",
    "buckets.head_share",
    "buckets.tail_share",
)
"""Settings of `clean` that a sample is judged by again; the others are of later steps."""

UNUSED = ("doc_id", "url", "source", "key")
"""Columns of measured paragraphs that no verdict looks at."""


def open_cleaning(study: Study) -> "Cleaning":
    """Find the folders of a study's text.

    Raises:
        UserError: the study names none, or they are not there any more.
    """
    named = stage_folders.named(study)
    missing = [name for name in ("cleaned", "measured") if name not in named]
    if missing:
        told = f"{study.name}/stages.json names no {' and no '.join(missing)} text"
        raise UserError(f"{told}; `{study_call.maker(study.folder, missing[0])}` writes it")
    wanted = ("cleaned", "measured", "babel")
    found = {name: stage_folders.find(study, name) for name in wanted if name in named}
    return Cleaning(
        study=study,
        cleaned=found["cleaned"],
        measured=found["measured"],
        babel=found.get("babel"),
    )


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Cleaning:
    """A finished cleaning: its folders and readers of what they hold."""

    study: Study
    """The study that it was done for."""
    cleaned: Path
    """The folder of `documents/`, `rejected/` and `report.json`."""
    measured: Path
    """The folder of `measured/` and `models/`."""
    babel: Path | None
    """The folder of the embedded corpus with its `truth/`; None where the text is real."""

    def about(self) -> str:
        """Say in Markdown what was read, what was kept, and by what."""
        return cleaning_tables.about(
            self.report(), self._settings(), self._identifiers()["lab"] is not None
        )

    def report(self) -> Report:
        """Return the report of the cleaning."""
        return cards.read_report(self.cleaned)

    def stages(self) -> pl.DataFrame:
        """Return what each step took away for which reason, and what it left, by language."""
        return self._named(statistics.stages(self.report()))

    def rejected(self, *, number: int = 2, seed: int = 0, language: str = "") -> pl.DataFrame:
        """Return a few rejected paragraphs for each reason, as they were read, beside what was kept
        of their documents; of different languages where no language is named.

        Raises:
            UserError: no such language.
        """
        folder = self.cleaned / "rejected"
        known = documents.languages(folder)
        if language and language not in known:
            raise UserError(
                f"no rejected paragraphs of language {language!r}; "
                f"there are some of {', '.join(known) or 'none at all'}"
            )
        chosen = cleaning_tables.examples(folder, [language] if language else known, number, seed)
        return cleaning_tables.beside_document(chosen, self.cleaned / "documents")

    def confusion(self) -> pl.DataFrame:
        """Return how often held-back labelled paragraphs were taken for which language."""
        return pl.DataFrame(self._identifiers()["confusion"], schema=CONFUSION)

    def scores(self) -> pl.DataFrame:
        """Return how many paragraphs each identifier names with which score, apart for those that
        it takes for the expected language: the one that their file claims, else their document's.
        """
        judged = self._judge(self._settings()).judge(self._measures())
        return cleaning_tables.scores(judged)

    def perplexities(self) -> pl.DataFrame:
        """Return the distribution of perplexity over each language's documents, and where its
        middle and tail begin; no rows where there is no language model.
        """
        found = cleaning_tables.perplexities(self.cleaned / "documents", self.report().cutoffs)
        return self._named(found)

    def sample(self) -> Sample:
        """Return measured paragraphs to judge by any thresholds: all, or of large text a sample."""
        pieces = tuple(measure.pieces(self.measured))
        rows, number = _sampled(pieces, self.babel, cleaning_sample.MAX_PARAGRAPHS)
        names = dict(self.study.sizes().select("language", "name").iter_rows())
        judge = self._judge(self._settings())
        return Sample(rows=rows, judge=judge, names=names, num_measured=number)

    def compared(self, thresholds: Mapping[str, Any]) -> pl.DataFrame:
        """Judge a sample of the measured paragraphs by the study's thresholds and with some of them
        changed, through to the duplicates, and count them by both verdicts (see `Sample.compare`).

        Raises:
            UserError: no such setting, or one that changes no verdict.
        """
        self.check(thresholds)
        return self.sample().compare(thresholds)

    def in_effect(self) -> list[str]:
        """Return the settings that `compared` takes for this text."""
        return [name for name in TURNED if not self._without_effect(name)]

    def truth(self) -> pl.DataFrame:
        """Return how many of the paragraphs of Babel's web pages were kept, by what they are; no
        rows for real text, of which nobody knows the truth.
        """
        if self.babel is None:
            return self._named(pl.DataFrame(schema=TRUTH))
        found = cleaning_tables.truth(
            self.babel / "truth", measure.pieces(self.measured), self.cleaned / "rejected"
        )
        return self._named(found)

    def against_paper(self) -> pl.DataFrame:
        """Return the languages beside their rows of XLM-R Table 6, with their tiers."""
        sizes = statistics.sizes(self.cleaned / "documents")
        frame = statistics.against_paper(sizes, self._stands_for())
        known = self.study.sizes().select("language", "tier", own_name="name")
        joined = frame.join(known, on="language", how="left", maintain_order="left")
        return joined.with_columns(name=pl.coalesce("own_name", "name")).drop("own_name")

    def correlation(self) -> statistics.Correlation:
        """Return how far the sizes go with the paper's."""
        return statistics.correlation(self.against_paper())

    def lengths(self) -> pl.DataFrame:
        """Return the lengths of documents and paragraphs by language."""
        return self._named(statistics.lengths(self.cleaned / "documents"))

    def scripts(self) -> pl.DataFrame:
        """Return the letters of each language by script."""
        return self._named(statistics.scripts(self.cleaned / "documents"))

    def card(self) -> str:
        """Return the dataset card of the cleaned corpus, as it would go to the hub."""
        config = self.study.config()
        made = storage.read_json(self.cleaned / "stage.json")
        about = cleaning_tables.card_about(
            self.study,
            command=str(made.get("command", "")),
            fingerprint=self.cleaned.name.rpartition("-")[2],
            stands_for=self._stands_for(),
        )
        measuring = configs.from_dict(MeasureConfig, config["measure"])
        return cards.card(self.cleaned, about, {"measure": measuring, "clean": self._settings()})

    def card_text(self) -> str:
        """Return the card without the hub's metadata, its headings below those of a notebook."""
        return cleaning_tables.as_section(self.card())

    def _settings(self) -> CleanConfig:
        return configs.from_dict(CleanConfig, self.study.config()["clean"])

    def _identifiers(self) -> dict[str, Any]:
        """Return what the identifiers know, confuse and were calibrated to."""
        return dict(storage.read_json(self.measured / measure.MODELS_NAME / IDENTIFIERS_NAME))

    def check(self, thresholds: Mapping[str, Any]) -> None:
        """Refuse a setting that would silently change nothing.

        Raises:
            UserError: there is one.
        """
        for name in thresholds:
            if why := self._without_effect(name):
                raise UserError(f"{name} changes no verdict here: it {why}")

    def _without_effect(self, name: str) -> str:
        """Say why a setting changes no verdict; "" where it may change some."""
        record = self._identifiers()
        if name in configs.leaves(CleanConfig) and name not in TURNED:
            return f"is of a later step; those that judge a paragraph are {', '.join(TURNED)}"
        if name == "agreement.max_mixed_score" and record["lab"] is None:
            return "is about two identifiers, and this text was measured by one"
        if name == "agreement.min_score" and record["calibration"]:
            return (
                "yields to the calibrated least score of each language; set agreement.min_scores, "
                "such as sw:0.9"
            )
        if name.startswith("buckets.") and not self.report().cutoffs:
            return "is about perplexity, and this text was measured without a language model"
        return ""

    def _judge(self, settings: CleanConfig) -> Judge:
        config = self.study.config()
        return Judge.open(
            self.measured / measure.MODELS_NAME,
            settings,
            measuring=configs.from_dict(MeasureConfig, config["measure"]),
            seed=config["seed"],
            languages=config["corpus"]["languages"],
        )

    def _measures(self) -> pl.DataFrame:
        """Return what was measured of the paragraphs, without their text."""
        paths = measure.pieces(self.measured)
        if not paths:
            raise UserError(f"no measured paragraphs in {self.measured.name}; run `./lab` again")
        names = columns_to_judge(list(pl.read_parquet_schema(paths[0])))
        columns = [name for name in names if name not in UNUSED]
        limit = max(1, MAX_PARAGRAPHS // len(paths))
        return pl.concat([pl.read_parquet(p, columns=columns, n_rows=limit) for p in paths])

    def _stands_for(self) -> dict[str, str]:
        if self.babel is None:
            return {}
        codes = self.study.sizes()["language"].to_list()
        return {code: tongues.stands_for(code).key for code in codes}

    def _named(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add each language's name and size; text in no known language comes last."""
        known = self.study.sizes().select("language", "name", "size_bytes")
        known = known.rename({"size_bytes": "kept_bytes"})
        joined = frame.join(known, on="language", how="left", maintain_order="left")
        filled = joined.with_columns(pl.col("kept_bytes").fill_null(0))
        return filled.sort("kept_bytes", "language", descending=[True, False], maintain_order=True)


@functools.lru_cache(maxsize=2)
def _sampled(pieces: tuple[Path, ...], babel: Path | None, limit: int) -> tuple[pl.DataFrame, int]:
    """Read a sample once; its folders are named by what they were made of."""
    if not pieces:
        raise UserError("there are no measured paragraphs; run `./lab` again")
    labels = None if babel is None else cleaning_tables.labels(babel / "truth")
    return cleaning_sample.read(pieces, labels, limit=limit)
