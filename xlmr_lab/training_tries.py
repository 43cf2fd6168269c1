"""Runs of a study that are looked at while they train: its arms, and tries, short runs of one's own
on its text with other settings.

A try lies in `tries/` of the study's run folder, under a name that says its settings, and is
trained by a command that starts from the study's own settings; its text and vocabulary are found
where the study left them, or made again there if they are gone.
"""

import collections
import contextlib
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

from xlmr_lab import stage_folders, storage, study_call, training_process
from xlmr_lab.errors import UserError
from xlmr_lab.results import Study
from xlmr_lab.training_process import TrainingRun

TRIES_NAME, ARMS_NAME = "tries", "arms"
RECORDS = 10
"""So often at least a try measures its held-out loss and saves itself."""
LOG_STEPS = 10
UNKNOWN_STEP_SECONDS = 0.1


class TrySettings(NamedTuple):
    """What a try has of its own."""

    steps: int
    """Optimizer steps."""
    peak_learning_rate: float
    """Learning rate at the end of the warm-up, which is as long a part of the run as the study's.
    """
    batch_sequences: int
    """Blocks of a batch."""
    alpha: float
    """Exponent of the sampling of languages."""

    def name(self) -> str:
        """Return the name of the folder.

        >>> TrySettings(600, 0.006, 32, 0.3).name()
        'steps=600-rate=0.006-batch=32-alpha=0.3'
        """
        return (
            f"steps={self.steps}-rate={self.peak_learning_rate:g}-batch={self.batch_sequences}"
            f"-alpha={self.alpha:g}"
        )

    @classmethod
    def named(cls, name: str) -> "TrySettings":
        """Return the settings that a folder's name says.

        >>> TrySettings.named("steps=600-rate=6e-05-batch=32-alpha=0.3").peak_learning_rate
        6e-05
        """
        found = re.fullmatch(r"steps=(\d+)-rate=(.+)-batch=(\d+)-alpha=(.+)", name)
        with contextlib.suppress(ValueError):
            if found:
                return cls(int(found[1]), float(found[2]), int(found[3]), float(found[4]))
        raise UserError(f"{name!r} is no name of a try, which is like {TRY_NAME}")


TRY_NAME = TrySettings(600, 0.006, 32, 0.3).name()


def own_settings(study: Study) -> TrySettings:
    """Return the settings of the study's main arm, as those of a try."""
    config = study.config()
    pretrain, sequences = config["pretrain"], config["batches"]["batch_sequences"]
    return TrySettings(pretrain["steps"], pretrain["peak_learning_rate"], sequences, study.alpha())


def has_one_exponent(study: Study) -> bool:
    """Tell whether the study samples by one exponent from beginning to end, as a try may too."""
    return bool(study.config()["sampling"].get("schedule", "constant") == "constant")


def step_seconds(study: Study) -> float:
    """Return how long a step of the study took, `UNKNOWN_STEP_SECONDS` where no run says."""
    for run in arms(study):
        rows = training_process.last_records(run)
        if rows and rows[-1]["step"]:
            return float(rows[-1]["seconds"] / rows[-1]["step"])
    return UNKNOWN_STEP_SECONDS


def arms(study: Study) -> list[TrainingRun]:
    """Return the study's own runs that are begun or finished, those of its main arm first; none
    that was made with another model or other batches than the study has now.
    """
    places = sorted((study.folder / ARMS_NAME).glob("*/config.json"))
    places = [place for place in places if _is_alike(study, place)]
    labels = [re.sub(r"-s(\d+)(-\w+)?$", r", seed \1", place.parent.name) for place in places]
    common = collections.Counter(labels)
    found = [
        TrainingRun(
            f"{ARMS_NAME}/{place.parent.name}",
            label if common[label] == 1 else place.parent.name,
            place.parent,
        )
        for place, label in zip(places, labels, strict=True)
    ]
    main = f"alpha={study.alpha():g}"
    return sorted(found, key=lambda run: not re.match(rf"{re.escape(main)}[,-]", run.label))


def tries(study: Study) -> list[TrainingRun]:
    """Return the tries that are begun, the latest last; a folder whose name is none of a try is
    somebody's own."""
    found = []
    logs = (study.folder / TRIES_NAME).glob(f"*/{training_process.LOG_NAME}")
    for log in sorted(logs, key=lambda log: log.stat().st_mtime):
        with contextlib.suppress(UserError):
            found.append(tried(study, TrySettings.named(log.parent.name)))
    return found


