"""The warning that a run will repeat text too often, with the settings that end it; of pairs of
languages, which the sampling of languages does not change, it is told apart.
"""

import dataclasses

from xlmr_lab import configs
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain.settings import PretrainConfig, PretrainRun, sampling_phases
from xlmr_lab.sampling import meter, repetition
from xlmr_lab.sampling.pairs import single_length
from xlmr_lab.sampling.repetition import Plan
from xlmr_lab.sampling.settings import SamplingConfig

FITTED = ("warmup_steps", "decay_steps")
"""Parts of a run that become shorter with it where they would not fit."""

PAIRS_MENDED = (
    "a smaller tlm.share, more parallel text or a larger tlm.alpha repeats less; sampling.alpha "
    "does not change it"
)
"""What a warning on pairs of languages advises."""


def warnings(run: PretrainRun, shards: TokenShards, limit: float) -> list[str]:
    """Return a line on the languages whose text a run will pass more than `limit` times, and one on
    such pairs of languages; none where there are none.
    """
    told = (warning(run, shards, limit), pairs_warning(run, shards, limit))
    return [line for line in told if line]


def warning(run: PretrainRun, shards: TokenShards, limit: float) -> str | None:
    """Return a line on the languages whose text a run will pass more than `limit` times and on what
    ends that, or None where there is none.
    """
    found = plan(run, shards)
    repeated = meter.warning(found.passes(), limit)
    return f"{repeated}; {_remedy(run, found, limit)}" if repeated else None


def pairs_warning(run: PretrainRun, shards: TokenShards, limit: float) -> str | None:
    """Return a line on the pairs whose text a run will pass more than `limit` times and on what
    makes that less, or None where there is none.
    """
    repeated = meter.warning(pair_passes(run, shards), limit, things="pairs of languages")
    return f"{repeated}; {PAIRS_MENDED}" if repeated else None


def pair_passes(run: PretrainRun, shards: TokenShards) -> dict[str, float]:
    """Return how often a whole run will go through the text of each pair."""
    draws = meter.expected_draws(sampling_phases(run, shards), run.length)
    blocks = shards.sizes("blocks", run.batches.block_tokens)
    return meter.passes({pair: draws[pair] for pair in shards.pairs}, blocks)


def plan(run: PretrainRun, shards: TokenShards) -> Plan:
    """Return how a run samples the text of single languages."""
    sizes, blocks = (
        shards.sizes(basis, run.batches.block_tokens) for basis in (run.sampling.basis, "blocks")
    )
    return Plan(
        run.sampling,
        {key: sizes[key] for key in run.languages},
        {key: blocks[key] for key in run.languages},
        single_length(run.length, run.tlm),
    )


def shortened(config: PretrainConfig, steps: int) -> PretrainConfig | None:
    """Return the settings of a run of fewer steps, its parts in proportion where they would not fit
    otherwise; None where there is no such run.
    """
    parts = {name: getattr(config, name) * steps // config.steps for name in FITTED}
    for changed in ({}, parts):
        try:
            return dataclasses.replace(config, steps=steps, **changed)
        except UserError:
            continue
    return None


def _remedy(run: PretrainRun, found: Plan, limit: float) -> str:
    """Return what keeps every text within the limit, as settings."""
    ways = list[str]()
    mean = found.mean_passes()
    of_sampling = mean <= limit * (1 + 1e-9)
    if of_sampling:
        if (alpha := repetition.least_alpha(found, limit)) is not None:
            ways.append(f"sampling.alpha={alpha:g}")
        if (config := repetition.capped(found, limit)) is not None:
            ways.append(_typed("sampling", run.sampling, config))
    steps = repetition.most_steps(found, limit)
    if steps and (shorter := shortened(run.pretrain, steps)) is not None:
        ways.append(_typed("pretrain", run.pretrain, shorter))
    why = "" if of_sampling else f"all text together {mean:.3g} times, whatever the sampling: "
    return f"{why}{', or '.join([*(f'set {way}' for way in ways), 'add text'])}"


def _typed(
    section: str, old: SamplingConfig | PretrainConfig, new: SamplingConfig | PretrainConfig
) -> str:
    """Write the settings of a section that differ from the old ones as they are typed."""
    before, after = configs.to_dict(old), configs.to_dict(new)
    return " ".join(
        f"{section}.{name}={_value(value)}"
        for name, value in after.items()
        if value != before[name]
    )


def _value(value: object) -> str:
    """Write a setting's value as it is typed.

    >>> _value(16.0), _value("capped"), _value([])
    ('16', 'capped', '')
    """
    if isinstance(value, list):
        return ",".join(map(_value, value))
    return f"{value}".removesuffix(".0")
