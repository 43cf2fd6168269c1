"""Encoding by several processes: the same bytes whatever their number, and none is left behind.

Run with: pytest tests/batches/test_encoding.py
"""

import functools
import io
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sentencepiece

from xlmr_lab import storage
from xlmr_lab.batches import encoding, shards
from xlmr_lab.batches.shards import TokenShards
from xlmr_lab.errors import ResumableError, UserError
from xlmr_lab.vocabulary.tokenizer import Tokenizer

WORDS = ["the", "cat", "sat", "on", "mat", "dog", "log", "oh", "caf\u00e9"]
COUNTS = {"qaa": 0, "qab": 3000, "qac": 150, "qad": 700}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(WORDS)] * 20),
        model_writer=writer,
        vocab_size=60,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return Tokenizer(writer.getvalue())


def text(language: str) -> Iterator[tuple[str, str]]:
    """Yield the documents of a language; some are long, some have no piece at all."""
    rng = np.random.default_rng(list(language.encode()))
    for number in range(COUNTS[language]):
        words = rng.choice(WORDS, 400 if number % 500 == 7 else 12)
        yield f"{language}-{number}", "" if number % 50 == 3 else " ".join(words) + "\nend\n"


DOCUMENTS = {key: functools.partial(text, key) for key in COUNTS if COUNTS[key]}


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have enough chunks for processes in little text."""
    monkeypatch.setattr(encoding, "CHUNK_CHARACTERS", 5000)


def encode(documents, tokenizer, folder: Path, jobs: int) -> dict[str, bytes]:
    """Return the files that are made, by name."""
    folder.mkdir()
    shards.encode(documents, tokenizer, folder, heldout_fraction=0.1, jobs=jobs)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
@pytest.mark.usefixtures("small_chunks")
def test_files_do_not_depend_on_the_number_of_processes(tokenizer, tmp_path):
    made = [encode(DOCUMENTS, tokenizer, tmp_path / f"{n}", jobs=n) for n in (1, 2, 3)]
    assert made[0] == made[1] == made[2]
    assert len(made[0]) == 2 * len(DOCUMENTS) + 1
    opened = TokenShards.open(tmp_path / "3")
    opened.verify()
    for language, documents in DOCUMENTS.items():
        counts = [opened.counts(language, name)["documents"] for name in ("train", "heldout")]
        assert sum(counts) == sum(bool(text) for _, text in documents())
    assert not multiprocessing.active_children()


@pytest.mark.slow
@pytest.mark.usefixtures("small_chunks")
def test_documents_keep_their_order(tokenizer):
    parts = encoding.encoded(
        DOCUMENTS, tokenizer, np.dtype("<u2"), jobs=2, advance=lambda num_bytes: None
    )
    found = {
        key: [document for _, part in group for document in part]
        for key, group in itertools.groupby(parts, key=lambda part: part[0])
    }
    for language, documents in DOCUMENTS.items():
        texts = [text for _, text in documents() if text]
        assert len(found[language]) == len(texts)
        for document, ids in zip(found[language], tokenizer.encode(texts), strict=True):
            np.testing.assert_array_equal(document.tokens, [*ids, 2])


def test_a_language_without_documents_has_one_empty_part(tokenizer):
    told = []
    documents = {"qaa": functools.partial(text, "qaa"), "qac": functools.partial(text, "qac")}
    parts = list(
        encoding.encoded(documents, tokenizer, np.dtype("<u2"), jobs=1, advance=told.append)
    )
    assert parts[0] == ("qaa", [])
    assert [key for key, _ in parts] == ["qaa", "qac"]
    assert sum(told) == sum(len(text.encode()) for _, text in documents["qac"]())


class ByLanguage:
    """Ids that tell the language that the tokenizer was called with."""

    size, fingerprint = 300, "by-language"

    def encode(self, texts, language):
        return [np.full(3, 4 + ord(language[-1]), np.int32) for _ in texts]


def test_each_text_is_encoded_as_the_language_it_is_in(tmp_path):
    encode(DOCUMENTS, ByLanguage(), tmp_path / "made", jobs=1)
    opened = TokenShards.open(tmp_path / "made")
    for language in DOCUMENTS:
        assert set(opened.tokens(language)) == {2, 4 + ord(language[-1])}


class Counting:
    """Notes how many documents were read when each chunk came back."""

    def __init__(self) -> None:
        self.read = 0

    def documents(self, number: int) -> Iterator[tuple[str, str]]:
        for i in range(number):
            self.read += 1
            yield str(i), "the cat " * 100


@pytest.mark.slow
def test_no_more_text_is_read_than_keeps_the_processes_at_work(tokenizer, monkeypatch):
    monkeypatch.setattr(encoding, "CHUNK_CHARACTERS", 800)  # a document each
    counting, most = Counting(), 0
    parts = encoding.encoded(
        {"qaa": functools.partial(counting.documents, 300)},
        tokenizer,
        np.dtype("<u2"),
        jobs=2,
        advance=lambda num_bytes: None,
    )
    for number, _ in enumerate(parts):
        most = max(most, counting.read - number)
    assert counting.read == 300
    assert most <= encoding.FEW_CHUNKS + 2 * encoding.CHUNKS_PER_WORKER


class Dying(ByLanguage):
    """Kills its process at the third chunk."""

    def __init__(self) -> None:
        self.calls = 0

    def encode(self, texts, language):
        self.calls += 1
        if self.calls == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(texts, language)


class Refusing(ByLanguage):
    """Refuses a language."""

    def encode(self, texts, language):
        if language == "qac":
            raise UserError(f"{language} has no words")
        return super().encode(texts, language)


@pytest.mark.slow
@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize(
    ("tokenizer", "error", "message"),
    [
        (Dying(), ResumableError, "a worker process was killed, for want of memory"),
        (Refusing(), UserError, "^qac has no words$"),
    ],
)
def test_a_failure_is_one_clear_line_and_no_process_is_left(tokenizer, error, message, tmp_path):
    folder = tmp_path / "shards"
    with pytest.raises(error, match=message), storage.atomic_folder(folder) as partial:
        encode(DOCUMENTS, tokenizer, partial / "made", jobs=2)
    assert not multiprocessing.active_children()
    assert list(tmp_path.iterdir()) == []


def test_a_text_that_is_no_valid_unicode_is_told(tokenizer, tmp_path):
    documents = {"qaa": lambda: iter([("qaa-0", "the cat \ud83d")])}
    with pytest.raises(UserError, match=r"lone surrogate U\+D83D"):
        encode(documents, tokenizer, tmp_path / "made", jobs=1)


@pytest.mark.slow
@pytest.mark.usefixtures("small_chunks")
def test_a_language_with_too_little_text_ends_the_processes_too(tokenizer, tmp_path):
    documents = {**DOCUMENTS, "qaa": functools.partial(text, "qaa")}
    with pytest.raises(UserError, match="too little text for qaa"):
        encode(documents, tokenizer, tmp_path / "made", jobs=2)
    assert not multiprocessing.active_children()


INTERRUPTED = """
import os, sys, time
from pathlib import Path

