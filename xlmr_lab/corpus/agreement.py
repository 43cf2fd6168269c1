"""Two identifiers' word on a paragraph's language: kept is what both agree on, surely enough.

XLM-R used a second identifier beside fastText's (XLM-R Sec. 3); how the two were combined is not
said. Here a paragraph has a language where both name the same one, and the geometric mean of their
scores must reach that language's threshold. A language that only one of them knows rests on that
one alone. Menus, titles and lists of names look like any language: both models abstain. Halves of a
paragraph that speak of different languages reject it. All rules are expressions over stored
measures, so that thresholds re-apply without identifying again; `calibrate` finds the thresholds
that reach a precision on labelled text. Left out here: short paragraphs, which take their
document's verdict.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import polars as pl

from xlmr_lab.corpus.identify import Identifier
from xlmr_lab.corpus.ngram_identifier import NgramIdentifier
from xlmr_lab.errors import UserError

Reason = Literal["low_confidence", "disagreement", "mixed", "wrong_language"]
"""Why a paragraph was left out for its language, in the order of the tests."""

REASONS: tuple[Reason, ...] = get_args(Reason)

MEASURES = pl.Schema(
    {
        "lid_label": pl.String,
        "lid_score": pl.Float32,
        "lab_label": pl.String,
        "lab_score": pl.Float32,
        "mixed_score": pl.Float32,
        "is_menu": pl.Boolean,
    }
)
"""What is stored of a paragraph: fastText's verdict, the n-gram model's, how surely its halves
differ, and whether it is a menu; verdicts on menus are "" and 0.
"""

CALIBRATION = pl.Schema(
    {
        "language": pl.String,
        "min_score": pl.Float64,
        "precision": pl.Float64,
        "recall": pl.Float64,
        "num_paragraphs": pl.UInt32,
    }
)
"""A language's threshold, what it reaches, and how many labelled paragraphs it rests on."""

_SEPARATOR = r"[|\u2022\u2192\u25b8\u25ba]| [\u00b7>/] "
"""What menus set between items: bars, bullets, arrows, and a few marks between spaces."""

_POINTING = r"[\u00bb\u203a]"
"""Marks that do so as well where no quotation opens with their counterparts."""

_OPENING = r"[\u00ab\u2039]"

_ITEM_CHARACTERS = 30
"""Length of a menu's items at most, on average (characters)."""

_TERMINAL = r"[.!?\u2026\u3002\uff01\uff1f\u0964\u06d4\u061f]['\")\u00bb\u201d\u2019]*$"
"""Marks that end a sentence."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class AgreementConfig:
    """How sure the identifiers must be."""

    min_score: float = 0.5
    """Least joint score of a language that has no threshold of its own (probability; CCNet
    Sec. 3.3).
    """
    min_scores: tuple[str, ...] = ()
    """Least joint scores by language, as `sw:0.8`; they win over calibrated ones."""
    max_mixed_score: float = 0.9
    """Largest score with which the halves of a paragraph may speak of different languages; at 0.9,
    seven in ten pairs of sentences in two languages were caught, and one in 200 in one language.
    """

    def __post_init__(self) -> None:
        for name in ("min_score", "max_mixed_score"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"agreement.{name} must be in [0, 1], got {getattr(self, name)}")
        self.by_language()

    def by_language(self) -> dict[str, float]:
        """Return the least scores by language.

        >>> AgreementConfig(min_scores=("sw:0.8",)).by_language()
        {'sw': 0.8}
        """
        found = {}
        for item in self.min_scores:
            language, _, number = item.partition(":")
            try:
                found[language] = float(number)
            except ValueError:
                found[language] = -1.0
            if not language or not 0 <= found[language] <= 1:
                raise UserError(
                    "agreement.min_scores takes language:score with a score in [0, 1], "
                    f"got {item!r}"
                )
        return found


class Known(NamedTuple):
    """The languages that each identifier knows."""

    lid: frozenset[str]
    lab: frozenset[str]

    @classmethod
    def of(cls, lid: Identifier, lab: NgramIdentifier) -> "Known":
        """Return what two identifiers know."""
        return cls(frozenset(lid.languages), frozenset(lab.languages))


def measure(texts: pl.Series, lid: Identifier, lab: NgramIdentifier) -> pl.DataFrame:
    """Return both identifiers' verdicts on paragraphs, a row for each, as `MEASURES`."""
    frame = texts.rename("text").to_frame().select("text", is_menu=is_menu(pl.col("text")))
    speaking = frame.with_row_index("row").filter(~pl.col("is_menu"))
    strings = speaking["text"].to_list()
    labels, scores = lid.predict(strings)
    halves = lab.predict_halves(strings)
    verdicts = speaking.select(
        "row",
        lid_label=pl.Series(labels, dtype=pl.String),
        lid_score=pl.Series(scores, dtype=pl.Float32),
        lab_label=pl.Series(halves.labels, dtype=pl.String),
        lab_score=pl.Series(halves.scores, dtype=pl.Float32),
        mixed_score=pl.Series(halves.mixed, dtype=pl.Float32),
    )
    joined = frame.with_row_index("row").join(verdicts, on="row", how="left", maintain_order="left")
    return joined.select(
        (pl.col(name).fill_null("" if dtype == pl.String else 0) if name != "is_menu" else name)
        for name, dtype in MEASURES.items()
    ).cast(MEASURES)


