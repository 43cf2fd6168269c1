"""Training needs torch, NumPy, safetensors and tqdm, and none of the libraries for text and
pictures."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKED = (
    "anywidget",
    "fasttext",
    "ipywidgets",
    "jupyterlab",
    "pandas",
    "papermill",
    "plotly",
    "polars",
    "sentencepiece",
    "transformers",
    "zstandard",
)
SCRIPT = f"""
import importlib.abc, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
try:
    import polars
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("the blocker does not block")
import xlmr_lab.pretrain.loop
import xlmr_lab.model.convert
import xlmr_lab.model.presets
print(xlmr_lab.pretrain.loop.pretrain.__name__)
"""


@pytest.mark.slow
def test_the_loop_imports_on_a_machine_for_training_only():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "pretrain\n"
    assert done.stderr == ""
