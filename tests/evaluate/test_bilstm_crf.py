"""The network of the BiLSTM-CRF: `pytest tests/evaluate/test_bilstm_crf.py`."""

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from xlmr_lab.errors import UserError
from xlmr_lab.evaluate import bilstm_inputs
from xlmr_lab.evaluate.bilstm_crf import BilstmCrf, BilstmShape, BothWays
from xlmr_lab.evaluate.task_files import TaggedSentences

SMALL = BilstmShape(word_dim=6, character_dim=3, character_hidden=4, word_hidden=5, dropout=0.5)
SENTENCES = TaggedSentences(
    [["ab", "cdabcd", "a", "ab"], ["c"], ["cd", "unseen?"]],
    [["B-X", "I-X", "O", "B-X"], ["O"], ["O", "B-X"]],
)
KNOWN = bilstm_inputs.lexicon(
    SENTENCES._replace(words=[["ab", "cdabcd", "a", "ab"], ["c"], ["cd"]]),
    scheme="iobes",
    zero_digits=True,
)
ENCODED = bilstm_inputs.encode(SENTENCES, KNOWN, with_labels=True)


def network(shape=SMALL, seed=0, **more):
    return BilstmCrf(
        shape,
        num_words=KNOWN.num_words,
        num_characters=KNOWN.num_characters,
        num_labels=len(KNOWN.labels),
        generator=torch.Generator().manual_seed(seed),
        **more,
    )


def batch(*rows):
    return bilstm_inputs.batch(ENCODED, np.array(rows))


def test_the_papers_sizes():
    model = BilstmCrf(
        BilstmShape(),
        num_words=1000,
        num_characters=80,
        num_labels=17,
        generator=torch.Generator(),
    )
    counted = {}
    for name, parameter in model.named_parameters():
        part = name.partition(".")[0]
        counted[part] = counted.get(part, 0) + parameter.numel()
    assert counted == {
        "words": 1000 * 100,
        "characters": 80 * 25,
        "spelling": 2 * (4 * 25 * (25 + 25) + 2 * 4 * 25),
        "sentence": 2 * (4 * 100 * (150 + 100) + 2 * 4 * 100),
        "hidden": 200 * 100 + 100,
        "scores": 100 * 17 + 17,
        "crf": 17 * 17 + 2 * 17,
    }


def test_reading_both_ways_is_what_packed_sequences_do():
    generator = torch.Generator().manual_seed(0)
    ours = BothWays(3, 4)
    theirs = torch.nn.LSTM(3, 4, batch_first=True, bidirectional=True)
    for name, way in (("", ours.forwards), ("_reverse", ours.backwards)):
        for key, value in way.state_dict().items():
            theirs.get_parameter(key + name).data.copy_(value)
    values, lengths = torch.randn(4, 6, 3, generator=generator), torch.tensor([6, 1, 4, 2])
    states, ends = ours(values, lengths)
    packed = pack_padded_sequence(values, lengths, batch_first=True, enforce_sorted=False)
    output, (last, _) = theirs(packed)
    expected, _ = pad_packed_sequence(output, batch_first=True)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(states[row, :length], expected[row, :length])
    torch.testing.assert_close(ends, torch.cat([last[0], last[1]], -1))


def test_padding_of_words_and_characters_changes_nothing():
    model = network().double()
    together = model.emissions(batch(0, 1, 2))
    losses = []
    for row in range(3):
        alone = batch(row)
        length = int(alone.lengths)
        emissions = model.emissions(alone)
        torch.testing.assert_close(emissions[0], together[row, :length])
        losses.append(model.loss(alone))
    whole = model.loss(batch(0, 1, 2))
    torch.testing.assert_close(whole, torch.stack(losses).mean())
    grads = torch.autograd.grad(whole, list(model.parameters()))
    apart = torch.autograd.grad(torch.stack(losses).mean(), list(model.parameters()))
    for one, other in zip(grads, apart, strict=True):
        torch.testing.assert_close(one, other)
    best = model.best(batch(0, 1, 2))
    for row in range(3):
        alone = model.best(batch(row))[0].tolist()
        assert best[row].tolist() == alone + [0] * (4 - len(alone))


def test_what_a_batch_holds_behind_an_end_changes_nothing():
    model, given = network(), batch(0, 1, 2)
    behind = torch.arange(4) >= given.lengths[:, None]
    further = torch.arange(given.characters.shape[1]) >= given.num_characters[:, None]
    other = given._replace(
        words=given.words.masked_fill(behind, 2),
        labels=given.labels.masked_fill(behind, 3),
        forms=given.forms.masked_fill(behind, 1),
        characters=given.characters.masked_fill(further, 2),
    )
    assert torch.equal(model.loss(given), model.loss(other))
    assert torch.equal(model.best(given), model.best(other))


def test_a_word_is_read_with_its_characters_and_its_neighbours():
    model, given = network(), batch(2)
    plain = model.emissions(given)
    spelled = given.characters.clone()
    spelled[given.forms[0, 1], 0] = 3
    words = given.words.clone()
    words[0, 1] = 3
    for changed in (given._replace(characters=spelled), given._replace(words=words)):
        found = model.emissions(changed)
        assert not torch.allclose(found[0, 0], plain[0, 0])
        assert not torch.allclose(found[0, 1], plain[0, 1])


def test_dropout_is_drawn_from_the_generator_and_keeps_the_mean():
    model = network()
    drawn = [model.emissions(batch(0), torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    seen = []
    model.sentence.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        model.emissions(batch(0))
        for _ in range(400):
            model.emissions(batch(0), generator)
    plain, dropped = seen[0], torch.stack(seen[1:])
    assert (dropped == 0).float().mean().item() == pytest.approx(0.5, abs=0.01)
    torch.testing.assert_close(dropped.mean(0), plain, rtol=0.25, atol=0.02)


def test_equal_seeds_draw_equal_weights_and_forget_gates_begin_open():
    first, same, other = network(), network(), network(seed=1)
    for name, weights in first.state_dict().items():
        assert torch.equal(weights, same.state_dict()[name])
    assert not torch.equal(first.words.weight, other.words.weight)
    bias = first.sentence.backwards.bias_ih_l0 + first.sentence.backwards.bias_hh_l0
    assert bias.tolist() == [0.0] * 5 + [1.0] * 5 + [0.0] * 10
    assert not any(parameter.any() for parameter in first.crf.parameters())


def test_sparse_gradients_are_the_dense_ones():
    dense, sparse = network(), network(sparse=True)
    for model in (dense, sparse):
        model.loss(batch(0, 1, 2)).backward()
    assert sparse.words.weight.grad.is_sparse
    torch.testing.assert_close(sparse.words.weight.grad.to_dense(), dense.words.weight.grad)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"word_dim": 0}, "word_dim must be at least 1, got 0"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1\.0"),
    ],
)
def test_sizes_that_are_none_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        BilstmShape(**changes)
