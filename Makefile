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
PACKAGES := libsystemd-dev libmicrohttpd-dev libyaml-dev pkg-config python3 perl nodejs procps bc jq groff-base netcat-openbsd socat \
  sqlite3 libimage-exiftool-perl gnuplot-nox gdb
# What the PostgreSQL example needs: the client library, and a server to test with.
POSTGRES_PACKAGES := libpq-dev pkg-config postgresql
# A real systemd, to boot in isolation with our units; as a daemon of the machine it is not touched.
SYSTEMD_PACKAGES := systemd util-linux procps python3
# Pools in Python, from PyPI, to compare ObjectPool with; without them the benchmark leaves them out.
PYTHON_POOLS := 'psycopg[binary]' psycopg_pool sqlalchemy
# From PyPI, to test with what we did not write: a client of Varlink and a parser of metrics. Without them those tests are skipped,
# loudly.
PYTHON_JUDGES := varlink prometheus_client
# The same for MCP: its SDK, and a server made with it.
PYTHON_SERVERS := mcp mcp-server-time

.PHONY: run build test test-serve test-run test-units test-embedding test-postgres test-systemd test-thread-sanitizer test-mutations test-simulation lint bench bench-history gallery gallery-deps install install-units clean deps postgres-deps systemd-deps python-pools python-judges

run: build ## the main job on real input: cold against warm
	workers/examples/demo.sh $(PREFORK)

build: deps static-libraries ## release build, statically linked with Swift's own libraries
	$(SWIFT) build -c release --product prefork -Xswiftc -static-stdlib $(QUICK_START) $(STRICT)

# What a start costs beside that of `true` is loading libraries and relocating, so that there is as little of it as can be:
# C++'s library and libyaml are linked statically, where their archives are installed; relocations are packed and no symbol
# is exported; no library is looked for beside the executable. What is not loaded takes no memory, either.
QUICK_START := --disable-local-rpath -Xswiftc -use-ld=lld -Xswiftc -L$(CURDIR)/$(BUILD)/static \
  -Xswiftc -Xclang-linker -Xswiftc -static-libgcc -Xlinker --no-export-dynamic -Xlinker -z -Xlinker pack-relative-relocs
# A folder with nothing but them: where there is a shared library, too, the linker prefers that.
.PHONY: static-libraries
static-libraries: deps
	@mkdir -p $(BUILD)/static
	@for archive in libstdc++.a libyaml.a; do file=$$($(CC) -print-file-name=$$archive); \
	  [ "$$file" = $$archive ] || ln -sf "$$file" $(BUILD)/static/$$archive; done

test: deps systemd-deps python-judges ## builds and passes all tests, those of the examples, too
	$(SWIFT) build --build-tests $(STRICT)
	$(MAKE) --jobs=2 --output-sync=target test-serve test-run
	$(MAKE) test-units test-embedding test-systemd test-postgres

# The end-to-end tests mostly wait for processes, and the testing library runs as many at a time as there are CPUs: so they are
# run by two processes. None of these three builds anything.
TESTS := $(SWIFT) test --skip-build --ignore-lock --disable-xctest
SERVE_TESTS := 'EndToEndTests\.(Serve|Submit|Control|Top|Varlink|Standstill|OptionLimit|UnreadOutput|Terminal)'
test-serve: ## the end-to-end tests of serving, and of what takes as long
	$(TESTS) --filter $(SERVE_TESTS)
test-run: ## the other end-to-end tests
	$(TESTS) --filter EndToEndTests --skip $(SERVE_TESTS)
# ObjectPool's by themselves: their tasks share the threads of the runtime with all other tests, some of which keep those busy
# for seconds.
test-units: ## the tests of everything below the commands
	$(TESTS) --skip EndToEndTests --skip ObjectPoolTests
	$(TESTS) --filter ObjectPoolTests

# As on a machine that has no library of C but glibc: pkg-config finds nothing.
test-embedding: export PKG_CONFIG_LIBDIR = /nonexistent
test-embedding: deps ## a package of its own that uses WorkerPool, without libsystemd
	$(SWIFT) build --package-path Examples/WorkerPool $(STRICT)
	bin=$$($(SWIFT) build --package-path Examples/WorkerPool --show-bin-path); \
	  test "$$($$bin/own-loop-demo | wc -l)" = 10 && \
	  test "$$($$bin/worker-pool-demo | grep -c '^reply to job\|^job 13: crashed\|^1 worker died')" = 101 && \
	  ! ldd $$bin/own-loop-demo $$bin/worker-pool-demo | grep -E 'systemd|microhttpd|yaml'