def begun(study: Study) -> list[TrainingRun]:
    """Return all runs of the study that are begun."""
    return [*arms(study), *tries(study)]


def tried(study: Study, settings: TrySettings) -> TrainingRun:
    """Return the try of these settings, which need not be begun."""
    home = study.folder / TRIES_NAME / settings.name()
    made = [p for p in (home / ARMS_NAME).glob("*/config.json") if _is_alike(study, p)]
    latest = max(made, key=lambda place: place.stat().st_mtime, default=None)
    label = (
        f"try: {settings.steps:,} steps of {settings.batch_sequences}, rate "
        f"{settings.peak_learning_rate:g}, alpha={settings.alpha:g}"
    )
    folder = latest.parent if latest else None
    return TrainingRun(f"{TRIES_NAME}/{home.name}", label, folder, home)


def _is_alike(study: Study, place: Path) -> bool:
    """Tell whether a run, by its settings, has the model and the blocks of the study, which may
    have been made anew with others under the same name."""
    own, theirs = storage.read_json(place), study.config()
    blocks = [config["batches"]["block_tokens"] for config in (own, theirs)]
    model = {name: theirs["model"].get(name, value) for name, value in own["model"].items()}
    return bool(own["model"] == model and blocks[0] == blocks[1])


def start(study: Study, settings: TrySettings) -> None:
    """Begin a try, or go on with it where it stopped, in the background.

    Raises:
        UserError: it trains already, or the study does not say how it was made.
    """
    run = tried(study, settings)
    assert run.home is not None
    training_process.start(run.home, command(study, settings), cwd=_ran_in(study))


def command(study: Study, settings: TrySettings) -> list[str]:
    """Return the command that trains a try.

    Raises:
        UserError: the study does not say how it was made, or its token shards are gone.
    """
    call, own = _call(study), _overrides(study, settings)
    kept = [given for given in call["settings"] if given.partition("=")[0] not in own]
    preset = ["--preset", call["preset"]] if call.get("preset") else []
    written = [f"{name}={value}" for name, value in own.items()]
    return [sys.executable, "-m", "xlmr_lab", "pretrain", *preset, *kept, *written]


def _overrides(study: Study, settings: TrySettings) -> dict[str, Any]:
    """Return the settings, by name, in which a try differs from its study: its own, those of a
    single run beside the study, and what goes by the length of the run.
    """
    theirs = study.config()
    pretrain = theirs["pretrain"]
    every = max(1, settings.steps // RECORDS)
    part = settings.steps / pretrain["steps"]
    named = {
        "name": settings.name(),
        "runs_dir": study.folder.resolve() / TRIES_NAME,
        "data_dir": stage_folders.find(study, "shards").resolve().parent,
        **{"seeds": 1, "jobs": 1, "ablation.alphas": ""},
        "batches.batch_sequences": settings.batch_sequences,
        "pretrain.steps": settings.steps,
        "pretrain.peak_learning_rate": settings.peak_learning_rate,
        "pretrain.warmup_steps": round(part * pretrain["warmup_steps"]),
        "pretrain.log_steps": min(LOG_STEPS, every),
        "pretrain.heldout_steps": every,
        "pretrain.checkpoint_steps": every,
    }
    if pretrain["decay_steps"]:
        named["pretrain.decay_steps"] = max(1, int(part * pretrain["decay_steps"]))
    if pretrain["micro_sequences"]:
        micro = min(pretrain["micro_sequences"], settings.batch_sequences)
        named["pretrain.micro_sequences"] = micro
    if settings.alpha != theirs["sampling"]["alpha"]:
        named["sampling.alpha"] = settings.alpha
    return named


def _call(study: Study) -> dict[str, Any]:
    """Return the preset and the settings that the study was called with."""
    place = study.folder / study_call.CALL_NAME
    if not place.is_file():
        raise UserError(
            f"{study.name} has no {study_call.CALL_NAME}, which says how it was made; `./lab "
            "pretrain` with its settings writes it"
        )
    return dict(storage.read_json(place))


def _ran_in(study: Study) -> Path:
    """Return the folder that paths in the study's settings are seen from; where the study does not
    say it, or it is gone, the one that its runs lie below."""
    call = _call(study)
    if (told := call.get("seen_from")) and Path(told).is_dir():
        return Path(told)
    given = dict(setting.partition("=")[::2] for setting in call["settings"])
    runs = Path(given.get("runs_dir", "runs"))
    above = 0 if runs.is_absolute() else len(runs.parts)
    return study.folder.resolve().parents[above]
