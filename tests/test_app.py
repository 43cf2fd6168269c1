"""`xlmr-lab app` says in one line what is missing or wrong, and writes a page that asks for nothing
from the network."""

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest

from xlmr_lab import __main__, app
from xlmr_lab.errors import UserError

RESULTS = Path(__file__).parents[1] / "notebooks" / "results"


def test_settings_are_those_given_and_the_defaults() -> None:
    assert app.settings(["port=9000"]) == app.DEFAULTS | {"port": "9000"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["prot=1"], r"app takes run=, studies=, port=, browser=; got 'prot=1'"),
        (["run"], r"got 'run'"),
        (["port=0"], "port must be a number from 1 to 65535, got '0'"),
        (["browser=no"], "browser must be true or false, got 'no'"),
        (["run=nowhere"], "run=nowhere: no study in 'nowhere'"),
        (["studies=nowhere"], "studies=nowhere: no tested claims in 'nowhere'"),
    ],
)
def test_what_cannot_be_served_is_told(words: list[str], said: str) -> None:
    pytest.importorskip("voila")
    given = [f"run={RESULTS / 'tiny-protocols'}", f"studies={RESULTS / 'laptop'}", *words]
    with pytest.raises(UserError, match=said):
        app.serve(given, say=pytest.fail)


def test_a_study_without_scores_is_told_before_anything_is_served(
    study_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("voila")
    copied = shutil.copytree(study_folder, tmp_path / "copied")
    (copied / "scores.jsonl").unlink()
    monkeypatch.setattr(app, "_served", lambda *_: pytest.fail("served"))
    given = [f"run={copied}", f"studies={RESULTS / 'laptop'}"]
    with pytest.raises(UserError, match="scores"):
        app.serve(given, say=lambda _: None)


def test_without_voila_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert __main__.main(["app"]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert "the app needs Voila" in told[0]
    assert "-e '.[app]'" in told[0]


def test_the_notebook_behind_it_is_one_cell_and_the_template_fetches_nothing(
    tmp_path: Path,
) -> None:
    notebook = json.loads(app._written(tmp_path, Path("/a"), Path("/b"), Path("/c")).read_text())
    (cell,) = notebook["cells"]
    *_, folder, call = cell["source"].splitlines()
    assert (folder, call) == ("os.chdir('/c')", "app.shown('/a', '/b')")
    index = (tmp_path / "voila" / "templates" / app.TEMPLATE / "index.html.j2").read_text()
    assert f'replace("{app.FETCHED}", "data:text/css,")' in index


def test_all_that_voila_fetches_is_replaced() -> None:
    pytest.importorskip("voila")
    template = Path(sys.prefix) / "share/jupyter/voila/templates/lab/index.html.j2"
    if not template.is_file():
        pytest.skip("Voila's templates stand elsewhere")
    left = template.read_text("utf-8").replace(app.FETCHED, "")
    assert '="https://' not in left


def test_the_page_has_both_explorers() -> None:
    page = app.shown(str(RESULTS / "tiny-protocols"), str(RESULTS / "laptop"))
    kinds = [type(child).__name__ for child in page.children]
    assert kinds == ["HTML", "HTML", "CampaignExplorer", "HTML", "TransferExplorer"]
    assert "F1, F2, F3" in page.children[1].value


def test_its_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["app", "--help"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in app.DEFAULTS)
