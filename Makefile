# `make report` runs the main job on a demonstration organisation; `make test` tests the product.
# Both set up what they need first. `make help` lists everything.

PYTHON ?= python3
export PYTHON
unexport PYTHONDONTWRITEBYTECODE  # where it is set, each process compiles all that it imports: half of what a command takes
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST_WORKERS ?= 2
COVERAGE := build/coverage.json
WITHOUT_WARNING := PYTHONWARNINGS="ignore:Unable to activate pytest branch coverage"  # of the tests' own lines, which nobody asks for
DOCS := docs
SITE := build/site

.DEFAULT_GOAL := help
.PHONY: help setup report test test-packages sweep lint lint-types lint-style lint-imports lint-docs format bench lock docs site clean golden

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

setup: $(STAMP) ## virtual environment from the hashed lock file, system libraries

$(STAMP): requirements.lock pyproject.toml scripts/system-packages scripts/environment
	@scripts/system-packages
	@echo "Setting up $(VENV): a minute or two the first time, and 1.5 GB of disk …"
	@scripts/environment $(VENV)
	@touch $(STAMP)

report: $(STAMP) ## the main job: demonstration organisation, evidence on S3, report
	@$(BIN)/audit demo

test: $(STAMP) test-packages ## every test, with coverage
	@mkdir -p build && rm -f $(COVERAGE)
	@$(WITHOUT_WARNING) $(BIN)/python -m slipcover --json --out $(COVERAGE) -m pytest -n $(PYTEST_WORKERS)
	@$(BIN)/python -m slipcover --merge $(COVERAGE) --out $(COVERAGE) --fail-under 90

test-packages: $(STAMP) ## system packages that tests need
	@scripts/system-packages pdftotext=poppler-utils gpg=gpg gpg-agent=gpg-agent gpgsm=gpgsm ssh-keygen=openssh-client chromium=chromium chromedriver=chromium-driver \
	  javac=default-jdk-headless /usr/share/java/jaxb-impl.jar=libjaxb-java softhsm2-util=softhsm2

sweep: $(STAMP) ## findings against the truth of 150 organisations: 50 seeds, three sizes
	@SWEEP_SEEDS=50 $(BIN)/python -m pytest -n $(PYTEST_WORKERS) -m sweep

lint: $(STAMP) ## ruff, mypy, import-linter, documents against the code
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint-types lint-style lint-imports lint-docs

lint-types: $(STAMP)
	@$(BIN)/mypy

lint-style: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

lint-imports: $(STAMP)
	@$(BIN)/lint-imports --no-logo

lint-docs: $(STAMP)
	@$(BIN)/python -m scripts.generate_docs --check

format: $(STAMP) ## put every file into the house style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

golden: $(STAMP) ## pictures of report pages anew, after you looked at what changed
	@GOLDEN=renew $(BIN)/python -m pytest -q tests/report/test_golden_pages.py

docs: $(STAMP) ## write the reference documents from the code
	@$(BIN)/python -m scripts.generate_docs

site: $(STAMP) ## web site of the documents, in build/site; a link that leads nowhere fails
	@$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --nitpicky --builder html --doctree-dir $(SITE)-read $(DOCS) $(SITE)
	@echo $(SITE)/index.html

bench: $(STAMP) ## ratios against peers and limits, measured in one run
	@$(BIN)/python -m bench

lock: $(STAMP) ## resolve the dependencies anew
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --all-extras --group dev --custom-compile-command "make lock" --upgrade pyproject.toml -o requirements.lock

clean: ## everything made, the virtual environment included
	@rm -rf $(VENV) build dist .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
