"""Text is divided by the hash of its documents, and never is a part empty.

Run with: pytest tests/ablations/test_surgery_text.py
"""

import pytest

from xlmr_lab import configs
from xlmr_lab.ablations import studies
from xlmr_lab.ablations.surgery_text import new_text, sample, split
from xlmr_lab.batches.splits import rank
from xlmr_lab.errors import UserError


def documents(number: int):
    """Return what reads so many documents of two paragraphs, each time anew."""
    return lambda: ((f"d{i}", f"first of {i}\n\n  \nsecond of {i}\n") for i in range(number))


def test_documents_under_the_fraction_are_held_out_whole():
    found = split(documents(200), "sw", 0.1)
    wanted = [i for i in range(200) if rank(f"d{i}") < 0.1]
    assert 5 < len(wanted) < 50
    for _ in range(2):
        assert list(found.heldout) == [
            f"{part} of {i}" for i in wanted for part in ("first", "second")
        ]
    assert sorted([*found.heldout, *found.seen]) == sorted(
        f"{part} of {i}" for i in range(200) for part in ("first", "second")
    )


@pytest.mark.parametrize("fraction", [1e-9, 0.5, 1 - 1e-9])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_neither_part_is_empty(number, fraction):
    found = split(documents(number), "sw", fraction)
    seen, heldout = (list(part) for part in found)
    assert seen
    assert heldout
    assert len(seen) + len(heldout) == 2 * number


def test_of_a_single_document_the_last_paragraphs_are_held_out():
    found = split(lambda: [("d", "a\nb\nc\nd\ne\n")], "sw", 0.4)
    assert [list(part) for part in found] == [["a", "b", "c"], ["d", "e"]]


@pytest.mark.parametrize("found", [[], [("d", "")], [("d", " \n\n")], [("d", "one")]])
def test_too_little_text_is_refused(found):
    with pytest.raises(UserError, match="no text of sw to speak of: at least 2 paragraphs"):
        split(lambda: found, "sw", 0.1)


def test_a_sample_is_lines_of_all_the_text_in_their_order():
    lines = [f"line {i:04}" for i in range(5000)]
    found = sample(iter(lines), 9 * 500)
    assert len(found) == 500
    assert found == sorted(found)
    positions = [int(line[5:]) for line in found]
    assert positions[0] < 100
    assert positions[-1] > 4900
    assert 2200 < sum(positions) / 500 < 2800
    assert sample(lines, 9 * 5000) == lines
    assert sample(lines, 1) != []


def config(*settings: str):
    return configs.override(studies.tiny(), settings)


def test_text_of_a_language_is_read_from_a_folder_or_a_file(tmp_path):
    for source, language, text in (
        ("news", "sw", "habari\n\nza asubuhi\n"),
        ("wiki", "sw", "mji\n\nmto\n"),
        ("wiki", "en", "town\n\nriver\n"),
    ):
        (tmp_path / source).mkdir(exist_ok=True)
        (tmp_path / source / f"{language}.txt").write_text(text)
    both = new_text(config("surgery.language=sw", f"surgery.text={tmp_path}"))
    assert sorted(both.seen + both.heldout) == ["habari", "mji", "mto", "za asubuhi"]
    file = tmp_path / "wiki" / "sw.txt"
    one = new_text(config("surgery.language=sw", f"surgery.text={file}"))
    assert sorted(one.seen + one.heldout) == ["mji", "mto"]
    with pytest.raises(UserError, match="no text of sw in"):
        new_text(config("surgery.language=sw", f"surgery.text={tmp_path / 'wiki' / 'en.txt'}"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([], "give the new language and its text"),
        (["surgery.language=sw"], "give the new language and its text"),
        (["surgery.text=x"], "give the new language and its text"),
        (["surgery.language=s w", "surgery.text=x"], 'is a key such as sw, got "s w"'),
        (["surgery.language=sw", "surgery.text=/there/is/none"], "/there/is/none"),
    ],
)
def test_missing_settings_are_told(settings, message):
    with pytest.raises(UserError, match=message):
        new_text(config(*settings))
