"""From measures to verdicts to documents: each step gives its reason, and none takes one back."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from xlmr_lab.corpus import assemble, contamination, measure
from xlmr_lab.corpus.agreement import AgreementConfig, Known
from xlmr_lab.corpus.contamination import ContaminationConfig
from xlmr_lab.corpus.documents import REJECTED
from xlmr_lab.corpus.identifiers import Identifiers
from xlmr_lab.corpus.identify import Identifier
from xlmr_lab.corpus.judge import CleanConfig, Judge
from xlmr_lab.corpus.models import MeasureConfig, Models
from xlmr_lab.corpus.paragraphs import chunks
from xlmr_lab.corpus.quality import QualityConfig
from xlmr_lab.corpus.sources import RawDocument

Write = Callable[[str, int, int], list[str]]
ALL = frozenset({"qaa", "qab", "qac"})


def measured(identifier: Identifier, *texts: str, claimed: str | None = "qaa") -> pl.DataFrame:
    raw = [RawDocument(f"d{i}", t, f"u{i}", "news", claimed) for i, t in enumerate(texts)]
    (chunk,) = chunks(raw, 10**9)
    return measure.measured(chunk, claimed, Models(Identifiers(identifier, None), None))


def judge(*, languages: tuple[str, ...] = (), **settings: object) -> Judge:
    return Judge(
        config=CleanConfig(**settings),
        known=Known(ALL, ALL),
        two_identifiers=False,
        min_scores={},
        languages=languages,
        measuring=MeasureConfig(),
        seed=0,
    )


def assembled(
    frame: pl.DataFrame, own: Judge, copies: Sequence[int] = (), fingerprints: object = None
) -> assemble.Assembled:
    passing = own.judge(frame).filter(pl.col("reason").is_null())
    flags = np.zeros(passing.unique(["document", "key"]).height, dtype=bool)
    flags[list(copies)] = True
    return assemble.assemble(frame, own, flags, fingerprints)


def reasons(frame: pl.DataFrame, own: Judge) -> list[str | None]:
    return own.judge(frame)["reason"].to_list()


def test_another_language_than_the_files_is_a_reason(identifier: Identifier, write: Write) -> None:
    own, other = write("qaa", 3, 9), write("qab", 3, 9)
    short = other[0][:20]
    frame = measured(identifier, "\n".join([*own, short]), "\n".join([*other, short]))
    assert reasons(frame, judge()) == [None] * 4 + ["wrong_language"] * 4
    assert reasons(measured(identifier, short), judge()) == [None]


def test_doubt_is_a_reason_by_a_threshold_that_can_change(
    identifier: Identifier, write: Write
) -> None:
    pairs = zip(write("qaa", 6, 9), write("qab", 6, 9), strict=True)
    frame = measured(identifier, " ".join(a[:9] + b[:9] for a, b in pairs))
    sure = judge(agreement=AgreementConfig(min_score=1.0))
    assert reasons(frame, sure) == ["low_confidence"]
    assert reasons(frame, judge(agreement=AgreementConfig(min_score=0.0)))[0] != "low_confidence"


def test_text_without_a_claim_is_what_it_is_found_to_be(
    identifier: Identifier, write: Write
) -> None:
    frame = measured(identifier, *write("qaa", 1, 9), *write("qab", 1, 9), "1.", claimed=None)
    assert judge().judge(frame)["lang"].to_list() == ["qaa", "qab", "und"]
    assert reasons(frame, judge()) == [None, None, "not_text"]
    assert reasons(frame, judge(languages=("qaa",))) == [None, "other_language", "not_text"]


def test_kept_and_rejected_divide_what_was_read(identifier: Identifier, write: Write) -> None:
    own, other = write("qaa", 3, 9), write("qab", 2, 9)
    frame = measured(identifier, f"{own[0]}\n{other[0]}\n {own[1]}", other[1], own[2], own[2])
    made = assembled(frame, judge(), copies=[3])
    assert (made.documents.schema, made.rejected.schema) == (assemble.ASSEMBLED, REJECTED)
    columns = ("doc_id", "lang", "url", "text", "num_paragraphs", "lid_label", "places")
    assert made.documents.select(columns).rows() == [
        ("d0", "qaa", "u0", f"{own[0]}\n{own[1]}\n", 2, "qaa", [0, 2]),
        ("d2", "qaa", "u2", f"{own[2]}\n", 1, "qaa", [0]),
    ]
    assert made.documents["num_bytes"].to_list() == [
        len(t.encode()) for t in made.documents["text"]
    ]
    assert made.rejected.select("doc_id", "paragraph", "text", "stage", "reason").rows() == [
        ("d0", 1, other[0], "identify", "wrong_language"),
        ("d1", 0, other[1], "identify", "wrong_language"),
        ("d3", 0, own[2], "deduplicate", "duplicate"),
    ]
    assert made.read.rows() == [("qaa", 4, 6, sum(len(t.encode()) + 1 for t in frame["raw"]))]


def test_what_a_document_repeats_is_left_out_whatever_others_hold(
    identifier: Identifier, write: Write
) -> None:
    own = write("qaa", 2, 9)
    frame = measured(identifier, f"{own[0]}\n{own[1]}\n{own[0]}")
    made = assembled(frame, judge(keep="none"))
    assert made.documents["places"].to_list() == [[0, 1]]
    assert made.rejected.select("paragraph", "reason").rows() == [(2, "duplicate")]


def test_equal_words_of_two_languages_are_no_copies(identifier: Identifier) -> None:
    keys = [measured(identifier, "Zoo 1, hall 2", claimed=key)["key"][0] for key in ("qaa", "qab")]
    assert keys[0] != keys[1]
    assert keys[0] == measured(identifier, "zoo 9, HALL 2", claimed="qaa")["key"][0]


def test_a_document_that_a_filter_rejects_leaves_all_its_paragraphs(
    identifier: Identifier, write: Write
) -> None:
    frame = measured(identifier, "\n".join(write("qaa", 2, 9)))
    made = assembled(frame, judge(quality=QualityConfig(sets=("ccnet",))))
    assert made.documents.is_empty()
    assert made.rejected.select("paragraph", "stage", "reason").rows() == [
        (0, "quality", "ccnet_short"),
        (1, "quality", "ccnet_short"),
    ]


def test_what_an_evaluation_set_holds_is_left_out(
    identifier: Identifier, write: Write, tmp_path: Path
) -> None:
    own = write("qaa", 3, 9)
    (tmp_path / "test.txt").write_text(own[1] + "\n", encoding="utf-8")
    guard = ContaminationConfig(evaluation_sets=(str(tmp_path),))
    fingerprints = contamination.build(contamination.evaluation_texts(guard))
    frame = measured(identifier, "\n".join(own))
    made = assembled(frame, judge(contamination=guard), fingerprints=fingerprints)
    assert made.rejected.select("paragraph", "reason").rows() == [(1, "contaminated")]
    assert made.documents["places"].to_list() == [[0, 2]]


def test_rejected_documents_become_paragraphs_again(identifier: Identifier, write: Write) -> None:
    own = write("qaa", 3, 9)
    made = assembled(measured(identifier, f"{own[0]}\n\n{own[1]}"), judge())
    rows = assemble.expand(made.documents, "near_duplicate")
    assert rows.select("doc_id", "paragraph", "text", "stage", "reason").rows() == [
        ("d0", 0, own[0], "near_duplicates", "near_duplicate"),
        ("d0", 2, own[1], "near_duplicates", "near_duplicate"),
    ]


def test_equal_documents_of_two_languages_are_no_near_duplicates(
    identifier: Identifier, write: Write
) -> None:
    text = "\n".join(write("qaa", 3, 9))
    own = judge(near_duplicates=True, agreement=AgreementConfig(min_score=0.0))
    frames = [measured(identifier, text, claimed=None), measured(identifier, text, claimed="qaa")]
    other = frames[0].with_columns(expected=pl.lit("qab"), own_lid_label=pl.lit("qab"))
    bands = [assembled(frame, own).bands for frame in [*frames, other]]
    assert (bands[0] == bands[1]).all()
    assert not (bands[0] == bands[2]).any()


@pytest.mark.parametrize("near", [False, True])
def test_keys_for_near_duplicates_are_made_where_they_are_asked_for(
    identifier: Identifier, write: Write, near: bool
) -> None:
    made = assembled(measured(identifier, *write("qaa", 3, 9)), judge(near_duplicates=near))
    assert (made.bands is not None) == near
    if made.bands is not None:
        assert made.bands.shape[1] == 3


def test_a_piece_of_which_no_document_stays_has_keys_of_none(
    identifier: Identifier, write: Write
) -> None:
    frame = measured(identifier, *write("qaa", 2, 9), claimed="qab")
    made = assembled(frame, judge(near_duplicates=True))
    assert made.documents.is_empty()
    assert made.bands is not None
    assert made.bands.dtype == np.uint64
    assert made.bands.shape[1] == 0
