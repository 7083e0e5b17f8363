# `make demo` and `make test` need only a Python that pyproject.toml allows and a C compiler.
# Other checks are sessions of nox: `make lint`, or `.venv/bin/nox -l` after it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
SOURCES := setup.py tools/docstrings.py $(wildcard src/wsfast/_native/*.p* src/wsfast/_native/*.h \
    src/wsfast/_kernels/* src/wsfast/_pure/*.py src/wsfast/include/*)

# A build without the extension must fail here instead of falling back.
export WSFAST_REQUIRE_EXTENSION := 1

.PHONY: help demo test bench wheel lint clean

help:
	@echo 'make test    the tests, on both codecs and every kernel that this CPU can run'
	@echo 'make demo    decodes the traffic of a real client'
	@echo 'make lint    style, spelling, types and imports'
	@echo 'make bench   the benchmarks, compared with other libraries; records the run'
	@echo 'make wheel   builds, checks, installs and tests what a release has for this machine'
	@echo 'make clean   remove what was built, and .venv'
	@echo 'nox -l       every other check by name (pip install nox, or after make lint: .venv/bin/nox)'
	@echo '.ci/run      all checks'
	@echo
	@echo 'CONTRIBUTING.md has the tree and the rules; docs/contributing/ how to debug, profile and extend.'

demo: $(VENV)/.built
	$(BIN)/python examples/demo.py

test: $(VENV)/.built
	$(BIN)/python -m pytest -n auto --dist worksteal

bench: $(VENV)/.with-bench
	$(BIN)/python bench/run.py

wheel:
	.ci/wheel $(PYTHON)

lint: $(VENV)/.with-dev
	$(BIN)/nox -s lint

$(VENV)/.made:
	$(PYTHON) -c 'import re, sys; v = sys.version_info[:2]; least = re.search(r"requires-python = .>=3[.](\d+)", open("pyproject.toml").read()).group(1); v >= (3, int(least)) or sys.exit("wsfast needs Python 3.%s or later, not %d.%d; say which: make PYTHON=python3.%s" % (least, *v, least))'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install 'setuptools>=77' 'cython>=3.3,<3.4'
	touch $@

# The extension is built in place, again whenever a source changes.
$(VENV)/.built: $(VENV)/.made pyproject.toml $(SOURCES)
	$(PIP) install -e '.[test,demo]' --no-build-isolation
	touch $@

# An extra of pyproject.toml: .venv/.with-docs.  wsfast is there, so pip adds what the extra needs.
$(VENV)/.with-%: $(VENV)/.built
	$(PIP) install 'wsfast[$*]'
	touch $@

clean:
	rm -rf $(VENV) .nox build src/*.egg-info src/wsfast/_native/core.c src/wsfast/_native/docstrings.h \
	    src/wsfast/_native/_not_built.py src/wsfast/_native/*.so
