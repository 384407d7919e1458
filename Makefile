# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# gpuvm-bench: `make bench` and `make test` are the two commands; `make help` lists the rest.
#
# Output goes to $(O) (build). Each variant (release, debug, asan, tsan) has its own objects below it.
#   make O=dir V=1 SAN=address|thread DEBUG=1 RCU=memb|qsbr|mb|bp CC=clang CFLAGS=-march=native

O ?= build
RCU ?= memb
DEBUG ?=
SAN ?=
PREFIX ?= /usr/local
DESTDIR ?=
V ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 1)

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

ifeq ($(V),1)
Q :=
say := @:
else
Q := @
say := @printf '  %-7s %s\n'
endif

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif

# ---- variants -------------------------------------------------------------------------------------------------------

known-san := address thread coverage sched trace fuzz
ifneq ($(filter-out $(known-san),$(SAN)),)
$(error SAN=$(SAN): want one of $(known-san) or nothing)
endif
known-rcu := memb qsbr mb bp
ifneq ($(filter-out $(known-rcu),$(RCU)),)
$(error RCU=$(RCU): want one of $(known-rcu))
endif

ifeq ($(SAN),address)
variant := asan
else ifeq ($(SAN),thread)
variant := tsan
else ifeq ($(SAN),coverage)
variant := cov
else ifeq ($(SAN),fuzz)
variant := fuzz
else ifeq ($(SAN),sched)
variant := $(if $(MUTANTS),mutants,$(if $(COVERAGE),schedcov,sched))
else ifeq ($(SAN),trace)
variant := trace
else ifneq ($(DEBUG),)
variant := debug
else
variant := release
endif
B := $(O)/$(variant)$(if $(filter-out memb,$(RCU)),-$(RCU))
gen := $(O)/gen

version := $(shell git describe --always --dirty --tags 2>/dev/null || echo unknown)

base-cppflags := -D_GNU_SOURCE -Iinclude -I$(gen) -DGPUVM_RCU_$(shell echo $(RCU) | tr a-z A-Z)=1
base-cflags := -std=c11 -g -fvisibility=hidden -ftls-model=initial-exec -fno-strict-aliasing -fPIC -MMD -MP \
	-Wall -Wextra -Werror -Wno-unused-parameter -Wmissing-prototypes -Wstrict-prototypes -Wdeclaration-after-statement
base-cxxflags := -std=c++17 -g -fvisibility=hidden -fPIC -MMD -MP -Wall -Wextra -Werror
base-ldflags :=
base-libs := -lurcu-cds -lurcu-$(RCU) -lurcu-common -lpthread
have-jemalloc := 1

ifeq ($(variant),release)
base-cflags += -O2
base-cxxflags += -O2
else ifeq ($(variant),debug)
base-cppflags += -DGPUVM_DEBUG
base-cflags += -O1 -fno-omit-frame-pointer
base-cxxflags += -O1
else ifeq ($(variant),asan)
base-cppflags += -DGPUVM_DEBUG
san-flags := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
have-jemalloc :=
else ifeq ($(variant),tsan)
base-cppflags += -DGPUVM_DEBUG
san-flags := -fsanitize=thread -fno-omit-frame-pointer
have-jemalloc :=
else ifeq ($(variant),cov)
# The debug build with its assertions compiled out.
base-cppflags += -DGPUVM_DEBUG -DGPUVM_COVERAGE
san-flags := --coverage -fprofile-update=atomic
else ifeq ($(variant),fuzz)
# libFuzzer's, so clang's; coverage is what leads it, and the debug build's checks and the sanitizers are what it is led to.
base-cppflags += -DGPUVM_DEBUG
san-flags := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
base-cflags += -Wno-error
have-jemalloc :=
else ifneq ($(filter sched mutants schedcov,$(variant)),)
# Threads are fibers of stress/sched/, which also is the run-time of the core's -fsanitize=thread: it sees every access.
base-cppflags += -DGPUVM_DEBUG -DGPUVM_SCHED $(if $(MUTANTS),-DGPUVM_MUTANTS)
base-cflags += -O2
base-cxxflags += -O2
base-ldflags += -no-pie
core-cflags := -fsanitize=thread
have-jemalloc :=
ifeq ($(variant),schedcov)
# What the explorer's schedules reach is counted as in cov, whose branches these shall be; races are not looked for.
base-cppflags += -DGPUVM_COVERAGE
core-cflags :=
san-flags := --coverage -fprofile-update=atomic
endif
else ifeq ($(variant),trace)
# The release build's core, each access noted by stress/trace/; it does not know: -U. Calls stay calls, for the linker to wrap.
base-cflags += -O2
base-cxxflags += -O2
base-ldflags += -no-pie
core-cflags := -fsanitize=thread -U__SANITIZE_THREAD__ -DCK_USE_CC_BUILTINS=1 -fno-builtin-memset -fno-builtin-memcpy \
	-fno-builtin-memmove
