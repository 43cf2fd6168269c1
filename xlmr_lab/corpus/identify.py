"""Language identification with a fastText classifier on character n-grams, trained here on labelled
text (CCNet Sec. 3.3).

It sees lower-cased letters and marks only: digits, punctuation and markup say more about a source
than about a language. The training text is cut into pieces as short as the paragraphs that are
hard, and every language gets as many. Training is in a process of its own, with one thread and a
fixed seed, so that the same text gives the same model. Known to be weak on a few words; it knows no
language but those it was shown, and calls any other text one of them. fastText's published models,
lid.176.bin and lid.176.ftz (Grave et al. 2018), are loaded as well; they see the text as it is.
Left out here: calibration, abstaining on menus, a second identifier.
"""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import fasttext
import numpy as np
import numpy.typing as npt
import polars as pl

from xlmr_lab import seeds, storage
from xlmr_lab.errors import UserError

PREFIX_CHARACTERS = 200
"""Characters of a text that are looked at; more take time and hardly change a verdict."""

PIECE_CHARACTERS = (10, 40)
"""Length of a training example, drawn evenly from this range (characters); longer ones teach
less.
"""

MAX_REPEATS = 10
"""How often the text of a language that has little is repeated at most."""

HYPERPARAMETERS = {
    "loss": "softmax",
    "dim": 16,
    "minn": 1,  # single characters tell Simplified from Traditional Chinese
    "maxn": 4,
    "bucket": 65_536,
    "minCount": 1_000_000_000,  # no whole words, whose vectors would make up most of the file
    "lr": 1.0,
    "epoch": 5,
    "thread": 1,  # more would make the result depend on timing
    "verbose": 0,
}
"""What fastText is trained with. Its file has 4 MB; trained on 60 languages with 100 kB each of
other text, it was right about 98.6 % of news sentences (mean over the languages).
"""

PUBLISHED_KEYS = {"nn": "no"}
"""The paper's keys for codes of the published models where they differ; `zh` is told apart by its
characters, and codes of other languages stay as they are.
"""

_SIMPLIFIED = "们这个国时会来为学对说过还发经动问开关见长门间进样点现实体当机书气车东马"
_TRADITIONAL = "們這個國時會來為學對說過還發經動問開關見長門間進樣點現實體當機書氣車東馬"
"""Frequent characters that were simplified, and what they were."""

_LABEL = "__label__"
_SCRATCH = "identifier-"
_NOT_LETTERS = r"[^\p{L}\p{M}\u200c\u200d]+"  # keeps ZERO WIDTH NON-JOINER and JOINER


def train(texts: Mapping[str, Iterable[str]], path: Path, *, seed: int) -> None:
    """Train an identifier on texts by language and save it at `path`, whole or not at all.

    Raises:
        UserError: a language has no letters to learn from.
    """
    rng = seeds.generator(seed, "identify", "examples")
    pieces = {key: _pieces(lines, rng) for key, lines in sorted(texts.items())}
    for key, examples in pieces.items():
        if not examples:
            raise UserError(
                f"no text in letters to train the language identifier on for {key!r}; "
                "give it some or leave the language out"
            )
    wanted = max(map(len, pieces.values()))
    rows = [
        f"{_LABEL}{key} {examples[i % len(examples)]}\n"
        for key, examples in pieces.items()
        for i in range(min(wanted, MAX_REPEATS * len(examples)))
    ]
    order = rng.permutation(len(rows))
    for left in path.parent.glob(f"{_SCRATCH}*"):  # of a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=path.parent) as folder:
        examples_path = Path(folder) / "examples.txt"
        examples_path.write_text("".join(rows[i] for i in order), encoding="utf-8")
        with storage.atomic_path(path) as partial:
            _run_trainer(examples_path, partial, seeds.integer(seed, "identify") % 2**31)


