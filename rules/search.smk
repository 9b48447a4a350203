# The search: fit, propose, train, promote, train, …, tabulate; the next bracket learns from it.


rule define_search:
    """What decides the proposals, as a file that changes only when that does."""
    output:
        "results/{dataset}/{search}/search.json",
    log:
        "logs/{dataset}/{search}/define_search.log",
    params:
        values=defined_search,
    message:
        "{wildcards.dataset} {wildcards.search}: write what decides the proposals"
    shell:
        "python scripts/write_json.py --values {params.values:q} --output {output} > {log} 2>&1"


rule define_protocol:
    """How the trials are drawn and trained, as a file that changes only when that does."""
    output:
        "results/{dataset}/{search}/protocol.json",
    log:
        "logs/{dataset}/{search}/define_protocol.log",
    params:
        values=defined_protocol,
    message:
        "{wildcards.dataset} {wildcards.search}: write how trials are trained"
    shell:
        "python scripts/write_json.py --values {params.values:q} --output {output} > {log} 2>&1"


rule take_initial:
    """The trials of an earlier search that this one begins with."""
    input:
        table=initial_table,
        search="results/{dataset}/{search}/search.json",
    output:
        "results/{dataset}/{search}/initial.csv",
    log:
        "logs/{dataset}/{search}/take_initial.log",
    params:
        budget=setting("mobo_budget"),
        points=setting("initial_points"),
    message:
        "{wildcards.dataset} {wildcards.search}: take the initial points from {input.table}"
    shell:
        "python scripts/take_initial.py --table {input.table:q} --search {input.search}"
        " --dataset {wildcards.dataset} --budget {params.budget} --points {params.points}"
        " --output {output} > {log} 2>&1"


rule take_warm_start:
    """The trials of searches on other data sets as ranks, that this one learns from as well."""
    input:
        tables=warm_tables,
        search="results/{dataset}/{search}/search.json",
    output:
        "results/{dataset}/{search}/warm.csv",
    log:
        "logs/{dataset}/{search}/take_warm_start.log",
    params:
        budgets=planned_budgets,
    message:
        "{wildcards.dataset} {wildcards.search}: take the warm start from {input.tables}"
    shell:
        "python scripts/take_warm_start.py --tables {input.tables:q} --search {input.search}"
        " --budgets {params.budgets} --output {output} > {log} 2>&1"


rule fit_surrogate:
    """What a bracket learns from the brackets before it."""
    input:
        search="results/{dataset}/{search}/search.json",
        tables=tables_seen,
        warm=warm_start,
    output:
        surrogate="results/{dataset}/{search}/bracket{bracket}/surrogate.json",
    log:
        "logs/{dataset}/{search}/fit_surrogate/b{bracket}.log",
    wildcard_constraints:
        search=match_searches(multi_objective=False),
    message:
        "{wildcards.dataset} {wildcards.search}, bracket {wildcards.bracket}: learn from earlier brackets"
    shell:
        "python scripts/fit_surrogate.py --search {input.search} --tables {input.tables}"
        " --warm {input.warm} --bracket {wildcards.bracket} --output {output.surrogate} > {log} 2>&1"


use rule fit_surrogate as fit_losses with:
    output:
        arrays="results/{dataset}/{search}/bracket{bracket}/surrogate.npz",
        surrogate="results/{dataset}/{search}/bracket{bracket}/surrogate.json",
    wildcard_constraints:
        search=match_searches(multi_objective=True),


rule propose:
    """The configurations of a bracket's first rung."""
    input:
        search="results/{dataset}/{search}/search.json",
        surrogate="results/{dataset}/{search}/bracket{bracket}/surrogate.json",
        exact=exact_files,
    output:
        "results/{dataset}/{search}/bracket{bracket}/rung0.proposals.json",
    log:
        "logs/{dataset}/{search}/propose/b{bracket}.log",
    params:
        exact=exact_options,
        size=planned_size,
        budget=planned_budget,
    message:
        "{wildcards.dataset} {wildcards.search}, bracket {wildcards.bracket}:"
        " propose {params.size} configurations, budget {params.budget}"
    shell:
        "python scripts/propose.py --search {input.search} --surrogate {input.surrogate}"
        " --bracket {wildcards.bracket} --size {params.size} --budget {params.budget}"
        " {params.exact} --output {output} > {log} 2>&1"


rule promote:
    """The next rung of a bracket: the best of the rung below."""
    input:
        search="results/{dataset}/{search}/search.json",
        surrogate="results/{dataset}/{search}/bracket{bracket}/surrogate.json",
        exact=exact_files,
        trials=trials_below,
    output:
        "results/{dataset}/{search}/bracket{bracket}/rung{rung}.proposals.json",
    log:
        "logs/{dataset}/{search}/promote/b{bracket}-r{rung}.log",
    wildcard_constraints:
        rung=r"[1-9]\d*",
    params:
        exact=exact_options,
        last=last_option,
        size=planned_size,
        budget=planned_budget,
    message:
        "{wildcards.dataset} {wildcards.search}, bracket {wildcards.bracket}:"
        " promote {params.size} to budget {params.budget}"
    shell:
        "python scripts/promote.py --search {input.search} --surrogate {input.surrogate}"
        " --trials {input.trials} --bracket {wildcards.bracket} --rung {wildcards.rung}"
        " --size {params.size} --budget {params.budget} {params.last} {params.exact}"
        " --output {output} > {log} 2>&1"


