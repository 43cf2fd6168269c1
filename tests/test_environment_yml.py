"""environment.yml, constraints.txt and pyproject.toml say the same; checked without conda.

What this cannot show is that conda-forge solves; for that only conda will do.
"""

import importlib.metadata
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
INSTALLED = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]

# What conda accepts at the top level, and a conservative form of its package specification.
KEYS = {"name", "channels", "dependencies", "variables", "platforms"}
SPECIFICATION = re.compile(r"[a-z0-9_.-]+(\s*[=<>!~]=?[\w.*,<>=!|]+)?")


def pins() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def conda_packages() -> dict[str, str]:
    words = [entry for entry in ENVIRONMENT["dependencies"] if isinstance(entry, str)]
    names = {word: re.split(r"[\s=<>!~]", word)[0] for word in words}
    return {name: word.removeprefix(name).strip() for word, name in names.items()}


def pip_section() -> list[str]:
    (section,) = [entry for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict)]
    (packages,) = section.values()
    assert list(section) == ["pip"]
    return list(packages)


def test_conda_can_read_the_file() -> None:
    assert set(ENVIRONMENT) <= KEYS
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]
    for entry in ENVIRONMENT["dependencies"]:
        assert isinstance(entry, dict) or SPECIFICATION.fullmatch(entry), entry
    assert next(iter(conda_packages())) == "python"
    assert "pip" in conda_packages()


def test_python_is_the_projects() -> None:
    assert conda_packages()["python"] == PROJECT["requires-python"]


def test_pip_installs_this_project_and_nothing_else() -> None:
    # No -r or -c: mamba writes the section to a file elsewhere, from which pip cannot find them.
    assert pip_section() == ["-e .[dev]"]


@pytest.mark.parametrize("dependency", INSTALLED)
def test_every_dependency_is_pinned_inside_its_range(dependency: str) -> None:
    requirement = Requirement(dependency)
    pin = str(pins()[canonicalize_name(requirement.name)].specifier)
    assert re.fullmatch(r"==[\w.]+", pin)
    assert requirement.specifier.contains(pin.removeprefix("=="), prereleases=True)


def test_no_torch_is_let_in_that_lacks_what_bf16_on_a_gpu_takes() -> None:
    """`torch.mm(..., out_dtype=)` came with 2.8 (pytorch issue 150812); `model.losses` calls it."""
    (torch,) = [r for r in map(Requirement, PROJECT["dependencies"]) if r.name == "torch"]
    assert not torch.specifier.contains("2.7.1")
    assert torch.specifier.contains("2.8.0")


def test_pins_are_exact_sorted_and_fit_any_build() -> None:
    assert all(re.fullmatch(r"==[\w.]+", str(r.specifier)) for r in pins().values())
    assert not {"pip", "setuptools", "wheel", "xlmr-lab"} & set(pins())
    assert not [name for name in pins() if name.startswith("nvidia")]


def requirements_of(name: str) -> list[str]:
    """Return what an installed distribution needs here, outside its extras."""
    found = map(Requirement, importlib.metadata.requires(name) or [])
    environment: dict[str, Any] = {"extra": ""}
    here = [r for r in found if not r.marker or r.marker.evaluate(environment)]
    return [canonicalize_name(r.name) for r in here]


def test_the_pins_are_complete() -> None:
    """Whatever a dependency needs in turn is pinned too, so that no release can change a run."""
    waiting = [canonicalize_name(Requirement(dependency).name) for dependency in INSTALLED]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += requirements_of(name)
    builds = {"setuptools", "pip", "wheel"}  # those of the machine
    loose = {
        name for name in seen - builds - set(pins()) if not name.startswith(("nvidia", "cuda"))
    }
    assert loose - {"triton"} == set()  # comes with CUDA builds of torch, pinned by torch itself
