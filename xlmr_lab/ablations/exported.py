"""The Hugging Face folder of a run, `export/`: its main arm's first model with the tokenizer, or
the tokenizer alone where nothing is pretrained yet.
"""

import functools
from pathlib import Path
from typing import NamedTuple

from xlmr_lab import configs, storage, study_call
from xlmr_lab.ablations import surgery_source
from xlmr_lab.ablations.opened import open_run
from xlmr_lab.ablations.run import Study
from xlmr_lab.ablations.sections import SurgeryConfig
from xlmr_lab.model import convert
from xlmr_lab.vocabulary import export as tokenizer_files

FOLDER_NAME = "export"


class Exported(NamedTuple):
    """What was written."""

    folder: Path
    model_maker: str
    """The command that pretrains the model, where there is none yet; empty where it was written."""


def export(work: Study) -> Exported:
    """Write the folder.

    Raises:
        UserError: no such run, or a vocabulary that has no form as a Hugging Face tokenizer.
    """
    run, target = open_run(work), work.folder / FOLDER_NAME
    run.refuse_idle(configs.leaves(SurgeryConfig), "export")
    write_tokenizer = functools.partial(
        tokenizer_files.write,
        run.stage("vocabulary"),
        max_tokens=run.config.model.max_tokens,
    )
    if run.checkpoint() is None:
        with storage.atomic_folder(target) as partial:
            write_tokenizer(partial)
        return Exported(target, study_call.told(run.folder, "pretrain"))
    model = surgery_source.read(run).model
    convert.to_huggingface(model, target, write_tokenizer=write_tokenizer)
    return Exported(target, "")
