# The table of contents: `make help` prints it. Two commands do all the set-up: `make demo` and `make test`.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test check lab report bench certs docs dist clean

help:    ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: $(STAMP)    ## install what is needed, run scenarios/preprod against the lab, write the report
	@scripts/demo

test: $(STAMP)    ## install what is needed and run the tests
	@scripts/test

check: $(STAMP)    ## style, types, import law
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lab: $(STAMP)    ## serve the counterparties for your own software, on loopback
	$(BIN)/ketentest lab

report: $(STAMP)    ## write the report of the newest run
	$(BIN)/ketentest report

bench: $(STAMP)    ## measure, as ratios against the tool one would use instead
	@scripts/bench

certs: $(STAMP)    ## fill the lab's certificate cache and list it
	$(BIN)/python -m harness.lab.ca

docs: $(STAMP)    ## build the static site from docs/ and the catalogues
	$(BIN)/python scripts/docs.py

dist: $(STAMP)    ## build wheel and sdist, list their parts and licences, try them as installed
	@scripts/dist

clean:    ## remove what the targets made, except runs
	rm -rf $(VENV) dist site bench/out .mypy_cache .ruff_cache .pytest_cache .import_linter_cache node_modules

$(STAMP): requirements.txt pyproject.toml
	@scripts/install $(PYTHON) $(VENV)
	@touch $@
