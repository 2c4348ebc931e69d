#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# check-fakebench.sh FAKEBENCH
#
# What fakebench prints, refuses and finds. Two cases look into its memory
# through /proc and are skipped where that is not allowed.
set -u

fakebench=$1
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
passed=0
failed=0
skipped=0

pass() { passed=$((passed + 1)); }
skip() { echo "skipped: $1: $2"; skipped=$((skipped + 1)); }
fail() {
	echo "FAILED: $1" >&2
	sed 's/^/    /' "$work/out" "$work/err" >&2
	failed=$((failed + 1))
}

# run ARGS...: status in $status, output in $work/out and $work/err
run() {
	timeout 60 "$fakebench" "$@" >"$work/out" 2>"$work/err"
	status=$?
}

# start PATTERN ARGS...: in the background, until a line matches PATTERN
start() {
	until_line=$1
	shift
	# The child empties them too late: the last run's lines would match.
	: >"$work/out"
	: >"$work/err"
	"$fakebench" "$@" >>"$work/out" 2>>"$work/err" &
	pid=$!
	tries=0
	until grep -q "$until_line" "$work/out"; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || break
		sleep 0.1
	done
}

finish() {
	wait "$pid"
	status=$?
	pid=
}

may_look() { cat "/proc/$pid/smaps" >"$work/smaps" 2>/dev/null; }

# The mapping of $1 KiB that is private and anonymous: "start-end"
find_mapping() {
	awk -v kib="$1" '/^[0-9a-f]+-[0-9a-f]+ rw-p/ { range = $1 }
		$1 == "Size:" && $2 == kib { print range; exit }' "/proc/$pid/smaps"
}

# --- what it prints
run --list 300,700,20 --unit pages --max 900 --passes 5
sed 's/t=[0-9]*\.[0-9][0-9][0-9] /t=T /' "$work/out" >"$work/masked"
cat >"$work/expected" <<-'END'
	fakebench: t=T ready pages=900 page_bytes=4096 order=sequential access=load seed=1
	fakebench: t=T step=1 size_pages=300 begin
	fakebench: t=T step=1 size_pages=300 end passes=5 accesses=1500
	fakebench: t=T step=2 size_pages=700 begin
	fakebench: t=T step=2 size_pages=700 end passes=5 accesses=3500
	fakebench: t=T step=3 size_pages=20 begin
	fakebench: t=T step=3 size_pages=20 end passes=5 accesses=100
	fakebench: t=T done steps=3 checked_pages=900
END
if [ $status = 0 ] && cmp -s "$work/masked" "$work/expected" && [ ! -s "$work/err" ]; then
	pass
else
	fail "lines of a run by passes"
fi

run --list 2,1 --passes 1 --random --write --seed 9
if [ $status = 0 ] && grep -q 'order=random access=store seed=9' "$work/out" &&
	grep -q 'size_pages=512 end passes=1 accesses=512' "$work/out" &&
	grep -q 'size_pages=256 end' "$work/out"; then
	pass
else
	fail "MiB, random stores"
fi

run --list 1 --seconds 1 --idle 1
if [ $status = 0 ] && awk '{ sub("t=", "", $2) }
	/ready/ { ready = $2 } / begin/ { begin = $2 } / end / { end = $2 }
	END { exit !(begin - ready >= 0.999 && end - begin >= 0.999 && end - begin < 5) }' \
	"$work/out"; then
	pass
else
	fail "times of --idle and --seconds"
fi

echo go >"$work/go"
run --list 1 --passes 1 --wait <"$work/go"
if [ $status = 0 ] && grep -q ' done ' "$work/out"; then
	pass
else
	fail "--wait, with a line"
fi
run --list 1 --passes 1 --wait </dev/null
if [ $status = 1 ] && grep -q 'ready' "$work/out" && ! grep -q ' begin' "$work/out" &&
	grep -q 'no line on standard input' "$work/err"; then
	pass
else
	fail "--wait, without a line"
fi

run --list 30,70,20,40 --unit pages --passes 2 --free
if [ $status = 0 ] && grep -q 'ready pages=30 ' "$work/out" &&
	grep -q ' done steps=4 checked_pages=40$' "$work/out"; then
	pass
else
	fail "--free"
fi

