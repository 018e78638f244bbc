# heydok: run, build, test. `make help` lists everything.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1

CARGO_TARGET_DIR ?= $(CURDIR)/target
BINARY := $(CARGO_TARGET_DIR)/release/heydok
WEB_SOURCES := $(shell git ls-files web packages package.json package-lock.json tsconfig.base.json 2>/dev/null)

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Build and start heydok; prints the address to open
	@exec "$(BINARY)" serve

.PHONY: build
build: requirements web/dist/index.html ## Build the one release binary, web client inside
	cargo build --release --locked --package heydok
	@echo "built $(BINARY)"

.PHONY: test
test: requirements ## Install what the tests need and run all of them
	@scripts/install.sh test
	@cargo run --release --locked --quiet --package xtask -- test $(PARTS)

.PHONY: deb
deb: build ## Make a Debian package of the release binary, in target/debian
	@packaging/deb/build.sh "$(BINARY)" "$(CARGO_TARGET_DIR)/debian"

.PHONY: fuzz
fuzz: requirements ## Fuzz every parser of foreign bytes with coverage: make fuzz TARGETS=offer FUZZ_SECONDS=600
	@fuzz/run.sh $(TARGETS)

.PHONY: bench
bench: build ## Measure the release binary (beside LIVEKIT_REFERENCE_URL, if set) and write docs/benchmarks.md
	@HEYDOK_BIN="$(BINARY)" bench/run.sh

.PHONY: soak
soak: build ## Browsers over bad lines, with other luck each time, beside LIVEKIT_REFERENCE_URL, if set; wants a quiet machine
	@scripts/install.sh test
	RELAY_SEED=$${RELAY_SEED:-$$(date +%s)} HEYDOK_BIN="$(BINARY)" npm run --silent soak

.PHONY: screenshots
screenshots: build ## Write a picture of every screen and state into target/screenshots
	@scripts/install.sh test
	npm run --silent screenshots

.PHONY: codegen
codegen: build ## Write the generated files again (configuration, OpenAPI, client types)
	cargo xtask codegen

.PHONY: clean
clean: ## Remove what was built; data and logs stay
	rm -rf "$(CARGO_TARGET_DIR)" web/dist node_modules web/node_modules packages/*/node_modules e2e/node_modules e2e/python/.venv

.PHONY: requirements
requirements:
	@scripts/requirements.sh
	@scripts/install.sh build

node_modules/.package-lock.json: package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/index.html: node_modules/.package-lock.json $(WEB_SOURCES)
	npm run --silent build
	@touch $@
