# Two commands for everyone: `make demo` and `make test`. Each sets up its own .venv first.
# Needed: Python >= 3.11 and make. `make demo ARGS="--for 60s --headless --json"` passes arguments on.

PYTHON ?= $(shell for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$candidate >/dev/null 2>&1 && $$candidate -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$candidate; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

I3X_SUITE ?=

.PHONY: demo test test-packages i3x-suite check format models screenshots schemas recipes texts metrics manual configuration docs packages lock lock-node clean

demo: $(VENV)/demo.stamp
	@$(BIN)/labline demo $(ARGS)

# byte code is kept whatever the shell says: without it each process that tests start compiles all that it imports
test: export PYTHONDONTWRITEBYTECODE :=
test: $(VENV)/test.stamp
	$(BIN)/python -m pytest -n 6 --dist worksteal $(ARGS)

# what is installed and brought up from nothing: packages, and beside them the programs of others; needs node and npm,
# and for some the rights of root
test-packages: export PYTHONDONTWRITEBYTECODE :=
test-packages: $(VENV)/test.stamp $(VENV)/node.stamp $(VENV)/pysparkplug.stamp
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/packages $(ARGS)

# CESMII's conformance suite of i3X, from a checkout of its repository, against Labline on made-up lots; needs node
i3x-suite: $(VENV)/test.stamp
	@[ -n "$(I3X_SUITE)" ] || { echo "make i3x-suite I3X_SUITE=<checkout of cesmii/i3X>/conformance-tests"; exit 2; }
	$(BIN)/python -m tests.interfaces.i3x_suite $(I3X_SUITE)

check: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/test.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# the demo's models, made again by their recipe
models: $(VENV)/test.stamp
	$(BIN)/python models/reactor_recipe.py

# JSON Schema and AsyncAPI of what is published, and OpenAPI of the console, out of the models
schemas: $(VENV)/test.stamp
	$(BIN)/python -c "from pathlib import Path; from gateway.contract.schemas import documents; \
		[Path('docs/schema', name).write_text(text, encoding='utf-8') for name, text in documents().items()]"
	$(BIN)/python -c "from pathlib import Path; from gateway.contract.payload_reference import refreshed; \
		page = Path('docs/payload-reference.md'); \
		page.write_text(refreshed(page.read_text(encoding='utf-8')), encoding='utf-8')"
	$(BIN)/python -c "from pathlib import Path; from gateway.console.openapi import text; \
		Path('docs/schema/console.openapi.json').write_text(text(), encoding='utf-8')"

# the reference of recipes, out of the typed model and the examples
recipes: $(VENV)/test.stamp
	$(BIN)/python -c "from pathlib import Path; from gateway.training.recipe_reference import refreshed; \
		page = Path('docs/recipes.md'); \
		page.write_text(refreshed(page.read_text(encoding='utf-8'), root=Path()), encoding='utf-8')"

# the console's pictures, as the tests see it in a browser
screenshots: $(VENV)/test.stamp
	SCREENSHOTS_TO=docs/console $(BIN)/python -m pytest -q tests/console/test_page_access.py tests/console/test_page_lost.py tests/console/test_page_alarms.py tests/console/test_page_users.py tests/console/test_page_review.py tests/simulator/test_demo_in_a_browser.py

# the lists of codes, out of the catalogue of texts
texts: $(VENV)/test.stamp
	$(BIN)/python -c "from pathlib import Path; from gateway.texts.reference import refreshed; \
		[page.write_text(refreshed(page.read_text(encoding='utf-8')), encoding='utf-8') \
		 for page in (Path('docs/payloads.md'), Path('docs/troubleshooting.md'))]"

# the manual page and the reference of commands, out of the commands
manual: $(VENV)/test.stamp
	$(BIN)/python -c "from pathlib import Path; from gateway.cli.manual import manual_page; \
		Path('docs/labline.1').write_text(manual_page(), encoding='utf-8')"
	$(BIN)/python -c "from pathlib import Path; from gateway.cli.command_reference import refreshed; \
		page = Path('docs/commands.md'); \
		page.write_text(refreshed(page.read_text(encoding='utf-8')), encoding='utf-8')"

# the reference of the configuration, out of the typed model and docs/every-key.toml
configuration: $(VENV)/test.stamp
	$(BIN)/python -c "from pathlib import Path; from gateway.config.reference import refreshed; \
		page, examples = Path('docs/configuration.md'), Path('docs/every-key.toml'); \
		page.write_text(refreshed(page.read_text('utf-8'), examples.read_text('utf-8')), encoding='utf-8')"

# the documents as pages, in dist/handbook: read them in a browser, without a network
docs: export NO_MKDOCS_2_WARNING := 1
docs: $(VENV)/test.stamp
	$(BIN)/mkdocs build --strict --quiet
	@echo dist/handbook/index.html

# the list of metrics, out of their table
metrics: $(VENV)/test.stamp
	$(BIN)/python -c "from pathlib import Path; from gateway.operations.metrics.reference import refreshed; \
		page = Path('docs/monitoring.md'); \
		page.write_text(refreshed(page.read_text(encoding='utf-8')), encoding='utf-8')"

# the wheel, the offline bundle, the Debian package and the bill of materials, in dist/ (ARGS="--key KEY.pem" signs them)
packages: $(VENV)/test.stamp
	$(BIN)/python -m deploy.packaging.build $(ARGS)

# the lock files, with hashes and without any address (run.lock: a production line, without the demo's broker), and the
# notices of what they bring
lock: $(VENV)/python.stamp
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --extra demo \
		--output-file requirements/demo.lock pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--constraint requirements/demo.lock --output-file requirements/run.lock pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --extra demo --extra parquet --extra train --extra traces --extra release --extra test \
		--constraint requirements/demo.lock --output-file requirements/test.lock pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file requirements/build.lock requirements/build.in
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock
	$(BIN)/python requirements/notices.py

# the same for what tests/node brings
lock-node:
	cd tests/node && rm -f package-lock.json && npm install --package-lock-only && node slim_lock.js

$(VENV)/python.stamp:
	@test -n "$(PYTHON)" || { echo "Labline needs Python 3.11 or newer with venv; none was found."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/demo.stamp: requirements/demo.lock requirements/build.lock pyproject.toml $(VENV)/python.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/demo.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/test.stamp: requirements/test.lock $(VENV)/demo.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.lock
	@touch $@

$(VENV)/node.stamp: tests/node/package.json tests/node/package-lock.json tests/node/.npmrc $(VENV)/python.stamp
	@command -v npm >/dev/null || { echo "These tests need node and npm; on Debian: apt-get install nodejs npm"; exit 1; }
	mkdir -p $(VENV)/node
	cp tests/node/package.json tests/node/package-lock.json tests/node/.npmrc $(VENV)/node
	cd $(VENV)/node && npm ci --silent
	@touch $@

$(VENV)/pysparkplug.stamp: tests/packages/pysparkplug.txt $(VENV)/python.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --upgrade \
		--target $(VENV)/pysparkplug -r tests/packages/pysparkplug.txt
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
