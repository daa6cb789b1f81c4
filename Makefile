# Everything a developer runs. It brings its own uv; needed are Python 3.11 or newer, make and git.
# `make test PYTHON=3.13` uses another Python, in an environment of its own beside .venv.

UV_VERSION := 0.13.9
PYTHON ?=
# Two sets of servers side by side: much of the suite waits for leases, sessions and starts.
WORKERS ?= 2

FOUND_PYTHON := $(shell scripts/find-python $(PYTHON))
VENV := $(if $(PYTHON),.venv-$(PYTHON),.venv)
BIN := $(VENV)/bin
UV_STAMP := .tools/uv-$(UV_VERSION)
SYNC_STAMP := $(VENV)/.synced
# Programs from Debian come beside those of Python, and only tests are led there.
PYTEST := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest
BENCHMARKS = $(shell grep -l '__main__' bench/*.py | xargs -n1 basename | sed 's/\.py$$//' | grep -vx soak)
PROJECTS := pyproject.toml $(wildcard libs/*/pyproject.toml services/*/pyproject.toml)

export UV_PYTHON := $(FOUND_PYTHON)
export UV_PROJECT_ENVIRONMENT := $(VENV)
export UV_PYTHON_DOWNLOADS := never
# Every document is worked on in a child process: it must not compile its imports first.
export UV_COMPILE_BYTECODE := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## Show this list.
	@echo "Docyard: make TARGET [PYTHON=3.13]"
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(UV_STAMP):
	@test -n "$(FOUND_PYTHON)" || exit 1
	$(FOUND_PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

$(SYNC_STAMP): $(UV_STAMP) uv.lock $(PROJECTS)
	.tools/bin/uv sync --locked
	@touch $@

.PHONY: setup
setup: $(SYNC_STAMP) ## Install uv and everything the project needs, from the lock file.

.PHONY: programs
programs: setup ## Bring what tests use where it is installed: tesseract, Redis.
	@$(BIN)/python scripts/debian.py

.PHONY: fmt
fmt: setup ## Format the code and apply safe fixes. Changes files.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: snapshots
snapshots: setup ## Write the OpenAPI and AsyncAPI documents anew. Changes files.
	$(BIN)/python scripts/snapshots.py --write

.PHONY: check
check: setup ## Formatting, lint, types, import contracts, API documents, compose, Dockerfile. Changes nothing.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/snapshots.py
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/hadolint Dockerfile

.PHONY: test
test: check programs ## check, then every test, WORKERS files at a time: what CI runs.
	$(PYTEST) -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: unit
unit: programs ## Tests without servers: seconds.
	$(PYTEST) tests/unit

.PHONY: integration
integration: programs ## Tests of adapters and services against real servers.
	$(PYTEST) tests/contract tests/integration

.PHONY: e2e
e2e: programs ## The whole stack, used as a person uses it.
	$(PYTEST) tests/e2e

.PHONY: fault
fault: programs ## Kills real processes and shows that nothing is lost.
	$(PYTEST) tests/fault

.PHONY: fault-folders
fault-folders: programs ## Folder jobs of 2,000 files under ten kills, pauses and outages.
	DOCYARD_SYNC_FILES=2000 $(PYTEST) tests/fault/test_folder_jobs.py

.PHONY: fault-burst
fault-burst: programs ## 4,384 documents at once, a worker killed every 20 seconds: ten minutes.
	DOCYARD_FAULT_BURST=4384 $(PYTEST) -s tests/fault/test_dying_workers.py

.PHONY: fault-children
fault-children: programs ## Files of six archives become documents while services are killed.
	DOCYARD_FAULT_CONTAINERS=6 $(PYTEST) tests/fault/test_children.py

.PHONY: fault-uploads
fault-uploads: programs ## Kill ingest, the store and the client under uploads of a gibibyte, ten times: ten minutes.
	DOCYARD_FAULT_UPLOAD_MIB=1024 DOCYARD_FAULT_UPLOAD_KILLS=6 DOCYARD_FAULT_UPLOAD_ROUNDS=10 \
		$(PYTEST) tests/fault/test_chunked_uploads.py

.PHONY: corpus
corpus: programs ## Every document of the corpus outside the repository (DOCYARD_CORPUS).
	DOCYARD_CORPUS_ALL=1 $(PYTEST) -m corpus -rs

.PHONY: fuzz
fuzz: programs ## Two thousand damaged documents (DOCYARD_FUZZ_CASES): each must end, with a name.
	DOCYARD_FUZZ_CASES=$${DOCYARD_FUZZ_CASES:-2000} $(PYTEST) tests/fuzz -s

.PHONY: fuzz-stack
fuzz-stack: programs ## Five hundred damaged documents (DOCYARD_FUZZ_STACK_CASES) through a whole stack.
	DOCYARD_FUZZ_STACK_CASES=$${DOCYARD_FUZZ_STACK_CASES:-500} \
		$(PYTEST) -s tests/e2e/test_damaged_documents.py

.PHONY: bench
bench: setup ## Measure; docs/benchmarks.md says what and how.
	@for name in $(BENCHMARKS); do \
		case $$name in lifecycle) options="--bulky 50";; celery_redis) options=--mixed;; *) options=;; esac; \
		echo "== $$name $$options"; $(BIN)/python -m bench.$$name $$options || exit 1; \
	done

.PHONY: soak
soak: setup ## An hour at full speed (DOCYARD_SOAK_MINUTES): does memory grow, is anything lost?
	$(BIN)/python -m bench.soak --minutes $${DOCYARD_SOAK_MINUTES:-60}

.PHONY: demo
demo: setup ## Show the whole: upload, progress, search, a dead letter replayed.
	$(BIN)/docyard demo

.PHONY: up
up: setup ## Start the servers and services, and leave them running.
	$(BIN)/docyard up --detach

.PHONY: down
down: setup ## Stop what `make up` started; the data stays.
	$(BIN)/docyard down

.PHONY: clean
clean: ## Remove environments, tools and caches of this checkout.
	rm -rf .venv .venv-* .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
