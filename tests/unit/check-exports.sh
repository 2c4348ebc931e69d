#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# check-exports.sh LIBRARY INCLUDE_DIR
#
# The shared library exports exactly the functions that the public headers
# declare. Needs gcc, whose -aux-info lists declarations with their file.
set -eu

library=$1
include=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for header in "$include"/mrc/*.h; do
	echo "#include <mrc/${header##*/}>"
done >"$work/all.c"
gcc -std=c11 -I"$include" -fsyntax-only -aux-info "$work/declarations" "$work/all.c"
grep -F "/* $include/mrc/" "$work/declarations" |
	sed -n 's/.*\*\/ extern .*[ *]\([A-Za-z_0-9]*\) (.*/\1/p' |
	sort -u >"$work/declared"
nm -D --defined-only --format=posix "$library" |
	sed -n 's/^\([A-Za-z_0-9]*\)@*[^ ]* [^A].*/\1/p' | sort -u >"$work/exported"

if [ ! -s "$work/declared" ]; then
	echo "[  FAILED  ] exports: found no declarations in $include/mrc" >&2
	exit 1
fi
if ! diff -u "$work/declared" "$work/exported" >&2; then
	echo "[  FAILED  ] exports: - declared only, + exported only" >&2
	exit 1
fi
echo "exports: $(wc -l <"$work/declared") functions, each declared and exported"
echo "[  PASSED  ] 1 test(s)."
