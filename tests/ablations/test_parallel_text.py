"""A study with parallel text: its stages and arms, one place for its settings, and refusals of what
cannot work; without it everything has the name it had.

Run with: pytest tests/ablations/test_parallel_text.py
"""

import shutil
from pathlib import Path

import pytest
from least_study import LEAST

from xlmr_lab import batch_results, configs, results, storage
from xlmr_lab.ablations import arms, parallel_text, stages, studies
from xlmr_lab.ablations.run import Study
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain.settings import decisive

MICRO = (*LEAST, "batches.batch_sequences=8", "tlm.share=0.5")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


def micro(home: Path, *changes: str) -> StudyConfig:
    places = (f"data_dir={home / 'data'}", f"runs_dir={home / 'runs'}", "name=micro")
    return configs.override(studies.tiny(), [*MICRO, *places, *changes])


FEW = "tlm.sentences=400"


@pytest.fixture(scope="module")
def pretrained(home: Path) -> Study:
    """Pretrain the main arm with parallel text."""
    work = Study(micro(home, FEW), "tiny")
    work.prepare()
    work.pretrain([0.3])
    return work


@pytest.mark.slow
def test_a_run_of_a_study_is_trained_on_its_parallel_text(pretrained: Study) -> None:
    (arm,) = pretrained.arms([0.3])
    records = storage.read_jsonl(arm.folder / "metrics.jsonl")
    last = next(r for r in reversed(records) if r["kind"] == "step")
    assert set(last["pair_draws"]) == {"qaa+qab", "qaa+qac", "qab+qac"}
    assert 12 <= sum(last["pair_draws"].values()) <= 36
    recorded = storage.read_json(pretrained.folder / "stages.json")
    assert recorded["pairs"] == str(parallel_text.pair_shards(pretrained.config))


@pytest.mark.slow
def test_pairs_that_are_gone_stay_named_and_are_told_how_to_be_had_again(tmp_path: Path) -> None:
    work = Study(micro(tmp_path, FEW), "tiny")
    work.prepare()
    before = storage.read_json(work.folder / "stages.json")
    shutil.rmtree(before["pairs"])
    work.prepare_vocabulary()
    assert storage.read_json(work.folder / "stages.json") == before
    told = r"pairs-.* not there any more; `./lab pretrain .*tlm.share=0.5"
    with pytest.raises(UserError, match=told):
        batch_results.open_batches(results.open_study(work.folder))


def test_the_first_batch_is_shown_with_its_pairs(pretrained: Study) -> None:
    made = batch_results.open_batches(results.open_study(pretrained.folder))
    shown = set(made.batch(rows=100)["language"])
    assert {key for key in shown if "+" in key}
    assert set(made.languages()) == {"qaa", "qab", "qac"}
    drawn = made.drawn(2)
    told = dict(drawn.select("language", "probability").iter_rows())
    assert sum(q for key, q in told.items() if "+" in key) == pytest.approx(0.5)
    assert sum(told.values()) == pytest.approx(1)


def test_the_length_of_a_run_is_that_of_single_languages(pretrained: Study) -> None:
    study = results.open_study(pretrained.folder)
    blocks = sum(study.training_sizes()["num_blocks"].to_list())
    assert study.budget() == pytest.approx(0.5 * 6 * 8 / blocks)


def test_without_parallel_text_a_run_is_named_by_what_it_was_named_by(home: Path) -> None:
    config = micro(home, "tlm.share=0")
    (arm,) = arms.arms(config, home, [0.3])
    settings = decisive(arm.run)
    assert settings.pop("tlm") == {"share": None, "alpha": None}
    mark = configs.fingerprint(arms.PRETRAIN_VERSION, stages.token_shards(config).name, settings)
    assert arm.folder.name == f"alpha=0.3-s0-{mark}"
    assert parallel_text.pair_shards(config) is None
    assert not parallel_text.training_shards(config).pairs


