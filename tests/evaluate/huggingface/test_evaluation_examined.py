"""What the doctor says of `xlmr-lab evaluate ENCODER` reaches the user, on files that are wrong as
users' files are: `pytest tests/evaluate/huggingface/test_evaluation_examined.py`.
"""

import json

import pytest

from xlmr_lab import storage
from xlmr_lab.__main__ import main
from xlmr_lab.evaluate.task_files import NLI_LABELS

WORDS = ("cat", "dogs", "ran")
LEARNED = (
    *("nli.path=nli", "nli.seeds=2", "nli.finetune.steps=90", "nli.finetune.batch_sequences=12"),
    *("nli.finetune.peak_learning_rate=2e-3", "nli.finetune.selections=train-dev"),
    *("nli.finetune.max_tokens=32", "name=x", "device=cpu"),
)


def write(path, numbered, order=(0, 1, 2)):
    """Write pairs whose hypothesis tells the label, which is numbered in some order; each premise
    is a number in words."""
    rows = []
    for i in numbered:
        premise = " ".join(WORDS[i // 3**place % 3] for place in range(6))
        rows.append(f"{premise}\tthe {WORDS[i % 3]}\t{NLI_LABELS[order[i % 3]]}\n")
    path.write_text("".join(rows))


@pytest.fixture
def evaluated(tmp_path, capsys, monkeypatch, folder_of):
    """Return the function that evaluates BERT, and gives what is told and the verdicts."""
    monkeypatch.chdir(tmp_path)

    def run(*settings):
        assert main(["evaluate", f"hf:{folder_of('bert')}", *settings]) == 0
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= 80
        return out, storage.read_jsonl(tmp_path / "runs/x/doctor.jsonl")

    (tmp_path / "nli").mkdir()
    return run


@pytest.mark.slow
def test_labels_in_another_order_and_a_dev_set_in_the_test_set(evaluated, tmp_path):
    """German is in order; the numbers of English test labels are turned, and its dev set is half of
    it."""
    folder = tmp_path / "nli"
    write(folder / "train-en.tsv", range(120))
    write(folder / "dev-en.tsv", range(200, 230))
    write(folder / "test-en.tsv", range(200, 260), order=(1, 2, 0))
    write(folder / "test-de.tsv", range(300, 360))
    out, found = evaluated(*LEARNED)
    kinds = {(row["name"], row["level"], row["set"], row["finetune_seed"]) for row in found}
    assert {("label order", "refuse", "test-en", seed) for seed in (0, 1)} <= kinds
    assert {("dev in test", "flag", "test-en", seed) for seed in (0, 1)} <= kinds
    assert not any(level == "refuse" and part == "test-de" for _, level, part, _ in kinds)
    rows = {line.split()[0]: line for line in out.splitlines() if line.startswith(("en ", "de "))}
    assert "!" in rows["en"]
    assert "!" not in rows["de"]
    told = " ".join(out.split())
    assert "! refused by the evaluation doctor, see below" in told
    assert (
        "doctor, refuse: nli, label order 2 times, in 1 set; test-en, zero-shot, train-dev" in told
    )
    assert told.index("doctor, refuse") < told.index("doctor, flag")
    page = (tmp_path / "runs/x/tables/xnli.html").read_text()
    assert "refused by the evaluation doctor (label order)" in page
    assert {row["arm"] for row in found} == {"bert0"}


def test_answers_with_wrong_offsets_are_told_and_their_rule_is_official(evaluated, tmp_path):
    def written(name, *starts):
        asked = [
            {
                "context": "the cat sat .",
                "qas": [
                    {
                        "id": str(i),
                        "question": "the cat ?",
                        "answers": [{"text": "cat", "answer_start": start}],
                    }
                ],
            }
            for i, start in enumerate(starts)
        ]
        content = {"version": "1.1", "data": [{"title": "a", "paragraphs": asked}]}
        (tmp_path / f"nli/{name}.json").write_text(json.dumps(content))

    written("train-v1.1", 4, 4)
    written("xquad.de", 4, 4, 5)
    few = ("qa.finetune.steps=2", "qa.finetune.max_tokens=32", "qa.seeds=1", "name=x", "device=cpu")
    out, found = evaluated("qa.path=nli", "languages=de", *few)
    kinds = {(row["name"], row["level"], row["selection"]) for row in found}
    assert ("answer offsets", "flag", "last") in kinds
    assert ("lost gold", "flag", "last") in kinds
    assert ("seed spread", "flag", "last") in kinds
    assert "normalisation" not in {name for name, *_ in kinds}
    assert "answer offsets" in out
