"""A study at the least size: what is done is found, what is changed is redone."""

import shutil

import pytest
from least_study import LEAST

from xlmr_lab import configs, stage_folders, storage
from xlmr_lab.ablations import arms, diagnosis, stages, studies, task_jobs, task_sets
from xlmr_lab.ablations import folder as run_folder
from xlmr_lab.ablations.opened import open_run
from xlmr_lab.ablations.run import Study
from xlmr_lab.ablations.task_jobs import BASELINE
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import memory_plan
from xlmr_lab.results import open_study

MICRO = (
    *LEAST,
    "seeds=2",
    "jobs=2",
    "ablation.alphas=0.01,1",
    "sampling.alpha=0.3",
    "pretrain.heldout_steps=3",
    "nli.seeds=2",
)


PLACES = ("config.json", "stages.json", "call.json")
"""What says where a study lies."""


def micro(folder, *changes: str) -> Study:
    """Return the least study, in a folder of its own."""
    places = (f"data_dir={folder / 'data'}", f"runs_dir={folder / 'runs'}", "name=micro")
    return Study(configs.override(studies.tiny(), [*MICRO, *places, *changes]), "tiny")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Run the least study once for all tests of this module; return its folder and study."""
    folder = tmp_path_factory.mktemp("study")
    study = micro(folder)
    study.run()
    return folder, study


def content(folder) -> dict[str, bytes]:
    """Return all files below a folder with what they hold, clocks and memory aside."""
    clocks = ("provenance.json", "telemetry.jsonl", "stage.json", "tokens.json", "memory.json")
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in clocks
    }


@pytest.mark.slow
def test_a_study_leaves_what_its_readers_expect(finished) -> None:
    _, study = finished
    heldout = storage.read_jsonl(study.folder / "heldout.jsonl")
    assert {row["alpha"] for row in heldout} == {0.01, 0.3, 1.0}
    assert {row["seed"] for row in heldout} == {0, 1}
    assert {row["step"] for row in heldout} == {3, 6}
    scores = storage.read_jsonl(study.folder / "scores.jsonl")
    assert {row["arm"] for row in scores} == {"alpha=0.3", BASELINE}
    nli = [row for row in scores if row["task"] == "nli"]
    assert len(nli) == 2 * 2 * 2 * 3
    assert {row["language"] for row in nli} == {"qaa", "qab", "qac"}
    assert {row["id"] for row in storage.read_jsonl(study.folder / "findings.jsonl")} == {
        "F3-low",
        "F3-high",
        "F3-low-0.01-0.3",
        "F3-high-0.01-0.3",
        "F3-low-0.3-1",
        "F3-high-0.3-1",
        "transfer-nli",
        "transfer-ner",
    }


@pytest.mark.slow
def test_pretraining_alone_leaves_its_runs_and_takes_none_from_a_finished_study(
    finished, tmp_path, monkeypatch
) -> None:
    _, study = finished
    before = content(study.folder)
    with monkeypatch.context() as full:
        full.setattr(memory_plan, "available_bytes", lambda *_, **__: 0)
        study.pretrain([0.3])
    assert content(study.folder) == before
    assert len(storage.read_json(study.folder / "arms.json")) == 2 * 3
    alone = micro(tmp_path, "seeds=1")
    alone.prepare()
    with monkeypatch.context() as full:
        full.setattr(memory_plan, "available_bytes", lambda *_, **__: 0)
        with pytest.raises(UserError, match="needs about"):
            alone.pretrain([0.3])
    alone.pretrain([0.3])
    (run,) = storage.read_json(alone.folder / "arms.json")
    assert run["arm"] == "alpha=0.3"
    assert (alone.folder / run["folder"] / "metrics.jsonl").is_file()
    heldout = storage.read_jsonl(alone.folder / "heldout.jsonl")
    assert {row["alpha"] for row in heldout} == {0.3}


@pytest.mark.slow
def test_the_vocabulary_made_again_takes_nothing_from_a_finished_study(finished) -> None:
    _, study = finished
    before = content(study.folder)
    assert "shards" in storage.read_json(study.folder / "stages.json")
    study.prepare_vocabulary()
    assert content(study.folder) == before


@pytest.mark.slow
def test_shards_of_other_settings_are_not_a_studys(tmp_path) -> None:
    """With another vocabulary the same folder has neither shards nor blocks until they are made."""
    first = micro(tmp_path)
    first.prepare()
    assert (first.folder / "blocks.jsonl").is_file()
    other = micro(tmp_path, "vocabulary.size=450")
    other.prepare_vocabulary()
    assert other.folder == first.folder
    assert "shards" not in storage.read_json(other.folder / "stages.json")
    assert not (other.folder / "blocks.jsonl").exists()
    first.prepare_vocabulary()
    shards = storage.read_json(first.folder / "stages.json")["shards"]
    assert shards == str(stages.token_shards(first.config))
    assert (first.folder / "blocks.jsonl").is_file()


@pytest.mark.slow
def test_shards_that_are_gone_are_named_and_what_they_counted_stays(tmp_path) -> None:
    study = micro(tmp_path)
    study.prepare()
    before = content(study.folder)
    shutil.rmtree(stages.token_shards(study.config))
    study.prepare_vocabulary()
    assert content(study.folder) == before
    with pytest.raises(UserError, match=r"shards-.* not there any more; `./lab pretrain .*=micro"):
        stage_folders.find(open_study(study.folder), "shards")


@pytest.mark.slow
def test_a_folder_that_names_its_stages_has_the_rest(tmp_path, monkeypatch) -> None:
    """Killed while it was prepared for other settings, it has no vocabulary, not the old one."""
    micro(tmp_path).prepare_vocabulary()
    other = micro(tmp_path, "vocabulary.size=450")
    diagnosis.diagnosis(other.config)
    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_jsonl", killed)
        with pytest.raises(KeyboardInterrupt):
            other.prepare_vocabulary()
    with pytest.raises(UserError, match=r"no vocabulary yet; `./lab vocab .*vocabulary.size=450 "):
        open_run(other).stage("vocabulary")
    other.prepare_vocabulary()
    assert open_run(other).stage("vocabulary") == stages.vocabulary(other.config)


def killed(*_) -> None:
    raise KeyboardInterrupt


@pytest.mark.slow
def test_a_second_run_finds_everything_done(finished, monkeypatch) -> None:
    folder, _ = finished
    before = content(folder)
    monkeypatch.setattr("xlmr_lab.ablations.jobs.Job", None)
    monkeypatch.setattr("xlmr_lab.storage.atomic_folder", None)
    micro(folder).run()
    assert content(folder) == before


@pytest.mark.slow
def test_two_processes_or_one_give_the_same_results(finished, tmp_path) -> None:
    _, study = finished
    alone = micro(tmp_path, "jobs=1")
    alone.run()
    ours, theirs = content(study.folder), content(alone.folder)
    different = [
        name
        for name in ours.keys() | theirs.keys()
        if ours.get(name) != theirs.get(name) and name not in PLACES
    ]
    assert different == []


@pytest.mark.slow
def test_a_changed_setting_redoes_only_what_depends_on_it(finished) -> None:
    folder, study = finished
    made = {path.name for path in (folder / "data").iterdir()}
    arms = {path.name for path in (study.folder / "arms").iterdir()}
    longer = micro(folder, "ner.finetune.steps=5")
    longer.run()
    assert {path.name for path in (folder / "data").iterdir()} == made
    assert {path.name for path in (study.folder / "arms").iterdir()} == arms
    assert len(list((study.folder / "scores").glob("ner-*"))) == 2 * 4
    assert len(list((study.folder / "scores").glob("nli-*"))) == 4
    assert len(storage.read_jsonl(study.folder / "scores.jsonl")) == 2 * 2 * 3 * (2 + 1)


@pytest.mark.slow
def test_scores_are_kept_by_the_versions_of_fine_tuning_and_reading(finished, monkeypatch) -> None:
    _, study = finished
    main = arms.arms(study.config, study.folder / "arms", [study.config.sampling.alpha])

    def keys() -> set[str]:
        plans = task_jobs.planned(study.config, main, folder=study.folder, name="micro")
        return {plan.runs.output.name for plan in plans}

    there = {path.name for path in (study.folder / "scores").iterdir()}
    first = keys()
    assert first <= there
    monkeypatch.setattr(task_jobs, "FINETUNE_VERSION", task_jobs.FINETUNE_VERSION + 1)
    second = keys()
    monkeypatch.setattr(task_sets, "READING_VERSION", task_sets.READING_VERSION + 1)
    assert len(first | second | keys()) == 3 * len(first)


def test_the_same_stage_has_one_name_whatever_is_changed_elsewhere(tmp_path) -> None:
    """Pretraining settings leave the corpus alone; a corpus setting does not."""
    one, other, third = (
        stages.babel(micro(tmp_path, change).config)
        for change in ("seeds=1", "pretrain.steps=9", "babel.dirt=0.1")
    )
    assert one == other
    assert third != one


@pytest.mark.slow
def test_a_task_that_cannot_run_is_refused_before_anything_is_trained(tmp_path) -> None:
    (tmp_path / "tasks").mkdir()
    study = micro(tmp_path, f"ner.path={tmp_path / 'tasks'}")
    with pytest.raises(UserError, match=r"ner\.path has no dev or test file of any"):
        study.prepare()
    (tmp_path / "tasks" / "test-qab.tsv").write_text("x\tO\n")
    with pytest.raises(UserError, match="no train-qa"):
        study.prepare()
    each = micro(tmp_path, f"ner.path={tmp_path / 'tasks'}", "ner.protocols=each")
    with pytest.raises(UserError, match="no train-qab"):
        each.prepare()
    assert not (tmp_path / "runs").exists()
    with pytest.raises(UserError, match=r"nli\.path is no folder"):
        micro(tmp_path, f"nli.path={tmp_path / 'none'}").prepare()


@pytest.mark.slow
def test_a_file_that_cannot_be_read_is_told_before_anything_is_trained(tmp_path) -> None:
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    (tasks / "train-qaa.tsv").write_text("x\tB-PER\n\ny\tPER\n")
    (tasks / "test-qab.tsv").write_text("x\tB-PER\n")
    study = micro(tmp_path, f"ner.path={tasks}", "ner.train_language=qaa")
    with pytest.raises(UserError, match=r"train-qaa.tsv.*3.*PER"):
        study.prepare()
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_other_settings_leave_nothing_of_the_old_ones_beside_them(finished) -> None:
    """A partial run under new settings clears what was collected; a report says what to run."""
    folder, study = finished
    study.run()
    run_folder.require_finished(study.folder, study.config)
    other = micro(folder, "ner.finetune.steps=7")
    with pytest.raises(UserError, match="other settings"):
        run_folder.require_finished(other.folder, other.config)
    other.prepare()
    assert not (study.folder / "findings.jsonl").exists()
    with pytest.raises(UserError, match="no findings yet"):
        run_folder.require_finished(other.folder, other.config)
    study.run()
    run_folder.require_finished(study.folder, study.config)


def test_files_are_told_apart_by_place_and_by_change(tmp_path) -> None:
    """Even under folders that are named like the lab's own."""
    one, two = (tmp_path / f"babel-{x}" / "web" / "en.txt" for x in "ab")
    for path in (one, two):
        path.parent.mkdir(parents=True)
        path.write_text("some text")
    assert stages.signature(one, tmp_path / "data") != stages.signature(two, tmp_path / "data")
    before = stages.signature(one, tmp_path / "data")
    one.write_text("other text")
    assert stages.signature(one, tmp_path / "data") != before


