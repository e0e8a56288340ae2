# Everything from a fresh clone: each target makes .venv and installs what it needs first.

SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

# Bytecode is kept, whatever the environment says: the tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test test-gimp test-page test-slurm test-ray check bench docs styles gallery clean

help: ## Say what there is to make
	@awk -F ': .*## ' '/^[a-z-]+: .*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/installed-demo ## Paint a photograph through a hot folder, in ./demo
	@$(BIN)/impasto demo --folder demo

# The faults fork a thousand times, which is several times faster in a process without torch.
FAULTS := tests/hotfolder/reliability/test_faults.py

# A process a core, of which each computes on one.
TEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist

test: .venv/installed-dev ## Run the tests
	@$(TEST) load $(FAULTS)
	@$(TEST) loadfile --ignore $(FAULTS)

test-gimp: .venv/installed-dev ## Run the plug-in's tests in a real GIMP 3 (root, Debian's packages; minutes the first time)
	@root=$$(tests/plugin/gimp3/provision.sh); code=$$?; \
	if [ $$code = 77 ]; then echo "Skipped, no real GIMP 3 here: $$root"; exit 0; fi; \
	[ $$code = 0 ] && IMPASTO_GIMP_ROOT=$$root $(BIN)/python -m pytest -m gimp3 \
		--numprocesses 2 --dist loadfile tests/plugin/gimp3

test-page: .venv/installed-dev ## Run the page's tests in a real browser (Debian's chromium; root installs it where there is none)
	@browser=$$(tests/hotfolder/page/browser/provision.sh); code=$$?; \
	if [ $$code = 77 ]; then echo "Skipped, no browser here: $$browser"; exit 0; fi; \
	[ $$code = 0 ] && IMPASTO_BROWSER=$$browser $(TEST) loadfile -m browser tests/hotfolder/page/browser

test-slurm: .venv/installed-dev ## Run a batch on a real Slurm of one node (root; Debian's packages, installed where they are missing)
	@conf=$$(tests/hotfolder/slurm/provision.sh); code=$$?; \
	if [ $$code = 77 ]; then echo "Skipped, no Slurm here: $$conf"; exit 0; fi; \
	[ $$code = 0 ] || exit $$code; \
	IMPASTO_SLURM_CONF=$$conf $(BIN)/python -m pytest -m slurm tests/hotfolder/slurm; code=$$?; \
	tests/hotfolder/slurm/provision.sh stop; exit $$code

test-ray: .venv/installed-dev .venv/installed-ray ## Run jobs on a Ray cluster of several nodes on this machine (three minutes)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m ray tests/hotfolder/workers

PLATFORMS := linux darwin win32

check: .venv/installed-dev ## Format, lint, types on three platforms, and who imports whom
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@printf '%s\n' $(PLATFORMS) | xargs -P 2 -I PLATFORM sh -c \
		'MYPY_CACHE_DIR=.mypy_cache/PLATFORM; export MYPY_CACHE_DIR; $(BIN)/mypy --platform PLATFORM && \
		$(BIN)/mypy --platform PLATFORM --config-file plugin/gimp/mypy.ini plugin/gimp/impasto'
	@MYPY_CACHE_DIR=.mypy_cache/linux $(BIN)/mypy --platform linux --package benchmarks
	@$(BIN)/lint-imports

bench: .venv/installed-dev ## Measure beside peers (hours; docs/benchmarks.md says how to do less)
	@$(BIN)/python -m benchmarks roofline
	@$(BIN)/python -m benchmarks scaling
	@$(BIN)/python -m benchmarks versus

docs: .venv/installed-dev ## Write config.yaml, docs/settings.md, docs/pictures.md and the drawings of docs/architecture.md again
	@$(BIN)/python -m hotfolder.config.model > config.yaml.part && mv config.yaml.part config.yaml
	@$(BIN)/python docs/draw_settings.py > docs/settings.md.part
	@mv docs/settings.md.part docs/settings.md
	@$(BIN)/python tests/engine/images/pictures_page.py > docs/pictures.md.part
	@mv docs/pictures.md.part docs/pictures.md
	@$(BIN)/python docs/draw_architecture.py

styles: .venv/installed-dev ## Paint the style pictures again (ten minutes)
	@$(BIN)/python -m hotfolder.styles.generate hotfolder/styles

gallery: .venv/installed-dev ## Paint a cat in every style for docs/gallery.md (half an hour)
	@$(BIN)/python docs/draw_gallery.py

clean: ## Remove .venv, the demo's folder and the tools' caches
	rm -rf .venv demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist

# The stamps: installed once, and again when pyproject.toml changes.
.venv/installed-%: pyproject.toml | $(BIN)/python
	@echo "Installing Impasto and what it needs (torch is large; the first time takes minutes)"
	@$(BIN)/python -m pip install --disable-pip-version-check --editable '.[$*]'
	@touch $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "No $(PYTHON) on the path. Install Python 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$$($(PYTHON) --version) is too old: Impasto needs Python 3.11 or newer." >&2; \
		echo "Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python cannot make virtual environments (no module ensurepip or venv)." >&2; \
		echo "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