rule train:
    """One trial: a network of the proposed configuration, trained and validated."""
    input:
        proposals="results/{dataset}/{search}/bracket{bracket}/rung{rung}.proposals.json",
        protocol="results/{dataset}/{search}/protocol.json",
        data="data/{dataset}/dataset.json",
        states=states_below,
    output:
        **(STATE_OUTPUT if KEEP else {}),
        trial="results/{dataset}/{search}/bracket{bracket}/rung{rung}/slot{slot}.trial.json",
        curve="results/{dataset}/{search}/bracket{bracket}/rung{rung}/slot{slot}.curve.csv",
    log:
        "logs/{dataset}/{search}/train/b{bracket}-r{rung}-s{slot}.log",
    threads: training_threads
    resources:
        gpu=training_processes,
        tasks=training_processes,
    params:
        launch=launch_option,
        data=data_folder,
        states=state_options,
    message:
        "{wildcards.dataset} {wildcards.search}: train trial b{wildcards.bracket}-r{wildcards.rung}-s{wildcards.slot}"
    shell:
        "{params.launch} scripts/train.py --proposals {input.proposals} --slot {wildcards.slot}"
        " --name b{wildcards.bracket}-r{wildcards.rung}-s{wildcards.slot}"
        " --protocol {input.protocol} --data {params.data} --cpus {threads} {params.states}"
        " --curve {output.curve} --output {output.trial} > {log} 2>&1"


rule tabulate:
    """The trials of a bracket as tables: what repeats, and what it cost."""
    input:
        trials_of_bracket,
    output:
        trials="results/{dataset}/{search}/bracket{bracket}/trials.csv",
        costs="results/{dataset}/{search}/bracket{bracket}/costs.csv",
    log:
        "logs/{dataset}/{search}/tabulate/b{bracket}.log",
    message:
        "{wildcards.dataset} {wildcards.search}, bracket {wildcards.bracket}: tabulate the trials"
    shell:
        "python scripts/tabulate.py --trials {input} --output {output.trials}"
        " --costs {output.costs} > {log} 2>&1"


rule join_tables:
    """The tables of all brackets in one."""
    input:
        trials=all_trials,
        costs=all_costs,
    output:
        trials=report(
            "results/{dataset}/{search}/trials.csv",
            caption="../workflow/report/trials.rst",
            category="{dataset} {search}",
            labels={"table": "trials"},
        ),
        costs="results/{dataset}/{search}/costs.csv",
    log:
        "logs/{dataset}/{search}/join_tables.log",
    message:
        "{wildcards.dataset} {wildcards.search}: join the tables of all brackets"
    shell:
        "python scripts/join_tables.py --tables {input.trials} --output {output.trials}"
        " > {log} 2>&1;"
        " python scripts/join_tables.py --tables {input.costs} --output {output.costs}"
        " >> {log} 2>&1"


rule fit_generators:
    """What all trials of a search teach, where generators are tried more than once."""
    input:
        search="results/{dataset}/{search}/search.json",
        tables=trials_of_search,
        warm=warm_start,
    output:
        arrays="results/{dataset}/{search}/surrogate.npz",
        surrogate="results/{dataset}/{search}/surrogate.json",
    log:
        "logs/{dataset}/{search}/fit_generators.log",
    params:
        bracket=count_brackets,
    message:
        "{wildcards.dataset} {wildcards.search}: learn from all trials"
    shell:
        "python scripts/fit_surrogate.py --search {input.search} --tables {input.tables}"
        " --warm {input.warm} --bracket {params.bracket} --output {output.surrogate} > {log} 2>&1"


rule tabulate_generators:
    """The generators that were tried, and how likely each is to be on the front."""
    input:
        search="results/{dataset}/{search}/search.json",
        surrogate="results/{dataset}/{search}/surrogate.json",
        arrays="results/{dataset}/{search}/surrogate.npz",
        tables=trials_of_search,
    output:
        report(
            "results/{dataset}/{search}/generators.csv",
            caption="../workflow/report/generators_table.rst",
            category="{dataset} {search}",
            labels={"table": "generators"},
        ),
    log:
        "logs/{dataset}/{search}/tabulate_generators.log",
    message:
        "{wildcards.dataset} {wildcards.search}: tabulate the generators"
    shell:
        "python scripts/tabulate_generators.py --search {input.search}"
        " --surrogate {input.surrogate} --tables {input.tables} --output {output} > {log} 2>&1"


rule select:
    """What the search found: the best trial, the front and the generators to complete."""
    input:
        initial=initial_points,
        table="results/{dataset}/{search}/trials.csv",
        generators=generators_table,
    output:
        incumbent="results/{dataset}/{search}/incumbent.json",
        finalists="results/{dataset}/{search}/finalists.json",
        front=report(
            "results/{dataset}/{search}/front.csv",
            caption="../workflow/report/front_table.rst",
            category="{dataset} {search}",
            labels={"table": "front"},
        ),
        hypervolume="results/{dataset}/{search}/hypervolume.csv",
    log:
        "logs/{dataset}/{search}/select.log",
    params:
        objectives=setting("objectives"),
        reference=reference_point,
        finalists=finalist_count,
        along=finalist_choice,
    message:
        "{wildcards.dataset} {wildcards.search}: select the best generator and the front"
    shell:
        "python scripts/select_trials.py --tables {input.initial} {input.table}"
        " --objectives {params.objectives} --reference {params.reference:q}"
        " --finalists {params.finalists} --along {params.along}"
        " --generators {input.generators}"
        " --incumbent {output.incumbent} --chosen {output.finalists}"
        " --front {output.front} --hypervolume {output.hypervolume} > {log} 2>&1"
