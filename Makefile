# Everything runs in a virtual environment that the first target makes; nothing else is needed.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-fast test-versions test-family test-pythons test-oracle test-faults test-undoing test-races test-batches test-copies test-adoption test-fleet test-fuzz test-forgery test-growth lint format benchmark clean

demo: $(VENV)/.installed  ## plan, show, apply and status of examples/shop, on a private PostgreSQL
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

test: $(VENV)/.installed-dev  ## the whole suite, on real PostgreSQL, MySQL and MariaDB
	$(BIN)/python -m pytest --numprocesses=3 --dist=worksteal $(PYTEST)

test-fast: $(VENV)/.installed-dev  ## the planner alone: no server, a few seconds
	$(BIN)/python -m pytest tests/planner $(PYTEST)

test-versions: $(VENV)/.installed-dev  ## a smoke on PostgreSQL 13 to 17, or on VERSIONS="13 16"
	$(BIN)/python -m tests.versions $(VERSIONS)

test-pythons: $(VENV)/.installed-dev  ## the wheel and the planner's tests on each Python here, or on PYTHONS="3.12"
	$(BIN)/python -m tests.pythons $(PYTHONS)

test-family: $(VENV)/.installed-dev  ## the contract suites on MariaDB 10.5 and 11.8, and under other settings
	$(BIN)/python -m tests.versions.family $(FAMILY)

test-oracle: $(VENV)/.installed-dev  ## 20,000 statements, measured on a live PostgreSQL
	$(BIN)/python -m tests.oracle $(ORACLE)

test-faults: $(VENV)/.installed-dev  ## thousands of faults, injected into plans at every boundary
	$(BIN)/python -m tests.faults $(FAULTS)

test-adoption: $(VENV)/.installed-dev  ## every tool's databases, taken over on each of its engines
	$(BIN)/python -m pytest tests/real/test_adoption.py tests/real/test_published.py -m "campaign or not campaign" $(PYTEST)

test-batches: $(VENV)/.installed-dev  ## runs of batches, killed with -9 a hundred times on each engine
	$(BIN)/python -m tests.faults.batches $(BATCHES)

test-copies: $(VENV)/.installed-dev  ## copies by pt-online-schema-change, killed with -9 in each phase
	$(BIN)/python -m tests.faults.copies

test-undoing: $(VENV)/.installed-dev  ## 2,000 random plans on MySQL and on MariaDB, failed at each statement
	$(BIN)/python -m tests.undoing $(UNDOING)

test-races: $(VENV)/.installed-dev  ## 500 races of two executors on two nodes of a Galera cluster
	LOCKGATE_TEST_RACES=500 $(BIN)/python -m pytest tests/executors/mysql/nodes/test_cluster.py

test-fleet: $(VENV)/.installed-dev  ## fleets whose workers, drivers and servers are killed at 200 moments
	$(BIN)/python -m tests.fleets $(FLEETS)

test-fuzz: $(VENV)/.installed-dev  ## an hour of mutated files for every reader of what strangers write
	$(BIN)/python -m tests.fuzz $(FUZZ)

test-forgery: $(VENV)/.installed-dev  ## every field of plans and receipts forged and sealed again, on three engines
	LOCKGATE_ALL_FORGERIES=1 $(BIN)/python -m pytest tests/commands/test_forgery.py tests/commands/test_forged_receipts.py $(PYTEST)

test-growth: $(VENV)/.installed-dev  ## thousands of pairs of hostile forms: their work grows with their length
	LOCKGATE_PAIRS_OF_FORMS=5000 $(BIN)/python -m pytest tests/test_growth.py $(PYTEST)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: $(VENV)/.installed-dev  ## client CPU, time and memory of each case, beside its bar
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.page
	$(BIN)/python -m benchmarks.fleets

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[embedded]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[embedded]' --group dev
	@touch $@ $(VENV)/.installed
