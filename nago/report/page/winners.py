"""The winner of each data set: the run with the lowest validation error, and what came of it."""

import base64
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nago.records import UserError
from nago.report.page.numbers import megabytes, millions, percent, plain, show_path
from nago.report.runs import Run
from nago.search.incumbent import describe_trial, select_incumbent


@dataclass(frozen=True, slots=True)
class Winner:
    """What a search recommends, as text.

    Attributes:
        dataset: its name.
        contestant: that found it.
        seed: of that search.
        trial: the incumbent's name.
        budget: its epochs.
        error: its validation error.
        accuracy: mean of the test accuracies, empty without any.
        spread: their standard deviation, empty with fewer than two.
        networks: final networks that were trained and tested.
        memory: sample memory, of the final networks or else of the incumbent.
        parameters: likewise.
        configuration: hyperparameters with their values.
        weights: the file of a final network, empty without any.
        drawing: the SVG of a network as a data URI, empty without any.
        finished: whether the search is over.
        folder: of the run.
    """

    dataset: str
    contestant: str
    seed: int
    trial: str
    budget: int
    error: str
    accuracy: str
    spread: str
    networks: int
    memory: str
    parameters: str
    configuration: tuple[tuple[str, str], ...]
    weights: str
    drawing: str
    finished: bool
    folder: str


def find_incumbent(run: Run) -> Mapping[str, Any] | None:
    """Return the best trial of a run, so far if it isn't over; None if none has a result."""
    if run.incumbent is not None:
        return run.incumbent
    if run.trials is None:
        return None
    try:
        return describe_trial(select_incumbent(run.trials))
    except UserError:
        return None


def group_by_dataset(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Return the runs on each data set, by name."""
    names = sorted({run.dataset for run in runs})
    return {name: [run for run in runs if run.dataset == name] for name in names}


def choose_winner(runs: Sequence[Run]) -> tuple[Run, Mapping[str, Any]] | None:
    """Return the run on one data set with the lowest error of an incumbent, and that trial.

    Runs that are over come first, since a smaller budget's error cannot be compared; of equal
    errors the first in order wins. None if no trial of any run has a result.
    """
    found = [(run, best) for run in runs if (best := find_incumbent(run)) is not None]
    if not found:
        return None
    return min(found, key=lambda pair: (pair[0].incumbent is None, pair[1]["validation_error"]))


def describe_winner(runs: Sequence[Run]) -> Winner | None:
    """Return the winner of the runs on one data set; None if no trial has a result."""
    chosen = choose_winner(runs)
    if chosen is None:
        return None
    run, best = chosen
    finals = [] if run.finals is None else run.finals.to_dict("records")
    own = [f for f in finals if f["trial"] == best["trial"] and f["status"] == "ok"]
    accuracies = [float(final["test_accuracy"]) for final in own]
    sizes = own or [best]
    memory = statistics.fmean(float(size["sample_memory_bytes"]) for size in sizes)
    parameters = statistics.fmean(float(size["parameters"]) for size in sizes)
    spread = f"{100 * statistics.stdev(accuracies):.2f}" if len(accuracies) > 1 else ""
    return Winner(
        dataset=run.dataset,
        contestant=run.contestant,
        seed=run.seed,
        trial=best["trial"],
        budget=best["budget"],
        error=percent(best["validation_error"]),
        accuracy=percent(statistics.fmean(accuracies)) if accuracies else "",
        spread=spread,
        networks=len(accuracies),
        memory=megabytes(memory),
        parameters=millions(parameters),
        configuration=tuple((name, plain(v)) for name, v in best["configuration"].items()),
        weights=_find_weights(run, own),
        drawing=_embed_drawing(run),
        finished=run.incumbent is not None,
        folder=show_path(run.folder),
    )


def _find_weights(run: Run, finals: Sequence[Mapping[Any, Any]]) -> str:
    """Return the file of the first of these networks whose weights are there."""
    for final in finals:
        path = run.folder / "final" / f"{final['network']}.pt"
        if path.exists():
            return f"{show_path(run.folder)}/final/{path.name}"
    return ""


def _embed_drawing(run: Run) -> str:
    path = run.folder / "figures" / "network.svg"
    try:
        content = path.read_bytes()
    except OSError:
        return ""
    return f"data:image/svg+xml;base64,{base64.b64encode(content).decode()}"
