"""A small pretrained model is trimmed and extended, exported and imported, trimmed again.

Run with: pytest tests/ablations/test_surgery.py
"""

import argparse
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from least_study import LEAST
from safetensors.numpy import load_file, save_file

from xlmr_lab import configs, storage
from xlmr_lab.ablations import folder as run_folder
from xlmr_lab.ablations import studies, surgery, surgery_source, surgery_told
from xlmr_lab.ablations.opened import open_run
from xlmr_lab.ablations.run import Study
from xlmr_lab.ablations.surgery_text import corpus_text
from xlmr_lab.babel import corpora
from xlmr_lab.commands import VERBS
from xlmr_lab.errors import UserError
from xlmr_lab.model import convert, fairseq
from xlmr_lab.model.convert import from_huggingface
from xlmr_lab.model.surgery import MASS
from xlmr_lab.pretrain.loop import load_model
from xlmr_lab.vocabulary.load import load
from xlmr_lab.vocabulary.special_tokens import UNK_ID

MICRO = (*LEAST, "name=micro", "babel.languages=qaa,qab,qam", "babel.corpus_bytes=200000")
NEW = ("surgery.language=qdd", "surgery.pieces=60")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a pretrained study, and text of a language in another script."""
    folder = tmp_path_factory.mktemp("surgery")
    other = corpora.BabelConfig(
        languages=("qdd",), corpus_bytes=60_000, smallest_bytes=60_000, encyclopaedia_bytes=8000
    )
    corpora.write(folder / "other", other)
    work = study(folder)
    work.prepare()
    work.pretrain([work.config.sampling.alpha])
    return folder


def study(folder: Path, *settings: str) -> Study:
    places = (f"data_dir={folder / 'data'}", f"runs_dir={folder / 'runs'}")
    return Study(configs.override(studies.tiny(), [*MICRO, *places, *settings]), "tiny")


def copied(folder: Path, name: str, *settings: str) -> Study:
    """Return the same study in a run folder of its own, which is made afresh."""
    runs = folder / "runs"
    shutil.rmtree(runs / name, ignore_errors=True)
    shutil.copytree(
        runs / "micro", runs / name, ignore=shutil.ignore_patterns("trimmed", "extended", "export")
    )
    return study(folder, f"name={name}", *settings)


def checkpoint(folder: Path) -> Path:
    return open_run(study(folder)).required_checkpoint()


def text(folder: Path) -> str:
    return f"surgery.text={folder / 'other' / 'corpus'}"


@pytest.fixture(scope="module")
def trimmed(place) -> Path:
    return surgery.trim(study(place, "surgery.languages=qaa"))[0]


@pytest.fixture(scope="module")
def extended(place) -> Path:
    return surgery.extend(study(place, *NEW, text(place)))[0]


def test_a_trimmed_model_is_smaller_and_proved_equal(place, trimmed):
    record = storage.read_json(trimmed / surgery.RECORD_NAME)
    assert trimmed == place / "runs" / "micro" / "trimmed"
    assert record["size"] < record["from_size"] == 500
    assert record["parameters_before"] - record["parameters"] == (500 - record["size"]) * (16 + 1)
    assert record["logits"]["is_equal"]
    assert record["logits"]["num_ids"] == record["size"]
    assert record["logits"]["num_rows"] > 60
    assert from_huggingface(trimmed / "huggingface").encoder.vocab_size == record["size"]


def test_a_folder_of_fairseq_is_a_source_too(place, trimmed, tmp_path):
    """The same weights under fairseq's names, with the vocabulary that the release has beside."""
    model, _ = load_model(checkpoint(place))
    ours, names = model.state_dict(), fairseq.NAMES
    tensors = {
        names.words: ours["encoder.token_embedding.weight"],
        names.positions: ours["encoder.position_embedding.weight"],
        names.output_bias: ours["head.bias"],
    }
    for our_name, their_name in names.pairs(model.encoder.config.num_layers):
        tensors |= {f"{their_name}.{x}": ours[f"{our_name}.{x}"] for x in ("weight", "bias")}
    for number in range(model.encoder.config.num_layers):
        for kind in ("weight", "bias"):
            halves = ours[f"encoder.layers.{number}.key_value.{kind}"].chunk(2)
            for name, half in zip(names.key_value, halves, strict=True):
                tensors[f"{names.layer.format(number)}.{name}.{kind}"] = half
    heads = argparse.Namespace(encoder_attention_heads=model.encoder.config.num_heads)
    torch.save({"args": heads, "model": tensors}, tmp_path / "model.pt")
    vocabulary = open_run(study(place)).stage("vocabulary") / "sentencepiece.model"
    shutil.copy(vocabulary, tmp_path / "sentencepiece.bpe.model")
    work = copied(place, "fairseq", "surgery.languages=qaa", f"surgery.source={tmp_path}")
    record = storage.read_json(surgery.trim(work)[0] / surgery.RECORD_NAME)
    assert record["size"] == storage.read_json(trimmed / surgery.RECORD_NAME)["size"]
    assert record["logits"]["is_equal"]


