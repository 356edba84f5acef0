# Everything a person does with this repository. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run down setup setup-dev packages test check format bench chaos-nightly chaos-release generate permissions lock clean

VENV := .venv
ASYNCAPI := tests/asyncapi/node_modules
PYTHON := $(VENV)/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
TESTS ?= tests/unit tests/contract tests/integration tests/authz tests/e2e tests/chaos
WORKERS ?= 2

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

run: setup ## set up, start the network, run the demo, keep running until Ctrl-C
	@exec $(VENV)/bin/tukiverkko up --demo

down: ## stop the network of this folder
	@if [ -x $(VENV)/bin/tukiverkko ]; then $(VENV)/bin/tukiverkko down; fi

setup: $(VENV)/.stamp ## make .venv from requirements.lock, checked by hash

setup-dev: $(VENV)/.stamp-dev $(ASYNCAPI)/.package-lock.json ## the same with the tools for tests and checks

$(VENV)/bin/python:
	@bash deploy/local/make_venv.sh $(VENV)

$(VENV)/.stamp: $(VENV)/bin/python requirements.lock pyproject.toml
	@bash deploy/local/install.sh $(PYTHON) requirements.lock
	@touch $@

# the larger lock holds the smaller one, so that both stamps are made by one installation
$(VENV)/.stamp-dev: $(VENV)/bin/python requirements-dev.lock pyproject.toml
	@bash deploy/local/install.sh $(PYTHON) requirements-dev.lock
	@touch $(VENV)/.stamp $@

# The official schema of AsyncAPI for one contract test. npm writes the target itself; without npm the rest is set up.
$(ASYNCAPI)/.package-lock.json: tests/asyncapi/package.json tests/asyncapi/package-lock.json
	@if command -v npm >/dev/null; then \
	  cd tests/asyncapi && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null; \
	else echo "npm is missing, so tests/contract/test_asyncapi.py will fail. Install it (Debian: apt install npm)."; fi

packages: setup ## install PostgreSQL and RabbitMQ when root and missing (no system service is started)
	@$(PYTHON) -m deploy.local.packages

test: setup-dev packages ## every test, on private instances that it starts and ends itself
	@$(PYTHON) -m pytest -n $(WORKERS) $(wildcard $(TESTS))

check: setup-dev ## format, lint, types, imports, migrations, unit and contract tests, generated files
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(PYTHON) -m deploy.check_migrations
	@$(PYTHON) -m deploy.generate --check
	@$(PYTHON) -m pytest -q tests/unit tests/contract

format: setup-dev ## format the code and sort imports
	@$(VENV)/bin/ruff check --fix-only --quiet .
	@$(VENV)/bin/ruff format .

bench: setup-dev packages ## measure on private instances, print one table
	@$(PYTHON) -m tests.bench

chaos-nightly: setup-dev packages ## thirty minutes of faults on a private network, figures in build/chaos/SEED
	@$(PYTHON) -m tests.chaos.run --minutes 30 --faults 150 --transitions 100000

chaos-release: setup-dev packages ## the same for two hours
	@$(PYTHON) -m tests.chaos.run --minutes 120 --faults 600 --transitions 400000

generate: setup-dev ## make the generated files anew
	@$(PYTHON) -m deploy.generate

permissions: setup-dev packages ## write anew who may do what in databases and broker (read the difference)
	@TUKIVERKKO_WRITE_PERMISSIONS=1 $(PYTHON) -m pytest -q tests/integration/test_permissions.py

lock: setup-dev ## resolve the locks anew from pyproject.toml
	@$(VENV)/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml -o requirements.lock
	@$(VENV)/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra dev pyproject.toml -o requirements-dev.lock

clean: down ## remove .venv, caches and built files; the network's own folder .local stays
	@rm -rf $(VENV) $(ASYNCAPI) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
