# One command for each thing a developer does; `make help` lists them. CI runs `make test`.

# The first Python from 3.13 down that is new enough and can make a virtual environment; `make PYTHON=… setup` overrides.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
  $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
JOBS ?= 2
ARGS ?=
RUN := .venv/bin/
# `npm ci` without install scripts: nothing of what we use needs one, and no package gets to run code at set-up.
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
# Shopify's tools need Node 22.12; a package in node_modules supplies it where the machine's own is older.
NODE_FIRST := PATH="$(CURDIR)/node_modules/.bin:$$PATH"

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test pytest lint format bench soak mutation screenshots gallery clean postgres browser

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 16

setup: .venv/.installed node_modules/.installed ## the virtual environment and Shopify's checkers; instant the second time

demo: .venv/.installed ## a running demo with a development shop, no Shopify account needed; ARGS=--fresh starts over
	@$(RUN)regulars demo $(ARGS)

serve: .venv/.installed ## web and worker with the settings of .env; Shopify CLI uses it too (shopify.web.toml)
	@if [ -f .env ]; then while IFS='=' read -r name value || [ -n "$$name" ]; do case "$$name" in ''|\#*) ;; *) \
	  eval "[ -n \"\$${$$name+set}\" ]" || export "$$name=$$value" ;; esac; done < .env; fi; \
	exec $(RUN)regulars serve $${PORT:+--port "$$PORT"} $(ARGS)

test: setup lint postgres browser pytest ## lint, then every test on SQLite and PostgreSQL; ARGS="tests/store -k lots" narrows it

pytest: setup postgres browser ## the tests alone, without lint
	@$(NODE_FIRST) $(RUN)python -m pytest -n $(JOBS) --dist worksteal -q $(ARGS)

lint: .venv/.installed ## style, formatting and strict types (the house rules are tests: tests/house)
	@$(RUN)ruff check .
	@$(RUN)ruff format --check .
	@$(RUN)mypy

format: .venv/.installed ## writes the formatting and the fixes that are safe
	@$(RUN)ruff check --fix .
	@$(RUN)ruff format .

bench: setup bench/node_modules/.installed postgres ## speed and memory, as ratios against Shopify's Node stack
	@$(NODE_FIRST) $(RUN)python -m bench $(ARGS)

soak: setup postgres ## the long forms of the random tests, resumable; writes docs/proof.md
	@$(NODE_FIRST) $(RUN)python -m bench.soak $(ARGS)

mutation: setup ## breaks the domain in small ways, one at a time, and counts what its tests notice; docs/mutation.md
	@test -n "$(ARGS)" || rm -rf mutants
	@nice -n 19 $(RUN)mutmut run --max-children $(JOBS) $(ARGS)
	@$(RUN)python -m tests.mutation

screenshots: setup browser ## the README's pictures, from a fresh demo
	@$(RUN)python -m tests.screenshots

gallery: setup browser ## pictures of every page and panel in every state at two widths, in var/gallery; ARGS=cart narrows it
	@$(RUN)python -m tests.gallery $(ARGS)

clean: ## removes what set-up and tests made; keeps var/ (the demo's data) and .env
	rm -rf .venv node_modules bench/node_modules build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis mutants

# Finds a PostgreSQL server for the tests, installs it on Debian as root, or says what to install and stops.
postgres: .venv/.installed
	@$(RUN)python -m tests.postgres

# Finds a Chromium for the browser tests, installs it on Debian as root, or says what to install and stops.
browser: .venv/.installed
	@$(RUN)python -m tests.browser

.venv/.installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Regulars needs Python 3.11 or newer with venv. Install it (Debian: apt-get install python3 python3-venv) or name one: make PYTHON=/path/to/python3 setup"; exit 1; }
	@test -x $(RUN)python || $(PYTHON) -m venv .venv
	@$(RUN)python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

node_modules/.installed: package.json package-lock.json
	@command -v npm >/dev/null || { echo "Shopify's own checkers need Node 20 or newer with npm. Install it (Debian: apt-get install nodejs npm) and run this again."; exit 1; }
	@$(NPM_CI)
	@touch $@

bench/node_modules/.installed: bench/package.json bench/package-lock.json
	@cd bench && $(NPM_CI)
	@touch $@
