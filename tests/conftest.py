"""What every test shares: no network beyond this machine, one thread for each library, and the run
folder of a made-up study.
"""

import json
import math
import os
import socket
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("POLARS_MAX_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

ALPHAS = (0.01, 0.3, 1.0)
SEEDS = (1, 2, 3)
STEPS = tuple(range(0, 401, 50))
NOTE = "a larger setting is tried elsewhere"
NUM_CLEANED = 4
SCRIPTS = ("Latn", "Cyrl", "Arab", "Deva", "Hans", "Grek", "Thai", "Hang")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise RuntimeError(f"a test may not reach the network, tried {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def study_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the run folder of a finished study on twelve invented languages, made up but shaped
    like a real one.
    """
    folder = tmp_path_factory.mktemp("work") / "runs" / "made-up"
    write_study(folder, num_languages=12)
    return folder


@pytest.fixture(scope="session")
def tested_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the run folder of a made-up campaign of all fifteen claims."""
    import made_campaign

    folder = tmp_path_factory.mktemp("work") / "runs" / "studies-made-up"
    made_campaign.write(folder)
    return folder


@pytest.fixture(scope="session")
def make_study() -> Callable[..., None]:
    """Return the function that writes a made-up study: `make_study(folder, num_languages=30)`."""
    return write_study


def write_study(folder: Path, *, num_languages: int, with_text: bool = True) -> None:
    """Write a run folder in which low-resource languages lose and high-resource ones gain as alpha
    rises, and beside it a little cleaned text of the first languages, which takes seconds.
    """
    rng = np.random.default_rng(0)
    languages = _languages(num_languages)
    files = {
        "sizes.jsonl": languages,
        "heldout.jsonl": list(_heldout(languages, rng)),
        "scores.jsonl": list(_scores(languages, rng)),
        "findings.jsonl": _findings(),
        "blocks.jsonl": [
            {"language": row["language"], "num_blocks": num_blocks(row)}
            | {"num_pieces": 50 * num_blocks(row) + 7, "num_bytes": row["size_bytes"] - 90}
            | {"num_sentences": row["num_paragraphs"] - 1}
            for row in languages
        ],
    }
    tables = _vocabulary(languages, rng)
    files |= {f"vocabulary/{name}.jsonl": rows for name, rows in tables.items()}
    (folder / "vocabulary").mkdir(parents=True)
    for name, rows in files.items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / name).write_text(text, encoding="utf-8")
    _json(folder / "config.json", _config(languages))
    _json(folder / "vocabulary" / "vocabulary.json", _vocabulary_record(languages))
    if with_text:
        _text(folder, [row["language"] for row in languages[:NUM_CLEANED]])
    _json(folder / "provenance.json", {"package": "0.1.0", "commit": None, "device": "cpu"})
    _json(folder / "cleaning.json", _cleaning(languages, rng))
    arms = []
    models = _trained(folder) if with_text else {}
    for alpha in ALPHAS:
        for seed in SEEDS:
            name = f"alpha={alpha:g}-s{seed}"
            _arm(folder / "arms" / name, languages, alpha, seed, rng)
            if models and alpha == 0.3:
                models[seed].rename(folder / "arms" / name / "checkpoints")
            arms.append({"arm": f"alpha={alpha:g}", "folder": f"arms/{name}"})
    _json(folder / "arms.json", arms)


def num_blocks(row: dict[str, Any]) -> int:
    """Return how many blocks of a made-up language there are to train on."""
    return 2 + int(row["size_bytes"]) // 200


def _languages(number: int) -> list[dict[str, Any]]:
    gib = np.geomspace(300.8, 0.1, number)
    names = ("Avelo", "Bimatu", "Celahi", "Dorune", "Esepa", "Fukila", "Gamoro", "Hidesu")
    return [
        {
            "language": f"q{'abcdefghijklmnopqrst'[i // 26]}{chr(97 + i % 26)}",
            "name": f"{names[i % 8]}{'' if i < 8 else ' ' + 'abcdefghijklmnop'[i // 8]}",
            "script": SCRIPTS[(i * 5) % 8],
            "family": f"family {(i * 5) % 8 + 1}",
            "size_bytes": int(2e6 * size / gib[0]) + 900,
            "num_documents": int(900 * size / gib[0]) + 2,
            "num_paragraphs": int(9000 * size / gib[0]) + 12,
            "num_words": 1
            + int(3e5 * size / gib[0]) // (40 if SCRIPTS[(i * 5) % 8] == "Hans" else 1),
            "paper_gib": round(float(size), 1),
        }
        for i, size in enumerate(gib)
    ]


def _vocabulary(
    languages: list[dict[str, Any]], rng: np.random.Generator
) -> dict[str, list[dict[str, Any]]]:
    """Return the tables of a vocabulary in which languages of one script share most, and the
    smallest languages lose letters.
    """
    keys = [row["language"] for row in languages]
    shared = {
        (one["language"], other["language"]): 0.4 if one["script"] == other["script"] else 0.1
        for i, one in enumerate(languages)
        for other in languages[i + 1 :]
    }
    return {
        "languages": [_measured(row, i, rng) for i, row in enumerate(languages)],
        "letters": [
            {"language": key, "letter": letter, "code": f"U+{ord(letter):04X}", "count": 40 - i}
            | {"description": unicodedata.name(letter).lower(), "letter_script": "Deva"}
            | {"frequency": (40 - i) * 1e-6, "fate": "bytes" if letter == "\u0933" else "unknown"}
            for key in keys[-3:]
            for i, letter in enumerate("\u0934\u0931\u0946\u0933")
        ],
        "scripts": [
            {"script": script, "num_pieces": number, "num_used": number - 3, "share": number / 1795}
            for script, number in (("Latn", 1095), ("Cyrl", 500), ("Deva", 150), ("none", 50))
        ],
        "overlap": [
            {"language": one, "other": other, "num_common": int(900 * share), "of_pieces": share}
            | {"of_use": share * float(rng.uniform(0.7, 1))}
            for (one, other), share in shared.items()
        ],
        "premium": [
            {"language": key, "original": keys[0], "num_sentences": 100, "num_pieces": 900 + 40 * i}
            | {"num_original_pieces": 900, "premium": (900 + 40 * i) / 900}
            for i, key in enumerate(keys)
        ],
    }


def _measured(row: dict[str, Any], place: int, rng: np.random.Generator) -> dict[str, Any]:
    fertility = float(rng.uniform(1.4, 2.4)) * (9 if row["script"] in ("Hans", "Thai") else 1)
    pieces, size = int(1000 * fertility), int(1000 * fertility * rng.uniform(3.5, 5.5))
    return {
        "language": row["language"],
        "num_words": 1000,
        "num_pieces": pieces,
        "num_bytes": size,
        "fertility": pieces / 1000,
        "bytes_per_piece": size / pieces,
        "unknown_rate": float(rng.uniform(0, 0.004)),
        "unseen": place < 8,
        "used_bytes": 5 * size,
        "num_letters": 40 + place,
        "letters_lost": max(0, place - 7),
        "letters_unseen": 0,
        "letters_in_bytes": 0,
        "share_lost": max(0, place - 7) * 2e-5,
        "largest_lost": max(0, place - 7) * 1e-5,
        "pieces_used": 900 - 20 * place,
        "pieces_own": 100 + 5 * place,
        "own_use": 0.1 + 0.02 * place,
    }


def _vocabulary_record(languages: list[dict[str, Any]]) -> dict[str, Any]:
    from xlmr_lab import configs
    from xlmr_lab.vocabulary.settings import VocabularyConfig

    share = {"probability": 1 / len(languages), "passes": 1.5, "sample_bytes": 10_000}
    return {
        "size": 1800,
        "fingerprint": "0" * 16,
        "config": configs.to_dict(VocabularyConfig(size=1800, coverage=0.9999)),
        "seed": 1,
        "languages": {row["language"]: share for row in languages},
    }


def _train_vocabulary(folder: Path, documents_folder: Path, codes: list[str]) -> Path:
    """Train a small vocabulary on the cleaned text, and have the run folder hold its record."""
    from xlmr_lab import storage
    from xlmr_lab.corpus import documents
    from xlmr_lab.vocabulary import train
    from xlmr_lab.vocabulary.settings import VocabularyConfig

    place = folder.parents[1] / "data" / "vocabulary-up"
    place.mkdir()
    texts = {
        key: (lambda key=key: (text for _, text in documents.iterate(documents_folder, key)))
        for key in codes
    }
    config = VocabularyConfig(size=700, sample_bytes=100_000, coverage=0.9999)
    train.train(texts, dict.fromkeys(codes, 1.0), place, config=config, seed=1)
    record = storage.read_json(place / "vocabulary.json")
    _json(folder / "vocabulary" / "vocabulary.json", record)
    return place


def _encode(vocabulary: Path, documents_folder: Path, codes: list[str]) -> Path:
    """Encode the cleaned text."""
    from functools import partial

    from xlmr_lab.batches import shards
    from xlmr_lab.corpus import documents
    from xlmr_lab.vocabulary import load

    place = vocabulary.with_name("shards-up")
    place.mkdir()
    texts = {key: partial(documents.iterate, documents_folder, key) for key in codes}
    shards.encode(texts, load.load(vocabulary), place, heldout_fraction=0.05)
    return place


def _trained(folder: Path) -> dict[int, Path]:
    """Return the checkpoints of a small model for each seed, trained for two steps."""
    from xlmr_lab import storage
    from xlmr_lab.batches.stream import BatchConfig
    from xlmr_lab.model.encoder import EncoderConfig
    from xlmr_lab.pretrain.loop import pretrain
    from xlmr_lab.pretrain.settings import PretrainConfig, PretrainRun
    from xlmr_lab.sampling.settings import SamplingConfig

    shards = folder.parents[1] / "data" / "shards-up"
    shape = {"num_layers": 1, "hidden_size": 16, "num_heads": 2, "ffn_size": 32, "max_tokens": 64}
    found = {}
    for seed in SEEDS:
        run = PretrainRun(
            seed=seed,
            languages=tuple(storage.read_json(shards / "shards.json")["languages"]),
            sampling=SamplingConfig(),
            batches=BatchConfig(block_tokens=51, batch_sequences=8, heldout_fraction=0.05),
            model=EncoderConfig(**shape),
            pretrain=PretrainConfig(steps=2, warmup_steps=0, heldout_blocks=0),
        )
        final = pretrain(folder.parents[1] / "data" / f"trained-{seed}", shards, run)
        found[seed] = final.parent
    return found


def _heldout(languages: list[dict[str, Any]], rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    for alpha in ALPHAS:
        for seed in SEEDS:
            for step in STEPS:
                for rank, row in enumerate(languages):
                    tilt = (rank / (len(languages) - 1) - 0.45) * (0.5 * alpha + 0.08)
                    loss = 3.1 + 3.4 * math.exp(-step / 110) + tilt + float(rng.normal(0, 0.03))
                    yield {
                        "arm": f"alpha={alpha:g}",
                        "seed": seed,
                        "alpha": alpha,
                        "step": step,
                        "language": row["language"],
                        "loss": loss,
                    }


def _scores(languages: list[dict[str, Any]], rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    for task, metric, floor in (("nli", "accuracy", 0.36), ("ner", "span_f1", 0.12)):
        for arm, gain in (("alpha=0.3", 0.16), ("no-pretraining", 0.0)):
            for seed in SEEDS:
                between = float(rng.normal(0, 0.02))
                for finetune_seed in SEEDS:
                    for rank, row in enumerate(languages):
                        level = 0.9 if rank == 0 else floor + gain * (1 - rank / 25)
                        yield {
                            "study": "made-up",
                            "run": f"{arm}-{seed}" if gain else "",
                            "arm": arm,
                            "seed": seed,
                            "finetune_seed": finetune_seed,
                            "task": task,
                            "split": "test",
                            "language": row["language"],
                            "protocol": "zero-shot",
                            "selection": "last",
                            "metric": metric,
                            "value": level + between + float(rng.normal(0, 0.02)),
                            "num_examples": 400,
                        }


def _findings() -> list[dict[str, Any]]:
    alpha = {"section": "5.1, Figure 5", "contrast": "α 0.01 to 1, the same seeds; qai, qaj"}
    task = {"section": "4.2, Table 1", "contrast": "pretrained against fresh weights; 3 × 3 seeds"}
    lost = "held-out masked-LM loss lost, nats per masked token"
    gained = "held-out masked-LM loss gained, nats per masked token"
    zero_shot = "zero-shot accuracy gained (0.436 with and 0.347 without)"
    rows = (
        ("F3-low", "low-resource languages lose at α = 1", lost, 0.27, 0.06, alpha, ""),
        ("F3-high", "high-resource languages gain at α = 1", gained, 0.17, 0.07, alpha, ""),
        ("transfer-nli", "pretraining makes zero-shot NLI work", zero_shot, 0.09, 0.11, task, "n"),
    )
    return [
        {"id": name, "claim": claim, "outcome": outcome, "effect": effect, "note": note and NOTE}
        | {"low": effect - half, "high": effect + half, "num_pairs": 3, "scale": "made up"}
        | {"verdict": "supported" if effect > half else "inconclusive"}
        | {"lean": "" if effect > half else "leans for"}
        | shared
        for name, claim, outcome, effect, half, shared, note in rows
    ]


def _text(folder: Path, codes: list[str]) -> None:
    """Make text of Babel under the folder that a study ran in, clean it with two identifiers and
    language models, and name both in `stages.json`.
    """
    from xlmr_lab import configs
    from xlmr_lab.babel import corpora
    from xlmr_lab.corpus import clean, judge, models, perplexity, sources

    babel, cleaned = (folder.parents[1] / "data" / name for name in ("babel-made", "clean-up"))
    made = corpora.BabelConfig(
        languages=tuple(codes), corpus_bytes=60_000, smallest_bytes=6000, encyclopaedia_bytes=6000
    )
    corpora.write(babel, made)
    measuring = models.MeasureConfig(
        labelled_sources=("encyclopaedia",),
        encyclopaedia_sources=("encyclopaedia",),
        perplexity=perplexity.PerplexityConfig(vocabulary_size=500),
    )
    cleaning = judge.CleanConfig()
    cleaned.mkdir()
    found = sources.find(babel / "corpus", codes)
    clean.clean(found, cleaned, config=cleaning, measuring=measuring, seed=1)
    _json(cleaned / "stage.json", {"name": "clean", "command": "xlmr_lab corpus --preset tiny"})
    vocabulary = _train_vocabulary(folder, cleaned / "documents", codes)
    places = {
        **{"babel": babel, "cleaned": cleaned, "measured": cleaned},
        **{"vocabulary": vocabulary, "shards": _encode(vocabulary, cleaned / "documents", codes)},
    }
    named = {name: place.relative_to(folder.parents[1]) for name, place in places.items()}
    _json(folder / "stages.json", {name: str(place) for name, place in named.items()})
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config |= {"clean": configs.to_dict(cleaning), "measure": configs.to_dict(measuring)}
    config["babel"] = configs.to_dict(made) | config["babel"]
    config["tasks"] = _nli(babel.parent, made, codes[0])
    _json(folder / "config.json", config)


def _nli(data: Path, made: Any, pivot: str) -> dict[str, Any]:
    """Write Babel's NLI where a study looks for it, and return the settings of its tasks."""
    from xlmr_lab import configs
    from xlmr_lab.ablations import stages
    from xlmr_lab.babel import corpora, tasks

    sets = tasks.TaskConfig(nli_train=20, nli_dev=10, nli_test=60)
    place = stages.task_place(data, made, sets, "nli", pivot)
    world, grown = corpora.build(made)
    tasks.write(place.parent, world, grown, sets, made.seed, names=("nli",), pivot=pivot)
    return configs.to_dict(sets)


def _config(languages: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "seed": 1,
        "corpus": {"path": None, "languages": [row["language"] for row in languages]},
        "babel": {"glossed": 0.1},
        "sampling": {"alpha": 0.3, "basis": "blocks"},
        "model": {"num_layers": 2, "hidden_size": 64, "num_heads": 2, "ffn_size": 256}
        | {"max_tokens": 128},
        "batches": {"block_tokens": 51, "batch_sequences": 64, "heldout_fraction": 0.01},
        "pretrain": {"steps": STEPS[-1], "peak_learning_rate": 1e-3},
        "nli": {"train_language": ""},
        "ner": {"train_language": ""},
    }


def _cleaning(languages: list[dict[str, Any]], rng: np.random.Generator) -> dict[str, Any]:
    counts = {}
    for row in languages:
        rejected = {
            reason: int(share * row["num_paragraphs"] * rng.uniform(0.6, 1.4))
            for reason, share in (
                ("duplicate", 0.12),
                ("wrong_language", 0.06),
                ("too_short", 0.03),
            )
        }
        counts[row["language"]] = {
            "read_paragraphs": row["num_paragraphs"] + sum(rejected.values()),
            "kept_paragraphs": row["num_paragraphs"],
            "rejected": rejected,
        }
    return {"languages": counts, "identifier": {"accuracy": 0.98}}


def _arm(
    folder: Path,
    languages: list[dict[str, Any]],
    alpha: float,
    seed: int,
    rng: np.random.Generator,
) -> None:
    keys = [row["language"] for row in languages]
    weights = np.array([num_blocks(row) for row in languages], float) ** alpha
    drawn = np.zeros(len(languages), int)
    draw = np.random.default_rng(round(100 * alpha) * 100 + seed)
    folder.mkdir(parents=True)
    _json(
        folder / "config.json",
        {
            "seed": seed,
            "languages": keys,
            "sampling": {"alpha": alpha, "basis": "blocks"},
            "model": {"num_layers": 2, "hidden_size": 64},
            "batches": {"block_tokens": 51, "batch_sequences": 64},
            "pretrain": {"steps": STEPS[-1]},
        },
    )
    metrics, telemetry = [], []
    for step in range(10, STEPS[-1] + 1, 10):
        drawn += draw.multinomial(10 * 64, weights / weights.sum())
        loss = 3.1 + 3.6 * math.exp(-step / 110) + float(rng.normal(0, 0.04))
        metrics.append(
            {"kind": "step", "step": step, "loss": loss, "learning_rate": 1e-3 * (1 - step / 500)}
            | {
                "gradient_norm": float(rng.uniform(0.5, 1.2)),
                "draws": dict(zip(keys, drawn.tolist(), strict=True)),
            }
        )
        speed = float(rng.normal(21000, 900))
        telemetry.append({"step": step, "seconds": step * 0.4, "tokens_per_second": speed})
    metrics.append({"kind": "heldout", "step": STEPS[-1], "loss": 3.2, "loss_by_language": {}})
    for name, rows in (("metrics", metrics), ("telemetry", telemetry)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2), encoding="utf-8")
