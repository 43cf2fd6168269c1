"""Importing the package does nothing but define: no output, threads, files, settings or seeds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Heavy libraries are imported first, so that what they do is not laid to this package.
CODE = """
import importlib, json, logging, os, random, sys, threading, warnings
from pathlib import Path

libraries, modules = json.loads(sys.argv[1])
for name in libraries:
    importlib.import_module(name)

import numpy
import torch

def state():
    return {
        "environment": dict(os.environ),
        "threads": sorted(t.name for t in threading.enumerate()),
        "files": sorted(map(str, Path.cwd().rglob("*"))),
        "folder": os.getcwd(),
        "log handlers": [str(h) for h in logging.getLogger().handlers],
        "log level": logging.getLogger().level,
        "random": hash(random.getstate()),
        "numpy random": numpy.random.get_state()[1].tolist(),
        "torch random": torch.initial_seed(),
        "torch threads": torch.get_num_threads(),
        "torch type": str(torch.get_default_dtype()),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "cuda": torch.cuda.is_initialized(),
        "warning filters": len(warnings.filters),
        "path": list(sys.path),
    }

before = state()
for name in modules:
    importlib.import_module(name)
    after = state()
    changed = [key for key in before if before[key] != after[key]]
    assert not changed, f"import {name} changes: {changed}"
    before = after
"""

LIBRARIES = [
    "anywidget",
    "fasttext",
    "ipywidgets",
    "mistune",
    "nbformat",
    "numpy",
    "papermill",
    "plotly.graph_objects",
    "plotly.io",
    "plotly.offline",
    "plotly.subplots",
    "polars",
    "safetensors.torch",
    "sentencepiece",
    "torch.nn.functional",
    "tqdm",
    "zstandard",
]


def modules() -> list[str]:
    files = sorted((ROOT / "xlmr_lab").rglob("*.py"))
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    return [name.removesuffix(".__init__") for name in names]


@pytest.mark.slow
def test_importing_every_module_changes_nothing_and_says_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE, json.dumps([LIBRARIES, modules()])],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr == ""


def test_the_package_and_its_text_side_import_without_torch() -> None:
    light = ("corpus", "babel", "sampling", "vocabulary", "batches", "languages", "paper")
    names = [name for name in modules() if name.startswith(tuple(f"xlmr_lab.{p}" for p in light))]
    assert names
    code = (
        "import importlib, sys\nsys.modules['torch'] = None\n"
        f"for name in {names}: importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
