# The generators without training: how random draws spread. `snakemake --cores 2 studies` makes all.


wildcard_constraints:
    generator="|".join(GENERATORS),
    images="|".join(STUDY_IMAGES),
    chunk=r"\d+",


rule studies:
    """All tables and figures of the studies."""
    input:
        all_studies,
    message:
        "all files of the studies are there"


rule draw_samples:
    """Random draws of a generator for small or large images, a row each."""
    output:
        "results/studies/draws/{generator}-{images}.csv",
    log:
        "logs/studies/draw_samples/{generator}-{images}.log",
    params:
        draws=SHARED["draws"],
        seed=COMPARISON.seed,
    message:
        "draw architectures of {wildcards.generator} for {wildcards.images} images"
    shell:
        "python scripts/draw_samples.py --generator {wildcards.generator}"
        " --images {wildcards.images} --draws {params.draws} --seed {params.seed}"
        " --output {output} > {log} 2>&1"


rule study_memory:
    """The sample memory of the draws, as in figure 7 of the paper."""
    input:
        study_draws,
    output:
        table=report(
            "results/studies/memory.csv",
            caption="../workflow/report/memory.rst",
            category="studies",
            labels={"table": "memory"},
        ),
        figure=report(
            "results/studies/memory.svg",
            caption="../workflow/report/memory.rst",
            category="studies",
            labels={"figure": "memory"},
        ),
    log:
        "logs/studies/study_memory.log",
    message:
        "compare the memory of the generators"
    shell:
        "python scripts/study_memory.py --tables {input} --table {output.table}"
        " --figure {output.figure} > {log} 2>&1"


rule study_nodes:
    """The operations of the draws and of the whole spaces, as in appendix E of the paper."""
    input:
        study_draws,
    output:
        table=report(
            "results/studies/nodes.csv",
            caption="../workflow/report/nodes.rst",
            category="studies",
            labels={"table": "operations"},
        ),
        figure=report(
            "results/studies/nodes.svg",
            caption="../workflow/report/nodes.rst",
            category="studies",
            labels={"figure": "operations"},
        ),
    log:
        "logs/studies/study_nodes.log",
    message:
        "compare the operations of the generators"
    shell:
        "python scripts/study_nodes.py --tables {input} --table {output.table}"
        " --figure {output.figure} > {log} 2>&1"


rule repeat_samples:
    """Several draws of each of some random configurations, in chunks that run side by side."""
    output:
        "results/studies/repeats/{chunk}.csv",
    log:
        "logs/studies/repeat_samples/{chunk}.log",
    params:
        configurations=chunk_configurations,
        draws=REPEATED_DRAWS,
        seed=COMPARISON.seed,
    message:
        "draw architectures again and again, part {wildcards.chunk}"
    shell:
        "python scripts/repeat_samples.py --configurations {params.configurations}"
        " --draws {params.draws} --seed {params.seed} --output {output} > {log} 2>&1"


rule study_variance:
    """The memory of several draws of one configuration, the horizontal axis of figure 2."""
    input:
        study_repeats,
    output:
        table=report(
            "results/studies/variance.csv",
            caption="../workflow/report/variance.rst",
            category="studies",
            labels={"table": "variance"},
        ),
        shares=report(
            "results/studies/variance-shares.csv",
            caption="../workflow/report/variance.rst",
            category="studies",
            labels={"table": "shares of the variance"},
        ),
        figure=report(
            "results/studies/variance.svg",
            caption="../workflow/report/variance.rst",
            category="studies",
            labels={"figure": "variance"},
        ),
    log:
        "logs/studies/study_variance.log",
    message:
        "compare the memory within configurations and between them"
    shell:
        "python scripts/study_variance.py --tables {input} --table {output.table}"
        " --shares {output.shares} --figure {output.figure} > {log} 2>&1"


rule study_neighbours:
    """What an odd K means to Watts-Strogatz graphs."""
    output:
        table=report(
            "results/studies/odd_k.csv",
            caption="../workflow/report/odd_k.rst",
            category="studies",
            labels={"table": "odd K"},
        ),
        figure=report(
            "results/studies/odd_k.svg",
            caption="../workflow/report/odd_k.rst",
            category="studies",
            labels={"figure": "odd K"},
        ),
    log:
        "logs/studies/study_neighbours.log",
    params:
        draws=GRAPHS_PER_K,
        seed=COMPARISON.seed,
    message:
        "compare graphs of odd and even K"
    shell:
        "python scripts/study_neighbours.py --draws {params.draws} --seed {params.seed}"
        " --table {output.table} --figure {output.figure} > {log} 2>&1"


rule sample_gallery:
    """The architectures of the gallery, each as `nago sample --json` prints it."""
    output:
        [f"results/studies/gallery/{name}.json" for name in GALLERY],
    log:
        "logs/studies/sample_gallery.log",
    params:
        names=list(GALLERY),
        seed=COMPARISON.seed,
    message:
        "draw the architectures of the gallery"
    shell:
        "python scripts/sample_gallery.py --names {params.names} --seed {params.seed}"
        " --outputs {output} > {log} 2>&1"


rule draw_gallery:
    """Six architectures side by side, as in figure 5 of the paper."""
    input:
        [f"results/studies/gallery/{name}.json" for name in GALLERY],
    output:
        report(
            "results/studies/gallery.svg",
            caption="../workflow/report/gallery.rst",
            category="studies",
            labels={"figure": "gallery"},
        ),
    log:
        "logs/studies/draw_gallery.log",
    params:
        captions=list(GALLERY.values()),
    message:
        "draw the gallery"
    shell:
        "python scripts/draw_gallery.py --samples {input} --captions {params.captions:q}"
        " --output {output} > {log} 2>&1"
