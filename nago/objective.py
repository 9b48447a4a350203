"""The objective: a proposal becomes a trial, the winner's generator becomes tested networks.

Here the two sides meet: the search knows configurations and losses, the networks architectures.
"""

import hashlib
import json
import os
import platform
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nago.data.datasets import DatasetInfo, read_info
from nago.data.images import LabelledImages, join, load_images
from nago.generators.architecture import Architecture, Task
from nago.generators.complexity import Complexity, count_complexity, count_sample_memory
from nago.generators.draw import draw_architecture
from nago.networks.build import Network, build_network
from nago.networks.fused.training_pass import fuse
from nago.records import (
    MEASURES,
    Configuration,
    Proposal,
    Protocol,
    TrainingSettings,
    Trial,
)
from nago.seeds import derive_seed
from nago.training.batch import fit_batch
from nago.training.device import choose_device, reproducible
from nago.training.evaluation import evaluate
from nago.training.loop import train_network
from nago.training.outcome import CurveRow, Outcome
from nago.training.run import Run, print_line
from nago.training.team import SOLO, Team


@dataclass(frozen=True, slots=True)
class Draw:
    """A network of a configuration, and what it costs."""

    architecture: Architecture
    complexity: Complexity
    network: Network

    def measures(self) -> dict[str, Any]:
        """Return the values of MEASURES, by name."""
        architecture, complexity = self.architecture, self.complexity
        values = (
            architecture.hash,
            architecture.widths[0],
            architecture.nodes,
            complexity.parameters,
            complexity.multiply_adds,
            complexity.sample_memory_bytes,
        )
        return dict(zip(MEASURES, values, strict=True))


def draw_network(
    configuration: Configuration, protocol: Protocol, info: DatasetInfo, seed: int
) -> Draw:
    """Return the network that `seed` draws from a generator for a data set.

    Raises:
        ValueError: the configuration is out of range, or no width meets the limit.
    """
    task = Task(info.image_size, info.channels, len(info.class_names), protocol.parameter_limit)
    architecture = draw_architecture(
        protocol.generator,
        configuration,
        protocol.generator_settings,
        task,
        derive_seed(seed, "architecture"),
    )
    network = build_network(architecture, derive_seed(seed, "weights"))
    return Draw(architecture, count_complexity(architecture), network)


def evaluate_proposal(
    *,
    name: str,
    proposal: Proposal,
    protocol: Protocol,
    data: Path,
    checkpoint: Path,
    start: Path | None = None,
    team: Team = SOLO,
    workers: int = 1,
) -> tuple[Trial, tuple[CurveRow, ...]]:
    """Draw, train and validate what is proposed; return the trial and its curve.

    Args:
        name: of the trial.
        proposal: what to train.
        protocol: how.
        data: the folder of the prepared data set; its test part is not read.
        checkpoint: where an interrupted training goes on, left there at the end.
        start: the last state of the parent, if the trial continues it.
        team: the processes that train together; the first one reports.
        workers: processes that decode images which don't fit the cache.
    """
    info = read_info(data)
    report = print_line if team.leads else _ignore
    try:
        draw = draw_network(proposal.configuration, protocol, info, proposal.seed)
    except ValueError as error:
        report(f"{name}: {error}")
        return _make_trial(name, proposal, None, _invalid(str(error)), team.size), ()
    report(f"{name}: {_describe(draw)}, {proposal.budget} epochs")
    run = Run(
        settings=_fit(protocol.training, draw),
        budget=proposal.budget,
        seed=proposal.seed,
        checkpoint=checkpoint,
        fingerprint=_fingerprint(draw, info),
        start=start,
        team=team,
        workers=workers,
        most_seconds=None if protocol.max_hours is None else 3600 * protocol.max_hours,
    )
    images, held_out = load_images(data, "train"), load_images(data, "validation")
    outcome = _train(draw.network, images, held_out, run)
    return _make_trial(name, proposal, draw, outcome, team.size), outcome.curve