trace-wraps := memset memcpy memmove pthread_mutex_lock pthread_mutex_unlock pthread_cond_broadcast sem_wait sem_post \
	__libc_malloc __libc_memalign gpuvm__obj_alloc gpuvm__obj_alloc_raw gpuvm__stock_fill urcu_memb_call_rcu urcu_memb_barrier
endif
ifneq ($(san-flags),)
base-cflags += -O1 $(san-flags)
base-cxxflags += -O1 $(san-flags)
base-ldflags += $(san-flags)
endif
ifneq ($(have-jemalloc),)
base-cppflags += -DGPUVM_HAVE_JEMALLOC
base-libs += -ljemalloc
endif

all-cppflags = $(base-cppflags) $(CPPFLAGS)
all-cflags = $(base-cflags) $(CFLAGS)
all-cxxflags = $(base-cxxflags) $(CXXFLAGS)
all-ldflags = $(base-ldflags) $(LDFLAGS)

# ---- what there is: catalogue.def says ------------------------------------------------------------------------------

$(gen)/catalogue.mk: catalogue.def scripts/catalogue.awk
	@mkdir -p $(@D)
	$(Q)awk -v form=mk -f scripts/catalogue.awk catalogue.def >$@

$(gen)/catalogue.h: catalogue.def scripts/catalogue.awk
	@mkdir -p $(@D)
	$(say) GEN $@
	$(Q)awk -v form=h -f scripts/catalogue.awk catalogue.def >$@

no-build-goals := help clean distclean lint format fresh
ifneq ($(filter-out $(no-build-goals),$(or $(MAKECMDGOALS),all)),)
include $(gen)/catalogue.mk
endif

