# Two commands on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
CONSTRAINTS := tests/constraints.txt
JAVASCRIPT := tests/javascript
# As pip does with a package that it copies: where Python is told to write no bytecode, each run would compile all again.
COMPILE = $(BIN)/python -m compileall -q graphdiag

.PHONY: demo test docs fuzz bench models lint screenshots clean

demo: .venv/demo
	$(BIN)/graphdiag demo

# The tests build the documentation as well.
test: .venv/test lint
	tests/tools.sh dot chromium chromedriver
	npm --prefix $(JAVASCRIPT) test
	$(BIN)/pytest -n logical --dist loadfile --no-loadscope-reorder

lint: .venv/test $(JAVASCRIPT)/node_modules/.package-lock.json
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	npm --prefix $(JAVASCRIPT) run lint

# The documentation as a site, in site/. A warning, such as a link that leads nowhere, is an error.
docs: .venv/test
	tests/tools.sh dot
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

# As many inputs as COUNT says, or for as many SECONDS; the same SEED makes the same inputs.
fuzz: .venv/test
	$(BIN)/python -m tests.fuzz $(if $(COUNT),--count $(COUNT)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

# All benchmarks, or ONLY="sizes formats"; QUICK=1 leaves out what takes minutes.
bench: .venv/test
	$(BIN)/python -m tests.bench $(ONLY) $(if $(QUICK),--quick)

# Generated models, and the zoo; `make models COUNT=1000 SEED=1` for as many as wanted.
models: .venv/test
	$(BIN)/python -m tests.models --count $(or $(COUNT),100) --seed $(or $(SEED),0)
	$(BIN)/python -m tests.models.zoo

screenshots: .venv/test
	$(BIN)/python docs/screenshots.py

clean:
	rm -rf .venv $(JAVASCRIPT)/node_modules

# npm writes this file last.
$(JAVASCRIPT)/node_modules/.package-lock.json: $(JAVASCRIPT)/package.json $(JAVASCRIPT)/package-lock.json
	tests/tools.sh node npm
	npm --prefix $(JAVASCRIPT) ci
	touch $@

# A stamp for each set of extras, so that `make demo` after `make test` installs nothing again.
.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "graphdiag needs Python 3.10 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=23.1"

.venv/demo: .venv/bin/python pyproject.toml $(CONSTRAINTS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e .
	$(COMPILE)
	touch $@

.venv/test: .venv/bin/python pyproject.toml $(CONSTRAINTS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e ".[dev]"
	$(COMPILE)
	touch $@ .venv/demo
