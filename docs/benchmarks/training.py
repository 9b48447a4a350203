"""How fast networks train, against the released code and against their convolutions alone.

`python docs/benchmarks/training.py > docs/benchmarks/training.md` writes the page, and the figure
docs/images/growth.svg. One thread, CPU seconds. What is compared takes turns in one process, and
each figure is a median, since the machine may have other work.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from contestants import OWN, RELEASED, RELEASED_LAST, Generator, Record, compete, make_contestant
from growth import describe_growth, measure_growth
from reference import ReferenceMissingError, find_reference
from steps import Seconds, Subject, prepare_convolutions, prepare_step, take_turns

from nago.generators.complexity import MEGABYTE
from nago.networks.fused.linear import Merge, Shrink
from nago.networks.fused.steps import Convolve, Normalise, Other
from nago.records import TrainingSettings
from nago.training.device import keep_memory
from nago.training.optimiser import MomentumSGD

BATCH, ROUNDS = 16, 7
PROTOCOL = TrainingSettings(96, 0.025, 0.9, 3e-4, 5.0, 4, flip=True, cutout=16, threads=1)
NOWHERE = Path()
GENERATORS = {
    "8,5,.6 / 1,.7 / 5,4,.2": Generator(
        ((8, 5, 0.6), (1, 0.7), (5, 4, 0.2)), 32, 4_000_000, BATCH
    ),
    "6,4,.8 / 1,.1 / 3,2,.5": Generator(
        ((6, 4, 0.8), (1, 0.1), (3, 2, 0.5)), 32, 4_000_000, BATCH
    ),
    "6,4,.4 / 1,.4 / 6,5,.9": Generator(
        ((6, 4, 0.4), (1, 0.4), (6, 5, 0.9)), 64, 6_000_000, BATCH
    ),
    "7,2,.9 / 5,.8 / 6,3,.6": Generator(
        ((7, 2, 0.9), (5, 0.8), (6, 3, 0.6)), 64, 6_000_000, BATCH
    ),
}
DIGITS = "3,5,.9 / 1,.3 / 10,3,.8"
SMALL = Generator(((3, 5, 0.864), (1, 0.258), (10, 3, 0.808)), 8, 150_000, 64)
"""The generator that the demo finds best, at the digits' size and batch."""

EVERY = GENERATORS | {DIGITS: SMALL}

KINDS: dict[type, str] = {
    Convolve: "convolution",
    Normalise: "norm",
    Merge: "merge",
    Shrink: "pooling",
    Other: "classifier",
}
"""What a fused step's time counts as."""


def main() -> None:
    """Print the page and write the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    help_text = "wheel or unpacked folder of the released code; else it is downloaded"
    parser.add_argument("--reference", type=Path, help=help_text)
    args = parser.parse_args()
    torch.set_num_threads(1)
    keep_memory()
    print(INTRODUCTION, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            reference = find_reference(args.reference, Path(folder))
        except ReferenceMissingError as error:
            print(f"\nThe released code is not compared: {error}.")
        else:
            kinds = (OWN, RELEASED, RELEASED_LAST)
            print(
                describe_reference(
                    {
                        name: compete(kinds, generator, reference, ROUNDS)
                        for name, generator in GENERATORS.items()
                    }
                ),
                flush=True,
            )
    print(describe_limit({name: measure_limit(name) for name in GENERATORS}), flush=True)
    fused = {name: measure_fused(generator) for name, generator in EVERY.items()}
    print(describe_fused(fused), flush=True)
    print(describe_kinds({name: share_kinds(name) for name in GENERATORS}), flush=True)
    print(describe_growth(measure_growth()), flush=True)


INTRODUCTION = f"""# Training speed

Forward pass, loss and backward pass of the four generators of the released code's own speed
table, one draw (seed 0) each, batch {BATCH}. Medians of {ROUNDS} rounds in which all compared
take turns; CPU seconds of one thread. As in a training, the C library keeps freed memory.

torch {torch.__version__}, Python {platform.python_version()}, {os.cpu_count()} cores,
{platform.machine()} with {torch.backends.cpu.get_cpu_capability()}.

`python docs/benchmarks/training.py > docs/benchmarks/training.md`"""


def make_own(name: str) -> Subject:
    """Return this project's network of a generator."""
    return make_contestant(OWN, GENERATORS[name], NOWHERE)


def measure_limit(name: str) -> Seconds:
    """Return the seconds of a step, of its convolutions alone, and of the optimiser."""
    subject = make_own(name)
    optimiser = MomentumSGD(subject.network.parameters(), PROTOCOL)
    step = prepare_step(subject)
    step()
    gradients = [parameter.grad for parameter in optimiser.parameters]

    def update() -> None:
        for parameter, gradient in zip(optimiser.parameters, gradients, strict=True):
            parameter.grad = gradient
        optimiser.step(1e-6)

    convolutions = prepare_convolutions(subject)
    calls = {"step": step, "convolutions": convolutions, "optimiser": update}
    return take_turns(calls, ROUNDS)


def divide(above: Sequence[float], below: Sequence[float], factor: float = 1) -> float:
    """Return the median over the rounds of one's seconds over the other's, times a factor."""
    return factor * statistics.median(a / b for a, b in zip(above, below, strict=True))


