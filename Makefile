# `make demo` and `make test` need Python 3.11 or later and a C compiler, no more.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
SOURCES := setup.py $(wildcard src/wsfast/_native/*.p* src/wsfast/_native/*.h \
    src/wsfast/_kernels/* src/wsfast/include/*)

# A build that would give no extension must fail here, not fall back.
export WSFAST_REQUIRE_EXTENSION := 1

.PHONY: demo test bench wheel lint clean

demo: $(VENV)/.built
	$(BIN)/python examples/demo.py

test: $(VENV)/.built
	$(BIN)/python -m pytest -n auto --dist worksteal

bench: $(VENV)/.built
	$(PIP) install -e '.[bench]' --no-build-isolation
	$(BIN)/python bench/run.py

wheel:
	.ci/wheel $(PYTHON)

lint: $(VENV)/.built
	$(PIP) install -e '.[dev]' --no-build-isolation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --strict tests/typing_example.py
	$(BIN)/python -m mypy.stubtest wsfast --mypy-config-file pyproject.toml --ignore-missing-stub --allowlist .ci/stubtest-allowlist --ignore-unused-allowlist

$(VENV)/.made:
	$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("wsfast needs Python 3.11 or later, not %d.%d; say which: make PYTHON=python3.12" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install 'setuptools>=77' 'cython>=3.3,<3.4'
	touch $@

# The extension is built in place, again whenever a source changes.
$(VENV)/.built: $(VENV)/.made pyproject.toml $(SOURCES)
	$(PIP) install -e '.[test,demo]' --no-build-isolation
	touch $@

clean:
	rm -rf $(VENV) build src/*.egg-info src/wsfast/_native/core.c src/wsfast/_native/_not_built.py \
	    src/wsfast/_native/*.so
