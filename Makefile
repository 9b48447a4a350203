# make demo: the main job on built-in images; make test: all tests; make help: the rest.
PYTHON ?= python3
VENV := .venv
PEERS := .venv-peers
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= auto
C := $(wildcard nago/networks/fused/c/*.[ch])

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench bench-search bench-beyond chaos driver docs site replication clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY)  ## make .venv and install everything into it, once

$(READY): pyproject.toml constraints.txt hatch_build.py $(C)
	@$(PYTHON) -c 'import sys; sys.exit("error: Python 3.11 or newer is needed, this is " \
		+ sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --quiet --constraint constraints.txt \
		--editable '.[test,dev]'
	@touch $@

demo: $(READY)  ## search a network generator for the built-in digits, train and test the winner
	$(BIN)/snakemake --profile profiles/local --config dataset=digits

test: $(READY)  ## run all tests
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadgroup

lint: $(READY)  ## check style, types, layers and rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $(C)
	$(BIN)/snakefmt --check workflow rules
	$(BIN)/python .ci/lint_workflow.py
	$(BIN)/python -m pytest --quiet tests/test_layers.py

format: $(READY)  ## format all code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(C)
	$(BIN)/snakefmt workflow rules

bench: $(READY)  ## measure planning, start-up, drawing, input and training, after a demo
	$(BIN)/python docs/benchmarks/end_to_end.py
	$(BIN)/python docs/benchmarks/memory.py
	$(BIN)/python docs/benchmarks/input.py > docs/benchmarks/input.md
	$(BIN)/python docs/benchmarks/training.py > docs/benchmarks/training.md

bench-search: $(READY)  ## compare the search with its peers, which it installs (hours)
	$(BIN)/pip install --disable-pip-version-check --quiet --constraint constraints.txt \
	--editable '.[bench]'
	for seed in 0 1 2; do for method in random mobo; do \
	$(BIN)/python docs/benchmarks/digits_trials.py $$method $$seed || exit 1; done; done
	$(BIN)/python docs/benchmarks/search.py \
	--measure quality surrogates noise calibration speed

bench-beyond: $(READY)  ## compare searches at several budgets with their peers, which it installs (hours)
	$(BIN)/pip install --disable-pip-version-check --quiet --constraint constraints.txt \
	--editable '.[bench]'
	for name in digits mnist; do \
	$(BIN)/python docs/benchmarks/trainings_table.py $$name || exit 1; done
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --disable-pip-version-check --quiet syne-tune==0.16.0 \
		neural-pipeline-search==0.17.0 ConfigSpace==1.2.2 moocore==0.3.2
	PYTHONPATH=$(CURDIR) $(PEERS)/bin/python docs/benchmarks/beyond_runs.py peers
	$(BIN)/python docs/benchmarks/beyond_runs.py own
	$(BIN)/python docs/benchmarks/beyond_warm.py
	$(BIN)/python docs/benchmarks/beyond_lag.py
	$(BIN)/python docs/benchmarks/beyond_continuation.py
	$(BIN)/python docs/benchmarks/beyond.py

chaos: $(READY)  ## kill jobs of searches on a test cluster at random (needs Slurm's packages)
	$(BIN)/python docs/benchmarks/chaos.py

driver: $(READY)  ## measure a driver that waits for 500 jobs (needs Slurm's packages)
	$(BIN)/python docs/benchmarks/driver.py

site: $(READY)  ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

replication: $(READY)  ## compare all searches on the digits as the paper does (hours; goes on where it was)
	$(BIN)/python docs/replication/replication.py

docs: $(READY)  ## write config/README.md from the schema
	$(BIN)/python docs/write_config_readme.py config/README.md

clean:  ## remove the environment, caches and all data, results and logs
	rm -rf $(VENV) $(PEERS) nago/networks/fused/*.so .snakemake .pytest_cache .mypy_cache .ruff_cache data results logs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
