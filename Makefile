# Two commands for a newcomer: `make demo` and `make test`. Both work again after an interruption.
# Needs Python 3.11+ with venv and pip, git and make; everything else is installed, hash-checked, into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
export UV_LINK_MODE ?= copy
export UV_NO_PROGRESS ?= 1
# Python's own switches in the caller's shell must not decide what an installation contains.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE VIRTUAL_ENV

.PHONY: help demo test interop lint types dist sbom format bench lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    install, pull the data, replay every shipped experiment, show the verdicts"
	@echo "make test    install, then run the whole test suite"
	@echo "make interop build the real servers and clients of Sigstore (about 16 minutes, once), test with them"
	@echo "make lint    ruff and zizmor, rules and format make types   mypy, strict"
	@echo "make dist    wheel and sdist, built twice and compared"
	@echo "make sbom    the SBOMs of this project: of its environment and of its package, checked and validated"
	@echo "make bench   the table of speeds, as ratios  make lock    write the lock files anew"

demo: $(VENV)/.demo
	@echo "==> pulling the data from the remote inside the repository"
	@$(BIN)/dvc pull --quiet
	@echo "==> replaying every shipped experiment"
	@$(BIN)/repro replay --all --markdown .repro/report.md

test: $(VENV)/.dev
	@echo "==> running the test suite"
	@$(BIN)/python -m pytest -n auto --dist loadfile $(PYTEST_ARGS)

interop: $(VENV)/.dev
	@echo "==> building what is missing of Sigstore's servers and clients, into a cache"
	@$(BIN)/python tests/interop/tools.py install; found=$$?; \
	if [ $$found -eq 0 ]; then \
	  echo "==> running the tests with them"; \
	  $(BIN)/python tests/interop/tools.py run $(BIN)/python -m pytest -m interop tests/interop $(PYTEST_ARGS); \
	elif [ "$$CI" = true ] && [ $$found -ne 4 ]; then exit 1; \
	else echo "interop: skipped, for the reason above" >&2; fi

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/zizmor --quiet --offline --no-progress .github action.yml nix/template/.github

format: $(VENV)/.dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(VENV)/.dev
	@$(BIN)/mypy

# Into .repro/dist, which git ignores: built twice, in different folders, and compared.
dist: $(VENV)/.dev
	@.github/scripts/dist.sh .repro/dist

# Into .repro/sbom, which git ignores.
sbom: $(VENV)/.dev
	@rm -rf .repro/sbom
	@$(BIN)/python -m hatchling build --target wheel --directory .repro/sbom 2>/dev/null
	@$(BIN)/repro sbom .repro/sbom/*.whl --out .repro/sbom/package.json
	@$(BIN)/repro sbom check .repro/sbom/package.json .repro/sbom/*.whl --strict
	@$(BIN)/repro sbom --out .repro/sbom/environment.json
	@$(BIN)/repro -q sbom check .repro/sbom/environment.json $(VENV) --strict
	@for made in package environment; do $(BIN)/repro sbom validate .repro/sbom/$$made.json || exit $$?; done

bench: $(VENV)/.dev
	@$(BIN)/python benchmarks/bench.py

$(VENV)/.uv: requirements-bootstrap.lock
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found: install Python 3.11 or newer (or: make PYTHON=/path/to/python3)" >&2; exit 3; }
	@command -v git >/dev/null || { echo "git not found: install git" >&2; exit 3; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: install a newer one, or name it: make PYTHON=python3.12" >&2; exit 3; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv: install it (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 3; }
	@echo "==> creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-bootstrap.lock
	@touch $@

# The project itself is installed editable, with a build backend whose hashes are locked too.
INSTALL = $(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --build-constraints requirements-build.lock

$(VENV)/.demo: $(VENV)/.uv requirements.lock requirements-build.lock pyproject.toml
	@echo "==> installing the locked dependencies, hashes checked"
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.dev: $(VENV)/.demo requirements-dev.lock
	@echo "==> installing the locked development tools, hashes checked"
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --upgrade

lock: $(VENV)/.uv
	@echo uv | $(COMPILE) --only-binary :all: - --output-file requirements-bootstrap.lock
	@printf 'hatchling\neditables\nsetuptools\nwheel\n' | $(COMPILE) - --output-file requirements-build.lock
	@$(COMPILE) pyproject.toml --output-file requirements.lock
	@$(COMPILE) pyproject.toml --group dev --constraints requirements.lock --output-file requirements-dev.lock
	@$(COMPILE) --only-binary :all: --fork-strategy fewest experiments/requirements.in --output-file experiments/requirements.lock

clean:
	@rm -rf $(VENV) .repro .mypy_cache .pytest_cache .ruff_cache
