# From images to arrays. The parts are files of their own: a search reads none of the test's. Later
# steps name dataset.json only, which is written last and stands for the arrays: four inputs less
# for each training keep the graph of a large search quick.


rule prepare:
    """The arrays of a data set, its parts and channel statistics; once."""
    output:
        info="data/{dataset}/dataset.json",
        images=[f"data/{{dataset}}/{part}.images.npy" for part in PARTS],
        labels=[f"data/{{dataset}}/{part}.labels.npy" for part in PARTS],
    log:
        "logs/{dataset}/prepare.log",
    params:
        folder=data_folder,
        source=SETTINGS.values["source"],
        root=data_root_option,
        image_size=SETTINGS.values["image_size"],
        image_channels=SETTINGS.values["image_channels"],
        validation_fraction=SETTINGS.values["validation_fraction"],
        test_fraction=SETTINGS.values["test_fraction"],
        seed=SETTINGS.values["seed"],
    message:
        "prepare the data set {wildcards.dataset}"
    shell:
        "python scripts/prepare.py --source {params.source} {params.root}"
        " --name {wildcards.dataset}"
        " --image-size {params.image_size} --image-channels {params.image_channels}"
        " --validation-fraction {params.validation_fraction}"
        " --test-fraction {params.test_fraction} --seed {params.seed}"
        " --output {params.folder} > {log} 2>&1"
