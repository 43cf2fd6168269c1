"""What finished scores of an encoder are found again by: all that they depend on, and no more:
`pytest tests/evaluate/huggingface/test_evaluation_keys.py`.
"""

import dataclasses
import os
import shutil

import pytest
import torch

from xlmr_lab.ablations import evaluation_plan, task_sets
from xlmr_lab.evaluate import encoders, transfer
from xlmr_lab.evaluate.finetune_state import digest
from xlmr_lab.model.encoder import Encoder, EncoderConfig

BASELINE = "ner.baselines=bilstm-crf"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Stand in a folder with a task, and return it."""
    monkeypatch.chdir(tmp_path)
    for name in ("train-en", "dev-en", "test-en"):
        (tmp_path / "ner").mkdir(exist_ok=True)
        (tmp_path / f"ner/{name}.tsv").write_text("the\tO\ncat\tB-X\n")
    return tmp_path


@pytest.fixture
def keys(here):
    """Return the function that names the finished scores of an evaluation."""

    def found(folder, *settings, path="ner"):
        given = [f"ner.path={path}", "ner.finetune.max_tokens=32", "device=cpu", *settings]
        work = evaluation_plan.open_evaluation(f"hf:{folder}", given, None)
        runs = evaluation_plan.planned(work)
        beside = [plan.runs for plan in evaluation_plan.beside(work, runs)]
        return [run.output.name for run in [*runs, *beside]]

    return found


@pytest.mark.slow
def test_a_copy_is_the_same_encoder_and_other_settings_of_it_are_another(
    keys, folder_of, change, tmp_path
):
    one = folder_of("bert")
    named = {"_name_or_path": "elsewhere", "transformers_version": "4.0.0"}
    copy = change(one, tmp_path / "copy", "config.json", **named)
    assert keys(copy) == keys(one)
    different = ({"num_attention_heads": 2}, {"hidden_act": "relu"}, {"hidden_dropout_prob": 0.5})
    found = [
        keys(change(one, tmp_path / f"changed-{place}", "config.json", **settings))
        for place, settings in enumerate(different)
    ]
    cased = change(one, tmp_path / "cased", "tokenizer_config.json", do_lower_case=False)
    found += [keys(one), keys(cased), keys(folder_of("mbert"))]
    assert len({tuple(names) for names in found}) == len(found)


def test_our_encoders_of_equal_weights_and_other_settings_are_told_apart():
    made = []
    small = EncoderConfig(num_layers=1, hidden_size=16, num_heads=2, ffn_size=16, max_tokens=8)
    for settings in ({}, {"num_heads": 4}, {"dropout": 0.3}, {}):
        config = dataclasses.replace(small, **settings)
        made.append(digest(Encoder(config, 50, generator=torch.Generator().manual_seed(1))))
    assert made[0] == made[3]
    assert len(set(made)) == 3


def test_versions_of_reading_and_of_fine_tuning_are_part_of_a_key(keys, folder_of, monkeypatch):
    one = folder_of("bert")
    before = keys(one, BASELINE)
    monkeypatch.setattr(task_sets, "READING_VERSION", task_sets.READING_VERSION + 1)
    read = keys(one, BASELINE)
    assert all(a != b for a, b in zip(before, read, strict=True))
    monkeypatch.setattr(transfer, "FINETUNE_VERSION", transfer.FINETUNE_VERSION + 1)
    tuned = keys(one, BASELINE)
    assert tuned[0] != read[0]
    assert tuned[1] == read[1]  # a baseline is not fine-tuned


@pytest.mark.slow
def test_a_device_is_part_of_a_key_by_its_precision_alone(keys, folder_of, monkeypatch):
    one = folder_of("bert")
    plain = keys(one)
    assert keys(one, "ner.finetune.precision=fp32") == plain
    narrow = keys(one, "ner.finetune.precision=bf16")
    assert narrow != plain
    real = evaluation_plan.resolve

    def on_a_gpu(precision, device):
        return "bf16" if precision == "auto" else real(precision, device)

    monkeypatch.setattr(evaluation_plan, "resolve", on_a_gpu)
    assert keys(one) == narrow
    assert keys(one, "ner.finetune.precision=fp32") == plain


def test_runs_below_a_tasks_folder_are_no_files_of_the_task(keys, folder_of, here):
    """As with ner.path=. where runs/ is."""
    shutil.copytree(here / "ner", here, dirs_exist_ok=True)
    one = folder_of("bert")
    before = keys(one, BASELINE, path=".")
    (here / "runs/other/scores").mkdir(parents=True)
    (here / "runs/other/scores/a.jsonl").write_text("{}")
    assert keys(one, BASELINE, path=".") == before
    os.utime(here / "train-en.tsv", (1, 1))
    assert keys(one, BASELINE, path=".") != before


def test_a_killed_run_of_other_settings_is_not_gone_on_with(folder_of, change, tmp_path):
    heads = change(folder_of("bert"), tmp_path / "heads", "config.json", num_attention_heads=2)
    one, other = (encoders.open_encoder(f"hf:{x}").module for x in (folder_of("bert"), heads))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert digest(one) != digest(other)
