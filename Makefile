# `make run` and `make test` prepare everything they need; see scripts/bootstrap.py.
# Another interpreter: make run PYTHON=python3.12. Arguments: make run ARGS="sample --help".
PYTHON ?= python3
ARGS ?=

define prepare
	@command -v $(PYTHON) >/dev/null || { echo "ToyDiff needs Python 3.11 or newer, and there is no '$(PYTHON)' here." >&2; exit 1; }
	@$(PYTHON) -I -S scripts/bootstrap.py
endef

.PHONY: help run test test-all lint pictures format clean distclean

help:
	@echo "make run [ARGS=...]   start ToyDiff, or one of its commands"
	@echo "make test             tests and checks"
	@echo "make test-all         the slow tests as well"
	@echo "make lint             the checks alone"
	@echo "make pictures         take the README's pictures again"
	@echo "make format           let ruff format and fix"
	@echo "make clean            remove caches and builds"
	@echo "make distclean        remove .venv as well"

run:
	$(prepare) run
	@.venv/bin/toydiff $(ARGS)

test:
	$(prepare) test
	@.venv/bin/python scripts/check.py

test-all:
	$(prepare) test
	@.venv/bin/python scripts/check.py --slow

lint:
	$(prepare) test
	@.venv/bin/python scripts/check.py --lint

pictures:
	$(prepare) test
	@.venv/bin/python scripts/pictures.py

format:
	$(prepare) test
	@.venv/bin/python -m ruff check --fix
	@.venv/bin/python -m ruff format

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find engine toydiff_gui resources scripts tests -type d -name __pycache__ -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv
