"""Reads the sizes of a study's model, and what it is trained on at once."""

from xlmr_lab import model_costs, vocabulary_results
from xlmr_lab.model_costs import Load, Model
from xlmr_lab.results import Study


def model(study: Study) -> Model:
    """Return the study's model, called by the name of the study."""
    vocabulary = vocabulary_results.open_vocabulary(study)
    return Model(name=study.folder.name, vocab_size=vocabulary.size, **vocabulary.model_sizes())


def models(study: Study) -> list[Model]:
    """Return the study's model, then those of the paper."""
    return [model(study), *model_costs.paper_models()]


def load(study: Study) -> Load:
    """Return what the study's model is trained on at once: a batch."""
    batches = study.config()["batches"]
    given = {"mask_fraction": batches["mask_fraction"]} if "mask_fraction" in batches else {}
    step_tokens = batches["batch_sequences"] * batches["block_tokens"]
    return Load(block_tokens=batches["block_tokens"], step_tokens=step_tokens, **given)
