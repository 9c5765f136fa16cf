# optlab: two commands matter.  `make lab` opens the lessons, `make test` runs what CI runs.
# A virtual environment in .venv is made the first time and reused from then on.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
LESSONS ?= $(wildcard notebooks/*.ipynb notebooks/deeper/*.ipynb)
COURSE ?= notebooks/exercises
# owner/name on GitHub: the site then links to Colab, Binder and Codespaces
REPOSITORY ?=
ASSIGNMENTS ?= $(notdir $(wildcard $(COURSE)/source/*))

# The kernel of this environment, even if another has left one named python3 in the user's home.
export JUPYTER_PREFER_ENV_PATH ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-test lab check test lint loopback unit compat grading grading-by-nbgrader grading-of-a-class \
        grading-of-a-course nbval notebooks release solutions grade replicate full bench coverage \
        site figures quiz handouts wheel constraints clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "optlab needs Python 3.11, 3.12 or 3.13; none was found. Install one from python.org and try again."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "optlab needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$("$(PYTHON)" --version). Name another one: make lab PYTHON=python3.12"; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "No environment can be made in $(VENV): if this folder cannot be written to, copy it to one that can; on Debian and Ubuntu, install python3-venv."; exit 1; }

INSTALL = @install() { $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "$$@" || { \
	  echo "The packages could not be installed (the reason stands above): the first time this needs a network and 3 GB of disk; then run the same command again."; exit 1; }; }; install

# The stamps: installing again only when what is to be installed has changed.
$(VENV)/.lab: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) -e .
	@touch $@

$(VENV)/.test: $(VENV)/.lab
	$(INSTALL) -e ".[test]"
	@touch $@

setup: $(VENV)/.lab  ## install what the lessons need

setup-test: $(VENV)/.test

lab: $(VENV)/.lab  ## set up, then open your own copies of the lessons in JupyterLab
	$(BIN)/optlab -- $(LAB_OPTIONS)

check: lint loopback  ## answer in two minutes: style, quick unit tests, the notebooks' structure
	$(BIN)/python -m pytest -n 2 -m "not slow" --ignore=tests/grading tests

test: lint unit grading nbval  ## set up, then run everything that CI runs

lint: $(VENV)/.test  ## look at the style of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check optlab tests tools benchmarks *.py

# On Linux only: a machine cut off from every network may lack even the one to itself.
loopback: $(BIN)/python
	@if [ "$$(uname)" = Linux ]; then $(BIN)/python tools/loopback.py; fi

unit: $(VENV)/.test loopback  ## the unit tests, doctests and the structure of the notebooks
	$(BIN)/python -m pytest -n 2 --dist loadfile --doctest-modules --durations=5 --ignore=tests/grading tests optlab

compat: $(VENV)/.lab  ## the unit tests with the lowest and the newest versions, in build/compat
	$(BIN)/python tools/compat.py $(COMPAT)

grading: $(VENV)/.test loopback  ## mark wrong, right and broken submissions (ASSIGNMENTS=... for some)
	+@start=$$(date +%s); TF_NUM_INTRAOP_THREADS=1 $(MAKE) --no-print-directory -j3 \
	  grading-by-nbgrader grading-of-a-class $(call marks,d4% e5% e6% e7%) \
	  $(call marks,d1%) $(call marks,$(filter-out d1% d4% e5% e6% e7%,$(ASSIGNMENTS))) \
	  grading-of-a-course && \
	  echo "grading: $$(($$(date +%s) - start)) s in all, 3 at a time."

# Few processes, since each waits five seconds for TensorFlow; one thread each, and three at a time,
# so that both cores stay busy where one waits for a cell that never ends. In an order in which the
# three end together: of nbgrader 115 s, a class 105, d4 to e7 125, d1 100, d2 and d3 85, the rest 75
# (27 November 2026).
empty :=
blank := $(empty) $(empty)
marks = $(addprefix marks-,$(subst $(blank),+,$(strip $(filter $(1),$(ASSIGNMENTS)))))

marks-%:
	ASSIGNMENTS="$(subst +, ,$*)" $(BIN)/python -m pytest --durations=5 tests/grading/test_marks.py

grading-by-nbgrader:
	ASSIGNMENTS="$(ASSIGNMENTS)" $(BIN)/python -m pytest --durations=5 tests/grading/test_nbgrader.py

grading-of-a-class:
	$(BIN)/python -m pytest --durations=5 tests/grading/test_class.py

grading-of-a-course:
	$(BIN)/python -m pytest --durations=5 $(filter-out \
	  %/test_marks.py %/test_nbgrader.py %/test_class.py,$(wildcard tests/grading/test_*.py))

nbval: $(VENV)/.test loopback  ## run the lessons and compare their checked outputs
	$(BIN)/python tools/check_lessons.py $(LESSONS)

notebooks: $(VENV)/.test  ## run the lessons and save them with their outputs (LESSONS=... for some)
	$(BIN)/python tools/execute_notebooks.py $(LESSONS)

# For an instructor. The plain nbgrader commands do the same, started in the folder of the course.
# nbgrader itself looks for a command (alembic) on the path.

$(VENV)/.exercises: $(VENV)/.lab
	$(INSTALL) -e ".[exercises]"
	@touch $@

release: $(VENV)/.exercises  ## make the students' versions of the exercises (VARIANT=2026: with other numbers)
	@cd $(COURSE) && PATH="$(abspath $(BIN)):$$PATH" python variants.py $(if $(VARIANT),VARIANT=$(VARIANT)) $(ASSIGNMENTS)

solutions: $(VENV)/.exercises loopback  ## write and run the solved exercises, for instructors, in build/solutions
	@cd $(COURSE) && PATH="$(abspath $(BIN)):$$PATH" python solutions.py "$(abspath build)/solutions" $(ASSIGNMENTS)

grade: $(VENV)/.exercises loopback  ## mark what is new in submitted/, write feedback/ and grades.csv
	@cd $(COURSE) && PATH="$(abspath $(BIN)):$$PATH" python grader.py $(if $(JOBS),--jobs=$(JOBS)) $(ASSIGNMENTS)

replicate: $(VENV)/.test  ## run all lessons with other seeds, threads, points; write replication/
	$(BIN)/python tools/replicate.py $(SAME) $(LESSONS)

full: $(VENV)/.test  ## run the MNIST lessons in full size; write full/ (hours; may be stopped and resumed)
	$(BIN)/python tools/full.py $(wildcard notebooks/09_*.ipynb notebooks/1*.ipynb)

bench: $(VENV)/.test  ## measure optlab beside plain Keras, scikit-learn and JAX (about ten minutes)
	$(INSTALL) -e ".[benchmarks]"
	$(BIN)/python benchmarks/compare.py

coverage: $(VENV)/.lab  ## simulate how often the intervals of claims are right; write docs/coverage.md
	$(BIN)/python benchmarks/coverage.py

site: $(VENV)/.lab  ## build the pages to read, in build/site
	$(INSTALL) -e ".[site]"
	OPTLAB_REPOSITORY="$(REPOSITORY)" $(BIN)/python tools/build_site.py

figures: $(VENV)/.lab  ## put every figure of the lessons on one page, build/figures: colour, grey, colour-blind
	$(BIN)/python tools/figure_sheet.py

quiz: $(VENV)/.lab  ## write quiz questions with answers, for Moodle and to read, in build/quiz
	$(BIN)/python tools/quiz.py

handouts: $(VENV)/.test site  ## print each lesson as a PDF, in build/handouts (needs Chromium)
	$(BIN)/python tools/handouts.py

wheel: $(VENV)/.lab  ## build the package with the lessons in it, in build/wheel
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps -w build/wheel .
	@rm -rf build/lib build/bdist.*; ls build/wheel/*.whl

constraints:  ## renew the pins (needs uv)
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	  --no-header --no-annotate --upgrade -o constraints.txt

clean:  ## remove the environment, the site and caches (build/full stays: it resumes make full)
	rm -rf $(VENV) build/site* build/figures .pytest_cache .ruff_cache optlab.egg-info
