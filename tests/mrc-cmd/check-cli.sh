#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# check-cli.sh MRC: run the command as a user would and compare what it says, to
# the letter.
set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

verbs='curve wss simulate compare generate convert plot'
which="which input? a file, - for standard input, or gen:WORKLOAD: see"

# The line itself.
refuses 2 "which verb? curve, wss, simulate, compare, generate, convert or plot: see 'mrc --help'"
refuses 2 "unknown verb 'frob': see 'mrc --help'" frob
refuses 2 "unknown verb 'a\\x1b[2Jb': see 'mrc --help'" $'a\033[2Jb'
refuses 2 "which workload? see 'mrc generate --help'" generate
for verb in curve wss compare convert plot; do
	refuses 2 "$which 'mrc $verb --help'" "$verb"
done
for verb in $verbs; do
	refuses 2 "unknown option '--frob': see 'mrc $verb --help'" "$verb" x --frob
	refuses 2 "unknown option '-x': see 'mrc $verb --help'" "$verb" -x x
	refuses 2 "--seed needs a value: see 'mrc $verb --help'" "$verb" x --seed
	refuses 2 "--quiet=1 takes no value: see 'mrc $verb --help'" "$verb" x --quiet=1
	for bad in -1 '' x 1.5 18446744073709551616; do
		refuses 2 "--seed '$bad': expected a number" "$verb" x --seed "$bad"
	done
	shows "^Usage: mrc $verb" "$verb" --help
	shows '^Examples:' "$verb" -h
	shows "^Usage: mrc $verb" "$verb" x --help
done
shows '^Usage: mrc VERB' --help
shows '^Usage: mrc VERB' help
shows '^mrc [0-9]' --version
refuses 2 'standard input can be read only once' curve - -
refuses 2 "unexpected argument 'y': see 'mrc convert --help'" convert x y
refuses 2 "unexpected argument 'y': see 'mrc generate --help'" generate x y

# Values of options.
sizes='expected rising sizes in pages or with KiB, MiB, GiB as memory, such as 1-100, 1k-10k/500 or 64MiB,1GiB'
for bad in '' 0 -1 x '1,' ',1' 2,1 1,1 10-5 1-5/0 5/2 1KiB 1000000000T 1-2-3 99999999999999999999; do
	refuses 2 "--sizes '$bad': $sizes" curve gen:scan --sizes "$bad"
done
refuses 2 "--sizes '1-100000': expected at most 65534 sizes" curve gen:scan -s 1-100000
refuses 2 'which sizes? such as --sizes 1-100 or --sizes 64MiB,1GiB' simulate gen:scan
refuses 2 '--sizes and --points exclude each other' curve gen:scan -s 1 --points 5
refuses 2 '--json, --csv and --plot exclude each other' curve gen:scan --json --csv
accesses='expected a number of accesses, such as 1M'
for bad in 0 -1 x '' 1m 1kk 99999999T; do
	refuses 2 "--limit '$bad': $accesses" curve gen:scan -n "$bad"
	refuses 2 "--window '$bad': $accesses" wss gen:scan --window "$bad"
done
for bad in 0 1 100001 x; do
	refuses 2 "--points '$bad': expected a number of points from 2 to 100000" \
		curve gen:scan --points "$bad"
done
for bad in 0 1025 x; do
	refuses 2 "--threads '$bad': expected a number from 1 to 1024" \
		simulate gen:scan -s 1 --threads "$bad"
done
refuses 2 "--miss-ratio '100%': expected percentages such as 5% or fractions such as 0.05, from 0 to below 100%, with commas between them, at most 8" \
	wss gen:scan --miss-ratio 100%
refuses 2 "--page-size '5000': expected a power of two in bytes, such as 4096 or 2MiB" \
	curve gen:scan --page-size 5000
refuses 2 "--format 'pcap': expected text, u64, csv, oracle-general, lackey or perf" \
	curve gen:scan --format pcap
