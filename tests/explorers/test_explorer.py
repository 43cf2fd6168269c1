"""Every explorer: a state comes back to the same picture, and one that does not fit changes
nothing."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.explorers.explorer import Explorer


class Dots(Explorer):
    """So many dots, at most what the first control allows."""

    TITLE = "Dots"

    def __init__(self, *, run: str = "", state: Mapping[str, Any] | None = None) -> None:
        self.most = widgets.IntSlider(value=5, min=1, max=9)
        self.count = widgets.IntSlider(value=2, min=0, max=5)
        self.colors = widgets.SelectMultiple(options=["red", "blue"])
        self.note = widgets.HTML("a note is no control")
        self.drawings = 0
        super().__init__(
            "Move.", [(self.most, self.count), (self.colors, self.note)], run=run, state=state
        )

    @property
    def figure(self) -> go.Figure:
        self.drawings += 1
        if not self.count.value:
            raise UserError("no dots to draw")
        return go.Figure(go.Scatter(y=list(range(self.count.value))))

    @property
    def written(self) -> str:
        return f"dots({self.count.value} < {self.most.value})"

    def _adapt(self, change: Any) -> None:
        self.count.max = self.most.value


def dots(explorer: Explorer) -> int:
    return len(explorer.canvas.figure.data[0].y)


def test_a_control_redraws_and_the_call_says_what_is_drawn() -> None:
    explorer = Dots()
    assert dots(explorer) == 2
    assert explorer.state == {}
    assert explorer.view.value == ""
    explorer.count.value = 3
    assert dots(explorer) == 3
    assert explorer.call.value == "This picture: <code>dots(3 &lt; 5)</code>"
    assert explorer.view.value == "This view again: <code>Dots(..., state={'count': 3})</code>"


def test_a_state_written_as_json_comes_back_to_the_same_picture_in_one_drawing() -> None:
    explorer = Dots()
    explorer.most.value, explorer.count.value = 8, 7  # 7 only once 8 are allowed
    explorer.colors.value = ("blue",)
    assert explorer.state == {"most": 8, "count": 7, "colors": ["blue"]}
    again = Dots(state=json.loads(json.dumps(explorer.state)))
    assert again.canvas.figure == explorer.canvas.figure
    assert again.state == explorer.state
    assert again.drawings == 1
    again.restore({})
    assert again.state == {}
    assert dots(again) == 2


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"cuont": 3}, "Dots has no control 'cuont'; it has most, count, colors"),
        ({"count": "many"}, "the state does not fit Dots: "),
        ({"most": 6, "count": 50}, "Dots: count cannot be 50, the nearest is 6"),
        ({"colors": ["green"]}, "the state does not fit Dots: "),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_nothing_moves(
    state: dict[str, Any], said: str
) -> None:
    explorer = Dots()
    explorer.count.value = 4
    with pytest.raises(UserError, match=said):
        explorer.restore({"most": 7, **state})
    assert explorer.state == {"count": 4}
    assert dots(explorer) == 4


def test_what_cannot_be_drawn_is_said_in_the_picture() -> None:
    explorer = Dots()
    explorer.count.value = 0
    shown = explorer.canvas.figure
    assert [note.text for note in shown.layout.annotations] == ["no dots to draw"]
    assert "<b>Dots</b>" in shown.layout.title.text


def test_a_picture_is_saved_with_its_run_and_the_call_of_the_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    explorer = Dots(run="runs/tiny")
    explorer.count.value = 3
    explorer.saving.button.click()
    (path,) = Path("runs/exports").iterdir()
    assert "# run: runs/tiny\n# call: dots(3 < 5)\n" in path.read_text("utf-8")
    explorer.count.value = 4
    assert explorer.saving.told.value == ""
