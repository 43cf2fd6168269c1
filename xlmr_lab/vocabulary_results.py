"""Reads the vocabulary of a study: how it was made, how it serves each language, and the vocabulary
itself.

The tables lie in the run folder's `vocabulary/`; the vocabulary lies where `stages.json` says, and
is needed only to cut text. Premiums are those measured on the study's NLI, or measured here on
parallel text that is given.
"""

import dataclasses
import functools
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from xlmr_lab import stage_folders, storage, study_call
from xlmr_lab.corpus import documents
from xlmr_lab.corpus.text_files import aligned_lines
from xlmr_lab.errors import UserError
from xlmr_lab.model import parameters
from xlmr_lab.model.parameters import Parameters, Shape
from xlmr_lab.results import Study
from xlmr_lab.vocabulary import load, premium
from xlmr_lab.vocabulary.load import RECORD_NAME

LETTERS = pl.Schema(
    {
        "language": pl.String,
        "letter": pl.String,
        "code": pl.String,
        "description": pl.String,
        "letter_script": pl.String,
        "count": pl.Int64,
        "frequency": pl.Float64,
        "fate": pl.String,
    }
)
"""A letter that has no piece; `frequency` is its share of the letters of the language."""
SCRIPTS = pl.Schema(
    {"script": pl.String, "num_pieces": pl.Int64, "num_used": pl.Int64, "share": pl.Float64}
)
"""The vocabulary's pieces by script; `num_used` of them occur in some language's text."""
OVERLAP = pl.Schema(
    {
        "language": pl.String,
        "other": pl.String,
        "num_common": pl.Int64,
        "of_pieces": pl.Float64,
        "of_use": pl.Float64,
    }
)
"""Two languages: pieces that both use, as share of those that either uses, and the share of tokens
that they have in common."""
PREMIUM = pl.Schema(
    {
        "language": pl.String,
        "original": pl.String,
        "num_sentences": pl.Int64,
        "num_pieces": pl.Int64,
        "num_original_pieces": pl.Int64,
        "premium": pl.Float64,
    }
)
"""Pieces of a translation by those of the original."""
CUT = pl.Schema({"piece": pl.String, "id": pl.Int64, "start": pl.Int64, "end": pl.Int64})
"""The pieces of a text in their order, each with the characters of the text, [start, end), that it
stands for."""

KNOWN = ("language", "name", "script", "family", "tier", "size_bytes")
EXAMPLE_CHARACTERS = 90
"""Characters of a text that is shown as an example, at most."""


