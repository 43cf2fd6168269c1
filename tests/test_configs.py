"""Configurations: strict building, overrides, defaults of nested sums, fingerprints, help."""

import dataclasses
import hashlib
import math
from typing import Any, Literal

import pytest

from xlmr_lab import configs
from xlmr_lab.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """How languages are drawn."""

    alpha: float = 0.3
    """Exponent of the language sampling, in [0, 1]
    (XLM-R Sec. 3)."""
    basis: Literal["blocks", "bytes"] = "blocks"
    """What a language's size counts."""
    layers: Literal[1, 2] = 1

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise UserError(f"alpha must be in [0, 1], got {self.alpha}")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Everything."""

    steps: int
    """Optimizer steps."""
    languages: tuple[str, ...] = ("en", "sw")
    betas: tuple[float, float] = (0.9, 0.98)
    cap: int | None = None
    keep: bool = False
    name: str = "tiny"
    sampling: Sampling = dataclasses.field(default_factory=lambda: Sampling(alpha=0.7))

    def __post_init__(self) -> None:
        if self.cap is not None and self.cap > self.steps:
            raise UserError(f"cap must be at most steps={self.steps}, got {self.cap}")


def test_values_are_parsed_by_the_type_of_their_field() -> None:
    run = configs.build(
        Run,
        {
            "steps": "20",
            "languages": "en, fr,",
            "betas": "0.8,0.9",
            "cap": "5",
            "keep": "True",
            "name": "none",
            "sampling.alpha": "1e-2",
            "sampling.basis": "bytes",
            "sampling.layers": "2",
        },
    )
    assert run == Run(
        steps=20,
        languages=("en", "fr"),
        betas=(0.8, 0.9),
        cap=5,
        keep=True,
        name="none",
        sampling=Sampling(alpha=0.01, basis="bytes", layers=2),
    )


def test_what_is_not_named_keeps_the_default_of_the_sum() -> None:
    assert configs.build(Run, {"steps": 1}).sampling.alpha == 0.7
    assert configs.build(Run, {"steps": 1, "sampling.basis": "bytes"}).sampling.alpha == 0.7
    assert configs.leaves(Run)["sampling.alpha"].default == 0.7
    assert configs.build(Sampling, {}).alpha == 0.3


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("steps=many", "steps must be of type int, got 'many'"),
        ("steps=2.5", "steps must be of type int, got '2.5'"),
        ("sampling.alpha=high", "sampling.alpha must be of type float, got 'high'"),
        ("sampling.alpha=nan", "sampling.alpha must be of type float, got 'nan'"),
        ("sampling.alpha=1e999", "sampling.alpha must be of type float, got '1e999'"),
        ("sampling.alpha=1.3", r"^sampling\.alpha must be in \[0, 1\], got 1.3"),
        ("sampling.basis=pieces", "must be one of blocks, bytes, got 'pieces'"),
        ("sampling.layers=3", "must be one of 1, 2, got '3'"),
        ("betas=0.9", "betas must have 2 comma-separated values, got '0.9'"),
        ("keep=1", "keep must be true or false, got '1'"),
        ("cap=99", "cap must be at most steps=10, got 99"),
        ("steps", "expected section.field=value, got 'steps'"),
        ("alpha=0.3", r"unknown setting 'alpha'; did you mean .*sampling\.alpha"),
        ("samplng.alpha=0.3", r"unknown setting 'samplng.alpha'; did you mean sampling\.alpha"),
        ("sampling=0.3", r"unknown setting 'sampling'; did you mean .*sampling\."),
        ("zzzzzzzz=0.3", "unknown setting 'zzzzzzzz'; `--help` lists the settings"),
    ],
)
def test_a_wrong_assignment_says_what_is_allowed(assignment: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        configs.override(Run(steps=10), [assignment])


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, "inf", True, None, [1]])
def test_only_finite_numbers_are_numbers(value: Any) -> None:
    for name in ("steps", "sampling.alpha"):
        with pytest.raises(UserError, match=f"{name} must be of type"):
            configs.build(Run, {"steps": 1, name: value})


def test_numbers_from_json_fit_where_they_are_whole() -> None:
    assert configs.build(Run, {"steps": 3.0}).steps == 3
    assert type(configs.build(Run, {"steps": 1, "sampling.alpha": 1}).sampling.alpha) is float


def test_a_required_setting_is_named_when_it_is_missing() -> None:
    with pytest.raises(UserError, match=r"steps must be given.*steps=VALUE"):
        configs.build(Run, {})


def test_overrides_are_checked_together_and_the_last_wins() -> None:
    both = ["cap=50", "steps=60", "cap=55"]
    assert configs.override(Run(steps=10), both) == Run(steps=60, cap=55)
    assert configs.override(Run(steps=60, cap=55), ["cap=none"]) == Run(steps=60)
    assert configs.override(Run(steps=1), []) == Run(steps=1)
    assert configs.override(Run(steps=1), ["name=a=b"]).name == "a=b"
    assert configs.override(Run(steps=1), ["languages="]).languages == ()


def test_json_there_and_back_is_the_same_configuration() -> None:
    run = Run(steps=3, cap=2, languages=("ur",), sampling=Sampling(alpha=0.1))
    nested = configs.to_dict(run)
    assert nested["sampling"] == {"alpha": 0.1, "basis": "blocks", "layers": 1}
    assert nested["languages"] == ["ur"]
    assert configs.from_dict(Run, nested) == run


def test_json_is_read_strictly() -> None:
    with pytest.raises(UserError, match=r"unknown setting 'sampling.beta'"):
        configs.from_dict(Run, {"steps": 1, "sampling": {"beta": 1}})
    with pytest.raises(UserError, match="sampling must hold settings, got 3"):
        configs.from_dict(Run, {"steps": 1, "sampling": 3})


def test_equal_configurations_have_equal_fingerprints() -> None:
    direct, parsed = Run(steps=1, betas=(1, 1)), configs.override(Run(steps=1), ["betas=1,1"])
    assert direct == parsed
    assert configs.fingerprint(direct) == configs.fingerprint(parsed)
    assert configs.fingerprint({"run": direct}) == configs.fingerprint({"run": parsed})


def test_any_difference_changes_the_fingerprint() -> None:
    run = Run(steps=1)
    variants = [
        run,
        Run(steps=2),
        Run(steps=1, keep=True),
        Run(steps=1, cap=1),
        Run(steps=1, languages=("en,sw",)),
        Run(steps=1, sampling=Sampling(alpha=0.7000001)),
    ]
    assert len({configs.fingerprint(v) for v in variants}) == len(variants)
    assert configs.fingerprint("a", "b") != configs.fingerprint("ab")
    assert configs.fingerprint(1) != configs.fingerprint("1")
    assert len(configs.fingerprint(run, digits=16)) == 16


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    digest = hashlib.sha256(b'[{"alpha":0.3,"seeds":[1,2]},"tiny"]').hexdigest()
    assert configs.fingerprint({"seeds": (1, 2), "alpha": 0.3}, "tiny") == digest[:10]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A section whose complaints name it in words of their own."""

    seeds: int = 1
    sampling: Sampling = Sampling()

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise UserError(f"a task's seeds must be at least 1, got {self.seeds}")
        if self.seeds > 9:
            raise UserError(f"task.seeds must be at most 9, got {self.seeds}")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Tasks:
    """Two sections of a kind."""

    task: Task = Task()
    other: Task = Task()


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("task.seeds=0", "^task: a task's seeds must be at least 1, got 0"),
        ("other.seeds=0", "^other: a task's seeds must be at least 1, got 0"),
        ("task.seeds=10", "^task.seeds must be at most 9"),
        ("other.sampling.alpha=2", "^other.sampling.alpha must be in"),
    ],
)
def test_a_complaint_names_its_section_once(assignment: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        configs.override(Tasks(), [assignment])


def test_help_can_be_kept_to_some_sections() -> None:
    text = configs.help_text(Run(steps=7), sections=["steps"])
    assert "  steps=7\n" in text
    assert "sampling." not in text
    assert "languages" not in text
    text = configs.help_text(Run(steps=7), sections=["sampling"])
    assert text.startswith("  sampling.alpha=0.7\n")


def test_help_shows_values_of_another_configuration_where_they_differ() -> None:
    text = configs.help_text(Run(steps=7), others={"large": Run(steps=9, languages=())})
    assert "  steps=7  (large: 9)\n" in text
    assert "  languages=en,sw  (large: empty)\n" in text
    assert "  sampling.alpha=0.7\n" in text


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Warmed(Sampling):
    """A section with settings of another."""

    warmup: int = 10
    """Steps before it."""


def test_inherited_settings_are_documented_where_they_are_defined() -> None:
    docs = {name: leaf.doc for name, leaf in configs.leaves(Warmed).items()}
    assert docs["warmup"] == "Steps before it."
    assert docs["basis"] == "What a language's size counts."


def test_help_shows_each_setting_with_value_and_documentation() -> None:
    text = configs.help_text(Run(steps=7), width=40)
    assert "  steps=7\n      Optimizer steps." in text
    assert "  languages=en,sw\n" in text
    assert "  sampling.alpha=0.7\n      Exponent of the language sampling," in text
    assert max(map(len, text.splitlines())) <= 40