refuses 2 "--to 'lackey': expected text, u64 or csv" generate scan --to lackey
refuses 2 "--unit 'frames': expected pages or bytes" curve gen:scan --unit frames
refuses 2 "--show 'all': expected miss-ratio, hit-ratio, warm-hit-ratio, hits, misses, write-backs or amat" \
	simulate gen:scan -s 1 --show all
refuses 2 'AMAT needs both --memory-ns and --miss-ns' simulate gen:scan -s 1 --miss-ns 5
refuses 2 'AMAT needs both --memory-ns and --miss-ns' simulate gen:scan -s 1 --show amat
refuses 2 "unknown algorithm 'frob': see 'mrc curve --help'" curve gen:scan -a aet,frob
refuses 2 "'lru@5': 'lru' takes no parameter" curve gen:scan -a lru@5
for bad in 0 2 1/0 -1 '' x; do
	refuses 2 "'shards@$bad': expected a sampling rate above 0 and up to 1, such as 0.01 or 1/100" \
		curve gen:scan -a "shards@$bad"
done
refuses 2 "unknown policy 'frob': see 'mrc simulate --help'" simulate gen:scan -s 1 -p lru,frob

# Workloads.
refuses 1 "unknown workload 'frob': see 'mrc generate --help'" generate frob
refuses 1 "workload 'loop' has no 'alpha': see 'mrc generate --help'" generate loop:alpha=1
refuses 1 "workload 'zipf' has no 'page': see 'mrc generate --help'" generate zipf:page=1
refuses 1 "workload 'loop': pages cannot be '0'" generate loop:pages=0
refuses 1 "workload 'loop': 'pages' is not KEY=VALUE" generate loop:pages
refuses 1 "workload 'loop': expected KEY=VALUE after , or :" generate loop:
refuses 1 "workload '80-20': a number is out of range: see 'mrc generate --help'" generate 80-20:hot=2
refuses 1 "workload 'phases' needs sizes=N-N-N..." generate phases
refuses 1 "workloads joined by / need accesses=N each" generate loop/scan
refuses 1 "workloads are joined either by + or by /" generate loop+scan/loop
refuses 1 "workloads cannot be joined: weight must be above 0" generate loop+scan:weight=0
mrc generate loop:pages=2,accesses=3/scan:first=100,accesses=2 -n 9 >out 2>err
[ "$(paste -sd' ' out)" = '0 R 1 R 0 R 100 R 101 R 1 R 0 R 1 R 102 R' ] && good=yes || good=no
verdict 'a sequence' $good
holds 'the same seed, the same trace' bash -c "cmp <('$command' generate zipf --seed 7) <('$command' generate zipf --seed 7)"
holds 'another seed, another trace' bash -c "! cmp -s <('$command' generate zipf --seed 7) <('$command' generate zipf --seed 8)"
mrc generate loop:pages=3 --skip 2 -n 2 >out 2>err
[ "$(paste -sd' ' out)" = '2 R 0 R' ] && good=yes || good=no
verdict 'skip and limit' $good

# Inputs that are not what they should be.
refuses 1 "cannot open 'none': No such file or directory" curve none
refuses 1 "cannot read '/': Is a directory" curve /
: >empty
refuses 1 "'empty' is empty" curve empty
refuses 1 "'standard input' is empty" curve -
zstd -q empty
refuses 1 "'empty.zst' is empty" curve empty.zst
echo '# nothing' >comment
refuses 1 "'comment' has no accesses" curve comment
printf '1\n2\n3\n' >three
refuses 1 "'three' has no more accesses than --skip" curve three --skip 3
shows 'accesses 3 to 3$' curve three --skip 2
printf '1\n2\nx\n' >bad
refuses 1 "'bad', line 3: $(mrc curve bad 2>&1 | sed 's/.*line 3: //')" curve bad
holds 'what is wrong in a line' bash -c "'$command' curve bad 2>&1 | grep -q \"line 3: .*; it is read as 'text', see --format\""
mrc curve bad --skip-bad >out 2>err &&
	grep -q "^mrc: note: 'bad': 1 bad records left out" err && good=yes || good=no