test-systemd: systemd-deps ## the shipped units under a real systemd, booted in isolation; needs root
	$(SWIFT) build --build-tests $(STRICT)
	Tests/Systemd/test.sh $$($(SWIFT) build --show-bin-path)/prefork

test-postgres: postgres-deps ## the PostgreSQL example against a real server on a private socket
	$(SWIFT) build --package-path Examples/PostgresPool --build-tests $(STRICT)
	$(SWIFT) test --package-path Examples/PostgresPool --skip-build --disable-xctest

test-thread-sanitizer: export TSAN_OPTIONS = suppressions=$(CURDIR)/.ci/thread-sanitizer.supp
test-thread-sanitizer: export SWIFT_BACKTRACE = enable=no
test-thread-sanitizer: deps ## the object pool's tests, with a build of its own that watches for data races
	$(SWIFT) build --build-tests --sanitize=thread --scratch-path $(BUILD)/thread-sanitizer
	$(SWIFT) test --skip-build --disable-xctest --sanitize=thread --scratch-path $(BUILD)/thread-sanitizer \
	  --filter ObjectPoolTests

# With the options of `build`, so that what both need is compiled once.
test-simulation: deps static-libraries ## six million events in simulated lives of the whole pipeline
	$(SWIFT) build -c release --product simulate-pipeline -Xswiftc -static-stdlib $(QUICK_START) $(STRICT)
	$(BUILD)/release/simulate-pipeline $(SIMULATED_EVENTS)
SIMULATED_EVENTS ?= 6000000

test-mutations: deps ## breaks the pure cores and what couples them in ninety ways, each of which a test must notice
	Tests/mutations.py --keep $(BUILD)/mutations

lint: ## formatting and style, strictly
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests Examples Benchmarks

# Fewer rounds and jobs, for a quick look: make bench BENCH_OPTIONS='--rounds 3 --jobs 50000'
BENCH_OPTIONS ?=
# One file for each run, named after the time at which it began.
bench: HISTORY := $(shell date -u +Benchmarks/history/%Y-%m-%dT%H%MZ.tsv)
bench: MEASURED = --prefork $(PREFORK) --echo $(BENCH)/echo_worker
bench: build python-pools ## ratios against rivals, what a start, recycling and a lease cost, in interleaved runs
	mkdir -p $(BENCH)
	for program in floor_pipeline floor_pool echo_worker latency_client pipeline_client; do \
	  $(CC) -O2 -o $(BENCH)/$$program Benchmarks/$$program.c || exit; done
	$(CC) -O2 -ISources/System/CLinux/include -o $(BENCH)/large_parent Benchmarks/large_parent.c Sources/System/CLinux/spawn.c \
	  Sources/System/CLinux/launcher.c
	python3 Benchmarks/check_floor.py --floor $(BENCH)/floor_pipeline --echo $(BENCH)/echo_worker
	python3 Benchmarks/run.py $(MEASURED) --floor $(BENCH)/floor_pipeline --client $(BENCH)/latency_client \
	  --history $(HISTORY) $(BENCH_OPTIONS)
	python3 Benchmarks/startup.py $(MEASURED) --floor $(BENCH)/floor_pool
	python3 Benchmarks/spawn.py $(MEASURED) --floor $(BENCH)/floor_pool --large-parent $(BENCH)/large_parent
	python3 Benchmarks/recycling.py $(MEASURED) --floor $(BENCH)/floor_pool
	python3 Benchmarks/serve.py $(MEASURED) --client $(BENCH)/pipeline_client --history $(HISTORY) $(BENCH_OPTIONS)
	$(SWIFT) build -c release --package-path Benchmarks/ObjectPool --scratch-path $(BENCH)/object-pool $(STRICT)
	python3 Benchmarks/object_pool.py --pool-bench $(BENCH)/object-pool/release/pool-bench --python $(BENCH)/python

# One program: make gallery ONE=psql
ONE ?=
GALLERY := workers/gallery/gallery.sh
gallery: build gallery-deps ## real programs that are expensive to start, cold against warm
	$(GALLERY) $(PREFORK) $(BUILD)/gallery-python $(ONE)

