"""`xlmr-lab bench pretrain`: this trainer beside Hugging Face's, on this machine."""

import statistics
import textwrap
from collections.abc import Callable, Sequence

from xlmr_lab import configs
from xlmr_lab.commands import table
from xlmr_lab.model import presets
from xlmr_lab.pretrain.precision import resolve
from xlmr_lab.pretrain.throughput import SIDES, Measured, Side, ThroughputConfig, compare

DEFAULT_PRESET = "small"
WIDTH = 80
NAMES = [name for name, made in presets.PRESETS.items() if not made.num_languages]
"""Models that both sides have: those without language embeddings."""
HELP = """xlmr-lab bench pretrain [--preset NAME] [section.field=value ...]

Train a model with this trainer and with Hugging Face's (XLMRobertaForMaskedLM
with its collator) on the same shapes, packed, paired in one run: tokens a
second, peak memory, and the ratio of both. Peak memory is that of a process for
each side, without what the libraries take; what will not fit is refused. Needs
transformers, which ./lab installs; elsewhere: pip install 'xlmr-lab[bench]'.
The batch is the same for all models: lower it for the large ones.

Models:

{models}

Examples:

  ./lab bench pretrain
  ./lab bench pretrain batch_sequences=16 model.dropout=0 threads=2
  ./lab bench pretrain --preset base block_tokens=512 device=cuda

The settings of {preset}:

{settings}"""


def pretrain(given: Sequence[str], *, preset: str, say: Callable[[str], None]) -> None:
    """Measure this trainer beside Hugging Face's, with a preset's settings and those given.

    Raises:
        UserError: there is no such preset or setting, or it cannot be measured here.
    """
    config = configs.override(settings(preset), given)
    say(shape(config))
    for line in lines(compare(config), config):
        say(line)


def settings(preset: str) -> ThroughputConfig:
    """Return the settings of a model preset.

    Raises:
        UserError: there is none of that name.
    """
    found = presets.preset(preset)
    return ThroughputConfig(model=found.encoder, vocab_size=found.vocab_size)


def help_text(preset: str) -> str:
    """Return what the bench does, its presets and settings."""
    names = textwrap.fill(
        ", ".join(NAMES),
        WIDTH,
        initial_indent="  ",
        subsequent_indent="  ",
        break_on_hyphens=False,
    )
    return HELP.format(models=names, preset=preset, settings=configs.help_text(settings(preset)))


def shape(config: ThroughputConfig) -> str:
    """Return in a line what is trained."""
    model, place = config.model, config.place
    on_cpu = f", {config.threads} thread{'s' * (config.threads > 1)}" * (place.type == "cpu")
    return (
        f"L{model.num_layers} H{model.hidden_size} A{model.num_heads}, {config.vocab_size} ids, "
        f"{config.batch_sequences} x {config.block_tokens} tokens, "
        f"{resolve(config.precision, place)} on {place.type}{on_cpu}"
    )


def lines(found: dict[Side, Measured], config: ThroughputConfig) -> list[str]:
    """Return a table of both sides and what one is to the other."""
    on_cpu = config.place.type == "cpu"
    rows = []
    for side in SIDES:
        measured = found[side]
        speeds = [measured.tokens_per_second(config.step_tokens)]
        speeds += [measured.tokens_per_cpu_second(config.step_tokens)] * on_cpu
        rows.append((side, *(f"{x:,.0f}" for x in speeds), f"{measured.peak_bytes / 1e6:,.0f} MB"))
    header = ("", "tokens/s", *["tokens/CPU-second"] * on_cpu, "peak memory")
    return [table(header, rows), *textwrap.wrap(ratios(found, on_cpu=on_cpu), WIDTH)]


def ratios(found: dict[Side, Measured], *, on_cpu: bool) -> str:
    """Return how many times the lab is as fast, in the middle and over rounds, and its memory."""
    other, lab = (found[side] for side in SIDES)
    kind = "cpu_seconds" if on_cpu else "seconds"
    rounds = sorted(a / b for a, b in zip(getattr(other, kind), getattr(lab, kind), strict=True))
    middle = statistics.median(rounds)
    clock = "CPU time" if on_cpu else "the clock"
    return (
        f"xlmr_lab: {middle:.2f} times the tokens of transformers ({rounds[0]:.2f} to "
        f"{rounds[-1]:.2f} over {len(rounds)} rounds, by {clock})"
        f", {lab.peak_bytes / other.peak_bytes:.2f} times its memory"
    )