verdict 'bad records left out' $good
head -c 20 /dev/zero >half.u64
holds 'half a record' bash -c "'$command' curve half.u64 --format u64 2>&1 | grep -q \"'half.u64', record 3: \""
holds 'half a record is no result' bash -c "! '$command' curve half.u64 --format u64"
echo 99999999999999999999 >huge
holds 'a huge number' bash -c "'$command' curve huge 2>&1 | grep -q \"'huge', line 1: \""
printf '18446744073709551615\n0\n' >largest
shows '^  *PAGES' curve largest -a lru
holds 'hostile bytes' bash -c "head -c 100000 /dev/urandom >noise; '$command' curve noise --format text; [ \$? = 1 ]"
if [ "$(id -u)" != 0 ]; then
	: >secret
	chmod 0 secret
	refuses 1 "cannot open 'secret': Permission denied" curve secret
else
	echo "skipped: root can read any file"
fi

# CSV.
printf 'time,page,op\n1,7,R\n2,8,W\n3,7,R\n' >t.csv
mrc convert t.csv --column page --write-column op >out 2>err
[ "$(paste -sd' ' out)" = '7 R 8 W 7 R' ] && good=yes || good=no
verdict 'columns by name' $good
tail -n +2 t.csv | tr , ';' >t2.csv
mrc convert t2.csv --format csv --column 2 --separator ';' >out 2>err
[ "$(paste -sd' ' out)" = '7 R 8 R 7 R' ] && good=yes || good=no
verdict 'columns by number' $good
mrc curve t.csv --column none >out 2>err
[ $? = 1 ] && [ "$(wc -l <err)" = 1 ] && grep -q "^mrc: 't.csv', line 1: " err && good=yes || good=no
verdict 'a column that is not there' $good
printf 'a\nb\na\n' >names
shows 'accesses 1 to 3' curve names --format text --strings
printf '4096\n8191\n8192\n' >addresses
mrc convert addresses --addresses >out 2>err
[ "$(paste -sd' ' out)" = '1 R 1 R 2 R' ] && good=yes || good=no
verdict 'addresses' $good

# zstd, pipes, formats and their round trips.
mrc generate zipf:pages=2k,scatter=1,writes=0.3 -n 300k >t.text 2>err
zstd -q t.text
mrc curve t.text -a lru -s 1-9 2>err | tail -n +2 >a
for way in "'$command' curve t.text.zst" "cat t.text.zst | '$command' curve -" \
	"cat t.text | '$command' curve -" "(cat t.text | head -c 1; sleep 0.1; tail -c +2 t.text) | '$command' curve -" \
	"head -n 100k t.text | zstd -q >1.zst; tail -n +102401 t.text | zstd -q >2.zst; cat 1.zst 2.zst | '$command' curve -"; do
	holds "the same curve: $way" bash -c "$way -a lru -s 1-9 | tail -n +2 | cmp - a"
done
head -c 100000 t.text.zst >cut.zst
refuses 1 "'cut.zst' is cut off: its zstd data end too early" curve cut.zst
(head -c 50000 t.text.zst; head -c 100 /dev/urandom; tail -c +50101 t.text.zst) >damaged.zst
holds 'damaged zstd' bash -c "'$command' curve damaged.zst >out 2>err; [ \$? = 1 ] && [ ! -s out ] && grep -q \"^mrc: 'damaged.zst' is damaged: zstd says\" err"
holds 'rubbish behind zstd' bash -c "(cat t.text.zst; echo rubbish) | '$command' curve - >out 2>err; [ \$? = 1 ] && [ ! -s out ]"
for format in text csv; do
	holds "text to $format and back" bash -c "'$command' convert t.text --to $format | '$command' convert - --format $format --write-column \$([ $format = csv ] && echo write || echo 1) --column \$([ $format = csv ] && echo page || echo 1) | cmp - t.text"
done
holds 'u64 and back' bash -c "'$command' convert t.text --to u64 | '$command' convert - | cmp - <(sed 's/W/R/' t.text)"
refuses 1 'oracle-general needs the next access of each: it can be written only from the same format' \
	convert t.text --to oracle-general
