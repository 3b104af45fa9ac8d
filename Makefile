# Everything installs itself into .venv; nothing else is needed than Python 3.11 or newer, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
QUIETLY := --quiet --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup check static test test-all test-browser screenshots test-tryton test-proxies test-timing test-load test-postgres test-mariadb test-replicas test-chaos coverage lock audit sbom wheel portal-api bench demo clean

help:
	@echo "make demo      hold the whole conversation on a sandbox (SCRIPT=1: end after it)"
	@echo "make test      every test that needs nothing but this machine"
	@echo "make check     format, lint, types, import rules, catalogues, quick tests: before each commit"
	@echo "make test-all  make test, and what needs more than Python"
	@echo "make test-browser  the sandbox's page in a real browser; make screenshots takes the README's pictures"
	@echo "make test-tryton  the contract and whole conversations against a real Tryton 8"
	@echo "make test-proxies  hostile numbers through real nginx and Apache httpd before the portal"
	@echo "make test-postgres  the suite on a real PostgreSQL; make test-replicas: several processes, nginx, kill -9"
	@echo "make test-mariadb  the portal of SQL views on a real MariaDB"
	@echo "make test-chaos  random faults, kills and clock steps from a seed (SECONDS=3600 SEED=7 ENGINE=sqlite MODE=polling)"
	@echo "make coverage  make test, and which lines it ran"
	@echo "make lock      the lock files anew, after a change in pyproject.toml (UPGRADE=1: indirect ones to the newest)"
	@echo "make audit     the lock against the known advisories; make sbom: the bill of materials (CycloneDX) into dist/"
	@echo "make wheel     the wheel of the last commit into dist/, the same bytes on every machine"
	@echo "make bench     what is measured, as tables (BENCH=latency: one of them; KEEP=1: into benches/README.md)"

setup: $(READY)

# From the lock, by hash, wheels only; then the project itself, which fetches nothing.
$(READY): pyproject.toml requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name it with: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (once) ..."
	@$(BIN)/python -m pip install $(QUIETLY) --no-deps --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install $(QUIETLY) --no-deps --no-index --no-build-isolation -e .
	@touch $@

static: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: static
	$(BIN)/pytest -n 2 tests/test_layers.py tests/test_imports.py tests/test_repository.py tests/texts tests/handlers tests/services tests/portal tests/storage

test: $(READY)
	$(BIN)/pytest -n 4

test-all: test test-browser test-tryton test-proxies test-timing test-load test-postgres test-mariadb test-replicas test-chaos

# Five thousand notices with five kills, and the rates as the sandbox's Telegram sees them, on both engines.
test-load: $(READY)
	$(BIN)/pytest -m load tests/load
	$(BIN)/pytest -m load tests/load --engine postgresql

# The sandbox's page in Debian's Chromium, driven by Playwright.
test-browser: $(READY) chromium
	$(BIN)/pytest tests/browser --timeout 120

PICTURES = chat-fr chat-en detail-pdf-390 list-390 pay-390 tables-invoices-fr privacy-fr-390 privacy-en-390
screenshots: $(READY) chromium
	$(BIN)/pytest $(foreach ABOUT,conversation paying policy rich_tables,tests/browser/test_$(ABOUT).py) --timeout 120 --pictures .cache/pictures
	cp $(foreach PICTURE,$(PICTURES),.cache/pictures/$(PICTURE).png) docs/screenshots

.PHONY: chromium
chromium:
	@test -x /usr/bin/chromium || { test "$$(id -u)" = 0 && echo "Installing Chromium (once) ..." && \
		apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } || \
		{ echo "The browser tests need /usr/bin/chromium; on Debian, as root: apt-get install chromium"; exit 1; }

# A real Tryton 8: from PyPI and, for LibreOffice, Debian; installed and seeded once, into .cache/tryton.
test-tryton: $(READY)
	@$(BIN)/python -m tests.tryton.install
	ODOBOT_TEST_TRYTON=1 $(BIN)/pytest tests/tryton

