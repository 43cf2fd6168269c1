"""What the doctor says of a study on Babel, from fine-tuning to pages: `pytest
tests/ablations/test_study_examined.py`.
"""

import pytest

from xlmr_lab import commands, results, storage
from xlmr_lab.evaluate.doctor import records
from xlmr_lab.figures import doctor

COLLAPSING = ("seeds=2", "nli.finetune.peak_learning_rate=1e-9", "evaluated=nli")


@pytest.fixture(scope="module")
def told(micro, tmp_path_factory):
    """Evaluate models that learn nothing; return the study and what is said of it."""
    study, lines = micro(tmp_path_factory.mktemp("study"), *COLLAPSING), []
    commands.evaluate(study, lines.append)
    return study, "\n".join(lines)


@pytest.mark.slow
def test_refusals_are_kept_told_and_marked(told) -> None:
    study, text = told
    found = storage.read_jsonl(study.folder / records.DOCTOR_NAME)
    assert all(row.keys() == set(records.DOCTOR) for row in found)
    refusals = [row for row in found if row["level"] == "refuse"]
    scores = storage.read_jsonl(study.folder / "scores.jsonl")
    keys = [*records.SCORE, "question_language"]
    refused = {tuple(row[key] for key in keys) for row in refusals}
    assert refused <= {tuple(row[key] for key in keys) for row in scores}
    assert {row["name"] for row in refusals} == {"one-class collapse"}
    assert text.count("!") == len({(row["arm"], row["language"]) for row in refusals}) + 1
    assert "doctor, refuse: nli, one-class collapse" in text
    assert "doctor, flag: nli, seed spread" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.slow
def test_the_finding_on_them_says_so(told) -> None:
    study, _ = told
    (finding,) = [f for f in study.conclude() if f.id == "transfer-nli"]
    marked = study.scores().filter(language="qab", refused="one-class collapse")
    assert len(marked)
    assert "the evaluation doctor refuses" in finding.note
    assert "of its 8 scores (one-class collapse)" in finding.note


@pytest.mark.slow
def test_pages_read_what_was_examined(told) -> None:
    study, _ = told
    opened = results.open_study(study.folder)
    table = doctor.table(opened.doctor(), opened.looks())
    assert table.caption.startswith("12 sets of fine-tuned models were examined.")
    assert table.frame["verdict"][0] == "refused"
    assert opened.scores().filter(refused="one-class collapse").height
    looks = opened.looks()
    assert set(looks["kind"]) == {"scored"}
    assert set(looks["train"]) == {"train-qaa"}
