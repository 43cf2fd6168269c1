"""The libraries of the extra `preprocess`: a missing one is named, and only where it is needed.

Run with: pytest tests/vocabulary/test_extra.py
"""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from xlmr_lab.vocabulary.extra import EXTRA, LIBRARIES, versions

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("language", "library"),
    [
        ("en", "sacremoses"),
        ("zh-Hans", "rjieba"),
        ("ja", "sudachidict_small"),
        ("ja", "sudachipy"),
        ("th", "pythainlp"),
    ],
)
def test_a_missing_library_is_one_line_that_says_what_to_install(language, library):
    done = _without([library], f"preprocess(['a'], {language!r}, 'tokenized')")
    message = done.stderr.splitlines()[-1]
    assert f"preprocessing text of {language.split('-')[0]!r} needs {library}" in message
    assert "pip install 'xlmr-lab[preprocess]'" in message


def test_a_segmenter_is_needed_only_for_its_language():
    code = "print(preprocess(['a, b'], 'en', 'tokenized'), preprocess(['a, b'], 'ja', 'none'))"
    done = _without(["rjieba", "pythainlp", "sudachipy", "sudachidict_small"], code)
    assert done.stdout == "['a , b'] ['a, b']\n", done.stderr


def test_every_library_of_the_extra_is_named_with_its_version():
    assert set(versions()) == set(LIBRARIES)
    assert "absent" not in versions().values()


def test_the_extra_installs_them_and_so_does_development():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = extras["optional-dependencies"][EXTRA]
    assert {Requirement(line).name for line in wanted} == set(LIBRARIES)
    assert set(wanted) <= set(extras["optional-dependencies"]["dev"])


def _without(libraries: list[str], code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process in which some libraries cannot be imported."""
    start = (
        f"import sys\nsys.modules.update(dict.fromkeys({libraries}))\n"
        "from xlmr_lab.vocabulary.preprocess import preprocess\n"
    )
    return subprocess.run(
        [sys.executable, "-c", start + code], capture_output=True, text=True, check=False
    )
