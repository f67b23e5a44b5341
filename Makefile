# Pillarbox. `make run` builds and runs it, `make test` proves it, `make help`
# lists the rest. One file, wildcard sources: a new .c file needs no edit here.

BUILD ?= build
CC ?= gcc
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
# foreign libraries it may use. tests/tools/linkmap checks the built programs
# against this table.
LIBS := service store conf mail wire io core
LIBFILES = $(LIBS:%=$(BUILD)/lib/%.a)

PROGRAMS := pillarbox setup keys resolver auth dkim relay deliver queue imap \
	login smtp

DIR_pillarbox := supervisor
DIR_setup := setup
$(foreach p,keys resolver auth dkim relay deliver queue imap login smtp,\
	$(eval DIR_$(p) := services/$(p)))

USE_pillarbox := -luv -lyaml
USE_setup := -lyaml -lsqlite3 -lcrypt -lcrypto -lssl
USE_keys := -luv -lcrypto
USE_resolver := -luv -lunbound
USE_auth := -luv -lcrypt -lsodium -lcrypto
USE_dkim := -luv -lcrypto -lidn2
USE_relay := -luv -lssl -lcrypto -lidn2
USE_deliver := -luv -lsqlite3
USE_queue := -luv -lsqlite3
USE_imap := -luv -lsqlite3
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

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# --- running ---------------------------------------------------------------
.PHONY: deps run start stop
deps:
	@tools/deps build

run: deps
	@$(MAKE) --no-print-directory build
	@tools/instance $(BUILD)/bin $(RUN_DIR) $(PORT_BASE) run

start: build
	@tools/instance $(BUILD)/bin $(RUN_DIR) $(PORT_BASE) start

stop:
	@tools/instance $(BUILD)/bin $(RUN_DIR) $(PORT_BASE) stop

# --- unit tests ------------------------------------------------------------
# Each tests/unit/test_NOUN.c is one cmocka program. A test of a service's
# internals names the objects it needs in a line "// objects: services/x/y.c".
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
UNIT_USE := -lcmocka -luv -lssl -lcrypto -lyaml -lsqlite3 -lcrypt -lsodium -lidn2

unit_objects = $(addprefix $(BUILD)/obj/,$(shell \
	sed -n 's|^// objects: ||p' tests/unit/$(1).c | sed 's/[.]c\b/.o/g'))

.SECONDEXPANSION:
$(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $(LIBFILES) $$(call unit_objects,$$*)
	@mkdir -p $(@D)
	@echo "link test $*"
	@$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(LIBFILES) -Wl,--end-group $(UNIT_USE) -lpthread

.PHONY: unit
unit: $(UNIT)
	@set -e; for t in $(UNIT); do echo "== $$t"; $$t; done

.PHONY: clean
clean:
	rm -rf build