def open_vocabulary(study: Study) -> "MeasuredVocabulary":
    """Find the vocabulary of a study.

    Raises:
        UserError: the study has none.
    """
    path = study.folder / "vocabulary" / RECORD_NAME
    if not path.is_file():
        call = study_call.maker(study.folder, RECORD_NAME)
        raise UserError(f"{study.name} has no {path.parent.name}/{path.name}; `{call}` makes it")
    return MeasuredVocabulary(study=study, record=storage.read_json(path))


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredVocabulary:
    """A vocabulary with what was measured of it."""

    study: Study
    """The study that it was made for."""
    record: dict[str, Any]
    """How it was made."""

    @property
    def size(self) -> int:
        """Number of ids, specials included."""
        return int(self.record["size"])

    def about(self) -> str:
        """Say in Markdown how the vocabulary was made, and on what it was measured."""
        made, languages = self.record["config"], self.record["languages"]
        megabytes = sum(row["sample_bytes"] for row in languages.values()) / 1e6
        most = max(languages, key=lambda key: (languages[key]["passes"], key))
        first = (
            "" if made["preprocessing"] == "none" else f", on text {made['preprocessing']} first"
        )
        rest = "is spelled in bytes" if made["byte_fallback"] else "becomes `<unk>`"
        memory = self.record.get("planned_memory_bytes")
        told = [
            f"**{self.size:,} ids** ({made['model']}{first.replace('_', ' and ')}), trained on "
            f"{megabytes:,.1f} MB of text, sampled with α = {made['alpha']:g} over {made['basis']}",
            f"The text of {most} stands in the sample most often, {languages[most]['passes']:,.2g} "
            "times",
            f"In each language the most frequent characters that make up "
            f"{100 * made['coverage']:g} % of its text have a piece; what has none {rest}",
            *([f"Training was planned to take {memory / 1e9:,.2g} GB of memory"] if memory else []),
            self._measured_on(),
        ]
        return ". ".join(told) + "."

    def _measured_on(self) -> str:
        seen = self.study.fertility().filter(~pl.col("unseen"))["language"].to_list()
        told = "Fertility, bytes per piece and unknown rate are of documents that it has not seen"
        return told + (f", but for {', '.join(seen)}, which hold too little" if seen else "")

    def largest(self) -> str:
        """Return the language with most text."""
        return str(self.study.sizes()["language"].to_list()[0])

    def example(self, language: str) -> str:
        """Return the opening of a language's cleaned text, a line of it.

        Raises:
            UserError: the text is not there any more, or there is none of this language.
        """
        folder = stage_folders.find(self.study, "cleaned") / "documents"
        _, text = next(documents.iterate(folder, language))
        return (
            textwrap.shorten(text, EXAMPLE_CHARACTERS, placeholder="") or text[:EXAMPLE_CHARACTERS]
        )

    def languages(self, parallel: str = "") -> pl.DataFrame:
        """Return every measure of each language: how it is cut, what is lost, which pieces it uses,
        the parameters of these, and its premium where there is parallel text (see `premium`).
        """
        width = self.study.config()["model"]["hidden_size"]
        paid = self.premium(parallel).select("language", "premium", "original")
        frame = self.study.fertility().join(paid, on="language", how="left", maintain_order="left")
        return frame.with_columns(parameters_used=pl.col("pieces_used") * width).sort(
            "size_bytes", "language", descending=[True, False]
        )

    def letters(self) -> pl.DataFrame:
        """Return the letters that have no piece, most frequent first in each language."""
        return self._named(self._frame("letters", LETTERS))

    def scripts(self) -> pl.DataFrame:
        """Return the vocabulary's pieces by script."""
        return self._frame("scripts", SCRIPTS)

    def num_used(self) -> int:
        """Return how many pieces occur in the measured text of some language."""
        return int(self.scripts()["num_used"].sum())

    def overlap(self) -> pl.DataFrame:
        """Return what each two languages have in common; each pair stands there both ways."""
        frame = self._frame("overlap", OVERLAP)
        turned = frame.rename({"language": "other", "other": "language"}).select(OVERLAP.names())
        return self._named(pl.concat([frame, turned]))

    def premium(self, parallel: str = "") -> pl.DataFrame:
        """Return what each language pays in pieces over the original, on the study's NLI, or on the
        files `<language>.txt` of a folder, aligned line by line and plain or packed.

        Raises:
            UserError: the folder holds nothing to compare, or texts that are not aligned.
        """
        if not parallel:
            return self._named(self._frame("premium", PREMIUM))
        keys = self.study.sizes()["language"].to_list()
        texts = _parallel(Path(parallel).expanduser(), keys)
        original = "en" if "en" in texts else next(iter(texts))
        rows = premium.premiums(self.load(), texts, original)
        return self._named(pl.DataFrame(rows, schema=PREMIUM))

    def parameters(self) -> Parameters:
        """Return the parameters of the study's model with this vocabulary."""
        return parameters.count(self.size, **self.model_sizes())

    def model_sizes(self) -> dict[str, Any]:
        """Return the sizes of the study's model that parameters depend on, besides the ids."""
        model = self.study.config()["model"]
        names = ("num_layers", "hidden_size", "ffn_size", "max_tokens")
        has_languages = model.get("language_embeddings", False)
        return {
            **{name: model[name] for name in names},
            "num_languages": len(self.study.sizes()) if has_languages else 0,
            "adaptive_cutoffs": tuple(model.get("adaptive_cutoffs", ())),
        }

    def budget(self) -> dict[str, Any]:
        """Return what the solver of Figure 6 needs to start from the study's model: its total, its
        width and the rest of its shape, and vocabularies of a quarter to four times this one.
        """
        model = self.study.config()["model"]
        shape = Shape(
            num_layers=model["num_layers"],
            ffn_factor=model["ffn_size"] / model["hidden_size"],
            head_width=model["hidden_size"] // model["num_heads"],
            max_tokens=model["max_tokens"],
            adaptive_cutoffs=tuple(model.get("adaptive_cutoffs", ())),
        )
        total = self.parameters().total
        sizes = [round(self.size * 2.0**power) for power in range(-2, 3)]
        room = parameters.largest_vocabulary(total, shape)
        return {
            "total": total,
            "vocab_sizes": [size for size in sizes if size <= room],
            "body_width": model["hidden_size"],
            "shape": shape,
        }

    def load(self) -> load.Vocabulary:
        """Load the vocabulary.

        Raises:
            UserError: it is not where it was made.
        """
        return loaded(stage_folders.find(self.study, "vocabulary").resolve())

    def cut(self, text: str, language: str) -> pl.DataFrame:
        """Return the pieces of a text, their ids, and which characters each stands for."""
        return cut(self.load(), text, language)

    def _frame(self, name: str, schema: pl.Schema) -> pl.DataFrame:
        path = self.study.folder / "vocabulary" / f"{name}.jsonl"
        if not path.is_file():
            call = study_call.maker(self.study.folder, path.name)
            raise UserError(f"{self.study.name} has no vocabulary/{path.name}; `{call}` makes it")
        return pl.DataFrame(storage.read_jsonl(path), schema=schema)

    def _named(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add what is known of each language; the largest comes first."""
        known = self.study.sizes().select(KNOWN)
        joined = frame.join(known, on="language", how="left", maintain_order="left")
        return joined.sort(
            "size_bytes", "language", descending=[True, False], nulls_last=True, maintain_order=True
        )


def cut(vocabulary: load.Vocabulary, text: str, language: str) -> pl.DataFrame:
    """Return the pieces of a text, as `CUT`."""
    ids, spans = vocabulary.offsets(text, language)
    pieces = vocabulary.pieces(text, language)
    columns = (pieces, ids.tolist(), *spans.T.tolist()) if len(ids) else ([], [], [], [])
    return pl.DataFrame(dict(zip(CUT, columns, strict=True)), schema=CUT)


@functools.lru_cache(maxsize=16)
def loaded(folder: Path) -> load.Vocabulary:
    """Load a vocabulary once; its folder is named by what it was made of."""
    return load.load(folder)


def _parallel(folder: Path, languages: Sequence[str]) -> dict[str, list[str]]:
    """Read the aligned files of some languages."""
    found = {}
    for language in languages:
        paths = sorted(
            path for path in folder.glob("*.txt*") if path.name.split(".")[0] == language
        )
        if paths:
            found[language] = aligned_lines(paths[0])
    if len(found) < 2:
        raise UserError(
            f"{folder} holds {len(found)} of the study's languages as <language>.txt; parallel "
            f"text needs two or more of {', '.join(languages)}"
        )
    return found
