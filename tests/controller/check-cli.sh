#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# check-cli.sh KVM-AET: run the command as a user would and compare what it
# says, to the letter. Needs neither root nor the module; a host that has the
# module skips the cases about its absence.
set -u

command=$(realpath "$1") || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0

verdict() { # WHAT GOOD
	if [ "$2" = yes ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $1" >&2
		sed 's/^/  said: /' "$dir/err" >&2
	fi
}

# refuses STATUS MESSAGE ARGUMENT...: exactly this line on stderr, no output.
refuses() {
	status=$1
	printf 'kvm-aet: %s\n' "$2" >"$dir/expected"
	shift 2
	"$command" "$@" >"$dir/out" 2>"$dir/err"
	got=$?
	good=yes
	[ "$got" = "$status" ] || good=no
	[ -s "$dir/out" ] && good=no
	cmp -s "$dir/expected" "$dir/err" || good=no
	verdict "kvm-aet $* (status $got, expected $status and: $(cat "$dir/expected"))" $good
}

# shows PATTERN ARGUMENT...: status 0, the pattern on stdout, nothing on stderr.
shows() {
	pattern=$1
	shift
	"$command" "$@" >"$dir/out" 2>"$dir/err"
	got=$?
	good=yes
	[ "$got" = 0 ] || good=no
	[ -s "$dir/err" ] && good=no
	grep -q -- "$pattern" "$dir/out" || good=no
	verdict "kvm-aet $* (status $got, expected on stdout: $pattern)" $good
}

rate='expected 1/N or N, one page in N, N from 1 to 65536'
hot='expected a number of pages from 64 to 65536'
period='expected seconds from 0.01 to 86400, such as 5 or 0.5'
ratio='expected a percentage such as 5% or a fraction such as 0.05, from 0 to below 100%'
count='expected a number of periods, at least 1'
points='expected a number of points from 2 to 100000'
batch='expected a number of pages from 1 to 65536'
range='expected START-END in guest-physical bytes, multiples of 4096, such as 1MiB-64MiB'

refuses 2 "which verb? see 'kvm-aet --help'"
refuses 2 "unknown verb 'frob': see 'kvm-aet --help'" frob
refuses 2 "unknown verb '--frob': see 'kvm-aet --help'" --frob
refuses 2 "unknown verb 'a\\x1b[2Jb': see 'kvm-aet --help'" "$(printf 'a\033[2Jb')"
refuses 2 "unexpected argument 'web1': see 'kvm-aet list --help'" list web1
refuses 2 "unknown option '--rate': see 'kvm-aet list --help'" list --rate 1
refuses 2 "unexpected argument 'web1': see 'kvm-aet selftest --help'" selftest web1
refuses 2 "unknown option '--rate': see 'kvm-aet selftest --help'" selftest --rate 1
for verb in wss mrc; do
	refuses 2 "which VM? name it by PID or name, see 'kvm-aet list'" $verb
	refuses 2 "which VM? name it by PID or name, see 'kvm-aet list'" $verb ''
	refuses 2 "unexpected argument 'web2': see 'kvm-aet $verb --help'" $verb web1 web2
	refuses 2 "unknown option '--frob': see 'kvm-aet $verb --help'" $verb web1 --frob
	refuses 2 "unknown option '--frob=1': see 'kvm-aet $verb --help'" $verb web1 --frob=1
	refuses 2 "unknown option '-x': see 'kvm-aet $verb --help'" $verb -x web1
	refuses 2 "--rate needs a value: see 'kvm-aet $verb --help'" $verb web1 --rate
	refuses 2 "--json=1 takes no value: see 'kvm-aet $verb --help'" $verb web1 --json=1
	for bad in 0 1/0 65537 1/65537 -1 1/-1 0.5 1e3 '' ' 1' 12x 2/128; do
		refuses 2 "--rate '$bad': $rate" $verb web1 "--rate=$bad"
	done
	for bad in 0 63 65537 -64 64.5 '' lots; do
		refuses 2 "--hot '$bad': $hot" $verb web1 --hot "$bad"
	done
	for bad in 0 0.0 0.009 86401 -5 5s 1,5 '' nan; do
		refuses 2 "--period '$bad': $period" $verb web1 --period "$bad"
	done
	for bad in 1 5 100% 101% -5% 5%% '' nan five; do
		refuses 2 "--miss-ratio '$bad': $ratio" $verb web1 --miss-ratio "$bad"
	done
	for bad in 0 -1 1.5 '' 4294967296; do
		refuses 2 "--count '$bad': $count" $verb web1 --count "$bad"
	done
	for bad in 0 65537 x; do
		refuses 2 "--flush-batch '$bad': $batch" $verb web1 --flush-batch "$bad"
	done
	for bad in 1MiB 2MiB-1MiB 1MiB-1MiB 1-4096 0-1000 ''; do
		refuses 2 "--range '$bad': $range" $verb web1 --range "$bad"
	done
	refuses 2 "--huge 'whole': expected split, as-mapped or coarse" $verb web1 --huge whole
	refuses 2 "--salt '0': expected a number, at least 1" $verb web1 --salt 0
	refuses 2 '--once and --follow exclude each other' $verb web1 --once --follow
	refuses 2 '--once and --count exclude each other' $verb web1 --once --count 2
	refuses 2 '--follow and --count exclude each other' $verb web1 --count 2 --follow
done
refuses 2 '--json and --csv exclude each other' wss web1 --json --csv
refuses 2 '--json and --output exclude each other' mrc web1 --json --output plot
refuses 2 "unknown option '--svg': see 'kvm-aet wss --help'" wss web1 --svg x
refuses 2 "unknown option '--csv': see 'kvm-aet mrc --help'" mrc web1 --csv
refuses 2 "--output 'png': expected table, plot, json or svg" mrc web1 --output png
refuses 2 "--svg '-': expected a file; for standard output use --output svg" mrc web1 --svg -
refuses 2 "--svg '': expected a file" mrc web1 --svg ''
for bad in 0 1 100001 x; do
	refuses 2 "--points '$bad': $points" mrc web1 --points "$bad"
done
refuses 2 '--points needs --output table or json: a plot has its own' \
	mrc web1 --points 5 --output plot

refuses 2 "unknown option '--connec-t': see 'kvm-aet --help'" --connec-t x top
refuses 2 "-c needs a value: see 'kvm-aet --help'" -c
refuses 2 "--socket needs a value: see 'kvm-aet --help'" --socket
refuses 2 "--connect '': expected a file" -c '' top
refuses 2 "unexpected argument 'web1': see 'kvm-aet top --help'" top web1
refuses 2 "--sort 'size': expected name, wss, current, misses or overhead" top --sort size
refuses 2 "--number '0': expected a number, at least 1" top -b -n 0
for verb in preview explain; do
	refuses 2 "which domain? name it by its name or UUID, see 'kvm-aet list'" $verb
	refuses 2 "unexpected argument 'b': see 'kvm-aet $verb --help'" $verb a b
	refuses 2 "--recording '': expected a file" $verb a --recording ''
done
refuses 2 'how much memory would it have? say --memory, such as --memory 2GiB' preview a
for bad in 0 4095 -1 2GB '' lots; do
	refuses 2 "--memory '$bad': expected a size of at least 4KiB, such as 512MiB or 2GiB" \
		preview a --memory "$bad"
done
refuses 2 '--live and --recording exclude each other' \
	preview a --memory 1GiB --live --recording f
refuses 2 '--rate, --hot, --period and --miss-ratio are for --live: else nothing is measured' \
	preview a --memory 1GiB --rate 1/8
refuses 2 'what is to be set? say --min, --max, --weight or --mode, or --clear' set a
refuses 2 '--clear takes all settings away, and sets none' set a --clear --min 1GiB
refuses 2 '--min is above --max' set a --min 2GiB --max 1GiB
refuses 2 "--weight '0': expected a number above 0, such as 2 or 0.5" set a --weight 0
refuses 2 "--mode 'on': expected observe, advise or act" set a --mode on
for words in 'a --host --mode act' '--host' '--host --mode act --min 1GiB'; do
	# shellcheck disable=SC2086
	refuses 2 "--host takes --mode and nothing else: the rest of the host's settings are in /etc/kvm-aet/kvm-aet.conf" \
		set $words
done
refuses 2 'where to? say -o FILE, or start or stop for the daemon'"'"'s own recording' record
refuses 2 'record stop takes no -o' record stop -o f
refuses 2 "by what name? say record start -o NAME: a file in the daemon's directory" record start
refuses 2 "-n is for recordings of one's own, with -o" record start -o f -n 3
refuses 2 "--output '-': expected a file" record -o -
for verb in replay report; do
	refuses 2 'which recording? name its file, or - for standard input' $verb
	refuses 1 '/nonexistent: No such file or directory' $verb /nonexistent
	refuses 1 '/dev/null:1: not a recording of kvm-aet' $verb /dev/null
	printf '{"kvm_aet_recording":1}\n{"number":' >"$dir/empty"
done
refuses 1 "'$dir/empty' has less than two ticks: nothing to compare" replay "$dir/empty"
refuses 1 "'$dir/empty' has no tick: nothing to show" report "$dir/empty"
refuses 2 "--policy 'magic': expected mrc, feedback, nash, proportional, static or all" \
	replay f --policy magic
refuses 2 '--json and --terminal exclude each other' report f --json --terminal
refuses 2 "which command? such as 'kvm-aet ctl query-status': see 'kvm-aet ctl --help'" ctl
refuses 2 "argument 'x': expected KEY=VALUE, or one JSON object such as '{\"level\": \"debug\"}'" \
	ctl reload x
gone="the daemon is not running (no answer at $dir/none): start it: systemctl start kvm-aetd"
for words in 'explain a' 'record start -o f' 'record -o f' 'ctl reload' 'top -b'; do
	# shellcheck disable=SC2086
	refuses 1 "$gone" --socket "$dir/none" $words
done
refuses 1 "$gone; or without it: virsh -c 'qemu:///session' metadata 'a' --uri urn:kvm-aet:policy:1 --key kvm-aet --set '<policy min=\"1GiB\"/>'" \
	-c qemu:///session --socket "$dir/none" set a --min 1GiB

# Before tracking, and before the module is asked for.
refuses 1 "cannot write '$dir/none/x.svg': No such file or directory" \
	mrc web1 --svg "$dir/none/x.svg"
refuses 1 "cannot write '$dir': Is a directory" mrc web1 --svg "$dir"
refuses 1 "cannot write '/dev/null': it exists and is not a regular file" \
	mrc web1 --svg /dev/null

if [ -e /dev/kvm-aet ]; then
	echo 'skipped: 4 cases about the missing module, which is loaded here'
else
	absent="/dev/kvm-aet not found: load the module with 'modprobe kvm-aet'"
	refuses 1 "$absent" wss web1
	refuses 1 "$absent" mrc 1
	refuses 1 "$absent" mrc web1 --svg "$dir/x.svg"
	refuses 1 "$absent" selftest
fi
# The check of the file left nothing behind.
good=yes
for file in "$dir"/*.svg*; do
	[ -e "$file" ] && good=no
done
verdict 'no file left behind' $good

shows '^Usage: kvm-aet .-c URI. VERB' --help
shows '^Usage: kvm-aet .-c URI. VERB' help
shows '^kvm-aet [0-9]' --version
for verb in list wss mrc selftest top preview explain set record replay report ctl; do
	shows "^Usage: kvm-aet $verb" $verb --help
	shows '^Examples:' $verb -h
	# Help wins over what is wrong before it is reached. After the command of
	# ctl, words are its own.
	[ $verb = ctl ] || shows "^Usage: kvm-aet $verb" $verb web1 --help
done
# Without root there is a note that more may run; it is not an error.
if [ "$(id -u)" = 0 ]; then
	shows '^PID  *NAME  *VCPUS  *MEMORY  *RESIDENT$' list
	shows '"schema_version":1' list --json
fi

# completes WORDS... EXPECTED: what completion offers for the last of the words. A
# VM's name is anyone's, and must not be run.
completes() {
	expected=$1
	shift
	got=$(PATH="$dir/bin:$PATH" bash -c '
		. "$0"
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_kvm_aet
		echo "${COMPREPLY[*]}"' \
		"$(dirname "$0")/../../controller/dist/bash-completion" "$@")
	: >"$dir/err"
	[ "$got" = "$expected" ] && good=yes || good=no
	verdict "completion of $* ('$got', expected '$expected')" $good
}

mkdir "$dir/bin"
cat >"$dir/bin/kvm-aet" <<'END'
#!/bin/sh
echo 'PID  NAME'
echo '7    web1'
echo '8    $(touch pwned)`touch pwned`'
END
chmod +x "$dir/bin/kvm-aet"
completes 'list' kvm-aet li
completes 'record replay report' kvm-aet re
completes 'record' kvm-aet -c qemu:///system rec
completes 'web1' kvm-aet wss w
completes '--sort' kvm-aet top --so
completes 'misses' kvm-aet top --sort m
completes 'query-history' kvm-aet ctl query-h
completes '' kvm-aet wss web1 w
completes 'plot' kvm-aet mrc web1 --output p
completes 'qemu:///system' kvm-aet -c q
# shellcheck disable=SC2016
completes '\$\(touch' kvm-aet explain '$'
[ -e pwned ] && good=no || good=yes
verdict 'names of VMs are not run' $good

"$command" --help >/dev/full 2>"$dir/err"
[ $? = 1 ] && grep -q '^kvm-aet: cannot write to standard output: No space' "$dir/err" &&
	good=yes || good=no
verdict 'a full disk is reported' $good
# The reader of the pipe is gone before the writer starts.
{
	sleep 0.2
	"$command" --help 2>"$dir/err"
	echo $? >"$dir/status"
} | true
[ "$(cat "$dir/status")" = 1 ] &&
	grep -q '^kvm-aet: cannot write to standard output: Broken pipe' "$dir/err" &&
	good=yes || good=no
verdict 'a closed pipe is reported' $good

# What the help offers as an example is at least understood.
for verb in list wss mrc top preview explain set record replay report ctl; do
	"$command" $verb --help
done | sed -n 's/^  kvm-aet //p' | sed 's/ |.*//' >"$dir/examples"
while read -r example; do
	# shellcheck disable=SC2086
	(cd "$dir" && eval "timeout 5 '$command' $example" >out 2>err)
	[ $? -ne 2 ] && good=yes || good=no
	verdict "example: kvm-aet $example" $good
done <"$dir/examples"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
