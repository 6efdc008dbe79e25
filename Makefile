# prefork. `make run` and `make test` are all that a fresh machine needs: they install what is missing (Debian, apt).

SWIFT ?= swift
# make's own default is cc, which a machine with only the Swift toolchain need not have.
ifeq ($(origin CC),default)
CC := clang
endif
PREFIX ?= /usr/local
DESTDIR ?=
BUILD := .build
PREFORK := $(BUILD)/release/prefork
BENCH := $(BUILD)/bench
# Warnings are errors wherever we build; not in Package.swift, where they would fall on those who depend on us.
STRICT := -Xswiftc -warnings-as-errors --explicit-target-dependency-import-check error

# What the build needs, what the example workers are written in, and what the tests look at.
PACKAGES := libsystemd-dev pkg-config python3 perl nodejs procps bc jq groff-base

.PHONY: run build test test-thread-sanitizer lint bench install clean deps

run: build ## the main job on real input: cold against warm
	workers/examples/demo.sh $(PREFORK)

build: deps ## release build, statically linked with Swift's own libraries
	$(SWIFT) build -c release --product prefork -Xswiftc -static-stdlib $(STRICT)

test: deps ## builds and passes all tests
	$(SWIFT) build --build-tests $(STRICT)
	$(SWIFT) test --skip-build --disable-xctest

test-thread-sanitizer: export TSAN_OPTIONS = suppressions=$(CURDIR)/.ci/thread-sanitizer.supp
test-thread-sanitizer: export SWIFT_BACKTRACE = enable=no
test-thread-sanitizer: deps ## the object pool's tests, with a build of its own that watches for data races
	$(SWIFT) build --build-tests --sanitize=thread --scratch-path $(BUILD)/thread-sanitizer
	$(SWIFT) test --skip-build --disable-xctest --sanitize=thread --scratch-path $(BUILD)/thread-sanitizer \
	  --filter ObjectPoolTests

lint: ## formatting and style, strictly
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests

bench: MEASURED = --prefork $(PREFORK) --floor $(BENCH)/floor_pool --echo $(BENCH)/echo_worker
bench: build ## ratios against rivals, and what recycling costs, in interleaved runs
	mkdir -p $(BENCH)
	$(CC) -O2 -o $(BENCH)/floor_pool Benchmarks/floor_pool.c
	$(CC) -O2 -o $(BENCH)/echo_worker Benchmarks/echo_worker.c
	python3 Benchmarks/run.py $(MEASURED)
	python3 Benchmarks/recycling.py $(MEASURED)

install: build
	install -D -m 755 $(PREFORK) $(DESTDIR)$(PREFIX)/bin/prefork
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	  $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(PREFORK) man > $(DESTDIR)$(PREFIX)/share/man/man1/prefork.1
	$(PREFORK) completions bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/prefork
	$(PREFORK) completions zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_prefork
	$(PREFORK) completions fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/prefork.fish

clean:
	rm -rf $(BUILD)

# Asks dpkg first, so that a machine that has everything needs neither root nor network.
deps:
	@missing=; for p in $(PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	[ -z "$$missing" ] || { echo "installing:$$missing"; \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; }
