"""Statistics of small corpora by hand, and beside the paper's table."""

import lzma
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest

from xlmr_lab.corpus import documents, statistics
from xlmr_lab.corpus.documents import DOCUMENTS
from xlmr_lab.corpus.report import IdentifierReport, LanguageReport, Report
from xlmr_lab.corpus.scripts import KNOWN_SCRIPTS
from xlmr_lab.errors import UserError
from xlmr_lab.languages import LANGUAGES
from xlmr_lab.paper import tables

REAL = Path(__file__).parents[3] / "shared" / "data" / "text" / "ntrex"

MIXTURES = {
    "Hans": ("Hani",),
    "Hant": ("Hani",),
    "Jpan": ("Hani", "Hira", "Kana"),
    "Kore": ("Hang",),
}
"""Scripts that are written in several, by those of their letters."""


def write(folder: Path, texts: Mapping[str, Sequence[str]]) -> Path:
    """Write documents, each in a shard of its own."""
    for language, own in texts.items():
        rows = [
            {
                "lang": language,
                "text": text,
                "num_bytes": len(text.encode("utf-8")),
                "num_paragraphs": text.count("\n"),
            }
            for text in own
        ]
        frames = [pl.DataFrame([row], schema=DOCUMENTS) for row in rows]
        documents.write_documents(folder, language, frames)
    return folder


def report(**languages: LanguageReport) -> Report:
    identifier = IdentifierReport(accuracy=None, accuracy_by_language={}, num_paragraphs={})
    return Report(languages=languages, identifier=identifier, unreadable={}, cutoffs={})


def sized(sizes: Mapping[str, int]) -> pl.DataFrame:
    return pl.DataFrame(
        {"language": list(sizes), "size_bytes": list(sizes.values())},
        schema_overrides={"size_bytes": pl.Int64},
    )


def test_sizes_by_hand(tmp_path: Path) -> None:
    write(tmp_path, {"sw": ["habari ya\nleo\n", "ndiyo\n"], "zh-Hans": ["\u4f60\u597d\n"]})
    assert statistics.sizes(tmp_path).rows() == [("sw", 2, 3, 20, 4), ("zh-Hans", 1, 1, 7, 1)]
    assert statistics.sizes(tmp_path).schema == statistics.SIZES


@pytest.mark.parametrize(
    "count", [statistics.sizes, statistics.lengths, statistics.scripts], ids=lambda f: f.__name__
)
def test_no_documents_are_an_error(tmp_path: Path, count) -> None:
    with pytest.raises(UserError, match="no documents"):
        count(tmp_path)


def test_what_each_step_took_away_by_hand() -> None:
    swahili = LanguageReport(
        read_documents=3,
        read_paragraphs=10,
        read_bytes=1000,
        kept_documents=2,
        kept_paragraphs=4,
        kept_bytes=500,
        rejected={"too_short": 1, "duplicate": 2, "near_duplicate": 3},
        rejected_bytes={"too_short": 9, "duplicate": 98, "near_duplicate": 297},
    )
    frame = statistics.stages(report(sw=swahili))
    assert frame.schema == statistics.WATERFALL
    assert frame.rows() == [
        ("sw", "read", None, 10, 1.0, 1000),
        ("sw", "filters", "too_short", 1, 0.1, 9),
        ("sw", "filters", None, 9, 0.9, 900),
        ("sw", "identify", None, 9, 0.9, 900),
        ("sw", "deduplicate", "duplicate", 2, 0.2, 98),
        ("sw", "deduplicate", None, 7, 0.7, 800),
        ("sw", "contamination", None, 7, 0.7, 800),
        ("sw", "quality", None, 7, 0.7, 800),
        ("sw", "near_duplicates", "near_duplicate", 3, 0.3, 297),
        ("sw", "near_duplicates", None, 4, 0.4, 500),
        ("sw", "kept", None, 4, 0.4, 500),
    ]


def test_a_language_of_which_nothing_was_read_has_no_shares_to_divide_by() -> None:
    empty = LanguageReport(
        read_documents=0,
        read_paragraphs=0,
        read_bytes=0,
        kept_documents=0,
        kept_paragraphs=0,
        kept_bytes=0,
        rejected={},
        rejected_bytes={},
    )
    assert set(statistics.stages(report(sw=empty))["share"]) == {0.0}


def test_sizes_beside_the_papers_by_hand() -> None:
    frame = statistics.against_paper(sized({"sw": 100, "sv": 200, "en": 300, "qzz": 5}))
    assert frame.schema == statistics.AGAINST_PAPER
    assert frame["language"].to_list() == ["en", "sv", "sw", "qzz"]
    assert frame["name"].to_list() == ["English", "Swedish", "Swahili", "qzz"]
    assert frame["share"].to_list() == pytest.approx([3 / 6, 2 / 6, 1 / 6, None])
    assert frame["rank"].to_list() == [1, 2, 3, None]
    assert frame["paper_rank"].to_list() == [1, 2, 3, None]
    whole = 300.8 + 77.8 + 1.6
    paper = [300.8 / whole, 77.8 / whole, 1.6 / whole]
    assert frame["paper_share"].to_list() == pytest.approx([*paper, None])
    assert frame["ratio"][2] == pytest.approx((1 / 6) / (1.6 / whole))
    assert frame["in_wikipedia_88"].to_list() == [True, True, True, None]


def test_a_wrong_figure_of_the_paper_stands_beside_its_correction() -> None:
    (row,) = statistics.against_paper(sized({"sv": 1})).to_dicts()
    (erratum,) = (e for e in tables.ERRATA if e.row == "sv")
    assert f"77.8, {row['paper_printed_gib']}" == erratum.printed
    assert row["paper_gib"] == 77.8