# --- what it refuses: status 2, one line that says what, nothing on stdout
refuse() {
	wanted=$1
	shift
	run "$@"
	if [ $status = 2 ] && [ ! -s "$work/out" ] && [ "$(wc -l <"$work/err")" = 1 ] &&
		grep -q -- "^fakebench: .*$wanted" "$work/err"; then
		pass
	else
		fail "refuse $* (status $status)"
	fi
}
refuse 'no --list'
refuse 'either' --list 1
refuse 'either' --list 1 --passes 1 --seconds 1
refuse 'list: not a whole number' --list '' --passes 1
refuse 'list: not a whole number' --list 1,,2 --passes 1
refuse 'list: not a whole number' --list 1,2, --passes 1
refuse 'list: not a whole number' --list 0 --passes 1
refuse 'list: not a whole number' --list -1 --passes 1
refuse 'list: not a whole number' --list ' 1' --passes 1
refuse 'list: not a whole number' --list 1x --passes 1
refuse 'list: not a whole number' --list 99999999999999999999 --passes 1
refuse 'list: not a whole number' --list 9999999999999 --passes 1
refuse 'more than 256' --list "$(seq -s, 257)" --passes 1
refuse 'passes: not a whole number' --list 1 --passes 0
refuse 'passes: not a whole number' --list 1 --passes 1,2
refuse 'seconds: not a whole number' --list 1 --seconds 1.5
refuse 'idle: not a whole number' --list 1 --passes 1 --idle -5
refuse 'unit: neither' --list 1 --passes 1 --unit GiB
refuse 'free: not with --write' --list 1 --passes 1 --free --write
refuse 'max: less than' --list 3,2 --passes 1 --max 2
refuse 'max: not a whole number' --list 3,2 --passes 1 --max 5,6
refuse 'cannot understand --sizes' --sizes 3
refuse 'needs a value' --passes 1 --list
refuse 'unexpected argument: 7' --list 1 --passes 1 7

run --list 1 --passes 1 --max 67108864
if [ $status = 1 ] && grep -q 'cannot allocate' "$work/err"; then
	pass
elif [ $status = 0 ]; then
	fail "allocated 64 TiB"
else
	fail "more memory than there is (status $status)"
fi

if [ -w /dev/full ]; then
	timeout 60 "$fakebench" --list 1 --passes 1 >/dev/full 2>"$work/err"
	status=$?
	: >"$work/out"
	if [ $status = 1 ] && grep -q 'cannot write' "$work/err"; then
		pass
	else
		fail "full output device (status $status)"
	fi
else
	skip "full output device" "no /dev/full"
fi

# --- what it touches: the pages of the step and no others
start begin --list 8192 --max 20001 --unit pages --seconds 4
mapping=$(find_mapping 80004)
if ! may_look || ! echo 1 2>/dev/null >"/proc/$pid/clear_refs"; then
	kill "$pid"
	finish
	skip "touched pages" "no access to its /proc files"
elif [ -z "$mapping" ]; then
	kill "$pid"
	finish
	fail "touched pages: no mapping of 80004 KiB"
else
	sleep 1
	referenced=$(awk -v range="$mapping" '$1 == range { found = 1 }
		found && $1 == "Referenced:" { print $2; exit }' "/proc/$pid/smaps")
	finish
	# Entries that stayed in a TLB over the clearing are not marked again.
	if [ "$referenced" -le 32768 ] && [ "$referenced" -ge 24576 ]; then
		echo "touched: $referenced KiB of 80004, step of 32768"
		pass
	else
		fail "touched $referenced KiB in a step of 32768"
	fi
fi

# --- what it finds: one byte changed, $2 from the start
corrupt() {
	name=$1
	position=$2
	wanted=$3
	shift 3
	start ready --list 100 --max 2011 --unit pages --passes 1 --idle 2 "$@"
	mapping=$(find_mapping 8044)
	if ! may_look; then
		kill "$pid"
		finish
		skip "$name" "no access to its /proc files"
		return
	elif [ -z "$mapping" ]; then
		kill "$pid"
		finish
		fail "$name: no mapping of 8044 KiB"
		return
	fi
	offset=$((0x${mapping%-*} + position))
	if printf X | dd of="/proc/$pid/mem" bs=1 seek="$offset" conv=notrunc \
		2>/dev/null; then
		finish
		if [ $status = 1 ] && grep -q "corrupt $wanted" "$work/out" &&
			! grep -q ' done ' "$work/out"; then
			pass
		else
			fail "$name (status $status)"
		fi
	else
		kill "$pid"
		finish
		skip "$name" "cannot write its memory"
	fi
}
corrupt "changed page in the step" $((99 * 4096)) 'pages=1 loads=1 '
corrupt "changed page outside it" $((2010 * 4096)) 'pages=1 loads=0 '
corrupt "changed store count" $((50 * 4096 + 8)) \
	'pages=0 loads=0 stores_found=188 stores_done=100' --write

if readelf -l "$fakebench" | grep -q INTERP; then
	: >"$work/out"
	: >"$work/err"
	fail "not static"
else
	pass
fi

echo "fakebench: $passed passed, $failed failed, $skipped skipped"
if [ $failed -gt 0 ]; then
	echo "[  FAILED  ] $failed test(s)." >&2
	exit 1
fi
echo "[  PASSED  ] $passed test(s)."
