"""The checklist for research on architecture search, filled in as far as files can tell.

Source: Lindauer and Hutter 2020, JMLR 21(243), "Best Practices for Scientific Research on Neural
Architecture Search"; the questions are in our words. What only the author of a study can answer
is left to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from nago.report.contestants import RANDOM, Contest, group_runs, list_contestants, list_runs
from nago.report.page.baselines import find_unmatched, list_racers
from nago.report.page.cost import total_seconds
from nago.report.page.numbers import count, duration
from nago.report.page.setup import RECORDED, find_differences, read_recorded
from nago.report.runs import Run

YES, NO, YOU = "yes", "no", "needs you"
FEWEST_SEEDS = 3
"""From so many seeds on, a contestant was run several times."""

DATA = (
    *("source", "split", "test_fraction", "validation_fraction", "image_size", "image_channels"),
    *("stored_size", "parameter_limit"),
)
"""Settings that are the same where contestants see the same data."""

FINAL = (
    *("final_epochs", "final_networks", "final_batch_size", "final_learning_rate"),
    *("momentum", "weight_decay", "gradient_clip", "crop", "crop_padding", "crop_scale", "flip"),
    *("cutout", "colour_jitter", "warmup_epochs", "label_smoothing", "precision"),
)
"""Settings that are the same where what contestants found is trained in the same way."""


@dataclass(frozen=True, slots=True)
class Item:
    """A question of the checklist, its answer for these runs, and why."""

    group: str
    question: str
    answer: str
    why: str


def fill_checklist(runs: Sequence[Run]) -> list[Item]:
    """Return the questions in their order, each with its answer."""
    return [
        *(Item("Code", *item) for item in _judge_code(runs)),
        *(Item("Comparison", *item) for item in _judge_comparison(runs)),
        *(Item("Reporting", *item) for item in _judge_reporting(runs)),
    ]


Answer = tuple[str, str, str]


def _judge_code(runs: Sequence[Run]) -> list[Answer]:
    finals = sum(len(run.final_results) for run in runs)
    seeds = (
        f"the seeds of {count(finals, 'network')} stand in final.csv, all settings in"
        " settings.json and final/protocol.json"
        if finals
        else "there are no final networks yet"
    )
    return [
        (
            "Is the code that trains the final architectures public?",
            YES,
            "nago trains them; if you changed it, publish your version.",
        ),
        (
            "Is the code of the search method public?",
            YES,
            "nago.search holds every method named here.",
        ),
        (
            "Are the hyperparameters and seeds of the final trainings given?",
            YES if finals else NO,
            f"{seeds}.".capitalize(),
        ),
    ]


def _judge_comparison(runs: Sequence[Run]) -> list[Answer]:
    contest = group_runs(runs)
    compared = any(len(contestants) > 1 for contestants in contest.values())
    fewest = min((len(contestant.runs) for contestant in list_contestants(contest)), default=0)
    racers = [list_racers(list_runs(contestants.values())) for contestants in contest.values()]
    lacking = sorted({racer.name for found in racers for racer in find_unmatched(found)})
    has_random = any(run.method == RANDOM for run in runs)
    return [
        (
            "Do all contestants see the same data, split and limits?",
            *_judge_alike(contest, DATA, compared=compared),
        ),
        ("Are devices and versions the same?", *_judge_environment(runs)),
        (
            "Were parts of the method left out one by one?",
            YOU,
            "Run contestants that differ in one setting, such as surrogate or random_fraction.",
        ),
        (
            "Is what they found trained and tested in the same way?",
            *_judge_alike(contest, FINAL, compared=compared),
        ),
        (
            "Are contestants compared over time?",
            YES if compared else NO,
            "Error against epochs stands above, for every contestant."
            if compared
            else "One contestant on each data set: its curve stands above, beside no other.",
        ),
        (
            "Is random search among them, at as many epochs?",
            YES if has_random and not lacking else NO,
            "Every contestant has a random search of its generator beside it."
            if has_random and not lacking
            else f"{', '.join(lacking)} without one."
            if lacking
            else "No run of the method random.",
        ),
        (
            "Was each contestant run several times, with seeds that are given?",
            YES if fewest >= FEWEST_SEEDS else NO,
            f"The fewest seeds of a contestant are {fewest}; {FEWEST_SEEDS} is the least to speak"
            " of a spread. Seeds stand in the tables.",
        ),
        (
            "Were tabular benchmarks used where the search itself is studied?",
            YOU,
            "Not in these runs, which train every network; docs/benchmarks/search.md of the"
            " project has such measurements of its methods.",
        ),
    ]


def _judge_reporting(runs: Sequence[Run]) -> list[Answer]:
    seconds = total_seconds(runs)
    over = all(run.incumbent is not None and run.final_results for run in runs)
    recorded = all(read_recorded(run, name) for run in runs for name in RECORDED)
    return [
        (
            "Is it said how the method's own hyperparameters were tuned, and at what cost?",
            YOU,
            "Files can't tell what you tried before; say so even if it was nothing.",
        ),
        (
            "Is the time of the whole method given, and not of the search alone?",
            YES if seconds is not None and over else NO,
            f"{duration(seconds)} of one device, final networks among them; preparing the data"
            " is not."
            if seconds is not None and over
            else "Not every run is over and has its final networks.",
        ),
        (
            "Are all details of the experiments given?",
            YES if recorded else NO,
            "Settings, seeds, devices and versions of every run stand above."
            if recorded
            else "Some runs have not recorded their device and versions.",
        ),
    ]


def _judge_alike(contest: Contest, keys: Sequence[str], *, compared: bool) -> tuple[str, str]:
    if not compared:
        return YOU, "Nothing is compared here: there is one contestant on each data set."
    groups = [list_runs(contestants.values()) for contestants in contest.values()]
    differing = sorted({key for own in groups for key in find_differences(own) if key in keys})
    if differing:
        return NO, f"They differ in {', '.join(differing)}."
    return YES, "The settings of the runs on each data set are equal in all that decides it."


def _judge_environment(runs: Sequence[Run]) -> tuple[str, str]:
    found = {
        name: sorted({v for run in runs for v in read_recorded(run, name)}) for name in RECORDED
    }
    if not all(found.values()):
        lacking = ", ".join(name for name, values in found.items() if not values)
        return YOU, f"Not recorded: {lacking}."
    several = [f"{name}: {', '.join(v)}" for name, v in found.items() if len(v) > 1]
    if several:
        return NO, f"Several of {'; '.join(several)}. Errors don't depend on speed, times do."
    return YES, ", ".join(f"{name} {values[0]}" for name, values in found.items()) + "."
