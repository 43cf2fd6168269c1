"""The corpora: the same bytes every time, sizes of the real table, every paragraph's truth."""

import hashlib
import json
import re
from collections import Counter

import pytest

from xlmr_lab.babel import corpora, tongues
from xlmr_lab.babel.corpora import BabelConfig
from xlmr_lab.babel.pages import CLEAN, DIRT
from xlmr_lab.errors import UserError

SMALL = BabelConfig(
    languages=("qaa", "qab", "qae"),
    corpus_bytes=200_000,
    smallest_bytes=20_000,
    encyclopaedia_bytes=5_000,
)
PINNED = "49c4cab60d748d6a746f9df95f5393a7f0fd0c374ba1a424bda5d843984a4783"


def digest(folder) -> str:
    """Return one hash of all files below a folder, names included."""
    whole = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        whole.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()


def test_the_corpus_is_the_same_bytes_on_every_machine(tmp_path) -> None:
    corpora.write(tmp_path, SMALL)
    assert digest(tmp_path) == PINNED


def test_sizes_follow_the_real_table_with_a_floor() -> None:
    wanted = corpora.sizes(BabelConfig(corpus_bytes=10_000_000, smallest_bytes=1_000))
    real = {code: tongues.stands_for(code).size_gib for code in wanted}
    whole = sum(real.values())
    for code, size in wanted.items():
        assert size == max(1_000, int(10_000_000 * real[code] / whole))


def test_written_sizes_are_the_wanted_ones(tmp_path) -> None:
    corpora.write(tmp_path, SMALL)
    for code, wanted in corpora.sizes(SMALL).items():
        lines = (tmp_path / "corpus" / "web" / f"{code}.jsonl").read_text("utf-8").splitlines()
        size = sum(len(json.loads(line)["text"].encode("utf-8")) + 1 for line in lines)
        assert wanted <= size < wanted + 5_000


def test_every_paragraph_has_its_truth(tmp_path) -> None:
    corpora.write(tmp_path, SMALL)
    found: Counter[str] = Counter()
    for code in SMALL.languages:
        web = (tmp_path / "corpus" / "web" / f"{code}.jsonl").read_text("utf-8").splitlines()
        truth = (tmp_path / "truth" / f"{code}.jsonl").read_text("utf-8").splitlines()
        for page, told in zip(map(json.loads, web), map(json.loads, truth), strict=True):
            assert page["doc_id"] == told["doc_id"]
            assert len(page["text"].split("\n")) == len(told["labels"])
            found.update(told["labels"])
    assert set(found) == {CLEAN, *DIRT}


def test_without_dirt_all_is_clean() -> None:
    config = BabelConfig(languages=("qaa", "qab"), dirt=0.0)
    world, grown = corpora.build(config)
    for page in corpora.web_pages(world, grown, grown[1], 20_000, config):
        assert set(page.labels) == {CLEAN}


def test_glosses_stand_in_the_first_language() -> None:
    """With every sentence glossed there is a bracket for each, in the Latin script of the hub."""
    config = BabelConfig(languages=("qaa", "qab"), dirt=0.0, glossed=1.0)
    world, grown = corpora.build(config)
    page = next(corpora.web_pages(world, grown, grown[1], 1_000, config))
    glosses = re.findall(r"\((.*?)\)", page.text)
    assert len(glosses) == page.text.count(". (") >= 4
    words = {tongue_word for form in grown[0].forms.values() for tongue_word in form.split()}
    for gloss in glosses:
        assert gloss.rstrip(".").isascii()
        assert sum(word.rstrip(".") in words for word in gloss.split()) >= 2
    assert "(" not in next(corpora.web_pages(world, grown, grown[0], 1_000, config)).text


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"num_languages": 0}, "1 to 100"),
        ({"languages": ("en",)}, "'en'"),
        ({"dirt": 1.0}, "dirt"),
        ({"corpus_bytes": 10}, "corpus_bytes"),
    ],
)
def test_settings_out_of_range_are_refused(settings, told) -> None:
    with pytest.raises(UserError, match=told):
        BabelConfig(**settings)
