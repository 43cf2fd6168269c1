"""Baselines beside encoders, in a study and beside one given encoder: what is trained, what is
found again, what is refused. `pytest tests/ablations/test_baseline_runs.py`."""

import dataclasses
from pathlib import Path

import pytest

from xlmr_lab import configs, storage
from xlmr_lab.ablations import baseline_runs, task_runs
from xlmr_lab.ablations.sections import GlueConfig, NerConfig, NliConfig
from xlmr_lab.ablations.task_runs import TaskRuns
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import baselines
from xlmr_lab.evaluate.finetune import FinetuneConfig

ARM = "bilstm-crf"
SMALL = (
    *("ner.bilstm.passes=2", "ner.bilstm.shape.word_hidden=8", "ner.bilstm.shape.word_dim=8"),
    *(f"ner.baselines={ARM}", "evaluated=ner", "seeds=2"),
)


def runs_of(folder: Path, seeds=(0, 1)) -> TaskRuns:
    """Return an encoder's runs on a small set of names."""
    tasks = folder / "tasks"
    tasks.mkdir(exist_ok=True)
    for split in ("train", "test"):
        lines = ["ab\tO", "Ka\tB-LOC", "", "cd\tO", "", "Kb\tB-LOC", ""]
        path = tasks / f"{split}-qaa.tsv"
        if not path.exists():
            path.write_text("\n".join(lines))
    return TaskRuns(
        task="ner",
        folder=tasks,
        finetune=FinetuneConfig(),
        reading={},
        train_language="qaa",
        protocols=("each",),
        languages=("qaa",),
        seeds=seeds,
        names={"study": "s", "run": "r", "arm": "encoder", "seed": None},
        output=folder / "scores" / "ner-encoder.jsonl",
        looks=folder / "looks" / "ner-encoder.jsonl",
    )


def settings(*changes: str) -> NerConfig:
    return configs.override(
        NerConfig(),
        [f"baselines={ARM}", "bilstm.passes=2", "bilstm.batch_sentences=1", *changes],
    )


def beside(folder: Path, *changes: str, of_seeds=(({}, (0, 1)),)):
    return baseline_runs.beside(
        settings(*changes), runs_of(folder), data=folder / "data", of_seeds=of_seeds
    )


def test_one_encoder_has_a_baseline_of_as_many_seeds(tmp_path: Path) -> None:
    (plan,) = beside(tmp_path)
    baseline_runs.run(plan)
    rows = storage.read_jsonl(plan.runs.output)
    found = {(row["arm"], row["run"], row["study"], row["seed"]) for row in rows}
    assert found == {(ARM, ARM, "s", None)}
    assert [row["finetune_seed"] for row in rows] == [0, 1]
    assert [row["step"] for row in rows] == [2 * 3] * 2
    seen = storage.read_jsonl(plan.runs.looks)
    assert [(row["arm"], row["finetune_seed"], row["train"]) for row in seen] == [
        (ARM, seed, ["train-qaa"]) for seed in (0, 1)
    ]
    assert len(seen[0]["looks"]) == 1


def test_a_pretraining_seed_is_a_run_of_its_own(tmp_path: Path) -> None:
    plans = beside(tmp_path, of_seeds=[({"seed": seed}, [seed]) for seed in (3, 4)])
    for plan in plans:
        baseline_runs.run(plan)
    rows = [row for plan in plans for row in storage.read_jsonl(plan.runs.output)]
    assert [(row["seed"], row["finetune_seed"]) for row in rows] == [(3, 3), (4, 4)]


def test_the_output_is_named_by_all_it_depends_on(tmp_path: Path) -> None:
    def name(*changes: str) -> str:
        return beside(tmp_path, *changes)[0].runs.output.name

    first = name()
    assert name("finetune.steps=7", "context=document") == first
    others = [name("bilstm.passes=3"), name("finetune.selections=train-dev")]
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "qaa.vec").write_text("1 100\nab" + " 0.5" * 100 + "\n")
    others.append(name(f"vectors={tmp_path / 'words'}"))
    with (tmp_path / "tasks" / "train-qaa.tsv").open("a") as file:
        file.write("\nx\tO\n")
    others.append(name())
    assert len({first, *others}) == 5


def test_encoders_are_found_under_the_name_that_they_had_without_baselines() -> None:
    """What is trained beside an encoder is no part of what its scores depend on."""
    plain = dataclasses.asdict(NerConfig())
    for name in ("baselines", "bilstm", "vectors"):
        del plain[name]
    assert settings().decisive == plain
    assert NliConfig().decisive == dataclasses.asdict(NliConfig())
    assert GlueConfig(tasks=("cola",)).decisive == dataclasses.asdict(GlueConfig())


def test_a_killed_seed_goes_on_and_a_finished_one_is_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (plan,) = beside(tmp_path)
    real, trained = baselines.run, []

    def killed(*arguments, seed: int, **named):
        if seed == 1 and len(trained) < 2:
            trained.append("killed")
            raise KeyboardInterrupt
        trained.append(seed)
        return real(*arguments, seed=seed, **named)

    monkeypatch.setattr(baselines, "run", killed)
    with pytest.raises(KeyboardInterrupt):
        baseline_runs.run(plan)
    assert plan.runs.done == 1
    assert not plan.runs.output.exists()
    baseline_runs.run(plan)
    assert trained == [0, "killed", 1]
    assert plan.runs.done == 2
    assert not list(plan.runs.output.parent.glob("*.state"))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["baselines=lstm"], "baselines must be one of .*bilstm-crf"),
        ([f"baselines={ARM},{ARM}"], f"baselines names {ARM} more than once; name it once"),
        (["bilstm.passes=3"], r"ner\.bilstm\.passes has no effect without ner\.baselines=bilstm"),
        (["vectors=words"], r"ner\.vectors has no effect without ner\.baselines=bilstm-crf; add"),
        ([f"baselines={ARM}", "bilstm.passes=0"], r"bilstm\.passes must be at least 1, got 0"),
        ([f"baselines={ARM}", "bilstm.selections=last"], "unknown setting 'bilstm.selections'"),
    ],
)
def test_settings_that_are_none_are_refused(given: list[str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        configs.override(NerConfig(), given)


def test_word_vectors_are_looked_for_before_anything_is_trained(tmp_path: Path, micro) -> None:
    words = tmp_path / "words"
    study = micro(tmp_path, *SMALL, f"ner.vectors={words}")
    with pytest.raises(UserError, match=r"ner\.vectors is no folder: .*words; give one of"):
        study.prepare()
    words.mkdir()
    (words / "en.vec").write_text("1 1\na 1\n")
    with pytest.raises(UserError, match=r"has no word vectors of qaa, qab, qac; put qaa\.vec"):
        study.prepare()
    for name in ("qaa.vec", "qaa.txt.gz"):
        (words / name).write_text("1 1\na 1\n")
    with pytest.raises(UserError, match=r"holds qaa\.vec and qaa\.txt\.gz: keep one of them"):
        study.prepare()


@pytest.mark.slow
def test_a_study_has_the_baseline_as_an_arm_and_finds_it_again(
    tmp_path: Path, micro, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = "ner.protocols=zero-shot,each,all"
    study = micro(tmp_path, *SMALL, every)
    study.prepare()
    scores = [row for row in study.evaluate() if row.arm == ARM]
    cells = {(row.seed, row.protocol, row.language) for row in scores}
    keys = ("qaa", "qab", "qac")
    assert cells == {(s, p, k) for s in (0, 1) for p in ("zero-shot", "each", "all") for k in keys}
    assert len(scores) == len(cells)
    before = {(row.task, row.arm) for row in study.evaluate()}
    assert {arm for _, arm in before} == {"alpha=0.3", "no-pretraining", ARM}
    findings = {row.id: row for row in study.conclude()}
    assert "2 × 1 seeds" in findings["transfer-ner"].contrast

    def never(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(baselines, "run", never)
    monkeypatch.setattr(task_runs.transfer, "run", never)
    again = micro(tmp_path, *SMALL, every)
    assert {(row.task, row.arm) for row in again.evaluate()} == before
    without = micro(tmp_path, "evaluated=ner", "seeds=2", every)
    assert {row.arm for row in without.evaluate()} == {"alpha=0.3", "no-pretraining"}
