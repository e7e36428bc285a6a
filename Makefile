# Two commands do everything on a machine with Python (3.11 or newer), pip and make: `make demo` and `make test`.
PYTHON ?= python3
# A pinned torch: an unpinned one brings gigabytes of CUDA libraries. Any torch from 2.6 works: make demo TORCH=torch
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test slow lint benchmarks clean

demo: $(VENV)/ready
	$(BIN)/mobench run
	$(BIN)/mobench report results/default

test: $(VENV)/ready-dev lint
	$(BIN)/python -m pytest --cov=. --cov-report=term

slow: $(VENV)/ready-dev
	$(BIN)/python -m pytest -m slow

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
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
