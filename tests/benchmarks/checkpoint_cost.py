"""How long a checkpoint makes training stand still: written at once, and from a thread.

Both ways save one model in turn, several times, and time is wall time: of saving and waiting for
the disk, and of saving alone, which copies. What the thread costs is its CPU time, which steps feel
only where no processor is free.

    python tests/benchmarks/checkpoint_cost.py
    python tests/benchmarks/checkpoint_cost.py --layers 12 --width 768 --heads 12 --folder FOLDER
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from xlmr_lab.model.encoder import EncoderConfig
from xlmr_lab.model.masked_lm import MaskedLM
from xlmr_lab.pretrain import checkpoint
from xlmr_lab.pretrain.checkpoint_writer import BYTES_PER_PARAMETER, CheckpointWriter
from xlmr_lab.pretrain.optimizer import build_optimizer


def main() -> None:
    """Measure and print."""
    options = parse()
    torch.set_num_threads(options.threads)
    content = trained(options)
    size = sum(t.numel() for t in content[checkpoint.OPTIMIZER_NAME].values()) / 2
    at_once, from_thread, work = [], [], []
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        for number in range(-1, options.rounds):
            with CheckpointWriter(Path(name), keep=1) as writer:
                writer.save(content, step=1, state={})  # buffers are there from the second on
                writer.wait()
                times = one_save(writer, content)
            if number >= 0:
                from_thread.append(times[0])
                at_once.append(times[1])
                work.append(times[2])
    print(f"checkpoints of {size * BYTES_PER_PARAMETER / 1e6:,.0f} MB, {options.threads} thread(s)")
    told = {"written at once": at_once, "from a thread": from_thread, "CPU of the thread": work}
    for what, values in told.items():
        middle = statistics.median(values)
        print(f"{what:18s}{middle:7.2f} s ({min(values):.2f} to {max(values):.2f})")


def parse() -> argparse.Namespace:
    """Read the command line; the defaults are a model of 25 million weights."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    shape = {"layers": 4, "width": 384, "heads": 6, "vocabulary": 48_000}
    for name, default in {**shape, "threads": 1, "rounds": 5}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--folder", type=Path, help="the disk to write to; default: the system's")
    return parser.parse_args()


def trained(options: argparse.Namespace) -> checkpoint.Tensors:
    """Return the tensors of a model after a step."""
    config = EncoderConfig(
        num_layers=options.layers,
        hidden_size=options.width,
        num_heads=options.heads,
        ffn_size=4 * options.width,
    )
    model = MaskedLM(config, options.vocabulary, generator=torch.Generator().manual_seed(0))
    optimizer = build_optimizer(model, weight_decay=0.01)
    ids = torch.arange(4, 20).view(1, 16)
    model.loss(ids, torch.tensor([[3, 4]]), torch.tensor([[5, 6]])).backward()
    optimizer.step()
    return checkpoint.tensors(model, optimizer)


def one_save(writer: CheckpointWriter, content: checkpoint.Tensors) -> tuple[float, float, float]:
    """Return the seconds until `save` returns, until the checkpoint is written, and of work."""
    started = time.perf_counter()
    writer.save(content, step=2, state={})
    copied, cpu_copied = time.perf_counter(), time.process_time()
    writer.wait()
    done, cpu_done = time.perf_counter(), time.process_time()
    return copied - started, done - started, cpu_done - cpu_copied


if __name__ == "__main__":
    main()
