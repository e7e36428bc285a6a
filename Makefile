# Two commands do everything on a machine with Python (3.11 or newer), pip and make: `make demo` and `make test`;
# `make quick` is what to run between two changes.
PYTHON ?= python3
# A pinned torch: an unpinned one brings gigabytes of CUDA libraries. Any torch from 2.6 works: make demo TORCH=torch
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo quick test long coverage docs slow floor lint benchmarks clean

demo: $(VENV)/ready
	$(BIN)/mobench run
	$(BIN)/mobench report results/default

# Lint, and the rooms whose tests are quick: under two minutes on two cores.
QUICK := core files plugins harness scoring campaigns analysis problems/toys/test_toys.py searchers/_population \
	house/test_imports.py house/test_rooms.py house/test_front_door.py

quick: $(VENV)/ready-dev lint
	$(BIN)/python -m pytest -n logical $(QUICK:%=tests/%)

test: $(VENV)/ready-dev lint
	$(BIN)/python -m pytest -n logical --dist loadfile

# Tests of whole commands, of kills and of long searches; CI runs them after `make test`.
long: $(VENV)/ready-dev
	$(BIN)/python -m pytest -n logical --dist worksteal -m "long and not slow"

coverage: $(VENV)/ready-dev
	$(BIN)/python -m pytest -n logical --dist loadfile -m "not slow" --cov=. --cov-report=term

docs: $(VENV)/ready-dev
	$(BIN)/python -m mkdocs build --strict

slow: $(VENV)/ready-dev
	$(BIN)/python -m pytest -m slow

# The lowest versions that pyproject.toml allows, in an environment of their own; old libraries may warn of their future.
FLOOR := core files plugins harness scoring campaigns/test_campaign.py figures report \
	analysis/test_collect.py analysis/test_export.py analysis/test_targets.py \
	problems/tables/test_table.py problems/toys/test_toys.py \
	searchers/_relaxed/test_min_norm.py searchers/_relaxed/test_linear.py

floor:
	test -x .floor/bin/python || $(PYTHON) -m venv .floor
	.floor/bin/python -m pip install --quiet --disable-pip-version-check "$(TORCH)" $$(.floor/bin/python scripts/floor.py)
	.floor/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	.floor/bin/python -m pytest -p no:cacheprovider -W ignore::DeprecationWarning $(FLOOR:%=tests/%)

lint: $(VENV)/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/vulture

benchmarks: $(VENV)/ready-dev
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

$(VENV)/ready: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/ready-dev: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) .floor build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
