"""Records: what the files of a search hold, and how they are read and written.

A file is written to a temporary name, flushed to the disk and renamed, so a reader sees the old
file or the new one, never a part of one. JSON has no NaN: a missing number is null.
"""

import contextlib
import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from nago.failures import STATUSES

Configuration = Mapping[str, int | float | str]
"""A point of the search space: a value for the name of each hyperparameter."""


MEASURES = ("hash", "width", "nodes", "parameters", "multiply_adds", "sample_memory_bytes")
"""What records say of an architecture; the width is that of the first stage."""


class UserError(ValueError):
    """What a user gave cannot be used; the message says why, and what could be."""


class RecordError(Exception):
    """A file is missing, damaged or of another kind than expected."""


class Record:
    """A frozen dataclass that can be written as JSON and read back."""

    __slots__ = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, nested records as dicts."""
        return dataclasses.asdict(self)  # type: ignore[call-overload,no-any-return]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the record of `values`.

        Raises:
            RecordError: a field is missing or unknown.
        """
        names = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        if set(values) != names:
            missing, unknown = sorted(names - set(values)), sorted(set(values) - names)
            raise RecordError(f"not a {cls.__name__}: {missing=}, {unknown=}")
        return cls(**values)


@dataclass(frozen=True, slots=True)
class GeneratorSettings(Record):
    """What a generator is given beside its hyperparameters.

    `stage_ratios` share the top nodes among the stages, `channel_ratios` their widths; `merges`
    and `operations` are the weights with which each node draws its own.
    """

    stage_ratios: tuple[float, ...]
    channel_ratios: tuple[float, ...]
    merges: Mapping[str, float]
    operations: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TrainingSettings(Record):
    """How a network is trained; lengths in pixels.

    Attributes:
        batch_size: images per step, those of all processes together.
        learning_rate: the highest one, at that batch size; by the batch size if None.
        momentum: of stochastic gradient descent.
        weight_decay: share of each parameter, times the rate, that a step takes away.
        gradient_clip: bound on the norm of all gradients together.
        crop_padding: border around an image before a random window is cut out; 0 for none.
        flip: whether images are mirrored left and right.
        cutout: side of the erased square, 0 for none.
        threads: of the CPU, in each process.
        crop: `padded`, a window of the image with a border, or `resized`, a window of random area
            and shape, resized.
        crop_scale: least and largest share of the image's area in a resized crop.
        colour_jitter: most that brightness, contrast, saturation and hue change; 0 for none.
        warmup_epochs: in which the rate rises on a line from 0.
        label_smoothing: share of the target that all classes have alike, in [0, 1).
        processes: that share each batch, one GPU each.
        synchronise_norm: whether batch norm takes the statistics of all processes.
        precision: `float32`, or `bfloat16` for mixed precision.
        channels_last: whether the channels of a pixel lie together in memory.
        compile: whether torch.compile makes one program of the network.
        memory_gb: that a batch may take by the sample memory counted; None for no bound.
    """

    batch_size: int
    learning_rate: float | None
    momentum: float
    weight_decay: float
    gradient_clip: float
    crop_padding: int
    flip: bool
    cutout: int
    threads: int
    crop: str = "padded"
    crop_scale: Sequence[float] = (0.08, 1.0)
    colour_jitter: Sequence[float] = (0.0, 0.0, 0.0, 0.0)
    warmup_epochs: int = 0
    label_smoothing: float = 0.0
    processes: int = 1
    synchronise_norm: bool = True
    precision: str = "float32"
    channels_last: bool = True
    compile: bool = False
    memory_gb: float | None = None