def test_equal_sizes_share_a_rank() -> None:
    frame = statistics.against_paper(sized({"om": 7, "so": 7, "xh": 7, "su": 1}))
    assert frame["rank"].to_list() == [1, 1, 1, 4]
    by_language = dict(frame.select("language", "paper_rank").iter_rows())
    assert by_language == {"so": 1, "om": 2, "su": 2, "xh": 2}


def test_an_invented_language_takes_the_place_of_a_real_one() -> None:
    (row,) = statistics.against_paper(sized({"qaa": 9}), {"qaa": "en"}).to_dicts()
    assert (row["language"], row["name"], row["paper_gib"]) == ("qaa", "English", 300.8)


def test_correlation_with_the_paper() -> None:
    scaled = {key: round(1000 * row.size_gib) for key, row in LANGUAGES.items()}
    whole = statistics.correlation(statistics.against_paper(sized(scaled)))
    assert whole.num_languages == 100
    assert (whole.spearman, whole.log_pearson) == pytest.approx((1.0, 1.0))
    turned = {"en": 1, "sv": 10, "sw": 100}
    reverse = statistics.correlation(statistics.against_paper(sized(turned)))
    assert reverse.spearman == pytest.approx(-1.0)
    assert reverse.log_pearson == pytest.approx(-0.9632, abs=1e-4)


def test_no_correlation_of_two_languages_or_of_equal_sizes() -> None:
    two = statistics.against_paper(sized({"en": 2, "sw": 1, "qzz": 3}))
    assert statistics.correlation(two) == (2, None, None)
    equal = statistics.against_paper(sized({"en": 7, "sv": 7, "sw": 7}))
    assert statistics.correlation(equal) == (3, None, None)


def test_lengths_by_hand(tmp_path: Path) -> None:
    write(tmp_path, {"sw": ["a\nbb\n", "dddd\n"], "en": ["\u00e9\n"]})
    frame = statistics.lengths(tmp_path)
    assert frame.schema == statistics.LENGTHS
    assert frame.rows() == [
        ("en", "document", 1, 3.0, 3, 3, 3, 3, 3, 3, 3),
        ("en", "paragraph", 1, 2.0, 2, 2, 2, 2, 2, 2, 2),
        ("sw", "document", 2, 5.0, 5, 5, 5, 5, 5, 5, 5),
        ("sw", "paragraph", 3, 7 / 3, 1, 1, 1, 2, 4, 4, 4),
    ]


def test_quantiles_are_the_least_lengths_that_so_many_texts_do_not_exceed(tmp_path: Path) -> None:
    write(tmp_path, {"en": ["".join("x" * n + "\n" for n in range(1, 101))]})
    row = statistics.lengths(tmp_path).filter(unit="paragraph").to_dicts()[0]
    assert [row[f"p{p:02}_bytes"] for p in (5, 25, 50, 75, 95)] == [5, 25, 50, 75, 95]
    assert row["mean_bytes"] == 50.5


def test_letters_by_script_by_hand(tmp_path: Path) -> None:
    texts = {
        "sr": ["\u0434\u0430 12, da!\n", "\u0434\n"],
        "ja": ["\u65e5\u672c\u306e\u30ab\u30fc\n"],
        "hi": ["\u0939\u093f\u0928\u094d\u0926\u0940\n"],
        "xx": ["\U00010330\u16a0\n"],
    }
    frame = statistics.scripts(write(tmp_path, texts))
    assert frame.schema == statistics.SCRIPTS
    assert frame.filter(language="sr").rows() == [
        ("sr", "Cyrl", 3, 0.6),
        ("sr", "Latn", 2, 0.4),
    ]
    found = {
        key: dict(frame.filter(language=key).select("script", "num_letters").rows())
        for key in texts
    }
    assert found["ja"] == {"Hani": 2, "Hira": 1, "Kana": 1, "Zyyy": 1}
    assert found["hi"] == {"Deva": 3}
    assert found["xx"] == {"Goth": 1, "Zzzz": 1}


def test_scripts_do_not_depend_on_the_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {"en": ["one\n", "\u0434\u0432\u0430\n", "three\n"], "ru": ["\u0440\u0430\u0437\n"]}
    whole = statistics.scripts(write(tmp_path, texts))
    monkeypatch.setattr(statistics, "CHUNK_BYTES", 1)
    assert statistics.scripts(tmp_path).equals(whole)


def test_every_script_of_the_papers_languages_is_told_apart() -> None:
    scripts = {
        part for row in LANGUAGES.values() for part in MIXTURES.get(row.script, [row.script])
    }
    assert scripts <= set(KNOWN_SCRIPTS)


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_dir(), reason="needs the real corpora in ../shared/data")
def test_real_text_is_in_the_scripts_that_its_languages_are_said_to_have(tmp_path: Path) -> None:
    for path in REAL.glob("*.txt.xz"):
        text = lzma.decompress(path.read_bytes()).decode("utf-8")
        write(tmp_path, {path.name.partition(".")[0]: [text.replace("\n\n", "\n")]})
    frame = statistics.scripts(tmp_path)
    found = frame["language"].unique().to_list()
    assert len(found) > 80
    for language in found:
        script = LANGUAGES[language].script
        own = pl.col("script").is_in(MIXTURES.get(script, [script]))
        share = frame.filter(pl.col("language") == language, own)["share"].sum()
        assert share > 0.7, (language, script, share)