def test_the_vocabulary_beside_it_says_where_it_is_from(trimmed):
    record = storage.read_json(trimmed / "vocabulary" / "vocabulary.json")
    vocabulary = load(trimmed / "vocabulary")
    beside = load(trimmed / "huggingface")
    assert vocabulary.size == record["size"] == record["config"]["size"]
    assert vocabulary.fingerprint == beside.fingerprint == record["fingerprint"]
    assert record["surgery"]["kind"] == "trim"
    assert record["surgery"]["languages"].keys() == {"qaa"}
    assert record["config"]["alpha"] == studies.tiny().vocabulary.alpha


def test_the_extended_model_has_the_old_loss_and_cuts_the_new_language(extended):
    record = storage.read_json(extended / surgery.RECORD_NAME)
    assert record["size"] == record["from_size"] + 60
    assert [row["language"] for row in record["losses"]] != []
    assert {row["language"] for row in record["losses"]} == {"qaa", "qab", "qam"}
    for row in record["losses"]:
        assert row["after"] == pytest.approx(row["before"], rel=5e-7)
    assert sum(row["num_changed"] for row in record["guarded"]) == 0
    assert record["fertility"]["unknown_rate"] < record["fertility_before"]["unknown_rate"] / 10
    model = from_huggingface(extended / "huggingface")
    assert model.encoder.vocab_size == load(extended / "vocabulary").size == record["size"]
    assert float(model.head.bias.detach()[499:-1].exp().sum()) < 2 * MASS


def test_an_exported_model_is_trimmed_to_what_it_was_before_its_extension(place, extended):
    """Whatever the old languages use stays, so every piece of the new one goes."""
    languages = "surgery.languages=qaa,qab,qam"
    again = copied(place, "again", languages, f"surgery.source={extended / 'huggingface'}")
    folder, record = surgery.trim(again)
    assert record["from_size"] == 560
    assert record["size"] <= 500
    assert record["logits"]["is_equal"]
    first, last = (from_huggingface(f / "huggingface") for f in (extended, folder))
    assert last.encoder.vocab_size == record["size"]
    masks = [m.encoder.token_embedding.weight[-1].tolist() for m in (first, last)]
    assert masks[0] == masks[1]
    vocabulary = storage.read_json(folder / "vocabulary" / "vocabulary.json")
    assert vocabulary["config"]["model"] == "unigram"


def test_a_checkpoint_with_its_vocabulary_is_a_source(place, extended):
    source = f"surgery.source={checkpoint(place)}"
    vocabulary = next((place / "data").glob("vocabulary-*"))
    named = (source, f"surgery.vocabulary={vocabulary}")
    folder, _ = surgery.extend(copied(place, "named", *NEW, text(place), *named))
    for name in ("huggingface/model.safetensors", "vocabulary/sentencepiece.model"):
        assert (folder / name).read_bytes() == (extended / name).read_bytes()
    unnamed = study(place, "name=named", "surgery.languages=qaa", source)
    assert surgery.trim(unnamed)[1]["from_size"] == 500