@pytest.mark.slow
def test_what_parallel_text_depends_on_names_the_runs(home: Path, pretrained: Study) -> None:
    names = {
        arms.arms(micro(home, FEW, *changes), home, [0.3])[0].folder.name
        for changes in ([], ["tlm.share=0.25"], ["tlm.alpha=1"], ["tlm.pivot=qab"])
    }
    assert len(names) == 4


def test_a_pivot_is_in_every_pair(home: Path, pretrained: Study) -> None:
    shards = parallel_text.training_shards(micro(home, FEW, "tlm.pivot=qab"))
    assert shards.pairs == ["qaa+qab", "qab+qac"]


def own(home: Path, folder: Path, **texts: str) -> StudyConfig:
    """Return a study with parallel text of its own, written into `folder`."""
    folder.mkdir(exist_ok=True)
    for key, text in texts.items():
        (folder / f"{key}.txt").write_text(text)
    return micro(home, f"tlm.path={folder}")


def test_a_folder_is_read_and_a_changed_file_is_read_again(
    home: Path, pretrained: Study, tmp_path: Path
) -> None:
    lines = [f"lo ma {i} ki ta ro" for i in range(400)]
    config = own(home, tmp_path / "own", qaa="\n".join(lines), qac="\n".join(lines))
    first = parallel_text.pair_shards(config)
    assert parallel_text.training_shards(config).pairs == ["qaa+qac"]
    own(home, tmp_path / "own", qac="\n".join([*lines[:-1], "bo"]))
    assert parallel_text.pair_shards(config) != first


def test_a_language_outside_the_corpus_is_refused(
    home: Path, pretrained: Study, tmp_path: Path
) -> None:
    config = own(home, tmp_path / "own", qaa="a\n", xx="b\n")
    told = r"parallel text of xx, which the corpus has no text of \(it has .*\); name those"
    with pytest.raises(UserError, match=told):
        parallel_text.pair_shards(config)


def test_too_little_text_of_a_pair_is_refused(
    home: Path, pretrained: Study, tmp_path: Path
) -> None:
    config = own(home, tmp_path / "own", qaa="a\n" * 5, qab="b\n" * 5)
    with pytest.raises(UserError, match=r"too little text for qaa\+qab: 5 documents of"):
        parallel_text.pair_shards(config)


def test_texts_that_are_not_aligned_are_refused_before_any_work(tmp_path: Path) -> None:
    config = own(tmp_path, tmp_path / "own", qaa="a\nb\n", qab="b\n")
    with pytest.raises(UserError, match=r"qab.txt has 1 lines and .*qaa.txt 2; parallel text"):
        Study(config, "tiny").prepare()
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_a_pivot_without_parallel_text_is_refused(tmp_path: Path) -> None:
    config = own(tmp_path, tmp_path / "own", qaa="a\n", qab="b\n")
    config = configs.override(config, ["tlm.pivot=qac"])
    with pytest.raises(UserError, match=r"tlm.pivot must be a language of .*qaa, qab, got 'qac'"):
        parallel_text.files(config)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["tlm.share=1"], r"tlm.share must be in \[0, 1\), got 1.0; with 0.25 a quarter"),
        (["tlm.share=-0.1"], r"tlm.share must be in \[0, 1\), got -0.1"),
        (["tlm.share=0.2", "tlm.alpha=2"], r"tlm.alpha must be in \[0, 1\], got 2.0"),
        (
            ["tlm.path=text"],
            "tlm.path has no effect with tlm.share=0; set tlm.share above 0, such as 0.25",
        ),
        (["tlm.pivot=qaa"], "tlm.pivot has no effect with tlm.share=0"),
        (["tlm.share=0.2", "tlm.sentences=0"], "tlm.sentences must be at least 1, got 0"),
        (
            ["tlm.share=0.2", "tlm.path=text", "tlm.sentences=9"],
            "tlm.sentences has no effect with tlm.path, which is not Babel's text",
        ),
        (
            ["tlm.share=0.2", "corpus.path=text"],
            "tlm.share=0.2 needs parallel text: add tlm.path=FOLDER",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: list[str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        configs.override(studies.tiny(), settings)
