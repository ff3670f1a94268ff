# Armillary's tasks. Each does all its own set-up on a fresh machine with Python 3.11 or newer.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  \1\t\2/' | expand -t 14

$(INSTALLED): requirements/development.txt pyproject.toml
	@$(PYTHON) --version >/dev/null 2>&1 || { echo "$(PYTHON) is not installed; on Debian: apt-get install python3.11 python3.11-venv, or run make with PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/development.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: install
install: $(INSTALLED) ## Make the virtual environment with everything in it

.PHONY: demo
demo: $(INSTALLED) ## A night at a simulated observatory: requests in, images out (SPEED=60 PORT=8000)
	$(BIN)/armillary demo --speed $(or $(SPEED),60) --port $(or $(PORT),8000)

.PHONY: test
test: $(INSTALLED) ## All tests on SQLite, those of the database again on PostgreSQL, with a real browser and S3 server
	PATH="$(CURDIR)/$(BIN):$$PATH" tests/run

.PHONY: check
check: $(INSTALLED) ## The fast gates: style, types, layers, migrations, OpenAPI
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	ARMILLARY_MODE=test $(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	ARMILLARY_MODE=test DJANGO_SETTINGS_MODULE=armillary.server.settings $(BIN)/django-admin makemigrations --check --dry-run
	$(BIN)/python tests/services/addresses.py

.PHONY: format
format: $(INSTALLED) ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: docs
docs: $(INSTALLED) ## Build the documentation into site/
	$(BIN)/python docs/generate.py
	$(BIN)/mkdocs build --strict

.PHONY: lock
lock: $(INSTALLED) ## Resolve all dependencies anew into requirements/ (hash-pinned)
	requirements/lock

.PHONY: clean
clean: ## Remove what the other tasks made (not the demo's data)
	rm -rf $(VENV) build dist site htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