def is_menu(text: pl.Expr) -> pl.Expr:
    """Return whether paragraphs are menus: short items between separators, or words that nearly all
    have a capital and no mark at the end.
    """
    pointing = text.str.count_matches(_POINTING) * ~text.str.contains(_OPENING)
    num_separators = text.str.count_matches(_SEPARATOR) + pointing
    short = text.str.len_chars() <= _ITEM_CHARACTERS * (num_separators + 1)
    capital = text.str.count_matches(r"(?:^|[\s(/])[\p{Lu}\p{Lt}]")
    small = text.str.count_matches(r"(?:^|[\s(/])\p{Ll}")
    caseless = text.str.count_matches(r"\p{Lo}") * 10 > text.str.len_chars()
    unfinished = ~text.str.contains(_TERMINAL)
    titles = (capital >= 3) & (capital >= 4 * small) & unfinished & ~caseless
    return ((num_separators >= 2) & short) | titles


def label(known: Known | None = None) -> pl.Expr:
    """Return the language agreed on, "" where there is none."""
    lid, lab = pl.col("lid_label"), pl.col("lab_label")
    lid_alone, lab_alone = _alone(known)
    agreed = pl.when((lid == lab) | lid_alone).then(lid).when(lab_alone).then(lab)
    return agreed.otherwise(pl.lit(""))


def score(known: Known | None = None) -> pl.Expr:
    """Return how sure the identifiers are of the language agreed on: the geometric mean of their
    scores, 0 where there is none.
    """
    lid_alone, lab_alone = _alone(known)
    together = (pl.col("lid_score") * pl.col("lab_score")).sqrt()
    agreed = pl.when(pl.col("lid_label") == pl.col("lab_label")).then(together)
    alone = agreed.when(lid_alone).then("lid_score").when(lab_alone).then("lab_score")
    return alone.otherwise(0.0)


def reason(
    config: AgreementConfig,
    *,
    expected: pl.Expr | None = None,
    known: Known | None = None,
    calibrated: Mapping[str, float] | None = None,
) -> pl.Expr:
    """Return a `Reason` to leave a measured paragraph out, or null; what was not measured gets
    null.

    `expected` is the language that the text claims to be in; where it is null any will do.
    """
    thresholds = {**(calibrated or {}), **config.by_language()}
    agreed = label(known)
    least = (
        agreed.replace_strict(thresholds, default=config.min_score, return_dtype=pl.Float64)
        if thresholds
        else pl.lit(config.min_score)
    )
    silent = (pl.col("lid_label") == "") | (pl.col("lab_label") == "")
    wrong = pl.lit(False) if expected is None else (agreed != expected).fill_null(False)
    return (
        pl.when(pl.col("lid_label").is_null() | pl.col("lab_label").is_null())
        .then(pl.lit(None, dtype=pl.String))
        .when((agreed == "") & ~silent)
        .then(pl.lit("disagreement"))
        .when((agreed == "") | (score(known) < least))
        .then(pl.lit("low_confidence"))
        .when(pl.col("mixed_score") > config.max_mixed_score)
        .then(pl.lit("mixed"))
        .when(wrong)
        .then(pl.lit("wrong_language"))
    )


