"""`xlmr-lab report FOLDER`: which words mean a campaign, and when its page is made anew."""

import shutil

import pytest

from xlmr_lab import campaign_report, commands, reports
from xlmr_lab.__main__ import main
from xlmr_lab.errors import UserError


@pytest.fixture
def runs(tested_folder, tmp_path, monkeypatch):
    """The working directory of a campaign at runs/mine and a study at runs/other; what is written
    of a campaign is a line."""
    shutil.copytree(tested_folder, tmp_path / "runs" / "mine", ignore=shutil.ignore_patterns("r*"))
    (tmp_path / "runs" / "other").mkdir()
    (tmp_path / "runs" / "other" / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    written = []

    def write(tested, notebooks):
        written.append(tested.name)
        page = tested.folder / "report" / "index.html"
        page.parent.mkdir(exist_ok=True)
        page.write_text("page")
        return page

    monkeypatch.setattr(reports, "report_campaign", write)
    return written


@pytest.mark.parametrize("words", [["runs/mine"], ["name=mine"], ["name=mine", "runs_dir=runs"]])
def test_a_campaign_is_named_by_its_folder_or_as_a_run_is(runs, words, capsys):
    assert main(["report", *words]) == 0
    assert "report: " in (said := capsys.readouterr().out)
    assert said.rstrip().endswith("runs/mine/report/index.html")
    assert runs == ["runs/mine"]


def test_a_page_is_made_anew_only_if_something_is_new(runs, tmp_path):
    for times in (1, 1):
        assert main(["report", "runs/mine"]) == 0
        assert len(runs) == times
    (tmp_path / "runs" / "mine" / "missing.jsonl").write_text("{}")
    assert main(["report", "runs/mine"]) == 0
    assert len(runs) == 2


def test_a_page_that_is_not_whole_is_made_anew(runs, monkeypatch, tmp_path, capsys):
    """Also where results are again what the page before it was made from."""
    assert main(["report", "runs/mine"]) == 0
    missing = tmp_path / "runs" / "mine" / "missing.jsonl"
    before = missing.read_text()
    missing.write_text("{}")

    def stop(tested, notebooks):
        raise UserError("the page is not whole")

    with monkeypatch.context() as patched:
        patched.setattr(reports, "report_campaign", stop)
        assert main(["report", "runs/mine"]) == 2
    assert "the page is not whole" in capsys.readouterr().err
    missing.write_text(before)
    assert main(["report", "runs/mine"]) == 0
    assert len(runs) == 2


def test_what_names_no_campaign_is_a_study(runs):
    assert campaign_report.asked_for([]) is None
    assert campaign_report.asked_for(["name=other", "nli.seeds=3"]) is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["runs/none"], r"no tested claims in 'runs/none'"),
        (["runs/other"], r"runs/other is a study; .* name=NAME, or --preset NAME"),
        (["runs/mine", "runs/mine"], r"runs/mine has no effect on the page of tested claims"),
        (["runs/mine", "seeds=3"], r"seeds has no effect on the page of tested claims"),
        (["name=mine", "seeds=3"], r"seeds has no effect on the page of tested claims"),
    ],
)
def test_what_cannot_be_meant_is_refused(runs, words, told):
    with pytest.raises(UserError, match=told):
        campaign_report.asked_for(words)


def test_the_help_tells_of_it(capsys):
    assert main(["report", "--help"]) == 0
    assert "`report FOLDER` is another thing" in " ".join(capsys.readouterr().out.split())


def test_notebooks_stand_beside_the_package():
    assert "16_results" in [path.stem for path in commands.notebooks()]