@pytest.mark.slow
def test_shards_of_another_vocabulary_are_refused(finished) -> None:
    folder, study = finished
    (sidecar,) = (folder / "data").glob("shards-*/shards.json")
    written = sidecar.read_bytes()
    storage.write_json(sidecar, storage.read_json(sidecar) | {"vocabulary_fingerprint": "other"})
    try:
        with pytest.raises(UserError, match=r"with vocabulary other, not .*; delete"):
            study.prepare()
    finally:
        sidecar.write_bytes(written)
    study.prepare()


@pytest.mark.slow
def test_question_answering_is_a_task_where_it_is_asked_for(tmp_path) -> None:
    changes = ("evaluated=qa", "seeds=1", "ablation.alphas=", "qa.seeds=1", "qa.finetune.steps=2")
    sizes = ("tasks.qa.train=8", "tasks.qa.dev=4", "tasks.qa.test=4", "qa.normalization=squad")
    study = micro(tmp_path, *changes, *sizes)
    study.run()
    scores = storage.read_jsonl(study.folder / "scores.jsonl")
    assert {(row["task"], row["metric"]) for row in scores} == {("qa", "f1"), ("qa", "exact_match")}
    pairs = {(row["language"], row["question_language"]) for row in scores}
    keys = ("qaa", "qab", "qac")
    assert pairs == {(a, "" if a == b else b) for a in keys for b in keys}
    found = storage.read_jsonl(study.folder / "findings.jsonl")
    assert [row["id"] for row in found if row["id"].startswith("transfer")] == ["transfer-qa"]
    with pytest.raises(UserError, match=r"qa\.path is no folder"):
        micro(tmp_path, *changes, f"qa.path={tmp_path / 'none'}").prepare()


@pytest.mark.slow
def test_a_study_with_tasks_of_glue(tmp_path) -> None:
    changes = ("evaluated=glue", "seeds=1", "ablation.alphas=", "glue.seeds=1")
    sizes = ("tasks.glue.train=8", "tasks.glue.dev=6", "tasks.glue.test=6")
    few = ("glue.finetune.steps=2", "glue.tasks=cola,stsb")
    study = micro(tmp_path, *changes, *sizes, *few)
    study.run()
    scores = storage.read_jsonl(study.folder / "scores.jsonl")
    assert {(row["task"], row["language"]) for row in scores} == {
        (task, key) for task in ("glue-cola", "glue-stsb") for key in ("qaa", "qab", "qac")
    }
    assert {row["arm"] for row in scores} == {"alpha=0.3", BASELINE}
    kept = set((study.folder / "scores").iterdir())
    more = micro(tmp_path, *changes, *sizes, "glue.finetune.steps=2", "glue.tasks=")
    assert len({row.task for row in more.evaluate()}) == 5
    assert kept < set((study.folder / "scores").iterdir()), "what was done is found"
    with pytest.raises(UserError, match="unknown task 'none'"):
        micro(tmp_path, *changes, *sizes, "glue.tasks=none").prepare()
