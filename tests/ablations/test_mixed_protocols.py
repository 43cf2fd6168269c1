"""Code-switched and crossed NLI from a study's settings to its tables, and of one encoder:
`pytest tests/ablations/test_mixed_protocols.py`.
"""

import polars as pl
import pytest

from xlmr_lab import results, storage
from xlmr_lab.__main__ import main
from xlmr_lab.ablations import stages
from xlmr_lab.evaluate import scores
from xlmr_lab.figures import protocols, transfer

MIXED = "nli.protocols=zero-shot,code-switched,crossed"
PAIRS = ["qaa-qab", "qaa-qac", "qab-qaa", "qac-qaa"]


@pytest.fixture(scope="module")
def study(tmp_path_factory, micro):
    """Return the least study with language embeddings, run on Babel's mixed sets."""
    made = micro(tmp_path_factory.mktemp("mixed"), MIXED, "model.language_embeddings=true")
    made.run()
    return made


@pytest.mark.slow
def test_a_study_scores_every_mixed_file_on_one_model_for_each_seed(study) -> None:
    rows = scores.read(study.folder / "scores.jsonl").filter(pl.col("task") == "nli")
    for (_,), part in rows.group_by("arm"):
        found = part.group_by("protocol").agg(pl.col("language").sort())
        assert dict(found.rows()) == {
            "zero-shot": ["qaa", "qab", "qac"],
            "code-switched": PAIRS,
            "crossed": PAIRS,
        }
    assert set(rows["num_examples"]) == {30}
    looked = [r for r in storage.read_jsonl(study.folder / "looks.jsonl") if r["task"] == "nli"]
    assert len(looked) == rows.select("arm", "seed", "finetune_seed").n_unique()
    assert {(tuple(row["train"]), row["scored"]) for row in looked} == {(("train-qaa",), 11)}


@pytest.mark.slow
def test_its_figures_and_tables_keep_pairs_apart_from_languages(study) -> None:
    found = results.open_study(study.folder).scores()
    summary = transfer.summary(found).frame.filter(pl.col("task") == "nli")
    of_pairs = summary.filter(pl.col("languages") == "mean of pairs of languages")
    assert set(of_pairs["protocol"]) == {"code-switched", "crossed"}
    assert set(summary.filter(pl.col("protocol") == "zero-shot")["languages"]) == {
        "the one learned",
        "mean of the others",
    }
    drawn = transfer.by_language(found, task="nli", protocol="code-switched")
    assert {len(trace.y) for trace in drawn.data} == {len(PAIRS)}
    names = {trace.name for trace in protocols.by_language(found, task="nli").data}
    assert {"zero-shot", "code-switched, qaa first", "crossed, qaa second"} <= names


@pytest.mark.slow
def test_one_encoder_is_scored_by_itself_on_the_same_files(study, tmp_path, capsys) -> None:
    (arm,) = storage.read_json(study.folder / "arms.json")
    settings = ["nli.finetune.steps=4", "nli.seeds=1", "device=cpu", f"runs_dir={tmp_path}"]
    settings += [f"nli.path={stages.babel_task(study.config, 'nli')}", "nli.train_language=qaa"]
    call = ["evaluate", str(study.folder / arm["folder"]), *settings]
    assert main([*call, MIXED, "languages=qaa,qab", "name=some"]) == 0
    told = capsys.readouterr().out
    assert "nli, code-switched, last" in told
    assert "qab-qaa" in told
    rows = scores.read(tmp_path / "some/scores.jsonl")
    pairs = rows.filter(pl.col("protocol") != "zero-shot")["language"]
    assert sorted(pairs) == ["qaa-qab"] * 2 + ["qab-qaa"] * 2
    table = (tmp_path / "some/tables/xnli.csv").read_text()
    assert "zero-shot" in table
    assert "code-switched" not in table
    assert main([*call, "nli.protocols=code-switched", "name=alone"]) == 0
    told = capsys.readouterr().out
    assert "XNLI" not in told
    rows = scores.read(tmp_path / "alone/scores.jsonl")
    assert rows["language"].to_list() == PAIRS
    assert main([*call, "nli.protocols=crossed", "languages=qab", "name=one"]) == 0
    capsys.readouterr()
    assert main([*call, "nli.protocols=crossed", "languages=qad", "name=none"]) != 0
    assert "crossed scores files such as test.crossed-qaa-qad.tsv" in capsys.readouterr().err
    assert main([*call, "ner.path=x", "ner.protocols=crossed"]) != 0
    assert "protocol crossed is of nli alone" in capsys.readouterr().err
