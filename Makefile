# The two commands are `make demo` and `make test`. Both make their own .venv and need git, make and Python 3.11 or newer.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN = $(VENV)/bin
# Cases of other projects' test suites; what needs them is skipped with a line where the folder is absent.
ORACLE ?= ../shared/oracle

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-long test-kafka lint format conformance bench docs clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.ready: pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "missing: Python 3.11 or newer (set PYTHON=/path/to/python)" >&2; exit 1; }
	@command -v git >/dev/null || { echo "missing: git" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "missing: the venv module of $(PYTHON) (on Debian: apt install python3-venv)" >&2; exit 1; }
	@echo "setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(VENV)/.ready ## the main job on the Playconnect contracts, in a throw-away clone
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python examples/demo.py

test: lint $(VENV)/.ready ## lint, types, import floors, then all tests
	@$(BIN)/python -m pytest -n 2 --dist worksteal

test-fast: $(VENV)/.ready ## the tests alone
	@$(BIN)/python -m pytest -n 2 --dist worksteal

test-long: $(VENV)/.ready ## the properties at 10,000 examples each, and rollouts at random, some minutes
	@CONTRACTS_EXAMPLES=10000 $(BIN)/python -m pytest -n 2 --dist worksteal $$(grep -lE '^@given|\.TestCase$$' tests/test_*.py)

test-kafka: $(VENV)/.ready ## the tests of Kafka against a real one, where Java and Maven are there
	@$(BIN)/python -m tests.kafka_clusters || { [ $$? = 3 ] && exit 0; exit 1; }; \
	CONTRACTS_TEST_BROKER=apache $(BIN)/python -m pytest -n 2 --dist worksteal tests/test_kafka_*.py tests/test_brokers*.py tests/test_cli_dev.py tests/test_cli_trace.py

lint: $(VENV)/.ready ## ruff, mypy --strict and the import floors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.ready ## let ruff write the format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

conformance: $(VENV)/.ready ## our verdicts beside those of other projects' test suites
	@$(BIN)/python -m conformance $(ORACLE)

docs: $(VENV)/.ready ## write anew what docs/ holds of the rules, the cases, the versions that read each other and the rollouts
	@$(BIN)/contracts rules --format markdown > docs/rules.md
	@$(BIN)/python -m conformance.document
	@$(BIN)/python -m tests.serde_matrix
	@$(BIN)/python -m tests.rollout_page

bench: ## `contracts check` beside `buf breaking`, how its cost grows, the serializer beside its peers, events on Kafka, the scan of rollouts, and `contracts rollout check` of an environment, each in one run
	@[ -x $(VENV)-bench/bin/python ] || $(PYTHON) -m venv $(VENV)-bench
	@$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps .
	@$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check '.[tool,bench]'
	@$(VENV)-bench/bin/python bench/check.py
	@$(VENV)-bench/bin/python bench/growth.py $(ORACLE)
	@$(VENV)-bench/bin/python bench/serde.py
	@$(VENV)-bench/bin/python bench/kafka.py mock
	@$(VENV)-bench/bin/python bench/kafka.py apache
	@$(VENV)-bench/bin/python bench/scan.py
	@$(VENV)-bench/bin/python bench/rollout.py

clean: ## forget the virtual environment
	rm -rf $(VENV) $(VENV)-bench
