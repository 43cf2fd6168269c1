"""Where one of Babel's tasks lies is known without making it."""

from pathlib import Path
from typing import Any

import pytest

from xlmr_lab.ablations import stages


@pytest.mark.slow
def test_a_task_is_made_where_it_is_looked_for(micro: Any, tmp_path: Path) -> None:
    config = micro(tmp_path).config
    data = Path(config.data_dir)
    made = stages.babel_task(config, "nli")
    pivot = stages.train_language(config, "nli")
    assert stages.task_place(data, config.babel, config.tasks, "nli", pivot) == made
    elsewhere = stages.task_place(data, config.babel, config.tasks, "nli", "qac")
    assert elsewhere != made
    assert not elsewhere.exists()
    ner = stages.task_place(data, config.babel, config.tasks, "ner", pivot)
    assert ner == stages.babel_task(config, "ner")
