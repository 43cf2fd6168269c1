"""Where the sets of a task may lie: `pytest tests/evaluate/test_places.py`."""

import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import places
from xlmr_lab.evaluate.places import Place
from xlmr_lab.evaluate.protocols import TaskSet

THREE = {"en": "eng", "zh-Hans": "zh", "sw": "swa"}


def made(split, form):
    """Ours, then two publishers: one has a file for each language or one for all, one has parts."""
    start = f"{split}.{form}-" if form else f"{split}-"
    found = [Place(start + "{language}.tsv", "ours", "ours")]
    if not form:
        found += [
            Place("{language}." + split, "columns", "first", THREE, within=("", "inner/")),
            Place(f"all.{split}", "all", "first", THREE),
            Place("{language}/" + split + "-*.bin", "bin", "second", THREE, parts=True),
        ]
    return found


def put(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_a_set_is_found_where_it_lies_with_its_language_as_it_is_written_there(tmp_path):
    put(
        tmp_path, "inner/eng.dev.xz", "all.test", "swa/train-1.bin", "swa/train-0.bin", "dev-ur.tsv"
    )
    source = places.find(made, tmp_path, TaskSet("dev", "en"))
    assert source == ((tmp_path / "inner/eng.dev.xz",), "columns", "eng")
    assert places.find(made, tmp_path, TaskSet("test", "zh-Hans"))[1:] == ("all", "zh")
    source = places.find(made, tmp_path, TaskSet("train", "sw"))
    assert [path.name for path in source.paths] == ["train-0.bin", "train-1.bin"]
    assert places.find(made, tmp_path, TaskSet("dev", "ur")).kind == "ours"
    assert places.find(made, tmp_path, TaskSet("test", "ur")) is None
    assert places.find(made, tmp_path, TaskSet("dev", "en", "translated")) is None


def test_of_one_publishers_files_the_first_is_read_and_two_publishers_are_an_error(tmp_path):
    put(tmp_path, "eng.dev", "all.dev")
    assert places.find(made, tmp_path, TaskSet("dev", "en")).kind == "columns"
    put(tmp_path, "dev-en.tsv")
    with pytest.raises(UserError, match=r"holds dev-en.tsv and eng.dev: keep one of them"):
        places.find(made, tmp_path, TaskSet("dev", "en"))
    put(tmp_path, "dev-sw.tsv", "dev-sw.tsv.gz")
    with pytest.raises(UserError, match=r"holds dev-sw.tsv and dev-sw.tsv.gz: keep one"):
        places.find(made, tmp_path, TaskSet("dev", "sw"))


def test_zh_and_zh_cn_mean_zh_hans_and_only_one_of_their_files_may_be_there(tmp_path):
    put(tmp_path, "dev-zh.tsv", "dev-zh-TW.tsv", "test-zh-CN.tsv")
    assert places.find(made, tmp_path, TaskSet("dev", "zh-Hans")).code == "zh"
    assert places.find(made, tmp_path, TaskSet("test", "zh-Hans")).code == "zh-CN"
    assert places.find(made, tmp_path, TaskSet("dev", "zh-Hant")).code == "zh-TW"
    assert places.find(made, tmp_path, TaskSet("test", "zh-Hant")) is None
    put(tmp_path, "dev-zh-Hans.tsv")
    with pytest.raises(UserError, match=r"holds dev-zh-Hans.tsv and dev-zh.tsv: keep one of them"):
        places.find(made, tmp_path, TaskSet("dev", "zh-Hans"))


def test_words_for_sets_in_a_name_are_no_languages(tmp_path):
    put(tmp_path, "train-en.tsv", "train-dev.tsv", "train-results.tsv", "train-de-old.tsv")
    put(tmp_path, "train-pcm.tsv", "train-hi_rom.tsv", "train-zh-Hant.tsv", "train-all.tsv.gz")
    assert places.languages(made, tmp_path, "train") == ["en", "hi_rom", "pcm", "zh-Hant"]
    assert places.unknown(made, tmp_path, "train") == ["all", "de-old", "dev", "results"]
    assert places.languages(made, tmp_path, "dev") == []


def test_a_set_of_several_files_is_whole_or_refused(tmp_path):
    part = TaskSet("train", "sw")
    put(tmp_path, "swa/train-00000-of-00003.bin", "swa/train-00002-of-00003.bin")
    for asked in (places.find, places.require):
        with pytest.raises(UserError, match=r"swa lacks train-00001-of-00003.bin; fetch all files"):
            asked(made, tmp_path, part)
    put(tmp_path, "swa/train-00001-of-00003.bin")
    assert len(places.find(made, tmp_path, part).paths) == 3
    put(tmp_path, "swa/train-00000-of-00001.bin")
    with pytest.raises(UserError, match=r"of 00001 and of 00003 for one set, such as swa/train-0"):
        places.find(made, tmp_path, part)
    older = tmp_path / "older"  # the hub once wrote a hash into the names of its files
    put(older, "swa/train-00001-of-00002-1a2b3c.bin")
    with pytest.raises(UserError, match=r"swa lacks train-00000-of-00002"):
        places.find(made, older, part)
    put(tmp_path, "zh/train-07-of-99.bin")
    with pytest.raises(UserError, match=r"lacks train-00-of-99.bin.* and 95 more; fetch"):
        places.find(made, tmp_path, TaskSet("train", "zh-Hans"))


def test_translated_sets_stand_beside_those_that_were_made(tmp_path):
    put(tmp_path, "train-en.tsv", "train.translated-zh.tsv", "train.translated-sw.tsv.gz")
    put(tmp_path, "test.translated-from-sw.tsv", "test-sw.tsv")
    found = places.require(made, tmp_path, TaskSet("train", "zh-Hans", "translated"))
    assert found.paths[0].name == "train.translated-zh.tsv"
    assert str(places.require(made, tmp_path, TaskSet("test", "sw"))).endswith("/test-sw.tsv")
    assert places.languages(made, tmp_path, "train") == ["en"]
    assert places.languages(made, tmp_path, "train", "translated") == ["sw", "zh"]
    assert places.find(made, tmp_path, TaskSet("train", "sw")) is None
    with pytest.raises(UserError, match=r"no test.translated-from-ur.tsv in .*-from file: sw$"):
        places.require(made, tmp_path, TaskSet("test", "ur", "translated-from"))


def test_the_languages_that_have_a_set_are_listed(tmp_path):
    put(tmp_path, "dev-ur.tsv.gz", "dev-zh.tsv", "dev-qab.tsv.bak", "dev.translated-hi.tsv")
    assert places.languages(made, tmp_path, "dev") == ["ur", "zh"]
    put(tmp_path, "swa.dev")
    assert places.languages(made, tmp_path, "dev") == ["sw", "ur", "zh"]
    assert places.languages(made, tmp_path, "dev", "translated") == ["hi"]
    put(tmp_path, "all.test")
    assert places.languages(made, tmp_path, "test") == sorted(THREE)


def test_a_missing_set_names_all_that_was_looked_for_and_what_is_there(tmp_path):
    put(tmp_path, "dev-ur.tsv")
    asked = (
        r"no dev-en.tsv, eng.dev, all.dev or eng/dev-\*.bin in .*; languages with a dev file: ur"
    )
    with pytest.raises(UserError, match=asked):
        places.require(made, tmp_path, TaskSet("dev", "en"))
    with pytest.raises(UserError, match=r"no train.translated-en.tsv in .*translated file: none"):
        places.require(made, tmp_path, TaskSet("train", "en", "translated"))
    with pytest.raises(UserError, match=r"no test-xx.tsv and no dev-xx.tsv in .*: ur$"):
        places.scored_split(made, tmp_path, "xx")
    with pytest.raises(UserError, match=r"no task folder .*absent"):
        places.find(made, tmp_path / "absent", TaskSet("dev", "en"))


def test_test_sets_are_scored_before_dev_sets(tmp_path):
    put(tmp_path, "eng.dev")
    assert places.scored_split(made, tmp_path, "en") == "dev"
    put(tmp_path, "all.test")
    assert places.scored_split(made, tmp_path, "en") == "test"
