"""The pipeline on small corpora: counts that add up, any chunks the same result, clear errors."""

import dataclasses
import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import pytest

from xlmr_lab.corpus import clean, documents, identify, measure, sources, statistics
from xlmr_lab.corpus import write as write_module
from xlmr_lab.corpus.identify import Identifier
from xlmr_lab.corpus.judge import CleanConfig
from xlmr_lab.corpus.models import MeasureConfig
from xlmr_lab.corpus.report import Report
from xlmr_lab.errors import UserError

Write = Callable[[str, int, int], list[str]]

LANGUAGES = ("qaa", "qab", "qac")
TRAIN = identify.train


@pytest.fixture(autouse=True)
def ready(identifier: Identifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the tests that are not about it the training of an identifier."""

    def copy(texts: Mapping[str, list[str]], path: Path, *, seed: int) -> None:
        identifier._model.save_model(str(path))

    monkeypatch.setattr(identify, "train", copy)


@pytest.fixture
def learning(ready: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Train the identifier after all."""
    monkeypatch.setattr(identify, "train", TRAIN)


def run(corpus: Path, folder: Path, languages: tuple[str, ...] = LANGUAGES, **settings) -> Report:
    """Clean a folder of text; settings of `MeasureConfig` go there, others to `CleanConfig`."""
    folder.mkdir(exist_ok=True)
    known = {field.name for field in dataclasses.fields(MeasureConfig)}
    measuring = {"second_identifier": False} | {k: v for k, v in settings.items() if k in known}
    return clean.clean(
        sources.find(corpus, languages),
        folder,
        config=CleanConfig(**{k: v for k, v in settings.items() if k not in known}),
        measuring=MeasureConfig(**measuring),
        seed=1,
    )


def add(corpus: Path, name: str, *lines: str) -> None:
    """Append one document of plain text to a file."""
    path = corpus / name
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" + "".join(f"{line}\n" for line in lines))


def rejected(folder: Path) -> pl.DataFrame:
    return documents.scan(folder / "rejected").collect()


@pytest.mark.slow
@pytest.mark.usefixtures("learning")
def test_clean_text_is_kept_whole(corpus: Path, tmp_path: Path) -> None:
    report = run(corpus, tmp_path / "clean")
    for language in LANGUAGES:
        counts = report.languages[language]
        assert counts.read_paragraphs == counts.kept_paragraphs == 200
        assert counts.read_documents == counts.kept_documents == 40
        assert counts.read_bytes == counts.kept_bytes
        text = "\n".join(
            text for _, text in documents.iterate(tmp_path / "clean/documents", language)
        )
        assert text == (corpus / "news" / f"{language}.txt").read_text(encoding="utf-8")
    assert report.identifier.accuracy == 1.0
    assert 0 < report.identifier.num_paragraphs["qaa"] < 100
    assert sorted(path.name for path in (tmp_path / "clean").iterdir()) == [
        "documents",
        "measured",
        "measuring.json",
        "models",
        "report.json",
    ]


def test_each_reason_is_counted_and_its_paragraphs_can_be_read(
    corpus: Path, tmp_path: Path, write: Write
) -> None:
    first = write("qaa", 200, 1)[0]
    (new,) = write("qaa", 1, 7)
    dirt = {
        f"Menu {new[:3]}": "too_short",
        "2019 | 12:30 | 45,00 \u2014 ---": "not_text",
        "d\u00c3\u00a9j\u00c3\u00a0 fini pour l\u00e2\u20ac\u2122heure": "not_text",
        write("qac", 1, 7)[0]: "wrong_language",
        first.upper(): "duplicate",
    }
    add(corpus, "news/qaa.txt", new, *dirt)
    report = run(corpus, tmp_path / "clean")
    counts = report.languages["qaa"]
    assert counts.kept_paragraphs == 201
    assert counts.read_paragraphs == counts.kept_paragraphs + sum(counts.rejected.values()) == 206
    assert counts.rejected == {
        "not_text": 2,
        "too_short": 1,
        "wrong_language": 1,
        "duplicate": 1,
    }
    assert counts.rejected_bytes["wrong_language"] == len(write("qac", 1, 7)[0].encode())
    table = rejected(tmp_path / "clean")
    assert dict(table.select("text", "reason").iter_rows()) == dirt
    assert set(table["doc_id"]) == {"news/qaa/40"}
    assert table["paragraph"].to_list() == [1, 2, 3, 4, 5]


def test_the_report_file_says_what_the_report_says(corpus: Path, tmp_path: Path) -> None:
    report = run(corpus, tmp_path / "clean")
    stored = json.loads((tmp_path / "clean" / "report.json").read_text(encoding="utf-8"))
    assert stored["languages"]["qac"]["kept_bytes"] == report.languages["qac"].kept_bytes
    assert stored["identifier"]["accuracy"] == 1.0
    sizes = statistics.sizes(tmp_path / "clean" / "documents")
    assert sizes["size_bytes"].to_list() == [report.languages[k].kept_bytes for k in LANGUAGES]


def test_a_document_without_a_paragraph_left_is_dropped(corpus: Path, tmp_path: Path) -> None:
    add(corpus, "news/qab.txt", "1", "2 - 3")
    counts = run(corpus, tmp_path / "clean").languages["qab"]
    assert (counts.read_documents, counts.kept_documents) == (41, 40)


def test_deduplication_is_per_language(corpus: Path, tmp_path: Path) -> None:
    short = "Zoo 1, hall 2"
    add(corpus, "news/qaa.txt", short, short)
    add(corpus, "news/qab.txt", short)
    report = run(corpus, tmp_path / "clean")
    assert report.languages["qaa"].rejected["duplicate"] == 1
    assert "duplicate" not in report.languages["qab"].rejected


@pytest.mark.slow
def test_no_result_depends_on_the_chunks(
    corpus: Path, tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(corpus, "news/qaa.txt", *write("qaa", 200, 1)[:10], "too short", *write("qab", 3, 7))
    whole = run(corpus, tmp_path / "whole")
    monkeypatch.setattr(measure, "CHUNK_BYTES", 2000)
    monkeypatch.setattr(write_module, "SHARD_BYTES", 3000)
    assert run(corpus, tmp_path / "parts") == whole
    assert len(measure.pieces(tmp_path / "parts")) > 9
    assert len(documents.paths(tmp_path / "parts" / "documents", "qaa")) > 3
    for name in ("documents", "rejected"):
        tables = [documents.scan(tmp_path / run / name).collect() for run in ("whole", "parts")]
        assert tables[0].equals(tables[1])


@pytest.mark.slow
@pytest.mark.usefixtures("learning")
def test_cleaning_again_gives_the_same_files(corpus: Path, tmp_path: Path) -> None:
    add(corpus, "news/qaa.txt", "12")
    for name in ("a", "b"):
        run(corpus, tmp_path / name)
    files = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*")]
    assert len(files) == 14
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_folder_of_other_input_is_begun_anew(corpus: Path, tmp_path: Path) -> None:
    run(corpus, tmp_path / "clean")
    first = report_of(tmp_path / "clean")
    add(corpus, "news/qaa.txt", "12")
    for settings in ({}, {"max_bytes_per_language": 4000}):
        (tmp_path / "clean" / "measured" / "00000000-qaa-00009.parquet").write_bytes(b"stale")
        run(corpus, tmp_path / "clean", **settings)
        assert report_of(tmp_path / "clean") != first
        first = report_of(tmp_path / "clean")


def test_killed_while_it_removes_its_work_it_is_begun_anew(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(corpus, tmp_path / "undisturbed", near_duplicates=True)

    def killed(folder: Path, **_: bool) -> None:
        made = list(folder.glob("near/*.npy"))
        for path in made:
            path.unlink()
        if made:
            raise KeyboardInterrupt

    (tmp_path / "clean").mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(clean.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            run(corpus, tmp_path / "clean", near_duplicates=True)
    run(corpus, tmp_path / "clean", near_duplicates=True)
    assert report_of(tmp_path / "clean") == report_of(tmp_path / "undisturbed")


def report_of(folder: Path) -> dict[str, object]:
    """Return what the report says was read."""
    languages = json.loads((folder / "report.json").read_text(encoding="utf-8"))["languages"]
    return {key: counts["read_paragraphs"] for key, counts in languages.items()}


def test_text_without_a_language_needs_no_labelled_text_beside_a_model(
    corpus: Path, tmp_path: Path, identifier: Identifier
) -> None:
    identifier._model.save_model(str(tmp_path / "given.bin"))
    files = [f._replace(language=None) for f in sources.find(corpus, LANGUAGES)]
    (tmp_path / "clean").mkdir()
    report = clean.clean(
        files,
        tmp_path / "clean",
        config=CleanConfig(),
        measuring=MeasureConfig(identifier_path=str(tmp_path / "given.bin")),
        seed=1,
    )
    assert {key: counts.kept_paragraphs for key, counts in report.languages.items()} == {
        "qaa": 200,
        "qab": 200,
        "qac": 200,
    }
    assert report.identifier.accuracy is None
    with pytest.raises(UserError, match="needs labelled text of at least two languages"):
        clean.clean(files, tmp_path / "c", config=CleanConfig(), measuring=MeasureConfig(), seed=1)


def test_archives_of_which_nothing_can_be_read_are_one_clear_line(
    tmp_path: Path, identifier: Identifier
) -> None:
    identifier._model.save_model(str(tmp_path / "given.bin"))
    (tmp_path / "a.warc").write_bytes(b"WARC/1.0\r\nWARC-Type: conversion\r\n" + b"x" * 99)
    (tmp_path / "clean").mkdir()
    given = MeasureConfig(identifier_path=str(tmp_path / "given.bin"))
    files = sources.find(tmp_path / "a.warc")
    with pytest.raises(UserError, match=r"no document can be read from .*a\.warc \(records left"):
        clean.clean(files, tmp_path / "clean", config=CleanConfig(), measuring=given, seed=1)
    gone = MeasureConfig(identifier_path=str(tmp_path / "gone.bin"))
    with pytest.raises(UserError, match=r"no fastText model at .*gone\.bin"):
        clean.clean(files, tmp_path / "clean", config=CleanConfig(), measuring=gone, seed=1)


def test_a_limit_takes_documents_from_each_source_in_turn(
    corpus: Path, tmp_path: Path, write: Write
) -> None:
    for i in range(40):
        add(corpus, "web/qaa.txt", *write("qaa", 3, 100 + i))
    report = run(corpus, tmp_path / "clean", ("qaa", "qab"), max_bytes_per_language=4000)
    assert 4000 < report.languages["qaa"].read_bytes < 5000
    order = [doc_id for doc_id, _ in documents.iterate(tmp_path / "clean" / "documents", "qaa")]
    assert order[:4] == ["news/qaa/0", "web/qaa/0", "news/qaa/1", "web/qaa/1"]


@pytest.mark.slow
@pytest.mark.usefixtures("learning")
def test_the_identifier_learns_from_labelled_sources_only(
    corpus: Path, tmp_path: Path, write: Write
) -> None:
    for i in range(10):
        add(corpus, "web/qaa.txt", *write("qab", 40, 200 + i))
    trusting = run(corpus, tmp_path / "all").languages["qaa"]
    report = run(corpus, tmp_path / "news", labelled_sources=("news",))
    assert report.languages["qaa"].rejected["wrong_language"] == 400
    assert trusting.rejected.get("wrong_language", 0) < 400
    assert report.identifier.accuracy == 1.0
    with pytest.raises(UserError, match="no source 'novels'; there are news, web"):
        run(corpus, tmp_path / "x", labelled_sources=("novels",))
    with pytest.raises(UserError, match="no labelled text of qab, qac in the sources web"):
        run(corpus, tmp_path / "y", labelled_sources=("web",))


@pytest.mark.usefixtures("learning")
def test_languages_of_one_document_are_cleaned_and_not_measured(
    tmp_path: Path, write: Write
) -> None:
    for language in ("qaa", "qab"):
        folder = tmp_path / "corpus"
        folder.mkdir(exist_ok=True)
        add(folder, f"news/{language}.txt", *write(language, 30, 1))
    report = run(tmp_path / "corpus", tmp_path / "clean", ("qaa", "qab"))
    assert report.languages["qaa"].kept_paragraphs == 30
    assert report.identifier.accuracy is None
    assert report.identifier.accuracy_by_language == {"qaa": None, "qab": None}


def test_a_language_with_an_empty_file_is_named(corpus: Path, tmp_path: Path) -> None:
    add(corpus, "news/qad.txt")
    with pytest.raises(UserError, match=r"language 'qad' has no text: .*qad\.txt"):
        run(corpus, tmp_path / "clean", (*LANGUAGES, "qad"))


def test_a_language_with_nothing_left_says_why(corpus: Path, tmp_path: Path, write: Write) -> None:
    add(corpus, "news/qad.txt", "1234567890", "Menu", "1 | 2 | 3 | 4")
    with pytest.raises(UserError, match=r"'qad'.*removed: not_text 2, too_short 1"):
        run(corpus, tmp_path / "first", (*LANGUAGES, "qad"))
    (corpus / "news" / "qab.txt").write_text("\n".join(write("qac", 9, 50)), encoding="utf-8")
    with pytest.raises(UserError, match=r"'qab'.*\(paragraphs removed: wrong_language 9\)"):
        run(corpus, tmp_path / "second")


def test_a_broken_file_stops_the_run(corpus: Path, tmp_path: Path) -> None:
    whole = gzip.compress((corpus / "news" / "qab.txt").read_bytes())
    (corpus / "web").mkdir()
    (corpus / "web" / "qab.txt.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"web/qab\.txt\.gz is damaged after line"):
        run(corpus, tmp_path / "clean")


def test_too_little_space_is_said_before_the_work(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = measure.storage.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(
        measure.storage.shutil, "disk_usage", lambda path: usage._replace(free=1000)
    )
    with pytest.raises(UserError, match="measuring the text needs about"):
        run(corpus, tmp_path / "clean")
    assert list((tmp_path / "clean").iterdir()) == []


def test_a_disk_that_fills_up_is_an_os_error(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(measure.storage, "write_bytes", full)
    with pytest.raises(OSError, match="No space left on device"):
        run(corpus, tmp_path / "clean")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("min_letter_share", 1.5, r"clean\.min_letter_share must be in \[0, 1\], got 1\.5"),
        ("identifier_share", 1.0, r"measure\.identifier_share must be between 0 and 1, got 1\.0"),
        ("target_precision", 1.0, r"measure\.target_precision must be at least 0 and less than 1"),
        ("max_bytes_per_language", -1, r"must be at least 0, got -1"),
        ("identifier_bytes", 10, r"must be at least 1000, got 10"),
    ],
)
def test_settings_are_checked(name: str, value: float, message: str) -> None:
    known = {field.name for field in dataclasses.fields(MeasureConfig)}
    with pytest.raises(UserError, match=message):
        (MeasureConfig if name in known else CleanConfig)(**{name: value})
