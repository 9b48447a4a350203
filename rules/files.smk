# Which files a run leaves: what the targets ask for, what compares the searches, the studies.
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
        *([f"{folder}/generators.csv"] if search.settings.replicates else []),
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
