"""How well sentences find their translations among those of another language, by pretraining run.

A sentence is the mean of its last hidden states, specials left out, less the mean of its language;
its translation is to be the nearest by cosine. The sentences are the premises of the study's NLI
test, each once; the nearest of N is right by chance once in N. Beside each run stands the encoder
of its seed before pretraining.

python tests/benchmarks/retrieval.py runs/tlm0 runs/tlm0.25
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from xlmr_lab import configs, intervals, storage
from xlmr_lab.ablations import stages
from xlmr_lab.ablations.study_config import StudyConfig
from xlmr_lab.batches.packing import BOS_ID
from xlmr_lab.evaluate import task_files
from xlmr_lab.evaluate.encoders import load_encoder
from xlmr_lab.model.encoder import PAD_ID, Encoder
from xlmr_lab.pretrain import checkpoint
from xlmr_lab.vocabulary.load import Vocabulary, load
from xlmr_lab.vocabulary.special_tokens import EOS_ID


def main() -> None:
    """Print the accuracy of each study, mean over directions, with intervals over its seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    for folder in parser.parse_args().runs:
        found = accuracies(folder)
        for kind, values in found.items():
            told = ", ".join(f"{value:.3f}" for value in values)
            interval = intervals.mean_interval(values)
            mean = intervals.told(interval.mean, interval.low, interval.high, sign=False)
            print(f"{folder.name:<12}{kind:<12}{mean}  by seed: {told}", flush=True)


def accuracies(folder: Path) -> dict[str, list[float]]:
    """Return the mean accuracy over all ordered pairs of languages, by seed."""
    config = configs.from_dict(StudyConfig, storage.read_json(folder / "config.json"))
    vocabulary = load(stages.vocabulary(config))
    texts = sentences(config)
    found: dict[str, list[float]] = {"pretrained": [], "untrained": []}
    for arm in storage.read_json(folder / "arms.json"):
        place = folder / arm["folder"]
        run = storage.read_json(place / "config.json")
        final = checkpoint.checkpoint_path(place / "checkpoints", run["pretrain"]["steps"])
        for kind, path in (("pretrained", final), ("untrained", None)):
            encoder = load_encoder(
                path,
                config=config.model,
                vocab_size=vocabulary.size,
                seed=run["seed"],
                languages=run["languages"],
            )
            spoken = {key: embedded(encoder, vocabulary, own, key) for key, own in texts.items()}
            found[kind].append(mean_accuracy(spoken))
    return found


def sentences(config: StudyConfig) -> dict[str, list[str]]:
    """Return the premises of the NLI test by language, each once, aligned."""
    folder = stages.task_folder(config, "nli")
    assert folder is not None, "a study without NLI"
    keys = [row["language"] for row in stages.sizes(config)]
    read = {key: task_files.read_nli(task_files.require(folder, "test", key)) for key in keys}
    lines = list(zip(*(own.premises for own in read.values()), strict=True))
    distinct = list({line[0]: line for line in lines}.values())
    return dict(zip(keys, map(list, zip(*distinct, strict=True)), strict=True))


@torch.no_grad()
def embedded(encoder: Encoder, vocabulary: Vocabulary, texts: list[str], language: str) -> Tensor:
    """Return one row for each text, centred and of length 1."""
    rows = [torch.from_numpy(ids).long() for ids in vocabulary.encode(texts, language)]
    ends = torch.tensor([BOS_ID]), torch.tensor([EOS_ID])
    whole = [torch.cat([ends[0], row, ends[1]]) for row in rows]
    ids = torch.nn.utils.rnn.pad_sequence(whole, batch_first=True, padding_value=PAD_ID)
    places = encoder.language_ids([language] * len(texts))
    hidden = encoder(ids, ids != PAD_ID, languages=places)
    own = (ids != PAD_ID) & (ids != BOS_ID) & (ids != EOS_ID)
    means = (hidden * own[..., None]).sum(1) / own.sum(1, keepdim=True)
    return torch.nn.functional.normalize(means - means.mean(0), dim=1)


def mean_accuracy(spoken: dict[str, Tensor]) -> float:
    """Return how often the nearest sentence of another language is the translation."""
    shares = []
    for one, ours in spoken.items():
        for other, theirs in spoken.items():
            if one != other:
                nearest = (ours @ theirs.T).argmax(1)
                shares.append((nearest == torch.arange(len(ours))).float().mean().item())
    return sum(shares) / len(shares)


if __name__ == "__main__":
    main()
