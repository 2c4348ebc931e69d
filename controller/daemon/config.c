// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <ini.h>
#include <linux/kvm_aet.h>

#include "args.h"
#include "cleanup.h"
#include "daemon/control.h"
#include "text.h"
#include "units.h"

/* Files of people; anything larger is not one. */
#define CONFIG_MAX_FILE_BYTES (1 << 20)

/* Of a line, with its newline; the longest is a key and a path. */
#define CONFIG_MAX_LINE_BYTES 1024

enum config_type {
	CONFIG_STRING, /* of one line, not empty */
	CONFIG_PATH, /* absolute */
	CONFIG_FILE_NAME,
	CONFIG_ADDRESS,
	CONFIG_MODE,
	CONFIG_POLICY,
	CONFIG_RULE,
	CONFIG_HUGE,
	CONFIG_SIZE,
	CONFIG_UINT,
	CONFIG_U16,
	CONFIG_U32,
	CONFIG_U64,
	CONFIG_DECIMAL,
	CONFIG_RATIO,
	CONFIG_PERIOD,
};

/**
 * struct config_key - a key
 * @section: in which
 * @name: of it
 * @type: of the field in struct config at @offset
 * @offset: see above
 * @none: word for 0 or NULL; NULL: neither is possible
 * @min: of numbers
 * @max: of numbers
 * @expected: for people; a format of @min and @max
 */
struct config_key {
	const char *section;
	const char *name;
	enum config_type type;
	size_t offset;
	const char *none;
	double min;
	double max;
	const char *expected;
};

#define AT(field) offsetof(struct config, field)
#define GIB ((double)(1 << 30))
#define MAX_SIZE (GIB * (1 << 20))

#define SECONDS "seconds from 0.01 to 86400, such as 5 or 0.5"
#define PATH "an absolute path of %.0f to %.0f bytes"
#define TICKS "a number of periods from %.0f to %.0f"
#define POSITIVE "a decimal number above 0, such as 0.5"
#define FRACTION \
	"a fraction above 0 and at most 1 such as 0.25, or a percentage"

/* The least that is above 0 in nine decimals. */
#define TINY 1e-9