def test_other_starts_keep_the_loss_too(place):
    for start in ("mean", "random"):
        started = copied(place, "started", *NEW, text(place), f"surgery.start={start}")
        _, record = surgery.extend(started)
        assert record["start"] == start
        for row in record["losses"]:
            assert row["after"] == pytest.approx(row["before"], rel=5e-7)


def test_a_result_says_what_it_was_made_from(place, trimmed, extended):
    """So that it can be made again, by someone else, from another folder."""
    weights = checkpoint(place) / "model.safetensors"
    model = next((place / "data").glob("vocabulary-*/sentencepiece.model"))
    for folder in (trimmed, extended):
        made_from = storage.read_json(folder / surgery.RECORD_NAME)["made_from"]
        assert made_from["run"] == "micro"
        assert made_from["source"]["weights_sha256"] == storage.checksum(weights)
        assert made_from["source"]["vocabulary_sha256"] == storage.checksum(model)
        assert made_from["source"]["model"].endswith(checkpoint(place).name)
        assert made_from["corpus"] == next((place / "data").glob("clean-*")).name
        assert made_from["seed"] == 0
        assert made_from["provenance"].keys() >= {"git_commit", "libraries", "time_utc"}
        assert str(place) not in json.dumps(made_from)
    settings = storage.read_json(extended / surgery.RECORD_NAME)["made_from"]["settings"]
    assert (settings["language"], settings["pieces"], settings["text"]) == ("qdd", 60, "corpus")


@pytest.mark.parametrize("verb", ["trim", "extend"])
def test_the_proofs_are_made_on_what_was_exported(place, monkeypatch, verb):
    """The weights are changed in the file, after it was written and before it is read."""
    settings = ["surgery.languages=qaa"] if verb == "trim" else [*NEW, text(place)]
    work, export = copied(place, "spoilt", *settings), convert.to_huggingface

    def spoilt(model, folder, **options):
        export(model, folder, **options)
        tensors = load_file(folder / convert.WEIGHTS_NAME)
        name = "roberta.embeddings.word_embeddings.weight"
        tensors[name] *= np.float32(1.5)
        save_file(tensors, folder / convert.WEIGHTS_NAME, metadata={"format": "pt"})

    before = sorted(work.folder.iterdir())
    monkeypatch.setattr(convert, "to_huggingface", spoilt)
    with pytest.raises(UserError, match=r"the logits of kept ids are not|the loss of q.. was "):
        getattr(surgery, verb)(work)
    assert sorted(work.folder.iterdir()) == before


def test_pieces_are_those_of_text_that_is_not_held_out(place, trimmed):
    run = open_run(study(place))
    split = corpus_text(run.stage("cleaned"), "qaa", run.config.batches.heldout_fraction)
    seen, heldout = (list(part) for part in split)
    record = storage.read_json(trimmed / surgery.RECORD_NAME)
    ids = set(np.concatenate(load(run.stage("vocabulary")).encode(seen, "qaa")).tolist())
    ids -= {UNK_ID}
    assert heldout
    assert record["languages"]["qaa"] == {"num_lines": len(seen), "pieces_used": len(ids)}
    assert record["heldout"][0]["num_lines"] == len(heldout)


