# make up: everything that is needed, then the Worker Telemetry API, healthy. make setup: everything that is needed to
# work on this project. make help: the rest.

.DEFAULT_GOAL := help

# Two targets that install would do so at once.
.NOTPARALLEL:

pip := .venv/bin/python -m pip --disable-pip-version-check --quiet install

# The stamps carry the folder: a project that was moved or copied is installed anew.
folder := $(shell pwd | cksum | cut -d ' ' -f 1)
venv := .venv/made-$(folder)
package := .venv/package-$(folder)
dev := .venv/dev-$(folder)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

.PHONY: up
up: tmux compile ## install what is needed and start the Worker Telemetry API
	.venv/bin/inv telemetry.activate
	.venv/bin/inv telemetry.status

.PHONY: setup
setup: tmux $(dev) compile ## everything that is needed to work on this project

# Every worker reads all tests: compiled ones, if an earlier run could keep them.
.PHONY: test
test: tmux $(dev) compile ## all tests (ARGS='-k decide' for some)
	@scripts/test-tools
	PATH="$$PWD/.venv/bin:$$PATH" PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest $(ARGS)

.PHONY: lint
lint: $(dev) ## style, by ruff
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

.PHONY: types
types: $(dev) ## types, by mypy
	@# its workers have 3 s to start: where the machine is too busy for that (exit 2) it does without them
	.venv/bin/mypy || { test $$? -eq 2 && .venv/bin/mypy --num-workers 0; }

.PHONY: imports
imports: $(dev) ## who may import whom, by import-linter
	.venv/bin/lint-imports

.PHONY: bench
bench: tmux $(dev) compile ## the contract's limits, measured
	.venv/bin/python -m bench

.PHONY: bench-environments
bench-environments: tmux $(dev) ## a status in environments that pip or uv made, beside a compiled one (RUNS=15; needs an index)
	.venv/bin/python -m bench.environments $(RUNS)

.PHONY: bench-scale
bench-scale: tmux $(dev) compile ## 100 and 500 services, idle ones, 100 workspaces: minutes, and 6 GB of memory (RUNS=5)
	.venv/bin/python -m bench.scale $(RUNS)

.PHONY: bench-logs
bench-logs: tmux $(dev) compile ## questions to 1 GB of logs, beside grep and tail; the memory of a line of 120 MB (RUNS=5)
	.venv/bin/python -m bench.logs $(RUNS)

.PHONY: bench-peers
bench-peers: $(dev) ## other programs for the bench to measure beside ours, in bench/.peers (needs npm)
	.venv/bin/python -m venv bench/.peers
	bench/.peers/bin/pip --quiet install supervisor honcho circus
	$(pip) watchfiles pathspec
	npm install --silent --no-audit --no-fund --prefix bench/.peers pm2 mprocs

.PHONY: check-exports
check-exports: tmux $(dev) compile ## what the engines' own checkers say of the exports, 40 round trips, 500 hostile commands
	$(pip) --group exports
	.venv/bin/python -m tests.export.check
	.venv/bin/python -m tests.export.round_trip $(ROUNDS) $(SEED)
	EXPORT_EXAMPLES=500 PATH="$$PWD/.venv/bin:$$PATH" .venv/bin/python -m pytest --timeout 600 tests/export/test_hostile.py

.PHONY: wheel
wheel: $(dev) ## the package as a wheel, in dist
	.venv/bin/python -m hatchling build -t wheel

.PHONY: release-check
release-check: tmux $(dev) ## the package built, checked, and installed as README says, in fresh homes
	$(pip) --group release
	.venv/bin/python scripts/release_check.py

.PHONY: release
release: release-check ## the same, then the version's tag, and what a person does next
	@.venv/bin/python scripts/release.py

.PHONY: docs
docs: $(dev) ## the site, strict, in build/site
	$(pip) --group docs
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet --strict

.PHONY: demo
demo: tmux $(dev) compile ## the picture of README, made anew from a real terminal
	.venv/bin/python -m tests.docs.demo

.PHONY: pictures
pictures: tmux $(dev) compile ## the pictures of the dashboard in docs, made anew from a real Chromium
	$(pip) --group pictures
	.venv/bin/python -m tests.docs.pictures

.PHONY: newcomer
newcomer: tmux $(dev) ## a stranger's path, timed: five kinds of project from nothing to healthy
	.venv/bin/python -m tests.docs.newcomer

.PHONY: chaos
chaos: tmux $(dev) ## random faults, judged from outside (ROUNDS=200 SEED=7)
	.venv/bin/python -m tests.chaos $(ROUNDS) $(SEED)

# Needs redis, nginx, memcached, PostgreSQL, caddy and (its folder in PM2_BIN) pm2; here it installs what pip has.
.PHONY: programs
programs: tmux $(dev) ## real programs, each killed in every way (NAMES='redis nginx' for some)
	$(pip) gunicorn setproctitle celery redis
	.venv/bin/python -m tests.programs $(NAMES)

# Written beside and then put in place: a run that fails leaves the shipped file as it is.
.PHONY: schema
schema: compile ## the JSON Schema that is shipped, made anew from the code
	.venv/bin/python -m invoke schema >.venv/invoke.schema.json
	mv .venv/invoke.schema.json sentinel_tasks/invoke.schema.json

.PHONY: reference
reference: $(dev) compile ## the pages of the reference that are made from the code, and the table of the hand-over
	.venv/bin/python scripts/reference_pages.py
	.venv/bin/python -m sentinel_tasks.export docs/how-to/hand-over.md

.PHONY: clean
clean: ## remove what was made here, .venv too
	rm -rf .venv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

.PHONY: tmux
tmux:
	@scripts/need-tmux

# This file is missing in a fresh clone, and its link is broken when its Python is gone.
.venv/bin/python:

$(venv): .venv/bin/python
	scripts/make-venv
	@touch $@

$(package): $(venv) pyproject.toml
	$(pip) --editable '.[api,watch]'
	@touch $@

# pip compiles what it installs, but not an editable install, and Invoke keeps Python from doing so later.
.PHONY: compile
compile: $(package)
	@.venv/bin/python -m compileall -q sentinel_tasks

# --group needs pip 25.1. This installs the package too: nobody needs it twice.
$(dev): $(venv) pyproject.toml
	$(pip) 'pip>=25.1'
	$(pip) --editable '.[api,watch]' --group dev
	@touch $(package) $@