static const struct config_key config_keys[] = {
	{ "libvirt", "uri", CONFIG_STRING, AT(uri), NULL, 0, 0,
	  "a libvirt URI such as qemu:///system" },
	{ "libvirt", "stats-period", CONFIG_UINT, AT(stats_period_s), NULL, 1,
	  3600, "whole seconds from %.0f to %.0f" },
	{ "libvirt", "busy-timeout", CONFIG_PERIOD, AT(busy_ns), NULL, 0, 0,
	  SECONDS },

	{ "host", "mode", CONFIG_MODE, AT(mode), NULL, 0, 0,
	  "observe, advise or act" },
	{ "host", "budget", CONFIG_SIZE, AT(budget_bytes), "auto", GIB / 1024,
	  MAX_SIZE, "auto or a size such as 48GiB" },
	{ "host", "reserve", CONFIG_SIZE, AT(reserve_bytes), NULL, 0, MAX_SIZE,
	  "a size such as 2GiB" },
	{ "host", "default-min", CONFIG_SIZE, AT(default_min_bytes), "auto",
	  VIEW_PAGE_BYTES, MAX_SIZE, "auto or a size such as 512MiB" },
	{ "host", "default-min-ratio", CONFIG_RATIO, AT(default_min_ratio),
	  NULL, TINY, 1, FRACTION },

	{ "tracking", "period", CONFIG_PERIOD, AT(tracker.period_ns), NULL, 0,
	  0, SECONDS },
	{ "tracking", "miss-ratio", CONFIG_RATIO, AT(tracker.miss_ratio), NULL,
	  0, 1 - TINY,
	  "a percentage such as 5%% or a fraction such as 0.05, below 100%%" },
	{ "tracking", "rate-rule", CONFIG_RULE, AT(tracker.rate.rule), NULL, 0,
	  0, "overhead, references or fixed" },
	{ "tracking", "overhead-budget", CONFIG_RATIO,
	  AT(tracker.rate.budget_ratio), NULL, TINY, 0.5,
	  "a percentage such as 1%% or a fraction such as 0.01, at most 50%%" },
	{ "tracking", "fault-ratio", CONFIG_RATIO, AT(tracker.rate.fault_ratio),
	  NULL, TINY, 1, FRACTION },
	{ "tracking", "rate-step", CONFIG_U32, AT(tracker.rate.step), NULL, 1,
	  KVM_AET_MAX_INVERSE_RATE, "a number from %.0f to %.0f" },
	{ "tracking", "min-samples", CONFIG_U64, AT(tracker.rate.min_samples),
	  NULL, 1, 1e9, "a number of accesses from %.0f to %.0f" },
	{ "tracking", "min-inverse-rate", CONFIG_U32,
	  AT(tracker.rate.min_inverse_rate), NULL, 1, KVM_AET_MAX_INVERSE_RATE,
	  "a number from %.0f to %.0f, as one page in so many" },
	{ "tracking", "max-inverse-rate", CONFIG_U32,
	  AT(tracker.rate.max_inverse_rate), NULL, 1, KVM_AET_MAX_INVERSE_RATE,
	  "a number from %.0f to %.0f, as one page in so many" },
	{ "tracking", "stable-periods", CONFIG_UINT,
	  AT(tracker.rate.stable_periods), "never", 1, 1e6,
	  "never or a number of periods from %.0f to %.0f" },
	{ "tracking", "stable-change", CONFIG_RATIO,
	  AT(tracker.rate.stable_change), NULL, 0, 1,
	  "a fraction from 0 to 1 such as 0.05, or a percentage" },
	{ "tracking", "probe-periods", CONFIG_UINT,
	  AT(tracker.rate.probe_periods), NULL, 2, 1e6, TICKS },
	{ "tracking", "hot-pages", CONFIG_U32, AT(tracker.hot_pages), NULL,
	  KVM_AET_MIN_HOT_PAGES, KVM_AET_MAX_HOT_PAGES,
	  "a number of pages from %.0f to %.0f" },
	{ "tracking", "huge", CONFIG_HUGE, AT(tracker.huge_mode), NULL, 0, 0,
	  "split, as-mapped or coarse" },
	{ "tracking", "rotate-passes", CONFIG_U32, AT(tracker.rotate_passes),
	  "never", KVM_AET_MIN_ROTATE_PASSES, KVM_AET_MAX_ROTATE_PASSES,
	  "never or a number of passes from %.0f to %.0f" },
	{ "tracking", "half-life", CONFIG_DECIMAL,
	  AT(tracker.half_life_windows), NULL, 0.1, 1e6,
	  "a number of periods from 0.1 to 1000000" },

	{ "policy", "name", CONFIG_POLICY, AT(policy), NULL, 0, 0, "" },
	{ "policy", "unit", CONFIG_SIZE, AT(policy_params.unit_bytes), NULL,
	  VIEW_PAGE_BYTES, GIB * 64,
	  "a size that is a multiple of 4KiB, at most 64GiB" },
	{ "policy", "max-curve-age", CONFIG_PERIOD,
	  AT(policy_params.max_curve_age_ns), NULL, 0, 0, SECONDS },
	{ "policy", "desired-use", CONFIG_RATIO, AT(policy_params.desired_use),
	  NULL, TINY, 1 - TINY,
	  "a fraction above 0 and below 1 such as 0.8, or a percentage" },
	{ "policy", "grow", CONFIG_DECIMAL, AT(policy_params.grow), NULL, TINY,
	  1e6, POSITIVE },
	{ "policy", "shrink", CONFIG_DECIMAL, AT(policy_params.shrink), NULL,
	  TINY, 1e6, POSITIVE },
	{ "policy", "game-price", CONFIG_DECIMAL, AT(policy_params.game_price),
	  NULL, TINY, 1e6, POSITIVE },
	{ "policy", "game-performance", CONFIG_DECIMAL,
	  AT(policy_params.game_performance), NULL, TINY, 1e6, POSITIVE },
	{ "policy", "game-slope", CONFIG_DECIMAL, AT(policy_params.game_slope),
	  NULL, TINY, 1e6, POSITIVE },

	{ "guard", "max-step", CONFIG_SIZE, AT(guard_params.max_step_bytes),
	  NULL, VIEW_PAGE_BYTES, MAX_SIZE, "a size such as 1GiB" },
	{ "guard", "max-shrink", CONFIG_RATIO,
	  AT(guard_params.max_shrink_ratio), NULL, TINY, 1, FRACTION },
	{ "guard", "dead-band", CONFIG_SIZE, AT(guard_params.dead_band_bytes),
	  NULL, 0, MAX_SIZE, "a size such as 32MiB" },
	{ "guard", "dead-band-gain", CONFIG_DECIMAL,
	  AT(guard_params.dead_band_gain_per_s), NULL, 0, 1e9,
	  "misses per second, a decimal number such as 1" },
	{ "guard", "settle", CONFIG_UINT, AT(guard_params.settle_ticks), NULL,
	  1, 1e6, TICKS },
	{ "guard", "backoff", CONFIG_UINT, AT(guard_params.backoff_ticks), NULL,
	  1, 1e6, TICKS },
	{ "guard", "max-backoff", CONFIG_UINT,
	  AT(guard_params.max_backoff_ticks), NULL, 1, 1e6, TICKS },
	{ "guard", "foreign-hold", CONFIG_UINT,
	  AT(guard_params.foreign_hold_ticks), NULL, 0, 1e6, TICKS },
	{ "guard", "swap-in", CONFIG_DECIMAL,
	  AT(guard_params.swap_in_bytes_per_s), NULL, 0, 1e12,
	  "bytes per second, a decimal number such as 65536" },
	{ "guard", "pressure", CONFIG_DECIMAL,
	  AT(guard_params.pressure_percent), NULL, 0, 100,
	  "percent of time, from 0 to 100" },

	{ "guard", "usable-min", CONFIG_SIZE, AT(guard_params.usable_min_bytes),
	  NULL, 0, MAX_SIZE, "a size such as 16MiB" },
	{ "guard", "usable-min-ratio", CONFIG_RATIO,
	  AT(guard_params.usable_min_ratio), NULL, 0, 1,
	  "a fraction from 0 to 1 such as 0.05, or a percentage" },
	{ "guard", "squeeze", CONFIG_RATIO, AT(guard_params.squeeze_ratio),
	  NULL, 0, 1, "a fraction from 0 to 1 such as 0.05, or a percentage" },

	{ "metrics", "address", CONFIG_ADDRESS, AT(metrics_address), "none", 0,
	  0, "none or a loopback address such as 127.0.0.1 or ::1" },
	{ "metrics", "port", CONFIG_U16, AT(metrics_port), NULL, 1, 65535,
	  "a TCP port from %.0f to %.0f" },

	{ "control", "socket", CONFIG_PATH, AT(socket_path), NULL, 2,
	  sizeof(((struct sockaddr_un *)0)->sun_path) - 1, PATH },
	{ "control", "group", CONFIG_STRING, AT(socket_group), "none", 0, 0,
	  "none or the name of a group" },

	{ "record", "directory", CONFIG_PATH, AT(record_directory), NULL, 2,
	  512, PATH },
	{ "record", "file", CONFIG_FILE_NAME, AT(record_name), "none", 0, 0,
	  "none or a file name without a directory" },
	{ "record", "max-size", CONFIG_SIZE, AT(record_max_bytes), NULL,
	  GIB / 1024, MAX_SIZE, "a size of at least 1MiB, such as 1GiB" },

	{ "thrashing", "hook", CONFIG_PATH, AT(thrash_hook), "none", 2, 512,
	  "none or the absolute path of a program, of %.0f to %.0f bytes" },
	{ "thrashing", "hook-timeout", CONFIG_PERIOD,
	  AT(thrash_hook_timeout_ns), NULL, 0, 0, SECONDS },
};

