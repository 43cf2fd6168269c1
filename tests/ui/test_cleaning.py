"""The explorer of cleaning and the playground of vocabularies in a real JupyterLab: what is drawn
and read follows the controls, also after a reload.
"""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from ui.test_lab import Notebook, dots

from xlmr_lab import results, stage_folders

pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(900)]

CALL = "rejudged.compared(cleaned.compared("


def test_the_cleaning_explorer_follows_its_thresholds(page: Any, lab: str) -> None:
    notebook = Notebook(page, lab.format(name="01_clean_corpus"))
    begun = notebook.plotted()
    marks = notebook.drawn(8)
    call = page.locator(".widget-html code").first
    assert call.text_content() == (f"{CALL}{{'min_letter_share': 0.8, 'min_paragraph_bytes': 5}}))")
    page.locator(".noUi-handle").first.press("Home")
    other = notebook.changed(begun)
    assert dots(other) == dots(begun)
    notebook.redrawn(marks)
    call.filter(has_text="'min_letter_share': 0.0").wait_for()
    command = page.locator(".widget-html code").filter(has_text="./lab corpus")
    assert "clean.min_letter_share=0.0 clean.min_paragraph_bytes=5" in command.text_content()
    page.get_by_label("only those that change").check()
    page.get_by_text("was too short").first.wait_for()
    page.get_by_label("paragraphs of language").select_option(label="qac")
    read = page.locator(".jupyter-widgets section div[dir=auto]")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.jupyter-widgets section b')]"
        ".map(b => b.textContent).filter(t => /^qa.$/.test(t)).every(t => t === 'qac')"
    )
    first = read.first.text_content()
    notebook.reload()
    assert notebook.plotted() == other
    assert len(notebook.drawn(8)) >= 8
    read.first.wait_for()
    assert read.first.text_content() == first
    page.get_by_label("picture", exact=True).select_option(label="what flips, by language")
    notebook.changed(other)
    call.filter(has_text="verdicts.flips").wait_for()
    assert notebook.errors() == 0
    assert page.foreign == []


def test_the_playground_cuts_by_several_vocabularies(page: Any, lab: str, home: Path) -> None:
    study = results.open_study(home / "runs" / "tiny")
    own = stage_folders.find(study, "vocabulary")
    shutil.copytree(own, own.with_name("vocabulary-other"))
    notebook = Notebook(page, lab.format(name="04_vocabulary"))
    page.get_by_label("text", exact=True).fill("\u05d0\u05d1\u05d2 ab")
    pieces = page.locator(".jupyter-widgets div[dir=rtl]")
    pieces.nth(3).wait_for()
    assert pieces.nth(1).locator("span").count() > 2
    page.get_by_label("pieces with ids").uncheck()
    page.wait_for_function(
        "() => document.querySelectorAll('.jupyter-widgets div[dir=rtl]').length === 2"
    )
    assert pieces.first.inner_text() == "\u05d0\u05d1\u05d2 ab"
    rates = page.locator(".VocabularyExplorer div").filter(
        has_text=re.compile(r"^\d[.]\d\d pieces")
    )
    assert rates.count() == 2
    page.get_by_label("cut also by").select_option([])
    page.locator(".widget-html code").filter(has_text="{'': made.cut(").wait_for()
    page.wait_for_function(
        "() => document.querySelectorAll('.jupyter-widgets div[dir=rtl]').length === 1"
    )
    assert notebook.errors() == 0
    assert page.foreign == []