def test_a_coverage_that_loses_letters_is_mended_by_what_is_told(place, tmp_path):
    """Each document ends in one of twelve letters of another script."""
    file = place / "other" / "corpus" / "encyclopaedia" / "qdd.txt"
    lines = [line for line in file.read_text("utf-8").split("\n") if line]
    letters = [chr(0x13A0 + number) for number in range(12)]  # Cherokee
    documents = [f"{line} {2 * letters[i % 12]}\n" for i, line in enumerate(lines)]
    (tmp_path / "qdd.txt").write_text("\n".join(documents), encoding="utf-8")
    given = ("surgery.language=qdd", f"surgery.text={tmp_path / 'qdd.txt'}")
    low = copied(place, "low", *given, "surgery.coverage=0.98", "surgery.pieces=30")
    record = surgery.extend(low)[1]
    (told,) = (line for line in surgery_told.extended(record) if "too rare" in line)
    mending = re.findall(r"surgery\.\w+=\w+", told)
    assert [setting.partition("=")[0] for setting in mending] == [
        "surgery.coverage",
        "surgery.pieces",
    ]
    record = surgery.extend(copied(place, "low", *given, *mending))[1]
    assert record["coverage"] == 1
    assert record["fertility"]["unknown_rate"] < record["fertility_before"]["unknown_rate"] / 100
    assert not any("too rare" in line for line in surgery_told.extended(record))


def test_a_new_language_is_learned_from_a_sample_of_its_text(place):
    few = copied(place, "few", *NEW, text(place), "surgery.sample_bytes=20000")
    record = surgery.extend(few)[1]
    assert 50 < record["num_lines"] < 300
    assert record["fertility"]["num_bytes"] > 1000


def test_a_result_reads_masks_in_a_text(trimmed):
    settings = storage.read_json(trimmed / "huggingface" / "tokenizer_config.json")
    assert settings["split_special_tokens"] is False


@pytest.mark.parametrize(
    ("verb", "made", "told"),
    [
        ("trim", "trimmed", "kept ids: bit-equal at"),
        ("extend", "extended", "loss on the old languages: equal to rounding"),
    ],
)
def test_the_verbs_tell_what_was_proved(place, verb, made, told):
    said: list[str] = []
    settings = ["surgery.languages=qaa,qam"] if verb == "trim" else [*NEW, text(place)]
    VERBS[verb](copied(place, "told", *settings), said.append)
    assert said[0].startswith("language")
    assert said[-1].startswith(f"{made} model: {place / 'runs' / 'told' / made}")
    assert " ".join("\n".join(said).split()).count(told) == 1
    assert max(len(line) for lines in said[:-1] for line in lines.splitlines()) <= 80


def test_a_trim_that_changes_every_line_warns(place):
    said: list[str] = []
    VERBS["trim"](
        copied(place, "told", "surgery.languages=qaa", "surgery.min_count=9999"), said.append
    )
    told = " ".join("\n".join(said).split())
    assert "warning: 100 % of the held-out lines of qaa are cut otherwise than before; set" in told


def test_settings_of_surgery_leave_the_study_as_it_is(place, trimmed):
    work = study(place, "surgery.languages=qab", "surgery.min_count=3")
    assert run_folder.is_free(work.folder, work.config)
    work.prepare()
    assert trimmed.is_dir()


