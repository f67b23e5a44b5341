# Pillarbox. `make run` builds and runs it, `make test` proves it, `make help`
# lists the rest. One file, wildcard sources: a new .c file needs no edit here.

BUILD ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
RUN_DIR ?= ./run
PORT_BASE ?= 10000
PREFIX ?= /usr
PYTHON ?= /usr/bin/python3
VERSION := 0.1.0

CSTD := -std=gnu17 -D_GNU_SOURCE
WARN := -Wall -Wextra -Wvla -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wundef -Werror
HARDEN := -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2 -fno-strict-aliasing
OPT ?= -O2 -g
LINK := -pie -Wl,-z,relro,-z,now -Wl,--as-needed
ifdef SAN
BUILD := build/san
OPT := -O1 -g -fno-omit-frame-pointer
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined
HARDEN := -fPIE -fno-strict-aliasing
endif
CPPFLAGS += -I. -Ilib -I$(BUILD)/gen -DPILLARBOX_VERSION='"$(VERSION)"'
CFLAGS += $(CSTD) $(OPT) $(WARN) $(HARDEN) $(SANFLAGS) -MMD -MP
LDFLAGS += $(LINK) $(SANFLAGS)

# --- what links what -------------------------------------------------------
# The libraries of ours, lowest last, and for each program its folder and the
# foreign libraries it may use. tests/lint/linkmap checks the built programs
# against this table.
LIBS := service store conf sasl dns msgauth mail wire io core
LIBFILES = $(LIBS:%=$(BUILD)/lib/%.a)

PROGRAMS := pillarbox setup keys resolver auth reports dkim relay deliver queue imap \
	login smtp

DIR_pillarbox := supervisor
DIR_setup := setup
$(foreach p,keys resolver auth reports dkim relay deliver queue imap login smtp,\
	$(eval DIR_$(p) := services/$(p)))

USE_pillarbox := -luv -lyaml -ljansson
USE_setup := -luv -lyaml -ljansson -lsqlite3 -lz -lzstd -lcrypt -lcrypto -lssl -lidn -lsodium -lidn2 -lpsl -lunbound
USE_keys := -luv -lcrypto
USE_resolver := -luv -lunbound
USE_auth := -luv -lcrypt -lsodium -lcrypto -lidn
USE_reports := -luv -lsqlite3 -lz -lexpat -lpsl
USE_dkim := -luv -lcrypto -lidn2 -lpsl
USE_relay := -luv -lssl -lcrypto -lidn2
USE_deliver := -luv -lsqlite3 -lz -lzstd -lsodium
USE_queue := -luv
USE_imap := -luv -lsqlite3 -lz -lzstd -lsodium
USE_login := -luv -lssl -lcrypto
USE_smtp := -luv -lssl -lcrypto

BINS := $(PROGRAMS:%=$(BUILD)/bin/%)

.PHONY: all build
all: build
build: $(BINS)

