"""The verbs, from the settings of a study to what they leave."""

import pytest

from xlmr_lab import commands, configs
from xlmr_lab.ablations import stages, studies
from xlmr_lab.ablations.run import Study
from xlmr_lab.vocabulary.load import load

MICRO = (
    "seeds=1",
    "babel.languages=qaa,qab",
    "babel.corpus_bytes=100000",
    "babel.smallest_bytes=40000",
    "babel.encyclopaedia_bytes=8000",
    "tasks.nli_train=20",
    "tasks.nli_test=10",
    "tasks.ner_train=20",
    "tasks.ner_test=10",
    "vocabulary.size=400",
    "model.hidden_size=16",
    "model.ffn_size=32",
    "batches.batch_sequences=4",
    "pretrain.steps=2",
    "pretrain.warmup_steps=1",
    "pretrain.heldout_steps=2",
)


@pytest.mark.slow
def test_an_exported_model_loads_with_its_tokenizer_and_reads_as_the_lab_does(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    transformers = pytest.importorskip("transformers")
    places = (f"data_dir={tmp_path / 'data'}", f"runs_dir={tmp_path / 'runs'}", "name=micro")
    work = Study(configs.override(studies.tiny(), [*MICRO, *places]), "tiny")
    work.prepare()
    work.pretrain([work.config.sampling.alpha])
    said: list[str] = []
    commands.export(work, said.append)
    folder = work.folder / "export"
    assert said == [f"Hugging Face model: {folder}"]

    model = transformers.AutoModelForMaskedLM.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    vocabulary = load(stages.vocabulary(work.config))
    assert model.config.vocab_size == len(tokenizer) == vocabulary.size
    assert tokenizer.model_max_length == model.config.max_position_embeddings - 2
    words = vocabulary.decode(range(4, 60))
    framed = [0, *vocabulary.encode([words])[0].tolist(), 2]
    assert tokenizer(words).input_ids == framed
    assert model(**tokenizer(words, return_tensors="pt")).logits.shape == (
        1,
        len(framed),
        vocabulary.size,
    )