def train_final(
    *,
    configuration: Configuration,
    protocol: Protocol,
    epochs: int,
    seed: int,
    data: Path,
    checkpoint: Path,
    team: Team = SOLO,
    workers: int = 1,
) -> tuple[dict[str, Any], tuple[CurveRow, ...], Network]:
    """Draw a network, train it to completion on all but the test part, and test it once.

    Returns:
        The result, with `test_accuracy` and `test_top5_accuracy` in [0, 1], or None if the
        training came to nothing; the curve; the network with its last weights.
    """
    info = read_info(data)
    draw = draw_network(configuration, protocol, info, seed)
    report = print_line if team.leads else _ignore
    report(f"{_describe(draw)}, {epochs} epochs")
    images = join(load_images(data, "train"), load_images(data, "validation"))
    settings = _fit(protocol.training, draw)
    run = Run(
        settings=settings,
        budget=epochs,
        seed=seed,
        checkpoint=checkpoint,
        fingerprint=_fingerprint(draw, info),
        team=team,
        workers=workers,
    )
    outcome = _train(draw.network, images, None, run)
    accuracy = top5 = None
    if outcome.status == "ok":
        device = choose_device(run.device, team.place)
        with reproducible(device, settings.threads):
            test = load_images(data, "test").to(device, max(1, workers))
            means = evaluate(draw.network, test, outcome.batch_size, settings, team)
        accuracy, top5 = 1 - means.error, 1 - means.top5_error
        report(f"test accuracy {accuracy:.2%}, {top5:.2%} among the best five")
    result = {
        "status": outcome.status,
        "seed": seed,
        "epochs": outcome.epochs,
        "test_accuracy": accuracy,
        "test_top5_accuracy": top5,
        **draw.measures(),
        "error": outcome.error,
        "configuration": dict(configuration),
        "architecture": draw.architecture.to_json(),
        "cost": _measure_cost(outcome, team.size),
    }
    return result, outcome.curve, draw.network


def _train(
    network: Network, images: LabelledImages, held_out: LabelledImages | None, run: Run
) -> Outcome:
    """Train a network, by its fused pass where there is one for the run."""
    settings = run.settings
    narrow = settings.precision != "float32"
    by_torch = narrow or settings.compile or not settings.channels_last or run.team.size > 1
    if not by_torch and choose_device(run.device).type == "cpu":
        fuse(network)
    return train_network(network, images, held_out, run)


def _make_trial(
    name: str, proposal: Proposal, draw: Draw | None, outcome: Outcome, processes: int
) -> Trial:
    measures = draw.measures() if draw else dict.fromkeys(MEASURES)
    return Trial(
        name=name,
        configuration=dict(proposal.configuration),
        budget=proposal.budget,
        seed=proposal.seed,
        origin=proposal.origin,
        parent=proposal.parent,
        status=outcome.status,
        epochs=outcome.epochs,
        validation_error=outcome.validation_error,
        **measures,
        error=outcome.error,
        cost=_measure_cost(outcome, processes),
    )


def _invalid(error: str) -> Outcome:
    return Outcome(
        status="invalid",
        epochs=0,
        validation_error=None,
        error=error,
        curve=(),
        batch_size=0,
        seconds=0.0,
        images_per_second=None,
    )


def _describe(draw: Draw) -> str:
    complexity = draw.complexity
    return (
        f"architecture {draw.architecture.hash}, {draw.architecture.nodes} operations,"
        f" {complexity.parameters:,} parameters,"
        f" {complexity.sample_memory_bytes / 2**20:.2f} MB per image"
    )


def _fingerprint(draw: Draw, info: DatasetInfo) -> str:
    text = json.dumps([draw.architecture.hash, info.fingerprint])
    return hashlib.sha256(text.encode()).hexdigest()


def _fit(settings: TrainingSettings, draw: Draw) -> TrainingSettings:
    """Return the settings with a batch that `memory_gb` has room for."""
    architecture, precision = draw.architecture, settings.precision
    return fit_batch(settings, count_sample_memory(architecture, precision=precision))


def _ignore(line: str) -> None:
    """Report nothing, as all processes of a team do but the first."""


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _name_slurm_job() -> str | None:
    """Return the id of the Slurm job that this is, as squeue shows it; None outside of Slurm."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    if array is not None:
        return f"{array}_{os.environ.get('SLURM_ARRAY_TASK_ID')}"
    return os.environ.get("SLURM_JOB_ID")


def _measure_cost(outcome: Outcome, processes: int) -> dict[str, Any]:
    """Return what depends on the machine and the day: never part of what must repeat.

    Of a team it is what its first process has measured.
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    device = choose_device("auto")
    cuda = device.type == "cuda"
    gpu_peak = torch.cuda.max_memory_allocated() if cuda else None
    share = outcome.batch_size // processes
    return {
        "seconds": round(outcome.seconds, 3),
        "seconds_per_epoch": _round(outcome.seconds / outcome.epochs if outcome.epochs else None),
        "images_per_second": _round(outcome.images_per_second),
        "batch_size": outcome.batch_size,
        "restarts": outcome.restarts,
        "peak_memory_bytes": peak if sys.platform == "darwin" else 1024 * peak,
        "gpu_peak_memory_bytes": gpu_peak,
        # To set beside the sample memory that is counted; weights and workspaces are in it, too.
        "gpu_peak_bytes_per_image": gpu_peak // share if gpu_peak and share else None,
        "device": torch.cuda.get_device_name(device) if cuda else platform.machine(),
        "host": platform.node(),
        "slurm_job": _name_slurm_job(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
