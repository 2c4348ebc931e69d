/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What test_verbs.c expects to the letter. The numbers follow from tick_test.c: at
 * 768 MiB, web1 of tick 3 is at (1 / 3) of its curve, times 20000 accesses/s.
 */
#ifndef TESTS_CONTROLLER_TEST_VERBS_GOLDEN_H
#define TESTS_CONTROLLER_TEST_VERBS_GOLDEN_H

static const char golden_top[] =
	"2026-01-02 03:04:25 +0000  policy mrc, 4 VMs: working sets 2.5 GiB of 6 GiB for VMs; host: 1 GiB of 8 GiB available, pressure 1.5%\n"
	"DOMAIN              WSS              95% BAND  CURRENT   TARGET  OVERHEAD   RATE  MISSES/S  STATE      VERDICT\n"
	"db1             512 MiB    480 MiB to 544 MiB    2 GiB  1.5 GiB     0.75%  1/128       200  stable     advise\n"
	"gpu1            > 1 GiB                     -    2 GiB    2 GiB     0.00%   1/64         -  tracked    refuse\n"
	"new\\x1b[2J<b>         -                     -    1 GiB    1 GiB         -      -         -  untracked  hold\n"
	"web1           1.12 GiB  1.09 GiB to 1.16 GiB  768 MiB    1 GiB     0.75%  1/128      6667  tracked    move\n";

static const char golden_top_misses[] =
	"2026-01-02 03:04:25 +0000  policy mrc, 4 VMs: working sets 2.5 GiB of 6 GiB for VMs; host: 1 GiB of 8 GiB available, pressure 1.5%\n"
	"DOMAIN              WSS              95% BAND  CURRENT   TARGET  OVERHEAD   RATE  MISSES/S  STATE      VERDICT\n"
	"web1           1.12 GiB  1.09 GiB to 1.16 GiB  768 MiB    1 GiB     0.75%  1/128      6667  tracked    move\n"
	"db1             512 MiB    480 MiB to 544 MiB    2 GiB  1.5 GiB     0.75%  1/128       200  stable     advise\n"
	"gpu1            > 1 GiB                     -    2 GiB    2 GiB     0.00%   1/64         -  tracked    refuse\n"
	"new\\x1b[2J<b>         -                     -    1 GiB    1 GiB         -      -         -  untracked  hold\n";

static const char golden_explain[] =
	"web1 at 2026-01-02 03:04:25 +0000 (tick 3): move, 1 GiB\n"
	"  because      grows by 256 MiB: its misses cost more than elsewhere\n"
	"  memory       has 768 MiB, told to have 768 MiB; from 256 MiB to 4 GiB\n"
	"  setting      weight 2, mode act\n"
	"  working set  1.12 GiB (1.09 GiB to 1.16 GiB), measured 1.5 s ago; tracked, one page in 128 sampled, overhead 0.75%\n"
	"  guest        90 MiB of 700 MiB usable, swaps in 40 KiB/s, 12.5 major faults/s\n"
	"  host         6 GiB for all VMs, 1 GiB available, pressure 1.5%\n"
	"  policy       mrc wants 1.12 GiB: worth more here; 5000 misses/s now, 300 then (at most 420)\n";

static const char golden_preview_grow[] =
	"web1, measured 1.5 s ago\n"
	"  now      768 MiB      6667 misses/s  (95%: 6286 to 7027)\n"
	"  then       2 GiB       200 misses/s  (95%: 200 to 200)\n"
	"  WSS     1.12 GiB  (95%: 1.09 GiB to 1.16 GiB)\n"
	"With 2 GiB (+1.25 GiB) it would miss about 6467 times per second less (6827 at most).\n";

static const char golden_preview_shrink[] =
	"db1, measured 1.5 s ago\n"
	"  now        2 GiB       200 misses/s  (95%: 200 to 200)\n"
	"  then     300 MiB      8281 misses/s  (95%: 7500 to 8971)\n"
	"  WSS      512 MiB  (95%: 480 MiB to 544 MiB)\n"
	"With 300 MiB (-1.71 GiB) it would miss about 8081 times per second more (8771 at most). That is less than its working set.\n";

static const char golden_replay[] =
	"6 ticks in 50 s; predicted by the recorded curves\n"
	"with default parameters for 2 of them, as the host's are not recorded\n"
	"POLICY      MISSES/S  VS RECORDED  WEIGHTED/S  MOVED  MOVES  BELOW MIN  OVER BUDGET\n"
	"(recorded)      6733      100.00%       13266  5 MiB      5        0 s          0 s\n"
	"static          6766      100.49%       13332    0 B      0        0 s          0 s\n";

static const char golden_wss[] =
	"TIME                                WSS                  95% BAND   MISSES/S  OVERHEAD  STATE\n"
	"2026-01-02 03:04:25 +0000      1.12 GiB      1.09 GiB to 1.16 GiB       6667     0.75%  tracked\n";

static const char golden_mrc[] =
	"        MEMORY         PAGES  MISS RATIO  95% BAND\n"
	"       0.0 MiB             0     100.00%  100.00% to 100.00%\n"
	"     864.0 MiB        221184      25.00%  22.86% to 27.03%\n"
	"    1728.0 MiB        442368       1.00%  1.00% to 1.08%\n"
	"WSS: 1.12 GiB (1.09 GiB to 1.16 GiB)\n";

#endif /* TESTS_CONTROLLER_TEST_VERBS_GOLDEN_H */