refuses 1 "'t.text' is a trace: make a curve of it with 'mrc curve --output FILE'" convert t.text --to json

# Worked examples: OSTEP chapter 22, Belady's anomaly.
printf '0\n1\n2\n0\n1\n3\n0\n3\n1\n2\n1\n' >ostep
# 6 hits of 11 accesses, 4 of which are cold.
shows '^opt  *6  *5  *54.55%  *85.71% ' simulate ostep -s 3 --threads 1
shows '^fifo  *4  *7  *36.36%  *57.14% ' simulate ostep -s 3
shows '^lru  *6  *5 ' simulate ostep -s 3
printf '1\n2\n3\n4\n1\n2\n5\n1\n2\n3\n4\n5\n' >belady
mrc simulate belady -s 3,4 -p fifo --show misses >out 2>err
[ "$(tail -n 2 out | awk '{ print $2 }' | paste -sd' ')" = '9 10' ] && good=yes || good=no
verdict "Belady's anomaly" $good
mrc simulate gen:80-20:pages=100 -n 10k -s 90 -p lru --memory-ns 100 --miss-ns 10000000 --show amat >out 2>err
grep -q ' ms$\| us$' out && good=yes || good=no
verdict 'access time' $good
# P_hit 0.9: 0.9 * 100 ns + 0.1 * 10 ms = 1.00009 ms.
(for _ in 1 2 3 4 5 6 7 8 9 10; do echo 1; done) >ten
shows '^lru  *9  *1  *90.00%  *100.00%  *0  *1 ms$' simulate ten -s 1 -p lru --memory-ns 100 --miss-ns 10000000
# A loop of 50 pages: LRU never hits below 50, and always, but once a page, at 50.
mrc simulate gen:loop:pages=50 -n 10k -s 49,50 -p lru --show misses >out 2>err
[ "$(tail -n 2 out | awk '{ print $2 }' | paste -sd' ')" = '10000 50' ] && good=yes || good=no
verdict 'a loop under LRU' $good
mrc wss gen:loop:pages=50 -n 10k -a lru --csv >out 2>err
grep -q ',lru,0.05,50,$' out && good=yes || good=no
verdict 'its working set' $good
mrc wss gen:scan -n 10k -a lru --csv >out 2>err
grep -q ',lru,0.05,,[0-9]*$' out && good=yes || good=no
verdict 'a scan has only a lower bound' $good
mrc wss gen:phases:sizes=10-40,passes=50 -n 5k -a lru --window 500 --miss-ratio 10% --csv >out 2>err
[ "$(awk -F, '{ print $(NF - 1) }' out | paste -sd' ')" = 'wss_pages 10 40 40 40 40 10 40 40 40 40' ] && good=yes || good=no
verdict 'windows' $good
holds 'threads change nothing' bash -c "cmp <('$command' simulate gen:zipf:pages=1k -n 50k -s 1-40 --csv --threads 1) <('$command' simulate gen:zipf:pages=1k -n 50k -s 1-40 --csv --threads 3)"
holds 'SHARDS at rate 1 is exact' bash -c "'$command' compare gen:zipf:pages=1k -n 50k -a shards@1 --csv | grep -q ',shards@1,0,0,0,'"

