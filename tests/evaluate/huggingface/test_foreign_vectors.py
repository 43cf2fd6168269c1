"""Sentences as vectors of other encoders: `pytest
tests/evaluate/huggingface/test_foreign_vectors.py`."""

import numpy as np
import pytest
import torch

from xlmr_lab.evaluate.huggingface import open_encoder
from xlmr_lab.evaluate.sentence_vectors import embed

KINDS = ("xlm-roberta", "roberta", "bert", "mbert", "xlm", "xlnet")
SENTENCES = ["the cat sat on the mat", "dogs", "the caf\u00e9 ran"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_sentence_is_the_mean_of_its_own_tokens(kind, folder_of):
    encoder, text = open_encoder(str(folder_of(kind)))
    found, num_cut = embed(encoder, text, SENTENCES, "en")
    assert (found.shape, num_cut) == ((3, 3, 32), 0)
    for place, pieces in enumerate(text.encode(SENTENCES, "en")):
        row = text.layout.single(pieces)
        ids, segments = (torch.from_numpy(part)[None] for part in (row.ids, row.segments))
        more = {"segments": segments} if text.layout.has_segments else {}
        with torch.no_grad():
            states = encoder(ids, None, None, encoder.language_ids(["en"]), **more)[0]
        own = states[row.start_first : row.start_first + len(pieces)]
        np.testing.assert_allclose(found[-1, place], own.mean(0).numpy(), atol=1e-5)
