"""`bench pretrain`: its help, its settings, and what it says of both sides."""

import dataclasses

import pytest

from xlmr_lab import bench
from xlmr_lab.__main__ import main
from xlmr_lab.pretrain.throughput import Measured, ThroughputConfig


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[ThroughputConfig]:
    """What would have been compared; the lab is found twice as fast in half the memory."""
    asked: list[ThroughputConfig] = []

    def compare(config: ThroughputConfig):
        asked.append(config)
        return {
            "transformers": Measured([2.0, 2.0, 2.0], [4.0, 2.0, 4.0], 200_000_000),
            "xlmr_lab": Measured([1.0, 1.0, 1.0], [2.0, 2.0, 1.0], 100_000_000),
        }

    monkeypatch.setattr(bench, "compare", compare)
    return asked


def test_settings_of_a_preset_and_those_given_are_compared(compared, capsys):
    given = ("model.dropout=0", "batch_sequences=16", "threads=2")
    assert main(["bench", "pretrain", "--preset", "tiny", *given]) == 0
    out = capsys.readouterr().out.splitlines()
    (asked,) = compared
    assert asked == dataclasses.replace(
        bench.settings("tiny"),
        model=dataclasses.replace(bench.settings("tiny").model, dropout=0.0),
        batch_sequences=16,
        threads=2,
    )
    assert out[0] == "L2 H64 A2, 1800 ids, 16 x 128 tokens, fp32 on cpu, 2 threads"
    assert out[1].split() == ["tokens/s", "tokens/CPU-second", "peak", "memory"]
    assert out[2].split() == ["transformers", "1,024", "512", "200", "MB"]
    assert out[3].split() == ["xlmr_lab", "2,048", "1,024", "100", "MB"]
    assert " ".join(out[4:]) == (
        "xlmr_lab: 2.00 times the tokens of transformers (1.00 to 4.00 over 3 rounds, by CPU "
        "time), 0.50 times its memory"
    )


def test_on_a_gpu_the_clock_counts():
    found = {
        "transformers": Measured([3.0, 2.0], [1.0, 1.0], 200),
        "xlmr_lab": Measured([1.0, 1.0], [1.0, 1.0], 100),
    }
    assert "2.50 times" in bench.ratios(found, on_cpu=False)
    assert "by the clock" in bench.ratios(found, on_cpu=False)


def test_the_help_lists_models_and_settings(capsys):
    assert main(["bench", "pretrain", "--help"]) == 0
    out = capsys.readouterr().out
    assert "  vocab_size=8000\n      Ids" in out
    assert "  tiny, small, medium, base, large" in out
    assert not [line for line in out.splitlines() if line.endswith("-")], "a name cut in two"
    assert "xlm-15" not in out, "language embeddings have no counterpart"
    assert max(map(len, out.splitlines())) <= bench.WIDTH


@pytest.mark.parametrize("preset", bench.NAMES)
def test_every_model_that_is_listed_can_be_compared(preset: str):
    assert bench.settings(preset).step_tokens == 32 * 128


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--preset", "huge"], "no model preset 'huge'; there are tiny, small"),
        (["rouns=3"], "unknown setting 'rouns'; did you mean rounds?"),
        (["threads=0"], "threads must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_measured_is_one_line(arguments, told: str, capsys):
    assert main(["bench", "pretrain", *arguments]) == 2
    assert told in capsys.readouterr().err
