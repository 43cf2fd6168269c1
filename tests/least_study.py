"""The least study on Babel: its settings, and one that is pretrained."""

from pathlib import Path

from xlmr_lab import configs
from xlmr_lab.ablations import studies
from xlmr_lab.ablations.run import Study

LEAST = (
    "seeds=1",
    "jobs=1",
    "babel.languages=qaa,qab,qac",
    "babel.corpus_bytes=150000",
    "babel.smallest_bytes=40000",
    "babel.encyclopaedia_bytes=8000",
    "tasks.nli_train=60",
    "tasks.nli_test=30",
    "tasks.ner_train=40",
    "tasks.ner_test=20",
    "vocabulary.size=500",
    "model.hidden_size=16",
    "model.ffn_size=32",
    "batches.batch_sequences=4",
    "ablation.alphas=",
    "pretrain.steps=6",
    "pretrain.warmup_steps=2",
    "pretrain.heldout_steps=6",
    "nli.seeds=1",
    "nli.finetune.passes=0",
    "nli.finetune.steps=4",
    "ner.seeds=1",
    "ner.finetune.passes=0",
    "ner.finetune.steps=4",
)
"""Settings under which a study takes seconds."""


def pretrained(home: Path, name: str) -> Path:
    """Pretrain the least study in `home`, as a user would there, and return its run folder."""
    places = (f"data_dir={home / 'data'}", f"runs_dir={home / 'runs'}", f"name={name}")
    work = Study(configs.override(studies.tiny(), [*LEAST, *places]), "tiny")
    work.prepare()
    work.pretrain([work.config.sampling.alpha])
    return work.folder