#define CONFIG_NR_KEYS (sizeof(config_keys) / sizeof(config_keys[0]))

static const char *const config_modes[] = { "observe", "advise", "act" };
static const char *const config_rules[] = { "overhead", "references", "fixed" };
static const char *const config_huges[] = { "split", "as-mapped", "coarse" };

_Static_assert(VM_MODE_ADVISE == 1 && VM_MODE_ACT == 2, "config_modes");
_Static_assert(RATE_OVERHEAD == 0 && RATE_REFERENCES == 1 && RATE_FIXED == 2,
	       "config_rules");
_Static_assert(KVM_AET_HUGE_SPLIT == 0 && KVM_AET_HUGE_AS_MAPPED == 1 &&
		       KVM_AET_HUGE_COARSE == 2,
	       "config_huges");

/**
 * struct config_parse - a configuration being read
 * @config: so far
 * @path: of the file
 * @text: what is left of it
 * @left: bytes of that
 * @line: of the last line that inih has; it calls back right after it had it
 * @error_line: of the first error, 0: none
 * @error: its message
 * @set_at: where each key was set last, "FILE:LINE", or NULL
 * @set_in: number of the file in which that was
 * @set_order: which key was set later has the higher one
 * @nr_set: number of keys set so far
 * @file: number of this file
 * @out_of_memory: the reason, if @error is empty
 */
struct config_parse {
	struct config config;
	const char *path;
	const char *text;
	size_t left;
	int line;
	int error_line;
	char error[CONFIG_ERROR_BYTES];
	char *set_at[CONFIG_NR_KEYS];
	unsigned int set_in[CONFIG_NR_KEYS];
	unsigned int set_order[CONFIG_NR_KEYS];
	unsigned int nr_set;
	unsigned int file;
	bool out_of_memory;
};

static void config_parse_done(struct config_parse *parse)
{
	size_t i;

	config_done(&parse->config);
	for (i = 0; i < CONFIG_NR_KEYS; i++)
		free(parse->set_at[i]);
}

#define _cleanup_config_parse_ CLEANUP(config_parse_done)

static void *config_field(struct config *config, size_t index)
{
	return (char *)config + config_keys[index].offset;
}

static bool config_is_string(enum config_type type)
{
	return type <= CONFIG_ADDRESS;
}

void config_done(struct config *config)
{
	size_t i;

	for (i = 0; i < CONFIG_NR_KEYS; i++) {
		if (config_is_string(config_keys[i].type))
			free(*(char **)config_field(config, i));
	}
	*config = (struct config){ 0 };
}

