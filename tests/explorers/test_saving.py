"""A picture of an explorer is saved with the call that draws it, where the button says."""

from pathlib import Path

import plotly.graph_objects as go
import polars as pl
import pytest

from xlmr_lab.errors import UserError
from xlmr_lab.explorers import saving
from xlmr_lab.explorers.saving import SaveControl


def figure() -> go.Figure:
    return go.Figure(go.Scatter(x=[1, 2], y=[3.5, 4]), layout={"title": {"text": "<b>Loss</b>"}})


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SaveControl:
    monkeypatch.chdir(tmp_path)
    return SaveControl(figure, lambda: "loss(a < b)", "runs/tiny")


def test_the_button_writes_the_data_and_tells_the_path(control: SaveControl) -> None:
    control.button.click()
    (path,) = Path("runs/exports").iterdir()
    assert control.told.value == f"saved: <code>{path}</code>"
    assert path.name.startswith("loss-")
    assert "# run: runs/tiny\n# call: loss(a < b)\n" in path.read_text("utf-8")
    frame = pl.read_csv(path, comment_prefix="#")
    assert frame["y"].to_list() == [3.5, 4.0]
    control.clear()
    assert control.told.value == ""


def test_the_same_view_is_the_same_file_and_another_is_another(control: SaveControl) -> None:
    control.save()
    control.save()
    assert len(list(Path("runs/exports").iterdir())) == 1
    control.written = lambda: "loss(a > b)"
    control.save()
    assert len(list(Path("runs/exports").iterdir())) == 2


def test_it_stands_beside_the_runs_that_notebooks_find(
    control: SaveControl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    control.save()
    assert len(list((tmp_path / "runs/exports").iterdir())) == 1


def test_what_cannot_be_saved_is_told_and_nothing_is_written(
    control: SaveControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> go.Figure:
        raise UserError("nothing < drawn")

    control.draw = refuse
    control.save()
    assert control.told.value == "not saved: nothing &lt; drawn"
    assert not Path("runs").exists()


def test_every_format_that_is_offered_is_one_of_a_figure() -> None:
    assert [name for _, name in saving.FORMATS] == ["csv", "html", "svg", "png"]
    assert {name for _, name in saving.FORMATS} == set(saving.export.OF_FIGURE)