# Numbers that would reach another customer's paper, typed through Debian's nginx and Apache httpd.
test-proxies: $(READY)
	$(BIN)/pytest -m proxy tests/security

# How long answers take for known and unknown addresses, 2,000 of each.
test-timing: $(READY)
	$(BIN)/pytest -m load tests/security -s

# Everything that keeps something in a database, on a real PostgreSQL (Debian's, started by the tests themselves).
test-postgres: TESTS ?= tests/storage tests/services tests/handlers tests/bot tests/conversations tests/portal/conformance tests/portal/sql tests/security tests/fuzz
test-postgres: $(READY)
	$(BIN)/pytest -n 2 --engine postgresql $(TESTS)

# The portal of SQL views on a real MariaDB (Debian's, started by the tests themselves).
test-mariadb: $(READY)
	$(BIN)/pytest -n 2 --engine mariadb tests/portal/sql

# Two web replicas and two workers on one PostgreSQL behind Debian's nginx, and kill -9.
test-replicas: $(READY)
	$(BIN)/pytest -m load tests/replicas

# Faults of all neighbours, kills and clock steps for SECONDS, shared by the chosen engines and modes.
test-chaos: $(READY)
	$(BIN)/python -m tests.chaos --seconds $(or $(SECONDS),180) --engine $(or $(ENGINE),both) --mode $(or $(MODE),both) \
		$(if $(SEED),--seed $(SEED))

# What is measured, an hour of it: the whole bot beside its peers, taps, the start, storage, memory, a soak.
bench: $(READY)
	$(BIN)/python -m benches $(if $(KEEP),--keep,) $(BENCH)

# Slower than make test, and some of the tests measure time: run it on a machine with nothing else to do.
coverage: $(READY)
	$(BIN)/pytest -n 2 --cov

# What pyproject.toml pins, with all that it needs and the build backend, by hash, for every supported Python and machine.
UV = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --only-binary :all: \
	--emit-build-options --no-emit-index-url --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
BACKEND = $(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])'

lock:
	@test -x $(BIN)/uv || { echo "First: make setup"; exit 1; }
	$(BACKEND) | $(UV) pyproject.toml - --output-file requirements.lock >/dev/null
	$(BACKEND) | $(UV) pyproject.toml - --extra dev --extra browser --constraints requirements.lock \
		--output-file requirements-dev.lock >/dev/null
	$(UV) --group pyproject.toml:audit --output-file requirements-audit.lock >/dev/null

# pip-audit stays out of .venv: it brings thirty packages that nothing else needs.
AUDIT := .cache/audit
$(AUDIT)/.ready: requirements-audit.lock
	@$(PYTHON) -m venv $(AUDIT)
	@$(AUDIT)/bin/python -m pip install $(QUIETLY) --no-deps --require-hashes -r requirements-audit.lock
	@touch $@

# Error 1: there are advisories; error 3: they could not be looked up, and one line says why.
audit: $(AUDIT)/.ready
	@$(AUDIT)/bin/python .ci/audit.py $(AUDIT)/bin/pip-audit

sbom:
	@mkdir -p dist
	@$(PYTHON) .ci/sbom.py > dist/odobot.cdx.json
	@echo "dist/odobot.cdx.json"

# From the commit, with its time, and with modes that the machine does not choose.
wheel: $(READY)
	@rm -rf build/source && mkdir -p build/source dist
	@umask 022 && git archive HEAD | tar -x --no-same-permissions -C build/source && \
		SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m pip wheel $(QUIETLY) --no-deps --no-index \
		--no-build-isolation --wheel-dir dist ./build/source
	@rm -rf build/source && sha256sum dist/odobot-*.whl

# The contract as OpenAPI, from what the bot reads.
portal-api: $(READY)
	$(BIN)/python -m tests.portal.conformance.test_openapi

demo: $(READY)
	@$(BIN)/python -m sandbox $(if $(SCRIPT),--script,)

clean:
	rm -rf $(VENV) demo build *.egg-info
