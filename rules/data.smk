# From images to a prepared data set. The parts are files of their own: a search reads none of the
# test's. Later steps name dataset.json only, which is written last and stands for the others:
# four inputs less for each training keep the graph of a large search quick.


rule prepare:
    """A data set, verified, in parts and with its channel statistics; once."""
    output:
        # The images are arrays or, of a large data set, names of files: which of the two isn't
        # known before, so neither is declared.
        info="data/{dataset}/dataset.json",
        labels=[f"data/{{dataset}}/{part}.labels.npy" for part in PARTS],
    log:
        "logs/{dataset}/prepare.log",
    threads: 4
    resources:
        # No param: data are the same whether found or fetched, and leaving the setting away later
        # must run nothing again.
        download=download_option,
    params:
        folder=data_folder,
        root=data_root_option,
        images=image_options,
        parts=part_options,
    message:
        "prepare the data set {wildcards.dataset}"
    shell:
        "python scripts/prepare.py {params.root} --name {wildcards.dataset}"
        " {params.images} {params.parts} --download {resources.download}"
        " --workers {threads} --output {params.folder} > {log} 2>&1"
