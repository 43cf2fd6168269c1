"""The command line: what cannot be done ends with one clear line and exit code 2, nothing left."""

import errno
import gzip
import re
import shlex
import shutil
import subprocess
import sys
from collections import namedtuple

import pytest

from xlmr_lab import configs
from xlmr_lab.__main__ import main
from xlmr_lab.ablations import studies
from xlmr_lab.ablations.studies import PRESETS, StudyConfig
from xlmr_lab.commands import VERBS, table
from xlmr_lab.sampling import meter, schedules
from xlmr_lab.sampling.schedules import Length
from xlmr_lab.verb_help import OF_A_RUN, SECTIONS, WITHOUT_RUN, require_effect

TEXT = "Eine kleine Geschichte von einem Haus am Fluss, in dem drei Kinder wohnten.\n"


@pytest.fixture
def lab(tmp_path, capsys):
    """Return a function that runs a verb on folders of its own and gives code and error line."""

    def run(*arguments: str, own_text: bool = False) -> tuple[int, str]:
        places = (f"data_dir={tmp_path / 'data'}", f"runs_dir={tmp_path / 'runs'}")
        least = () if own_text else ("babel.corpus_bytes=20000", "babel.smallest_bytes=2000")
        code = main([*arguments, *least, *places])
        told = [x for x in capsys.readouterr().err.splitlines() if x.startswith("xlmr-lab:")]
        return code, "\n".join(told)

    run.folder = tmp_path
    return run


def nothing_half_written(folder) -> bool:
    """Tell whether no stage and no run was left, finished or not."""
    return not any(
        (folder / name).exists() and any((folder / name).iterdir()) for name in ("data", "runs")
    )


def corpus(folder, files: dict[str, bytes]) -> str:
    """Write files below a corpus folder and return the setting that names it."""
    for name, content in files.items():
        path = folder / "text" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return f"corpus.path={folder / 'text'}"


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("sampling.alfa=0.3", "sampling.alpha"),
        ("sampling.alpha=1.3", "sampling.alpha must be in [0, 1], got 1.3"),
        ("sampling.alpha=much", "sampling.alpha must be of type float, got 'much'"),
        ("alpha", "section.field=value"),
        ("pretrain.peak_learning_rate=-1", "peak_learning_rate must be above 0"),
        ("model.hidden_size=63", "multiple of num_heads"),
        ("corpus.path=/there/is/none", "/there/is/none"),
        ("babel.languages=en", "unknown Babel language 'en'"),
        ("babel.languages=qaa,qaa", "must differ"),
        ("pretrain.heldout_blocks=0", "heldout_blocks"),
        ("corpus.languages=sw", "sw"),
        ("--sampling.alpha=0.7", "without dashes: sampling.alpha=0.7, got"),
        ("--pretrain.steps", "without dashes: pretrain.steps=VALUE, got"),
        ("preset=small", "the preset is an option: --preset small"),
    ],
)
def test_a_bad_setting_is_one_line(lab, setting, told) -> None:
    code, line = lab("vocab", setting, own_text=setting.startswith("corpus.path"))
    assert code == 2
    assert told in line
    assert line.count("\n") == 0
    babel_only = setting.startswith("corpus.languages")
    assert babel_only or nothing_half_written(lab.folder)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"news/de.txt": b""}, "de"),
        ({"news/de.txt": b"\xff\xfe\x00binary\x00\x01" * 50}, "de.txt"),
        ({"news/de.txt.gz": gzip.compress(TEXT.encode() * 500)[:-20]}, "de.txt.gz"),
        ({"news/de.txt.xz": b"this is no xz file"}, "de.txt.xz"),
        ({"news/de.jsonl": b'{"txt": "no column text"}\n'}, "de.jsonl"),
        ({"news/de.txt": b"12345\n" * 100}, "de"),
        ({"readme.md": b"no language file"}, "text"),
    ],
    ids=["empty", "not-text", "cut-gzip", "not-xz", "no-column", "nothing-kept", "no-language"],
)
def test_a_bad_corpus_is_one_line_and_leaves_nothing(lab, files, told) -> None:
    code, line = lab("corpus", corpus(lab.folder, files), own_text=True)
    assert code == 2
    assert told in line
    assert nothing_half_written(lab.folder)


