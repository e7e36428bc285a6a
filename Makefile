# Two commands do everything on a machine with Python (3.11 or newer), pip and make: `make demo` and `make test`.
PYTHON ?= python3
# A pinned torch: an unpinned one brings gigabytes of CUDA libraries. Any torch from 2.6 works: make demo TORCH=torch
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test coverage docs slow floor lint benchmarks clean

demo: $(VENV)/ready
	$(BIN)/mobench run
	$(BIN)/mobench report results/default

test: $(VENV)/ready-dev lint
	$(BIN)/python -m pytest -n logical --dist loadfile

coverage: $(VENV)/ready-dev
	$(BIN)/python -m pytest -n logical --dist loadfile --cov=. --cov-report=term

docs: $(VENV)/ready-dev
	$(BIN)/python -m mkdocs build --strict

slow: $(VENV)/ready-dev
	$(BIN)/python -m pytest -m slow

# The lowest versions that pyproject.toml allows, in an environment of their own; old libraries may warn of their future.
FLOOR := budget campaign compare contract data doors execute export fronts plots plugins problem report result store targets

floor:
	test -x .floor/bin/python || $(PYTHON) -m venv .floor
	.floor/bin/python -m pip install --quiet --disable-pip-version-check "$(TORCH)" $$(.floor/bin/python scripts/floor.py)
	.floor/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	.floor/bin/python -m pytest -p no:cacheprovider -W ignore::DeprecationWarning \
		$(FLOOR:%=tests/test_%.py) tests/problems/tables/test_table.py tests/problems/toys/test_toys.py \
		tests/searchers/_relaxed/test_min_norm.py tests/searchers/_relaxed/test_linear.py

lint: $(VENV)/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

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
	rm -rf $(VENV) .floor build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache
