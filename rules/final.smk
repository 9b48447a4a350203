# The winners: networks of the chosen generators, trained to completion, tested once.


rule define_final_protocol:
    """How the final networks are trained, as a file that changes only when that does."""
    output:
        "results/{dataset}/{search}/final/protocol.json",
    log:
        "logs/{dataset}/{search}/define_final_protocol.log",
    params:
        values=defined_final_protocol,
    message:
        "{wildcards.dataset} {wildcards.search}: write how the final networks are trained"
    shell:
        "python scripts/write_json.py --values {params.values:q} --output {output} > {log} 2>&1"


rule train_final:
    """One network of a finalist, trained on all but the test images and tested on those."""
    input:
        finalists="results/{dataset}/{search}/finalists.json",
        protocol="results/{dataset}/{search}/final/protocol.json",
        data="data/{dataset}/dataset.json",
    output:
        result="results/{dataset}/{search}/final/{network}.json",
        weights="results/{dataset}/{search}/final/{network}.pt",
        curve="results/{dataset}/{search}/final/{network}.curve.csv",
    log:
        "logs/{dataset}/{search}/train_final/{network}.log",
    threads: training_threads
    resources:
        gpu=training_processes,
        tasks=training_processes,
    params:
        launch=launch_option,
        data=data_folder,
        finalist=finalist_place,
        epochs=setting("final_epochs"),
        seed=setting("seed"),
    message:
        "{wildcards.dataset} {wildcards.search}: train final network {wildcards.network} to completion and test it"
    shell:
        "{params.launch} scripts/train_final.py --finalists {input.finalists}"
        " --finalist {params.finalist} --network {wildcards.network} --protocol {input.protocol}"
        " --epochs {params.epochs} --seed {params.seed}"
        " --data {params.data} --cpus {threads} --curve {output.curve} --weights {output.weights}"
        " --output {output.result} > {log} 2>&1"