@dataclass(frozen=True, slots=True)
class Protocol(Record):
    """All that decides a training, beside its proposal and the data.

    `max_hours` of training end it without a result; None for no limit.
    """

    generator: str
    generator_settings: GeneratorSettings
    parameter_limit: int
    training: TrainingSettings
    max_hours: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, without a limit those of before there was one: nothing is redone."""
        values = dataclasses.asdict(self)
        if self.max_hours is None:
            del values["max_hours"]
        return values


@dataclass(frozen=True, slots=True)
class Proposal(Record):
    """What one slot of a rung is to train.

    `origin` is `random`, `model`, `given` (by the settings), `prior` (the best of a warm start),
    `replicate` (another architecture of a generator that was tried), or `fallback` (the model was
    asked but gave nothing, `reason` says why); a promoted proposal keeps its parent's. `parent`
    is the trial in the rung below that it was promoted from, or the first one of the generator
    that it is a replicate of. `seed` decides the architecture, the weights and the batches.
    """

    configuration: Configuration
    budget: int
    seed: int
    origin: str
    reason: str | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Trial(Record):
    """A proposal and what came of it.

    `name` is its place, as in `b0-r1-s2`. `status` is `ok` or one of `nago.failures.FAILED`; those
    have `validation_error` None and say why in `error`. `epochs` are those trained here, fewer
    than the budget when the trial continues its parent. `sample_memory_bytes` is per image.

    Raises:
        RecordError: there is no such status.
    """

    name: str
    configuration: Configuration
    budget: int
    seed: int
    origin: str
    parent: str | None
    status: str
    epochs: int
    validation_error: float | None
    hash: str | None
    width: int | None
    nodes: int | None
    parameters: int | None
    multiply_adds: int | None
    sample_memory_bytes: int | None
    error: str | None
    cost: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise RecordError(f"a status is {', '.join(STATUSES)}, got {self.status!r}")


@dataclass(frozen=True, slots=True)
class Observation:
    """What a search learns from a trial: its losses are minimised, infinite if it failed.

    A `prior` one is of another data set: models learn from it, but it is no result; `source` is
    the place of its table in the warm start. `trial` is the trial's name.
    """

    configuration: Configuration
    budget: int
    losses: tuple[float, ...]
    prior: bool = False
    trial: str | None = None
    source: int = 0

    @property
    def loss(self) -> float:
        """The first loss: the only one of a search for one objective."""
        return self.losses[0]


def trial_name(bracket: int, rung: int, slot: int) -> str:
    """Return the name of the trial at a place of the plan, as in `b0-r1-s2`."""
    return f"b{bracket}-r{rung}-s{slot}"


def parse_trial_name(name: str) -> tuple[int, int, int]:
    """Return the bracket, rung and slot of a trial's name."""
    bracket, rung, slot = (int(part[1:]) for part in name.split("-"))
    return bracket, rung, slot


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file so that it is there whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, values: Any) -> None:
    """Write `values` as JSON that people can read, whole or not at all."""
    write_text(path, json.dumps(values, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Return the values of a JSON file.

    Raises:
        RecordError: there is no such file, or it is cut off or not JSON.
    """
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise RecordError(f"there is no file {path}") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RecordError(f"{path} is damaged ({error}); delete it and run again") from None


def read_protocol(path: Path) -> Protocol:
    """Return how networks are drawn and trained."""
    values = _expect(path, dict)
    settings = _read_record(GeneratorSettings, path, _tuples(values.get("generator_settings", {})))
    training = _read_record(TrainingSettings, path, _tuples(values.get("training", {})))
    whole = {"max_hours": None} | values
    whole |= {"generator_settings": settings, "training": training}
    return _read_record(Protocol, path, whole)


def write_proposals(path: Path, proposals: Sequence[Proposal]) -> None:
    """Write the proposals of a rung, one per slot."""
    write_json(path, [proposal.as_dict() for proposal in proposals])


def read_proposals(path: Path) -> list[Proposal]:
    """Return the proposals of a rung, one per slot."""
    return [_read_record(Proposal, path, values) for values in _expect(path, list)]


def write_trial(path: Path, trial: Trial) -> None:
    """Write one trial."""
    write_json(path, trial.as_dict())


def read_trial(path: Path) -> Trial:
    """Return one trial."""
    return _read_record(Trial, path, _expect(path, dict))


R = TypeVar("R", bound=Record)


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with the tuples that JSON made lists of."""
    return {key: tuple(item) if isinstance(item, list) else item for key, item in values.items()}


def _expect(path: Path, kind: type) -> Any:
    values = read_json(path)
    if not isinstance(values, kind):
        raise RecordError(f"{path} is damaged (it holds no {kind.__name__}); delete it, run again")
    return values


def _read_record(kind: type[R], path: Path, values: Any) -> R:
    try:
        return kind.from_dict(values)
    except (RecordError, TypeError) as error:
        raise RecordError(f"{path} is damaged ({error}); delete it and run again") from None
