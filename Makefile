# The commands a person types. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help setup demo up test test-fast endurance check check-types check-others format types lock wheels clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
DATA ?= $(CURDIR)/data
FAST := $(addprefix tests/,contract dashboard db neq scripts server trainer)
STAMP := $(VENV)/.installed
NODE_STAMP := node_modules/.installed
UV := $(BIN)/uv
BIOME := $(BIN)/node node_modules/@biomejs/biome/bin/biome
TSC := $(BIN)/node node_modules/typescript/bin/tsc

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) $(NODE_STAMP) ## build .venv, and node_modules for the checks of the browser's code, from the lock files

$(STAMP): requirements/dev.lock requirements/uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed; name one with make setup PYTHON=python3.12")'
	@echo "Setting up .venv (about 5 GB with torch's GPU libraries; a few minutes on a first run) ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.lock
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.lock requirements/uv.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $(STAMP)

$(NODE_STAMP): package.json package-lock.json .npmrc | $(STAMP)
	$(BIN)/npm ci --silent
	@touch $(NODE_STAMP)

demo: $(STAMP) ## start everything and launch two real runs (NEq with SGD and with Adam)
	@exec $(BIN)/neq demo --port $(PORT) --data "$(DATA)"

up: $(STAMP) ## start everything: dashboard, API, one worker
	@exec $(BIN)/neq up --port $(PORT) --data "$(DATA)"

# Tests start some hundred Python processes, and compiling torch's modules anew takes each of them three seconds.
test test-fast endurance: export PYTHONDONTWRITEBYTECODE :=

test: setup ## the tests, a browser and a PostgreSQL included
	$(BIN)/python tests/setup_browser.py
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

test-fast: setup ## the quick tests: a minute, without browser, PostgreSQL and other processes
	$(BIN)/python -m pytest --numprocesses 2 -m "not (browser or postgres or process or slow or endurance)" --ignore tests/neq/integrations $(FAST) $(ARGS)

endurance: $(STAMP) ## the longest tests: runs killed ten times over, put to sleep, forked; several processes
	$(BIN)/python -m pytest --numprocesses 2 -m endurance $(ARGS)

check: setup ## format, lint, types, import contracts
	@$(MAKE) --no-print-directory --jobs 2 --output-sync check-types check-others

# Side by side, for they take about as long.
check-types:
	$(BIN)/mypy

check-others:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIOME) check --error-on-warnings
	$(TSC)

format: setup ## put the code in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIOME) check --write

types: setup ## write the API's types for the browser's code anew
	$(BIN)/python -m tests.scripts.api_types

wheels: $(STAMP) ## build both distributions, neq and neq-dashboard, into dist/
	$(UV) build --quiet --wheel --out-dir dist neq
	$(UV) build --quiet --wheel --out-dir dist .

lock: ## write the lock files anew (needs uv)
	sh requirements/lock.sh

clean: ## remove .venv, node_modules and caches; data stay
	rm -rf $(VENV) node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
