"""What a study's runs drew beside what was to be expected of them, against hand counts."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from xlmr_lab import results, sampling_results, study_call
from xlmr_lab.results import Study
from xlmr_lab.sampling.exponent import probabilities


@pytest.fixture(scope="module")
def study(study_folder: Path) -> Study:
    return results.open_study(study_folder)


@pytest.fixture
def two(tmp_path: Path, study_folder: Path) -> Path:
    """Return the folder of a study of two languages and one run of four steps of ten blocks."""
    folder = tmp_path / "two"
    shutil.copytree(study_folder, folder, ignore=shutil.ignore_patterns("arms"))
    write(folder / "blocks.jsonl", [blocks("qaa", 30), blocks("qab", 10)])
    write(folder / "arms.json", [{"arm": "later", "folder": "arms/later-s1"}])
    sampling = {"alpha": 1.0, "schedule": "annealed", "starts": ["qab:0.5"]}
    config = {"seed": 1, "languages": ["qaa", "qab"], "sampling": sampling}
    config |= {"batches": {"batch_sequences": 10}, "pretrain": {"steps": 4}}
    write(folder / "arms/later-s1/config.json", config)
    draws = [{"qaa": 10, "qab": 0}, {"qaa": 20, "qab": 0}, {"qaa": 27, "qab": 3}]
    steps = [{"kind": "step", "step": i + 1, "draws": drawn} for i, drawn in enumerate(draws)]
    steps.append({"kind": "step", "step": 4, "draws": {"qaa": 36, "qab": 4}})
    write(folder / "arms/later-s1/metrics.jsonl", steps)
    return folder


def blocks(key: str, number: int) -> dict[str, object]:
    return {"language": key, "num_blocks": number} | dict.fromkeys(
        ("num_pieces", "num_bytes", "num_sentences"), 7
    )


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = value if isinstance(value, list) and path.suffix == ".jsonl" else [value]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")


def test_what_was_drawn_stands_beside_what_was_expected(two: Path) -> None:
    """Two steps of 10 blocks in qaa alone, two shared 3 to 1: 35 and 5 expected, 36 and 4 drawn.
    20 draws at a quarter have a variance of 3.75.
    """
    frame = sampling_results.realised(results.open_study(two))
    rows = {row["language"]: row for row in frame.iter_rows(named=True)}
    assert rows["qaa"]["share"] == 0.9
    assert rows["qaa"]["expected_share"] == pytest.approx(35 / 40)
    assert rows["qab"]["passes"] == 0.4
    assert rows["qab"]["expected_passes"] == pytest.approx(0.5)
    assert rows["qab"]["error"] == pytest.approx(3.75**0.5 / 40)
    assert set(frame["arm"]) == {"later"}


def test_a_run_cut_short_is_compared_with_as_many_of_its_steps(two: Path) -> None:
    path = two / "arms/later-s1/metrics.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[:3]) + "\n")
    frame = sampling_results.realised(results.open_study(two))
    expected = dict(frame.select("language", "expected_share").iter_rows())
    assert expected == pytest.approx({"qaa": 27.5 / 30, "qab": 2.5 / 30})
    path.write_text("\n".join(path.read_text().splitlines()[:1]) + "\n")
    frame = sampling_results.realised(results.open_study(two))
    assert dict(frame.select("language", "expected_share").iter_rows()) == {"qaa": 1, "qab": 0}


def test_every_run_and_language_of_a_study_has_a_row_within_sampling_error(study: Study) -> None:
    frame = sampling_results.realised(study)
    assert frame.height == 9 * 12
    part = frame.filter(run="alpha=0.3-s2")
    sizes = dict(study.training_sizes().select("language", "num_blocks").iter_rows())
    q = probabilities(sizes, 0.3)
    assert dict(part.select("language", "expected_share").iter_rows()) == pytest.approx(q)
    assert part["share"].sum() == pytest.approx(1)
    off = ((frame["share"] - frame["expected_share"]) / frame["error"]).abs()
    assert off.max() < 5
    assert 0.5 < (off <= 1).mean() < 0.85


def test_the_schedule_of_the_main_arm_is_arguments_of_the_figures(
    study: Study, tmp_path: Path, study_folder: Path
) -> None:
    assert sampling_results.schedule(study) == {"alpha": 0.3}
    assert sampling_results.basis(study) == "blocks"
    config = json.loads((study_folder / "config.json").read_text())
    config["sampling"] = {"alpha": 0.7, "basis": "bytes", "schedule": "annealed"}
    config["sampling"] |= {"later_alphas": [0.3], "changes": [0.5]}
    write(tmp_path / "config.json", config)
    changed = results.open_study(tmp_path)
    assert sampling_results.basis(changed) == "bytes"
    assert sampling_results.schedule(changed) == {
        "alpha": 0.7,
        "schedule": "annealed",
        "later_alphas": (0.3,),
        "changes": (0.5,),
    }


def test_what_is_missing_of_a_study_is_one_line_with_its_own_command(
    study: Study, study_folder: Path, tmp_path: Path
) -> None:
    assert sampling_results.undrawn(study) == ""
    assert sampling_results.about(study) == study.about()
    folder = shutil.copytree(study_folder, tmp_path / "begun")
    study_call.keep(folder, "tiny", ["name=begun"])
    (folder / "arms.json").unlink()
    begun = results.open_study(folder)
    call = "`./lab pretrain --preset tiny name=begun`"
    said = f"No finished run has drawn from this text yet: {call}"
    assert sampling_results.undrawn(begun) == said
    assert sampling_results.about(begun).splitlines()[-1] == said
    assert sampling_results.realised(begun).is_empty()
    (folder / "blocks.jsonl").unlink()
    assert f", and its blocks are estimated: {call}" in sampling_results.undrawn(begun)


def test_estimated_blocks_of_a_pretrained_study_are_said_to_be(two: Path) -> None:
    (two / "blocks.jsonl").unlink()
    study = results.open_study(two)
    assert sampling_results.undrawn(study) == "Its blocks are estimated: `./lab pretrain`"
    assert sampling_results.realised(study).height == 2


def test_training_sizes_leave_out_what_is_held_out(study: Study) -> None:
    text, kept = study.sizes(), study.training_sizes()
    assert kept["language"].to_list() == text["language"].to_list()
    assert kept["size_bytes"].to_list() == [size - 90 for size in text["size_bytes"]]
    assert kept["num_paragraphs"].to_list() == [number - 1 for number in text["num_paragraphs"]]
    assert kept["tier"].to_list() == text["tier"].to_list()
    assert kept.filter(pl.col("num_pieces") <= 0).is_empty()


def test_parallel_text_is_left_out_of_what_is_expected(two: Path) -> None:
    """Half of the blocks are of pairs: 17.5 and 2.5 of single languages are expected."""
    path = two / "arms/later-s1/config.json"
    config = json.loads(path.read_text())
    write(path, config | {"tlm": {"share": 0.5, "alpha": 0.3}})
    draws = {"draws": {"qaa": 16, "qab": 4}, "pair_draws": {"qaa+qab": 20}}
    write(two / "arms/later-s1/metrics.jsonl", [{"kind": "step", "step": 4, **draws}])
    frame = sampling_results.realised(results.open_study(two))
    rows = {row["language"]: row for row in frame.iter_rows(named=True)}
    assert set(rows) == {"qaa", "qab"}
    assert (rows["qaa"]["share"], rows["qaa"]["expected_share"]) == pytest.approx((0.8, 0.875))
    assert rows["qab"]["expected_passes"] == pytest.approx(0.25)