define library
$(BUILD)/lib/$(1).a: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard lib/$(1)/*.c))
	@mkdir -p $$(@D) && rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach l,$(LIBS),$(eval $(call library,$(l))))

define program
$(BUILD)/bin/$(1): $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(DIR_$(1))/*.c)) $(LIBFILES)
	@mkdir -p $$(@D)
	@echo "link $(1)"
	@$$(CC) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) \
		-Wl,--start-group $(LIBFILES) -Wl,--end-group $(USE_$(1)) -lpthread
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "cc $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# Signatures in search indexes are those of texts that these sources make: when
# one of them changes, the sum does, and indexes are built again.
TEXTS := $(wildcard lib/mail/charset.* lib/mail/encode.* lib/mail/fold* \
	lib/mail/gram.* lib/mail/header.* lib/mail/html.* lib/mail/lex.* lib/mail/mime* \
	lib/mail/texts.* lib/mail/word.*) lib/store/signatures.c
$(BUILD)/obj/lib/store/signatures.o: CPPFLAGS += \
	-DTEXTS_SUM=$(shell cat $(TEXTS) | cksum | cut -d' ' -f1)u
$(BUILD)/obj/lib/store/signatures.o: $(TEXTS)

# The same for what indexes keep of the order of messages.
ORDER := $(wildcard lib/mail/address_list.* lib/mail/charset.* lib/mail/date.* \
	lib/mail/encode.* lib/mail/fold* lib/mail/header.* lib/mail/lex.* \
	lib/mail/msgid.* lib/mail/order.* lib/mail/subject.* lib/mail/word.*) \
	lib/core/map.c lib/store/ordering.c
$(BUILD)/obj/lib/mail/order.o: CPPFLAGS += \
	-DORDER_SUM=$(shell cat $(ORDER) | cksum | cut -d' ' -f1)u
$(BUILD)/obj/lib/mail/order.o: $(ORDER)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# --- running ---------------------------------------------------------------
.PHONY: deps run start stop
deps:
	@tools/deps build

run: deps
	@$(MAKE) --no-print-directory build
	@tools/instance $(BUILD)/bin $(RUN_DIR) $(PORT_BASE) run

start: deps
	@$(MAKE) --no-print-directory build
	@tools/instance $(BUILD)/bin $(RUN_DIR) $(PORT_BASE) start

stop:
	@tools/instance $(BUILD)/bin $(RUN_DIR) $(PORT_BASE) stop

# --- unit tests ------------------------------------------------------------
# Each tests/unit/test_NOUN.c is one cmocka program. A test of a program's
# internals names the program's folder in a line "// part: services/smtp".
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
UNIT_USE := -lcmocka -lexpat -luv -lssl -lcrypto -lyaml -ljansson -lsqlite3 -lz -lzstd -lcrypt -lsodium \
	-lidn2 -lidn -lpsl -lunbound

part_of = $(patsubst %,$(BUILD)/parts/%.a,$(shell sed -n 's|^// part: ||p' $(1)))
PARTS := $(sort $(foreach p,$(PROGRAMS),$(DIR_$(p))))

define part
$(BUILD)/parts/$(1).a: $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out %/main.c,$(wildcard $(1)/*.c)))
	@mkdir -p $$(@D) && rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach p,$(PARTS),$(eval $(call part,$(p))))

.SECONDARY:
.SECONDEXPANSION:
$(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $(LIBFILES) $$(call part_of,tests/unit/$$*.c)
	@mkdir -p $(@D)
	@echo "link test $*"
	@$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter $(BUILD)/parts/%,$^) $(LIBFILES) \
		-Wl,--end-group \
		$(UNIT_USE) -lpthread

.PHONY: unit
unit: $(UNIT)
	@set -e; for t in $(UNIT); do $$t 2>$(BUILD)/unit.log >&2 || \
		{ cat $(BUILD)/unit.log; echo "$$t failed"; exit 1; }; done
	@echo "unit: $(words $(UNIT)) programs passed"

# --- fuzzing ---------------------------------------------------------------
# Built with clang in a folder of its own. `make fuzz SECONDS=600` searches,
# `make fuzz-replay` (part of make test) runs every kept input once.
FUZZ_BUILD := build/fuzz
FUZZ := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_FLAGS := -g -O1 -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined
SECONDS ?= 60

.PHONY: fuzz fuzz-build fuzz-replay
fuzz-build:
	@$(MAKE) --no-print-directory CC=clang BUILD=$(FUZZ_BUILD) HARDEN= \
		OPT="$(FUZZ_FLAGS)" LINK="-fsanitize=fuzzer,address,undefined" \
		$(FUZZ:%=$(FUZZ_BUILD)/tests/fuzz/%)

$(BUILD)/tests/fuzz/%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(LIBFILES) \
		$$(call part_of,tests/fuzz/fuzz_$$*.c)
	@mkdir -p $(@D)
	@echo "link fuzz $*"
	@$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter $(BUILD)/parts/%,$^) $(LIBFILES) \
		-Wl,--end-group \
		$(filter-out -lcmocka,$(UNIT_USE)) -lpthread

fuzz-replay: fuzz-build
	@set -e; for f in $(FUZZ); do mkdir -p tests/fuzz/corpus/$$f; \
		$(FUZZ_BUILD)/tests/fuzz/$$f -runs=0 tests/fuzz/corpus/$$f \
		2>$(FUZZ_BUILD)/log || { cat $(FUZZ_BUILD)/log; exit 1; }; done
	@echo "fuzz: $(words $(FUZZ)) corpora replayed"

fuzz: fuzz-build
	@set -e; for f in $(FUZZ); do mkdir -p $(FUZZ_BUILD)/found/$$f; \
		echo "== $$f"; $(FUZZ_BUILD)/tests/fuzz/$$f -close_fd_mask=3 \
		-max_total_time=$(SECONDS) $(FUZZ_BUILD)/found/$$f \
		tests/fuzz/corpus/$$f; done

# --- checks and tests ------------------------------------------------------
PYTEST := $(PYTHON) -m pytest -q -c tests/pytest.ini -p no:cacheprovider

.PHONY: check test lint flow faults bench sizes print-use
print-use:
	@:$(foreach p,$(PROGRAMS),$(info $(p): $(USE_$(p))))

lint: build
	@tests/lint/includes
	@tests/lint/docs
	@$(MAKE) --no-print-directory -s print-use | tests/lint/linkmap $(BUILD)/bin
	@echo "lint: includes and link map are as drawn"

# The inner loop: under three minutes.
check: build lint unit

FLOW := tests/flow tests/proto
# What the sanitizers look at in every run: all dialogues, real clients, hostile
# ones, and the life of processes.
HOSTILE := tests/proto tests/flow/test_hostile.py tests/flow/test_clients.py \
	tests/flow/test_supervisor.py

flow: build
	@PILLARBOX_BIN=$(BUILD)/bin $(PYTEST) $(FLOW)

# Each tests/faults/faults_SUBJECT.c is one program.
FAULTS := $(patsubst tests/faults/%.c,$(BUILD)/tests/faults/%,$(wildcard tests/faults/faults_*.c))
faults: $(BUILD)/tests/faults/faultlib.so $(FAULTS)
	@tests/faults/run.sh $(BUILD)

$(BUILD)/tests/faults/faultlib.so: tests/faults/faultlib.c
	@mkdir -p $(@D)
	@$(CC) $(CSTD) $(WARN) -O1 -fPIC -shared -o $@ $< -ldl

$(BUILD)/tests/faults/faults_%: $(BUILD)/obj/tests/faults/faults_%.o $(BUILD)/obj/tests/faults/harness.o $(LIBFILES)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(LIBFILES) -Wl,--end-group \
		-lsqlite3 -lz -lzstd -lsodium -lpthread

# Everything, from a bare machine; what CI runs.
test:
	@tools/deps test
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory fuzz-replay
	@$(MAKE) --no-print-directory SAN=1 build unit
	@$(MAKE) --no-print-directory faults
	@$(MAKE) --no-print-directory flow-beside
	@$(MAKE) --no-print-directory test-image

# Most of the time a test waits, so the dialogues, and then what runs under
# sanitizers, go beside the flows; their output follows.
.PHONY: flow-beside
flow-beside: build
	@{ $(MAKE) --no-print-directory flow FLOW=tests/proto && \
		$(MAKE) --no-print-directory SAN=1 flow FLOW="$(HOSTILE)"; \
		} >$(BUILD)/beside.log 2>&1 & beside=$$!; \
	$(MAKE) --no-print-directory flow FLOW=tests/flow; flows=$$?; \
	wait $$beside; beside=$$?; cat $(BUILD)/beside.log; \
	[ $$flows -eq 0 ] && [ $$beside -eq 0 ]

BENCH := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/store_*.c) tests/bench/msgauth_work.c)

bench: build $(BENCH)
	@tests/bench/run $(BUILD)/bin $(BENCH_FLAGS)

$(BUILD)/tests/bench/%: $(BUILD)/obj/tests/bench/%.o $(LIBFILES) $$(call part_of,tests/bench/$$*.c)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter $(BUILD)/parts/%,$^) $(LIBFILES) \
		-Wl,--end-group $(filter-out -lcmocka,$(UNIT_USE)) -lpthread

sizes:
	@tools/sizes

# --- installing ------------------------------------------------------------
LIBEXEC := $(PREFIX)/lib/pillarbox
.PHONY: install
install: build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBEXEC) \
		$(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/man/man5 \
		$(DESTDIR)$(PREFIX)/share/man/man8
	install -s $(BINS) $(DESTDIR)$(LIBEXEC)
	ln -sf ../lib/pillarbox/pillarbox $(DESTDIR)$(PREFIX)/bin/pillarbox
	ln -sf ../lib/pillarbox/setup $(DESTDIR)$(PREFIX)/bin/setup
	install -m 644 $(wildcard docs/man/*.1) $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(wildcard docs/man/*.5) $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 644 $(wildcard docs/man/*.8) $(DESTDIR)$(PREFIX)/share/man/man8

-include docker/image.mk

.PHONY: clean help
clean:
	rm -rf build

help:
	@echo "make run      set up this machine, build, run in the foreground"
	@echo "make start    the same in the background; make stop ends it"
	@echo "make test     everything CI checks; make check the fast part"
	@echo "make SAN=1 .. with ASan and UBSan, in build/san"
	@echo "make bench    beside Postfix and Dovecot; make sizes, lint, fuzz"
	@echo "make image    the container image; make install DESTDIR= PREFIX="
