"""Modules of other encoders: `pytest tests/evaluate/huggingface/test_huggingface_encoder.py`."""

import re

import numpy as np
import pytest
import torch

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate.huggingface import open_encoder
from xlmr_lab.evaluate.huggingface_encoder import NO_LIMIT
from xlmr_lab.model import convert

KINDS = ("xlm-roberta", "roberta", "bert", "mbert", "xlm", "xlnet")
FIRST = ["The cat sat on the mat.", "dogs", "fine (b\u00e9b\u00e9)"]
SECOND = ["dogs ran", "the caf\u00e9 and the cat and the dogs ran", "mat"]
KEYS = ["en", "de", "en"]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def batch_of(rows, layout):
    """Return ids, mask and segments of rows, padded behind."""
    longest = max(len(row.ids) for row in rows)
    ids = np.full((len(rows), longest), layout.pad_id)
    segments = np.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row.ids)], segments[i, : len(row.ids)] = row.ids, row.segments
    mask = np.arange(longest) < np.array([[len(row.ids)] for row in rows])
    return torch.from_numpy(ids).int(), torch.from_numpy(mask), torch.from_numpy(segments)


def rows_of(text):
    firsts = [text.encode([t], key)[0] for t, key in zip(FIRST, KEYS, strict=True)]
    seconds = [text.encode([t], key)[0] for t, key in zip(SECOND, KEYS, strict=True)]
    return [text.layout.pair(a, b) for a, b in zip(firsts, seconds, strict=True)]


@torch.no_grad()
def ours(encoder, text, *, positions=None):
    rows = rows_of(text)
    ids, mask, segments = batch_of(rows, text.layout)
    more = {"segments": segments} if text.layout.has_segments else {}
    return rows, encoder(ids, mask, positions, encoder.language_ids(KEYS), **more)


@torch.no_grad()
def theirs(library, folder):
    """Return the library's own states of the same pairs, each without its padding."""
    model = library.AutoModel.from_pretrained(folder).eval()
    tokenizer = library.AutoTokenizer.from_pretrained(folder)
    kinds = model.config.model_type in ("bert", "xlnet")
    batch = tokenizer(FIRST, SECOND, padding=True, return_tensors="pt", return_token_type_ids=kinds)
    if model.config.model_type == "xlm":
        places = [model.config.lang2id[key] for key in KEYS]
        batch["langs"] = torch.tensor(places)[:, None].expand_as(batch["input_ids"])
    states = model(**batch).last_hidden_state
    present = batch["attention_mask"].bool()
    return [
        (row[here], state[here])
        for row, state, here in zip(batch["input_ids"], states, present, strict=True)
    ]


@pytest.mark.slow
def test_a_padded_batch_of_pairs_has_the_librarys_own_states(kind, library, folder_of):
    encoder, text = open_encoder(str(folder_of(kind)))
    rows, states = ours(encoder, text)
    expected = theirs(library, folder_of(kind))
    assert len({len(row.ids) for row in rows}) > 1, "nothing is padded"
    for row, state, (ids, wanted) in zip(rows, states, expected, strict=True):
        assert row.ids.tolist() == ids.tolist()
        torch.testing.assert_close(state[: len(row.ids)], wanted, atol=1e-5, rtol=1e-4)


def test_states_at_positions_are_those_of_all_positions(kind, folder_of):
    encoder, text = open_encoder(str(folder_of(kind)))
    rows, states = ours(encoder, text)
    at = torch.tensor([[row.label_at, row.start_second] for row in rows])
    _, some = ours(encoder, text, positions=at)
    torch.testing.assert_close(some, states[torch.arange(3)[:, None], at])


def test_a_row_alone_and_without_a_mask_has_the_states_it_has_in_a_batch(kind, folder_of):
    encoder, text = open_encoder(str(folder_of(kind)))
    rows, states = ours(encoder, text)
    ids, _, segments = batch_of(rows[2:], text.layout)
    more = {"segments": segments} if text.layout.has_segments else {}
    with torch.no_grad():
        alone = encoder(ids, None, None, encoder.language_ids(KEYS[2:]), **more)
    torch.testing.assert_close(alone[0], states[2, : ids.shape[1]], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["bert", "xlnet"])
def test_segments_make_a_difference_where_there_are_any(kind, folder_of):
    encoder, text = open_encoder(str(folder_of(kind)))
    ids, mask, segments = batch_of(rows_of(text), text.layout)
    with torch.no_grad():
        with_segments = encoder(ids, mask, segments=segments)
        without = encoder(ids, mask, segments=torch.zeros_like(segments))
    assert not torch.allclose(with_segments, without, atol=1e-2)


