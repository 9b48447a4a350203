"""The whole search on a real Slurm cluster: the same table as on one machine."""

import pytest
from slurm_cluster import SlurmCluster, needs_accounting, needs_slurm
from slurm_runs import make_slurm_project


@needs_slurm
@needs_accounting
@pytest.mark.parametrize("accounting", [False, True])
def test_a_search_on_two_nodes_gives_the_bytes_of_a_local_run(
    accounting, tmp_path, tmp_path_factory
):
    with SlurmCluster(accounting=accounting) as cluster:
        project, expected = make_slurm_project(tmp_path_factory, tmp_path / "p", cluster)
        cluster.count_calls()
        project.finish()
        assert project.table() == expected
        assert project.epochs_trained_twice() == 0
        ends = project.notes("end")
        assert len(ends) == 7
        assert {note["node"] for note in ends} == {"n1", "n2"}
        assert {note["gpus"] for note in ends} == {"0", "1"}
        # Four trials of a rung went as one array, the others together or alone.
        assert len({note["job"].partition("_")[0] for note in ends}) == 3
        assert cluster.calls("sbatch") == 3
        assert not (project.folder / ".snakemake/submitit/jobs").exists()
        assert not [
            path
            for path in (project.folder / ".snakemake/submitit").rglob("*")
            if path.name not in ("run.txt", "logs")
        ]