#define _cleanup_config_ CLEANUP(config_done)

int config_default(struct config *ret_config)
{
	_cleanup_config_ struct config config = {
      .uri = strdup("qemu:///system"),
      .stats_period_s = 5,
      .busy_ns = UINT64_C(10) * NS_PER_S,
      .mode = VM_MODE_OBSERVE,
      .policy = &policy_mrc,
      .policy_params = policy_default_params,
      .guard_params = guard_default_params,
      /* As the command kvm-aet tracks, see options.c. */
      .tracker =
          {
              .rate = rate_default_params,
              .hot_pages = 64,
              .period_ns = UINT64_C(5) * NS_PER_S,
              .miss_ratio = 0.05,
              .huge_mode = KVM_AET_HUGE_SPLIT,
              .rotate_passes = 0,
              .half_life_windows = 4,
          },
      .reserve_bytes = UINT64_C(1) << 30,
      .default_min_ratio = 0.25,
      /* No metrics: every local user could read them. */
      .metrics_port = 9752,
      .socket_path = strdup(CONTROL_SOCKET),
      .socket_group = strdup("kvm-aet"),
      .record_directory = strdup("/var/lib/kvm-aet"),
      .record_max_bytes = UINT64_C(1) << 30,
      .thrash_hook_timeout_ns = UINT64_C(30) * NS_PER_S,
  };

	if (!config.uri || !config.socket_path || !config.socket_group ||
	    !config.record_directory)
		return -ENOMEM;
	*ret_config = config;
	config = (struct config){ 0 };
	return 0;
}

bool config_is_file_name(const char *name)
{
	return *name && *name != '.' && strlen(name) <= 200 &&
	       !strchr(name, '/');
}

static bool config_is_loopback(const char *address)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, address, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, address, &v6) == 1 &&
	       IN6_IS_ADDR_LOOPBACK(&v6);
}

