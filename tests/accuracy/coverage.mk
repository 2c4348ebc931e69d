# SPDX-License-Identifier: GPL-2.0-or-later
#
# make -f coverage.mk [O=dir] check    how often libmrc's confidence bands hold the
#                                      exact curve; half a minute or two

SRC := $(dir $(realpath $(lastword $(MAKEFILE_LIST))))
TOP := $(abspath $(SRC)../..)
O ?= $(TOP)/build/tests/accuracy
override O := $(abspath $(O))
CFLAGS ?= -O2 -g

COVERAGE_CFLAGS := -std=gnu11 -Wall -Wextra -Wshadow -Werror \
	-I$(TOP)/libmrc/include -I$(TOP)/tests/bench-mrc

all: $(O)/coverage

$(O)/libmrc/libmrc.a: FORCE
	@$(MAKE) -s --no-print-directory -C $(TOP)/libmrc O=$(O)/libmrc \
		CFLAGS="$(CFLAGS)" static

$(O)/coverage: $(SRC)coverage.c $(TOP)/tests/bench-mrc/traces.c $(O)/libmrc/libmrc.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(COVERAGE_CFLAGS) -o $@ $^ -lcmocka -lm -pthread

check: all
	@$(O)/coverage

FORCE:
.PHONY: all check FORCE
.DELETE_ON_ERROR:
