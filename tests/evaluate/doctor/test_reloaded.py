"""Every fine-tuned model is saved and loaded before it is gone:
`pytest tests/evaluate/doctor/test_reloaded.py`.
"""

import errno

import pytest

from xlmr_lab.evaluate import nli, transfer
from xlmr_lab.evaluate.doctor import runs
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.task_files import NLI_LABELS

CONFIG = FinetuneConfig(
    steps=4, batch_sequences=4, max_tokens=16, peak_learning_rate=1e-2, frozen_layers=1
)


@pytest.fixture
def data(tokenizer, tmp_path):
    words = ["ja", "hm", "no"]
    rows = [f"a{i}\t{words[i % 3]}\t{NLI_LABELS[i % 3]}\n" for i in range(30)]
    for name in ("train-en", "test-en", "test-sw"):
        (tmp_path / f"{name}.tsv").write_text("".join(rows))
    return nli.load(tokenizer, tmp_path, train_language="en", languages=["en", "sw"], config=CONFIG)


def told(encoder, data, **more):
    found = []
    looked = lambda plan, looks, told: found.extend(told)  # noqa: E731
    transfer.run(encoder, data, config=CONFIG, seed=0, looked=looked, **more)
    return [one for one in found if one.verdict.name == "reloaded"]


def test_a_model_that_is_whole_on_disk_is_not_spoken_of(encoder, data):
    assert told(encoder, data) == []


def test_a_model_of_which_a_part_is_not_saved_is_refused_in_each_of_its_scores(
    encoder, data, tmp_path, monkeypatch
):
    """The head is what adapters forgot (multilingual-modeling PR#14); a run that is found again
    tells the same."""
    whole = runs.trained
    monkeypatch.setattr(
        runs, "trained", lambda model: {k: v for k, v in whole(model).items() if "head" not in k}
    )
    kept = tmp_path / "kept"
    found = told(encoder, data, folder=kept)
    assert [str(one.part) for one in found] == ["test-en", "test-sw"]
    assert {one.verdict.level for one in found} == {"refuse"}
    assert found[0].verdict.evidence["num_predictions"] == runs.NUM_COMPARED
    monkeypatch.setattr(runs, "trained", whole)
    assert told(encoder, data, folder=kept) == found
    assert {path.name for path in kept.rglob("*") if path.is_file()} == {"looks.json"}


def test_a_disk_without_room_ends_no_run(encoder, data, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(runs, "save_file", full)
    first, _ = told(encoder, data)
    assert first.verdict.level == "flag"
    assert "could not be saved and loaded" in first.verdict.line
    assert "No space left" in first.verdict.line
