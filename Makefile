# Needs Python 3.11 or later and make. The first target that you call sets up the rest, in .venv.

UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .tools/bin/uv)
UV_FILE := $(filter .tools/%,$(UV))
PYTHON ?= >=3.11
BIN := .venv/bin
READY := .venv/.ready
INFRA := .infra/venv/bin/python
INFRA_READY := .infra/schemas/.ready .infra/iam.json.gz
ARGS ?=

export UV_PYTHON_DOWNLOADS := never

.DEFAULT_GOAL := help
.PHONY: help dev chat test mutants bench soak deployables lint format check lock clean

help: ## What there is
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 13

dev: $(READY) ## Run API, worker and timer in one process (ARGS="--port 9000")
	@exec $(BIN)/agentcore dev $(ARGS)

chat: $(READY) ## Talk to an agent of a running server
	@exec $(BIN)/agentcore chat $(ARGS)

test: $(READY) .venv/.broker $(INFRA_READY) ## Run all tests (ARGS="-k bus")
	$(BIN)/pytest -n auto --dist worksteal $(ARGS)

mutants: $(READY) ## Break each rule and see a test turn red
	$(BIN)/python -m tests.mutants $(ARGS)

bench: $(READY) .bench/dbos/.ready ## Measure what the product costs, beside its peers (ARGS="--quick turns")
	$(BIN)/python -m bench $(ARGS)

soak: $(READY) ## Break everything at random under load (RUNS=2000 WORKERS=4 SECONDS=300 SEED=7 BUS=store://)
	$(BIN)/python -m tests.soak

deployables: $(READY) ## Build the Azure Functions app and the Lambda package into dist/ (ARGS="lambda --python 3.13")
	$(BIN)/python functions/build.py $(ARGS)

lint: $(READY) ## Check style, types and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## Put the code into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

check: lint test ## What CI does

lock: $(UV_FILE) ## Resolve all dependencies again (ARGS="--upgrade")
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	  --group dev --all-extras --custom-compile-command "make lock" $(ARGS) pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	  --extra azure --extra kafka --constraint requirements.lock --custom-compile-command "make lock" \
	  pyproject.toml -o functions/requirements.txt
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	  --custom-compile-command "make lock" $(ARGS) tests/infra/requirements.in -o tests/infra/requirements.txt
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-deps \
	  --custom-compile-command "make lock" $(ARGS) tests/infra/providers.in -o tests/infra/providers.txt

clean: ## Remove what make has set up, and no data
	rm -rf .venv .tools .bench .infra .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(READY): requirements.lock pyproject.toml $(UV_FILE)
	$(UV) venv --quiet --allow-existing --python "$(PYTHON)" .venv
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

.bench/dbos/.ready: bench/dbos.txt $(UV_FILE)
	$(UV) venv --quiet --allow-existing --python "$(PYTHON)" .bench/dbos
	$(UV) pip sync --quiet --python .bench/dbos/bin/python bench/dbos.txt
	@touch $@

# The tools of tests/infra, and what they know of the clouds: gone through once, then kept.
.infra/venv/.ready: tests/infra/requirements.txt $(UV_FILE)
	$(UV) venv --quiet --allow-existing --python "$(PYTHON)" .infra/venv
	$(UV) pip sync --quiet --python $(INFRA) --require-hashes tests/infra/requirements.txt
	@touch $@

.infra/schemas/.ready: tests/infra/providers.txt tests/infra/tools/bindings.py tests/infra/tools/schemas.py | .infra/venv/.ready
	$(INFRA) -m tests.infra.tools.schemas .infra/schemas
	@touch $@

.infra/iam.json.gz: .infra/venv/.ready
	$(INFRA) -m tests.infra.tools.iam $@

# The one test dependency that is compiled: without it, the tests of Service Bus are skipped and say so.
.venv/.broker: $(READY)
	@$(UV) pip install --quiet --python $(BIN)/python --group broker || \
	  echo "python-qpid-proton cannot be built here: the tests of Service Bus are skipped" >&2
	@touch $@

.tools/bin/uv:
	python3 -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