def describe_reference(measured: dict[str, dict[str, Record]]) -> str:
    """Return the table of speed and memory beside the released code's."""
    lines = [
        "\n## Against the released code",
        "",
        "Seconds of a step per multiply-add: the released code's over ours, which has channels"
        " last. As released its channels come first; channels last is its best layout. Each in a"
        " process of its own, set up as its training does.",
        "",
        "| generator | ours (s) | released (s) | times faster | released, channels last |"
        " kept per image (MB) | released (MB) |",
        "|---|---|---|---|---|---|---|",
    ]
    faster, smaller = [], []
    for name, records in measured.items():
        own, other = records[OWN], records[RELEASED]
        factor = own.multiply_adds / other.multiply_adds
        ratios = [
            divide(records[kind].seconds, own.seconds, factor)
            for kind in (RELEASED, RELEASED_LAST)
        ]
        faster.append(ratios[0])
        smaller.append(own.kept_bytes <= other.kept_bytes)
        times = [statistics.median(record.seconds) for record in (own, other)]
        memory = [record.kept_bytes / MEGABYTE for record in (own, other)]
        lines.append(
            f"| {name} | {times[0]:.3f} | {times[1]:.3f} | {ratios[0]:.2f} | {ratios[1]:.2f} |"
            f" {memory[0]:.1f} | {memory[1]:.1f} |"
        )
    lines += [
        "",
        f"Times faster: median {statistics.median(faster):.2f} (aim: at least 1.2), least"
        f" {min(faster):.2f} (aim: at least 1). No more memory: {sum(smaller)} of {len(smaller)}.",
    ]
    return "\n".join(lines)


def describe_limit(measured: dict[str, Seconds]) -> str:
    """Return the table of steps beside what their convolutions take alone."""
    lines = [
        "\n## Against the convolutions alone",
        "",
        "All convolutions and linear maps of the network, forward and backward, on the same"
        " tensors in the same layout, without anything between them: their time over the step's"
        " is the share of the limit that is reached (aim: 0.85). The step of the optimiser is"
        " not in the step.",
        "",
        "| generator | convolutions (s) | step (s) | share of the limit | optimiser (s) |",
        "|---|---|---|---|---|",
    ]
    for name, seconds in measured.items():
        convolutions, step, optimiser = (
            statistics.median(seconds[key]) for key in ("convolutions", "step", "optimiser")
        )
        share = divide(seconds["convolutions"], seconds["step"])
        lines.append(
            f"| {name} | {convolutions:.3f} | {step:.3f} | {share:.2f} | {optimiser:.3f} |"
        )
    return "\n".join(lines)


def measure_fused(generator: Generator) -> Seconds:
    """Return the seconds of a step fused, and step by step by torch's own operations."""
    subjects = [make_contestant(OWN, generator, NOWHERE) for _ in range(2)]
    subjects[1].network.training_pass = None
    calls = zip(("fused", "by torch"), map(prepare_step, subjects), strict=True)
    return take_turns(dict(calls), ROUNDS if generator is not SMALL else 5 * ROUNDS)


def describe_fused(measured: dict[str, Seconds]) -> str:
    """Return the table of steps beside what they take by torch's own operations."""
    lines = [
        "\n## Against torch's own operations",
        "",
        "The same networks without the fused pass, as they train on GPUs: batch norm, weighted sum"
        " and ReLU one after the other. The last is the generator that the demo finds best, at"
        f" 8 px and a batch of {SMALL.batch}.",
        "",
        "| generator | image | fused (ms) | by torch (ms) | times faster |",
        "|---|---|---|---|---|",
    ]
    for name, seconds in measured.items():
        size = EVERY[name].image_size
        fused, other = (1000 * statistics.median(values) for values in seconds.values())
        ratio = divide(seconds["by torch"], seconds["fused"])
        lines.append(f"| {name} | {size} | {fused:.1f} | {other:.1f} | {ratio:.2f} |")
    return "\n".join(lines)


def share_kinds(name: str) -> dict[str, float]:
    """Return the share of a step's time that each kind of fused step takes."""
    subject = make_own(name)
    step, times = prepare_step(subject), dict.fromkeys(KINDS.values(), 0.0)
    for _ in range(2):
        step()
    for fused in subject.network.training_pass.steps:
        for method in ("forward", "backward"):
            setattr(fused, method, clock(getattr(fused, method), times, KINDS[type(fused)]))
    start = time.process_time()
    for _ in range(ROUNDS):
        step()
    total = time.process_time() - start
    shares = {kind: value / total for kind, value in times.items()}
    return shares | {"rest": 1 - sum(shares.values())}


def clock(call: Callable[..., Any], times: dict[str, float], kind: str) -> Callable[..., Any]:
    """Return a call that adds the seconds it takes to those of a kind."""

    def run(*arguments: Any) -> Any:
        start = time.perf_counter()
        result = call(*arguments)
        times[kind] += time.perf_counter() - start
        return result

    return run


def describe_kinds(shares: dict[str, dict[str, float]]) -> str:
    """Return the table of where the time of a step goes."""
    kinds = [*KINDS.values(), "rest"]
    lines = [
        "\n## Where the time goes",
        "",
        "Shares of one step by kind of fused step, forward and backward (%). A norm takes its"
        " statistics; merges are weighted sums and means, and apply norms and rectify on the way."
        " The rest is the loss, and torch's handing out of the gradients.",
        "",
        f"| generator | {' | '.join(kinds)} |",
        "|---" * (len(kinds) + 1) + "|",
    ]
    for name, share in shares.items():
        lines.append(f"| {name} | {' | '.join(f'{100 * share[kind]:.1f}' for kind in kinds)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
