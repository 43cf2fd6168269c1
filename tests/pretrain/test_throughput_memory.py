"""A comparison that does not fit into memory is refused with a batch that does."""

import dataclasses

import pytest

from xlmr_lab import bench
from xlmr_lab.errors import UserError
from xlmr_lab.pretrain import counterpart, memory_plan, throughput, throughput_memory


def shape(preset: str, batch_sequences: int) -> memory_plan.Shape:
    config = dataclasses.replace(bench.settings(preset), batch_sequences=batch_sequences)
    return config.shape


def test_logits_of_all_positions_three_times_are_the_most_of_a_large_vocabulary() -> None:
    logits = 12 * 512 * 128 * 250_002
    assert logits < throughput_memory.need(shape("large", 512)) < 2 * logits


def test_the_other_side_at_base_takes_what_was_measured() -> None:
    """7.9 GB in tests/benchmarks/RESULTS.md; weights and moments of the lab's side stand beside."""
    base = shape("base", 8)
    beside = memory_plan.need(base).parameters
    assert throughput_memory.need(base) - beside == pytest.approx(7.868e9, rel=0.1)


@pytest.mark.slow
def test_the_batch_that_is_advised_fits_and_the_next_does_not() -> None:
    with pytest.raises(UserError, match=r"with batch_sequences=512; .* has 20\.0 GB") as refused:
        throughput_memory.require(shape("large", 512), 20_000_000_000)
    advised = int(str(refused.value).rpartition("=")[2])
    throughput_memory.require(shape("large", advised), 20_000_000_000)
    with pytest.raises(UserError):
        throughput_memory.require(shape("large", 2 * advised), 20_000_000_000)


def test_a_model_that_no_batch_makes_fit_is_said_so() -> None:
    with pytest.raises(UserError, match="take a smaller model or vocabulary"):
        throughput_memory.require(shape("large", 4), 1_000_000_000)


def test_nothing_is_built_where_it_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_plan, "available_bytes", lambda place: 1_000_000)
    monkeypatch.setattr(counterpart, "load_library", lambda: None)
    monkeypatch.setattr(throughput, "_apart", lambda *_: pytest.fail("a process was started"))
    with pytest.raises(UserError, match="both sides need about"):
        throughput.compare(bench.settings("tiny"))
