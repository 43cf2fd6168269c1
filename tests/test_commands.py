"""The verbs, from the settings of a study to what they leave."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from xlmr_lab import commands, configs, notebook_execution, storage
from xlmr_lab.__main__ import main
from xlmr_lab.ablations import stages, studies
from xlmr_lab.ablations.opened import open_run
from xlmr_lab.ablations.run import Study
from xlmr_lab.pretrain.loop import load_model
from xlmr_lab.vocabulary.load import load

MICRO = (
    "seeds=1",
    "babel.languages=qaa,qab",
    "babel.corpus_bytes=100000",
    "babel.smallest_bytes=40000",
    "babel.encyclopaedia_bytes=8000",
    "tasks.nli_train=20",
    "tasks.nli_test=10",
    "tasks.ner_train=60",
    "tasks.ner_test=10",
    "vocabulary.size=400",
    "model.hidden_size=16",
    "model.ffn_size=32",
    "batches.batch_sequences=4",
    "pretrain.steps=2",
    "pretrain.warmup_steps=1",
    "pretrain.heldout_steps=2",
)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory) -> Study:
    """A pretrained study at the least size."""
    folder = tmp_path_factory.mktemp("micro")
    places = (f"data_dir={folder / 'data'}", f"runs_dir={folder / 'runs'}", "name=micro")
    work = Study(configs.override(studies.tiny(), [*MICRO, *places]), "tiny")
    work.prepare()
    work.pretrain([work.config.sampling.alpha])
    return work


@pytest.fixture(scope="module")
def exported(pretrained) -> Path:
    """The folder of Hugging Face made of it."""
    said: list[str] = []
    commands.export(pretrained, said.append)
    folder = pretrained.folder / "export"
    assert said[0] == f"Hugging Face model: {folder}"
    assert "split_special_tokens=True" in " ".join(said)
    assert "no model" not in " ".join(said)
    return folder


@pytest.fixture
def transformers(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return pytest.importorskip("transformers")


@pytest.mark.slow
def test_an_exported_model_loads_with_its_tokenizer_and_reads_as_the_lab_does(
    pretrained, exported, transformers
):
    model = transformers.AutoModelForMaskedLM.from_pretrained(exported)
    tokenizer = transformers.AutoTokenizer.from_pretrained(exported)
    vocabulary = load(stages.vocabulary(pretrained.config))
    assert model.config.vocab_size == len(tokenizer) == vocabulary.size
    assert tokenizer.model_max_length == model.config.max_position_embeddings - 2
    words = vocabulary.decode(range(4, 60))
    framed = [0, *vocabulary.encode([words])[0].tolist(), 2]
    assert tokenizer(words).input_ids == framed
    assert model(**tokenizer(words, return_tensors="pt")).logits.shape == (
        1,
        len(framed),
        vocabulary.size,
    )


@pytest.mark.slow
def test_a_mask_in_a_text_is_filled_as_the_lab_would(pretrained, exported, transformers):
    vocabulary = load(stages.vocabulary(pretrained.config))
    model, _ = load_model(open_run(pretrained).required_checkpoint())
    before, after = (vocabulary.decode(range(a, a + 9)) for a in (40, 60))
    ids = [part.tolist() for part in vocabulary.encode([before, after])]
    text = [0, *ids[0], vocabulary.size - 1, *ids[1], 2]
    with torch.inference_mode():
        hidden = model.head.transform(model.encoder(torch.tensor([text])))[0, len(ids[0]) + 1]
        rows = model.encoder.token_embedding.weight
        wanted = (rows @ hidden + model.head.bias).softmax(0).topk(5)
    fill = transformers.pipeline("fill-mask", model=str(exported), top_k=5)
    found = fill(f"{before} <mask> {after}")
    assert [row["token"] for row in found] == wanted.indices.tolist()
    assert [row["score"] for row in found] == pytest.approx(wanted.values.tolist(), rel=1e-4)


@pytest.mark.slow
def test_sampling_is_told_and_shown_from_the_vocabulary_on(tmp_path, monkeypatch):
    """Notebook 03 runs on the folder, and says what draws as long as nothing has drawn."""
    monkeypatch.chdir(tmp_path)
    capped = ("sampling.schedule=capped", "sampling.alpha=0", "sampling.max_passes=4")
    config = configs.override(studies.tiny(), [*MICRO, *capped, "ablation.alphas=", "name=micro"])
    work, said = Study(config, "tiny"), list[str]()
    commands.vocab(work, said.append)
    assert "its blocks are estimated: `./lab pretrain --preset tiny name=micro" in shown(work)

    said.clear()
    commands.pretrain(work, said.append)
    assert "No finished run" not in shown(work)
    planned, made = (said[place].splitlines() for place in (0, 1))
    assert re.split("  +", planned[0]) == ["language", "blocks", "share q", "passes"]
    assert re.split("  +", made[0])[3:] == ["drawn", "passes planned", "passes made"]
    assert {row.split()[0] for row in made[1:]} == {"qaa", "qab"}
    assert max(len(line) for told in said[:3] for line in told.splitlines()) <= 80

    assert any(line.startswith("run ") and "  held-out loss  by freq" in line for line in said)
    told = said[1:]
    said.clear()
    commands.pretrain(work, said.append)
    (finished,) = [line for line in said if line not in told]
    assert ": finished 20" in finished
    assert finished.endswith(", not trained again")
    said.remove(finished)
    assert said == told


def shown(work: Study) -> str:
    """Return notebook 03 as it ran on a study."""
    source = Path(__file__).parents[1] / "notebooks" / "03_language_sampling.ipynb"
    run = {"run": str(work.folder)}
    return notebook_execution.run_notebook(source, work.folder / "03.ipynb", run).read_text("utf-8")


@pytest.mark.slow
def test_a_run_is_exported_by_its_name_alone(pretrained, exported, capsys):
    """And not with settings that it was not made with; nothing is made for that."""
    runs = f"runs_dir={pretrained.folder.parent}"
    made = sorted(Path(pretrained.config.data_dir).iterdir())
    (exported / "config.json").unlink()
    assert main(["export", "name=micro", runs]) == 0
    assert (exported / "config.json").is_file()
    assert main(["export", "name=micro", runs, "pretrain.steps=3"]) == 2
    assert "pretrain.steps is 2 there and 3 here" in capsys.readouterr().err
    assert main(["export", "name=micro", runs, "surgery.min_count=3"]) == 2
    assert "surgery.min_count has no effect on export" in capsys.readouterr().err
    assert sorted(Path(pretrained.config.data_dir).iterdir()) == made


@pytest.mark.slow
def test_a_vocabulary_alone_is_exported_as_a_tokenizer(tmp_path, capsys, transformers):
    places = [f"data_dir={tmp_path / 'data'}", f"runs_dir={tmp_path / 'runs'}", "name=micro"]
    assert main(["vocab", *MICRO, *places]) == 0
    capsys.readouterr()
    assert main(["export", *places]) == 0
    said = capsys.readouterr().out
    folder = tmp_path / "runs" / "micro" / "export"
    assert f"Hugging Face tokenizer: {folder}\n" in said
    assert "no model yet; `./lab pretrain " in said
    assert not (folder / "config.json").exists()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert len(tokenizer) == 400
    assert tokenizer.model_max_length == studies.tiny().model.max_tokens


@pytest.mark.slow
def test_processes_of_torchrun_pretrain_one_model(tmp_path: Path) -> None:
    """One of them prepares and tells; all that they leave is a run of two processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", "xlmr_lab", "pretrain", *MICRO]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (arm,) = (tmp_path / "runs" / "tiny" / "arms").iterdir()
    assert done.stdout.count(f"{arm.name}      2  ") == 1
    assert done.stderr.count("babel: making") == 1
    assert storage.read_json(arm / "provenance.json")["processes"] == 2
