"""The package is layered: imports point down only, and each heavy library has its home.

Read from the syntax tree, so an import inside a function counts as well.
"""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "xlmr_lab"
FILES = sorted(PACKAGE.rglob("*.py"))

LEAVES = {
    "capacity_surface",
    "configs",
    "data_cards",
    "durations",
    "environment_variables",
    "errors",
    "intervals",
    "languages",
    "machine_memory",
    "progress",
    "provenance",
    "seeds",
    "setting_values",
    "storage",
    "student_t",
    "study_call",
    "text_equivalents",
    "tiers",
    "workers",
}

# What may import everything, and is imported by nothing else.
TOP = {
    "__init__",
    "__main__",
    "app",
    "bench",
    "campaign_report",
    "campaigns",
    "commands",
    "conclusions_told",
    "encoder_evaluation",
    "notebook_runs",
    "verb_help",
}

# What each part may import besides the leaves and itself: a part, or one module of it.
MAY_IMPORT: dict[str, set[str]] = {
    **{leaf: set() for leaf in LEAVES},
    "languages": {"paper"},
    "paper": set(),
    "sampling": set(),
    "babel": {"paper"},
    "corpus": {"paper"},
    "vocabulary": {"corpus.documents", "corpus.scripts", "sampling"},
    "batches": {"vocabulary.special_tokens", "sampling"},
    "model": set(),
    "pretrain": {"model", "batches", "sampling", "vocabulary.special_tokens"},
    "evaluate": {
        "model",
        "vocabulary",
        "pretrain.schedule",
        "pretrain.optimizer",
        "pretrain.checkpoint",  # finetune_state: whole or absent
        "pretrain.precision",
        "batches.masking",  # masked_prediction: what is hidden
        "pretrain.loop",  # load_model: the encoder of a checkpoint
        "babel.tasks",
    },
    "ablations": {
        "babel",
        "batches",
        "corpus",
        "evaluate",
        "model",
        "paper",
        "pretrain",
        "sampling",
        "vocabulary",
    },
    "result_tables": set(),
    "model_costs": {
        "batches.masking",
        "model.bands",
        "model.operations",
        "model.parameters",
        "paper",
    },
    "anatomy_results": {"model_costs", "results", "vocabulary_results"},
    "text_estimates": set(),
    "results": {
        "paper",
        "evaluate.doctor.records",
        "evaluate.scores",
        "result_tables",
        "score_results",
        "study_words",
        "text_estimates",
    },
    "sampling_results": {"results", "sampling"},
    "prediction_results": {
        "batch_results",
        "batches",
        "evaluate.masked_prediction",
        "model.masked_lm",
        "results",
        "sampling.settings",
        "vocabulary.special_tokens",
    },
    "aligned_folder": {
        "ablations.evaluation_config",
        "ablations.sentence_runs",  # which folders hold aligned sentences, and how they are read
        "ablations.stages",  # task_place: where the study's own are
        "babel.corpora",
        "babel.tasks",
        "results",
        "stage_folders",
    },
    "alignment_results": {
        "aligned_folder",
        "evaluate",
        "prediction_results",
        "results",
        "vocabulary.special_tokens",
    },
    "campaign_results": {"result_tables", "study_words"},
    "capacity_results": {"campaign_results", "claim_results"},
    "cell_frames": set(),
    "cell_results": {
        "campaign_results",
        "cell_frames",
        "claim_results",
        "model_costs",
        "score_results.OWN_SETS",
    },
    "claim_results": {"campaign_results", "model.bands", "model.parameters"},
    "embedding_results": {"campaign_results", "claim_results"},
    "language_map_results": {"alignment_results", "evaluate.language_map"},
    "monolingual_results": {"campaign_results", "claim_results", "sampling.exponent"},
    "score_results": {"score_tables.ONE_EACH"},
    "score_tables": {"paper"},
    "stage_folders": {"results"},
    "study_words": set(),
    "verdict_words": {"corpus.filters", "corpus.judge"},
    "training_curves": {"results", "training_process", "training_tries"},
    "training_process": set(),
    "training_results": {"results"},
    "training_tries": {"results", "stage_folders", "training_process"},
    "found_vocabularies": {
        "results",
        "stage_folders",
        "vocabulary.load",
        "vocabulary_results",
    },
    "batch_results": {
        "batches",
        "results",
        "sampling",
        "stage_folders",
        "vocabulary",
        "vocabulary_results",
    },
    "vocabulary_results": {
        "corpus.documents",
        "corpus.text_files",
        "model.parameters",
        "results",
        "stage_folders",
        "vocabulary",
    },
    "cleaning_sample": {"cleaning_tables", "corpus", "verdict_words"},
    "cleaning_tables": {"babel.pages", "corpus", "results", "study_words"},
    "cleaning_results": {
        "babel.tongues",
        "cleaning_sample",
        "cleaning_tables",
        "corpus",
        "results",
        "stage_folders",
    },
    "figures": {
        "batches.masking",
        "cell_frames",
        "model.parameters",
        "model_costs",
        "paper",
        "sampling",
    },
    "explorers": {
        "alignment_results",
        "batch_results",
        "cleaning_results",
        "cleaning_sample",
        "cell_frames",
        "figures",
        "found_vocabularies",
        "language_map_results",
        "model.parameters",
        "model_costs",
        "paper",
        "prediction_results",
        "results",
        "sampling",
        "training_curves",
        "training_process",
        "training_tries",
        "vocabulary_results",
    },
    "report_style": set(),
    "report_page": {"figures.looks", "report_style"},
    "notebook_parameters": set(),
    "notebook_execution": {"figures.looks", "notebook_parameters"},
    "report_exports": {"figures", "notebook_parameters"},
    "reports": {
        "campaign_results",
        "notebook_execution",
        "notebook_parameters",
        "paper",
        "report_page",
        "results",
    },
}

