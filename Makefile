# SPDX-License-Identifier: GPL-2.0-or-later
#
# make demo      track a Linux guest in an emulated host; needs root, Debian 12
# make check     all tests; "make check-PART" for one, see scripts/check --help
# make kunit     the module's KUnit tests, in User Mode Linux
# make bench     what libmrc costs, beside straightforward programs, what the module
#                costs, in instructions, and what decisions about 1000 VMs cost;
#                bench-libmrc, bench-module, bench-controller
# make           the module for the running kernel, libmrc and its command mrc, the
#                command kvm-aet
# make install   all of these; DESTDIR, PREFIX
# make deb       Debian packages of the tracked files, in build/deb

PREFIX ?= /usr/local

all: module libmrc controller

module:
	$(MAKE) -C kvm-aet

libmrc controller:
	$(MAKE) -C $@

install: all
	$(MAKE) -C kvm-aet install
	$(MAKE) -C libmrc install PREFIX=$(PREFIX)
	$(MAKE) -C controller install PREFIX=$(PREFIX)

deb:
	@scripts/deb

demo:
	@scripts/demo

check:
	@scripts/check

check-%:
	@scripts/check $*

kunit:
	@scripts/kunit

bench: bench-libmrc bench-module bench-controller

bench-libmrc:
	@scripts/bench-mrc

bench-module:
	@scripts/bench

bench-controller:
	@$(MAKE) -s -C tests/bench-controller run

clean:
	rm -rf build

.PHONY: all module libmrc controller install deb demo check kunit bench \
	bench-libmrc bench-module bench-controller clean
