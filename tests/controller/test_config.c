// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl_test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config.h"

static char dir[] = "/tmp/kvm-aet-config.XXXXXX";
static char path[64];
static char reason[CONFIG_ERROR_BYTES];
static struct config config;

static int setup(void **state)
{
	char conf_d[96];

	(void)state;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/kvm-aet.conf", dir);
	snprintf(conf_d, sizeof(conf_d), "%s/conf.d", dir);
	*reason = '\0';
	return mkdir(conf_d, 0755);
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	config_done(&config);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static void write_bytes(const char *name, const void *bytes, size_t length)
{
	char file_path[160];
	FILE *file;

	snprintf(file_path, sizeof(file_path), "%s/%s", dir, name);
	file = fopen(file_path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(file_path, 0644), 0);
}

static void write_file(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

static int read_config(void)
{
	config_done(&config);
	return config_read(path, &config, reason);
}

/* The file is refused, with this message after its path. */
#define assert_refused(text, message) \
	assert_refused_at((text), (message), __LINE__)

static void assert_refused_at(const char *text, const char *message, int line)
{
	char expected[CONFIG_ERROR_BYTES + 128];
	int err;

	write_file("kvm-aet.conf", text);
	err = read_config();
	snprintf(expected, sizeof(expected), "%s%s", path, message);
	if (err == -EINVAL && strcmp(reason, expected) == 0 && !config.uri)
		return;
	print_error("of: %s\nsaid: %d %s\nnot:  %s\n", text, err, reason,
		    expected);
	_fail(__FILE__, line);
}

static void assert_is_default(const struct config *other)
{
	struct config expected;
	size_t i;

	assert_int_equal(config_default(&expected), 0);
	for (i = 0; config_key(i); i++) {
		char *a = config_value(other, i),
		     *b = config_value(&expected, i);

		assert_non_null(a);
		if (strcmp(a, b) != 0)
			print_error("%s: ", config_key(i));
		assert_string_equal(a, b);
		free(a);
		free(b);
	}
	config_done(&expected);
}

static void test_defaults(void **state)
{
	(void)state;
	assert_int_equal(read_config(), 0);
	assert_is_default(&config);
	assert_string_equal(config.uri, "qemu:///system");
	assert_int_equal(config.mode, VM_MODE_OBSERVE);
	assert_ptr_equal(config.policy, &policy_mrc);
	assert_string_equal(config.socket_path, "/run/kvm-aet/control");
	assert_null(config.thrash_hook);
	assert_null(config.record_name);
	/* Every local user could read them. */
	assert_null(config.metrics_address);
	assert_int_equal(config.budget_bytes, 0);
}

/* What a file can say comes back, so each key is parsed, stored and shown. */
static void test_every_key(void **state)
{
	static const struct {
		const char *key;
		const char *value;
	} others[] = {
		{ "libvirt.uri", "test:///default" },
		{ "host.mode", "act" },
		{ "policy.name", "proportional" },
		{ "tracking.rate-rule", "fixed" },
		{ "tracking.huge", "coarse" },
		{ "metrics.address", "::1" },
		{ "control.socket", "/tmp/x" },
		{ "control.group", "wheel" },
		{ "record.directory", "/srv" },
		{ "record.file", "a.zst" },
		{ "thrashing.hook", "/bin/true" },
		{ "tracking.miss-ratio", "0.125" },
		{ "tracking.overhead-budget", "0.125" },
		{ "tracking.fault-ratio", "0.125" },
		{ "tracking.stable-change", "0.125" },
		{ "host.default-min-ratio", "0.125" },
		{ "policy.desired-use", "0.125" },
		{ "guard.max-shrink", "0.125" },
		{ "guard.usable-min-ratio", "0.125" },
		{ "guard.squeeze", "0.125" },
		{ "tracking.hot-pages", "77" },
		{ "policy.unit", "8MiB" },
		{ "guard.max-step", "3GiB" },
		{ "tracking.max-inverse-rate", "65000" },
		{ "policy.max-curve-age", "37.5" },
		{ "guard.max-backoff", "9999" },
	};
	char text[8192] = "";
	size_t i, j, nr;

	(void)state;
	for (i = 0; config_key(i); i++) {
		const char *key = config_key(i);
		const char *name = strchr(key, '.') + 1, *value = "21";
		char lines[128];

		for (j = 0; j < ARRAY_SIZE(others); j++) {
			if (strcmp(others[j].key, key) == 0)
				value = others[j].value;
		}
		/* Of sizes, 21 bytes would be too little. */
		if (strstr(key, "host.budget") || strstr(key, "default-min") ||
		    strstr(key, "max-size"))
			value = strstr(key, "ratio") ? value : "2MiB";
		snprintf(lines, sizeof(lines), "[%.*s]\n%s = %s\n",
			 (int)(name - 1 - key), key, name, value);
		strcat(text, lines);
	}
	nr = i;
	assert_true(nr > 50);
	write_file("kvm-aet.conf", text);
	if (read_config() != 0)
		fail_msg("%s", reason);
	for (i = 0; i < nr; i++) {
		char *value = config_value(&config, i), line[256];
		const char *name = strchr(config_key(i), '.') + 1;

		assert_non_null(value);
		snprintf(line, sizeof(line), "\n%s = %s\n", name, value);
		assert_contains(text, line);
		free(value);
	}
}

static void test_values(void **state)
{
	(void)state;
	write_file("kvm-aet.conf", "\xef\xbb\xbf; a comment\n"
				   "# another\n"
				   "\n"
				   "  [host]  # of all\r\n"
				   "\tmode=advise\r\n"
				   "budget = 48GiB ; of 64\n"
				   "[tracking]\n"
				   "miss-ratio = 2.5%\n"
				   "stable-periods = never\n"
				   "[guard]\n"
				   "pressure = 0");
	if (read_config() != 0)
		fail_msg("%s", reason);
	assert_int_equal(config.mode, VM_MODE_ADVISE);
	assert_int_equal(config.budget_bytes, UINT64_C(48) << 30);
	assert_near(config.tracker.miss_ratio, 0.025, 1e-12);
	assert_int_equal(config.tracker.rate.stable_periods, 0);
	assert_near(config.guard_params.pressure_percent, 0, 0);
}

static void test_bad_lines(void **state)
{
	(void)state;
	assert_refused(
		"[host]\nmode\n",
		":2: neither a section nor a key with its value: expected [section], key = value or # comment");
	assert_refused(
		"[hst]\n",
		":1: unknown section [hst]: expected libvirt, host, tracking, policy, guard, metrics, control, record or thrashing");
	assert_refused(
		"[host\nmode = act\n",
		":1: a section without its end: expected a line such as [host]");
	assert_refused("[host] mode = act\n",
		       ":1: text after a section: expected a line of its own");
	assert_refused(
		"\n\n[host]\nmod = act\n",
		":4: unknown key 'mod' in [host]: see kvm-aet.conf(5) for those there are");
	assert_refused(
		"[guard]\nmode = act\n",
		":2: unknown key 'mode' in [guard]: it belongs into [host]");
	assert_refused(
		"mode = act\n[host]\n",
		":1: 'mode' stands before any section: expected a line [host] before it");
}

static void test_twice(void **state)
{
	char expected[256];

	(void)state;
	write_file("kvm-aet.conf", "[host]\nmode = act\n[host]\nmode = act\n");
	assert_int_equal(read_config(), -EINVAL);
	snprintf(expected, sizeof(expected),
		 "%s:4: [host] mode is set twice, first at %s:2", path, path);
	assert_string_equal(reason, expected);
}

static void test_odd_bytes(void **state)
{
	static const char zero[] = "[host]\nmode = a\0ct\n";
	char line[1200];

	(void)state;
	write_bytes("kvm-aet.conf", zero, sizeof(zero) - 1);
	assert_int_equal(read_config(), -EINVAL);
	assert_contains(reason,
			":2: a control character (byte 9): expected text");
	assert_refused("[host]\nmode = \x1b[2Jact\n",
		       ":2: a control character (byte 8): expected text");
	/* What is quoted cannot reorder text on a terminal. */
	assert_refused(
		"[host]\nmode = \xe2\x80\xae"
		"act\n",
		":2: [host] mode = '\\xe2\\x80\\xaeact': expected observe, advise or act");
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	memcpy(line, "[host]\n#", 8);
	assert_refused(line, ":2: the line is longer than 1022 bytes");
}

static void test_bad_values(void **state)
{
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
		{ "[libvirt]\nuri =\n",
		  "[libvirt] uri = '': expected a libvirt URI such as qemu:///system" },
		{ "[libvirt]\nstats-period = 0\n",
		  "[libvirt] stats-period = '0': expected whole seconds from 1 to 3600" },
		{ "[host]\nmode = Act\n",
		  "[host] mode = 'Act': expected observe, advise or act" },
		{ "[host]\nbudget = 64 GB\n",
		  "[host] budget = '64 GB': expected auto or a size such as 48GiB" },
		{ "[host]\nbudget = none\n",
		  "[host] budget = 'none': expected auto or a size such as 48GiB" },
		{ "[host]\nbudget = 99999999TiB\n",
		  "[host] budget = '99999999TiB': expected auto or a size such as 48GiB" },
		{ "[host]\nreserve = -1\n",
		  "[host] reserve = '-1': expected a size such as 2GiB" },
		{ "[host]\ndefault-min-ratio = 1.5\n",
		  "[host] default-min-ratio = '1.5': expected a fraction above 0 and at most 1 such as 0.25, or a percentage" },
		{ "[host]\ndefault-min-ratio = 0\n",
		  "[host] default-min-ratio = '0': expected a fraction above 0 and at most 1 such as 0.25, or a percentage" },
		{ "[tracking]\nperiod = 5s\n",
		  "[tracking] period = '5s': expected seconds from 0.01 to 86400, such as 5 or 0.5" },
		{ "[tracking]\nmiss-ratio = 100%\n",
		  "[tracking] miss-ratio = '100%': expected a percentage such as 5% or a fraction such as 0.05, below 100%" },
		{ "[tracking]\nrate-rule = none\n",
		  "[tracking] rate-rule = 'none': expected overhead, references or fixed" },
		{ "[tracking]\nmax-inverse-rate = 1/70000\n",
		  "[tracking] max-inverse-rate = '1/70000': expected a number from 1 to 65536, as one page in so many" },
		{ "[tracking]\nstable-periods = 0\n",
		  "[tracking] stable-periods = '0': expected never or a number of periods from 1 to 1000000" },
		{ "[tracking]\nhot-pages = 63\n",
		  "[tracking] hot-pages = '63': expected a number of pages from 64 to 65536" },
		{ "[policy]\nname = best\n",
		  "[policy] name = 'best': expected mrc, feedback, nash, proportional or static" },
		{ "[policy]\nshrink = nan\n",
		  "[policy] shrink = 'nan': expected a decimal number above 0, such as 0.5" },
		{ "[guard]\nsettle = 1.5\n",
		  "[guard] settle = '1.5': expected a number of periods from 1 to 1000000" },
		{ "[metrics]\naddress = 0.0.0.0\n",
		  "[metrics] address = '0.0.0.0': expected none or a loopback address such as 127.0.0.1 or ::1" },
		{ "[metrics]\nport = 65536\n",
		  "[metrics] port = '65536': expected a TCP port from 1 to 65535" },
		{ "[control]\nsocket = control\n",
		  "[control] socket = 'control': expected an absolute path of 2 to 107 bytes" },
		{ "[record]\nfile = ../x\n",
		  "[record] file = '../x': expected none or a file name without a directory" },
		{ "[record]\nfile = .x\n",
		  "[record] file = '.x': expected none or a file name without a directory" },
		{ "[thrashing]\nhook = run\n",
		  "[thrashing] hook = 'run': expected none or the absolute path of a program, of 2 to 512 bytes" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char message[CONFIG_ERROR_BYTES];

		snprintf(message, sizeof(message), ":2: %s", cases[i].message);
		assert_refused(cases[i].text, message);
	}
}

static void test_relations(void **state)
{
	(void)state;
	assert_refused(
		"[tracking]\nmin-inverse-rate = 512\nmax-inverse-rate = 256\n",
		":3: [tracking] min-inverse-rate is 512: expected at most max-inverse-rate, which is 256");
	assert_refused(
		"[policy]\nunit = 6000\n",
		":2: [policy] unit is 6000 bytes: expected a multiple of 4096");
	assert_refused(
		"[tracking]\nperiod = 3600\n",
		":2: [policy] max-curve-age is 60 s: expected at least the [tracking] period, which is 3600 s, or no curve would count");
	assert_refused(
		"[guard]\ndead-band = 2GiB\nmax-step = 1GiB\n",
		":3: [guard] dead-band is 2147483648 bytes: expected at most max-step, which is 1073741824, or nothing would ever move");
	assert_refused(
		"[guard]\nbackoff = 500\n",
		":2: [guard] backoff is 500: expected at most max-backoff, which is 192");
}

static void test_conf_d(void **state)
{
	char expected[256];

	(void)state;
	write_file("kvm-aet.conf", "[host]\nmode = act\nreserve = 1MiB\n");
	write_file("conf.d/20-b.conf", "[host]\nmode = observe\n");
	write_file("conf.d/100-a.conf",
		   "[host]\nmode = advise\nbudget = 1GiB\n");
	/* Neither is one of ours. */
	write_file("conf.d/30-c.conf.dpkg-old", "[nonsense]\n");
	write_file("conf.d/.40-d.conf", "[nonsense]\n");
	if (read_config() != 0)
		fail_msg("%s", reason);
	assert_int_equal(config.mode, VM_MODE_OBSERVE);
	assert_int_equal(config.budget_bytes, 1 << 30);
	assert_int_equal(config.reserve_bytes, 1 << 20);

	/* The last of them is what somebody did wrong. */
	write_file("conf.d/20-b.conf", "[guard]\n\n\ndead-band = 1TiB\n");
	assert_int_equal(read_config(), -EINVAL);
	snprintf(expected, sizeof(expected),
		 "%s/conf.d/20-b.conf:4: [guard] dead-band", dir);
	assert_contains(reason, expected);

	/* They count without the main file, too. */
	assert_int_equal(unlink(path), 0);
	write_file("conf.d/20-b.conf", "[host]\nmode = act\n");
	if (read_config() != 0)
		fail_msg("%s", reason);
	assert_int_equal(config.mode, VM_MODE_ACT);
}

static void test_permissions(void **state)
{
	(void)state;
	write_file("kvm-aet.conf", "[host]\n");
	assert_int_equal(chmod(path, 0664), 0);
	assert_int_equal(read_config(), -EPERM);
	assert_contains(
		reason,
		"kvm-aet.conf: others than its owner may write it (mode 0664): chmod go-w it");
	assert_int_equal(chmod(path, 0602), 0);
	assert_int_equal(read_config(), -EPERM);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(read_config(), 0);
	if (getuid() != 0)
		return;
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(read_config(), -EPERM);
	assert_contains(reason, "it belongs to user 65534");
}

/* None of these may make the daemon wait or read for ever. */
static void test_odd_files(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(read_config(), -EINVAL);
	assert_contains(reason, "kvm-aet.conf: not a regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_int_equal(read_config(), -EINVAL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(read_config(), -EINVAL);
	assert_int_equal(rmdir(path), 0);
	write_file("kvm-aet.conf", "");
	assert_int_equal(truncate(path, (1 << 20) + 1), 0);
	assert_int_equal(read_config(), -EFBIG);
	assert_int_equal(unlink(path), 0);
	/* A dangling link is no missing file. */
	assert_int_equal(symlink("/nonexistent/x", path), 0);
	assert_int_equal(read_config(), 0);
}

static char *read_source(const char *name)
{
	char file_path[512];
	char *text = calloc(1, 1 << 16);
	FILE *file;

	snprintf(file_path, sizeof(file_path), "%s/%s", TESTS_TOP, name);
	file = fopen(file_path, "r");
	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
	fclose(file);
	return text;
}

/* What is shipped shows every key at its default. */
static void test_shipped_file(void **state)
{
	char *text = read_source("controller/dist/kvm-aet.conf"), *line;
	struct config defaults;
	size_t i, nr_keys = 0;

	(void)state;
	write_file("kvm-aet.conf", text);
	if (read_config() != 0)
		fail_msg("%s", reason);
	assert_is_default(&config);
	/* Comments have a blank after their sign, settings have none. */
	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (line[0] == '#' && line[1] >= 'a' && line[1] <= 'z') {
			*line = ' ';
			nr_keys++;
		}
	}
	write_file("kvm-aet.conf", text);
	if (read_config() != 0)
		fail_msg("%s", reason);
	assert_is_default(&config);
	assert_int_equal(config_default(&defaults), 0);
	for (i = 0; config_key(i); i++) {
		char *value = config_value(&defaults, i), setting[256];

		snprintf(setting, sizeof(setting), "\n %s = %s\n",
			 strchr(config_key(i), '.') + 1, value);
		assert_contains(text, setting);
		free(value);
	}
	/* As often as there are keys: so none is there that is not. */
	assert_int_equal(nr_keys, i);
	config_done(&defaults);
	free(text);
}

static void escape(const char *text, char *escaped)
{
	for (; *text; text++) {
		if (*text == '-')
			*escaped++ = '\\';
		*escaped++ = *text;
	}
	*escaped = '\0';
}

/* The manual page describes every key, with its default, and no other. */
static void test_manual_page(void **state)
{
	char *text = read_source("controller/kvm-aet.conf.5");
	struct config defaults;
	size_t i;

	(void)state;
	assert_int_equal(config_default(&defaults), 0);
	for (i = 0; config_key(i); i++) {
		char *value = config_value(&defaults, i);
		char item[512], name[128], shown[256];

		escape(strchr(config_key(i), '.') + 1, name);
		escape(value, shown);
		snprintf(item, sizeof(item), "\n.TP\n.BR %s \" (%s)\"\n", name,
			 shown);
		assert_contains(text, item);
		free(value);
	}
	assert_int_equal(count_of(text, "\n.TP\n"), i);
	config_done(&defaults);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_defaults),	TEST(test_every_key),
		TEST(test_values),	TEST(test_bad_lines),
		TEST(test_twice),	TEST(test_odd_bytes),
		TEST(test_bad_values),	TEST(test_relations),
		TEST(test_conf_d),	TEST(test_permissions),
		TEST(test_odd_files),	TEST(test_shipped_file),
		TEST(test_manual_page),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
