"""A task fine-tuned on and scored, as studies do it: read once, then run."""

from pathlib import Path
from types import ModuleType
from typing import Any

from xlmr_lab.evaluate import glue, transfer
from xlmr_lab.evaluate.encoders import AnyEncoder
from xlmr_lab.evaluate.finetune import FinetuneConfig
from xlmr_lab.evaluate.scores import Score


def tuned(
    module: ModuleType,
    encoder: AnyEncoder,
    text: Any,
    folder: Path,
    *,
    config: FinetuneConfig,
    seed: int,
    **settings: Any,
) -> list[Score]:
    """Return the scores of a task's module (nli, ner, qa, glue) on a folder."""
    data = module.load(text, folder, config=config, **settings)
    rows = transfer.run(encoder, data, config=config, seed=seed)
    return glue.told_apart(data, rows) if module is glue else rows
