"""How runs went is read with tokens and passes beside every step."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from xlmr_lab import results, training_results
from xlmr_lab.errors import UserError
from xlmr_lab.results import Study


@pytest.fixture(scope="module")
def study(study_folder: Path) -> Study:
    return results.open_study(study_folder)


def test_every_step_has_the_tokens_seen_by_then(study: Study) -> None:
    batches = study.config()["batches"]
    tokens = batches["batch_sequences"] * batches["block_tokens"]
    for frame in (training_results.heldout(study), training_results.steps(study)):
        assert (frame["tokens"] == frame["step"] * tokens).all()


def test_passes_are_those_of_the_same_run_and_step(study: Study) -> None:
    frame = training_results.heldout(study)
    assert len(frame) == len(study.heldout())
    last = frame.filter(pl.col("step") == pl.col("step").max())
    keys = ["arm", "seed", "language"]
    both = last.join(study.passes(), on=keys, suffix="_at_the_end")
    assert len(both) == len(last)
    assert both["passes"].to_list() == both["passes_at_the_end"].to_list()


def test_checkpoints_that_are_kept_are_named(study: Study, tmp_path: Path) -> None:
    frame = training_results.runs(study)
    assert frame["tokens"].unique().to_list() == [400 * training_results.step_tokens(study)]
    assert frame["run"].to_list() == study.runs()["run"].to_list()
    assert frame.schema["checkpoints kept"] == pl.String


def test_arms_are_chosen_by_name(study: Study) -> None:
    assert training_results.steps(study, ["alpha=1"])["arm"].unique().to_list() == ["alpha=1"]
    with pytest.raises(UserError, match=r"no arm 'alpha=2'; it has alpha=0.01, alpha=0.3, alpha=1"):
        training_results.heldout(study, ["alpha=2"])


def test_runs_that_measured_nothing_name_the_setting(make_study: Any, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "mine"
    make_study(folder, num_languages=12, with_text=False)
    (folder / "heldout.jsonl").write_text("")
    with pytest.raises(UserError, match=r"mine measured held-out loss: pretrain.heldout_blocks is"):
        training_results.heldout(results.open_study(folder))