def test_a_setting_of_babel_is_refused_beside_own_text(lab) -> None:
    code, line = lab("corpus", corpus(lab.folder, {"news/de.txt": TEXT.encode() * 50}))
    assert code == 2
    assert "babel.corpus_bytes has no effect with corpus.path" in line


@pytest.mark.parametrize(
    ("verb", "setting", "told"),
    [
        ("pretrain", "surgery.source=a", "surgery.source has no effect on pretrain; it is for tr"),
        ("study", "surgery.pieces=9", "surgery.pieces has no effect on study; it is for extend:"),
        ("trim", "surgery.pieces=9", "surgery.pieces has no effect on trim; it is for extend: le"),
        ("export", "surgery.min_count=3", "no effect on export; it is for trim: leave it out"),
        ("corpus", "vocabulary.size=9", "no effect on corpus; it is for study, vocab, pretrain, "),
    ],
)
def test_a_setting_without_effect_on_a_verb_names_those_it_is_for(lab, verb, setting, told) -> None:
    code, line = lab(verb, setting)
    assert code == 2
    assert told in line
    assert nothing_half_written(lab.folder)


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in (*WITHOUT_RUN, *OF_A_RUN)])
def test_a_verb_that_keeps_a_run_folder_takes_all_settings_of_its_study(verb) -> None:
    """So that the command told in a run folder is taken by each."""
    own = [name for name in configs.leaves(StudyConfig) if not name.startswith("surgery.")]
    require_effect(verb, own, VERBS)


def test_a_language_without_a_file_names_what_there_is(lab) -> None:
    setting = corpus(lab.folder, {"news/de.txt": TEXT.encode() * 50})
    code, line = lab("corpus", setting, "corpus.languages=de,sw", own_text=True)
    assert code == 2
    assert "sw" in line
    assert "de" in line


def test_a_full_disk_is_said_before_anything_is_made(lab, monkeypatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, 99, 1))
    code, line = lab("corpus")
    assert code == 2
    assert "free" in line
    assert nothing_half_written(lab.folder)


def test_a_preset_for_text_of_ones_own_needs_it_but_tells_its_settings(lab, capsys) -> None:
    code, line = lab("pretrain", "--preset", "base")
    assert code == 2
    assert line.endswith("preset base is for text of your own; add corpus.path=FOLDER")
    assert main(["pretrain", "--preset", "base", "--help"]) == 0
    out = capsys.readouterr().out
    assert "  model.hidden_size=768\n" in out
    assert "  pretrain.steps=1500000\n" in out


