# What several rules share: the settings, the plan and the functions that name their files.
# No rules here, and nothing that imports torch: every job on a cluster reads this again.
import json
import re
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from nago.damage import set_aside_damaged
from nago.generators.draw import GENERATORS
from nago.records import RecordError, UserError
from nago.search.brackets import count_seen
from nago.settings import load_settings

# Scripts run by the Python that runs Snakemake, whether or not its environment is activated.
BIN = shlex.quote(str(Path(sys.executable).parent))
shell.prefix(f"set -euo pipefail; export PATH={BIN}:$PATH; ")

try:
    SETTINGS = load_settings(config, Path(workflow.basedir).parent)
except UserError as error:
    raise WorkflowError(str(error))

PLAN = SETTINGS.plan
DATASET = SETTINGS.dataset
SEARCH = SETTINGS.search
RESULTS = f"results/{DATASET}/{SEARCH}"
PARTS = ("train", "validation", "test")
KEEP = SETTINGS.values["continue"]
MULTI_OBJECTIVE = SETTINGS.method.multi_objective
EXACT = MULTI_OBJECTIVE and SETTINGS.values["exact_objectives"]
NETWORKS = range(SETTINGS.final_networks)
# What starts the script of a training: as many processes as share its batches.
PROCESSES = SETTINGS.values["gpus_per_trial"]
LAUNCH = "python"
if PROCESSES > 1:
    LAUNCH = f"python scripts/launch.py --processes {PROCESSES}"
# Snakemake removes a state once the rung above is done.
STATE = "results/{dataset}/{search}/bracket{bracket}/rung{rung}/slot{slot}.state"
STATE_OUTPUT = {"state": temp(STATE)}
ARRAYS = "results/{dataset}/{search}/bracket{bracket}/surrogate.npz"
ARRAYS_OUTPUT = {"arrays": ARRAYS}

# The studies of the generators, with the numbers of the paper's figures 2 and 5.
STUDY_IMAGES = ("small", "large")
CONFIGURATIONS, CHUNK, REPEATED_DRAWS = 50, 25, 8
GRAPHS_PER_K = 200
GALLERY = {
    "rnag-d": "RNAG-D",
    "hnag-as-darts": "HNAG as DARTS",
    "cifar10-bohb": "best for CIFAR10, BOHB",
    "cifar10-mobo": "best for CIFAR10, MOBO",
    "random-1": "a random draw of HNAG",
    "random-2": "another random draw",
}

if workflow.is_main_process:
    # Before the graph is made, so that what was damaged is made again in this very run.
    for path in set_aside_damaged(Path(RESULTS)):
        logger.warning(f"{path} is damaged; it is set aside and made again")


wildcard_constraints:
    dataset=re.escape(DATASET),
    search=re.escape(SEARCH),
    bracket=r"\d+",
    rung=r"\d+",
    slot=r"\d+",
    network=r"\d+",


def everything(wildcards):
    """Return the files of the whole search; Snakemake would not miss one that isn't named."""
    figures = ("anytime", "correlation", "front", "hypervolume", "network")
    return [
        f"{RESULTS}/settings.json",
        f"{RESULTS}/search.json",
        f"{RESULTS}/protocol.json",
        *[path for bracket in range(len(PLAN)) for path in bracket_files(bracket)],
        f"{RESULTS}/trials.csv",
        f"{RESULTS}/costs.csv",
        *[f"{RESULTS}/{name}" for name in ("incumbent.json", "finalists.json")],
        *[f"{RESULTS}/{name}" for name in ("front.csv", "hypervolume.csv")],
        f"{RESULTS}/final/protocol.json",
        *final_results(wildcards),
        *[f"{RESULTS}/final/{network}.pt" for network in NETWORKS],
        f"{RESULTS}/final.csv",
        f"{RESULTS}/summary.csv",
        *[f"{RESULTS}/figures/{figure}.svg" for figure in figures],
    ]


def bracket_files(bracket):
    """Return the files of a bracket."""
    folder = f"{RESULTS}/bracket{bracket}"
    rungs = list(enumerate(PLAN[bracket]))
    return [
        f"{folder}/surrogate.json",
        *[f"{folder}/rung{number}.proposals.json" for number, _ in rungs],
        *[
            f"{folder}/rung{number}/slot{slot}.trial.json"
            for number, rung in rungs
            for slot in range(rung.size)
        ],
        f"{folder}/trials.csv",
        f"{folder}/costs.csv",
    ]


def planned(wildcards):
    """Return the size and the budget of a rung; the first rung is the one without a number."""
    return PLAN[int(wildcards.bracket)][int(wildcards.get("rung", 0))]


def planned_size(wildcards):
    return planned(wildcards).size


def planned_budget(wildcards):
    return planned(wildcards).budget


def bracket_path(wildcards):
    return f"results/{wildcards.dataset}/{wildcards.search}/bracket{wildcards.bracket}"


def rung_files(wildcards, rung, kind):
    """Return the files of a kind of all slots of a rung."""
    slots = range(PLAN[int(wildcards.bracket)][rung].size)
    return [f"{bracket_path(wildcards)}/rung{rung}/slot{slot}.{kind}" for slot in slots]


def trials_below(wildcards):
    """Return the trials of the rung below."""
    return rung_files(wildcards, int(wildcards.rung) - 1, "trial.json")


def data_folder(wildcards):
    """Return the folder of the prepared data."""
    return f"data/{wildcards.dataset}"


def data_root_option(wildcards):
    """Return where the images are, as an option of the shell."""
    root = SETTINGS.values["data_root"]
    return f"--data-root {shlex.quote(root)}" if root else ""


def image_options(wildcards):
    """Return what is made of the images, as options of the shell."""
    values = SETTINGS.values
    statistics = [
        f"--{key.replace('_', '-')} {' '.join(map(repr, values[key]))}"
        for key in ("channel_mean", "channel_std")
        if values[key] is not None
    ]
    return " ".join(
        [
            f"--source {values['source']}",
            f"--image-size {values['image_size']}",
            f"--stored-size {SETTINGS.stored_size}",
            f"--image-channels {values['image_channels']}",
            f"--cache-gb {values['cache_gb']!r}",
            *statistics,
        ]
    )


def part_options(wildcards):
    """Return how the parts are cut, as options of the shell."""
    keys = ("split", "validation_fraction", "test_fraction", "seed")
    return " ".join(f"--{key.replace('_', '-')} {SETTINGS.values[key]}" for key in keys)


def states_below(wildcards):
    """Return the last states of the rung below, where its trials are continued."""
    if KEEP and int(wildcards.rung) > 0:
        return rung_files(wildcards, int(wildcards.rung) - 1, "state")
    return []


def state_options(wildcards, input, output):
    """Return where a trial finds its parent's state and leaves its own, if they are kept."""
    if not KEEP:
        return ""
    folder = f"--states {Path(input.states[0]).parent}" if input.states else ""
    return f"{folder} --keep-state {output.state}"


def trials_of_bracket(wildcards):
    """Return the trials of a bracket, in the order of the plan."""
    rungs = range(len(PLAN[int(wildcards.bracket)]))
    return [
        path for rung in rungs for path in rung_files(wildcards, rung, "trial.json")
    ]


def tables_seen(wildcards):
    """Return the tables of the brackets that a bracket learns from."""
    if not SETTINGS.method.learns:
        return []
    number = count_seen(
        int(wildcards.bracket), SETTINGS.lag, makes_initial=SETTINGS.makes_initial
    )
    return [*initial_points(wildcards), *all_tables("trials")[:number]]


def initial_table(wildcards):
    """Return the table of an earlier search that this one begins with."""
    return SETTINGS.values["initial"] or []


def initial_points(wildcards):
    """Return the trials of an earlier search that this one begins with."""
    return [f"{RESULTS}/initial.csv"] if SETTINGS.values["initial"] else []


def initial_option(wildcards, input):
    """Return the same, as an option of the shell."""
    return f"--initial {input.initial}" if input.initial else ""


def exact_files(wildcards):
    """Return what the objectives that need no training are computed from."""
    if not EXACT:
        return []
    return [f"{RESULTS}/protocol.json", f"data/{wildcards.dataset}/dataset.json"]


def exact_options(wildcards, input):
    """Return the same, as options of the shell."""
    if not EXACT:
        return ""
    return f"--protocol {input.exact[0]} --data {data_folder(wildcards)}"


def all_tables(kind):
    """Return the tables of a kind of all brackets."""
    return [f"{RESULTS}/bracket{bracket}/{kind}.csv" for bracket in range(len(PLAN))]


def final_results(wildcards):
    """Return the results of the final networks."""
    return [f"{RESULTS}/final/{network}.json" for network in NETWORKS]


def finalist_place(wildcards):
    """Return the place among the finalists of the one that a network is drawn from."""
    return int(wildcards.network) // SETTINGS.values["final_networks"]


def all_studies(wildcards):
    """Return the tables and figures of the studies."""
    both = [
        f"results/studies/{study}.{kind}"
        for study in ("memory", "nodes", "variance", "odd_k")
        for kind in ("csv", "svg")
    ]
    return [
        *both,
        "results/studies/variance-shares.csv",
        "results/studies/gallery.svg",
    ]


def study_draws(wildcards):
    """Return the tables of random draws of all generators."""
    return [
        f"results/studies/draws/{generator}-{images}.csv"
        for images in STUDY_IMAGES
        for generator in GENERATORS
    ]


def study_repeats(wildcards):
    """Return the tables of repeated draws."""
    chunks = range(CONFIGURATIONS // CHUNK)
    return [f"results/studies/repeats/{chunk}.csv" for chunk in chunks]


def chunk_configurations(wildcards):
    """Return the numbers of the configurations of a chunk."""
    first = CHUNK * int(wildcards.chunk)
    return list(range(first, first + CHUNK))


def refuse_bad_data_root():
    """Raise before the first job if the images can't be where the settings say."""
    from nago.data.datasets import check_source

    keys = ("source", "data_root", "split", "download")
    try:
        check_source(*(SETTINGS.values[key] for key in keys))
    except UserError as error:
        raise WorkflowError(str(error))


def refuse_bad_initial():
    """Raise before anything is planned if a search can't begin with the table it is given."""
    from nago.search.initial import read_initial

    values = SETTINGS.values
    try:
        read_initial(
            Path(values["initial"]),
            ranges=SETTINGS.ranges,
            objectives=values["objectives"],
            dataset=DATASET,
            budget=values["mobo_budget"],
            points=values["initial_points"],
        )
    except UserError as error:
        raise WorkflowError(str(error))


def tell_results():
    """Print where the results are, and the most important of them."""
    from nago.status import describe_results

    try:
        logger.info(describe_results(Path(RESULTS)))
    except RecordError:
        pass  # only a part of the files was asked for
