# For people: the settings that were used, summaries and figures.


rule write_settings:
    """All settings of the run, with their defaults, beside its results."""
    output:
        "results/{dataset}/{search}/settings.json",
    log:
        "logs/{dataset}/{search}/write_settings.log",
    params:
        values=all_settings,
    message:
        "{wildcards.dataset} {wildcards.search}: write the settings of the run"
    shell:
        "python scripts/write_json.py --values {params.values:q} --output {output} > {log} 2>&1"


rule tabulate_final:
    """The final networks as a table."""
    input:
        final_results,
    output:
        report(
            "results/{dataset}/{search}/final.csv",
            caption="../workflow/report/final.rst",
            category="{dataset} {search}",
            labels={"table": "final networks"},
        ),
    log:
        "logs/{dataset}/{search}/tabulate_final.log",
    message:
        "{wildcards.dataset} {wildcards.search}: tabulate the final networks"
    shell:
        "python scripts/tabulate_final.py --results {input} --output {output} > {log} 2>&1"


rule summarise:
    """The search and its winner in one short table."""
    input:
        initial=initial_points,
        table="results/{dataset}/{search}/trials.csv",
        finals=final_results,
    output:
        report(
            "results/{dataset}/{search}/summary.csv",
            caption="../workflow/report/summary.rst",
            category="{dataset} {search}",
            labels={"table": "summary"},
        ),
    log:
        "logs/{dataset}/{search}/summarise.log",
    params:
        initial=initial_option,
        finals=finals_option,
    message:
        "{wildcards.dataset} {wildcards.search}: summarise the search"
    shell:
        "python scripts/summarise.py --table {input.table} {params.finals}"
        " {params.initial} --output {output} > {log} 2>&1"


rule draw_trials:
    """The trials of the search as figures."""
    input:
        "results/{dataset}/{search}/trials.csv",
    output:
        anytime=report(
            "results/{dataset}/{search}/figures/anytime.svg",
            caption="../workflow/report/anytime.rst",
            category="{dataset} {search}",
            labels={"figure": "error against epochs"},
        ),
        correlation=report(
            "results/{dataset}/{search}/figures/correlation.svg",
            caption="../workflow/report/correlation.rst",
            category="{dataset} {search}",
            labels={"figure": "correlation between budgets"},
        ),
    log:
        "logs/{dataset}/{search}/draw_trials.log",
    message:
        "{wildcards.dataset} {wildcards.search}: draw the figures of the search"
    shell:
        "python scripts/draw_trials.py --table {input} --name '{wildcards.dataset} {wildcards.search}'"
        " --anytime {output.anytime} --correlation {output.correlation} > {log} 2>&1"


rule draw_front:
    """The queries and their front, and how the front grew."""
    input:
        initial=initial_points,
        table="results/{dataset}/{search}/trials.csv",
        front="results/{dataset}/{search}/front.csv",
        hypervolume="results/{dataset}/{search}/hypervolume.csv",
    output:
        front=report(
            "results/{dataset}/{search}/figures/front.svg",
            caption="../workflow/report/front.rst",
            category="{dataset} {search}",
            labels={"figure": "front"},
        ),
        hypervolume=report(
            "results/{dataset}/{search}/figures/hypervolume.svg",
            caption="../workflow/report/hypervolume.rst",
            category="{dataset} {search}",
            labels={"figure": "hypervolume"},
        ),
    log:
        "logs/{dataset}/{search}/draw_front.log",
    params:
        objectives=setting("objectives"),
    message:
        "{wildcards.dataset} {wildcards.search}: draw the front"
    shell:
        "python scripts/draw_front.py --tables {input.initial} {input.table}"
        " --front-table {input.front} --hypervolume-table {input.hypervolume}"
        " --objectives {params.objectives} --name '{wildcards.dataset} {wildcards.search}'"
        " --front {output.front} --hypervolume {output.hypervolume} > {log} 2>&1"


rule draw_network:
    """A network of the winning generator at its three levels."""
    input:
        "results/{dataset}/{search}/final/0.json",
    output:
        report(
            "results/{dataset}/{search}/figures/network.svg",
            caption="../workflow/report/network.rst",
            category="{dataset} {search}",
            labels={"figure": "network of the winner"},
        ),
    log:
        "logs/{dataset}/{search}/draw_network.log",
    message:
        "{wildcards.dataset} {wildcards.search}: draw a network of the best generator"
    shell:
        "python scripts/draw_network.py --result {input} --name '{wildcards.dataset} {wildcards.search}'"
        " --output {output} > {log} 2>&1"
