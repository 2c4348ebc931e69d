#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# check-man.sh BUILD_DIR INCLUDE_DIR
#
# Every exported function has a manual page, which says how to call it; groff
# has nothing to say about the pages; and mrc/mrc.h includes every header.
set -eu

build=$1
include=$2
pages=$build/man/man3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=

fail()
{
	echo "[  FAILED  ] manual pages: $*" >&2
	failed=y
}

# Without blanks and line breaks, of which pages have others.
squeezed()
{
	sed 's/\\-/-/g' "$@" | tr -d ' \t\n'
}

# The headers without comments.
for header in "$include"/mrc/*.h; do
	gcc -fpreprocessed -dD -E -P "$header"
done >"$work/headers"
squeezed "$work/headers" >"$work/code"

n=0
nm -D --defined-only --format=posix "$build/libmrc.so" |
	sed -n 's/^\([A-Za-z_0-9]*\)@*[^ ]* [^A].*/\1/p' >"$work/exported"
while read -r function; do
	[ -e "$pages/$function.3" ] || {
		fail "$function() has none"
		continue
	}
	page=$(sed -n 's/^\.so man3\///p' "$pages/$function.3")
	grep -q "^\.SS $function()" "$pages/$page" ||
		fail "$page does not describe $function()"
	declaration=$(grep -o "[*a-z_0-9]$function([^;]*;" "$work/code" | head -n 1)
	[ -n "$declaration" ] || fail "found no declaration of $function()"
	squeezed "$pages/$page" | grep -qF -e "$declaration" ||
		fail "$page does not say $declaration"
	n=$((n + 1))
done <"$work/exported"
[ $n -gt 0 ] || fail "nothing is exported"

for header in "$include"/mrc/*.h; do
	name=${header##*/}
	[ "$name" = mrc.h ] && continue
	grep -q "^#include <mrc/$name>" "$include/mrc/mrc.h" ||
		fail "mrc/mrc.h does not include $name: add it, and say what it is"
	grep -q "^\.BR mrc_${name%.h} (3)" "$pages/libmrc.3" ||
		fail "libmrc.3 does not name mrc_${name%.h}"
	grep -q "^mrc_${name%.h} \\\\- [^ ]" "$pages/mrc_${name%.h}.3" ||
		fail "mrc_${name%.h}.3 has no title"
done

if command -v groff >/dev/null; then
	for page in "$pages"/libmrc.3 "$pages"/mrc_*.3; do
		! grep -q '^\.so' "$page" || continue
		groff -man -Tutf8 -ww -z "$page" 2>>"$work/warnings"
	done
	if [ -s "$work/warnings" ]; then
		cat "$work/warnings" >&2
		fail "groff warns"
	fi
else
	echo "manual pages: groff is not installed, syntax not checked"
fi
[ -z "$failed" ] || exit 1
echo "manual pages: $n functions, each described"
echo "[  PASSED  ] 1 test(s)."