# Which parts may import a heavy library: a part, or one module of it.
HOMES: dict[str, set[str]] = {
    "torch": {"model", "pretrain", "evaluate", "ablations.jobs"},  # jobs: threads of a worker
    "safetensors": {"model", "pretrain", "evaluate"},
    "sentencepiece": {"vocabulary", "corpus.perplexity"},
    "kenlm": {"corpus.arpa"},
    "fasttext": {"corpus"},
    "resiliparse": {"corpus"},
    "brotli": {"corpus"},
    "mwparserfromhell": {"corpus"},
    "pythainlp": {"vocabulary.segmenters"},
    "rjieba": {"vocabulary.segmenters"},
    "sacremoses": {"vocabulary.moses", "vocabulary.segmenters"},
    "sudachidict_small": {"vocabulary.segmenters"},
    "sudachipy": {"vocabulary.segmenters"},
    "polars": {
        "ablations",
        "alignment_results",
        "batch_results",
        "campaign_results",
        "capacity_results",
        "cell_frames",
        "cell_results",
        "claim_results",
        "cleaning_results",
        "cleaning_sample",
        "cleaning_tables",
        "corpus",
        "embedding_results",
        "encoder_evaluation",
        "evaluate.doctor.records",
        "evaluate.formats.hub",
        "evaluate.scores",
        "explorers",
        "figures",
        "found_vocabularies",
        "language_map_results",
        "monolingual_results",
        "prediction_results",
        "result_tables",
        "results",
        "sampling_results",
        "score_results",
        "score_tables",
        "study_words",
        "text_estimates",
        "training_curves",
        "training_results",
        "vocabulary_results",
    },
    "plotly": {"figures", "explorers", "report_page"},  # report_page: the bundled plotly.js
    "ipywidgets": {"explorers"},
    "anywidget": {"explorers"},
    "IPython": {"explorers"},
    "kaleido": {"figures.images"},
    "papermill": {"notebook_execution"},
    "nbformat": {"reports"},
    "ray": {"corpus.executors"},
    "tokenizers": {"vocabulary"},
    "transformers": {"pretrain.counterpart", "evaluate.huggingface"},
    "huggingface_hub": {"evaluate.huggingface"},
}


def module_of(path: Path) -> str:
    """Return a file's module name inside the package: `model.encoder`, `seeds`."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    """Yield the full name of whatever a file imports, `xlmr_lab.part.module.name` at the finest."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}, line {node.lineno}: use absolute imports"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> set[str]:
    """Return what a file imports of the package, without the package's name."""
    found = (name.partition(".") for name in imports(path))
    return {rest for root, _, rest in found if root == "xlmr_lab" and rest}


def is_within(name: str, allowed: set[str]) -> bool:
    return any(name == entry or name.startswith(entry + ".") for entry in allowed)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_down(path: Path) -> None:
    part = module_of(path).split(".")[0]
    if part in TOP:
        return
    allowed = LEAVES | MAY_IMPORT[part] | {part, "__version__"}
    wrong = {name for name in own_imports(path) if not is_within(name, allowed)}
    assert not wrong, f"{module_of(path)} may not import {sorted(wrong)}"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_heavy_libraries_stay_at_home(path: Path) -> None:
    module = module_of(path)
    for name in imports(path):
        homes = HOMES.get(name.split(".")[0])
        assert homes is None or is_within(module, homes), f"{module} may not import {name}"


@pytest.mark.slow
def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {module_of(path): path for path in FILES}
    graph = {
        name: {target(imported, modules) for imported in own_imports(path)} - {name, ""}
        for name, path in modules.items()
    }
    graphlib.TopologicalSorter(graph).prepare()


def target(imported: str, modules: Iterable[str]) -> str:
    """Return the module that `part.module.name` means: the longest that it starts with."""
    return max((m for m in modules if is_within(imported, {m})), key=len, default="")


@pytest.mark.slow
def test_the_trainer_needs_only_torch_numpy_and_sentencepiece() -> None:
    blocked = sorted(
        {*HOMES, "zstandard", "jupyterlab"} - {"torch", "safetensors", "sentencepiece"}
    )
    trainer = [module_of(p) for p in FILES if module_of(p).startswith(("model", "pretrain"))]
    assert {"model", "pretrain.loop"} <= set(trainer)
    names = [f"xlmr_lab.{module}" for module in trainer]
    code = (
        f"import importlib, sys\nsys.modules.update(dict.fromkeys({blocked}))\n"
        f"for name in {names}: importlib.import_module(name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def test_the_rules_catch_what_they_forbid(tmp_path: Path) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(
        "import os\nfrom xlmr_lab import seeds\nfrom xlmr_lab.model import encoder\n"
        "def f():\n    import torch.nn\n    from xlmr_lab.figures.theme import apply\n"
    )
    assert own_imports(path) == {"seeds", "model.encoder", "figures.theme.apply"}
    assert "torch.nn" in set(imports(path))
    assert not is_within("models", {"model"})
    assert target("model.encoder.Encoder", ["model", "model.encoder"]) == "model.encoder"
    path.write_text("from . import encoder\n")
    with pytest.raises(AssertionError, match="use absolute imports"):
        own_imports(path)
