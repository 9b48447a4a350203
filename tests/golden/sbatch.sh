#!/bin/bash

# Parameters
#SBATCH --account=project
#SBATCH --array=0-2%3
#SBATCH --comment='two words'
#SBATCH --constraint='nvlink&ib'
#SBATCH --cpus-per-task=4
#SBATCH --error=/w/jobs/%A_%a_0_log.err
#SBATCH --exclusive
#SBATCH --gpus=a100:2
#SBATCH --job-name=train.1a2b3c4d.5e6f
#SBATCH --mem=16000MB
#SBATCH --nodes=2
#SBATCH --ntasks=4
#SBATCH --open-mode=append
#SBATCH --output=/w/jobs/%A_%a_0_log.out
#SBATCH --partition=gpu
#SBATCH --qos=high
#SBATCH --requeue
#SBATCH --reservation=spring
#SBATCH --signal=B:USR2@120
#SBATCH --time=120

# command
export SUBMITIT_EXECUTOR=slurm
exec python JOB
