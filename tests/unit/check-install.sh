#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# check-install.sh LIBMRC_DIR BUILD_DIR
#
# Install into an empty tree and build every example from it alone, through
# pkg-config, against the shared and the static library; run them.
set -eu

source=$1
build=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

make -s --no-print-directory -C "$source" O="$build" DESTDIR="$root" PREFIX=/opt/mrc install
export PKG_CONFIG_PATH="$root/opt/mrc/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"
flags=$(pkg-config --cflags --libs libmrc)
static_flags=$(pkg-config --cflags --libs --static libmrc)

n=0
for example in "$source"/examples/*.c; do
	# The flags are several words.
	# shellcheck disable=SC2086
	gcc -std=c11 -Wall -Wextra -Werror -o "$root/shared" "$example" $flags
	# shellcheck disable=SC2086
	gcc -std=c11 -static -o "$root/static" "$example" $static_flags
	LD_LIBRARY_PATH=$root/opt/mrc/lib "$root/shared" >"$root/shared.out"
	"$root/static" >"$root/static.out"
	cmp "$root/shared.out" "$root/static.out"
	[ -s "$root/shared.out" ]
	n=$((n + 1))
done

make -s --no-print-directory -C "$source" O="$build" DESTDIR="$root" PREFIX=/opt/mrc uninstall
left=$(find "$root/opt" -type f -o -type l)
if [ -n "$left" ]; then
	echo "[  FAILED  ] install: uninstall left $left" >&2
	exit 1
fi
echo "install: $n examples built from the installed tree, shared and static"
echo "[  PASSED  ] 1 test(s)."
