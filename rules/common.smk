# What several rules share: the searches, their plans and the functions that name their files.
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
# The folder of what compares the searches, and what of it there is beside its captions' names.
COMPARED = f"results/{COMPARISON.name}"
COMPARED_FOLDERS = [search.folder for search in COMPARISON.all]
COMPARED_TABLES = (
    ("table2-validation", "validation", "2: validation"),
    ("table3-generators", "generators", "3: generators"),
    ("table4-test", "test", "4 and 5: test"),
    ("table6-expanded", "expanded", "6 and 7: expanded spaces"),
    ("failures", "failures", "failures"),
    ("anytime", "anytime", "progress"),
    ("correlations", "correlations", "correlation between budgets"),
    ("differences", "differences", "differences"),
    ("claims", "claims", "the paper's claims"),
)
COMPARED_FIGURES = (
    *("anytime", "hypervolume", "front", "improvement"),
    *("memory", "budgets", "test", "winners"),
)
SPREADS = any(search.values["method"] == "spread" for search in COMPARISON.all)
# Snakemake removes a state once the rung above is done.
STATE = "results/{dataset}/{search}/bracket{bracket}/rung{rung}/slot{slot}.state"
STATE_OUTPUT = {"state": temp(STATE)}

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


def all_search_files(wildcards):
    """Return the files of all searches, without those of the final networks."""
    return [path for search in COMPARISON.all for path in search_files(search)]


def all_final_files(wildcards):
    """Return the files of the final networks of all searches."""
    return [path for search in COMPARISON.all for path in final_files(search)]


def everything(wildcards):
    """Return the files of all searches; Snakemake would not miss one that isn't named."""
    return [
        *all_search_files(wildcards),
        *all_final_files(wildcards),
        *all_figure_files(wildcards),
        *compared_tables(wildcards),
        *compared_figures(wildcards),
        f"{COMPARED}/report/index.html",
    ]


def all_figure_files(wildcards):
    """Return the figures of all searches."""
    return [path for search in COMPARISON.all for path in figure_files(search)]


def compared_files(wildcards):
    """Return what is compared: the results of all searches."""
    names = [
        "settings.json",
        "trials.csv",
        "costs.csv",
        "incumbent.json",
        "finalists.json",
    ]
    names += ["front.csv", "hypervolume.csv"]
    return [
        path
        for search in COMPARISON.all
        for path in (
            *[f"{search.folder}/{name}" for name in names],
            *network_results(search),
            *([f"{search.folder}/final.csv"] if search.settings.final_networks else []),
        )
    ]


def compared_tables(wildcards):
    """Return the tables of the comparison."""
    names = ["table1-surrogates", *[name for name, _, _ in COMPARED_TABLES]]
    names += ["spread", "spread-shares"] if SPREADS else []
    return [f"{COMPARED}/tables/{name}.csv" for name in names]


def compared_figures(wildcards):
    """Return the figures of the comparison."""
    names = [*COMPARED_FIGURES, *(["spread"] if SPREADS else [])]
    return [f"{COMPARED}/figures/{name}.svg" for name in names]


def search_files(search):
    """Return the files of a search, up to what it chose."""
    folder = search.folder
    return [
        f"{folder}/settings.json",
        f"{folder}/search.json",
        f"{folder}/protocol.json",
        *[
            path
            for bracket in range(len(search.plan))
            for path in bracket_files(search, bracket)
        ],
        f"{folder}/trials.csv",
        f"{folder}/costs.csv",
        *[f"{folder}/{name}" for name in ("incumbent.json", "finalists.json")],
        *[f"{folder}/{name}" for name in ("front.csv", "hypervolume.csv")],
    ]


def final_files(search):
    """Return the files of the final networks, and the summary that tells of them."""
    networks = range(search.settings.final_networks)
    files = [f"{search.folder}/summary.csv"]
    if networks:
        files += [f"{search.folder}/final/protocol.json", f"{search.folder}/final.csv"]
    return [
        *files,
        *network_results(search),
        *[f"{search.folder}/final/{network}.pt" for network in networks],
    ]


def figure_files(search):
    """Return the figures of a search."""
    figures = ["anytime", "correlation", "front", "hypervolume"]
    if search.settings.final_networks:
        figures.append("network")
    return [f"{search.folder}/figures/{figure}.svg" for figure in figures]


def bracket_files(search, bracket):
    """Return the files of a bracket."""
    folder = f"{search.folder}/bracket{bracket}"
    rungs = list(enumerate(search.plan[bracket]))
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
        for dataset in COMPARISON.datasets:
            values = COMPARISON.of_dataset(dataset).values
            check_source(*(values[key] for key in keys))
    except UserError as error:
        raise WorkflowError(str(error))


def refuse_over_cap():
    """Raise before the first job if the searches would take more GPU-hours than they may."""
    if SHARED["max_gpu_hours"] is None:
        return
    # Imported only where there is a cap: it loads numpy, pandas and scipy.
    from nago.forecast.cap import check_cap

    try:
        check_cap(COMPARISON, Path(workflow.basedir).parent)
    except UserError as error:
        raise WorkflowError(str(error))


def refuse_bad_initial():
    """Raise before anything is planned if a search can't begin with the table it is given."""
    from nago.search.initial import read_initial

    for search in COMPARISON.all:
        made = {
            f"{other.folder}/trials.csv"
            for other in COMPARISON.all
            if other is not search
        }
        if search.initial is None or search.initial in made:
            continue
        try:
            read_initial(
                Path(search.initial),
                ranges=search.settings.ranges,
                objectives=search.values["objectives"],
                dataset=search.dataset,
                budget=search.values["mobo_budget"],
                points=search.values["initial_points"],
            )
        except UserError as error:
            raise WorkflowError(str(error))


def refuse_bad_warm_start():
    """Raise before anything is planned if a search can't learn from the tables it is given."""
    from nago.search.warm import read_warm_start

    made = {f"{search.folder}/trials.csv" for search in COMPARISON.all}
    for search in COMPARISON.all:
        given = [Path(path) for path in search.warm_start if path not in made]
        if not given:
            continue
        try:
            read_warm_start(
                given,
                ranges=search.settings.ranges,
                objectives=search.values["objectives"],
                budgets=search.settings.budgets,
            )
        except UserError as error:
            raise WorkflowError(str(error))


def refuse_bad_limits():
    """Raise before the first job if nothing that a search draws keeps its limits."""
    limited = [search for search in COMPARISON.all if search.settings.limits]
    if not limited:
        return
    from nago.exact import refuse_unmet_limits

    for search in limited:
        settings = search.settings
        try:
            refuse_unmet_limits(
                settings.search_protocol,
                settings.ranges,
                settings.limits,
                seed=settings.values["seed"],
                data=Path(f"data/{search.dataset}"),
                image_size=settings.values["image_size"],
                channels=settings.values["image_channels"],
            )
        except UserError as error:
            raise WorkflowError(f"{search.search}: {error}")


def tell_results():
    """Print where the results are, and the most important of them."""
    from nago.status import describe_result, describe_results

    describe = describe_results if len(COMPARISON.all) == 1 else describe_result
    for search in COMPARISON.all:
        try:
            logger.info(describe(Path(search.folder)))
        except RecordError:
            pass  # only a part of the files was asked for
    page = Path(COMPARED) / "report/index.html"
    if page.exists():
        logger.info(f"Report: {page} (open it in a browser)")
