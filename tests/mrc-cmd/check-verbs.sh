#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# check-verbs.sh MRC: every verb and form of output once, for valgrind.
set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

gen=gen:zipf:pages=500,writes=0.2
all=$(mrc curve --help | sed -n 's/^      \([a-z][-a-z]*\).*/\1/p' | paste -sd,)
shows '^  *PAGES  *aet' curve $gen -n 5k -a "$all"
shows '^zipf' wss $gen -n 5k -a "$all" --window 2k
shows '^"zipf' curve $gen -n 2k -a lru,aet --csv --log-x
shows '"format"' curve $gen -n 2k -a lru,aet -o c.json --json --svg c.svg
shows '"lower"' curve $gen -n 2k -a aet-sampled@0.1 --json --svg b.svg
shows 'lru$' curve $gen -n 2k -a lru --plot --unit bytes
shows 'opt' simulate $gen -n 2k -s 1-20 --threads 2
shows '^opt' simulate $gen -n 2k -s 20 --memory-ns 100 --miss-ns 1000
shows 'cold_misses' simulate $gen -n 2k -s 20 --json
shows '^input,' simulate $gen -n 2k -s 20 --csv --svg s.svg
shows '^lru' compare $gen -n 5k
shows 'mean_error' compare $gen -n 5k -a aet --json --reference c.json
shows '^input,' compare c.json --csv
shows ' W$' generate zipf:pages=10,writes=0.5+loop -n 200 --seed 3
shows '<svg' plot c.json --svg - --log-x
shows 'lru' plot c.json $gen -p all -a lru -s 1-20 -n 1k
mrc convert $gen -n 5k -o t.text 2>err
shows ' W$' convert t.text
mrc convert t.text --to u64 2>err | mrc convert - >back 2>err
holds 'u64 and back' sh -c "sed 's/W/R/' t.text | cmp - back"
holds 'generate u64' mrc generate zipf:pages=500 -n 5k --to u64 -o t.u64
zstd -q t.u64
shows '^t.u64.zst' curve t.u64.zst
refuses 1 "'t.u64' is a trace: make a curve of it with 'mrc curve --output FILE'" \
	convert t.u64 --to json
head -c 500 t.u64.zst >cut.zst
refuses 1 "'cut.zst' is cut off: its zstd data end too early" wss cut.zst
finish
