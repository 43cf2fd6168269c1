"""Dataset cards of a small corpus: metadata that the hub can read, figures that are the corpus's
own.
"""

import dataclasses
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

import xlmr_lab
from xlmr_lab import configs, storage
from xlmr_lab.corpus import card_tables, cards, documents, hub_metadata
from xlmr_lab.corpus.cards import About
from xlmr_lab.corpus.documents import DOCUMENTS
from xlmr_lab.corpus.judge import CleanConfig
from xlmr_lab.corpus.models import MeasureConfig
from xlmr_lab.corpus.paragraphs import STAGES
from xlmr_lab.corpus.report import IdentifierReport, LanguageReport, Report
from xlmr_lab.errors import UserError
from xlmr_lab.languages import LANGUAGES

ABOUT = About(
    name="A corpus: small, | odd",
    description="Three languages.",
    licence="cc-by-sa-4.0",
    licence_text="Of the *text*.",
    rebuild="./lab corpus",
    citation="@misc{us}",
    fingerprint="0a1b2c",
    versions={"polars": "2.1.0"},
    measures=("Read by two people.",),
    limits=("It is small.",),
)

REPORT = Report(
    languages={
        "no": LanguageReport(
            read_documents=3,
            read_paragraphs=8,
            read_bytes=400,
            kept_documents=2,
            kept_paragraphs=3,
            kept_bytes=25,
            rejected={"too_short": 1, "duplicate": 3, "gopher_few_words": 1},
            rejected_bytes={"too_short": 4, "duplicate": 90, "gopher_few_words": 2048},
        ),
        "zh-Hans": LanguageReport(
            read_documents=1,
            read_paragraphs=1,
            read_bytes=7,
            kept_documents=1,
            kept_paragraphs=1,
            kept_bytes=7,
            rejected={},
            rejected_bytes={},
        ),
    },
    identifier=IdentifierReport(
        accuracy=0.975,
        accuracy_by_language={"no": 0.95, "zh-Hans": None},
        num_paragraphs={"no": 40, "zh-Hans": 0},
    ),
    unreadable={"truncated": 2},
    cutoffs={"no": (321.4, 1234.5)},
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    sets: tuple[str, ...] = ()
    path: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clean:
    near_duplicates: bool = False
    quality: Settings = dataclasses.field(default_factory=Settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a cleaned corpus: Norwegian in two documents, simplified Chinese in one."""
    texts = {"no": ("en dag\nto\n", "fire fem sju\n"), "zh-Hans": ("\u4f60\u597d\n",)}
    for language, own in texts.items():
        rows = [
            {
                "lang": language,
                "text": text,
                "bucket": "head" if language == "no" else "all",
                "num_bytes": len(text.encode("utf-8")),
                "num_paragraphs": text.count("\n"),
            }
            for text in own
        ]
        table = pl.DataFrame(rows, schema=DOCUMENTS)
        documents.write_documents(tmp_path / "documents", language, [table])
    storage.write_json(tmp_path / "report.json", configs.to_dict(REPORT))
    return tmp_path


def header(text: str) -> dict[str, Any]:
    """Return the metadata of a card."""
    start, metadata, _ = text.split("---\n", 2)
    assert start == ""
    return dict(yaml.safe_load(metadata))


def section(text: str, title: str) -> str:
    """Return what stands under a title."""
    (found,) = (part for part in text.split("\n## ") if part.startswith(f"{title}\n"))
    return found.removeprefix(title).strip()


def test_the_metadata_are_what_the_hub_reads(folder: Path) -> None:
    found = header(cards.card(folder, ABOUT, {}))
    assert found["pretty_name"] == "A corpus: small, | odd"
    assert found["license"] == "cc-by-sa-4.0"
    assert found["language"] == ["no", "zh"]
    assert found["language_bcp47"] == ["no", "zh-Hans"]
    assert found["size_categories"] == ["n<1K"]
    assert found["multilinguality"] == ["multilingual"]
    assert found["source_datasets"] == ["original"]
    assert [row["config_name"] for row in found["configs"]] == ["no", "zh-Hans"]
    assert found["configs"][0]["data_files"] == [
        {"split": "train", "path": "documents/no-*.parquet"}
    ]
    info = found["dataset_info"][0]
    assert [row["name"] for row in info["features"]] == DOCUMENTS.names()
    assert info["features"][6] == {"name": "lid_score", "dtype": "float32"}
    assert info["splits"] == [{"name": "train", "num_bytes": 23, "num_examples": 2}]


def test_the_files_that_the_metadata_name_are_there(folder: Path) -> None:
    for row in header(cards.card(folder, ABOUT, {}))["configs"]:
        (pattern,) = (file["path"] for file in row["data_files"])
        tables = [pl.read_parquet(path) for path in folder.glob(pattern)]
        assert {key for table in tables for key in table["lang"]} == {row["config_name"]}


def test_what_is_in_it(folder: Path) -> None:
    text = section(cards.card(folder, ABOUT, {}), "What is in it")
    assert "30 bytes of text" in text
    shares = "76.7 % | 51.1 % | 1 | 1"
    assert f"| no | Norwegian | 2 | 3 | 6 | 23 bytes | {shares} |" in text
    assert "| zh-Hans | Chinese (Simplified) | 1 | 1 | 1 | 7 bytes | 23.3 % | 48.9 %" in text
    assert "| no | 10 (10 to 13) | 6 (2 to 12) | Latn 100 % |" in text
    assert "| zh-Hans | 7 (7 to 7) | 6 (6 to 6) | Hani 100 % |" in text
    for column in DOCUMENTS:
        assert f"| {column} |" in text


def test_what_was_left_out_and_why(folder: Path) -> None:
    text = section(cards.card(folder, ABOUT, {}), "What was left out, and why")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows[2:5] == [
        "| filters | too_short | 1 | 11.1 % | 4 bytes |",
        "| deduplicate | duplicate | 3 | 33.3 % | 90 bytes |",
        "| quality | gopher_few_words | 1 | 11.1 % | 2 KiB |",
    ]
    assert (
        rows[5] == "| language | read | after filters | after deduplicate | after quality | kept |"
    )
    assert rows[7:9] == ["| no | 8 | 7 | 4 | 3 | 37.5 % |", "| zh-Hans | 1 | 1 | 1 | 1 | 100 % |"]
    assert rows[-1] == "| truncated | 2 |"


def test_how_good_it_is(folder: Path) -> None:
    text = section(cards.card(folder, ABOUT, {}), "How good it is")
    assert "rightly in 97.5 % of 40 labelled paragraphs" in text
    assert "least often: no 95 %." in text
    assert "deduplication 37.5 % were copies" in text
    assert text.endswith("Read by two people.")
    assert "| no | 321 | 1,234 | 23 bytes | 0 bytes | 0 bytes | 0 bytes |" in text


def test_what_was_not_done_is_a_limit(folder: Path) -> None:
    def limits(**settings: Any) -> list[str]:
        return section(cards.card(folder, ABOUT, settings), "Known limits").splitlines()

    known = [
        "- It is small.",
        "- Fewer than 100 documents: no, zh-Hans.",
        "- How often identification errs is not measured: zh-Hans.",
        "- No encyclopaedia, so no perplexity: zh-Hans.",
    ]
    assert limits() == known
    found = limits(clean=Clean())
    assert len(found) == len(known) + 2
    assert any("nearly the same" in line for line in found)
    assert any("document quality" in line for line in found)
    done = Clean(near_duplicates=True, quality=Settings(sets=("c4",)))
    assert limits(clean=done) == known


def test_the_settings_are_shown_without_folders_of_this_machine(folder: Path) -> None:
    settings = {"clean": Clean(quality=Settings(sets=("c4", "ccnet"), path="/somewhere/lid.bin"))}
    text = section(cards.card(folder, ABOUT, settings), "How it was made")
    assert "clean.near_duplicates=false\n" in text
    assert "clean.quality.sets=c4,ccnet\n" in text
    assert "clean.quality.path=lid.bin\n" in text
    assert f"(xlmr_lab {xlmr_lab.__version__}, polars 2.1.0; settings and input 0a1b2c)" in text


def test_a_card_ends_with_licence_command_and_citation(folder: Path) -> None:
    text = cards.card(folder, ABOUT, {})
    assert section(text, "Licence") == "Of the *text*."
    assert section(text, "How to obtain it") == "```sh\n./lab corpus\n```"
    assert section(text, "Citation") == "```bibtex\n@misc{us}\n```"
    bare = cards.card(folder, dataclasses.replace(ABOUT, citation=""), {})
    assert "## Citation" not in bare


def test_invented_languages_are_several_to_the_hub_and_named_in_full(folder: Path) -> None:
    about = dataclasses.replace(ABOUT, stands_for={"no": "sw"})
    assert "| no | invented, size of Swahili |" in cards.card(folder, about, {})
    assert hub_metadata.iso_codes(["qaa", "qtz"]) == ["mul"]
    assert hub_metadata.iso_codes(["qua", "quz"]) == ["qua", "quz"]


def test_a_card_says_the_same_each_time(folder: Path) -> None:
    settings = {"clean": Clean()}
    assert cards.card(folder, ABOUT, settings) == cards.card(folder, ABOUT, settings)


def test_a_corpus_without_measures_says_so(folder: Path) -> None:
    nothing = IdentifierReport(accuracy=None, accuracy_by_language={}, num_paragraphs={})
    report = dataclasses.replace(REPORT, identifier=nothing, unreadable={}, cutoffs={})
    storage.write_json(folder / "report.json", configs.to_dict(report))
    text = cards.card(folder, ABOUT, {})
    assert "is not measured" in section(text, "How good it is")
    assert "Perplexity" not in section(text, "How good it is")
    assert "could not be read" not in text


def test_what_was_in_no_language_is_among_what_was_left_out(folder: Path) -> None:
    unnamed = LanguageReport(
        read_documents=1,
        read_paragraphs=2,
        read_bytes=20,
        kept_documents=0,
        kept_paragraphs=0,
        kept_bytes=0,
        rejected={"no_language": 2},
        rejected_bytes={"no_language": 18},
    )
    report = dataclasses.replace(REPORT, languages={**REPORT.languages, "und": unnamed})
    storage.write_json(folder / "report.json", configs.to_dict(report))
    text = cards.card(folder, ABOUT, {})
    assert "| und | 2 | 2 | 0 | 0 | 0 | 0 % |" in section(text, "What was left out, and why")
    assert "und" not in section(text, "What is in it").split()
    assert header(text)["language"] == ["no", "zh"]


def test_what_is_no_cleaned_corpus_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no report\.json in .*; clean a corpus first"):
        cards.card(tmp_path, ABOUT, {})
    storage.write_json(tmp_path / "report.json", configs.to_dict(REPORT))
    with pytest.raises(UserError, match="no documents"):
        cards.card(tmp_path, ABOUT, {})


def test_the_report_is_read_as_it_was_written(folder: Path) -> None:
    assert cards.read_report(folder) == REPORT


@pytest.mark.parametrize("key", ["no", "on", "yes", "null", "1e3", "zh-Hans", "\u00e9: # |"])
def test_any_name_survives_the_metadata(key: str) -> None:
    values = {"language": [key], "configs": [{"config_name": key}]}
    assert yaml.safe_load(hub_metadata.as_yaml(values)) == values


def test_the_papers_keys_have_codes_of_two_letters() -> None:
    codes = hub_metadata.iso_codes(LANGUAGES)
    assert {len(code) for code in codes} == {2}
    assert len(codes) == len({key[:2] for key in LANGUAGES})
    tags = [hub_metadata.bcp47_tag(key) for key in LANGUAGES]
    assert len(set(tags)) == 100
    assert not [tag for tag in tags if "_" in tag]


@pytest.mark.parametrize(
    ("number", "category"),
    [(0, "n<1K"), (9999, "1K<n<10K"), (10_000, "10K<n<100K"), (10**9, "1B<n<10B")],
)
def test_size_categories(number: int, category: str) -> None:
    assert hub_metadata.size_category(number) == category


def test_every_step_and_column_is_described() -> None:
    assert list(cards.STAGE_TEXTS) == list(STAGES)
    assert list(card_tables.COLUMN_TEXTS) == DOCUMENTS.names()


def test_settings_that_are_named_as_not_done_exist() -> None:
    known = {*configs.leaves(CleanConfig, "clean."), *configs.leaves(MeasureConfig, "measure.")}
    assert set(cards.NOT_DONE) <= known
