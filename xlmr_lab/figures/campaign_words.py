"""What a reader calls the settings, outcomes and costs of a campaign's cells."""

from typing import Any

from xlmr_lab.cell_frames import LEARNED, OVERALL, PIECES, WORDS, is_outcome
from xlmr_lab.figures import theme
from xlmr_lab.figures.task_scores import METRICS

SETTINGS = {
    "languages": "languages",
    "part.languages": "only language",
    "part.most_bytes": "text at most",
    "corpus.sources": "sources of text",
    "vocabulary.size": "ids of the vocabulary",
    "vocabulary.model": "vocabulary's model",
    "sampling.alpha": "α",
    "sampling.schedule": "schedule of α",
    "batches.batch_sequences": "batch, sequences",
    "model.hidden_size": "width",
    "model.num_layers": "layers",
    "model.language_embeddings": "language embeddings",
    "model.adaptive_cutoffs": "adaptive softmax",
    "pretrain.steps": "steps",
}
"""Settings that are not called by the last part of their name."""
COMPUTE = {
    "tokens": "tokens of training",
    "steps": "steps of training",
    "parameters": "parameters",
    "operations": "operations of training",
    "seconds": "seconds of training",
}
LOSSES = {PIECES: "loss of pieces", WORDS: "loss of words"}
TASKS = {"nli": "NLI", "ner": "NER", "qa": "QA"}
BITS, SHARE = "bits per byte", "score"


def said(column: str) -> str:
    """Return what a reader calls a setting, an outcome, or what a run took.

    >>> said("sampling.alpha"), said("pretrain.warmup_steps"), said("pieces low")
    ('α', 'warmup steps', 'loss of pieces, low')
    >>> said("nli accuracy all"), said("nli accuracy zero-shot learned overall")
    ('NLI accuracy, all', 'NLI accuracy, zero-shot, learned')
    """
    if not is_outcome(column) and column not in LOSSES:
        plain = column.rpartition(".")[2].replace("_", " ")
        return COMPUTE.get(column) or SETTINGS.get(column, plain)
    measure, *rest = column.split()
    rest = [word for word in rest if word != OVERALL]
    if measure in LOSSES:
        return ", ".join([LOSSES[measure], *rest])
    metric, protocol, *learned = rest
    task = TASKS.get(measure, measure.removeprefix("glue-").upper())
    words = [f"{task} {METRICS.get(metric, metric)}", protocol]
    return ", ".join(words + [LEARNED] * (learned == [LEARNED]))


def unit(outcome: str) -> str:
    """Return the unit of an outcome.

    >>> unit("words"), unit("nli accuracy zero-shot")
    ('bits per byte', 'score')
    """
    return BITS if outcome.split()[0] in LOSSES else SHARE


def value_told(value: Any) -> str:
    """Write a value of a setting or of an outcome.

    >>> value_told(1400), value_told(0.3), value_told(1.24654), value_told("none"), value_told(None)
    ('1,400', '0.3', '1.247', 'none', 'not measured')
    """
    if value is None:
        return "not measured"
    if isinstance(value, float) and value != round(value):
        return f"{value:.4g}"
    return theme.lettered(value) if isinstance(value, str) else f"{value:,.0f}"
