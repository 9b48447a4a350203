# What several rules share: the searches of the run, and what a job is given of its own.
# No rules here, and nothing that imports torch: every job on a cluster reads this again.
import json
import re
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from nago.comparison import load_comparison
from nago.damage import set_aside_damaged
from nago.generators.draw import GENERATORS
from nago.records import RecordError, UserError
from nago.search.brackets import count_seen

# Scripts run by the Python that runs Snakemake, whether or not its environment is activated.
BIN = shlex.quote(str(Path(sys.executable).parent))
shell.prefix(f"set -euo pipefail; export PATH={BIN}:$PATH; ")

try:
    COMPARISON = load_comparison(config, Path(workflow.basedir).parent)
except UserError as error:
    raise WorkflowError(str(error))

# What all searches of a run have alike stands in the settings of any.
SHARED = COMPARISON.all[0].values
PARTS = ("train", "validation", "test")
KEEP = SHARED["continue"]
# Snakemake removes a state once the rung above is done.
STATE = "results/{dataset}/{search}/bracket{bracket}/rung{rung}/slot{slot}.state"
STATE_OUTPUT = {"state": temp(STATE)}

if workflow.is_main_process:
    # Before the graph is made, so that what was damaged is made again in this very run.
    for path in [
        path
        for search in COMPARISON.all
        for path in set_aside_damaged(Path(search.folder))
    ]:
        logger.warning(f"{path} is damaged; it is set aside and made again")


wildcard_constraints:
    dataset="|".join(map(re.escape, COMPARISON.datasets)),
    search="|".join(map(re.escape, COMPARISON.names)),
    bracket=r"\d+",
    rung=r"\d+",
    slot=r"\d+",
    network=r"\d+",


def match_searches(multi_objective):
    """Return what matches the searches for several objectives, or the others."""
    names = {
        search.search
        for search in COMPARISON.all
        if search.settings.method.multi_objective == multi_objective
    }
    return "|".join(map(re.escape, sorted(names))) or "(?!)"


def search_of(wildcards):
    """Return the search that a job is of, with its settings and its plan."""
    return COMPARISON.find(wildcards.dataset, wildcards.search)


def setting(key):
    """Return the function that gives jobs of a search the value of a setting."""

    def read(wildcards):
        return search_of(wildcards).values[key]

    return read


def planned(wildcards):
    """Return the size and the budget of a rung; the first rung is the one without a number."""
    bracket = search_of(wildcards).plan[int(wildcards.bracket)]
    return bracket[int(wildcards.get("rung", 0))]


def planned_size(wildcards):
    return planned(wildcards).size


def planned_budget(wildcards):
    return planned(wildcards).budget


def bracket_path(wildcards):
    return f"results/{wildcards.dataset}/{wildcards.search}/bracket{wildcards.bracket}"


def rung_files(wildcards, rung, kind):
    """Return the files of a kind of all slots of a rung."""
    slots = range(search_of(wildcards).plan[int(wildcards.bracket)][rung].size)
    return [f"{bracket_path(wildcards)}/rung{rung}/slot{slot}.{kind}" for slot in slots]


def trials_below(wildcards):
    """Return the trials of the rung below."""
    return rung_files(wildcards, int(wildcards.rung) - 1, "trial.json")


def data_folder(wildcards):
    """Return the folder of the prepared data."""
    return f"data/{wildcards.dataset}"


def data_root_option(wildcards):
    """Return where the images are, as an option of the shell."""
    root = COMPARISON.of_dataset(wildcards.dataset).values["data_root"]
    return f"--data-root {shlex.quote(root)}" if root else ""


def image_options(wildcards):
    """Return what is made of the images, as options of the shell."""
    search = COMPARISON.of_dataset(wildcards.dataset)
    values = search.values
    statistics = [
        f"--{key.replace('_', '-')} {' '.join(map(repr, values[key]))}"
        for key in ("channel_mean", "channel_std")
        if values[key] is not None
    ]
    return " ".join(
        [
            f"--source {values['source']}",
            f"--image-size {values['image_size']}",
            f"--stored-size {search.settings.stored_size}",
            f"--image-channels {values['image_channels']}",
            f"--cache-gb {values['cache_gb']!r}",
            *statistics,
        ]
    )


def part_options(wildcards):
    """Return how the parts are cut, as options of the shell."""
    search = COMPARISON.of_dataset(wildcards.dataset)
    keys = ("split", "validation_fraction", "test_fraction")
    options = [f"--{key.replace('_', '-')} {search.values[key]}" for key in keys]
    return " ".join([*options, f"--seed {search.settings.data_seed}"])


def download_option(wildcards):
    """Return whether published files may be fetched, 1 or 0."""
    return int(COMPARISON.of_dataset(wildcards.dataset).values["download"])


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
    rungs = range(len(search_of(wildcards).plan[int(wildcards.bracket)]))
    return [
        path for rung in rungs for path in rung_files(wildcards, rung, "trial.json")
    ]


def tables_seen(wildcards):
    """Return the tables of the brackets that a bracket learns from."""
    search = search_of(wildcards)
    settings = search.settings
    if not settings.method.learns:
        return []
    number = count_seen(
        int(wildcards.bracket), settings.lag, makes_initial=settings.makes_initial
    )
    return [*initial_points(wildcards), *bracket_tables(search, "trials")[:number]]


