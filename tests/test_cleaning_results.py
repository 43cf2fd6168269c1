"""The trail of a cleaning is read as it is: counts add up, other thresholds need no measuring, and
Babel's truth is met.
"""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from xlmr_lab import cleaning_results, results
from xlmr_lab.cleaning_results import Cleaning
from xlmr_lab.corpus import documents, measure
from xlmr_lab.errors import UserError


@pytest.fixture(scope="module")
def cleaning(study_folder: Path) -> Cleaning:
    return cleaning_results.open_cleaning(results.open_study(study_folder))


@pytest.fixture
def home(study_folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the folder that the made-up study ran in, which a test may break."""
    return Path(shutil.copytree(study_folder.parents[1], tmp_path / "work"))


def reopened(home: Path) -> Cleaning:
    return cleaning_results.open_cleaning(results.open_study(home / "runs" / "made-up"))


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), "utf-8")


def test_folders_are_found_from_where_the_study_ran(home: Path) -> None:
    found = reopened(home)
    assert found.cleaned == home / "data" / "clean-up"
    assert found.babel == home / "data" / "babel-made"


def test_a_study_that_names_no_text_says_which(home: Path) -> None:
    stages = home / "runs" / "made-up" / "stages.json"
    stages.write_text('{"cleaned": "data/clean-up"}', "utf-8")
    with pytest.raises(
        UserError, match=r"stages.json names no measured text; `./lab vocab` writes it"
    ):
        reopened(home)
    stages.unlink()
    with pytest.raises(UserError, match="names no cleaned and no measured text"):
        reopened(home)


def test_text_that_was_deleted_is_named(home: Path) -> None:
    shutil.rmtree(home / "data" / "clean-up")
    with pytest.raises(UserError, match=r"made of data/clean-up, which is not there any more"):
        reopened(home)


def test_it_says_what_was_read_and_by_what(cleaning: Cleaning) -> None:
    report = cleaning.report()
    read = sum(own.read_paragraphs for own in report.languages.values())
    assert f"{read:,} paragraphs" in cleaning.about()
    assert "two identifiers that must agree; of equal paragraphs the first" in cleaning.about()
    assert "Perplexity is known for 4 of 4 languages." in cleaning.about()
    assert "Every record could be read." in cleaning.about()


def test_stages_carry_names_and_the_largest_language_comes_first(cleaning: Cleaning) -> None:
    frame = cleaning.stages()
    assert frame["language"].unique(maintain_order=True).to_list() == ["qaa", "qab", "qac", "qad"]
    assert frame["name"][0] == "Avelo"
    assert frame.filter(language="qaa")["stage"].to_list()[0] == "read"


def test_examples_are_rejected_paragraphs_for_every_reason(cleaning: Cleaning) -> None:
    table = documents.scan(cleaning.cleaned / "rejected").collect()
    shown = cleaning.rejected(number=2)
    assert set(shown["reason"]) == set(table["reason"])
    assert shown.group_by("reason").len()["len"].max() == 2
    known = set(table.select("doc_id", "reason").iter_rows())
    assert set(shown.select("doc_id", "reason").iter_rows()) <= known
    two = shown.filter(reason="duplicate")["language"].to_list()
    assert len(set(two)) == 2


def test_another_seed_shows_other_examples_and_the_same_seed_the_same(cleaning: Cleaning) -> None:
    first, again, other = (cleaning.rejected(seed=seed) for seed in (0, 0, 1))
    assert first.equals(again)
    assert not first.equals(other)


def test_examples_of_one_language(cleaning: Cleaning) -> None:
    assert set(cleaning.rejected(language="qab")["language"]) == {"qab"}
    with pytest.raises(UserError, match=r"language 'xx'; there are some of qaa, qab, qac, qad"):
        cleaning.rejected(language="xx")


def test_the_same_thresholds_change_nothing(cleaning: Cleaning) -> None:
    frame = cleaning.compared({})
    assert frame["before"].equals(frame["after"], null_equal=True)
    pieces = [pl.read_parquet(path) for path in measure.pieces(cleaning.measured)]
    assert frame["num_paragraphs"].sum() == sum(piece.height for piece in pieces)


def test_judging_again_gives_the_reasons_of_the_cleaning(cleaning: Cleaning) -> None:
    """Through to the duplicates, which end this cleaning; and the same buckets."""
    now = cleaning.compared({})
    rejected = now.filter(pl.col("after").is_not_null()).group_by("language", "after")
    counts = rejected.agg(pl.col("num_paragraphs").sum()).rows()
    before = documents.scan(cleaning.cleaned / "rejected").collect()
    assert sorted(counts) == sorted(before.group_by("lang", "reason").len().rows())
    assert "duplicate" in set(now["after"])
    kept = now.filter(pl.col("after").is_null()).group_by("language", "bucket_after")
    found = sorted(kept.agg(pl.col("num_paragraphs").sum()).rows())
    written = documents.scan(cleaning.cleaned / "documents").collect().group_by("lang", "bucket")
    assert found == sorted(written.agg(pl.col("num_paragraphs").sum()).rows())


def test_a_longer_least_length_rejects_exactly_the_shorter_ones(cleaning: Cleaning) -> None:
    frame = cleaning.compared({"min_paragraph_bytes": 60})
    lost = frame.filter(pl.col("before").is_null() & pl.col("after").is_not_null())
    assert set(lost["after"]) == {"too_short"}
    kept = documents.scan(cleaning.cleaned / "documents").collect()
    short = kept["text"].str.strip_suffix("\n").str.split("\n").explode().str.len_bytes() < 60
    assert lost["num_paragraphs"].sum() >= short.sum() > 0


@pytest.mark.slow
def test_settings_that_would_change_nothing_are_refused(home: Path) -> None:
    cleaning = reopened(home)
    with pytest.raises(UserError, match=r"sets changes no verdict here: it is of a later step"):
        cleaning.compared({"quality.sets": "c4"})
    with pytest.raises(UserError, match=r"min_score changes .* calibrated .* such as sw:0.9"):
        cleaning.compared({"agreement.min_score": 0.9})
    with pytest.raises(UserError, match="min_leter_share"):
        cleaning.compared({"min_leter_share": 0.9})
    change(cleaning.measured / "models" / "identifiers.json", lab=None, calibration=[])
    with pytest.raises(UserError, match=r"is about two identifiers, and this text was"):
        cleaning.compared({"agreement.max_mixed_score": 0.5})
    assert cleaning.compared({"agreement.min_score": 1.0})["after"].is_in(["low_confidence"]).any()
    assert "agreement.min_score" in cleaning.in_effect()
    assert "agreement.max_mixed_score" not in cleaning.in_effect()
    change(cleaning.cleaned / "report.json", cutoffs={})
    with pytest.raises(UserError, match=r"head_share changes .* without a language model"):
        cleaning.compared({"buckets.head_share": 0.5})


def test_of_large_text_the_scores_of_the_first_paragraphs_of_every_piece_are_counted(
    cleaning: Cleaning, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning_results, "MAX_PARAGRAPHS", 40)
    by_identifier = cleaning.scores().group_by("identifier").agg(pl.col("num_paragraphs").sum())
    assert set(by_identifier["identifier"]) == {"fastText", "n-gram model"}
    assert by_identifier["num_paragraphs"].max() <= 40


def test_precision_and_recall_are_those_of_the_labels(cleaning: Cleaning) -> None:
    frame = cleaning.truth()
    assert cleaning.babel is not None
    lines = (cleaning.babel / "truth" / "qac.jsonl").read_text("utf-8").splitlines()
    labels = [label for line in lines for label in json.loads(line)["labels"]]
    own = frame.filter(language="qac")
    assert dict(own.select("label", "num_paragraphs").iter_rows()) == {
        label: labels.count(label) for label in set(labels)
    }
    web = documents.scan(cleaning.cleaned / "rejected", "qac").filter(pl.col("source") == "web")
    assert own["num_paragraphs"].sum() - own["num_kept"].sum() == web.collect().height


def test_real_text_has_no_truth_and_stands_for_itself(home: Path) -> None:
    path = home / "runs" / "made-up" / "stages.json"
    stages = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({name: stages[name] for name in ("cleaned", "measured")}), "utf-8")
    cleaning = reopened(home)
    assert cleaning.truth().is_empty()
    assert cleaning.against_paper()["paper_gib"].null_count() == 4


def test_languages_of_babel_stand_beside_those_whose_size_they_take(cleaning: Cleaning) -> None:
    row = cleaning.against_paper().row(by_predicate=pl.col("language") == "qaa", named=True)
    assert (row["name"], row["paper_gib"], row["paper_rank"]) == ("Avelo", 300.8, 1)
    assert cleaning.correlation().num_languages == 4


def test_lengths_and_scripts_are_of_the_documents(cleaning: Cleaning) -> None:
    kept = documents.scan(cleaning.cleaned / "documents", "qab").collect()
    row = cleaning.lengths().row(by_predicate=_is("qab", "document"), named=True)
    assert (row["num"], row["max_bytes"]) == (kept.height, kept["num_bytes"].max())
    shares = cleaning.scripts().group_by("language").agg(pl.col("share").sum())["share"]
    assert shares.to_list() == pytest.approx([1] * 4)


def _is(language: str, unit: str) -> pl.Expr:
    return (pl.col("language") == language) & (pl.col("unit") == unit)


def test_the_card_names_the_settings_and_the_command(cleaning: Cleaning) -> None:
    card = cleaning.card()
    assert card.startswith("---\npretty_name:")
    assert "clean.min_paragraph_bytes=10" in card
    assert "measure.labelled_sources=encyclopaedia" in card
    assert "```sh\nxlmr_lab corpus --preset tiny\n```" in card
    text = cleaning.card_text()
    assert text.startswith("### The corpus of made-up\n")
    assert "\n#### How it was made\n" in text
    assert "dataset_info" not in text
