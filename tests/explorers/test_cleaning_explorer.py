"""Thresholds decide what is drawn and read, and the call and the command that are shown say the
same.
"""

import html
import json
import re
import time
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from xlmr_lab import cleaning_results, configs, results
from xlmr_lab.cleaning_results import Cleaning
from xlmr_lab.errors import UserError
from xlmr_lab.explorers.cleaning import FLIPS, CleaningExplorer
from xlmr_lab.figures import rejudged, verdicts

FREE = ("letters", "damaged", "length", "identified", "mixed", "scores", "keep", "head", "tail")


@pytest.fixture(scope="module")
def cleaned(study_folder: Path) -> Cleaning:
    return cleaning_results.open_cleaning(results.open_study(study_folder))


@pytest.fixture
def explorer(cleaned: Cleaning) -> CleaningExplorer:
    return CleaningExplorer(cleaned)


def shown(explorer: CleaningExplorer) -> go.Figure:
    return explorer.canvas.figure


def code(text: str) -> str:
    found = re.search("<code>(.*)</code>", text)
    assert found
    return html.unescape(found[1])


def rerun(explorer: CleaningExplorer) -> go.Figure:
    """Evaluate the call that the explorer shows, as if pasted into a cell of the notebook."""
    names = {"rejudged": rejudged, "verdicts": verdicts, "cleaned": explorer.cleaned}
    return eval(code(explorer.call.value), names)


def test_it_begins_with_the_studys_own_thresholds(explorer: CleaningExplorer) -> None:
    assert explorer.thresholds == {}
    assert explorer.command.value == ""
    assert explorer.call.value.endswith("<code>rejudged.compared(cleaned.compared({}))</code>")
    before, after = (t for t in shown(explorer).data[:3] if "markers" in t.mode)
    assert before.y == after.y


@pytest.mark.slow
@pytest.mark.parametrize("own", [0.00005, 1 / 3000])
def test_thresholds_of_many_decimals_stay_the_studys_own_until_moved(
    cleaned: Cleaning, monkeypatch: pytest.MonkeyPatch, own: float
) -> None:
    config = cleaned.study.config()
    config["clean"] |= {"max_damaged_share": own, "min_letter_share": own}
    monkeypatch.setattr(results.Study, "config", lambda study: config)
    explorer = CleaningExplorer(cleaned)
    assert (explorer.thresholds, explorer.command.value) == ({}, "")
    explorer.damaged.value = 0.0
    assert explorer.thresholds == {"max_damaged_share": 0.0}
    assert code(explorer.command.value).endswith("clean.max_damaged_share=0.0")
    given = {"max_damaged_share": 0.00012}
    assert CleaningExplorer(cleaned, given).thresholds == given


@pytest.mark.slow
@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("letters", 0.95),
        ("damaged", 0.3),
        ("length", 60),
        ("identified", 390),
        ("scores", "qaa:0.99999,qab:1"),
        ("keep", "none"),
        ("head", 0.5),
        ("tail", 0.9),
    ],
)
def test_each_threshold_changes_the_picture_and_its_call_draws_it(
    explorer: CleaningExplorer, control: str, value: object
) -> None:
    before = shown(explorer)
    getattr(explorer, control).value = value
    assert shown(explorer) != before
    assert rerun(explorer) == shown(explorer)
    explorer.picture.value = FLIPS
    assert rerun(explorer) == shown(explorer)


@pytest.mark.parametrize("control", FREE)
def test_controls_that_decide_are_seen_and_labelled(
    explorer: CleaningExplorer, control: str
) -> None:
    assert getattr(explorer, control).layout.display is None
    assert getattr(explorer, control).description


def test_what_would_change_nothing_is_hidden(explorer: CleaningExplorer) -> None:
    """Scores are calibrated by language in the made-up study."""
    assert explorer.score.layout.display == "none"
    assert "qaa:" in explorer.scores.placeholder


@pytest.mark.slow
def test_the_command_cleans_by_the_thresholds_shown(explorer: CleaningExplorer) -> None:
    explorer.letters.value, explorer.scores.value = 0.8, "qaa:0.9,qab:0.8"
    command = code(explorer.command.value)
    assert command.startswith("./lab corpus ")
    told = [word.removeprefix("clean.") for word in command.split() if word.startswith("clean.")]
    made = configs.override(explorer.sample.judge.config, told)
    assert (made.min_letter_share, made.agreement.min_scores) == (0.8, ("qaa:0.9", "qab:0.8"))


def test_thresholds_to_begin_with_are_those_of_the_picture(cleaned: Cleaning) -> None:
    given = {"min_letter_share": 0.8, "min_paragraph_bytes": 5}
    explorer = CleaningExplorer(cleaned, given)
    assert explorer.thresholds == given
    assert explorer.state == {}
    assert shown(explorer) == rejudged.compared(cleaned.compared(given))
    with pytest.raises(UserError, match="of a later step"):
        CleaningExplorer(cleaned, {"near_duplicates": True})


@pytest.mark.slow
def test_paragraphs_are_paged_and_filtered(explorer: CleaningExplorer) -> None:
    explorer.language.value, explorer.reason.value = "qab", ("too_short",)
    first = explorer.listed
    assert set(first.rejected["language"]) == {"qab"} == set(first.kept["language"])
    assert set(first.rejected["after"]) == {"too_short"}
    explorer.page.value = 2
    second = explorer.listed
    assert first.kept.height == second.kept.height
    assert not set(first.kept["turn"]) & set(second.kept["turn"])
    explorer.page.value = explorer.page.max
    assert 0 < len(explorer.listed.kept) + len(explorer.listed.rejected)
    explorer.language.value = "qac"
    assert explorer.page.value == 1


def test_only_those_that_change_are_read_with_the_measure_that_decided(
    explorer: CleaningExplorer,
) -> None:
    explorer.changed.value = True
    assert "no paragraph here is rejected" in explorer.paragraphs.value
    explorer.length.value = 60
    page = explorer.listed
    assert page.kept.is_empty()
    assert set(page.rejected["after"]) == {"too_short"}
    assert page.rejected["before"].null_count() == page.rejected.height > 0
    assert " bytes, least 60" in explorer.paragraphs.value


def test_settings_that_do_not_fit_are_said_in_the_picture(explorer: CleaningExplorer) -> None:
    explorer.head.value = 0.9
    assert "must be in order" in shown(explorer).layout.annotations[0].text
    assert explorer.command.value == explorer.paragraphs.value == ""
    explorer.tail.value = 0.95
    assert shown(explorer).data
    assert explorer.paragraphs.value


def test_a_state_comes_back_to_the_same_picture_and_page(
    explorer: CleaningExplorer, cleaned: Cleaning
) -> None:
    changes: dict[str, Any] = {"letters": 0.8, "language": "qaa", "page": 3}
    for name, value in changes.items():
        getattr(explorer, name).value = value
    assert explorer.state == changes
    again = CleaningExplorer(cleaned, state=json.loads(json.dumps(explorer.state)))
    assert shown(again) == shown(explorer)
    assert again.paragraphs.value == explorer.paragraphs.value
    assert again.state == explorer.state


def test_a_change_is_quick(explorer: CleaningExplorer) -> None:
    """Counted in the time of this process, which other work on the machine does not stretch."""
    begun = time.process_time()
    explorer.letters.value = 0.7
    assert time.process_time() - begun < 5
