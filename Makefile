# Few verbs: `make up` runs the loop, `make test` proves it, `make check` reads it, `make fix` tidies it, `make bench` measures it.
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.8
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup yolo up test test-servers check fix bench lock clean

help:
	@echo "make up      set up, train digits if there is no model yet, then serve on http://127.0.0.1:8000"
	@echo "make test    set up and run the tests"
	@echo "make test-servers  run the loop on PostgreSQL, S3, an MLflow server and Airflow, and a stream in a window"
	@echo "make check   lint, types and the direction of imports"
	@echo "make fix     format and mend what can be mended"
	@echo "make bench   measure training and serving, with DATA=folder of data sets; results in bench/results/"
	@echo "make yolo    add Ultralytics' YOLO (AGPL-3.0) as a trainer"
	@echo "make lock    write requirements.lock anew from pyproject.toml"

setup: .venv/.ready

# uv installs the lock in seconds where pip takes minutes; where pip is told of local wheels, uv is told too.
.venv/.ready: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or later is needed; none found as $(PYTHON)."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; set PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "The venv module is missing: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	UV_FIND_LINKS="$$($(BIN)/python -m pip config get global.find-links 2>/dev/null)" VIRTUAL_ENV=.venv \
	  $(BIN)/uv pip install --quiet --compile-bytecode --requirement requirements.lock --editable .
	@touch $@

# Only for who wants to train YOLO: its licence reaches what you offer with it (docs/detection.md).
yolo: setup requirements-yolo.lock
	@echo "Installing Ultralytics YOLO, which is under the AGPL-3.0: docs/detection.md says what that asks of you."
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --requirement requirements-yolo.lock

up: setup
	$(BIN)/sightloop up

# A file's tests stay together, in one of up to four processes: what they share is made once.
test: setup .venv/hands
	SIGHTLOOP_TEST_HANDS="$${SIGHTLOOP_TEST_HANDS-$$(ls -d $(CURDIR)/.venv/hands 2>/dev/null)}" \
	  $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# The models that find hands come out of a wheel of 36 MB; without a network the tests of them are skipped.
.venv/hands: | .venv/.ready
	-SIGHTLOOP_HOME=.venv PIP_RETRIES=0 $(BIN)/sightloop hands install

# MLflow's server and Airflow pin what sightloop has newer, and an OpenCV with windows would lie over the one without.
test-servers: setup .venv-servers/mlflow .venv-servers/airflow .venv-servers/windows
	SIGHTLOOP_TEST_MLFLOW=$(CURDIR)/.venv-servers/mlflow SIGHTLOOP_TEST_AIRFLOW=$(CURDIR)/.venv-servers/airflow \
	  SIGHTLOOP_TEST_WINDOWS=$(CURDIR)/.venv-servers/windows \
	  $(BIN)/python -m pytest tests/journeys/test_servers.py tests/journeys/test_window.py

.venv-servers/windows: requirements.lock
	rm -rf $@
	$(BIN)/uv pip install --quiet --no-config --no-deps --target $@ \
	  $$(sed -n 's/^opencv-python-headless==/opencv-python==/p' requirements.lock)

.venv-servers/%: tests/journeys/requirements-%.txt
	rm -rf $@
	$(PYTHON) -m venv $@
	$(BIN)/uv pip install --quiet --python $@/bin/python --requirement $<

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup
	$(BIN)/python bench/run.py $(DATA)

# A CUDA build of torch names its own CUDA packages exactly; in the lock they would come to machines without one too.
# Ultralytics is under the AGPL-3.0: nobody gets it unasked, so what it needs beyond the lock stands in one of its own.
COMPILE = UV_FIND_LINKS="$$($(BIN)/python -m pip config get global.find-links 2>/dev/null)" \
	  $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --no-emit-find-links --no-annotate --quiet

lock:
	$(COMPILE) --extra all --group dev --output-file requirements.lock
	sed -i 's/^\(torch==[0-9.]*\)+cpu/\1/; /^\(nvidia\|cuda\|triton\)[-=]/d; /sys_platform == .never./d' requirements.lock
	$(COMPILE) --extra all --extra yolo --group dev --constraint requirements.lock --output-file requirements-yolo.lock
	sed -i 's/^\(torch==[0-9.]*\)+cpu/\1/; /^\(nvidia\|cuda\|triton\)[-=]/d; /^torch==/d; /sys_platform == .never./d' requirements-yolo.lock
	grep -vxFf requirements.lock requirements-yolo.lock > requirements-yolo.new && mv requirements-yolo.new requirements-yolo.lock

clean:
	rm -rf .venv .venv-servers .sightloop