def test_xlm_is_told_the_language_of_each_row(folder_of):
    encoder, text = open_encoder(str(folder_of("xlm")))
    ids, mask, _ = batch_of(rows_of(text), text.layout)
    assert encoder.language_ids(["zh-Hans", "de"]).tolist() == [[3], [1]]
    with torch.no_grad():
        english, mixed = (
            encoder(ids, mask, None, encoder.language_ids(keys)) for keys in (["en"] * 3, KEYS)
        )
    torch.testing.assert_close(english[0], mixed[0])
    assert not torch.allclose(english[1], mixed[1], atol=1e-2)
    with pytest.raises(UserError, match=r"no language embedding for sw, xx, only for de, en, th"):
        encoder.language_ids(["en", "xx", "sw"])
    with pytest.raises(UserError, match="needs the language of its text"):
        encoder(ids, mask)


@pytest.mark.parametrize("kind", ["xlm-roberta", "bert", "xlnet"])
def test_other_encoders_have_no_use_for_the_language(kind, folder_of):
    encoder, _ = open_encoder(str(folder_of(kind)))
    assert encoder.language_ids(["qaa"]) is None


def test_xlm_r_is_our_encoder_of_the_same_weights(folder_of):
    encoder, text = open_encoder(str(folder_of("xlm-roberta")))
    own = convert.from_huggingface(folder_of("xlm-roberta")).encoder
    rows, states = ours(encoder, text)
    ids, mask, _ = batch_of(rows, text.layout)
    with torch.no_grad():
        expected = own(ids, mask)
    torch.testing.assert_close(states[mask], expected[mask], atol=1e-5, rtol=1e-4)
    shape = (encoder.hidden_size, encoder.max_tokens, encoder.vocab_size, encoder.init_std)
    assert shape == (own.hidden_size, own.max_tokens, own.vocab_size, own.init_std)
    assert shape[:2] == (32, 64)


def test_the_lowest_layers_are_the_embeddings_and_then_the_layers_from_the_bottom(kind, folder_of):
    encoder, _ = open_encoder(str(folder_of(kind)))
    names = {id(p): name for name, p in encoder.named_parameters()}

    def reached(num_layers):
        return {names[id(p)] for m in encoder.lowest(num_layers) for p in m.parameters()}

    assert reached(0) == set()
    embeddings = reached(1)
    outside = {name for name in names.values() if not re.search(r"\.\d+\.", name)}
    assert embeddings == outside - {"model.mask_emb"}  # XLNet's for its pretraining
    first_layer = reached(2) - embeddings
    assert first_layer == {n for n in names.values() if n not in embeddings and ".0." in n}
    assert first_layer
    assert reached(3) == reached(9) == set(names.values()) - {"model.mask_emb"}


def test_each_parameter_learns(kind, folder_of):
    """None is left over, like a pooler that no task here uses."""
    encoder, text = open_encoder(str(folder_of(kind)))
    ids, mask, segments = batch_of(rows_of(text), text.layout)
    more = {"segments": segments} if text.layout.has_segments else {}
    states = encoder(ids, mask, None, encoder.language_ids(KEYS), **more)
    states.square().sum().backward()
    idle = {name for name, p in encoder.named_parameters() if p.grad is None}
    assert idle <= {"model.mask_emb"}


def test_the_longest_sequence_is_taken_and_a_longer_one_refused(kind, folder_of):
    encoder, _ = open_encoder(str(folder_of(kind)))
    languages = encoder.language_ids(["en"])
    if kind == "xlnet":
        assert encoder.max_tokens == NO_LIMIT
        return
    assert encoder.max_tokens == 64
    with torch.no_grad():
        assert encoder(torch.full((1, 64), 7), None, None, languages).shape == (1, 64, 32)
    with pytest.raises(UserError, match=r"65 tokens is longer than the encoder's max_tokens=64"):
        encoder(torch.full((1, 65), 7), None, None, languages)


def test_hidden_states_go_from_the_embeddings_to_the_last_layer(kind, folder_of):
    encoder, text = open_encoder(str(folder_of(kind)))
    ids, mask, segments = batch_of(rows_of(text), text.layout)
    more = {"segments": segments} if text.layout.has_segments else {}
    languages = encoder.language_ids(KEYS)
    with torch.no_grad():
        states = encoder.hidden_states(ids, mask, languages, **more)
        last = encoder(ids, mask, None, languages, **more)
    assert [state.shape for state in states] == [(3, ids.shape[1], 32)] * 3
    torch.testing.assert_close(states[-1], last)


def test_xlnet_keeps_no_memory_of_what_it_read(folder_of):
    encoder, text = open_encoder(str(folder_of("xlnet")))
    ids, mask, segments = batch_of(rows_of(text), text.layout)
    kept = []
    encoder.model.register_forward_hook(lambda module, given, output: kept.append(output.mems))
    with torch.no_grad():
        encoder(ids, mask, segments=segments)
    assert kept == [None]
