# make run     sets up .venv and opens the app on http://127.0.0.1:7860   (make run ARGS="--port 8000")
# make test    sets up .venv and runs the tests                           (make test ARGS="-k weights")
#                                                    quicker, without clean installs: ARGS="-m 'not install'"
# make lint    style, formatting, types and the Dockerfile
# make wheel   source distribution and wheel in dist/
# make format  mends style and formatting
# Everything lives in .venv; `make clean` removes it.

VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check install
ARGS ?=

.PHONY: run test lint format wheel clean

run: $(VENV)/app.stamp
	$(VENV)/bin/python app.py $(ARGS)

test: $(VENV)/dev.stamp
	$(VENV)/bin/python -m pytest $(ARGS)

lint: $(VENV)/dev.stamp
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
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