class Identifier:
    """A trained identifier."""

    def __init__(self, model: fasttext.FastText._FastText, *, raw_text: bool) -> None:
        self._model, self._raw_text = model, raw_text
        codes = [label.removeprefix(_LABEL) for label in model.get_labels()]
        self.languages = sorted({key for code in codes for key in self._keys(code)})

    @classmethod
    def load(cls, path: Path, *, raw_text: bool | None = None) -> "Identifier":
        """Load what `train` saved, or a published model.

        `raw_text` says that the model is to see text as it is and that its codes are to be mapped
        to the paper's keys; None: where the model knows whole words, as the published ones do.

        Raises:
            UserError: no such file, or not a fastText model.
        """
        try:
            model = fasttext.load_model(str(path))
        except ValueError as error:
            raise UserError(f"{path} is no fastText model ({error}); train it again") from None
        knows_words = bool(model.get_words())
        return cls(model, raw_text=knows_words if raw_text is None else raw_text)

    def predict(
        self, texts: Sequence[str], *, prefix_characters: int = PREFIX_CHARACTERS
    ) -> tuple[list[str], npt.NDArray[np.float32]]:
        """Return the likeliest language of each text and its probability; "" and 0 where there is
        no letter.
        """
        seen = (_raw if self._raw_text else _letters)(texts, prefix_characters)
        labels, scores = self._model.predict(seen)
        codes = [label[0].removeprefix(_LABEL) if label else "" for label in labels]
        best = np.array([score[0] if len(score) else 0.0 for score in scores], dtype=np.float32)
        if self._raw_text:  # these models name a language for the empty text, too
            codes = [
                (self._keys(code)[code == "zh" and _is_traditional(text)] if text else "")
                for code, text in zip(codes, seen, strict=True)
            ]
            best[[not text for text in seen]] = 0
        return codes, np.minimum(best, np.float32(1.0))

    def _keys(self, code: str) -> tuple[str, str]:
        """Return the keys of a code in texts of simplified and of traditional characters."""
        if self._raw_text and code == "zh":
            return "zh-Hans", "zh-Hant"
        key = PUBLISHED_KEYS.get(code, code) if self._raw_text else code
        return key, key


def _raw(texts: Sequence[str], prefix_characters: int) -> list[str]:
    """Return the beginnings of texts with single spaces, "" for those without a letter."""
    series = pl.Series(texts, dtype=pl.String).str.slice(0, prefix_characters)
    spaced = series.str.replace_all(r"\s+", " ")
    return spaced.zip_with(spaced.str.contains(r"\p{L}"), pl.Series([""])).to_list()


def _is_traditional(text: str) -> bool:
    return sum(map(text.count, _TRADITIONAL)) > sum(map(text.count, _SIMPLIFIED))


def _letters(texts: Sequence[str], prefix_characters: int) -> list[str]:
    """Return the beginnings of texts in lower case, all but letters as spaces."""
    series = pl.Series(texts, dtype=pl.String).str.slice(0, prefix_characters)
    return series.str.replace_all(_NOT_LETTERS, " ").str.strip_chars().str.to_lowercase().to_list()


def _pieces(texts: Iterable[str], rng: np.random.Generator) -> list[str]:
    """Cut texts, joined, into pieces of random length."""
    whole = " ".join(filter(None, _letters(list(texts), sys.maxsize)))
    shortest, longest = PIECE_CHARACTERS
    lengths = rng.integers(shortest, longest + 1, size=len(whole) // shortest + 1)
    ends = np.cumsum(lengths)
    starts = np.concatenate([[0], ends[:-1]])
    cut = (whole[a:b].strip() for a, b in zip(starts.tolist(), ends.tolist(), strict=True))
    return [piece for piece in cut if piece]


def _run_trainer(examples: Path, model: Path, seed: int) -> None:
    """Train in a fresh process.

    With one thread fastText sets only the first tenth of its input vectors and leaves the rest as
    memory happens to be: old contents there make it fail ("Encountered NaN") or differ from run to
    run. In a process where large blocks always come fresh from the system that memory is zero.
    `MALLOC_MMAP_THRESHOLD_` asks the GNU allocator for that.
    """
    environment = os.environ | {
        "MALLOC_MMAP_THRESHOLD_": "65536",
        "MALLOC_PERTURB_": "0",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    command = [sys.executable, "-m", __spec__.name, str(examples), str(model), str(seed)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or f"exit status {done.returncode}").rpartition("\n")[2]
        if os.strerror(errno.ENOSPC) in last:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(model))
        raise RuntimeError(f"training the language identifier failed: {last}")


def _train_here(examples: str, model_path: str, seed: str) -> None:
    model = fasttext.train_supervised(examples, seed=int(seed), **HYPERPARAMETERS)
    vectors = model.get_input_matrix()
    if not np.isfinite(vectors).all():
        raise FloatingPointError("the vectors are not finite")
    model.save_model(model_path)
    if os.path.getsize(model_path) < vectors.nbytes:  # fastText does not notice a full disk
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), model_path)


if __name__ == "__main__":
    _train_here(*sys.argv[1:])
