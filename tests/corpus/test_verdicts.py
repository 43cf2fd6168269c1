"""Verdicts on each paragraph by itself and by its document."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from xlmr_lab.corpus import ngram_identifier, paragraphs, verdicts
from xlmr_lab.corpus.identifiers import Identifiers
from xlmr_lab.corpus.identify import Identifier
from xlmr_lab.corpus.ngram_identifier import NgramIdentifier
from xlmr_lab.corpus.sources import RawDocument

Write = Callable[[str, int, int], list[str]]


def table(*texts: str) -> pl.DataFrame:
    raw = [RawDocument(f"d{i}", text, None, "news", "qaa") for i, text in enumerate(texts)]
    (chunk,) = paragraphs.chunks(raw, 10**9)
    return paragraphs.split(chunk)


def verdict(frame: pl.DataFrame, identifier: Identifier) -> pl.DataFrame:
    return verdicts.with_verdict(verdicts.identify(frame, Identifiers(identifier, None)), 50)


def test_a_long_paragraph_gets_its_own_verdict(identifier: Identifier, write: Write) -> None:
    own, other = write("qaa", 1, 9)[0], write("qab", 1, 9)[0]
    frame = verdict(table(f"{own}\n{own}\n{other}"), identifier)
    assert frame["lid_label"].to_list() == ["qaa", "qaa", "qab"]
    assert frame["identified"].to_list() == [True] * 3


def test_a_short_paragraph_gets_its_documents_verdict(identifier: Identifier, write: Write) -> None:
    own, other = write("qaa", 3, 9), write("qab", 3, 9)
    short = other[0][:20]
    frame = verdict(table("\n".join([*own, short]), "\n".join([*other, short])), identifier)
    assert frame["identified"].to_list() == [True, True, True, False] * 2
    assert frame["lid_label"].to_list() == ["qaa"] * 4 + ["qab"] * 4


def test_a_document_too_short_for_a_verdict_has_none(identifier: Identifier, write: Write) -> None:
    frame = verdict(table(write("qab", 1, 9)[0][:20]), identifier)
    assert frame["lid_label"].to_list() == [None]
    assert frame["own_lid_label"].to_list() == ["qab"]


def test_paragraphs_vote_by_their_bytes() -> None:
    rows = [
        (0, 60, "qab"),
        (0, 200, "qaa"),
        (0, 49, "qac"),
        (1, 60, "qab"),
        (1, 60, ""),
        (2, 20, "qaa"),
    ]
    ballots = pl.DataFrame(rows, schema=["document", "num_bytes", "vote"], orient="row")
    scored = ballots.with_columns(own_lid_score=pl.lit(0.5), own_lab_score=pl.lit(1.0))
    winners = verdicts.elected(scored)
    assert winners.select("document", "voted", "lid_score", "lab_score").rows() == [
        (0, "qaa", 0.5, 1.0),
        (1, "qab", 0.5, 1.0),
    ]


def test_with_two_identifiers_a_document_is_what_its_paragraphs_are(
    identifier: Identifier, write: Write, tmp_path: Path
) -> None:
    ngram_identifier.train({k: write(k, 100, 2) for k in ("qaa", "qab")}, tmp_path / "n.npz")
    two = Identifiers(identifier, NgramIdentifier.load(tmp_path / "n.npz"))
    menu, own = write("qab", 1, 9)[0], write("qaa", 4, 9)
    frame = verdicts.identify(table("\n".join([menu[:60], *own]), menu[:30]), two)
    assert frame["voted"].to_list() == ["qaa"] * 5 + [""]
    assert frame["document_lid_label"].to_list() == ["qaa"] * 5 + ["qab"]
    assert frame["document_lab_score"].null_count() == 0