static int config_find_word(const char *const *words, size_t nr_words,
			    const char *text, size_t *ret_index)
{
	size_t i;

	for (i = 0; i < nr_words; i++) {
		if (strcmp(words[i], text) == 0) {
			*ret_index = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* 5% or 0.05. */
static int config_parse_ratio(const char *text, double *ret_ratio)
{
	_cleanup_free_ char *number = NULL;
	size_t length = strlen(text);
	double ratio;

	if (length == 0 || text[length - 1] != '%')
		return args_decimal(text, ret_ratio);
	number = strndup(text, length - 1);
	if (!number)
		return -ENOMEM;
	if (args_decimal(number, &ratio) < 0)
		return -EINVAL;
	*ret_ratio = ratio / 100;
	return 0;
}

static int config_parse_string(const struct config_key *key, const char *text,
			       char **field)
{
	char *copy;

	if (!*text || (key->type == CONFIG_PATH &&
		       (*text != '/' || (double)strlen(text) < key->min ||
			(double)strlen(text) > key->max)))
		return -EINVAL;
	if (key->type == CONFIG_FILE_NAME && !config_is_file_name(text))
		return -EINVAL;
	if (key->type == CONFIG_ADDRESS && !config_is_loopback(text))
		return -EINVAL;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

static int config_parse_word(const struct config_key *key, const char *text,
			     void *field)
{
	size_t index;

	switch (key->type) {
	case CONFIG_MODE:
		if (config_find_word(config_modes, 3, text, &index) < 0)
			return -EINVAL;
		*(enum vm_mode *)field = (enum vm_mode)index;
		return 0;
	case CONFIG_RULE:
		if (config_find_word(config_rules, 3, text, &index) < 0)
			return -EINVAL;
		*(enum rate_rule *)field = (enum rate_rule)index;
		return 0;
	case CONFIG_HUGE:
		if (config_find_word(config_huges, 3, text, &index) < 0)
			return -EINVAL;
		*(uint32_t *)field = (uint32_t)index;
		return 0;
	default:
		if (!policy_find(text))
			return -EINVAL;
		*(const struct policy **)field = policy_find(text);
		return 0;
	}
}

static int config_parse_double(const struct config_key *key, const char *text,
			       double *field)
{
	double number;
	int err;

	err = key->type == CONFIG_RATIO ? config_parse_ratio(text, &number) :
					  args_decimal(text, &number);
	if (err < 0)
		return err;
	if (!(number >= key->min && number <= key->max))
		return -ERANGE;
	*field = number;
	return 0;
}

static int config_parse_integer(const struct config_key *key, const char *text,
				void *field)
{
	uint64_t number;
	int err;

	if (key->type == CONFIG_PERIOD)
		err = args_period(text, &number);
	else if (key->type == CONFIG_SIZE)
		err = args_size(text, &number);
	else
		err = args_number(text, (uint64_t)key->min, (uint64_t)key->max,
				  &number);
	if (err < 0)
		return err;
	if (key->type == CONFIG_SIZE &&
	    ((double)number < key->min || (double)number > key->max))
		return -ERANGE;
	switch (key->type) {
	case CONFIG_UINT:
		*(unsigned int *)field = (unsigned int)number;
		break;
	case CONFIG_U16:
		*(uint16_t *)field = (uint16_t)number;
		break;
	case CONFIG_U32:
		*(uint32_t *)field = (uint32_t)number;
		break;
	default:
		*(uint64_t *)field = number;
		break;
	}
	return 0;
}

static void config_clear(const struct config_key *key, void *field)
{
	switch (key->type) {
	case CONFIG_UINT:
		*(unsigned int *)field = 0;
		break;
	case CONFIG_U32:
		*(uint32_t *)field = 0;
		break;
	case CONFIG_SIZE:
		*(uint64_t *)field = 0;
		break;
	default:
		free(*(char **)field);
		*(char **)field = NULL;
		break;
	}
}

static int config_parse_value(const struct config_key *key, const char *text,
			      void *field)
{
	if (key->none && strcmp(text, key->none) == 0) {
		config_clear(key, field);
		return 0;
	}
	switch (key->type) {
	case CONFIG_STRING:
	case CONFIG_PATH:
	case CONFIG_FILE_NAME:
	case CONFIG_ADDRESS:
		return config_parse_string(key, text, field);
	case CONFIG_MODE:
	case CONFIG_POLICY:
	case CONFIG_RULE:
	case CONFIG_HUGE:
		return config_parse_word(key, text, field);
	case CONFIG_DECIMAL:
	case CONFIG_RATIO:
		return config_parse_double(key, text, field);
	default:
		return config_parse_integer(key, text, field);
	}
}

/* Keeps the first error; the file may go on. */
__attribute__((format(printf, 2, 3))) static void
config_reject(struct config_parse *parse, const char *format, ...)
{
	_cleanup_free_ char *message = NULL, *printable = NULL;
	va_list args;
	int length;

	if (parse->error_line)
		return;
	parse->error_line = parse->line;
	va_start(args, format);
	length = vasprintf(&message, format, args);
	va_end(args);
	if (length < 0)
		message = NULL;
	else
		printable = text_printable(message);
	if (!printable) {
		parse->out_of_memory = true;
		return;
	}
	(void)snprintf(parse->error, sizeof(parse->error), "%s:%d: %s",
		       parse->path, parse->line, printable);
}

static void config_reject_value(struct config_parse *parse,
				const struct config_key *key, const char *value)
{
	char expected[256];
	size_t i, length = 0;

	if (key->type == CONFIG_POLICY) {
		for (i = 0; policy_all[i] && length < sizeof(expected); i++)
			length += (size_t)snprintf(expected + length,
						   sizeof(expected) - length,
						   "%s%s",
						   i == 0	     ? "" :
						   policy_all[i + 1] ? ", " :
								       " or ",
						   policy_all[i]->name);
	} else {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(expected, sizeof(expected), key->expected,
			       key->min, key->max);
#pragma GCC diagnostic pop
	}
	config_reject(parse, "[%s] %s = '%.60s': expected %s", key->section,
		      key->name, value, expected);
}

static int config_find_key(const char *section, const char *name,
			   size_t *ret_index)
{
	size_t i;

	for (i = 0; i < CONFIG_NR_KEYS; i++) {
		if (strcmp(config_keys[i].section, section) == 0 &&
		    strcmp(config_keys[i].name, name) == 0) {
			*ret_index = i;
			return 0;
		}
	}
	return -ENOENT;
}

/* A section that has the key, for those who look for it elsewhere. */
static const char *config_section_of(const char *name)
{
	size_t i;

	for (i = 0; i < CONFIG_NR_KEYS; i++) {
		if (strcmp(config_keys[i].name, name) == 0)
			return config_keys[i].section;
	}
	return NULL;
}

static int config_set(struct config_parse *parse, size_t index,
		      const char *value)
{
	const struct config_key *key = &config_keys[index];
	char *where;
	int err;

	if (parse->set_at[index] && parse->set_in[index] == parse->file) {
		config_reject(parse, "[%s] %s is set twice, first at %.200s",
			      key->section, key->name, parse->set_at[index]);
		return 0;
	}
	err = config_parse_value(key, value,
				 config_field(&parse->config, index));
	if (err == -ENOMEM)
		return err;
	if (err < 0) {
		config_reject_value(parse, key, value);
		return 0;
	}
	if (asprintf(&where, "%s:%d", parse->path, parse->line) < 0)
		return -ENOMEM;
	free(parse->set_at[index]);
	parse->set_at[index] = where;
	parse->set_in[index] = parse->file;
	parse->set_order[index] = ++parse->nr_set;
	return 0;
}

/* inih's; returns 0 for an error. */
static int config_on_key(void *user, const char *section, const char *name,
			 const char *value)
{
	struct config_parse *parse = user;
	const char *elsewhere;
	size_t index;

	if (parse->error_line)
		return 0;
	if (config_find_key(section, name, &index) == 0) {
		if (config_set(parse, index, value) < 0) {
			parse->error_line = parse->line;
			parse->out_of_memory = true;
		}
		return !parse->error_line;
	}
	elsewhere = config_section_of(name);
	if (!*section)
		config_reject(
			parse,
			"'%s' stands before any section: expected a line [%s] before it",
			name, elsewhere ? elsewhere : "host");
	else if (elsewhere)
		config_reject(parse,
			      "unknown key '%s' in [%s]: it belongs into [%s]",
			      name, section, elsewhere);
	else
		config_reject(
			parse,
			"unknown key '%s' in [%s]: see kvm-aet.conf(5) for those there are",
			name, section);
	return 0;
}

static bool config_is_section(const char *name, size_t length)
{
	size_t i;

	for (i = 0; i < CONFIG_NR_KEYS; i++) {
		if (strlen(config_keys[i].section) == length &&
		    memcmp(config_keys[i].section, name, length) == 0)
			return true;
	}
	return false;
}

/* What inih would take without a word: unknown sections, odd bytes. */
static void config_check_line(struct config_parse *parse, const char *line,
			      size_t length)
{
	const char *end;
	size_t i;

	for (i = 0; i < length; i++) {
		if (((unsigned char)line[i] < ' ' && line[i] != '\t' &&
		     line[i] != '\r') ||
		    line[i] == 0x7f) {
			config_reject(
				parse,
				"a control character (byte %zu): expected text",
				i + 1);
			return;
		}
	}
	/* Every editor of Windows puts it there. */
	if (parse->line == 1 && length >= 3 &&
	    memcmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3;
		length -= 3;
	}
	while (length > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		length--;
	}
	if (length == 0 || *line != '[')
		return;
	end = memchr(line, ']', length);
	if (!end) {
		config_reject(
			parse,
			"a section without its end: expected a line such as [host]");
		return;
	}
	if (!config_is_section(line + 1, (size_t)(end - line) - 1)) {
		config_reject(
			parse,
			"unknown section [%.*s]: expected libvirt, host, tracking, "
			"policy, guard, metrics, control, record or thrashing",
			(int)(end - line - 1 > 40 ? 40 : end - line - 1),
			line + 1);
		return;
	}
	for (end++; end < line + length && strchr(" \t\r", *end); end++)
		;
	if (end < line + length && *end != ';' && *end != '#')
		config_reject(
			parse,
			"text after a section: expected a line of its own");
}

/* inih's, as fgets(). */
static char *config_on_line(char *buffer, int size, void *stream)
{
	struct config_parse *parse = stream;
	const char *newline;
	size_t length;

	if (parse->left == 0 || parse->error_line)
		return NULL;
	parse->line++;
	newline = memchr(parse->text, '\n', parse->left);
	length = newline ? (size_t)(newline - parse->text) : parse->left;
	if (length + 2 > (size_t)size) {
		config_reject(parse, "the line is longer than %d bytes",
			      size - 2);
		return NULL;
	}
	config_check_line(parse, parse->text, length);
	memcpy(buffer, parse->text, length);
	buffer[length] = '\n';
	buffer[length + 1] = '\0';
	parse->text += length;
	parse->left -= length;
	if (newline) {
		parse->text++;
		parse->left--;
	}
	return parse->error_line ? NULL : buffer;
}

static int config_parse_text(struct config_parse *parse, const char *path,
			     const char *text, size_t length)
{
	int line;

	/* Debian's inih has these as variables. */
	ini_allow_multiline = false;
	ini_use_stack = false;
	ini_max_line = CONFIG_MAX_LINE_BYTES;
	ini_initial_alloc = CONFIG_MAX_LINE_BYTES;

	parse->path = path;
	parse->text = text;
	parse->left = length;
	parse->line = 0;
	parse->file++;
	line = ini_parse_stream(config_on_line, parse, config_on_key, parse);
	if (line < 0 || parse->out_of_memory)
		return -ENOMEM;
	/* inih's own errors are those that no callback has seen. */
	if (line > 0 && (!parse->error_line || line < parse->error_line)) {
		parse->error_line = 0;
		parse->line = line;
		config_reject(
			parse,
			"neither a section nor a key with its value: expected "
			"[section], key = value or # comment");
	}
	if (parse->out_of_memory)
		return -ENOMEM;
	return parse->error_line ? -EINVAL : 0;
}

__attribute__((format(printf, 2, 3))) static void
config_fail_file(struct config_parse *parse, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(parse->error, sizeof(parse->error), format, args);
	va_end(args);
}

/* Who can write it can make root do things. */
static int config_check_file(struct config_parse *parse, const char *path,
			     int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		int err = -errno;

		config_fail_file(parse, "%s: %s", path, strerror(-err));
		return err;
	}
	if (!S_ISREG(st.st_mode)) {
		config_fail_file(parse, "%s: not a regular file", path);
		return -EINVAL;
	}
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		config_fail_file(
			parse,
			"%s: it belongs to user %u, who could have the daemon do "
			"anything: chown root it",
			path, (unsigned int)st.st_uid);
		return -EPERM;
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		config_fail_file(
			parse,
			"%s: others than its owner may write it (mode %04o): chmod go-w it",
			path, (unsigned int)st.st_mode & 07777);
		return -EPERM;
	}
	if (st.st_size > CONFIG_MAX_FILE_BYTES) {
		config_fail_file(parse, "%s: larger than 1 MiB", path);
		return -EFBIG;
	}
	return 0;
}

static int config_read_file(struct config_parse *parse, const char *path,
			    bool may_lack)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	size_t length = 0;
	ssize_t got;
	int err;

	/* Nothing else than a file may make us wait. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		err = -errno;
		if (err == -ENOENT && may_lack)
			return 0;
		config_fail_file(parse, "%s: %s", path, strerror(-err));
		return err;
	}
	err = config_check_file(parse, path, fd);
	if (err < 0)
		return err;
	text = malloc(CONFIG_MAX_FILE_BYTES);
	if (!text)
		return -ENOMEM;
	do {
		got = read(fd, text + length, CONFIG_MAX_FILE_BYTES - length);
		if (got < 0) {
			err = -errno;
			config_fail_file(parse, "%s: %s", path, strerror(-err));
			return err;
		}
		length += (size_t)got;
	} while (got > 0);
	return config_parse_text(parse, path, text, length);
}

static int config_is_drop_in(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > strlen(".conf") &&
	       strcmp(entry->d_name + length - strlen(".conf"), ".conf") == 0;
}

/* Not alphasort(), which depends on the locale. */
static int config_compare_names(const struct dirent **a,
				const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int config_read_drop_ins(struct config_parse *parse, const char *path)
{
	_cleanup_free_ char *directory = NULL;
	struct dirent **entries = NULL;
	const char *slash = strrchr(path, '/');
	int nr_entries, i, err = 0;

	if (asprintf(&directory, "%.*sconf.d",
		     slash ? (int)(slash + 1 - path) : 0, path) < 0) {
		directory = NULL;
		return -ENOMEM;
	}
	nr_entries = scandir(directory, &entries, config_is_drop_in,
			     config_compare_names);
	if (nr_entries < 0) {
		err = -errno;
		if (err == -ENOENT)
			return 0;
		config_fail_file(parse, "%s: %s", directory, strerror(-err));
		return err;
	}
	for (i = 0; i < nr_entries; i++) {
		_cleanup_free_ char *file = NULL;

		if (err == 0) {
			if (asprintf(&file, "%s/%s", directory,
				     entries[i]->d_name) < 0) {
				file = NULL;
				err = -ENOMEM;
			} else {
				err = config_read_file(parse, file, false);
			}
		}
		free(entries[i]);
	}
	free(entries);
	return err;
}

/* Where the later of two keys was set: that is what people changed. */
static const char *config_where(const struct config_parse *parse,
				const char *section, const char *name,
				const char *other_section,
				const char *other_name)
{
	const char *where = "defaults";
	unsigned int order = 0;
	size_t index;

	if (config_find_key(section, name, &index) == 0 &&
	    parse->set_at[index]) {
		where = parse->set_at[index];
		order = parse->set_order[index];
	}
	if (config_find_key(other_section, other_name, &index) == 0 &&
	    parse->set_at[index] && parse->set_order[index] > order)
		where = parse->set_at[index];
	return where;
}

static int config_check_relations(struct config_parse *parse)
{
	const struct config *config = &parse->config;
	const struct rate_params *rate = &config->tracker.rate;
	const struct guard_params *guard = &config->guard_params;

	if (rate->min_inverse_rate > rate->max_inverse_rate) {
		config_fail_file(
			parse,
			"%s: [tracking] min-inverse-rate is %" PRIu32
			": expected at most max-inverse-rate, which is %" PRIu32,
			config_where(parse, "tracking", "min-inverse-rate",
				     "tracking", "max-inverse-rate"),
			rate->min_inverse_rate, rate->max_inverse_rate);
		return -EINVAL;
	}
	if (config->policy_params.unit_bytes % VIEW_PAGE_BYTES) {
		config_fail_file(parse,
				 "%s: [policy] unit is %" PRIu64
				 " bytes: expected a multiple of 4096",
				 config_where(parse, "policy", "unit", "", ""),
				 config->policy_params.unit_bytes);
		return -EINVAL;
	}
	if (config->policy_params.max_curve_age_ns <
	    config->tracker.period_ns) {
		config_fail_file(
			parse,
			"%s: [policy] max-curve-age is %.9g s: expected at least the "
			"[tracking] period, which is %.9g s, or no curve would count",
			config_where(parse, "policy", "max-curve-age",
				     "tracking", "period"),
			units_seconds(config->policy_params.max_curve_age_ns),
			units_seconds(config->tracker.period_ns));
		return -EINVAL;
	}
	if (guard->dead_band_bytes > guard->max_step_bytes) {
		config_fail_file(
			parse,
			"%s: [guard] dead-band is %" PRIu64
			" bytes: expected at most max-step, which is %" PRIu64
			", or nothing would ever move",
			config_where(parse, "guard", "dead-band", "guard",
				     "max-step"),
			guard->dead_band_bytes, guard->max_step_bytes);
		return -EINVAL;
	}
	if (guard->backoff_ticks > guard->max_backoff_ticks) {
		config_fail_file(
			parse,
			"%s: [guard] backoff is %u: expected at most max-backoff, which is %u",
			config_where(parse, "guard", "backoff", "guard",
				     "max-backoff"),
			guard->backoff_ticks, guard->max_backoff_ticks);
		return -EINVAL;
	}
	return 0;
}

int config_read(const char *path, struct config *ret_config,
		char ret_error[CONFIG_ERROR_BYTES])
{
	_cleanup_config_parse_ struct config_parse parse = { 0 };
	int err;

	err = config_default(&parse.config);
	if (err == 0)
		err = config_read_file(&parse, path, true);
	if (err == 0)
		err = config_read_drop_ins(&parse, path);
	if (err == 0)
		err = config_check_relations(&parse);
	if (err < 0) {
		(void)snprintf(ret_error, CONFIG_ERROR_BYTES, "%s",
			       err == -ENOMEM ? "out of memory" : parse.error);
		return err;
	}
	*ret_config = parse.config;
	parse.config = (struct config){ 0 };
	return 0;
}

const char *config_key(size_t index)
{
	static char name[64];

	if (index >= CONFIG_NR_KEYS)
		return NULL;
	(void)snprintf(name, sizeof(name), "%s.%s", config_keys[index].section,
		       config_keys[index].name);
	return name;
}

static char *config_format_size(uint64_t bytes)
{
	static const char *const suffixes[] = { "", "KiB", "MiB", "GiB",
						"TiB" };
	unsigned int i = 0;
	char *text;

	while (i < 4 && bytes && bytes % 1024 == 0) {
		bytes /= 1024;
		i++;
	}
	return asprintf(&text, "%" PRIu64 "%s", bytes, suffixes[i]) < 0 ? NULL :
									  text;
}

/* As args_decimal() reads it: no exponent. */
static char *config_format_decimal(double number)
{
	char *text, *end;

	if (asprintf(&text, "%.9f", number) < 0)
		return NULL;
	for (end = text + strlen(text) - 1; *end == '0'; end--)
		*end = '\0';
	if (*end == '.')
		*end = '\0';
	return text;
}

static bool config_is_none(const struct config_key *key, const void *field)
{
	if (!key->none)
		return false;
	switch (key->type) {
	case CONFIG_UINT:
		return *(const unsigned int *)field == 0;
	case CONFIG_U32:
		return *(const uint32_t *)field == 0;
	case CONFIG_SIZE:
		return *(const uint64_t *)field == 0;
	default:
		return !*(char *const *)field;
	}
}

static char *config_format_number(uint64_t number)
{
	char *text;

	return asprintf(&text, "%" PRIu64, number) < 0 ? NULL : text;
}

char *config_value(const struct config *config, size_t index)
{
	const struct config_key *key = &config_keys[index];
	const void *field = (const char *)config + key->offset;

	if (config_is_none(key, field))
		return strdup(key->none);
	switch (key->type) {
	case CONFIG_MODE:
		return strdup(config_modes[*(const enum vm_mode *)field]);
	case CONFIG_RULE:
		return strdup(config_rules[*(const enum rate_rule *)field]);
	case CONFIG_HUGE:
		return strdup(config_huges[*(const uint32_t *)field]);
	case CONFIG_POLICY:
		return strdup((*(const struct policy *const *)field)->name);
	case CONFIG_SIZE:
		return config_format_size(*(const uint64_t *)field);
	case CONFIG_UINT:
		return config_format_number(*(const unsigned int *)field);
	case CONFIG_U16:
		return config_format_number(*(const uint16_t *)field);
	case CONFIG_U32:
		return config_format_number(*(const uint32_t *)field);
	case CONFIG_U64:
		return config_format_number(*(const uint64_t *)field);
	case CONFIG_DECIMAL:
	case CONFIG_RATIO:
		return config_format_decimal(*(const double *)field);
	case CONFIG_PERIOD:
		return config_format_decimal(
			units_seconds(*(const uint64_t *)field));
	default:
		return strdup(*(char *const *)field);
	}
}
