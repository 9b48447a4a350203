"""A Snakemake executor that submits jobs through submitit, to Slurm or to this machine.

Snakemake finds the package by its name: `executor: submitit`. It is imported at every start of
Snakemake, in jobs as well, so it imports submitit only when it submits.
"""

from snakemake_interface_executor_plugins.settings import CommonSettings

from snakemake_executor_plugin_submitit.executor import Executor
from snakemake_executor_plugin_submitit.settings import ExecutorSettings

__all__ = ["Executor", "ExecutorSettings", "common_settings"]

common_settings = CommonSettings(
    non_local_exec=True,
    implies_no_shared_fs=False,
    job_deploy_sources=False,
    pass_envvar_declarations_to_cmd=True,
    auto_deploy_default_storage_provider=False,
)
