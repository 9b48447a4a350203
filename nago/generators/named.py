"""Configurations with a name: the paper's published optima, RNAG-D, and two emulations.

Sources: Ru, Esperança and Carlucci 2020, table 3 (the optima), sections 2.1 and 4 (what HNAG can
emulate); Xie, Kirillov, Girshick and He 2019 (RNAG-D).
"""

from dataclasses import dataclass

from nago.generators.architecture import Task
from nago.records import Configuration

SMALL_LIMIT, LARGE_LIMIT = 4_000_000, 6_000_000
"""The paper's limits of parameters, for small and for large images."""

TASKS = {
    "cifar10": Task(32, 3, 10, SMALL_LIMIT),
    "cifar100": Task(32, 3, 100, SMALL_LIMIT),
    "sport8": Task(224, 3, 8, LARGE_LIMIT),
    "mit67": Task(224, 3, 67, LARGE_LIMIT),
    "flowers102": Task(224, 3, 102, LARGE_LIMIT),
    "imagenet": Task(224, 3, 1000, LARGE_LIMIT),
}
"""What the paper's networks are for, by data set."""


@dataclass(frozen=True, slots=True)
class Named:
    """A configuration of a generator, and what it was found for.

    `operations` are weights, where the name means others than the generator's own.
    `published_memory` is the sample memory in MB (2^20 bytes) that the paper gives, if it does.
    """

    generator: str
    configuration: Configuration
    task: Task
    about: str
    operations: dict[str, float] | None = None
    published_memory: float | None = None


def _hnag(
    top: tuple[int, int, float], middle: tuple[int, float], bottom: tuple[int, int, float]
) -> dict[str, int | float]:
    return {
        **dict(zip(("top_nodes", "top_k", "top_p"), top, strict=True)),
        **dict(zip(("middle_nodes", "middle_p"), middle, strict=True)),
        **dict(zip(("bottom_nodes", "bottom_k", "bottom_p"), bottom, strict=True)),
    }


PUBLISHED = {
    "cifar10-bohb": (_hnag((8, 5, 0.6), (1, 0.7), (5, 4, 0.2)), 17.0),
    "cifar100-bohb": (_hnag((8, 5, 0.4), (1, 0.7), (4, 2, 0.4)), 14.0),
    "sport8-bohb": (_hnag((7, 2, 0.9), (5, 0.8), (6, 3, 0.6)), 121.9),
    "mit67-bohb": (_hnag((9, 4, 0.6), (1, 0.2), (3, 2, 0.5)), 54.1),
    "flowers102-bohb": (_hnag((6, 4, 0.4), (1, 0.4), (6, 5, 0.9)), 61.7),
    "imagenet-bohb": (_hnag((4, 2, 0.5), (5, 0.6), (6, 4, 0.4)), 136.0),
    "cifar10-mobo": (_hnag((6, 4, 0.8), (1, 0.1), (3, 2, 0.5)), 12.8),
    "cifar100-mobo": (_hnag((6, 4, 0.3), (1, 0.7), (3, 2, 0.5)), 12.8),
    "sport8-mobo": (_hnag((3, 2, 0.3), (1, 0.2), (3, 2, 0.8)), 43.1),
    "mit67-mobo": (_hnag((3, 2, 0.6), (1, 0.8), (4, 2, 0.6)), 48.1),
    "flowers102-mobo": (_hnag((6, 5, 0.2), (1, 0.8), (3, 2, 0.5)), 48.4),
}
"""Table 3, and the sample memory of tables 3 and 4 in MB."""

RNAG_D: dict[str, int | float] = {
    f"stage{stage}_{name}": value
    for stage in (1, 2, 3)
    for name, value in (("nodes", 32), ("k", 4), ("p", 0.75))
}
"""WS(32, 4, 0.75) in each stage, the best of Xie et al."""

RNAG_D_MEMORY = {
    "cifar10": 44.2,
    "cifar100": 43.5,
    "sport8": 112.1,
    "mit67": 111.7,
    "flowers102": 111.6,
}
"""Table 4: sample memory of RNAG-D in MB."""


def _list_named() -> dict[str, Named]:
    named = {}
    for name, (configuration, memory) in PUBLISHED.items():
        dataset, method = name.split("-")
        about = f"the optimum of {method.upper()} on {dataset.upper()}"
        task = TASKS[dataset]
        named[name] = Named("hnag", configuration, task, about, published_memory=memory)
    for dataset, task in TASKS.items():
        name = "rnag-d" if dataset == "cifar10" else f"rnag-d-{dataset}"
        about = f"the default of RNAG, WS(32, 4, 0.75), for {dataset.upper()}"
        published = RNAG_D_MEMORY.get(dataset)
        named[name] = Named("rnag", RNAG_D, task, about, published_memory=published)
    named["hnag-as-rnag"] = Named(
        "hnag",
        _hnag((3, 2, 0.0), (1, 0.5), (32, 4, 0.75)),
        TASKS["cifar10"],
        "HNAG as RNAG-D: three cells, a graph of 32 separable convolutions in each",
        operations={"sepconv3x3": 1.0},
    )
    named["hnag-as-darts"] = Named(
        "hnag",
        _hnag((8, 4, 0.0), (1, 0.5), (8, 4, 0.5)),
        TASKS["cifar10"],
        "HNAG as DARTS: each of eight cells takes the two before it, and has eight operations",
        operations={"avgpool3x3": 1.0, "sepconv3x3": 1.0, "conv3x3": 1.0},
    )
    return named


NAMED = _list_named()
"""All configurations with a name."""