# Curves.
mrc curve gen:zipf:pages=1k -n 20k -a aet,lru --json >two.json 2>err
mrc curve gen:loop:pages=300 -n 20k -a lru -o one.json >/dev/null 2>err
holds 'a curve and back' bash -c "'$command' convert one.json --to binary -o one.mrc && '$command' convert one.mrc | cmp - one.json"
refuses 1 "'two.json' has 2 curves: the binary form holds only one" convert two.json --to binary
refuses 1 "'one.json' is a curve: --to takes json or binary" convert one.json --to u64
refuses 1 'one curve alone cannot be compared: name another one, or --reference FILE' compare one.json
shows '^lru  *0.000000  *0.000000 .* -  *-$' compare one.json --reference one.mrc
head -c 100 one.json >cut.json
refuses 1 "'cut.json', byte 101: $(mrc plot cut.json 2>&1 | sed 's/.*byte 101: //')" plot cut.json
printf '{"a":1}{' >bad.json
holds 'not a curve' bash -c "'$command' plot bad.json >out 2>err; [ \$? = 1 ] && grep -q \"^mrc: 'bad.json', byte \" err"
head -c 60 one.mrc >cut.mrc
holds 'half a binary curve' bash -c "'$command' plot cut.mrc >out 2>err; [ \$? = 1 ] && [ ! -s out ] && grep -q \"^mrc: 'cut.mrc', byte \" err"
shows '^      x lru, zipf:pages=1k$' plot one.json two.json
shows '^scan: accesses 1 to 1000$' plot one.json gen:scan -n 1k
mrc plot - <two.json >out 2>err
grep -q '^      + lru$' out && good=yes || good=no
verdict 'curves from a pipe' $good

# Plots: no colours in a pipe; SVG that refers to nothing and is well-formed.
holds 'no escapes' bash -c "! '$command' plot two.json | grep -q \$'\\033'"
TERM=xterm script -qec "'$command' plot two.json" /dev/null </dev/null >out 2>err
grep -q $'\033\\[34m\\*' out && good=yes || good=no
verdict 'colours on a terminal' $good
NO_COLOR=1 TERM=xterm script -qec "'$command' plot two.json" /dev/null </dev/null >out 2>err
grep -q $'\033' out && good=no || good=yes
verdict 'NO_COLOR' $good
for columns in 1 40 80 200; do
	COLUMNS=$columns mrc plot two.json >out 2>err
	[ "$(wc -L <out)" -le $((columns < 40 ? 40 : columns)) ] && good=yes || good=no
	verdict "$columns columns" $good
done
ostep=(plot -p all -s 1-100 -n 10k gen:uniform:pages=100 gen:80-20:pages=100 gen:loop:pages=50)
holds 'the OSTEP picture' mrc "${ostep[@]}" --svg ostep.svg
policies=$(mrc simulate --help | sed -n '/--policies/,/--show/p' | grep -c '^      [a-z0-9]')
# A path for each policy in three plots and the legend, and one for each plot's axes.
[ "$(grep -c '<path' ostep.svg)" = $((4 * policies + 3)) ] && good=yes || good=no
verdict "curves in the OSTEP picture: $(grep -c '<path' ostep.svg), $policies policies" $good
grep -q 'http[^"]*w3.org' ostep.svg && [ "$(grep -c 'http\|href' ostep.svg)" = 1 ] && good=yes || good=no
verdict 'the picture is whole' $good
mrc curve gen:loop:pages=1k 'gen:zipf:pages=1k' -n 5k --svg - --log-x --unit bytes >log.svg 2>err
mrc plot $'a<&>"\033.json' >out 2>err
if command -v xmllint >/dev/null; then
	cp two.json $'x<&>"\033.json'
	sed -i '/"name"\|"algorithm"/d' $'x<&>"\033.json'
	mrc plot $'x<&>"\033.json' --svg hostile.svg 2>err
	for svg in ostep.svg log.svg hostile.svg; do
		holds "$svg is XML" xmllint --noout --nonet $svg
	done
else
	echo "skipped: no xmllint (package libxml2-utils)"
fi
if command -v jq >/dev/null; then
	for line in "wss gen:zipf -n 5k --json" "simulate gen:zipf -n 5k -s 1-9 --json" \
		"compare gen:zipf -n 5k --json" "curve gen:zipf -n 5k -s 1-9 --json"; do
		# shellcheck disable=SC2086 # words
		holds "$line is JSON" bash -c "'$command' $line | jq -es 'length == 1'"
	done
	cp t.csv $'b"\\\xff\n.csv'
	holds 'a hostile name in JSON' bash -c "'$command' wss --column page \$'b\"\\\\\\xff\\n.csv' --json | jq -e .input"
else
	echo "skipped: no jq"
fi