@pytest.mark.parametrize(
    ("verb", "settings", "message"),
    [
        (surgery.trim, [], "no languages to keep; surgery.languages names some of qaa, "),
        (surgery.trim, ["surgery.languages=qaa,sw,xx"], "no text of sw, xx; surgery.languages"),
        (surgery.trim, ["surgery.languages=qaa", "surgery.pieces=7"], "pieces has no effect on tr"),
        (surgery.trim, ["surgery.languages=qaa", "surgery.sample_bytes=9"], "no effect on trim"),
        (surgery.trim, ["surgery.languages=qaa", "surgery.coverage=1"], "no effect on trim"),
        (surgery.trim, ["surgery.languages=qaa", "surgery.source=/none"], "no model at /none"),
        (surgery.extend, ["surgery.language=qdd"], "give the new language and its text"),
        (surgery.extend, ["surgery.min_count=2"], "min_count has no effect on extend"),
        (surgery.extend, [*NEW[:1], "surgery.pieces=90000"], r"supports \d+ new pieces, asked for"),
        (surgery.extend, [*NEW[:1], "surgery.pieces=2"], r"qdd has \d+ characters that are not th"),
        (surgery.extend, ["surgery.language=sw"], "no text of sw in"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_bad_settings_are_one_line_and_leave_nothing(place, verb, settings, message):
    needs_text = verb is surgery.extend and "give the" not in message
    work = copied(place, "bad", *settings, *([text(place)] if needs_text else []))
    before = sorted(work.folder.iterdir())
    with pytest.raises(UserError, match=message) as refused:
        verb(work)
    assert "\n" not in str(refused.value)
    assert sorted(work.folder.iterdir()) == before


def test_what_cannot_be_extended_is_said_before_its_text_is_asked_for(place, monkeypatch):
    found = surgery_source.read(open_run(study(place)))
    work = copied(place, "early", "surgery.language=qdd")
    (work.folder / "arms.json").unlink()
    with pytest.raises(UserError, match="is not pretrained yet"):
        surgery.extend(work)
    other = found._replace(content=b'{"pieces": ["a"]}')
    monkeypatch.setattr(surgery_source, "read", lambda run: other)
    with pytest.raises(UserError, match="only unigram vocabularies are extended, this one is word"):
        surgery.extend(work)


def test_a_language_that_the_study_has_is_no_new_one(place, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "qab.txt").write_text("one line\n\nanother line\n", encoding="utf-8")
    settings = ["surgery.language=qab", f"surgery.text={tmp_path}"]
    with pytest.raises(UserError, match="must be a new one, got qab, which the study has; it has"):
        surgery.extend(study(place, *settings))


def test_a_vocabulary_of_another_model_is_refused(place, extended, tmp_path):
    qaa = "surgery.languages=qaa"
    own = checkpoint(place)
    for source in (own, extended / "huggingface"):
        other = extended if source == own else next((place / "data").glob("vocabulary-*"))
        other = other / "vocabulary" if source == own else other
        settings = (qaa, f"surgery.source={source}", f"surgery.vocabulary={other}")
        with pytest.raises(UserError, match=r"has \d+ ids and the weights at .* \d+ rows; give"):
            surgery.trim(study(place, *settings))
    shuffled = tmp_path / "sentencepiece.model"
    content = next((place / "data").glob("vocabulary-*/sentencepiece.model")).read_bytes()
    shuffled.write_bytes(content + b"\xc2\x0c\x01a")  # the same pieces, not the same file
    settings = (qaa, f"surgery.source={own}", f"surgery.vocabulary={shuffled}")
    with pytest.raises(UserError, match="was trained with vocabulary"):
        surgery.trim(study(place, *settings))


def test_a_model_that_is_not_xlm_r_is_refused(place, extended, tmp_path):
    shutil.copytree(extended / "huggingface", tmp_path / "other")
    config = tmp_path / "other" / "config.json"
    config.write_text(config.read_text().replace("xlm-roberta", "bert"))
    work = study(place, "surgery.languages=qaa", f"surgery.source={tmp_path / 'other'}")
    with pytest.raises(UserError, match="model_type is 'bert', not 'xlm-roberta'"):
        surgery.trim(work)
    (tmp_path / "other" / "config.json").unlink()
    with pytest.raises(UserError, match=r"no model at .*; surgery.source is a folder of Hugging"):
        surgery.trim(work)


def test_weights_that_are_no_numbers_are_refused(place, trimmed, tmp_path):
    folder = tmp_path / "broken"
    shutil.copytree(trimmed / "huggingface", folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["lm_head.bias"] = np.full_like(tensors["lm_head.bias"], np.nan)
    save_file(tensors, folder / "model.safetensors")
    work = study(place, *NEW, text(place), f"surgery.source={folder}")
    with pytest.raises(UserError, match=r"the loss of q.. was nan and is nan; the weights may"):
        surgery.extend(work)