# PostgreSQL has a rule of its own, which makes no cluster. What stands alone would bring gigabytes that are not needed with it.
gallery-deps: deps $(if $(ONE),$(if $(filter psql,$(ONE)),postgres-deps),postgres-deps)
	@$(call install_missing,$$($(GALLERY) --needs apt $(ONE) | grep -v postgresql))
	@mkdir -p $(BUILD)/gallery-python
	@$(call pip_missing,$$($(GALLERY) --needs pip $(ONE)))
	@$(call pip_missing,$$($(GALLERY) --needs pip-alone $(ONE)),--no-deps)

bench-history: ## how each case of `make bench` went over time
	@python3 Benchmarks/history.py

install: build install-units
	install -D -m 755 $(PREFORK) $(DESTDIR)$(PREFIX)/bin/prefork
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	  $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(PREFORK) man > $(DESTDIR)$(PREFIX)/share/man/man1/prefork.1
	$(PREFORK) completions bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/prefork
	$(PREFORK) completions zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_prefork
	$(PREFORK) completions fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/prefork.fish

UNITS := $(DESTDIR)$(PREFIX)/lib/systemd/system
install-units:
	install -d $(UNITS)
	install -m 644 systemd/prefork@.socket $(UNITS)
	sed 's|@PREFIX@|$(PREFIX)|' systemd/prefork@.service > $(UNITS)/prefork@.service
	chmod 644 $(UNITS)/prefork@.service

clean:
	rm -rf $(BUILD) Examples/*/.build

deps:
	@$(call install_missing,$(PACKAGES))

# Debian's package would make and start a database cluster of its own, which nobody asked for: while it is installed, a drop-in
# says no. A machine that has the package already is left as it is.
NO_CLUSTER := /etc/postgresql-common/createcluster.d/prefork-no-cluster.conf
postgres-deps:
	@$(call install_missing,$(POSTGRES_PACKAGES),\
	  $$sudo mkdir -p $(dir $(NO_CLUSTER)) && echo 'create_main_cluster = false' | $$sudo tee $(NO_CLUSTER) >/dev/null; \
	  trap "$$sudo rm -f $(NO_CLUSTER)" EXIT;)

systemd-deps:
	@$(call install_missing,$(SYSTEMD_PACKAGES))

python-pools: deps
	@[ -d $(BENCH)/python/sqlalchemy ] || { $(call pip_install,$(BENCH)/python,$(PYTHON_POOLS)) \
	  || echo "no pools in Python to compare with"; }

python-judges: deps
	@[ -d $(BUILD)/python/varlink ] && [ -d $(BUILD)/python/prometheus_client ] || { \
	  $(call pip_install,$(BUILD)/python,$(PYTHON_JUDGES)) \
	  || echo "WARNING: PyPI has not given $(PYTHON_JUDGES): control and metrics are NOT CHECKED by others' code"; }
	@[ -d $(BUILD)/python/mcp_server_time ] || { $(call pip_install,$(BUILD)/python,$(PYTHON_SERVERS)) \
	  || echo "WARNING: PyPI has not given $(PYTHON_SERVERS): MCP is NOT CHECKED with others' servers"; }

# Into a folder of its own: nothing of the machine's Python changes.
define pip_install
{ python3 -m pip --version >/dev/null 2>&1 || { $(call install_missing,python3-pip); }; } && \
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target $(1) $(2)
endef

# A file of its own says that a package is there, whatever its modules are called.
define pip_missing
missing=; for p in $(1); do [ -e $(BUILD)/gallery-python/.$$p ] || missing="$$missing $$p"; done; \
[ -z "$$missing" ] || { echo "installing:$$missing"; \
{ $(call pip_install,$(BUILD)/gallery-python,--quiet $(2) $$missing); } && \
for p in $$missing; do touch $(BUILD)/gallery-python/.$$p; done || echo "WARNING: PyPI has not given$$missing"; }
endef

# Asks dpkg first, so that a machine that has everything needs neither root nor network. $(2) is run before anything is installed.
define install_missing
missing=; for p in $(1); do \
  dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
[ -z "$$missing" ] || { echo "installing:$$missing"; \
  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; $(2) \
  $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; }
endef
