# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What the tests of the command line share. Sets $dir, an empty directory, and
# goes there. $command is the command to test.

command=$(realpath "$1") || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
passed=0
failed=0

# mrc ARGUMENT...: the command, below $MRC_WRAPPER if there is one.
mrc()
{
	# shellcheck disable=SC2086 # several words, or none
	${MRC_WRAPPER:-} "$command" "$@"
}

verdict() # WHAT GOOD
{
	if [ "$2" = yes ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $1" >&2
		sed 's/^/  said: /' err >&2
	fi
}

# holds WHAT COMMAND...: a verdict by exit status.
holds()
{
	what=$1
	shift
	if "$@" >out 2>err; then
		verdict "$what" yes
	else
		verdict "$what" no
	fi
}

# refuses STATUS MESSAGE ARGUMENT...: exactly this line on stderr, no output.
refuses()
{
	status=$1
	printf 'mrc: %s\n' "$2" >expected
	shift 2
	mrc "$@" >out 2>err </dev/null
	got=$?
	good=yes
	[ "$got" = "$status" ] || good=no
	[ -s out ] && good=no
	cmp -s expected err || good=no
	verdict "mrc $* (status $got, expected $status and: $(cat expected))" $good
}

# shows PATTERN ARGUMENT...: status 0, the pattern on stdout, nothing on stderr.
shows()
{
	pattern=$1
	shift
	mrc "$@" >out 2>err </dev/null
	got=$?
	good=yes
	[ "$got" = 0 ] || good=no
	[ -s err ] && good=no
	grep -q -e "$pattern" out || good=no
	verdict "mrc $* (status $got, expected on stdout: $pattern)" $good
}

finish()
{
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}
