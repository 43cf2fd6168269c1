"""Parts of a cleaned corpus: the same documents held out, smaller parts within larger ones."""

import dataclasses
from pathlib import Path

import polars as pl
import pytest

from xlmr_lab import storage
from xlmr_lab.ablations import stages, text_part
from xlmr_lab.ablations.text_part import PartConfig, kept_ranks
from xlmr_lab.batches.splits import rank
from xlmr_lab.corpus import documents
from xlmr_lab.errors import UserError

FRACTION = 0.1
NUMBER, SIZE = 60, 100


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a cleaned corpus of two languages, 60 documents of 100 bytes in two shards each."""
    folder = tmp_path / "clean"
    for language in ("aa", "bb"):
        for shard in range(2):
            names = [f"{language}{k}" for k in range(shard, NUMBER, 2)]
            columns = {name: [None] * len(names) for name in documents.DOCUMENTS}
            text = {
                "text": ["x" * (SIZE - 1) + "\n"] * len(names),
                "num_bytes": [SIZE] * len(names),
            }
            rows = {**columns, "doc_id": names, **text}
            frame = pl.DataFrame(rows, schema=documents.DOCUMENTS)
            documents.write_shard(folder / "documents", language, shard, frame)
    storage.write_json(folder / "report.json", {"languages": {}})
    storage.write_text(folder / "rejected" / "aa-00000.parquet", "rejected")
    return folder


def named(folder: Path, language: str) -> list[str]:
    return [doc_id for doc_id, _ in documents.iterate(folder / "documents", language)]


def made(source: Path, name: str, **settings) -> Path:
    folder = source.parent / name
    text_part.write(source, folder, PartConfig(**settings), FRACTION)
    return folder


def test_the_documents_that_stay_by_hand():
    """Of hash 0.2 and 0.3 both fit, 0.5 does not; the one under 0.1 is held out and not counted."""
    ranks = [(0.5, 40), (0.05, 999), (0.3, 30), (0.2, 50)]
    assert kept_ranks(ranks, 80, FRACTION) == 0.3
    assert kept_ranks(ranks, 79, FRACTION) == 0.2
    assert kept_ranks(ranks, 1, FRACTION) == 0.2, "one stays at least"
    assert kept_ranks(ranks, 1000, FRACTION) == 0.5
    assert kept_ranks([(0.05, 999)], 80, FRACTION) == FRACTION


def test_a_shortened_language_keeps_what_is_held_out_and_so_many_bytes(source):
    part = made(source, "part", most_bytes=1050, shortened=("aa",))
    heldout = [doc_id for doc_id in named(source, "aa") if rank(doc_id) < FRACTION]
    kept = named(part, "aa")
    assert heldout
    assert set(heldout) <= set(kept)
    assert len(kept) - len(heldout) == 10
    assert kept == [doc_id for doc_id in named(source, "aa") if doc_id in kept], "in their order"
    assert named(part, "bb") == named(source, "bb")


def test_a_smaller_part_lies_within_a_larger_one(source):
    parts = [named(made(source, f"p{n}", most_bytes=n), "aa") for n in (300, 1200, 10**6)]
    assert set(parts[0]) < set(parts[1]) < set(parts[2])
    assert parts[2] == named(source, "aa")


def test_other_languages_are_left_out_and_the_text_is_the_same(source):
    part = made(source, "part", languages=("bb",))
    assert documents.languages(part / "documents") == ["bb"]
    (path, *_) = documents.paths(part / "documents", "bb")
    assert path.samefile(source / "documents" / path.name), "linked, not copied"
    assert (part / "rejected" / "aa-00000.parquet").is_file()
    assert (part / "report.json").is_file()


def test_text_is_copied_where_there_are_no_links(source, monkeypatch):
    def refused(*_):
        raise OSError("no links here")

    monkeypatch.setattr(text_part.os, "link", refused)
    assert named(made(source, "part", languages=("bb",)), "bb") == named(source, "bb")


def test_a_language_without_text_is_refused(source):
    with pytest.raises(
        UserError, match=r"part\.languages names 'cc', of which there is no text; the"
    ):
        made(source, "part", languages=("cc",))
    with pytest.raises(UserError, match=r"part\.shortened names 'aa', .* there is bb"):
        made(source, "part", languages=("bb",), most_bytes=9, shortened=("aa",))


def test_settings_without_effect_are_refused():
    with pytest.raises(UserError, match=r"part\.shortened has no effect without part.most_bytes"):
        PartConfig(shortened=("aa",))
    with pytest.raises(UserError, match=r"part\.most_bytes must be at least 0, got -1"):
        PartConfig(most_bytes=-1)


@pytest.mark.slow
def test_a_study_of_one_language_has_the_text_that_it_has_among_others(micro, tmp_path):
    """The same documents, held out and not; without a part nothing is made anew."""
    config = micro(tmp_path).config
    own = dataclasses.replace(config, part=PartConfig(languages=("qab",)))
    whole, part = stages.cleaned(config), stages.cleaned(own)
    assert whole.name.startswith("clean-")
    assert list(documents.iterate(part / "documents", "qab")) == list(
        documents.iterate(whole / "documents", "qab")
    )
    (row,) = stages.sizes(own)
    assert row in stages.sizes(config)
    assert len(list((tmp_path / "data").glob("clean-*"))) == 1