# Where output goes wrong.
for line in "--help" "curve --help" "curve gen:loop --csv" "curve gen:loop" \
	"generate scan -n 100" "generate scan" "simulate gen:loop -n 1k -s 1-9 --json"; do
	# shellcheck disable=SC2086 # words
	mrc $line >/dev/full 2>err
	[ $? = 1 ] && [ "$(cat err)" = 'mrc: cannot write to standard output: No space left on device' ] &&
		good=yes || good=no
	verdict "a full disk: $line" $good
	# shellcheck disable=SC2086 # words
	{
		sleep 0.1
		mrc $line 2>err
		echo $? >status
	} | true
	[ "$(cat status)" = 141 ] && [ ! -s err ] && good=yes || good=no
	verdict "a closed pipe: $line (status $(cat status))" $good
done
holds 'an endless trace ends with its reader' bash -c "'$command' generate scan -n 1000G | head -n 1 | grep -q '^0 R'"
refuses 1 "cannot write 'none/x': No such file or directory" generate scan -o none/x
refuses 1 "cannot write '/dev/null': it exists and is not a regular file" generate scan -o /dev/null
refuses 1 "cannot write '.': Is a directory" curve gen:scan --svg .
echo old >kept
mrc convert bad -o kept >out 2>err
[ $? = 1 ] && [ "$(cat kept)" = old ] && good=yes || good=no
verdict 'a file is kept if its successor fails' $good
timeout 60 "$command" generate scan -n 1000G -o kept 2>err &
sleep 0.5
[ -n "$(find . -name 'kept.*')" ] && good=yes || good=no
verdict 'a file grows beside the old one' $good
kill -TERM $!
wait $! 2>/dev/null
status=$?
[ $status = 143 ] && [ "$(cat kept)" = old ] &&
	[ -z "$(find . -name 'kept.*')" ] && [ ! -s err ] && good=yes || good=no
verdict "interrupted (status $status): nothing is left" $good
(umask 027; mrc generate scan -n 1 -o masked 2>err)
[ "$(stat -c %a masked)" = 640 ] && good=yes || good=no
verdict 'the umask holds' $good
script -qec "'$command' generate scan -n 5 --to u64" /dev/null </dev/null >out 2>err
grep -q 'this is not text: it is not written to a terminal' out && good=yes || good=no
verdict 'no bytes to a terminal' $good
# Progress: on a terminal alone, after a second, and wiped.
holds 'progress' bash -c "script -qec \"timeout -s INT 3 '$command' curve gen:uniform:pages=10M -n 100G\" /dev/null </dev/null | grep -q 'M accesses, .* M/s'"
holds 'no progress' bash -c "timeout -s INT 2 '$command' curve gen:uniform:pages=10M -n 100G 2>err; [ ! -s err ]"

# What the help and the manual offer as examples works.
for verb in '' $verbs; do
	# shellcheck disable=SC2086 # none or one word
	mrc $verb --help
done 2>err | sed -n 's/^  \(mrc .*\|printf .*\)/\1/p' >examples
man=$here/../../libmrc/cmd/mrc.1
sed -n '/^\.SH EXAMPLES/,/^\.SH SEE/p' "$man" | sed -n '/^\.RS/,/^\.RE/p' |
	grep -v '^\.' | sed 's/\\-/-/g; s/\\e$/\\/' >manual
sed -i ':a; /\\$/N; s/\\\n *//; ta' manual
command -v valgrind >/dev/null || sed -i '/^valgrind/d' manual
mkdir bin
ln -s "$command" bin/mrc
# "mrc" from here on is the command.
unset -f mrc
cat examples manual | awk '!seen[$0]++' >all
while read -r example; do
	(PATH=$dir/bin:$PATH; bash -o pipefail -c "$example") >out 2>err </dev/null
	status=$?
	[ $status = 0 ] && { [ -s out ] || grep -q 'svg\|-o\|>' <<<"$example"; } &&
		good=yes || good=no
	verdict "example (status $status): $example" $good
done <all
if command -v mandoc >/dev/null; then
	holds 'the manual page' mandoc -Tlint "$man"
else
	echo "skipped: no mandoc"
fi
finish
