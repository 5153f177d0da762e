# Makefile for pg_tviews (PGXS)
#
# On a machine without PostgreSQL, `make demo` and `make test` work all the same: they go through
# scripts that install what is missing and then call make again, which finds it.

EXTENSION = pg_tviews pg_tviews_pgtap
DATA = $(wildcard sql/pg_tviews--*.sql sql/pg_tviews_pgtap--*.sql)

MODULE_big = pg_tviews
OBJS = $(sort $(patsubst %.c,%.o,$(wildcard src/*.c src/*/*.c)))
DEPS = $(OBJS:.o=.d)

PG_CPPFLAGS = -I$(srcdir)/src
# Header dependencies: PGXS tracks none by itself.
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
	-Werror -MMD -MP
# The server loads libraries with RTLD_GLOBAL: a name not hidden can bind to another extension's.
SHLIB_EXPORTS = exports.txt
EXTRA_CLEAN = $(DEPS)

# Bitcode for the JIT compiler needs clang and gains nothing here.
override with_llvm = no

.DEFAULT_GOAL = all

PG_CONFIG ?= pg_config
HEADER := $(wildcard $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)/postgres.h)
ifneq ($(HEADER),)
PGXS := $(shell $(PG_CONFIG) --pgxs)
-include $(PGXS)
-include $(DEPS)
else
all install:
	@echo "PostgreSQL's server headers are missing; as root, run tools/deps.sh" >&2; exit 1
clean:
	rm -f $(OBJS) $(DEPS) pg_tviews.so exports.list
endif

export PG_CONFIG
SECONDS ?= 60
# ARGS: more arguments for demo/run, bench/run, the fuzzer, or tools/test.sh (make test ARGS=regress).

.PHONY: demo test fuzz bench bench-quick indent indent-check lint test-versions test-cassert coverage

demo:
	@tools/deps.sh demo
	@+$(MAKE) -s all
	@+$(MAKE) -s install >/dev/null
	@demo/run $(ARGS)

test:
	@tools/test.sh $(ARGS)

# Random schemas, views and statements for SECONDS seconds, with a new seed each time.
fuzz:
	@tools/deps.sh test
	@+$(MAKE) -s all
	@+$(MAKE) -s install >/dev/null
	@tools/server.sh run -- /usr/bin/python3 test/diff/run.py --seconds $(SECONDS) --statements 1000000000 --reduce $(ARGS)

bench:
	@tools/deps.sh demo
	@+$(MAKE) -s all
	@+$(MAKE) -s install >/dev/null
	@bench/measure $(ARGS)

bench-quick:
	@$(MAKE) -s bench ARGS="--quick $(ARGS)"

indent:
	@tools/indent.sh

indent-check:
	@tools/indent.sh --check

lint: all
	@tools/check_layers.py
	@tools/check_symbols.sh
	@tools/indent.sh --check

test-versions:
	@tools/versions.sh $(ARGS)

test-cassert:
	@tools/cassert.sh $(ARGS)

coverage:
	@tools/coverage.sh $(ARGS)
