"""The check of a BiLSTM-CRF's run: whether it tags the same after it was saved and loaded."""

import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.bilstm_inputs import Encoded
from xlmr_lab.evaluate.bilstm_training import Training
from xlmr_lab.evaluate.doctor.runs import differing, unchecked
from xlmr_lab.evaluate.doctor.verdict import Verdict
from xlmr_lab.evaluate.looks import Look


def with_reloaded(looks: Sequence[Look], run: Training, sets: Collection[Encoded]) -> list[Look]:
    """Return looks of which the last has what the doctor says of a run that has ended: it is saved,
    its weights are wiped and read back, and the tags of all sets are compared."""
    before = [tags for sentences in sets for tags in run.predict(sentences)]
    try:
        with tempfile.TemporaryDirectory() as folder:
            run.save(Path(folder), [])
            with torch.no_grad():
                for parameter in run.model.parameters():
                    parameter.zero_()
            run.resume(Path(folder))
    except (OSError, UserError) as error:
        found: Verdict | None = unchecked(str(error))
    else:
        after = [tags for sentences in sets for tags in run.predict(sentences)]
        found = differing(*_as_logits(before, after))
    return [*looks[:-1], looks[-1]._replace(model=[found] if found else [])]


def _as_logits(*tagged: Sequence[Sequence[str]]) -> list[np.ndarray]:
    """Return tags of the same sentences [N, C], 1 where a word has a tag."""
    names = sorted({tag for sentences in tagged for tags in sentences for tag in tags})
    return [
        np.array([[float(tag == name) for name in names] for tags in sentences for tag in tags])
        for sentences in tagged
    ]