def calibrate(
    measured: pl.DataFrame, *, target_precision: float, known: Known | None = None
) -> pl.DataFrame:
    """Return for each language the least joint score at which `target_precision` of the paragraphs
    taken for it are in it, as `CALIBRATION`; languages of which there is no paragraph are left out.

    `measured` has the columns of `MEASURES` and the true language, `gold`. A language that does not
    reach the target gets the score at which it is most precise.
    """
    if not 0 < target_precision <= 1:
        raise UserError(f"target_precision must be in (0, 1], got {target_precision}")
    totals = measured.group_by("gold").agg(total=pl.len()).rename({"gold": "language"})
    ranked = (
        measured.select("gold", language=label(known), min_score=score(known).cast(pl.Float64))
        .filter(pl.col("language") != "")
        .group_by("language", "min_score")
        .agg(right=(pl.col("gold") == pl.col("language")).sum(), taken=pl.len())
        .sort("language", "min_score", descending=[False, True])
        .with_columns(pl.col("right", "taken").cum_sum().over("language"))
        .with_columns(precision=pl.col("right") / pl.col("taken"))
        .with_columns(enough=pl.min_horizontal("precision", pl.lit(target_precision)))
    )
    best = ranked.sort("language", "enough", "taken").group_by("language", maintain_order=True)
    joined = best.last().join(totals, on="language", maintain_order="left")
    return joined.select(
        "language",
        "min_score",
        "precision",
        recall=pl.col("right") / pl.col("total"),
        num_paragraphs="taken",
    ).cast(CALIBRATION)


def precision_at_recall(
    gold: pl.Series, predicted: pl.Series, scores: pl.Series, recalls: Sequence[float]
) -> list[float]:
    """Return the precision of the surest verdicts that together find a share of all paragraphs; nan
    where even all of them do not.
    """
    frame = pl.DataFrame({"right": gold == predicted, "named": predicted != "", "score": scores})
    ranked = (
        frame.filter("named")
        .group_by("score")
        .agg(pl.col("right").sum(), taken=pl.len())
        .sort("score", descending=True)
        .select(pl.col("right", "taken").cum_sum())
    )
    found = []
    for recall in recalls:
        reached = ranked.filter(pl.col("right") >= recall * len(gold))
        found.append(reached["right"][0] / reached["taken"][0] if len(reached) else float("nan"))
    return found


def confusion(gold: pl.Series, predicted: pl.Series) -> pl.DataFrame:
    """Return how often each language was taken for which: `gold, predicted, count`."""
    pairs = pl.DataFrame({"gold": gold, "predicted": predicted})
    return pairs.group_by("gold", "predicted").agg(count=pl.len()).sort("gold", "predicted")


def most_confused(counts: pl.DataFrame, number: int = 10) -> pl.DataFrame:
    """Return the most frequent mistakes of a confusion table, with their share of the language's
    paragraphs; abstaining is none.
    """
    shared = counts.with_columns(share=pl.col("count") / pl.col("count").sum().over("gold"))
    wrong = shared.filter((pl.col("gold") != pl.col("predicted")) & (pl.col("predicted") != ""))
    return wrong.sort("count", "gold", "predicted", descending=[True, False, False]).head(number)


def _alone(known: Known | None) -> tuple[pl.Expr, pl.Expr]:
    """Return where only fastText, and where only the n-gram model, can know the language that it
    names.
    """
    if known is None:
        return pl.lit(False), pl.lit(False)
    lid, lab = pl.col("lid_label"), pl.col("lab_label")
    lid_only = (lid != "") & ~lid.is_in(sorted(known.lab))
    lab_only = (lab != "") & ~lab.is_in(sorted(known.lid))
    return lid_only & ~lab_only, lab_only & ~lid_only