def test_torchrun_is_for_pretraining(lab, monkeypatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert lab("study") == (2, "xlmr-lab: torchrun is for pretrain; run study without it")
    code, told = lab("pretrain", "batches.batch_sequences=4")
    assert code == 2
    assert "batches.batch_sequences must be a multiple of the 3 processes" in told


def test_an_unknown_preset_names_those_there_are(lab) -> None:
    code, line = lab("study", "--preset", "huge")
    assert code == 2
    assert "tiny" in line


def test_a_report_before_a_study_says_what_to_run(lab) -> None:
    code, line = lab("report")
    assert code == 2
    assert "study" in line


@pytest.mark.parametrize("verb", OF_A_RUN)
def test_a_verb_of_a_run_says_at_once_which_one_makes_it(lab, verb) -> None:
    code, line = lab(verb, "name=mine", "pretrain.steps=20")
    assert code == 2
    assert "there is no run at " in line
    assert "`./lab pretrain name=mine pretrain.steps=20 babel." in line
    assert nothing_half_written(lab.folder)


def test_an_unknown_verb_names_those_there_are(lab, capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["studdy"])
    assert stopped.value.code == 2
    assert "study" in capsys.readouterr().err


@pytest.mark.parametrize("verb", VERBS)
def test_every_verbs_help_lists_the_settings_it_depends_on(verb, capsys) -> None:
    assert main([verb, "--help"]) == 0
    out = capsys.readouterr().out
    assert ("  babel.corpus_bytes=4000000\n      " in out) == (verb not in OF_A_RUN)
    assert ("sampling.alpha=0.3" in out) == (verb not in ("corpus", "vocab", *OF_A_RUN))
    assert ("surgery.languages=" in out) == (verb == "trim")
    assert ("surgery.pieces=" in out) == (verb == "extend")
    assert "  seed=0\n" in out or verb in OF_A_RUN
    assert ("nli.seeds=3" in out) == (verb in ("study", "evaluate", "ablate", "report"))
    for preset in PRESETS:
        assert re.search(rf"^  {preset} +\w.{{20}}", out, re.MULTILINE)
    assert out.count(f"./lab {verb} ") == (6 if verb == "pretrain" else 2)
    assert max(map(len, out.splitlines())) <= 80
    assert "\n    notebooks" not in out, "a docstring's indentation"


def test_the_schedules_of_sampling_in_the_help_of_pretrain_run_as_they_stand(capsys) -> None:
    """Each on the tiny preset's languages and steps; 48,000 blocks are drawn."""
    assert main(["pretrain", "--help"]) == 0
    lines = capsys.readouterr().out.replace("\\\n", "").splitlines()
    found = [shlex.split(line) for line in lines if "pretrain sampling." in line]
    known = {"qaa": 4500.0, "qab": 2800.0, "qam": 1000.0, "qbk": 470.0, "qcu": 470.0, "qdc": 340.0}
    passes = []
    for lab, verb, *settings in found:
        assert (lab, verb) == ("./lab", "pretrain")
        config = configs.override(studies.tiny(), studies.settled(settings, own_text=False))
        length = Length(config.pretrain.steps, config.batches.batch_sequences)
        phases = schedules.phases(config.sampling, known, length)
        passes.append(meter.passes(meter.expected_draws(phases, length), known))
        assert config.babel.codes() == list(known)
    capped, annealed = passes
    assert max(capped.values()) == pytest.approx(8)
    assert annealed["qdc"] < annealed["qcu"] < annealed["qbk"]


def test_the_parallel_text_in_the_help_of_pretrain_is_set_as_it_stands(capsys) -> None:
    assert main(["pretrain", "--help"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if " tlm.share=" in line]
    found = [shlex.split(line)[2:] for line in lines if "./lab" in line]
    configured = [configs.override(studies.tiny(), settings) for settings in found]
    assert [config.tlm.share for config in configured] == [0.25, 0.25]
    assert [config.tlm.path for config in configured] == [None, "../parallel"]


def test_help_says_what_is_otherwise_with_text_of_ones_own(capsys) -> None:
    assert main(["vocab", "--help"]) == 0
    assert "  vocabulary.size=1800  (with corpus.path: 8000)\n" in capsys.readouterr().out
    assert main(["vocab", "--help", "corpus.path=text"]) == 0
    out = capsys.readouterr().out
    assert "  vocabulary.size=8000\n" in out
    assert "(with corpus.path" not in out


def test_the_sections_of_a_verb_exist() -> None:
    there = {name.partition(".")[0] for name in configs.leaves(StudyConfig) if "." in name}
    assert set().union(*SECTIONS.values()) <= there
    assert set(SECTIONS) | set(OF_A_RUN) <= set(VERBS)


@pytest.mark.slow
def test_a_reader_that_is_gone_ends_nothing() -> None:
    """As in `xlmr-lab study --help | head -1`."""
    command = [sys.executable, "-m", "xlmr_lab", "study", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read().decode()
    assert (process.returncode, told) == (0, "")


def test_interrupting_says_how_to_go_on(lab, monkeypatch, capsys) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(VERBS, "corpus", interrupt)
    assert main(["corpus"]) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_tables_line_up() -> None:
    text = table(("a", "b"), [("long name", "1"), ("x", "22")])
    assert text.splitlines() == ["a           b", "long name   1", "x          22"]


def test_a_disk_that_fills_up_says_how_to_go_on(lab, monkeypatch) -> None:
    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setitem(VERBS, "corpus", fill)
    code, line = lab("corpus")
    assert code == 2
    assert "No space left" in line
    assert "the same command goes on" in line
