# Two commands on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
CONSTRAINTS := tests/constraints.txt

.PHONY: demo test bench lint screenshots clean

demo: .venv/demo
	$(BIN)/graphdiag compare fixtures/models/reference_scoped.py

test: .venv/test lint
	$(BIN)/pytest

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: .venv/test
	$(BIN)/python -m tests.bench

screenshots: .venv/test
	$(BIN)/python docs/screenshots.py

clean:
	rm -rf .venv

# A stamp for each set of extras, so that `make demo` after `make test` installs nothing again.
.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "graphdiag needs Python 3.10 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=23.1"

.venv/demo: .venv/bin/python pyproject.toml $(CONSTRAINTS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e ".[keras2]"
	touch $@

.venv/test: .venv/bin/python pyproject.toml $(CONSTRAINTS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e ".[dev]"
	touch $@ .venv/demo
