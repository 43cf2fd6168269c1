"""`xlmr-lab evaluate ENCODER`, end to end on random encoders and small files as they are published:
`pytest tests/evaluate/huggingface/test_encoder_evaluation.py`.
"""

import json
import random

import polars as pl
import pytest

from xlmr_lab import score_tables, storage
from xlmr_lab.__main__ import main
from xlmr_lab.ablations import evaluation_config, task_runs
from xlmr_lab.encoder_evaluation import beside, source_of, with_source
from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import scores
from xlmr_lab.evaluate.formats import xnli

WORDS = ("cat", "dogs", "ran")
LABELS = ("contradiction", "entailment", "neutral")
QUICK = ("device=cpu",)


def few(section: str, *more: str) -> list[str]:
    """Return settings of two steps and two seeds."""
    start = f"{section}.finetune."
    settings = ("steps=2", "batch_sequences=4", "max_tokens=40")
    return [f"{section}.seeds=2", *(start + setting for setting in (*settings, *more))]


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def tasks(tmp_path):
    """Write every task in a published format; return their folder."""
    rng, folder = random.Random(1), tmp_path / "tasks"
    columns = ("language", "gold_label", "sentence1", "sentence2")
    pairs = [(LABELS[i % 3], "the cat sat", f"the {WORDS[i % 3]}") for i in range(12)]
    write(
        folder / "xnli/multinli.train.en.tsv",
        [
            ("premise", "hypo", "label"),
            *((a, b, label.replace("contradiction", "contradictory")) for label, a, b in pairs),
        ],
    )
    for split in ("dev", "test"):
        rows = [(key, *pair) for key in xnli.CODES for pair in pairs]
        write(folder / f"xnli/xnli.{split}.tsv", [columns, *rows])
    for name in ("train", "testa", "testb"):
        lines = ["-DOCSTART- -X- -X- O", ""]
        for _ in range(5):
            lines += ["the DT O O", f"{rng.choice(WORDS)} NN O B-PER", "sat VB O O", ""]
        (folder / "conll").mkdir(exist_ok=True)
        (folder / f"conll/eng.{name}").write_text("\n".join(lines))
    for name in ("train-v1.1", "dev-v1.1", "xquad.de"):
        asked = [
            {
                "id": f"{name}-{word}",
                "question": f"the {word} ?",
                "answers": [{"text": word, "answer_start": f"the {word} sat .".index(word)}],
            }
            for word in WORDS
        ]
        paragraphs = [
            {"context": f"the {word} sat .", "qas": [own]}
            for word, own in zip(WORDS, asked, strict=True)
        ]
        (folder / "qa").mkdir(exist_ok=True)
        content = {"version": "1.1", "data": [{"title": "a", "paragraphs": paragraphs}]}
        (folder / f"qa/{name}.json").write_text(json.dumps(content))
    for split in ("train", "dev"):
        rows = [(f"the {WORDS[i % 2]}", i % 2) for i in range(8)]
        write(folder / f"glue/SST-2/{split}.tsv", [("sentence", "label"), *rows])
        rows = [(f"the {WORDS[i % 2]}", "the cat", i % 5) for i in range(8)]
        write(folder / f"glue/STS-B/{split}.tsv", [("sentence1", "sentence2", "score"), *rows])
    write(folder / "glue/SST-2/test.tsv", [("index", "sentence"), (0, "the cat"), (1, "dogs")])
    tests = [("index", "sentence1", "sentence2"), (0, "the cat", "dogs")]
    write(folder / "glue/STS-B/test.tsv", tests)
    for key, words in (("en", WORDS), ("de", reversed(WORDS))):
        write(folder / f"aligned/{key}.txt", [(f"the {word}",) for word in words])
    return folder