def initial_table(wildcards):
    """Return the table of an earlier search that this one begins with."""
    return search_of(wildcards).initial or []


def initial_points(wildcards):
    """Return the trials of an earlier search that this one begins with."""
    search = search_of(wildcards)
    return [f"{search.folder}/initial.csv"] if search.initial else []


def initial_option(wildcards, input):
    """Return the same, as an option of the shell."""
    return f"--initial {input.initial}" if input.initial else ""


def warm_tables(wildcards):
    """Return the tables of searches on other data sets that this one begins with."""
    return list(search_of(wildcards).warm_start)


def warm_start(wildcards):
    """Return what a search learns from them."""
    search = search_of(wildcards)
    return [f"{search.folder}/warm.csv"] if search.warm_start else []


def planned_budgets(wildcards):
    """Return all budgets of a search."""
    return search_of(wildcards).settings.budgets


def computes_objectives(search):
    """Return whether a search computes the objectives that need no training."""
    return search.settings.method.multi_objective and search.values["exact_objectives"]


def exact_files(wildcards):
    """Return what is needed to compute what is known of a network without training."""
    search = search_of(wildcards)
    if not (computes_objectives(search) or search.settings.limits):
        return []
    return [f"{search.folder}/protocol.json", f"data/{wildcards.dataset}/dataset.json"]


def exact_options(wildcards, input):
    """Return the same, as options of the shell."""
    if not input.exact:
        return ""
    modelled = "" if computes_objectives(search_of(wildcards)) else " --modelled"
    return f"--protocol {input.exact[0]} --data {data_folder(wildcards)}{modelled}"


def last_option(wildcards):
    """Return the number, size and budget of a bracket's last rung, as an option of the shell."""
    search = search_of(wildcards)
    if not search.settings.method.multi_objective:
        return ""
    rungs = search.plan[int(wildcards.bracket)]
    return f"--last {len(rungs) - 1} {rungs[-1].size} {rungs[-1].budget}"


def trials_of_search(wildcards):
    """Return all trials of a search, after those of an earlier one that it begins with."""
    return [
        *initial_points(wildcards),
        f"{search_of(wildcards).folder}/trials.csv",
    ]


def count_brackets(wildcards):
    """Return the number that the next bracket after a search would have."""
    return len(search_of(wildcards).plan)


def generators_table(wildcards):
    """Return the table of the generators of a search that tries some more than once."""
    search = search_of(wildcards)
    return [f"{search.folder}/generators.csv"] if search.settings.replicates else []


def bracket_tables(search, kind):
    """Return the tables of a kind of all brackets of a search."""
    return [
        f"{search.folder}/bracket{bracket}/{kind}.csv"
        for bracket in range(len(search.plan))
    ]


def all_trials(wildcards):
    """Return the tables of trials of all brackets."""
    return bracket_tables(search_of(wildcards), "trials")


def all_costs(wildcards):
    """Return the tables of costs of all brackets."""
    return bracket_tables(search_of(wildcards), "costs")


def network_results(search):
    """Return the results of the final networks of a search."""
    networks = range(search.settings.final_networks)
    return [f"{search.folder}/final/{network}.json" for network in networks]


def final_results(wildcards):
    """Return the results of the final networks."""
    return network_results(search_of(wildcards))


def finals_option(wildcards, input):
    """Return the same, as an option of the shell."""
    return f"--finals {input.finals}" if input.finals else ""


def finalist_place(wildcards):
    """Return the place among the finalists of the one that a network is drawn from."""
    return int(wildcards.network) // search_of(wildcards).values["final_networks"]


def training_processes(wildcards):
    """Return how many processes, with a GPU each, share a training."""
    return search_of(wildcards).values["gpus_per_trial"]


def training_threads(wildcards):
    """Return the threads of a training, those of all its processes together."""
    return training_processes(wildcards) * search_of(wildcards).values["threads"]


def launch_option(wildcards):
    """Return what starts the script of a training."""
    processes = training_processes(wildcards)
    if processes == 1:
        return "python"
    return f"python scripts/launch.py --processes {processes}"


def defined_search(wildcards):
    """Return what decides the proposals of a search, as JSON."""
    return json.dumps(search_of(wildcards).settings.search_definition)


def defined_protocol(wildcards):
    """Return how trials are trained, as JSON."""
    return json.dumps(search_of(wildcards).settings.search_protocol.as_dict())


def defined_final_protocol(wildcards):
    """Return how the final networks are trained, as JSON."""
    return json.dumps(search_of(wildcards).settings.final_protocol.as_dict())


def all_settings(wildcards):
    """Return all settings of a search, as JSON."""
    return json.dumps(search_of(wildcards).record)


def reference_point(wildcards):
    """Return the reference point of the hypervolume, as JSON."""
    return json.dumps(search_of(wildcards).settings.reference)


def finalist_count(wildcards):
    """Return how many generators have final networks; the best is selected in any case."""
    return max(1, search_of(wildcards).settings.finalists)


def finalist_choice(wildcards):
    """Return along what the finalists are chosen."""
    multi_objective = search_of(wildcards).settings.method.multi_objective
    return "front" if multi_objective else "error"