import numpy as np

from xlmr_lab import storage
from xlmr_lab.batches import encoding, shards

class Slow:
    size, fingerprint = 300, "slow"

    def encode(self, texts, language):
        Path(sys.argv[1], f"worker-{os.getpid()}").touch()
        time.sleep(0.5)
        return [np.full(3, 5, np.int32) for _ in texts]

if __name__ == "__main__":
    encoding.CHUNK_CHARACTERS = 10
    documents = {"qaa": lambda: ((str(i), "the cat sat") for i in range(10_000))}
    with storage.atomic_folder(Path(sys.argv[1]) / "shards") as folder:
        shards.encode(documents, Slow(), folder, heldout_fraction=0.1, jobs=2)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("send", "number"),
    [(os.killpg, signal.SIGINT), (os.kill, signal.SIGINT), (os.kill, signal.SIGKILL)],
    ids=["interrupted by the keyboard", "interrupted alone", "killed"],
)
def test_an_interrupt_or_a_killed_parent_leaves_no_process(send, number, tmp_path):
    """The keyboard interrupts the whole group of processes."""
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    command = [sys.executable, str(script), str(tmp_path)]
    parent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    workers = [int(p.name.split("-")[1]) for p in wait_for(lambda: started(tmp_path), 60)]
    send(parent.pid, number)
    _, told = parent.communicate(timeout=30)
    assert parent.returncode != 0
    wait_for(lambda: not any(map(is_alive, workers)), 20)
    if number == signal.SIGINT:
        assert told.count("Traceback") == told.count("KeyboardInterrupt") == 1
        assert [path for path in tmp_path.iterdir() if path.name.startswith("shards")] == []


def started(folder: Path) -> list[Path]:
    """Return the marks of the workers once both are there."""
    found = list(folder.glob("worker-*"))
    return found if len(found) == 2 else []


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition, seconds: float):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    pytest.fail("waited in vain")
