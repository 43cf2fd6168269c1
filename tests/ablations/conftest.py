"""The least study: what the tests of studies have in common."""

from collections.abc import Callable
from pathlib import Path

import pytest
from least_study import LEAST

from xlmr_lab import configs
from xlmr_lab.ablations import studies
from xlmr_lab.ablations.run import Study

Micro = Callable[..., Study]
"""Returns the least study, with changed settings, in a folder of its own."""


@pytest.fixture(scope="session")
def micro() -> Micro:
    def study(folder: Path, *changes: str) -> Study:
        places = (f"data_dir={folder / 'data'}", f"runs_dir={folder / 'runs'}", "name=micro")
        return Study(configs.override(studies.tiny(), [*LEAST, *places, *changes]), "tiny")

    return study
