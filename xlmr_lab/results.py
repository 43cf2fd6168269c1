"""Reads the run folder of a finished study into polars frames, one method for each artefact.

The files are the truth; nothing is cached and nothing is written. Frames about languages carry what
is known of each (name, script, family, resource tier), so that figures can colour and filter by it.
A run that is not there, or not finished, is an error that says what makes it.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from xlmr_lab import (
    languages,
    score_results,
    storage,
    study_call,
    study_words,
    text_estimates,
)
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import scores
from xlmr_lab.evaluate.doctor import records
from xlmr_lab.paper import tables
from xlmr_lab.result_tables import BLOCKS, FERTILITY, FINDINGS, HELDOUT, SIZES
from xlmr_lab.tiers import tiers


def open_study(run: str | Path) -> "Study":
    """Find a study's run folder, from the working directory or any folder above it.

    Raises:
        UserError: there is no such folder, or it holds no study.
    """
    if folder := storage.found(run, "config.json"):
        return Study(folder=folder, name=str(run))
    raise UserError(
        f"no study in {str(run)!r} (looked in {Path.cwd()} and the folders above); `./lab` makes "
        "runs/tiny, `./lab study --help` tells how to make others"
    )


def paper_sizes() -> pl.DataFrame:
    """Return the paper's corpus in the form of `Study.sizes`: XLM-R Table 6, printing errors
    corrected.

    Its "tokens" are words between white space. Numbers of documents and paragraphs are not printed.
    """
    words = {
        str(r["key"]): float(r["tokens_M_corrected"] or 0) for r in tables.read("cc100_languages")
    }
    rows = [
        {
            "language": language.key,
            "name": language.name,
            "script": language.script,
            "family": language.family,
            "size_bytes": round(language.size_gib * 2**30),
            "num_words": round(words[language.key] * 1e6),
            "paper_gib": language.size_gib,
        }
        for language in languages.LANGUAGES.values()
    ]
    return _with_tiers(pl.DataFrame(rows, schema=SIZES))


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """A finished study: its folder and readers of what it holds."""

    folder: Path
    """The run folder."""
    name: str
    """The run as the user named it."""

    def config(self) -> dict[str, Any]:
        """Return the study's settings, nested by section."""
        return dict(self._json("config.json"))

    def provenance(self) -> dict[str, Any]:
        """Return what the study ran on: versions, commit, device, time."""
        return dict(self._json("provenance.json"))

    def is_babel(self) -> bool:
        """Tell whether the text is that of Babel, the embedded corpus."""
        return self.config()["corpus"]["path"] is None

    def alpha(self) -> float:
        """Return the sampling exponent of the main arm."""
        return float(self.config()["sampling"]["alpha"])

    def about(self) -> str:
        """Say in Markdown what was studied, and what kind of languages it speaks about."""
        glossed = self.config()["babel"]["glossed"] if self.is_babel() else None
        return study_words.about(self.name, self.sizes(), glossed)

    def kinship(self) -> str:
        """Say which low-resource languages are of the family of the largest, whose text helps
        them.
        """
        return study_words.kinship(self.sizes())

    def sizes(self) -> pl.DataFrame:
        """Return the kept text of each language, largest first."""
        return _with_tiers(self._frame("sizes.jsonl", SIZES))

    def training_sizes(self) -> pl.DataFrame:
        """Return `sizes` counted over the text that is trained on, held-out documents left out,
        with its blocks and pieces; documents and words stay those of all text.

        Before the text is encoded they are estimated from how the vocabulary cuts it.
        """
        if not (self.folder / "blocks.jsonl").is_file():
            batches = self.config()["batches"]
            return text_estimates.training_sizes(self.sizes(), self.fertility(), batches)
        counted = {"num_bytes": "size_bytes", "num_sentences": "num_paragraphs"}
        blocks = self._frame("blocks.jsonl", BLOCKS).rename(counted)
        rest = self.sizes().drop(*counted.values())
        return rest.join(blocks, on="language", how="left", maintain_order="left")

    def fertility(self) -> pl.DataFrame:
        """Return how the vocabulary cuts each language."""
        return self._grouped(self._frame("vocabulary/languages.jsonl", FERTILITY))

    def cleaning(self) -> pl.DataFrame:
        """Return paragraphs by language and fate: "kept" or the reason of rejection."""
        rows = [
            {"language": language, "fate": fate, "num_paragraphs": count}
            for language, counts in self._json("cleaning.json")["languages"].items()
            for fate, count in [("kept", counts["kept_paragraphs"]), *counts["rejected"].items()]
        ]
        schema = pl.Schema({"language": pl.String, "fate": pl.String, "num_paragraphs": pl.Int64})
        return self._grouped(pl.DataFrame(rows, schema=schema))

    def heldout(self) -> pl.DataFrame:
        """Return the masked-LM loss (nats per masked token) on held-out documents, by run, step and
        language.
        """
        return self._grouped(self._frame("heldout.jsonl", HELDOUT))

    def scores(self) -> pl.DataFrame:
        """Return task scores by run, fine-tuning seed and language, with what tells transfer
        (`score_results.marked`), and column `refused`: which of the evaluation doctor's checks
        refuse each, empty where none does.

        Column `pretrained` is false for arms without held-out loss, which were fine-tuned from a
        fresh initialisation; `source` is true for the language that the task is learned in,
        `trained` for all whose own training set was learned from.
        """
        frame = scores.read(self._path("scores.jsonl"))
        marked = score_results.marked(
            records.marked(frame, self.doctor()),
            pretrained=self.heldout()["arm"].unique(),
            sources={task: self.train_language(task) for task in frame["task"].unique()},
        )
        return self._grouped(marked)

    def doctor(self) -> pl.DataFrame:
        """Return the evaluation doctor's verdicts, none where the study keeps none."""
        return records.doctor(_records(self._place(records.DOCTOR_NAME)))

    def looks(self) -> pl.DataFrame:
        """Return what dev sets and scored sets were measured at each check of fine-tuning, with the
        name of the folder as `study`; nothing where the study does not keep it.
        """
        found = records.looks(_records(self._place(records.LOOKS_NAME)))
        return found.with_columns(study=pl.lit(self.folder.name))

    def train_language(self, task: str) -> str:
        """Return the language that a task is learned in: as set, else en, else the largest."""
        keys, section = self.sizes()["language"].to_list(), task.partition("-")[0]
        chosen = self.config().get(section, {}).get("train_language")
        return str(chosen or ("en" if "en" in keys else keys[0]))

    def findings(self) -> pl.DataFrame:
        """Return the paper's claims as tested here: effect, interval, verdict."""
        return self._frame("findings.jsonl", FINDINGS).fill_nan(None)

    def runs(self) -> pl.DataFrame:
        """Return the pretraining runs: name, seed, sampling, what was trained, for how long, and
        the last training loss.
        """
        rows = []
        for about, folder, config in self._arms():
            steps = [r for r in _records(folder / "metrics.jsonl") if r["kind"] == "step"]
            model, last = config["model"], steps[-1] if steps else {}
            rows.append(
                {
                    "run": about["run"],
                    "sampling": about["arm"].replace("alpha=", "α = "),
                    "seed": config["seed"],
                    "languages": len(config["languages"]),
                    "layers": model["num_layers"],
                    "width": model["hidden_size"],
                    "steps": last.get("step"),
                    "last training loss": last.get("loss"),
                }
            )
        return pl.DataFrame(rows)

    def steps(self) -> pl.DataFrame:
        """Return the training records of all runs by step."""
        return self._logged(
            "metrics.jsonl", ("step", "loss", "learning_rate", "gradient_norm"), "step"
        )

    def draws(self) -> pl.DataFrame:
        """Return how many blocks of each language every run had drawn by each logged step."""
        rows = [
            about | {"step": r["step"], "language": language, "blocks": blocks}
            for about, folder, _ in self._arms()
            for r in _records(folder / "metrics.jsonl")
            if r["kind"] == "step"
            for language, blocks in r["draws"].items()
        ]
        return self._grouped(pl.DataFrame(rows))

    def passes(self) -> pl.DataFrame:
        """Return how often every run had gone through each language's blocks at its end."""
        drawn = self.draws()
        last = drawn.filter(pl.col("step") == pl.col("step").max().over("run"))
        blocks = self._frame("blocks.jsonl", BLOCKS).select("language", "num_blocks")
        joined = last.join(blocks, on="language", how="left")
        return joined.with_columns(passes=pl.col("blocks") / pl.col("num_blocks"))

    def budget(self) -> float:
        """Return the length of a pretraining run, in sizes of all the text there is to train on;
        parallel text is left out of both.
        """
        config = self.config()
        drawn = config["pretrain"]["steps"] * config["batches"]["batch_sequences"]
        drawn *= 1 - config.get("tlm", {}).get("share", 0)
        return float(drawn / sum(self.training_sizes()["num_blocks"].to_list()))

    def telemetry(self) -> pl.DataFrame:
        """Return the speed of all runs by step, which differs from machine to machine."""
        return self._logged("telemetry.jsonl", ("step", "seconds", "tokens_per_second"), None)

    def _logged(self, file: str, columns: tuple[str, ...], kind: str | None) -> pl.DataFrame:
        rows = [
            about | {name: record[name] for name in columns}
            for about, folder, _ in self._arms()
            for record in _records(folder / file)
            if kind is None or record["kind"] == kind
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    def _arms(self) -> Iterator[tuple[dict[str, Any], Path, dict[str, Any]]]:
        """Yield what tells each run from others, its folder and its settings."""
        for arm in self._json("arms.json"):
            folder = self.folder / arm["folder"]
            config = storage.read_json(folder / "config.json")
            about = {"run": folder.name, "arm": arm["arm"], "seed": config["seed"]}
            yield about | {"alpha": config["sampling"]["alpha"]}, folder, config

    def _grouped(self, frame: pl.DataFrame) -> pl.DataFrame:
        groups = self.sizes().select("language", "name", "script", "family", "tier", "size_bytes")
        return frame.join(groups, on="language", how="left", maintain_order="left")

    def _json(self, file: str) -> Any:
        return storage.read_json(self._path(file))

    def _frame(self, file: str, schema: pl.Schema) -> pl.DataFrame:
        records = storage.read_jsonl(self._path(file))
        missing = sorted(set(schema) - set(records[0])) if records else []
        if missing:
            raise UserError(
                f"{self.name}/{file} has no column {', '.join(missing)}; run `./lab` again"
            )
        return pl.DataFrame(records, schema=schema, strict=False)

    def _place(self, file: str) -> Path:
        return storage.plain_or_packed(self.folder / file)

    def _path(self, file: str) -> Path:
        path = self._place(file)
        if not path.is_file():
            call = study_call.maker(self.folder, file)
            raise UserError(f"{self.name} has no {file}; `{call}` goes on with the study")
        return path


def _records(path: Path) -> list[dict[str, Any]]:
    return storage.read_jsonl(path) if path.is_file() else []


def _with_tiers(sizes: pl.DataFrame) -> pl.DataFrame:
    tier = tiers(dict(sizes.select("language", "size_bytes").iter_rows()))
    column = pl.col("language").replace_strict(tier, return_dtype=pl.String).alias("tier")
    return sizes.with_columns(column).sort("size_bytes", "language", descending=[True, False])
