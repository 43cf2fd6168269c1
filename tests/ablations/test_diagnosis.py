"""The stage that measures a study's vocabulary, on the least of Babel."""

from pathlib import Path

import pytest
from least_study import LEAST

from xlmr_lab import configs, storage
from xlmr_lab.ablations import diagnosis, stages, studies
from xlmr_lab.ablations.run import Study


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


def micro(folder: Path, *changes: str) -> Study:
    places = (f"data_dir={folder / 'data'}", f"runs_dir={folder / 'runs'}", "name=micro")
    return Study(configs.override(studies.tiny(), [*LEAST, *places, *changes]), "tiny")


@pytest.mark.slow
def test_a_vocabulary_is_measured_once_and_kept_in_the_run_folder(folder: Path) -> None:
    study = micro(folder)
    study.prepare_vocabulary()
    place = diagnosis.diagnosis(study.config)
    kept = study.folder / "vocabulary"
    for name in diagnosis.TABLES:
        assert storage.read_jsonl(kept / f"{name}.jsonl") == storage.read_jsonl(
            place / f"{name}.jsonl"
        )
    record = storage.read_json(kept / "vocabulary.json")
    assert record == storage.read_json(stages.vocabulary(study.config) / "vocabulary.json")
    rows = storage.read_jsonl(kept / "languages.jsonl")
    assert {row["language"] for row in rows} == {"qaa", "qab", "qac"}
    assert all(1 <= row["fertility"] < 6 for row in rows)
    assert len(storage.read_jsonl(kept / "overlap.jsonl")) == 3
    made = sorted((folder / "data").iterdir())
    micro(folder).prepare_vocabulary()
    assert sorted((folder / "data").iterdir()) == made


def test_babels_nli_is_parallel_text(folder: Path) -> None:
    study = micro(folder)
    rows = storage.read_jsonl(diagnosis.diagnosis(study.config) / "premium.jsonl")
    largest = stages.sizes(study.config)[0]["language"]
    assert [row["original"] for row in rows] == [largest] * 3
    assert rows[0]["language"] == largest
    assert {row["num_sentences"] for row in rows} == {2 * 30}
    assert rows[0]["premium"] == 1.0
    assert all(0.5 < row["premium"] < 2 for row in rows)


def test_files_that_are_no_translations_give_no_premium(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = ["a b\tc\tentailment", "d\te\tneutral"]
    for language, own in {"qaa": lines, "qab": lines, "qac": lines[:1]}.items():
        (tmp_path / f"dev-{language}.tsv").write_text("\n".join(own) + "\n", "utf-8")
    study = micro(folder, f"nli.path={tmp_path}")
    rows = storage.read_jsonl(diagnosis.diagnosis(study.config) / "premium.jsonl")
    assert {row["language"] for row in rows} == {"qaa", "qab"}
    assert "dev-qac.tsv: not line by line the same pairs as" in caplog.text


def test_a_study_with_one_language_of_nli_has_no_premium(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "dev-qaa.tsv").write_text("a b\tc\tentailment\n", "utf-8")
    study = micro(folder, f"nli.path={tmp_path}")
    assert storage.read_jsonl(diagnosis.diagnosis(study.config) / "premium.jsonl") == []


def test_the_cost_is_told_in_parameters_of_the_model(folder: Path) -> None:
    told = diagnosis.cost(micro(folder).config)
    assert told.startswith("500 ids of width 16 take 8,500 of the model's 15,364 parameters")


def test_the_cost_counts_what_the_arms_of_the_model_add(folder: Path) -> None:
    """Three languages of width 16; 400 ids of width 4, an entry with its bias, what narrows."""
    told = diagnosis.cost(micro(folder, "model.language_embeddings=true").config)
    assert f"8,500 of the model's {15_364 + 3 * 16:,}" in told
    told = diagnosis.cost(micro(folder, "model.adaptive_cutoffs=100").config)
    rows, ways = 400 * 4, 17 + 16 * 4
    assert f"{8_500 + rows:,} of the model's {15_364 + rows + ways:,}" in told
