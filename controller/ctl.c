// SPDX-License-Identifier: GPL-2.0-or-later
/* The command kvm-aet: a table of verbs. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control.h"
#include "log.h"
#include "verbs.h"

#ifndef KVM_AET_VERSION
#define KVM_AET_VERSION "unknown"
#endif

static const char list_help[] =
	"Usage: kvm-aet list [--json]\n"
	"\n"
	"List the VMs on this host, of whatever VMM. MEMORY needs the module; WSS,\n"
	"CURRENT, TARGET and MODE are shown while kvm-aetd runs.\n"
	"\n"
	"Options:\n"
	"  --json   one JSON object\n"
	"\n"
	"Examples:\n"
	"  kvm-aet list\n"
	"  kvm-aet list --json | jq '.vms[].name'\n";

#define TRACKING_HELP                                                                     \
	"VM is a PID, a name as shown by 'kvm-aet list', or PID:FD where a process has\n" \
	"several VMs.\n"                                                                  \
	"\n"                                                                              \
	"Options:\n"                                                                      \
	"  --rate 1/N        sample one page in N, 1 to 65536 (default 1/128)\n"          \
	"  --hot PAGES       hot set: sampled pages that run free, 64 to 65536\n"         \
	"                    (default 64)\n"                                              \
	"  --period SECONDS  length of a window, 0.01 to 86400 (default 5)\n"             \
	"  --miss-ratio R    tolerated miss ratio, 5% or 0.05 (default 5%)\n"             \
	"  --once            one window\n"                                                \
	"  --count N         N windows\n"                                                 \
	"  --follow          until interrupted or the VM exits\n"                         \
	"  --cumulative      every window starts when tracking started\n"                 \
	"  --json            one JSON object per line and window\n"

#define ADVANCED_HELP                                                                    \
	"\n"                                                                             \
	"Advanced options:\n"                                                            \
	"  --huge MODE       huge mappings: split while tracking (default), as-mapped\n" \
	"                    (left untracked), or coarse (track regions of 2 MiB)\n"     \
	"  --range START-END    guest-physical addresses to track, such as 1MiB-64MiB\n" \
	"  --flush-batch N      flush TLBs after N re-armed pages (default 64)\n"        \
	"  --salt N             choose this sample instead of a random one\n"

static const char wss_help[] =
	"Usage: kvm-aet wss VM [options]\n"
	"\n"
	"Show the working-set size of a VM, one line per period (--follow is the\n"
	"default): the smallest memory with a tolerable miss ratio.\n"
	"\n" TRACKING_HELP
	"  --csv             comma-separated values\n" ADVANCED_HELP "\n"
	"Examples:\n"
	"  kvm-aet wss web1\n"
	"  kvm-aet wss 4711 --rate 1/16 --period 2 --count 10\n"
	"  kvm-aet wss web1 --json | jq .wss_bytes\n";

static const char mrc_help[] =
	"Usage: kvm-aet mrc VM [options]\n"
	"\n"
	"Show the miss-ratio curve of a VM: which share of its page accesses misses, by\n"
	"size of memory. --once is the default.\n"
	"\n" TRACKING_HELP
	"  --output FORM     table (default), plot, json or svg\n"
	"  --svg FILE        also write an SVG file, mode 0600; replaced each window\n"
	"  --points N        points of a table (default 21) or of JSON (default 201)\n" ADVANCED_HELP
	"\n"
	"Examples:\n"
	"  kvm-aet mrc web1 --output plot\n"
	"  kvm-aet mrc web1 --period 60 --svg web1.svg\n"
	"  kvm-aet mrc 4711 --follow --cumulative --json\n";

static const char selftest_help[] =
	"Usage: kvm-aet selftest [--json]\n"
	"\n"
	"Check that tracking works on this host: creates a small VM, tracks it, compares\n"
	"what was recorded with what the VM did, and measures what a trap costs. Takes a\n"
	"few seconds and 32 MiB, and leaves other VMs alone. Exit status 0: all is well.\n"
	"\n"
	"Options:\n"
	"  --json   one JSON object\n"
	"\n"
	"Examples:\n"
	"  kvm-aet selftest\n"
	"  kvm-aet selftest --json | jq .trap_ns\n";

#define DAEMON_HELP "Needs kvm-aetd to run: systemctl start kvm-aetd\n\n"

static const char top_help[] =
	"Usage: kvm-aet top [options]\n"
	"\n"
	"Show live what VMs need and get. Keys: q quits, s sorts, h explains.\n"
	"\n" DAEMON_HELP "Options:\n"
	"  -b, --batch       no screen: print every tick\n"
	"  -n, --number N    in batch mode: N ticks, then end\n"
	"  --sort COLUMN     name (default), wss, current, misses or overhead\n"
	"  --json            in batch mode: one JSON object per line and tick\n"
	"\n"
	"Examples:\n"
	"  kvm-aet top\n"
	"  kvm-aet top --sort misses\n"
	"  kvm-aet top --batch -n 1\n"
	"  kvm-aet top --json -n 1 | jq '.vms[].name'\n";

static const char preview_help[] =
	"Usage: kvm-aet preview DOMAIN --memory SIZE [options]\n"
	"\n"
	"Say how much more, or less, a VM would miss if it had so much memory, before\n"
	"anyone gives it that.\n"
	"\n"
	"Options:\n"
	"  --memory SIZE     such as 512MiB or 2GiB\n"
	"  --recording FILE  from a recording, instead of from kvm-aetd\n"
	"  --live            measure now, for one period; DOMAIN is a VM as for wss\n"
	"  --rate, --hot, --period, --miss-ratio   with --live: as for wss\n"
	"  --json            one JSON object\n"
	"\n"
	"Examples:\n"
	"  kvm-aet preview web1 --memory 2GiB\n"
	"  kvm-aet preview web1 --memory 2GiB --live --period 30\n"
	"  kvm-aet preview web1 --memory 2GiB --json | jq .then.misses_per_s\n";

static const char explain_help[] =
	"Usage: kvm-aet explain DOMAIN [options]\n"
	"\n"
	"Say why a VM has the memory that it has: what was known, what was decided and\n"
	"why, and what other policies would want.\n"
	"\n"
	"Options:\n"
	"  -n, --number N    the last N decisions (default 1)\n"
	"  --recording FILE  from a recording, instead of from kvm-aetd\n"
	"  --json            one JSON object\n"
	"\n"
	"Examples:\n"
	"  kvm-aet explain web1\n"
	"  kvm-aet explain web1 -n 10\n"
	"  kvm-aet explain web1 --json | jq '.decisions[].vms[0].decision.reason'\n";

static const char set_help[] =
	"Usage: kvm-aet set DOMAIN [options]\n"
	"       kvm-aet set --host --mode MODE\n"
	"\n"
	"Say what is demanded for a VM. It is kept in the domain's libvirt metadata, where\n"
	"'virsh metadata' finds it, too. What is not named stays as it is.\n"
	"\n" DAEMON_HELP "Options:\n"
	"  --min SIZE     it never has less, such as 512MiB\n"
	"  --max SIZE     it never has more\n"
	"  --weight W     worth of its misses, compared with those of weight 1\n"
	"  --mode MODE    observe, advise (decide, but move nothing) or act\n"
	"  --clear        take all of these away\n"
	"  --host         about the host: no VM is in a higher mode. Until the daemon\n"
	"                 ends or reloads\n"
	"  --json         one JSON object\n"
	"\n"
	"Examples:\n"
	"  kvm-aet set web1 --min 512MiB --weight 2\n"
	"  kvm-aet set web1 --clear\n"
	"  kvm-aet set --host --mode act\n";

static const char record_help[] =
	"Usage: kvm-aet record -o FILE [-n N]\n"
	"       kvm-aet record start -o NAME\n"
	"       kvm-aet record stop\n"
	"\n"
	"Record what kvm-aetd sees and decides, for replay and report: to a file of one's\n"
	"own, from the next tick until interrupted; or have the daemon record, in its\n"
	"directory. Existing files are kept as FILE.1.\n"
	"\n" DAEMON_HELP "Options:\n"
	"  -o, --output FILE  mode 0600: it shows when guests used how much memory\n"
	"  -n, --number N     N ticks, then end\n"
	"  --json             one JSON object at the end\n"
	"\n"
	"Examples:\n"
	"  kvm-aet record -o monday.zst\n"
	"  kvm-aet record start -o monday.zst\n"
	"  kvm-aet record stop\n";

static const char replay_help[] =
	"Usage: kvm-aet replay FILE [options]\n"
	"\n"
	"Run policies on a recording and compare what they would have done: misses as the\n"
	"recorded curves predict them, memory moved, time below minima. VMs need what was\n"
	"recorded, whatever they get; balloons follow at once. FILE may be - for standard\n"
	"input.\n"
	"\n"
	"Options:\n"
	"  --policy NAME  mrc, feedback, nash, proportional, static or all (default)\n"
	"  --json         one JSON object\n"
	"\n"
	"Examples:\n"
	"  kvm-aet replay monday.zst\n"
	"  kvm-aet replay monday.zst --policy nash --json | jq '.runs[].misses'\n";

static const char report_help[] =
	"Usage: kvm-aet report FILE [options]\n"
	"\n"
	"Draw a recording: working sets and memory over time, miss-ratio curves, and how\n"
	"long memory lies idle. FILE may be - for standard input.\n"
	"\n"
	"Options:\n"
	"  -o, --output DIR  SVG files and index.html there, for their owner only\n"
	"  --terminal        as text (the default without -o)\n"
	"  --json            one JSON object: a summary of each VM\n"
	"\n"
	"Examples:\n"
	"  kvm-aet report monday.zst\n"
	"  kvm-aet report monday.zst -o monday\n";

static const char ctl_help[] =
	"Usage: kvm-aet ctl COMMAND [KEY=VALUE]...\n"
	"       kvm-aet ctl COMMAND '{\"KEY\": VALUE, ...}'\n"
	"\n"
	"Send a command to kvm-aetd and print its answer as JSON; after subscribe, also\n"
	"every tick, until interrupted. VALUE is JSON, or else a string.\n"
	"\n"
	"Commands:\n"
	"  query-status, query-tick, query-history uuid=UUID, subscribe,\n"
	"  set-mode mode=MODE, set-policy uuid=UUID [min-bytes=N] [max-bytes=N]\n"
	"  [weight=W] [mode=MODE], set-rate uuid=UUID inverse-rate=N, reload,\n"
	"  record-start path=NAME, record-stop, log-level level=LEVEL\n"
	"\n"
	"Exit status: 1 the command failed, 2 it is none, or its arguments are wrong.\n"
	"\n" DAEMON_HELP "Examples:\n"
	"  kvm-aet ctl query-status\n"
	"  kvm-aet ctl log-level level=debug\n";

static const char main_help[] =
	"Usage: kvm-aet [-c URI] VERB [VM] [options]\n"
	"\n"
	"How much memory do running VMs need? Measured from outside the guest.\n"
	"\n"
	"Verbs:\n"
	"  list             the VMs on this host\n"
	"  wss VM           working-set size over time\n"
	"  mrc VM           miss-ratio curve: table, plot, JSON or SVG\n"
	"  selftest         does tracking work on this host, and what does it cost?\n"
	"\n"
	"Verbs of the daemon, kvm-aetd:\n"
	"  top              live: what VMs need and get\n"
	"  preview DOMAIN   what another size of memory would cost\n"
	"  explain DOMAIN   why it has the memory that it has\n"
	"  set DOMAIN       minimum, maximum, weight, mode\n"
	"  record           to a file\n"
	"  replay FILE      what other policies would have done\n"
	"  report FILE      pictures of a recording\n"
	"  ctl COMMAND      any command to the daemon\n"
	"\n"
	"Options:\n"
	"  -c, --connect URI  the daemon's libvirt must be this one\n"
	"  --socket PATH      of the daemon (default " CONTROL_SOCKET ")\n"
	"  --help             this text; 'kvm-aet VERB --help' for a verb\n"
	"  --version          the version\n"
	"\n"
	"Examples:\n"
	"  modprobe kvm-aet\n"
	"  kvm-aet selftest\n"
	"  kvm-aet list\n"
	"  kvm-aet wss web1\n"
	"  kvm-aet mrc web1 --output plot --svg web1.svg\n"
	"  kvm-aet preview web1 --memory 2GiB\n";

struct verb {
	const char *name;
	const char *help;
	int (*parse)(int argc, char **argv, struct options *options);
	int (*run)(const struct options *options);
};

static const struct verb verbs[] = {
	{ "list", list_help, options_parse_list, verb_list },
	{ "wss", wss_help, options_parse_wss, verb_wss },
	{ "mrc", mrc_help, options_parse_mrc, verb_mrc },
	{ "selftest", selftest_help, options_parse_selftest, verb_selftest },
	{ "top", top_help, options_parse_top, verb_top },
	{ "preview", preview_help, options_parse_preview, verb_preview },
	{ "explain", explain_help, options_parse_explain, verb_explain },
	{ "set", set_help, options_parse_set, verb_set },
	{ "record", record_help, options_parse_record, verb_record },
	{ "replay", replay_help, options_parse_replay, verb_replay },
	{ "report", report_help, options_parse_report, verb_report },
	{ "ctl", ctl_help, options_parse_ctl, verb_ctl },
};

static int print_text(const char *text)
{
	(void)fputs(text, stdout);
	return verb_flush() ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
}

static int run_verb(const struct verb *verb, int argc, char **argv,
		    struct options *options)
{
	if (verb->parse(argc, argv, options) < 0)
		return EXIT_STATUS_USAGE;
	if (options->is_help)
		return print_text(verb->help);
	return verb->run(options);
}

int main(int argc, char **argv)
{
	struct options options;
	const char *word;
	int index;
	size_t i;

	/* A closed pipe is reported as any other failed write. */
	(void)signal(SIGPIPE, SIG_IGN);
	index = options_parse_global(argc, argv, &options);
	if (index < 0)
		return EXIT_STATUS_USAGE;
	if (index >= argc) {
		log_error("which verb? see 'kvm-aet --help'");
		return EXIT_STATUS_USAGE;
	}
	word = argv[index];
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
	    (strcmp(word, "help") == 0 && index + 1 == argc))
		return print_text(main_help);
	if (strcmp(word, "--version") == 0)
		return print_text("kvm-aet " KVM_AET_VERSION "\n");
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(word, verbs[i].name) == 0)
			return run_verb(&verbs[i], argc - index, argv + index,
					&options);
	}
	log_error("unknown verb '%s': see 'kvm-aet --help'", word);
	return EXIT_STATUS_USAGE;
}
