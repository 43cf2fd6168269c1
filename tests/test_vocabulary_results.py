"""A study's vocabulary is read as it was measured, and what is missing names what makes it."""

import json
import lzma
import re
import shutil
from pathlib import Path

import pytest

from xlmr_lab import anatomy_results, results, stage_folders, vocabulary_results
from xlmr_lab.errors import UserError
from xlmr_lab.vocabulary_results import MeasuredVocabulary


@pytest.fixture(scope="module")
def made(study_folder: Path) -> MeasuredVocabulary:
    return vocabulary_results.open_vocabulary(results.open_study(study_folder))


@pytest.fixture
def folder(study_folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the made-up study that a test may break."""
    return Path(shutil.copytree(study_folder, tmp_path / "runs" / "mine"))


def opened(folder: Path) -> MeasuredVocabulary:
    return vocabulary_results.open_vocabulary(results.open_study(folder))


def test_a_study_without_a_vocabulary_names_what_makes_one(folder: Path) -> None:
    (folder / "vocabulary" / "letters.jsonl").unlink()
    with pytest.raises(UserError, match=r"no vocabulary/letters.jsonl; `./lab vocab` makes it"):
        opened(folder).letters()
    (folder / "vocabulary" / "vocabulary.json").unlink()
    with pytest.raises(UserError, match=r"no vocabulary/vocabulary.json; `./lab vocab` makes it"):
        opened(folder)


def test_it_says_how_it_was_made_and_what_was_measured_on_seen_text(folder: Path) -> None:
    record = json.loads((folder / "vocabulary" / "vocabulary.json").read_text("utf-8"))
    told = opened(folder).about()
    assert f"**{record['size']:,} ids** (unigram)" in told
    assert "sampled with α = 0.3 over sentences" in told
    assert "99.99 % of its text" in told
    assert "what has none becomes `<unk>`" in told
    assert "has not seen, but for qai, qaj, qak, qal, which hold too little" in told
    record["config"] |= {"preprocessing": "tokenized_lowercased", "byte_fallback": True}
    (folder / "vocabulary" / "vocabulary.json").write_text(json.dumps(record), "utf-8")
    told = opened(folder).about()
    assert "on text tokenized and lowercased first" in told
    assert "what has none is spelled in bytes" in told


def test_every_measure_of_a_language_stands_in_one_row(made: MeasuredVocabulary) -> None:
    frame = made.languages()
    assert frame["language"].to_list() == made.study.sizes()["language"].to_list()
    row = frame.row(1, named=True)
    assert (row["language"], row["name"], row["script"]) == ("qab", "Bimatu", "Grek")
    assert row["premium"] == pytest.approx(940 / 900)
    assert row["parameters_used"] == 64 * row["pieces_used"]
    assert not frame.null_count().sum_horizontal().item()


def test_overlap_stands_there_both_ways(made: MeasuredVocabulary) -> None:
    frame = made.overlap()
    assert len(frame) == 12 * 11
    found = {(a, b): value for a, b, value in frame.select("language", "other", "of_use").rows()}
    assert all(found[b, a] == value for (a, b), value in found.items())


def test_premiums_are_measured_on_aligned_files_plain_or_packed(
    made: MeasuredVocabulary, tmp_path: Path
) -> None:
    lines = [made.example("qaa"), "", made.example("qaa")]
    (tmp_path / "qaa.txt").write_text("\n".join(lines) + "\n", "utf-8")
    twice = "\n".join(f"{line} {line}" if line else "" for line in lines) + "\n"
    with lzma.open(tmp_path / "qab.txt.xz", "wt", encoding="utf-8") as file:
        file.write(twice)
    (tmp_path / "other.txt").write_text("not aligned\n", "utf-8")
    frame = made.premium(str(tmp_path))
    assert frame["language"].to_list() == ["qaa", "qab"]
    assert frame["num_sentences"].to_list() == [2, 2]
    assert frame["premium"].to_list() == [1.0, 2.0]
    joined = made.languages(str(tmp_path))
    assert joined["premium"].to_list()[:3] == [1.0, 2.0, None]


def test_too_few_or_unaligned_files_are_refused(made: MeasuredVocabulary, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds 0 of the study's languages"):
        made.premium(str(tmp_path / "nowhere"))
    (tmp_path / "qaa.txt").write_text("a\nb\n", "utf-8")
    with pytest.raises(UserError, match=r"holds 1 of .* needs two or more of qaa, qab"):
        made.premium(str(tmp_path))
    (tmp_path / "qab.txt").write_text("a\n", "utf-8")
    with pytest.raises(UserError, match="qab has 1 lines and qaa 2"):
        made.premium(str(tmp_path))
    (tmp_path / "qab.txt").write_bytes(b"a\n\xff\n")
    with pytest.raises(UserError, match=r"qab.txt, line 2: not UTF-8"):
        made.premium(str(tmp_path))


def test_a_text_is_cut_into_pieces_that_stand_for_its_characters(made: MeasuredVocabulary) -> None:
    text = made.example("qaa")
    assert 0 < len(text) <= vocabulary_results.EXAMPLE_CHARACTERS
    cut = made.cut(text, "qaa")
    covered = "".join(text[start:end] for start, end in cut.select("start", "end").rows())
    assert covered == text.replace(" ", "")
    assert made.load().decode(cut["id"].to_list()) == text
    assert made.cut("", "qaa").is_empty()


def test_a_vocabulary_is_loaded_once(made: MeasuredVocabulary) -> None:
    assert made.load() is made.load()
    assert made.load().size == made.size


def test_parameters_are_those_of_the_studys_model(made: MeasuredVocabulary) -> None:
    found = made.parameters()
    assert found.embedding == 64 * made.size
    assert made.budget()["total"] == found.total
    assert made.num_used() == 1795 - 4 * 3


def test_the_arms_of_a_model_count_in_what_it_costs(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["model"] |= {"language_embeddings": True, "adaptive_cutoffs": [100, 400]}
    plain = opened(folder).parameters()
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    found, budget = opened(folder).parameters(), opened(folder).budget()
    assert found.output_rows == 300 * 16 + (opened(folder).size - 400) * 4
    assert found.positions == plain.positions + 64 * 12
    assert budget["shape"].parameters(opened(folder).size, 64) == found.total - 64 * 12
    model = anatomy_results.model(results.open_study(folder))
    assert model.parameters == found
    assert model.adaptive_cutoffs == (100, 400)


def test_a_stage_is_found_from_where_the_study_ran(study_folder: Path, tmp_path: Path) -> None:
    study = results.open_study(study_folder)
    assert (stage_folders.find(study, "vocabulary") / "vocabulary.json").is_file()
    moved = results.open_study(shutil.copytree(study_folder, tmp_path / "elsewhere"))
    with pytest.raises(UserError, match=r"made of data/vocabulary-up, which is not there any more"):
        stage_folders.find(moved, "vocabulary")
    (moved.folder / "stages.json").unlink()
    assert stage_folders.named(moved) == {}
    for stage, verb in (("shards", "pretrain"), ("vocabulary", "vocab")):
        told = f"stages.json names no {stage}; `./lab {verb}` writes it"
        with pytest.raises(UserError, match=re.escape(told)):
            stage_folders.find(moved, stage)
