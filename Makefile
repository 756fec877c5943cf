# make run           sets up .venv and opens the app on http://127.0.0.1:7860  (make run ARGS="--port 8000")
# make test          sets up .venv and runs the tests                          (make test ARGS="-k weights")
# make test-browser  drives the page in a real browser, one test after the other
# make test-install  installs into clean environments and starts a cluster; takes minutes, needs a package index
# make lint          style, formatting, types, who imports whom, and the Dockerfile
# make bench         measures stages, network and start (DATA=validation.parquet; ARGS=--peers: beside others)
# make wheel         source distribution and wheel in dist/
# make format        fixes style and formatting
# Everything lives in .venv; `make clean` removes it.

VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check install
ARGS ?=
# The tests start the program many times: what Python has compiled is kept, also where the environment says otherwise.
unexport PYTHONDONTWRITEBYTECODE
# Tests of one file stay in one process, so that they share an app, a browser and what was trained or exported for
# them. The processes fill the cores: a library that starts threads of its own would only wait for them.
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
ONE_THREAD := OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1

.PHONY: run test test-browser test-install bench lint format wheel clean

run: $(VENV)/app.stamp
	$(VENV)/bin/python app.py $(ARGS)

test: $(VENV)/dev.stamp
	$(ONE_THREAD) $(VENV)/bin/python -m pytest $(SIDE_BY_SIDE) -m "not install and not browser" $(ARGS)

test-browser: $(VENV)/dev.stamp
	$(VENV)/bin/python -m pytest -m browser $(ARGS)

test-install: $(VENV)/dev.stamp
	$(VENV)/bin/python -m pytest -m install $(ARGS)

bench: $(VENV)/dev.stamp
	@test -n "$(DATA)" || { echo "make bench needs DATA=, a parquet file of labelled faces: docs/data.md"; exit 2; }
	$(VENV)/bin/python -m benchmarks.bench --data "$(DATA)" $(ARGS)

lint: $(VENV)/dev.stamp
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache
	@test ! -x $(VENV)/bin/hadolint || $(VENV)/bin/hadolint Dockerfile

format: $(VENV)/dev.stamp
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

wheel: $(VENV)/dev.stamp
	$(VENV)/bin/python -m build

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache

# A stamp is newer than what it was made from: nothing is installed twice.
$(VENV)/app.stamp: requirements.txt | $(VENV)/made.stamp
	$(PIP) -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements.txt requirements-dev.txt | $(VENV)/made.stamp
	$(PIP) -r requirements-dev.txt
	@touch $@ $(VENV)/app.stamp

$(VENV)/made.stamp:
	@sh scripts/make_venv.sh $(VENV)
	@touch $@
