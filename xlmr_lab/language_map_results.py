"""Asks where the models of a study put its languages: whether relatives stand together, what tree
the distances make, and a map of sentences.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from xlmr_lab import seeds
from xlmr_lab.alignment_results import CLOSENESS, ENCODERS, StudyAlignment
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import language_map

UNKNOWN = "unknown"
"""Family of a language that nobody told of."""

DRAWN = 240
"""Sentences on a map, of all languages together: a saved page keeps the text of each twice."""
KINSHIP = pl.Schema(
    {
        "measure": pl.String,
        "encoder": pl.String,
        "seed": pl.Int64,
        "layer": pl.Int64,
        "within": pl.Float64,
        "between": pl.Float64,
        "difference": pl.Float64,
        "by_chance": pl.Float64,
        "num_within": pl.Int64,
        "num_between": pl.Int64,
    }
)
"""How much nearer languages of one family are than others; null where there are none to compare."""

TREE = pl.Schema(
    {"part": pl.String, "first": pl.String, "second": pl.String, "distance": pl.Float64}
)
"""Each row joins two parts of a tree, which are languages or rows above."""


def kinship(aligned: StudyAlignment, closeness: pl.DataFrame) -> pl.DataFrame:
    """Return how much nearer languages of one family are than others, in the form of `KINSHIP`, for
    each network, layer and measure of a frame of `closeness`."""
    keys = aligned.languages()
    families = dict(aligned.made.study.sizes().select("language", "family").iter_rows())
    known = [None if families[key] in (None, UNKNOWN) else families[key] for key in keys]
    rows = []
    about = CLOSENESS.names()[:4]
    for network, part in closeness.group_by(*about, maintain_order=True):
        rng = seeds.generator(0, "kinship", *map(str, network))
        found = language_map.kinship(_matrix(part, keys), known, rng)
        numbers = (found.within, found.between, found.difference, found.by_chance)
        rows.append((*network, *numbers, found.num_within, found.num_between))
    return pl.DataFrame(rows, schema=KINSHIP, orient="row").fill_nan(None)


def tree(
    aligned: StudyAlignment,
    closeness: pl.DataFrame,
    *,
    layer: int,
    measure: str = "means",
    encoder: str = "pretrained",
) -> pl.DataFrame:
    """Return the tree of languages by average linkage of 1 less the cosine, mean over the
    pretrained models or over those that they began as (`untrained`), in the form of `TREE`.

    Raises:
        UserError: not every two languages are compared, as by the translations of Tatoeba.
    """
    own = closeness.filter(encoder=encoder, layer=layer, measure=measure)
    near = own.group_by("language", "other").agg(pl.col("cosine").mean())
    keys = aligned.languages()
    joins = language_map.joined(1 - _matrix(near, keys))
    parts = [*keys, *(f"#{number + 1}" for number in range(len(joins)))]
    rows = [
        (parts[len(keys) + place], parts[join.first], parts[join.second], join.distance)
        for place, join in enumerate(joins)
    ]
    return pl.DataFrame(rows, schema=TREE, orient="row")


def standing(aligned: StudyAlignment, *, layer: int, seed: int | None = None) -> pl.DataFrame:
    """Return a map of languages by their mean vectors, by a pretrained model and by the network
    that it began as: x and y on the two principal axes of the languages, and the share of the
    variance that each shows.

    Raises:
        UserError: as `places`.
    """
    chosen = _checked(aligned, layer, seed)
    frames = []
    for encoder in ENCODERS:
        pooled = aligned.pooled((encoder, chosen))
        means = np.stack([own[layer].mean(axis=0, dtype=np.float64) for own in pooled.values()])
        found = language_map.principal(means)
        at = {"language": list(pooled), "x": found.places[:, 0], "y": found.places[:, 1]}
        told = {"encoder": encoder, "seed": chosen, "layer": layer}
        told |= dict(zip(("share_x", "share_y"), found.shares.tolist(), strict=True))
        frames.append(pl.DataFrame(at).with_columns(**{k: pl.lit(v) for k, v in told.items()}))
    return aligned.named(pl.concat(frames))


def places(
    aligned: StudyAlignment, *, layer: int, seed: int | None = None, most: int | None = None
) -> pl.DataFrame:
    """Return a map of sentences, the first `most` of each language (by default its share of
    `DRAWN`), by a pretrained model, without and with each language's mean taken out: x and y on the
    two principal axes of all sentences, the middle of the language's, and the share of the variance
    that each axis shows.

    Raises:
        UserError: there is no such layer, or no model of the seed, by default the first.
    """
    chosen = _checked(aligned, layer, seed)
    pooled = {key: own[layer] for key, own in aligned.pooled(("pretrained", chosen)).items()}
    about = {"seed": chosen, "layer": layer}
    shown = max(1, DRAWN // len(pooled)) if most is None else most
    frames = []
    for centred in (False, True):
        seen = {key: own - own.mean(axis=0) if centred else own for key, own in pooled.items()}
        found = language_map.principal(np.concatenate(list(seen.values())))
        shares = dict(zip(("share_x", "share_y"), found.shares.tolist(), strict=True))
        starts = itertools.accumulate((len(own) for own in seen.values()), initial=0)
        for (key, own), start in zip(seen.items(), starts, strict=False):
            at = found.places[start : start + len(own)]
            told = {"centred": centred, "language": key, **about, **shares}
            frames.append(_placed(at, aligned.sentences(key), shown, told))
    return aligned.named(pl.concat(frames))


def _checked(aligned: StudyAlignment, layer: int, seed: int | None) -> int:
    """Return the pretraining seed of a map."""
    models = list(aligned.made.models)
    chosen = models[0] if seed is None else seed
    if chosen not in models:
        raise UserError(f"no model of seed {chosen}; there are {', '.join(map(str, models))}")
    if not 0 <= layer < aligned.num_layers():
        raise UserError(f"layer must be 0 to {aligned.num_layers() - 1}, got {layer}")
    return chosen


def _placed(
    at: npt.NDArray[np.float64], texts: Sequence[str], most: int, told: dict[str, object]
) -> pl.DataFrame:
    """Return the first points [N, 2] of a language with what they say, and the middle of all."""
    shown = at[:most]
    middle = dict(zip(("middle_x", "middle_y"), at.mean(axis=0).tolist(), strict=True))
    columns = {"sentence": range(len(shown)), "text": texts[: len(shown)]}
    frame = pl.DataFrame(columns | {"x": shown[:, 0], "y": shown[:, 1]})
    return frame.with_columns(**{name: pl.lit(x) for name, x in (told | middle).items()})


def _matrix(pairs: pl.DataFrame, keys: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return cosines as a symmetric matrix [K, K]; nan where two were not compared."""
    place = {key: number for number, key in enumerate(keys)}
    found = np.full((len(keys), len(keys)), np.nan)
    np.fill_diagonal(found, 1.0)
    for one, other, cosine in pairs.select("language", "other", "cosine").iter_rows():
        found[place[one], place[other]] = found[place[other], place[one]] = cosine
    return found
