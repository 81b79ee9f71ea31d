# The doors: each installs what it needs from the locks in requirements/ and then does one thing.

# The newest supported Python that works here. Tried by running: a version manager's shim can be there and fail.
PYTHON ?= $(shell for each in python3.13 python3.12 python3.11 python3; do \
	$$each -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& echo $$each && break; done)
# Test processes: one more than the smallest machine that the tests are timed on has cores, as some wait for servers.
TEST_PROCESSES ?= 3

BIN := .venv/bin
# Tests start many processes; without compiled modules each would spend seconds on compiling them again.
export PYTHONDONTWRITEBYTECODE :=
# Every package is checked against its hash. None is built here, so none runs code while it is installed.
# --no-compile: most of what is installed is never imported, and Python compiles the rest when it is.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
LOCKED := $(INSTALL) --require-hashes --no-deps --only-binary :all: --requirement
# The project itself: in place, with the build tool that the lock named.
ITSELF := $(INSTALL) --no-index --no-deps --no-build-isolation --editable .
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --custom-compile-command 'make lock' $(UPGRADE)
COMPILE = $(LOCK) pyproject.toml --group build

.DEFAULT_GOAL := help
.PHONY: help demo stack test bench drill lint dashboards lock clean

help: ## what can be done here
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' Makefile | expand -t 12

demo: $(BIN)/.demo ## a broker, a simulator and a worker, with nothing but Python; Ctrl-C ends it
	@$(BIN)/monitor demo

stack: $(BIN)/.demo ## Kafka, PostgreSQL, Prometheus, Alertmanager and workers as one, without a container; ARGS=--help
	@deploy/ci/install-parts kafka postgresql prometheus alertmanager
	@$(BIN)/python -m deploy.stack $(ARGS)

test: lint parts ## style, types and every test but the drills
	@$(BIN)/python -m pytest -n $(TEST_PROCESSES) -m 'not drill'

bench: $(BIN)/.bench parts ## measure the worker beside other ways of reading Kafka
	@$(BIN)/python -m tests.bench

drill: parts ## the long proofs: kill, cut off, restart, and count again
	@$(BIN)/python -m pytest -n 0 -s -m drill

lint: $(BIN)/.dev ## style and types only
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy --no-error-summary

dashboards: $(BIN)/.dashboards ## write deploy/grafana/dashboards/ anew from the code in deploy/grafana/builder
	@$(BIN)/python -m deploy.grafana.builder

lock: $(BIN)/.dev ## write requirements/ anew from pyproject.toml; UPGRADE=--upgrade takes newer versions
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(INSTALL) 'uv>=0.8'
	@# One version of everything: what benchmarks need bounds what the tests and the demo get.
	@$(COMPILE) --extra bench --output-file requirements/bench.txt
	@$(COMPILE) --extra test --constraint requirements/bench.txt --output-file requirements/dev.txt
	@$(COMPILE) --extra embedded --constraint requirements/bench.txt --output-file requirements/demo.txt
	@$(COMPILE) --extra dashboards --constraint requirements/bench.txt --output-file requirements/dashboards.txt
	@# What a worker runs on, for its image: it makes reports too. Apart from it what builds the project there.
	@$(LOCK) pyproject.toml --extra reports --constraint requirements/bench.txt \
		--output-file requirements/worker.txt
	@$(LOCK) --group build --constraint requirements/bench.txt --output-file requirements/build.txt

clean: ## remove what these doors have made, but no data
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# In CI the programs that are no Python packages are installed too; elsewhere tests without theirs are skipped.
.PHONY: parts
parts: $(BIN)/.dev
ifeq ($(CI),true)
	@deploy/ci/install-parts
endif

# The last thing that venv makes: an interrupted one is begun again.
$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo 'make: no Python 3.11, 3.12 or 3.13 with venv was found' \
		'(Debian: apt-get install python3-venv); name one with make PYTHON=/path/to/python3' >&2; exit 2; }
	@$(PYTHON) -m venv .venv

$(BIN)/.demo: requirements/demo.txt pyproject.toml | $(BIN)/pip
	@echo 'installing into .venv ...'
	@$(LOCKED) requirements/demo.txt
	@$(ITSELF)
	@touch $@

$(BIN)/.dashboards: requirements/dashboards.txt pyproject.toml | $(BIN)/pip
	@echo 'installing into .venv ...'
	@$(LOCKED) requirements/dashboards.txt
	@touch $@

$(BIN)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/pip
	@echo 'installing into .venv ...'
	@$(LOCKED) requirements/dev.txt
	@$(ITSELF)
	@touch $@ $(BIN)/.demo $(BIN)/.dashboards

$(BIN)/.bench: requirements/bench.txt pyproject.toml | $(BIN)/pip
	@echo 'installing into .venv ...'
	@$(LOCKED) requirements/bench.txt
	@$(ITSELF)
	@touch $@ $(BIN)/.demo $(BIN)/.dashboards $(BIN)/.dev
