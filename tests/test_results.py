"""A run folder is read as it is, and what is missing is named with what makes it."""

import gzip
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from xlmr_lab import results, storage, study_call
from xlmr_lab.errors import UserError
from xlmr_lab.tiers import tiers


@pytest.fixture
def folder(study_folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the made-up study that a test may break."""
    return Path(shutil.copytree(study_folder, tmp_path / "runs" / "mine"))


def test_a_study_is_found_from_any_folder_below(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = folder.parents[1] / "notebooks" / "deep"
    below.mkdir(parents=True)
    for place in (folder.parents[1], below):
        monkeypatch.chdir(place)
        study = results.open_study("runs/mine")
        assert study.folder.resolve() == folder.resolve()
        assert study.name == "runs/mine"


def test_a_missing_study_names_the_command_that_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"no study in 'runs/nowhere'.*`./lab` makes runs/tiny"):
        results.open_study("runs/nowhere")


@pytest.mark.parametrize(
    ("file", "method", "verb"),
    [
        ("sizes.jsonl", "sizes", "vocab"),
        ("heldout.jsonl", "heldout", "pretrain"),
        ("scores.jsonl", "scores", "evaluate"),
        ("findings.jsonl", "findings", "study"),
        ("vocabulary/languages.jsonl", "fertility", "vocab"),
        ("cleaning.json", "cleaning", "vocab"),
        ("arms.json", "runs", "pretrain"),
        ("blocks.jsonl", "passes", "pretrain"),
    ],
)
def test_an_unfinished_study_names_what_is_missing_and_its_own_command_that_makes_it(
    folder: Path, file: str, method: str, verb: str
) -> None:
    (folder / file).unlink()
    study = results.open_study(folder)
    with pytest.raises(UserError, match=rf"has no {file}; `./lab {verb}` goes on"):
        getattr(study, method)()
    study_call.keep(folder, "small", ["name=two words", "seeds=4"])
    with pytest.raises(UserError, match=rf"lab {verb} --preset small 'name=two words' seeds=4`"):
        getattr(study, method)()


def test_blocks_are_estimated_from_the_vocabulary_before_they_are_counted(folder: Path) -> None:
    """By hand, of 100,000 bytes in 900 documents: 99,000 are trained on, at 4 bytes a piece 24,750
    pieces, with an end to each of 891 documents 25,641 tokens, 512 blocks of 50 and the start.
    """
    for name, change in (
        ("sizes.jsonl", {"size_bytes": 100_000, "num_documents": 900, "num_paragraphs": 2000}),
        ("vocabulary/languages.jsonl", {"bytes_per_piece": 4.0}),
    ):
        rows = storage.read_jsonl(folder / name)
        storage.write_jsonl(folder / name, [row | change for row in rows])
    (folder / "blocks.jsonl").unlink()
    study = results.open_study(folder)
    row = study.training_sizes().row(0, named=True)
    names = ("size_bytes", "num_paragraphs", "num_pieces", "num_blocks")
    assert [row[name] for name in names] == [99_000, 1980, 24_750, 512]
    assert study.budget() == pytest.approx(400 * 64 / (12 * 512))


def test_a_file_from_another_version_is_refused(folder: Path) -> None:
    (folder / "heldout.jsonl").write_text('{"arm": "a", "seed": 1, "loss": 3.0}\n')
    with pytest.raises(UserError, match=r"heldout.jsonl has no column alpha, language, step"):
        results.open_study(folder).heldout()


def test_frames_carry_what_is_known_of_each_language(study_folder: Path) -> None:
    study = results.open_study(study_folder)
    for frame in (study.heldout(), study.scores(), study.fertility(), study.cleaning()):
        row = frame.filter(pl.col("language") == "qac").row(0, named=True)
        assert (row["name"], row["script"], row["tier"]) == ("Celahi", "Arab", "high")


def test_every_paragraph_read_is_kept_or_has_a_reason(study_folder: Path) -> None:
    counts = json.loads((study_folder / "cleaning.json").read_text())["languages"]["qaa"]
    frame = results.open_study(study_folder).cleaning().filter(pl.col("language") == "qaa")
    assert frame["num_paragraphs"].sum() == counts["read_paragraphs"]
    assert set(frame["fate"]) == {"kept", *counts["rejected"]}


def test_arms_without_heldout_loss_are_not_pretrained(study_folder: Path) -> None:
    scores = results.open_study(study_folder).scores()
    arms = dict(scores.select("arm", "pretrained").unique().rows())
    assert arms == {"alpha=0.3": True, "no-pretraining": False}


VERDICT = {
    **{"study": "made-up", "run": "", "task": "nli", "protocol": "zero-shot", "selection": "last"},
    **{"arm": "alpha=0.3", "seed": 1, "finetune_seed": 1, "set": "test-qab", "split": "test"},
    **{"language": "qab", "question_language": "", "level": "refuse", "name": "label order"},
    **{"line": "wrong", "evidence": {"p": 0.0}},
}


def test_a_study_without_verdicts_has_none_and_packed_ones_are_read(folder: Path) -> None:
    study = results.open_study(folder)
    assert (len(study.doctor()), len(study.looks())) == (0, 0)
    assert set(study.scores()["refused"]) == {""}
    (folder / "doctor.jsonl.gz").write_bytes(gzip.compress(json.dumps(VERDICT).encode() + b"\n"))
    assert study.doctor()["name"].to_list() == ["label order"]
    (marked,) = study.scores().filter(pl.col("refused") != "").to_dicts()
    assert {name: marked[name] for name in ("arm", "seed", "finetune_seed", "language")} == {
        name: VERDICT[name] for name in ("arm", "seed", "finetune_seed", "language")
    }


def test_results_that_were_committed_before_there_were_verdicts_are_read() -> None:
    kept = sorted((Path(__file__).parents[1] / "notebooks" / "results").glob("*/config.json"))
    assert kept
    for place in kept:
        study = results.open_study(place.parent)
        assert study.doctor().is_empty() or "refused" in study.scores().columns


def test_scores_that_are_kept_packed_are_read_as_others(folder: Path) -> None:
    plain = results.open_study(folder).scores()
    scores = folder / "scores.jsonl"
    (folder / "scores.jsonl.gz").write_bytes(gzip.compress(scores.read_bytes()))
    scores.unlink()
    assert results.open_study(folder).scores().equals(plain)


def test_the_language_learned_in_is_the_one_set_else_english_else_the_largest(folder: Path) -> None:
    study = results.open_study(folder)
    assert study.train_language("nli") == "qaa"
    assert set(study.scores().filter("trained")["language"]) == {"qaa"}
    config = study.config()
    config["ner"]["train_language"] = "qad"
    config["glue"] = {"train_language": "qae"}
    (folder / "config.json").write_text(json.dumps(config))
    assert study.train_language("ner") == "qad"
    assert study.train_language("nli") == "qaa"
    assert study.train_language("glue-qnli") == "qae"


def test_languages_whose_own_training_sets_were_learned_from_are_no_transfer(folder: Path) -> None:
    rows = storage.read_jsonl(folder / "scores.jsonl")
    other = [row | {"protocol": name} for row in rows for name in ("translate-train", "all")]
    storage.write_jsonl(folder / "scores.jsonl", rows + other)
    scores = results.open_study(folder).scores()
    learned = scores.filter("trained").group_by("protocol").agg(pl.col("language").n_unique())
    assert dict(learned.rows()) == {"zero-shot": 1, "translate-train": 1, "all": 12}
    assert set(scores.filter("source")["language"]) == {"qaa"}


def test_a_study_without_tasks_or_findings_has_empty_frames(folder: Path) -> None:
    for name in ("scores.jsonl", "findings.jsonl"):
        (folder / name).write_text("")
    study = results.open_study(folder)
    assert study.scores().is_empty()
    assert study.findings().is_empty()


def test_runs_steps_and_draws_come_from_the_pretraining_folders(study_folder: Path) -> None:
    study = results.open_study(study_folder)
    assert study.runs().height == 9
    steps = study.steps().filter(pl.col("run") == "alpha=0.3-s1")
    assert steps["step"].to_list() == list(range(10, 401, 10))
    assert study.draws().filter(pl.col("step") == 400)["language"].n_unique() == 12
    assert study.telemetry()["tokens_per_second"].min() > 0


def test_passes_are_blocks_drawn_over_blocks_there_are(study_folder: Path) -> None:
    """Of the smallest language 6 blocks; at alpha 0.01 about a twelfth of 400 * 64 is drawn."""
    study = results.open_study(study_folder)
    passes = study.passes().filter(run="alpha=0.01-s1", language="qal")
    (row,) = passes.iter_rows(named=True)
    assert row["num_blocks"] == 2 + row["size_bytes"] // 200
    assert row["passes"] == row["blocks"] / row["num_blocks"]
    assert 200 < row["passes"] < 600
    total = study.passes().filter(run="alpha=1-s3")
    assert study.budget() == pytest.approx(total["blocks"].sum() / total["num_blocks"].sum(), 0.01)


def test_the_kin_of_the_largest_language_are_named(folder: Path) -> None:
    study = results.open_study(folder)
    assert (
        "Of 4 low-resource languages, 1 (qai) are of the family of the largest" in study.kinship()
    )
    rows = [json.loads(line) for line in (folder / "sizes.jsonl").read_text().splitlines()]
    rows = [row | {"size_bytes": 1000} for row in rows]
    (folder / "sizes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "no tiers" in study.kinship()


def test_babel_is_called_a_model_organism_and_real_text_is_not(folder: Path) -> None:
    study = results.open_study(folder)
    assert "Babel is a model organism" in study.about()
    config = study.config()
    config["corpus"]["path"] = "texts"
    (folder / "config.json").write_text(json.dumps(config))
    assert "Babel" not in study.about()


def test_the_papers_corpus_has_its_hundred_languages_with_misprints_corrected() -> None:
    frame = results.paper_sizes()
    assert frame.height == 100
    assert frame["language"][0] == "en"
    assert dict(frame.select("language", "paper_gib").rows())["sv"] == 77.8


def test_tiers_are_thirds_and_the_middle_takes_the_rest() -> None:
    sizes = {key: float(10 - i) for i, key in enumerate("abcdefg")}
    assert "".join(tier[0] for tier in tiers(sizes).values()) == "hhmmmll"
    assert tiers({"a": 2.0, "b": 1.0}) == {"a": "high", "b": "low"}
    assert tiers({}) == {}


def test_languages_of_nearly_one_size_are_of_one_tier() -> None:
    """The sizes are those of the tiny preset: two near 154 kB and one of 161 kB."""
    sizes = {"a": 1457.0, "b": 1394.0, "c": 323.0, "d": 161.0, "e": 154.6, "f": 153.9}
    assert "".join(tier[0] for tier in tiers(sizes).values()) == "hhmlll"
    assert set(tiers({"a": 1.0, "b": 1.05, "c": 0.98}).values()) == {"equal"}
    assert tiers({"a": 1.0}) == {"a": "equal"}
    assert tiers({"a": 1.2, "b": 1.0}) == {"a": "high", "b": "low"}