core-src := $(wildcard core/*.c core/locks/*.c) $(filter-out core/ref/table.c,$(wildcard core/ref/*.c))
core-obj := $(core-src:%.c=$(B)/%.o) \
	$(foreach l,$(lists),$(foreach r,$(refs),$(B)/core/list/$(l).$(r).o)) \
	$(refs:%=$(B)/core/ref/table.%.o) \
	$(sort $(allocs:%=$(B)/core/alloc/%.o) $(patsubst %.c,$(B)/%.o,$(wildcard core/alloc/*.c))) \
	$(sort $(spaces:%=$(B)/core/space/%.o) $(patsubst %.c,$(B)/%.o,$(wildcard core/space/*.c)))

ifneq ($(filter sched mutants schedcov,$(variant)),)
core-obj += $(patsubst %.c,$(B)/%.o,$(wildcard stress/sched/*.c))
endif
ifneq ($(core-cflags),)
$(foreach d,core core/list core/space core/ref core/alloc core/locks,$(eval cflags-$(d) := $(core-cflags)))
endif

# Linux's own drm_gpuvm.c, if Debian's kernel source is there or was extracted already. PEER= leaves it out.
PEER_SOURCE ?= /usr/src/linux-source-6.12.tar.xz
PEER ?= $(if $(wildcard $(PEER_SOURCE) $(O)/peer/names.h),1)
peer-dir := $(O)/peer
peer-lib := $(B)/libpeer.a
peer-obj := $(patsubst %.c,$(B)/%.o,$(wildcard bench/peer/*.c)) $(B)/peer/drm_gpuvm.o $(B)/peer/rbtree.o
# Ours first: where both have a header, the kernel's is not used.
base-cppflags += $(if $(PEER),-DGPUVM_PEER)
peer-cppflags := -Ibench/peer/include -isystem $(peer-dir)/include -I$(peer-dir) -include $(peer-dir)/names.h

bench-obj := $(patsubst %.c,$(B)/%.o,$(wildcard bench/*.c)) $(patsubst %.cc,$(B)/%.o,$(wildcard bench/*.cc)) \
	$(cases:%=$(B)/bench/case/%.o) $(if $(PEER),$(peers:%=$(B)/bench/peer/case/%.o))
stress-obj := $(patsubst %.c,$(B)/%.o,$(wildcard stress/*.c)) $(scenarios:%=$(B)/stress/scenario/%.o)

lib := $(B)/libgpuvm.a
shlib := $(B)/libgpuvm.so.0
bench-bin := $(B)/gpuvm-bench
stress-bin := $(B)/gpuvm-stress

# ---- rules ----------------------------------------------------------------------------------------------------------

# Rebuild when the flags or compilers change.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(all-cppflags) $(all-cflags) | $(CXX) $(all-cxxflags) | $(all-ldflags) $(base-libs)' >$@.new; \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# What is linked, for --version and the results' provenance; asked when a recipe needs it, after the packages are there.
lib-versions = $(shell for p in benchmark liburcu jemalloc hwloc; do \
	printf '%s%s %s' "$$sep" $$p "$$(pkg-config --modversion $$p 2>/dev/null || echo unknown)"; sep=', '; done)

$(gen)/version.h: FORCE
	@mkdir -p $(@D)
	@{ echo '#define GPUVM_VERSION_GIT "$(version)"'; echo '#define GPUVM_LIB_VERSIONS "$(lib-versions)"'; } >$@.new; \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

compile-c = $(CC) $(all-cppflags) $(1) $(all-cflags) $(cflags-$(<D)) -c -o $@ $<

$(B)/%.o: %.c $(B)/flags | $(gen)/catalogue.h $(gen)/version.h
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(call compile-c,$(cppflags-$(<D)))

$(B)/%.o: %.cc $(B)/flags | $(gen)/catalogue.h $(gen)/version.h
	@mkdir -p $(@D)
	$(say) CXX $@
	$(Q)$(CXX) $(all-cppflags) $(all-cxxflags) -c -o $@ $<

# A list strategy, and the ref table, once per ref strategy.
define per-ref
$(B)/core/list/%.$(1).o: core/list/%.c $(B)/flags | $(gen)/catalogue.h
	@mkdir -p $$(@D)
	$(say) CC $$@
	$(Q)$$(call compile-c,-DGPUVM_REF=$(1) -DGPUVM_REF_H='"$(1).h"')
$(B)/core/ref/table.$(1).o: core/ref/table.c $(B)/flags | $(gen)/catalogue.h
	@mkdir -p $$(@D)
	$(say) CC $$@
	$(Q)$$(call compile-c,-DGPUVM_REF=$(1) -DGPUVM_REF_H='"$(1).h"')
endef
$(foreach r,$(refs),$(eval $(call per-ref,$(r))))

# The kernel's code is compiled as the kernel compiles it, where that changes what it means; its warnings are its own.
peer-kernel-cflags := -std=gnu11 -fwrapv -fno-delete-null-pointer-checks -w
$(B)/peer/%.o: $(peer-dir)/names.h $(B)/flags
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(all-cppflags) $(peer-cppflags) $(all-cflags) $(peer-kernel-cflags) -c -o $@ $(peer-dir)/src/$*.c

# Ours that see the kernel's headers.
cppflags-bench/peer := $(peer-cppflags) -Wno-sign-compare
cppflags-bench/peer/case := $(cppflags-bench/peer)
cppflags-tests/peer := $(cppflags-bench/peer) -Itests/support
$(B)/tests/test_peer_warts.o: private base-cppflags += $(cppflags-tests/peer)
$(patsubst %.c,$(B)/%.o,$(wildcard bench/peer/*.c bench/peer/case/*.c tests/peer/*.c tests/test_peer*.c)): $(peer-dir)/names.h

$(peer-dir)/names.h: $(if $(wildcard $(PEER_SOURCE)),scripts/peer-extract)
	$(say) EXTRACT $(PEER_SOURCE)
	$(Q)mkdir -p $(O)
	$(Q)scripts/peer-extract $(PEER_SOURCE) $(peer-dir)

$(peer-lib): $(peer-obj)
	$(say) AR $@
	$(Q)rm -f $@; ar rcs $@ $^

$(lib): $(core-obj)
	$(say) AR $@
	$(Q)rm -f $@; ar rcs $@ $^

$(shlib): $(core-obj)
	$(say) LD $@
	$(Q)$(CC) $(all-ldflags) -shared -Wl,-soname,libgpuvm.so.0 -Wl,-z,defs -o $@ $^ $(base-libs)

$(bench-bin): $(bench-obj) $(if $(PEER),$(peer-lib)) $(lib)
	$(say) LD $@
	$(Q)$(CXX) $(all-ldflags) -o $@ $^ -lbenchmark -lhwloc $(base-libs) -lm

$(stress-bin): $(stress-obj) $(B)/bench/command.o $(B)/bench/output.o $(B)/bench/parse.o $(B)/bench/save.o $(B)/bench/stop.o $(lib)
	$(say) LD $@
	$(Q)$(CC) $(all-ldflags) -o $@ $^ $(base-libs) -lm

explore-bin := $(B)/gpuvm-explore
$(explore-bin): $(patsubst %.c,$(B)/%.o,$(wildcard stress/explore/*.c)) $(B)/bench/output.o $(lib)
	$(say) LD $@
	$(Q)$(CC) $(all-ldflags) -o $@ $^ $(base-libs) -lm

conflict-bin := $(B)/gpuvm-conflict
$(conflict-bin): $(patsubst %.c,$(B)/%.o,$(wildcard stress/trace/*.c)) $(lib)
	$(say) LD $@
	$(Q)$(CC) $(all-ldflags) $(trace-wraps:%=-Wl,--wrap=%) -o $@ $^ $(base-libs) -lm

# The contract's paths. The stress binary is the debug build's: that is where the checks are.
$(O)/gpuvm-stress: $(O)/debug/gpuvm-stress
	$(Q)ln -sf debug/gpuvm-stress $@
$(O)/gpuvm-bench: $(O)/release/gpuvm-bench
	$(Q)ln -sf release/gpuvm-bench $@

.PHONY: FORCE all lib help deps bench test check test-variant lint format install uninstall clean distclean compile_commands.json fresh
FORCE:

## all: the release library and the bench binary
all: lib bench-bin
lib: $(lib) $(shlib)
bench-bin: $(bench-bin) $(if $(filter release,$(notdir $(B))),$(O)/gpuvm-bench)
.PHONY: bench-bin

# ---- the two commands -----------------------------------------------------------------------------------------------

# Packages first; a stamp says that this bootstrap script has been satisfied.
deps-stamp := $(O)/deps-ok
$(deps-stamp): scripts/bootstrap
	@mkdir -p $(@D)
	$(Q)scripts/bootstrap
	@touch $@
deps: $(deps-stamp)

## bench: install what is missing, build, run the quick profile, print tables; raw results under results/
bench: $(deps-stamp)
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) DEBUG= SAN= all
	$(Q)scripts/run-bench --bench=$(O)/gpuvm-bench $(BENCHFLAGS)

## test: install what is missing, build every variant, run all tests (check: the same)
test: $(deps-stamp)
	$(Q)O=$(O) MAKE='$(MAKE)' scripts/run-tests $(TESTFLAGS)
check: test

## test-long: the tests again, with far more of what is random or exhaustive; LONG_VARIANTS=release,debug,asan,tsan
LONG_VARIANTS ?= release,debug
test-long: $(deps-stamp)
	$(Q)O=$(O) MAKE='$(MAKE)' GPUVM_TEST_TIMEOUT=$${GPUVM_TEST_TIMEOUT:-7200} \
		scripts/run-tests --long --variant=$(LONG_VARIANTS) $(TESTFLAGS)

## test-rcu: a short set of the tests with each of the other flavours of RCU; RCU_VARIANTS=debug-qsbr,debug-mb,debug-bp
RCU_VARIANTS ?= debug-qsbr,debug-mb,debug-bp
rcu-tests := ^(test_(smoke|bo|ref|alloc|va|space_threads|history|exec|device)|stress)$$
test-rcu: $(deps-stamp)
	$(Q)O=$(O) MAKE='$(MAKE)' scripts/run-tests --variant=$(RCU_VARIANTS) --only='$(rcu-tests)' $(TESTFLAGS)
.PHONY: test-rcu

## peer: install Debian's kernel source if it is missing, extract and build Linux's own drm_gpuvm.c (docs/peer.md)
peer: $(deps-stamp)
	$(Q)scripts/peer-install $(PEER_SOURCE)
	$(Q)$(MAKE) --no-print-directory PEER=1 $(peer-lib)
.PHONY: peer test-long

# Test programs: each tests/test_*.c is one; tests/support/*.c is linked into all.
test-src := $(if $(PEER),$(wildcard tests/test_*.c),$(filter-out tests/test_peer%.c,$(wildcard tests/test_*.c)))
test-bin := $(test-src:tests/%.c=$(B)/tests/%)
test-support := $(patsubst %.c,$(B)/%.o,$(wildcard tests/support/*.c))
cppflags-tests := -Itests/support
cppflags-tests/support := -Itests/support
$(filter-out $(B)/tests/test_peer%,$(test-bin)): $(B)/tests/%: $(B)/tests/%.o $(test-support) $(lib)
	$(say) LD $@
	$(Q)$(CC) $(all-ldflags) -o $@ $^ -lcmocka $(base-libs) -lm

# What a fuzzer explores, replayed on its corpus in every variant.
fuzz-obj := $(B)/tests/fuzz/ops.o $(B)/tests/fuzz/parse.o $(B)/bench/parse.o
cppflags-tests/fuzz := -Itests/support
$(B)/tests/test_fuzz: $(fuzz-obj)

# The latency sampling has a clock of the test's own.
$(B)/tests/test_latency: $(B)/bench/latency.o $(B)/bench/tail.o

fuzz-targets := ops parse
fuzz-bin := $(fuzz-targets:%=$(B)/fuzz_%)
$(B)/tests/fuzz/entry_%.o: tests/fuzz/entry.c $(B)/flags | $(gen)/catalogue.h
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(call compile-c,-Itests/support -DFUZZ_TARGET=fuzz_$*)
$(fuzz-bin): $(B)/fuzz_%: $(B)/tests/fuzz/entry_%.o $(fuzz-obj) $(test-support) $(lib)
	$(say) LD $@
	$(Q)$(CC) $(all-ldflags) -fsanitize=fuzzer -o $@ $^ -lcmocka $(base-libs) -lm
fuzz-bin: $(fuzz-bin)

## fuzz: libFuzzer on request sequences and option parsers (clang-14, libclang-rt-14-dev); FUZZFLAGS='-max_total_time=60'
FUZZCC ?= clang-14
FUZZFLAGS ?= -max_total_time=60
fuzz:
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) DEBUG= SAN=fuzz CC=$(FUZZCC) PEER= fuzz-bin
	$(Q)for t in $(fuzz-targets); do \
		mkdir -p $(O)/fuzz/new/$$t || exit 1; \
		$(O)/fuzz/fuzz_$$t -print_final_stats=1 -max_len=386 -artifact_prefix=$(O)/fuzz/ $(FUZZFLAGS) \
			$(O)/fuzz/new/$$t tests/fuzz/corpus/$$t || exit 1; \
	done
.PHONY: fuzz fuzz-bin

# Those beside Linux's own code.
peer-test-bin := $(filter $(B)/tests/test_peer%,$(test-bin))
peer-test-obj := $(patsubst %.c,$(B)/%.o,$(wildcard tests/peer/*.c))
$(peer-test-bin): $(B)/tests/%: $(B)/tests/%.o $(peer-test-obj) $(test-support) $(lib) $(peer-lib)
	$(say) LD $@
	$(Q)$(CC) $(all-ldflags) -o $@ $^ -lcmocka $(base-libs) -lm

# The test programs of one variant; scripts/run-tests calls this once per variant.
test-variant: $(test-bin) $(bench-bin) $(if $(filter release,$(variant)),,$(stress-bin))

stress-bin: $(stress-bin) $(if $(filter debug,$(notdir $(B))),$(O)/gpuvm-stress)
.PHONY: stress-bin stress

## stress: build the debug variant and run every scenario (STRESSFLAGS='--duration=5m --space=all')
stress: $(deps-stamp)
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) DEBUG=1 SAN= stress-bin
	$(Q)$(O)/gpuvm-stress $(STRESSFLAGS)

## coverage: branch coverage of core/ by the deterministic tests and the explorer (COVERAGEFLAGS=--missing)
coverage: $(deps-stamp)
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) DEBUG= SAN=coverage test-variant
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) DEBUG= SAN=sched MUTANTS= COVERAGE=1 explore-bin
	$(Q)scripts/coverage --build=$(O)/cov --explore=$(O)/schedcov $(COVERAGEFLAGS)
.PHONY: coverage

## soak: everything in rotation with changing seeds for HOURS hours; report under $(O)/soak (SOAKFLAGS=--space=leaf)
soak: $(deps-stamp)
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) DEBUG=1 SAN= stress-bin
	$(Q)scripts/soak --hours='$(HOURS)' --stress=$(O)/gpuvm-stress --out=$(O)/soak $(SOAKFLAGS)
.PHONY: soak

# ---- comparing ------------------------------------------------------------------------------------------------------

## compare: BASE=revision [HEAD=revision] [FILTER=regex] [BUDGET=5m] [COMPAREFLAGS=--gate]: docs/compare.md; HEAD: the checkout
compare: $(deps-stamp)
	$(if $(BASE),,$(error BASE is missing: make compare BASE=main [HEAD=revision] [FILTER=regex] [BUDGET=5m]))
	$(Q)scripts/compare '$(BASE)' $(if $(HEAD),'$(HEAD)') $(if $(FILTER),'--filter=$(FILTER)') \
		$(if $(BUDGET),'--budget=$(BUDGET)') $(COMPAREFLAGS)

## bisect: GOOD=revision BAD=revision BENCH=name [BISECTFLAGS=]: the commit that changed a benchmark
bisect: $(deps-stamp)
	$(if $(and $(GOOD),$(BAD),$(BENCH)),,$(error want: make bisect GOOD=revision BAD=revision BENCH=name))
	$(Q)scripts/bisect '$(GOOD)' '$(BAD)' '$(BENCH)' $(BISECTFLAGS)

## calibrate: WHAT=aa|plant|bisect [CALIBRATEFLAGS=]: does compare keep its promises on this machine?
calibrate: $(deps-stamp)
	$(Q)scripts/calibrate $(or $(WHAT),$(error want: make calibrate WHAT=aa|plant|bisect)) $(CALIBRATEFLAGS)

## report: the newest record or comparison as $(O)/report.html; REPORTFLAGS=--format=md and so on
report: $(deps-stamp)
	$(Q)scripts/report $(if $(findstring --format,$(REPORTFLAGS)),,-o $(O)/report.html) $(REPORTFLAGS)
.PHONY: compare bisect calibrate report

## explore: all schedules of small scenarios on every strategy, up to a bound of preemptions (EXPLOREFLAGS=--help)
explore:
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) DEBUG= SAN=sched MUTANTS= explore-bin
	$(Q)$(O)/sched/gpuvm-explore $(EXPLOREFLAGS)
explore-bin: $(explore-bin)
.PHONY: explore explore-bin

## conflict: which cache lines two operations both touch, by name (CONFLICTFLAGS=--help; docs/conflict-trace.md)
conflict:
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) DEBUG= SAN=trace RCU=memb conflict-bin
	$(Q)$(O)/trace/gpuvm-conflict $(CONFLICTFLAGS)
conflict-bin: $(conflict-bin)
.PHONY: conflict conflict-bin

## model: check the models in tests/models with spin, and see their planted bugs found; MODELFLAGS=-DWRITES=2 is long
model: $(deps-stamp)
	$(Q)tests/models.sh $(MODELFLAGS)
.PHONY: model

## mutants: plant each bug of core/mutants.def; one line each: caught or MISSED (MUTANTFLAGS=--only=REGEX)
mutants:
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) DEBUG= SAN=sched MUTANTS=1 explore-bin $$(O=$(O) scripts/mutants --detectors)
	$(Q)O=$(O) scripts/mutants $(MUTANTFLAGS)
.PHONY: mutants

# ---- housekeeping ---------------------------------------------------------------------------------------------------

## lint: layering, headers that compile alone (C and C++), formatting, SPDX lines
lint:
	$(Q)O=$(O) CC='$(CC)' CXX='$(CXX)' scripts/lint

## format: clang-format everything in place
format:
	$(Q)git ls-files '*.c' '*.h' '*.cc' | xargs clang-format -i

## compile_commands.json: for editors and clang tools
compile_commands.json:
	$(Q)$(MAKE) --no-print-directory -Bn V=1 all | scripts/compile-commands >$@.new && mv $@.new $@

## install: library, headers, pkg-config file and bench binary to $(DESTDIR)$(PREFIX)
install: all
	$(Q)install -d $(DESTDIR)$(PREFIX)/include/gpuvm $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/bin
	$(Q)install -m 644 include/gpuvm/*.h $(DESTDIR)$(PREFIX)/include/gpuvm
	$(Q)install -m 644 $(lib) $(shlib) $(DESTDIR)$(PREFIX)/lib
	$(Q)ln -sf libgpuvm.so.0 $(DESTDIR)$(PREFIX)/lib/libgpuvm.so
	$(Q)install -m 755 $(bench-bin) $(DESTDIR)$(PREFIX)/bin/gpuvm-bench
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|;s|@VERSION@|$(version)|;s|@LIBS@|$(base-libs)|' scripts/gpuvm.pc.in \
		>$(DESTDIR)$(PREFIX)/lib/pkgconfig/gpuvm.pc

## uninstall: remove what install put there
uninstall:
	$(Q)rm -rf $(DESTDIR)$(PREFIX)/include/gpuvm
	$(Q)rm -f $(DESTDIR)$(PREFIX)/lib/libgpuvm.* $(DESTDIR)$(PREFIX)/lib/pkgconfig/gpuvm.pc $(DESTDIR)$(PREFIX)/bin/gpuvm-bench

## clean: remove $(O)
clean:
	$(Q)rm -rf $(O)
distclean: clean
	$(Q)rm -f compile_commands.json

## help: this list
help:
	@echo 'usage: make [target] [O=dir] [V=1] [DEBUG=1] [SAN=address|thread|coverage] [RCU=memb|qsbr|mb|bp]'
	@sed -n 's/^## \([^:]*\): /  \1\t/p' $(MAKEFILE_LIST) | expand -t 26

-include $(shell find $(B) -name '*.d' 2>/dev/null)