@pytest.fixture
def lab(tmp_path, capsys, monkeypatch):
    """Return the function that runs `evaluate` here and gives code, output and error line."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = main(["evaluate", *map(str, arguments)])
        out, err = capsys.readouterr()
        line = [x for x in err.splitlines() if x.startswith("xlmr-lab:")]
        return code, out, "\n".join(line)

    return run


EVERY = [*few("nli"), *few("ner"), *few("qa"), *few("glue"), *QUICK]


def test_every_task_in_one_call(lab, folder_of, tasks, tmp_path):
    paths = ("nli.path=tasks/xnli", "ner.path=tasks/conll", "qa.path=tasks/qa")
    more = ("glue.path=tasks/glue", "retrieval.path=tasks/aligned", "predictions=true", "name=all")
    code, out, line = lab(f"hf:{folder_of('xlm-roberta')}", *paths, *more, *EVERY)
    assert (code, line) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert {"nli", "ner", "qa", "glue-sst2", "glue-stsb"} <= set(out.split())
    run = tmp_path / "runs/all"
    rows = scores.read(run / "scores.jsonl")
    found = set(zip(rows["task"], rows["language"], rows["split"], strict=True))
    assert found == {
        *(("nli", key, "test") for key in xnli.LANGUAGES),
        *(("ner", "en", "test"), ("qa", "en", "dev"), ("qa", "de", "test")),
        *(("glue-sst2", "en", "dev"), ("glue-stsb", "en", "dev"), ("retrieval", "de", "test")),
    }
    assert set(rows["finetune_seed"]) == {0, 1, None}
    assert set(rows["arm"]) == {"xlm-roberta0"}
    about = json.loads((run / "evaluation.json").read_text())
    came = json.loads((run / "provenance.json").read_text())
    assert came["encoder"]["fingerprint"] == about["fingerprint"]
    assert about["preset"] == "narrow"
    assert {"torch", "transformers"} <= set(came["libraries"])
    assert str(tmp_path.parent) not in (run / "provenance.json").read_text()
    seen = storage.read_jsonl(run / "looks.jsonl")
    assert {row["task"] for row in seen} == {"nli", "ner", "qa", "glue-sst2", "glue-stsb"}
    assert all(row["looks"][-1]["step"] == 2 for row in seen)
    for name in ("xnli", "ner", "mlqa", "glue"):
        assert "as printed" in (run / f"tables/{name}.html").read_text()
        assert r"\toprule" in (run / f"tables/{name}.tex").read_text()
        assert "ours" in (run / f"tables/{name}.csv").read_text()
    assert "\nzh-Hans " in out
    assert "\nzh  " in out
    assert "doctor, refuse: nli, one-class collapse" in out
    lines = (run / "predictions/SST-2.tsv").read_text().splitlines()
    assert [line.partition("\t")[0] for line in lines] == ["index", "0", "1"]
    assert {path.name for path in (run / "predictions").iterdir()} == {"SST-2.tsv", "STS-B.tsv"}


@pytest.mark.parametrize("kind", ["bert", "xlm", "xlnet"])
def test_encoders_of_other_architectures(lab, folder_of, tasks, kind, tmp_path):
    few_languages = "languages=en,de"
    settings = ("nli.path=tasks/xnli", "name=one", few_languages, *few("nli"), *QUICK)
    code, _, line = lab(f"hf:{folder_of(kind)}", *settings)
    assert (code, line) == (0, "")
    assert set(scores.read(tmp_path / "runs/one/scores.jsonl")["language"]) == {"en", "de"}


@pytest.mark.slow
def test_what_is_finished_is_found_again_and_a_killed_seed_goes_on(
    lab, folder_of, tasks, monkeypatch, tmp_path
):
    asked = (f"hf:{folder_of('bert')}", "ner.path=tasks/conll", "name=x", *few("ner"), *QUICK)
    whole, real = tmp_path / "runs/x/scores.jsonl", task_runs.transfer.run
    done = []

    def killed(*arguments, seed, **named):
        if seed == 1:
            raise KeyboardInterrupt
        done.append(seed)
        return real(*arguments, seed=seed, **named)

    monkeypatch.setattr(task_runs.transfer, "run", killed)
    assert lab(*asked)[0] == 130
    assert not whole.exists()

    def counted(*arguments, seed, **named):
        done.append(seed)
        return real(*arguments, seed=seed, **named)

    monkeypatch.setattr(task_runs.transfer, "run", counted)
    assert lab(*asked)[0] == 0
    first = whole.read_bytes()
    assert lab(*asked)[0] == 0
    assert done == [0, 1]
    assert whole.read_bytes() == first
    assert lab(*asked, "ner.finetune.steps=3")[0] == 0
    assert done == [0, 1, 0, 1]
    assert set(scores.read(whole)["step"]) == {3}


def test_a_baseline_beside_the_encoder(lab, folder_of, tasks, tmp_path):
    small = ("ner.bilstm.passes=2", "ner.bilstm.shape.word_hidden=8", "ner.baselines=bilstm-crf")
    asked = ("ner.path=tasks/conll", "ner.protocols=zero-shot,each", "name=x", *few("ner"), *small)
    code, out, line = lab(f"hf:{folder_of('bert')}", *asked, *QUICK)
    assert (code, line) == (0, "")
    rows = scores.read(tmp_path / "runs/x/scores.jsonl")
    cells = set(zip(rows["arm"], rows["protocol"], rows["finetune_seed"], strict=True))
    arms, protocols = ("bert0", "bilstm-crf"), ("zero-shot", "each")
    assert cells == {(a, p, s) for a in arms for p in protocols for s in (0, 1)}
    assert "ner, each, last, bilstm-crf" in out
    assert "\nner, bilstm-crf  " in out
    assert "bilstm-crf, each, #M N, span_f1" in out
    assert "this baseline  Lample et al. 2016" in out
    assert max(map(len, out.splitlines())) <= 80
    seen = storage.read_jsonl(tmp_path / "runs/x/looks.jsonl")
    assert {row["arm"] for row in seen} == set(arms)
    assert "bilstm-crf" in (tmp_path / "runs/x/tables/ner.html").read_text()
    assert lab(f"hf:{folder_of('bert')}", *asked, *QUICK)[1] == out


@pytest.mark.slow
def test_another_encoder_is_told_and_fine_tuned_anew(lab, folder_of, tasks, tmp_path, caplog):
    asked = ("ner.path=tasks/conll", "name=x", *few("ner"), *QUICK)
    assert lab(f"hf:{folder_of('bert')}", *asked)[0] == 0
    assert "another encoder" not in caplog.text
    assert lab(f"hf:{folder_of('mbert')}", *asked)[0] == 0
    assert "the evaluation of another encoder, which is replaced at the end" in caplog.text
    assert set(scores.read(tmp_path / "runs/x/scores.jsonl")["arm"]) == {"mbert0"}
    storage.write_json(tmp_path / "runs/y/config.json", {})
    code, _, line = lab(f"hf:{folder_of('bert')}", "ner.path=tasks/conll", "name=y", *QUICK)
    assert code == 2
    assert "runs/y holds a study; add name=NEW for the evaluation" in line


def test_a_call_that_fails_leaves_what_was_collected(lab, folder_of, tasks, tmp_path, caplog):
    asked = (f"hf:{folder_of('bert')}", "name=x", *QUICK)
    assert lab(*asked, "ner.path=tasks/conll", *few("ner"))[0] == 0
    folder = tmp_path / "runs/x"
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    write(tmp_path / "broken/train-en.tsv", [("a", "b", "entailment"), ("only one column",)])
    write(tmp_path / "broken/test-en.tsv", [("a", "b", "entailment")])
    code, _, line = lab(*asked, "nli.path=broken", *few("nli"))
    assert (code, "train-en.tsv" in line) == (2, True)
    assert {p: p.read_bytes() for p in before} == before
    assert "scores of other settings, which is replaced at the end; name=NEW" in caplog.text


@pytest.mark.slow
def test_a_folder_that_no_evaluation_made_is_refused_and_stays_as_it_is(
    lab, folder_of, tasks, tmp_path
):
    asked = (f"hf:{folder_of('bert')}", "ner.path=tasks/conll", *few("ner"), *QUICK)
    own = [tmp_path / "mine" / name for name in ("predictions/a.tsv", "tables/b.csv", "c.txt")]
    for path in own:
        write(path, [("kept",)])
    for held in (None, [], {"name": "of another program"}):
        if held is not None:
            storage.write_json(tmp_path / "mine/evaluation.json", held)
        code, _, line = lab(*asked, "name=mine", "runs_dir=.")
        assert code == 2
        assert line.endswith(
            "mine is there and was made by no evaluation; add name=NEW, or move it away"
        )
        assert all(path.read_text() == "kept\n" for path in own)
        assert not (tmp_path / "mine/scores").exists()
    (tmp_path / "file").write_text("kept")
    assert "file is there and was made by no" in lab(*asked, "name=file", "runs_dir=.")[2]
    (tmp_path / "empty").mkdir()
    for _ in range(2):
        assert lab(*asked, "name=empty", "runs_dir=.")[0] == 0


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ((), "no task to evaluate on; name folders of task files by nli.path, ner.path, qa.path"),
        (("nli.path=nowhere",), "nli.path is no folder: nowhere; give the folder"),
        (("retrieval.path=nowhere",), "retrieval.path is no folder: nowhere"),
        (("retrieval.path=tasks/qa",), "retrieval.path holds no aligned sentences: tasks/qa"),
        (("nli.path=tasks/xnli", "languages=en,fi,qaa"), "no dev or test file of fi, qaa"),
        (("ner.path=tasks/conll", "ner.train_language=nl"), "no train-nl.tsv"),
        (("ner.path=tasks/conll", "languages=de"), "languages with one: en"),
        (("nli.path=tasks/xnli", "nli.protocols=translate-train"), "no train.translated-ar.tsv"),
        (("qa.path=tasks/qa", "qa.finetune.selections=joint-dev"), "no dev-context-de"),
        (
            ("qa.path=tasks/qa", "languages=en", "qa.finetune.selections=joint-dev"),
            "would choose the step on tasks/qa/dev-v1.1.json and score it there too",
        ),
        (("nli.path=tasks/conll",), "nli has no dev or test file in tasks/conll; nothing to score"),
        (("nli.path=tasks/xnli", "nli.finetune.max_tokens=99"), "max_tokens must be at most 64"),
        (("nli.path=tasks/xnli", "pretrain.steps=3"), "unknown setting 'pretrain.steps'"),
        (("nli.path=tasks/xnli", "predictions=true"), "no effect without glue.path"),
        (
            ("ner.path=tasks/conll", "ner.baselines=bilstm-crf", "ner.vectors=tasks/qa"),
            "tasks/qa has no word vectors of en; put en.vec there",
        ),
        (("glue.path=tasks/glue/SST-2",), "no folder of a task of GLUE"),
        (("glue.path=tasks/glue", "glue.tasks=cola"), "glue-cola has no dev or test file"),
        (("nli.path=tasks/xnli", "--preset", "tiny"), "no preset 'tiny' of fine-tuning"),
        (("nli.path=tasks/xnli", "hf:other"), "one encoder at a time"),
        (("nli.path=tasks/xnli", "name=../x"), "name must be that of one folder, got '../x'"),
        (("nli.path=tasks/xnli", "name=."), "name must be that of one folder, got '.'"),
        (("nli.path=tasks/xnli", "name=.."), "name must be that of one folder, got '..'"),
    ],
)
def test_what_cannot_be_done_is_one_line_before_anything_is_trained(
    lab, folder_of, tasks, tmp_path, settings, told
):
    code, out, line = lab(f"hf:{folder_of('xlm-roberta')}", *settings, *QUICK)
    assert (code, out) == (2, "")
    assert told in line
    assert len(line.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("hf:./nowhere", "no folder at ./nowhere; give hf:PATH of a folder, or hf:OWNER/NAME"),
        ("runs/nowhere", "no encoder at runs/nowhere; give a checkpoint like"),
        ("hf:tasks", "no config.json in tasks; give a folder saved by save_pretrained"),
    ],
)
def test_an_encoder_that_is_none(lab, tasks, source, told):
    code, _, line = lab(source, "nli.path=tasks/xnli", *QUICK)
    assert code == 2
    assert told in line


def test_a_hub_that_cannot_be_reached(lab, tasks, monkeypatch, tmp_path, library):
    huggingface_hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    code, _, line = lab("hf:owner/name", "nli.path=tasks/xnli", *QUICK)
    assert code == 2
    assert "cannot fetch the model 'owner/name' from the Hugging Face hub: it cannot be" in line


@pytest.mark.slow
def test_languages_are_those_that_names_of_files_tell(lab, folder_of, tmp_path, caplog):
    for name in ("train-en", "train-dev", "test-zh", "test-results", "dev-all", "test-simple"):
        write(tmp_path / f"ner/{name}.tsv", [("the", "O"), ("cat", "B-X")])
    asked = (f"hf:{folder_of('bert')}", "ner.path=ner", "name=x", *few("ner"), *QUICK)
    assert lab(*asked)[0] == 0
    assert set(scores.read(tmp_path / "runs/x/scores.jsonl")["language"]) == {"zh-Hans"}
    left_out = [line.getMessage() for line in caplog.records if "no language" in line.msg]
    names = ("dev-all", "test-results", "test-simple", "train-dev")
    assert left_out == [
        f"ner: {x} is of no language (an ISO 639 code) and is left out" for x in names
    ]
    for named, found in (("zh", "zh-Hans"), ("zh-CN", "zh-Hans"), ("simple", "simple")):
        assert lab(*asked, f"languages={named}")[0] == 0
        assert set(scores.read(tmp_path / "runs/x/scores.jsonl")["language"]) == {found}
    line = lab(*asked, "languages=zh,zh-Hans")[2]
    assert "languages has zh and zh-Hans, which is one language; name it once" in line
    assert "languages has zh twice" in lab(*asked, "languages=zh,zh")[2]
    write(tmp_path / "ner/test-zh-Hans.tsv", [("the", "O")])
    assert "ner holds test-zh-Hans.tsv and test-zh.tsv: keep one of them" in lab(*asked)[2]


def test_rows_of_two_selections_have_headings_of_their_own():
    row = {name: "" for name, kind in scores.SCORES.items() if kind == pl.String}
    row |= {"seed": None, "finetune_seed": 0, "task": "nli", "language": "sw", "value": 0.5}
    row |= {"metric": "accuracy", "protocol": "zero-shot", "num_examples": 5010}
    rows = [{**row, "selection": name} for name in ("last", "joint-dev")]
    for taken, headings in (
        (rows, ["zero-shot, #M 1, last, accuracy", "zero-shot, #M 1, joint-dev, accuracy"]),
        (rows[:1], ["zero-shot, #M 1, accuracy"]),
    ):
        cells = score_tables.beside_paper(pl.DataFrame(taken, schema=scores.SCORES), "xnli")
        lines = list(beside(cells, "xnli"))
        assert [line for line in lines if line.startswith("zero-shot")] == headings


def test_the_encoder_is_the_word_that_is_no_setting():
    assert source_of(["nli.path=a", "runs/tiny/arms/alpha=0.3-s0"]) == (
        "runs/tiny/arms/alpha=0.3-s0",
        ["nli.path=a"],
    )
    assert source_of(["hf:a=b", "languages=en"]) == ("hf:a=b", ["languages=en"])
    with pytest.raises(UserError, match="one encoder at a time, got x and y"):
        source_of(["x", "y"])


def test_usual_encoders_are_fine_tuned_as_published_and_narrow_ones_are_not():
    assert [evaluation_config.chosen(width) for width in (64, 255, 256, 1024)] == [
        *("narrow", "narrow", "published", "published")
    ]
    published = evaluation_config.settings("published", [])
    nli = published.nli.finetune
    assert (nli.peak_learning_rate, nli.batch_sequences, nli.patience) == (5e-6, 128, 5)
    assert nli.steps == nli.selection_checks * 5000
    assert (published.nli.seeds, nli.selections) == (5, ("joint-dev",))
    short = evaluation_config.settings("published", ["qa.finetune.passes=1"], max_tokens=256)
    assert (short.qa.finetune.max_tokens, short.nli.finetune.max_tokens) == (256, 128)


@pytest.mark.parametrize(
    "given",
    [
        ["ner.finetune.steps=7"],
        ["nli.finetune.passes=2"],
        ["nli.finetune.selections=last"],
        ["nli.finetune.steps=9", "nli.finetune.selections=last,joint-dev"],
    ],
)
def test_a_setting_has_its_effect_beside_those_of_a_preset(given):
    for preset in evaluation_config.PRESETS:
        made = evaluation_config.settings(preset, given)
        for setting in given:
            section, _, rest = setting.partition(".finetune.")
            name, _, value = rest.partition("=")
            found = getattr(getattr(made, section).finetune, name)
            assert found == (tuple(value.split(",")) if name == "selections" else float(value))


def test_help_lists_both_forms(lab):
    code, out, _ = lab("hf:any", "--help")
    assert code == 0
    assert "nli.finetune.peak_learning_rate=5e-06" in out
    assert "retrieval.path=None" in out
    assert max(map(len, out.splitlines())) <= 80
    assert "evaluate ENCODER" in lab("--help")[1]


def test_scores_tell_which_are_in_the_language_learned_in():
    frame = pl.DataFrame(
        {
            "task": ["glue-sst2", "glue-sst2", "glue-mnli-mm", "ner"],
            "language": ["en", "sw", "en", "de"],
            "arm": ["bert", "bert", "bert", "bilstm-crf"],
            "protocol": ["zero-shot"] * 4,
        }
    )
    languages = {"glue-sst2": "en", "glue-mnli": "en", "ner": "de"}
    found = with_source(frame, languages)
    assert found["source"].to_list() == [True, False, True, True]
    assert found["pretrained"].to_list() == [True, True, True, False]
