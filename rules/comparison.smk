# What compares the searches of a run: tables, figures and the report's front page.
# The targets by name: snakemake … search, final, tables, figures, report.


rule search:
    """All trials of all searches, and what each chose."""
    input:
        all_search_files,
    message:
        "all searches are done"


rule final:
    """The same, and the winners' networks, trained to completion and tested."""
    input:
        all_search_files,
        all_final_files,
    message:
        "all final networks are there"


rule tables:
    """The tables that compare the searches."""
    input:
        compared_tables,
    message:
        f"the tables are in {COMPARED}/tables/"


rule figures:
    """The figures of each search, and those that compare them."""
    input:
        all_figure_files,
        compared_figures,
    message:
        f"the figures are in {COMPARED}/figures/"


rule report:
    """The front page of the report."""
    input:
        f"{COMPARED}/report/index.html",
    message:
        f"the report is {COMPARED}/report/index.html"


rule compare_surrogates:
    """How well each kind of model predicts the trials, as in table 1 of the paper."""
    input:
        compared_files,
    output:
        report(
            f"{COMPARED}/tables/table1-surrogates.csv",
            caption="../workflow/report/table_surrogates.rst",
            category="comparison",
            labels={"table": "1: surrogates"},
        ),
    log:
        f"logs/{COMPARISON.name}/compare_surrogates.log",
    params:
        runs=COMPARED_FOLDERS,
    message:
        "rate the surrogates on the trials"
    shell:
        "python scripts/compare_surrogates.py --runs {params.runs} --output {output}"
        " > {log} 2>&1"


rule compare:
    """The other tables of the comparison."""
    input:
        files=compared_files,
        surrogates=f"{COMPARED}/tables/table1-surrogates.csv",
    output:
        **{
            name.replace("-", "_"): report(
                f"{COMPARED}/tables/{name}.csv",
                caption=f"../workflow/report/table_{caption}.rst",
                category="comparison",
                labels={"table": label},
            )
            for name, caption, label in COMPARED_TABLES
        },
    log:
        f"logs/{COMPARISON.name}/compare.log",
    params:
        runs=COMPARED_FOLDERS,
        folder=subpath(output.claims, parent=True),
    message:
        "compare the searches"
    shell:
        "python scripts/compare.py --runs {params.runs} --surrogates {input.surrogates}"
        " --output {params.folder} > {log} 2>&1"


rule draw_comparison:
    """The figures that compare the searches, for the page and for print."""
    input:
        compared_files,
    output:
        *[
            report(
                f"{COMPARED}/figures/{name}.svg",
                caption=f"../workflow/report/compared_{name}.rst",
                category="comparison",
                labels={"figure": name},
            )
            for name in COMPARED_FIGURES
        ],
        [
            f"{COMPARED}/figures/{name}.pdf"
            for name in COMPARED_FIGURES
            if name != "winners"
        ],
        *[
            report(
                f"{COMPARED}/figures/{name}.csv",
                caption=f"../workflow/report/compared_{name}_table.rst",
                category="comparison",
                labels={"table": f"numbers of the figure {name}"},
            )
            for name in ("front", "improvement")
        ],
    log:
        f"logs/{COMPARISON.name}/draw_comparison.log",
    params:
        runs=COMPARED_FOLDERS,
        folder=subpath(output[0], parent=True),
    message:
        "draw the figures that compare the searches"
    shell:
        "python scripts/draw_comparison.py --runs {params.runs} --output {params.folder}"
        " > {log} 2>&1"


rule draw_spread:
    """How results differ between configurations and within them, as in figure 2 of the paper."""
    input:
        compared_files,
    output:
        table=report(
            f"{COMPARED}/tables/spread.csv",
            caption="../workflow/report/spread_table.rst",
            category="comparison",
            labels={"table": "spread of each configuration"},
        ),
        shares=report(
            f"{COMPARED}/tables/spread-shares.csv",
            caption="../workflow/report/spread_shares.rst",
            category="comparison",
            labels={"table": "shares of the spread"},
        ),
        figure=report(
            f"{COMPARED}/figures/spread.svg",
            caption="../workflow/report/spread.rst",
            category="comparison",
            labels={"figure": "spread"},
        ),
        pdf=f"{COMPARED}/figures/spread.pdf",
    log:
        f"logs/{COMPARISON.name}/draw_spread.log",
    params:
        runs=COMPARED_FOLDERS,
    message:
        "compare networks of one configuration with those of others"
    shell:
        "python scripts/draw_spread.py --runs {params.runs} --table {output.table}"
        " --shares {output.shares} --figure {output.figure} --pdf {output.pdf} > {log} 2>&1"


rule write_report:
    """The front page: the winners, the comparison, what it cost and how to use what was found."""
    input:
        files=compared_files,
        drawings=all_figure_files,
        tables=compared_tables,
        figures=compared_figures,
    output:
        f"{COMPARED}/report/index.html",
    log:
        f"logs/{COMPARISON.name}/write_report.log",
    params:
        runs=COMPARED_FOLDERS,
        tables=f"{COMPARED}/tables",
        figures=f"{COMPARED}/figures",
    message:
        "write the report"
    shell:
        "python scripts/write_report.py --runs {params.runs} --tables {params.tables}"
        " --figures {params.figures} --output {output} > {log} 2>&1"
