"""Vocabularies are found where studies and campaigns leave them and where they are named, and each
cuts a text as it would alone.
"""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from xlmr_lab import found_vocabularies, results, stage_folders, vocabulary_results
from xlmr_lab.errors import UserError
from xlmr_lab.found_vocabularies import OWN
from xlmr_lab.results import Study


@pytest.fixture
def home(study_folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the folder that the made-up study ran in, with another vocabulary."""
    home = Path(shutil.copytree(study_folder.parents[1], tmp_path / "work"))
    own = stage_folders.find(opened(home), "vocabulary")
    copied(own, home / "data" / "vocabulary-aaa", size=99_999, languages=["qaa"])
    return home


def opened(home: Path) -> Study:
    return results.open_study(home / "runs" / "made-up")


def copied(own: Path, folder: Path, *, size: int, languages: list[str]) -> None:
    """Copy a vocabulary, and say that it is another one."""
    shutil.copytree(own, folder)
    path = folder / "vocabulary.json"
    record = json.loads(path.read_text("utf-8"))
    record |= {"size": size, "languages": {key: record["languages"]["qaa"] for key in languages}}
    path.write_text(json.dumps(record), "utf-8")


def test_the_studys_own_comes_first_and_others_say_what_they_are(home: Path) -> None:
    found = found_vocabularies.find(opened(home))
    assert found.names == [OWN, "99,999 unigram, qaa, \u03b1 = 0.3"]


def test_those_of_the_studys_languages_come_first_and_two_alike_are_told_apart(home: Path) -> None:
    own = stage_folders.find(opened(home), "vocabulary")
    for name in ("vocabulary-bbb", "vocabulary-ccc"):
        copied(own, home / "data" / name, size=50, languages=["qaa", "qab"])
    assert found_vocabularies.find(opened(home)).names[1:] == [
        "50 unigram, 2 languages, \u03b1 = 0.3 (bbb)",
        "50 unigram, 2 languages, \u03b1 = 0.3 (ccc)",
        "99,999 unigram, qaa, \u03b1 = 0.3",
    ]


def test_each_cuts_as_it_would_alone(home: Path) -> None:
    study = opened(home)
    made = vocabulary_results.open_vocabulary(study)
    text = made.example("qaa")
    found = found_vocabularies.find(study)
    cuts = found.cuts(text, "qaa")
    assert list(cuts) == found.names
    alone = made.cut(text, "qaa")
    assert len(alone) > 3
    for cut in cuts.values():
        assert isinstance(cut, pl.DataFrame)
        assert cut.equals(alone)
    assert list(found.cuts(text, "qaa", [OWN])) == [OWN]
    with pytest.raises(UserError, match="no vocabulary 'mine'; there are: this vocabulary; 99,999"):
        found.cuts(text, "qaa", ["mine"])


def test_runs_folders_and_model_files_are_named(home: Path, tmp_path: Path) -> None:
    study = opened(home)
    own = stage_folders.find(study, "vocabulary")
    released = tmp_path / "released" / "xlmr.tiny"
    released.mkdir(parents=True)
    shutil.copy(own / "sentencepiece.model", released / "sentencepiece.bpe.model")
    copied(own, tmp_path / "alone", size=7, languages=["qac"])
    places = [str(released), str(tmp_path / "alone"), str(home / "runs" / "made-up")]
    names = found_vocabularies.find(study, places).names
    assert names[0] == OWN
    assert set(names[1:]) == {
        "released/xlmr.tiny",
        "7 unigram, qac, \u03b1 = 0.3",
        "99,999 unigram, qaa, \u03b1 = 0.3",
    }
    with pytest.raises(UserError, match="there is nothing at"):
        found_vocabularies.find(study, [str(tmp_path / "nowhere")])
    with pytest.raises(UserError, match="no vocabulary at"):
        found_vocabularies.find(study, [str(home / "runs")])


def test_one_that_cannot_cut_says_why_beside_the_others(home: Path) -> None:
    broken = home / "data" / "vocabulary-aaa" / "sentencepiece.model"
    broken.unlink()
    cuts = found_vocabularies.find(opened(home)).cuts("ab", "qaa")
    assert isinstance(cuts[OWN], pl.DataFrame)
    assert "sentencepiece.model" in str(cuts["99,999 unigram, qaa, \u03b1 = 0.3"])


def test_without_the_studys_own_those_that_are_named_are_left(home: Path) -> None:
    study = opened(home)
    shutil.rmtree(stage_folders.find(study, "vocabulary"))
    assert found_vocabularies.find(study).names == []
    named = found_vocabularies.find(study, [str(home / "data")])
    assert named.names == ["99,999 unigram, qaa, \u03b1 = 0.3"]
