// SPDX-License-Identifier: GPL-2.0-or-later
/* The command kvm-aet: a table of verbs. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "verbs.h"

#ifndef KVM_AET_VERSION
#define KVM_AET_VERSION "unknown"
#endif

static const char list_help[] =
	"Usage: kvm-aet list [--json]\n"
	"\n"
	"List the VMs on this host, of whatever VMM. MEMORY needs the module.\n"
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

static const char main_help[] =
	"Usage: kvm-aet VERB [VM] [options]\n"
	"\n"
	"How much memory do running VMs need? Measured from outside the guest.\n"
	"\n"
	"Verbs:\n"
	"  list       the VMs on this host\n"
	"  wss VM     working-set size over time\n"
	"  mrc VM     miss-ratio curve: table, plot, JSON or SVG\n"
	"  selftest   does tracking work on this host, and what does it cost?\n"
	"\n"
	"Options:\n"
	"  --help     this text; 'kvm-aet VERB --help' for a verb\n"
	"  --version  the version\n"
	"\n"
	"Examples:\n"
	"  modprobe kvm-aet\n"
	"  kvm-aet selftest\n"
	"  kvm-aet list\n"
	"  kvm-aet wss web1\n"
	"  kvm-aet mrc web1 --output plot --svg web1.svg\n";

struct verb {
	const char *name;
	const char *help;
	int (*parse)(int argc, char **argv, struct options *ret_options);
	int (*run)(const struct options *options);
};

static const struct verb verbs[] = {
	{ "list", list_help, options_parse_list, verb_list },
	{ "wss", wss_help, options_parse_wss, verb_wss },
	{ "mrc", mrc_help, options_parse_mrc, verb_mrc },
	{ "selftest", selftest_help, options_parse_selftest, verb_selftest },
};

static int print_text(const char *text)
{
	(void)fputs(text, stdout);
	return verb_flush() ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
	struct options options;

	if (verb->parse(argc, argv, &options) < 0)
		return EXIT_STATUS_USAGE;
	if (options.is_help)
		return print_text(verb->help);
	return verb->run(&options);
}

int main(int argc, char **argv)
{
	size_t i;

	/* A closed pipe is reported as any other failed write. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		log_error(
			"which verb? list, wss, mrc or selftest: see 'kvm-aet --help'");
		return EXIT_STATUS_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    (strcmp(argv[1], "help") == 0 && argc == 2))
		return print_text(main_help);
	if (strcmp(argv[1], "--version") == 0)
		return print_text("kvm-aet " KVM_AET_VERSION "\n");
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(argv[1], verbs[i].name) == 0)
			return run_verb(&verbs[i], argc - 1, argv + 1);
	}
	log_error("unknown verb '%s': see 'kvm-aet --help'", argv[1]);
	return EXIT_STATUS_USAGE;
}
