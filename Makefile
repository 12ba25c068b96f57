# Set-up is a part of each command; `make setup` does it alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
LOCKED := --no-deps --require-hashes -r
SIZE ?= 200k

# What is imported is compiled once: hundreds of processes do.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test test-fast test-browser lint bench bench-endpoint load-endpoint lock dictionary

setup: $(VENV)/ready

# uv comes first: it installs the rest in a sixth of pip's time. Where only pip knows the registry, pip does.
$(VENV)/ready: requirements.lock pyproject.toml
	@echo "Setting up .venv (once, about half a minute) …"
	@$(PYTHON) -m venv $(VENV)
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.lock
	@$(PIP) $(LOCKED) $(VENV)/uv.lock
	@$(UV) $(LOCKED) requirements.lock || $(PIP) --no-compile $(LOCKED) requirements.lock
	@$(UV) --no-deps --no-build-isolation --editable .
	@touch $@

# The same two runs whenever it is run, so that the ids in README.md exist; `pathstats demo` makes today's.
demo: setup
	@$(BIN)/pathstats demo --as-of 2026-03-10T02:00:00Z --direct >/dev/null
	@$(BIN)/pathstats demo --as-of 2026-03-11T02:00:00Z

# Tests run in parallel, each in one thread: one that waits for another keeps a core busy.
test: setup
	@POLARS_MAX_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder tests transforms schemas pathstats flows sandbox

# What a change of rules, columns, look-up or commands needs first; in process, in under a minute.
test-fast: setup
	@POLARS_MAX_THREADS=1 $(BIN)/python -m pytest -n 2 tests/rules tests/test_schemas.py tests/test_dictionary.py \
		tests/test_lookup.py tests/test_home.py tests/test_old_manifest.py tests/cli/test_run_summary.py \
		tests/cli/test_explain_attempts.py tests/cli/test_explain_steps.py tests/cli/test_query.py \
		tests/release/test_schema_gate.py transforms schemas pathstats

# Needs Chromium: /usr/bin/chromium, or the path in PATHSTATS_CHROMIUM.
test-browser: setup
	@$(BIN)/python -m pytest -n 0 --override-ini "addopts=--import-mode=importlib -q" tests/browser

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	@$(BIN)/python -m benchmarks --size $(SIZE)

bench-endpoint: setup
	@$(BIN)/python -m benchmarks.endpoint --size $(SIZE)

load-endpoint: setup
	@$(BIN)/python -m benchmarks.mixed_load

lock: setup
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --generate-hashes --python-version 3.11 \
		--no-emit-index-url --no-header --no-annotate --output-file requirements.lock

dictionary: setup
	@$(BIN)/python -c "from schemas.dictionary import data_dictionary; print(data_dictionary(), end='')" > data/README.md
