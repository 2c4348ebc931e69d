// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon's verbs: what they send to a daemon and what they make of its answers,
 * of recordings, and of its absence. The daemon is a child process that answers by
 * a script.
 */
#include "ctl_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "amount.h"
#include "client.h"
#include "fields.h"
#include "options.h"
#include "policy/plan.h"
#include "preview.h"
#include "recording.h"
#include "replay.h"
#include "show.h"
#include "tick_test.h"
#include "verbs.h"

#define ARGV(...) ((char *[]){ __VA_ARGS__, NULL })

static char directory[] = "/tmp/kvm-aet-verbs.XXXXXX";
static char socket_path[64], recording_path[64];

#define GREETING "{\"kvm-aetd\": {\"version\": \"1\", \"schema\": 1}}\n"

/**
 * struct answer - what the daemon says to one request
 * @request: exactly what it must be
 * @text: lines; NULL: the tick, as {"return": ...}
 * @nr_events: ticks that follow
 */
struct answer {
	const char *request;
	const char *text;
	unsigned int nr_events;
};

static void say(FILE *out, const char *format, uint64_t number)
{
	struct tick tick = tick_test_new(number);
	json_t *json = recording_tick_to_json(&tick);
	char *text = fields_dump(json);

	if (strcmp(format, "return") == 0)
		fprintf(out, "{\"return\": %s}\n", text);
	else
		fprintf(out, "{\"event\": \"tick\", \"data\": %s}\n", text);
	fflush(out);
	free(text);
	json_decref(json);
	recording_tick_done(&tick);
}

/* Serves one connection by @answers; exits 0 if all came as they should. */
static void serve(int listen_fd, const char *greeting,
		  const struct answer *answers, size_t nr_answers)
{
	int fd = accept(listen_fd, NULL, NULL);
	FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
	char line[4096];
	unsigned int i;

	fputs(greeting, out);
	fflush(out);
	for (; nr_answers > 0; nr_answers--, answers++) {
		if (!fgets(line, sizeof(line), in)) {
			fprintf(stderr, "no request, expected %s\n",
				answers->request);
			_exit(1);
		}
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, answers->request) != 0) {
			fprintf(stderr, "request %s, expected %s\n", line,
				answers->request);
			_exit(1);
		}
		if (answers->text)
			fputs(answers->text, out);
		else
			say(out, "return", 3);
		fflush(out);
		for (i = 0; i < answers->nr_events; i++)
			say(out, "event", 4 + i);
	}
	fclose(in);
	fclose(out);
}

struct script {
	const char *greeting;
	const struct answer *answers;
	size_t nr_answers;
};

static pid_t start_daemon(const struct script *script)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	strcpy(address.sun_path, socket_path);
	unlink(socket_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	assert_int_equal(listen(fd, 5), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGPIPE, SIG_IGN);
		serve(fd, script->greeting ? script->greeting : GREETING,
		      script->answers, script->nr_answers);
		_exit(0);
	}
	close(fd);
	return pid;
}

static void stop_daemon(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	unlink(socket_path);
}

typedef int (*parse_fn)(int argc, char **argv, struct options *options);
typedef int (*verb_fn)(const struct options *options);

/* What a verb said; to be freed. */
struct said {
	int status;
	char *out;
	char *err;
};

static struct said run(parse_fn parse, verb_fn verb, char **argv)
{
	struct options options;
	struct capture out, err;
	struct said said;
	int argc = 0;

	assert_int_equal(options_parse_global(1, ARGV("kvm-aet"), &options), 1);
	options.socket_path = socket_path;
	while (argv[argc])
		argc++;
	capture_start(&err, STDERR_FILENO);
	capture_start(&out, STDOUT_FILENO);
	said.status = parse(argc, argv, &options) < 0 ? EXIT_STATUS_USAGE :
							verb(&options);
	said.out = capture_end(&out);
	said.err = capture_end(&err);
	return said;
}

static void said_done(struct said *said)
{
	free(said->out);
	free(said->err);
}

static void check_said(struct said said, int status, const char *out,
		       const char *err)
{
	if (said.status != status || strcmp(said.out, out) != 0 ||
	    strcmp(said.err, err) != 0)
		print_error("status %d\nout:\n%s\nerr:\n%s\n", said.status,
			    said.out, said.err);
	assert_int_equal(said.status, status);
	assert_string_equal(said.out, out);
	assert_string_equal(said.err, err);
	said_done(&said);
}

/* The text is one JSON object of @type, which is returned. */
static json_t *check_json(struct said said, const char *type)
{
	json_t *json = json_loads(said.out, 0, NULL);

	assert_int_equal(said.status, 0);
	assert_string_equal(said.err, "");
	assert_non_null(json);
	assert_int_equal(
		json_integer_value(json_object_get(json, "schema_version")), 1);
	assert_string_equal(json_string_value(json_object_get(json, "type")),
			    type);
	assert_int_equal(count_of(said.out, "\n"), 1);
	said_done(&said);
	return json;
}

static struct said run_with(const struct script *script, parse_fn parse,
			    verb_fn verb, char **argv)
{
	pid_t pid = start_daemon(script);
	struct said said = run(parse, verb, argv);

	stop_daemon(pid);
	return said;
}

#define WITH(answers_)                            \
	(&(struct script){ .answers = (answers_), \
			   .nr_answers = ARRAY_SIZE(answers_) })

static const struct answer query_tick[] = {
	{ "{\"execute\":\"query-tick\"}", NULL, 0 },
};

#define NOT_RUNNING "kvm-aet: the daemon is not running (no answer at "

static void test_no_daemon(void **state)
{
	struct said said;

	(void)state;
	said = run(options_parse_explain, verb_explain, ARGV("explain", "v"));
	assert_int_equal(said.status, 1);
	assert_contains(said.err, NOT_RUNNING);
	assert_contains(said.err, "systemctl start kvm-aetd\n");
	said_done(&said);
	said = run(options_parse_set, verb_set,
		   ARGV("set", "it's", "--min", "1536MiB", "--max", "4GiB",
			"--weight", "0.5", "--mode", "act"));
	assert_int_equal(said.status, 1);
	assert_contains(
		said.err,
		"or without it: virsh metadata 'it'\\''s' --uri urn:kvm-aet:policy:1 --key kvm-aet "
		"--set '<policy min=\"1536MiB\" max=\"4GiB\" weight=\"0.5\" mode=\"act\"/>'\n");
	said_done(&said);
	said = run(options_parse_set, verb_set, ARGV("set", "web1", "--clear"));
	assert_contains(said.err, " --uri urn:kvm-aet:policy:1 --remove\n");
	said_done(&said);
	said = run(options_parse_set, verb_set,
		   ARGV("set", "--host", "--mode", "act"));
	assert_contains(said.err, "or set mode in /etc/kvm-aet/kvm-aet.conf\n");
	said_done(&said);
	said = run(options_parse_preview, verb_preview,
		   ARGV("preview", "v", "--memory", "1GiB"));
	assert_contains(said.err, "or measure with --live");
	said_done(&said);
}

static void test_odd_daemons(void **state)
{
	static const struct {
		const char *greeting;
		int err;
	} cases[] = {
		{ "", -ECONNRESET },
		{ "{}\n", -EPROTO },
		{ "SSH-2.0\n", -EPROTO },
		{ "{\"kvm-aetd\": {\"schema\": 2}}\n", -EPROTO },
		{ "{\"kvm-aetd\": {\"schema\"", -ECONNRESET },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct script script = { .greeting = cases[i].greeting };
		struct client_error error = { .desc = "" };
		struct client *client = NULL;
		pid_t pid = start_daemon(&script);

		assert_int_equal(client_open(socket_path, &client, &error),
				 cases[i].err);
		assert_null(client);
		assert_true(*error.desc != '\0');
		stop_daemon(pid);
	}
}

static void test_bad_answers(void **state)
{
	static const struct {
		const char *text;
		const char *err;
	} cases[] = {
		{ "{\"error\": {\"class\": \"NotFound\", \"desc\": \"no tick yet\"}}\n",
		  "kvm-aet: the daemon has decided nothing yet: try again in a period, or see 'kvm-aet ctl query-status'\n" },
		{ "{\"error\": {\"class\": \"Failed\", \"desc\": \"on \\u001b[2J fire\"}}\n",
		  "kvm-aet: on \\x1b[2J fire\n" },
		{ "{\"return\": {}}\n",
		  "kvm-aet: what the daemon says is not understood (number: expected a whole number, not negative, within its range): install kvm-aet and kvm-aetd from one release\n" },
		{ "{\"error\": 5}\n",
		  "kvm-aet: what answers is not a kvm-aetd of this version: install both from one release, then 'systemctl restart kvm-aetd'\n" },
		{ "[]\n",
		  "kvm-aet: what answers is not a kvm-aetd of this version: install both from one release, then 'systemctl restart kvm-aetd'\n" },
		{ "",
		  "kvm-aet: the daemon ended the connection: see 'journalctl -u kvm-aetd'\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct answer answers[] = {
			{ "{\"execute\":\"query-tick\"}", cases[i].text, 0 },
		};

		check_said(run_with(WITH(answers), options_parse_explain,
				    verb_explain, ARGV("explain", "web1")),
			   1, "", cases[i].err);
	}
}

static void test_other_uri(void **state)
{
	static const struct answer answers[] = {
		{ "{\"execute\":\"query-status\"}",
		  "{\"return\": {\"uri\": \"qemu:///system\"}}\n", 0 },
	};
	struct script script = { .answers = answers, .nr_answers = 1 };
	struct client *client = NULL;
	struct options options;
	struct capture capture;
	pid_t pid = start_daemon(&script);
	char *text;

	(void)state;
	assert_int_equal(options_parse_global(
				 4, ARGV("kvm-aet", "-c", "test:///d", "top"),
				 &options),
			 3);
	assert_string_equal(options.uri, "test:///d");
	options.socket_path = socket_path;
	options.selector = "web1";
	options.count = 1;
	capture_start(&capture, STDERR_FILENO);
	assert_int_equal(verb_explain(&options), 1);
	text = capture_end(&capture);
	assert_string_equal(
		text,
		"kvm-aet: the daemon looks after qemu:///system, not test:///d: change uri in /etc/kvm-aet/kvm-aet.conf, or -c\n");
	free(text);
	assert_null(client);
	stop_daemon(pid);
}

static void test_unknown_domain(void **state)
{
	(void)state;
	check_said(
		run_with(WITH(query_tick), options_parse_explain, verb_explain,
			 ARGV("explain", "web2")),
		1, "",
		"kvm-aet: no domain 'web2': see 'kvm-aet top --batch -n 1'\n");
}

#include "test_verbs_golden.h"

static void test_top(void **state)
{
	static const struct answer answers[] = {
		{ "{\"execute\":\"subscribe\"}", NULL, 1 },
	};
	struct said said;
	json_t *json;

	(void)state;
	check_said(run_with(WITH(answers), options_parse_top, verb_top,
			    ARGV("top", "--batch", "-n", "1")),
		   0, golden_top, "");
	check_said(run_with(WITH(answers), options_parse_top, verb_top,
			    ARGV("top", "-b", "-n", "1", "--sort", "misses")),
		   0, golden_top_misses, "");
	json = check_json(run_with(WITH(answers), options_parse_top, verb_top,
				   ARGV("top", "--json", "-n", "1")),
			  "top");
	assert_int_equal(json_array_size(json_object_get(json, "vms")),
			 TICK_TEST_NR_VMS);
	json_decref(json);
	/* It goes on until the daemon ends. */
	said = run_with(WITH(answers), options_parse_top, verb_top,
			ARGV("top", "-b", "-n", "3"));
	assert_int_equal(said.status, 1);
	assert_true(strncmp(said.out, golden_top, strlen(golden_top)) == 0);
	assert_contains(said.out, "\n\n2026-01-02 03:04:35 +0000  policy ");
	assert_int_equal(count_of(said.out, "DOMAIN"), 2);
	assert_string_equal(
		said.err,
		"kvm-aet: the daemon ended the connection: see 'journalctl -u kvm-aetd'\n");
	said_done(&said);
	check_said(run(options_parse_top, verb_top, ARGV("top")), 1, "",
		   "kvm-aet: standard output is no terminal: use --batch\n");
}

static void test_explain(void **state)
{
	json_t *json, *decision;
	struct said said;

	(void)state;
	said = run_with(WITH(query_tick), options_parse_explain, verb_explain,
			ARGV("explain", "web1"));
	assert_int_equal(said.status, 0);
	assert_string_equal(said.err, "");
	/* What policies want is their tests' business. */
	assert_true(strncmp(said.out, golden_explain, strlen(golden_explain)) ==
		    0);
	assert_contains(said.out, "\n  proportional");
	assert_contains(said.out, "\n  static");
	said_done(&said);
	json = check_json(
		run_with(WITH(query_tick), options_parse_explain, verb_explain,
			 ARGV("explain", (char *)tick_test_uuids[1], "--json")),
		"explain");
	decision = json_array_get(json_object_get(json, "decisions"), 0);
	assert_int_equal(json_array_size(json_object_get(decision, "vms")), 1);
	assert_int_equal(
		json_array_size(json_object_get(decision, "alternatives")), 5);
	json_decref(json);
}

static void test_explain_history(void **state)
{
	const struct show_alternatives none = { 0 };
	struct tick tick = tick_test_new(2);
	char request[128], *text, *history;
	struct answer answers[] = {
		{ "{\"execute\":\"query-tick\"}", NULL, 0 },
		{ request, NULL, 0 },
	};
	json_t *json, *inner;
	struct said said;

	(void)state;
	(void)snprintf(
		request, sizeof(request),
		"{\"execute\":\"query-history\",\"arguments\":{\"uuid\":\"%s\"}}",
		tick_test_uuids[0]);
	json = show_decision_json(&tick, 0, &none);
	inner = json_pack("{s{s[o]}}", "return", "ticks", json);
	text = fields_dump(inner);
	assert_non_null(text);
	assert_true(asprintf(&history, "%s\n", text) > 0);
	free(text);
	answers[1].text = history;
	json_decref(inner);
	inner = check_json(
		run_with(WITH(answers), options_parse_explain, verb_explain,
			 ARGV("explain", "web1", "-n", "5", "--json")),
		"explain");
	json = json_object_get(inner, "decisions");
	assert_int_equal(json_array_size(json), 2);
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(json, 0), "number")),
			 2);
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(json, 1), "number")),
			 3);
	/* Of the last one alone the daemon has all curves. */
	assert_true(json_is_null(
		json_object_get(json_array_get(json, 0), "alternatives")));
	assert_contains(
		json_string_value(json_object_get(json_array_get(json, 0),
						  "alternatives_note")),
		"is not known, as the daemon keeps curves of its last tick only");
	assert_int_equal(json_array_size(json_object_get(
				 json_array_get(json, 1), "alternatives")),
			 5);
	json_decref(inner);
	said = run_with(WITH(answers), options_parse_explain, verb_explain,
			ARGV("explain", "web1", "-n", "5"));
	assert_int_equal(said.status, 0);
	assert_int_equal(count_of(said.out, "  policies     what others"), 1);
	assert_int_equal(count_of(said.out, "\n  proportional"), 1);
	said_done(&said);
	recording_tick_done(&tick);
	free(history);
}

static void test_preview(void **state)
{
	json_t *json;

	(void)state;
	check_said(run_with(WITH(query_tick), options_parse_preview,
			    verb_preview,
			    ARGV("preview", "web1", "--memory", "2GiB")),
		   0, golden_preview_grow, "");
	check_said(run_with(WITH(query_tick), options_parse_preview,
			    verb_preview,
			    ARGV("preview", "db1", "--memory", "300MiB")),
		   0, golden_preview_shrink, "");
	check_said(
		run_with(WITH(query_tick), options_parse_preview, verb_preview,
			 ARGV("preview", "gpu1", "--memory", "1GiB")),
		1, "",
		"kvm-aet: nothing is known of 'gpu1' yet: try again in a few periods\n");
	json = check_json(run_with(WITH(query_tick), options_parse_preview,
				   verb_preview,
				   ARGV("preview", "db1", "--memory", "300MiB",
					"--json")),
			  "preview");
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(json, "then"), "bytes")),
			 300 << 20);
	assert_true(json_is_string(json_object_get(json, "warning")));
	json_decref(json);
}

static double number_of(const json_t *object, const char *key,
			const char *inner)
{
	const json_t *value = json_object_get(object, key);

	return json_number_value(inner ? json_object_get(value, inner) : value);
}

/* What one policy wants in an explain's JSON. */
static const json_t *alternative_of(const json_t *explained, const char *name)
{
	const json_t *list = json_object_get(
		json_array_get(json_object_get(explained, "decisions"), 0),
		"alternatives");
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);

		if (strcmp(json_string_value(json_object_get(one, "policy")),
			   name) == 0)
			return one;
	}
	return NULL;
}

/*
 * A guest that swaps, given memory in vain, and one that holds memory: what verbs say
 * of them, from a recording, is what the policy reckons with, and else it would not be.
 */
static void test_swapping(void **state)
{
	struct tick tick = tick_test_new(1);
	struct vm_view *web = &tick.vms[0], *db = &tick.vms[1];
	struct recording_params params;
	struct recording_writer *writer = NULL;
	struct policy_want wants[TICK_TEST_NR_VMS], others[TICK_TEST_NR_VMS];
	struct preview preview;
	json_t *json;
	const json_t *mrc;
	uint64_t bytes;
	size_t i;

	(void)state;
	recording_params_init(&params);
	params.is_known = true;
	tick.host.budget_bytes = UINT64_C(6500) << 20;
	web->actual_bytes = UINT64_C(1536) << 20;
	web->target_bytes = web->actual_bytes;
	web->stats.swap_in_bytes_per_s = 500 * VIEW_PAGE_BYTES;
	web->stats.swap_out_bytes_per_s = 0;
	web->stats.major_faults_per_s = 500;
	web->vain_growths = 1;
	db->held_bytes = UINT64_C(1024) << 20;
	assert_int_equal(recording_writer_open(recording_path, 0, &writer), 0);
	assert_int_equal(recording_write(writer, &tick, &params), 0);
	recording_writer_close(writer);
	assert_int_equal(policy_mrc.plan(&params.policy, &tick.host, tick.vms,
					 tick.nr_vms, wants),
			 0);
	assert_true(wants[0].target_bytes > web->actual_bytes);
	assert_true(wants[1].target_bytes < db->actual_bytes);

	/* The policy's own numbers are seen in a preview of what it wants. */
	assert_int_equal(preview_init(&params.policy, web,
				      wants[0].target_bytes, &preview),
			 0);
	assert_near(preview.now.per_s, wants[0].misses_now_per_s, 1e-6);
	assert_near(preview.then.per_s, wants[0].misses_then_per_s, 1e-6);
	bytes = UINT64_C(1280) << 20;
	assert_int_equal(preview_init(&params.policy, db, bytes, &preview), 0);
	assert_near(preview.then.per_s, 0.5 * db->accesses_per_s, 1e-6);

	json = check_json(run(options_parse_preview, verb_preview,
			      ARGV("preview", "web1", "--memory", "4GiB",
				   "--recording", recording_path, "--json")),
			  "preview");
	assert_int_equal(preview_init(&params.policy, web, UINT64_C(4) << 30,
				      &preview),
			 0);
	/* Half of what it swaps in is not hoped to end. */
	assert_true(preview.then.per_s > 250);
	assert_near(number_of(json, "then", "misses_per_s"), preview.then.per_s,
		    0.1);
	assert_near(number_of(json, "now", "misses_per_s"), preview.now.per_s,
		    0.1);
	assert_contains(json_string_value(json_object_get(json, "warning")),
			"swaps in more than its curve expects");
	json_decref(json);
	json = check_json(run(options_parse_preview, verb_preview,
			      ARGV("preview", "db1", "--memory", "1280MiB",
				   "--recording", recording_path, "--json")),
			  "preview");
	assert_near(number_of(json, "then", "misses_per_s"), 10000, 0.1);
	json_decref(json);

	for (i = 0; i < 2; i++) {
		json = check_json(run(options_parse_explain, verb_explain,
				      ARGV("explain", (char *)tick.vms[i].name,
					   "--recording", recording_path,
					   "--json")),
				  "explain");
		mrc = alternative_of(json, "mrc");
		assert_non_null(mrc);
		assert_near(number_of(mrc, "target_bytes", NULL),
			    (double)wants[i].target_bytes, 0);
		assert_near(number_of(mrc, "misses_then_per_s", NULL),
			    wants[i].misses_then_per_s, 0.1);
		json_decref(json);
	}

	web->vain_growths = 0;
	db->held_bytes = 0;
	assert_int_equal(policy_mrc.plan(&params.policy, &tick.host, tick.vms,
					 tick.nr_vms, others),
			 0);
	assert_int_not_equal(wants[1].target_bytes, others[1].target_bytes);
	assert_true(wants[0].misses_then_per_s >
		    others[0].misses_then_per_s + 100);
	recording_tick_done(&tick);
}

#define UUID1 "11111111-2222-3333-4444-000000000001"

static void test_set(void **state)
{
	static const struct answer set[] = {
		{ "{\"execute\":\"query-tick\"}", NULL, 0 },
		{ "{\"execute\":\"set-policy\",\"arguments\":{\"uuid\":\"" UUID1
		  "\",\"min-bytes\":536870912,\"weight\":2.0}}",
		  "{\"return\": {}}\n", 0 },
	};
	static const struct answer clear[] = {
		{ "{\"execute\":\"query-tick\"}", NULL, 0 },
		{ "{\"execute\":\"set-policy\",\"arguments\":{\"uuid\":\"" UUID1
		  "\",\"min-bytes\":null,\"max-bytes\":null,\"weight\":null,\"mode\":null}}",
		  "{\"return\": {}}\n", 0 },
	};
	static const struct answer host[] = {
		{ "{\"execute\":\"set-mode\",\"arguments\":{\"mode\":\"act\"}}",
		  "{\"return\": {}}\n", 0 },
	};
	static const struct answer refused[] = {
		{ "{\"execute\":\"set-mode\",\"arguments\":{\"mode\":\"act\"}}",
		  "{\"error\": {\"class\": \"Failed\", \"desc\": \"no\"}}\n",
		  0 },
	};

	(void)state;
	check_said(
		run_with(WITH(set), options_parse_set, verb_set,
			 ARGV("set", "web1", "--min", "512MiB", "--weight",
			      "2")),
		0,
		"in the domain's metadata: <policy min=\"512MiB\" weight=\"2\"/>\n",
		"");
	check_said(run_with(WITH(clear), options_parse_set, verb_set,
			    ARGV("set", "web1", "--clear")),
		   0, "in the domain's metadata: nothing any more\n", "");
	check_said(
		run_with(WITH(host), options_parse_set, verb_set,
			 ARGV("set", "--host", "--mode", "act")),
		0,
		"host: mode act until the daemon ends or reloads; to keep it, set mode in /etc/kvm-aet/kvm-aet.conf\n",
		"");
	check_said(run_with(WITH(refused), options_parse_set, verb_set,
			    ARGV("set", "--host", "--mode", "act")),
		   1, "", "kvm-aet: no\n");
}

static void test_ctl(void **state)
{
	static const struct answer status[] = {
		{ "{\"execute\":\"query-status\",\"arguments\":{}}",
		  "{\"return\": {\"mode\": \"act\"}, \"id\": null}\n", 0 },
	};
	static const struct answer rate[] = {
		{ "{\"execute\":\"set-rate\",\"arguments\":{\"uuid\":\"u\",\"inverse-rate\":64}}",
		  "{\"error\": {\"class\": \"NotFound\", \"desc\": \"no VM\"}}\n",
		  0 },
	};
	static const struct answer level[] = {
		{ "{\"execute\":\"log-level\",\"arguments\":{\"level\":\"x\"}}",
		  "{\"error\": {\"class\": \"BadArgument\", \"desc\": \"level\"}}\n",
		  0 },
	};

	(void)state;
	check_said(run_with(WITH(status), options_parse_ctl, verb_ctl,
			    ARGV("ctl", "query-status")),
		   0, "{\n  \"mode\": \"act\"\n}\n", "");
	check_said(
		run_with(WITH(rate), options_parse_ctl, verb_ctl,
			 ARGV("ctl", "set-rate", "uuid=u", "inverse-rate=64")),
		1, "", "kvm-aet: NotFound: no VM\n");
	check_said(run_with(WITH(level), options_parse_ctl, verb_ctl,
			    ARGV("ctl", "log-level", "{\"level\": \"x\"}")),
		   2, "", "kvm-aet: BadArgument: level\n");
	check_said(
		run(options_parse_ctl, verb_ctl, ARGV("ctl", "x", "{")), 2, "",
		"kvm-aet: the arguments are not JSON: string or '}' expected near end of file, column 1\n");
	check_said(
		run(options_parse_ctl, verb_ctl, ARGV("ctl", "x", "y")), 2, "",
		"kvm-aet: argument 'y': expected KEY=VALUE, or one JSON object such as '{\"level\": \"debug\"}'\n");
}

static void test_record(void **state)
{
	static const struct answer follow[] = {
		{ "{\"execute\":\"subscribe\"}", NULL, 3 },
	};
	static const struct answer start[] = {
		{ "{\"execute\":\"record-start\",\"arguments\":{\"path\":\"m.zst\"}}",
		  "{\"return\": {\"path\": \"/var/lib/m.zst\"}}\n", 0 },
	};
	static const struct answer stop[] = {
		{ "{\"execute\":\"record-stop\"}", "{\"return\": {}}\n", 0 },
	};
	char expected[128];
	json_t *json;

	(void)state;
	(void)snprintf(expected, sizeof(expected), "3 ticks in %s\n",
		       recording_path);
	check_said(run_with(WITH(follow), options_parse_record, verb_record,
			    ARGV("record", "-o", recording_path, "-n", "3")),
		   0, expected, "");
	check_said(run_with(WITH(start), options_parse_record, verb_record,
			    ARGV("record", "start", "-o", "m.zst")),
		   0, "the daemon records to /var/lib/m.zst\n", "");
	json = check_json(run_with(WITH(stop), options_parse_record,
				   verb_record,
				   ARGV("record", "stop", "--json")),
			  "record");
	json_decref(json);
}

static void write_recording(void)
{
	struct recording_writer *writer = NULL;
	struct recording_params params;
	uint64_t number;

	recording_params_init(&params);
	params.policy.unit_bytes = 100 << 20;
	assert_int_equal(recording_writer_open(recording_path, 0, &writer), 0);
	for (number = 1; number <= 6; number++) {
		struct tick tick = tick_test_new(number);

		/* Recorded as the daemon would: one grows, step by step. */
		tick.vms[0].actual_bytes += number << 20;
		/* By an older daemon, then by a newer one. */
		params.is_known = number > 2;
		assert_int_equal(recording_write(writer, &tick, &params), 0);
		recording_tick_done(&tick);
	}
	recording_writer_close(writer);
}

/* Sums worked out by hand from the ticks, not taken from the code. */
static void test_replay_sums(void **state)
{
	struct replay *recorded = NULL, *still = NULL;
	double misses = 0, weighted = 0;
	uint64_t number;

	(void)state;
	assert_int_equal(replay_new(NULL, &recorded), 0);
	assert_int_equal(replay_new(&policy_static, &still), 0);
	for (number = 1; number <= 6; number++) {
		struct tick tick = tick_test_new(number);
		struct recording_params params;
		double web, db;

		recording_params_init(&params);
		tick.vms[0].actual_bytes += number << 20;
		web = 20000 * mrc_curve_at(tick.vms[0].curve,
					   256.0 * (768 + (double)number));
		db = 20000 * mrc_curve_at(tick.vms[1].curve, 256 * 2048);
		/* The last tick's are still to come. */
		if (number < 6) {
			misses += 10 * (web + db);
			weighted += 10 * (2 * web + db);
		}
		assert_int_equal(replay_tick(recorded, &tick, &params), 0);
		assert_int_equal(replay_tick(still, &tick, &params), 0);
		recording_tick_done(&tick);
	}
	assert_int_equal(replay_totals(recorded)->nr_ticks, 6);
	assert_near(replay_totals(recorded)->seconds, 50, 1e-9);
	assert_near(replay_totals(recorded)->misses, misses, 1e-6 * misses);
	assert_near(replay_totals(recorded)->weighted_misses, weighted,
		    1e-6 * weighted);
	assert_int_equal(replay_totals(recorded)->nr_moves, 5);
	assert_int_equal(replay_totals(recorded)->moved_bytes, 5 << 20);
	assert_int_equal(replay_totals(still)->nr_moves, 0);
	assert_true(replay_totals(still)->misses >
		    replay_totals(recorded)->misses);
	assert_near(replay_totals(still)->below_min_seconds, 0, 0);
	assert_near(replay_totals(still)->over_budget_seconds, 0, 0);
	replay_free(recorded);
	replay_free(still);
}

static void test_replay(void **state)
{
	struct said said;
	json_t *json, *runs;

	(void)state;
	write_recording();
	said = run(options_parse_replay, verb_replay,
		   ARGV("replay", recording_path, "--policy", "static"));
	check_said(said, 0, golden_replay, "");
	json = check_json(run(options_parse_replay, verb_replay,
			      ARGV("replay", recording_path, "--json")),
			  "replay");
	assert_int_equal(json_integer_value(json_object_get(
				 json, "ticks_with_default_params")),
			 2);
	runs = json_object_get(json, "runs");
	assert_int_equal(json_array_size(runs), 6);
	/* mrc on this recording: fewer misses than doing nothing. */
	assert_true(json_number_value(json_object_get(json_array_get(runs, 1),
						      "misses")) <
		    json_number_value(json_object_get(json_array_get(runs, 5),
						      "misses")));
	json_decref(json);
	said = run(options_parse_replay, verb_replay,
		   ARGV("replay", "/dev/null"));
	check_said(said, 1, "",
		   "kvm-aet: /dev/null:1: not a recording of kvm-aet\n");
	said = run(options_parse_replay, verb_replay,
		   ARGV("replay", "/nonexistent"));
	check_said(said, 1, "",
		   "kvm-aet: /nonexistent: No such file or directory\n");
}

/* Every decision of a recording with what others would have wanted then. */
static void test_explain_recording(void **state)
{
	json_t *json, *decisions;
	struct said said;
	size_t i, j;

	(void)state;
	write_recording();
	said = run(options_parse_explain, verb_explain,
		   ARGV("explain", "web1", "-n", "5", "--recording",
			recording_path));
	assert_int_equal(said.status, 0);
	assert_string_equal(said.err, "");
	assert_int_equal(count_of(said.out, "\n  proportional"), 5);
	assert_int_equal(
		count_of(
			said.out,
			"  policies     with default parameters, as the host's are not recorded\n"),
		1);
	said_done(&said);
	json = check_json(run(options_parse_explain, verb_explain,
			      ARGV("explain", "web1", "-n", "6", "--recording",
				   recording_path, "--json")),
			  "explain");
	decisions = json_object_get(json, "decisions");
	assert_int_equal(json_array_size(decisions), 6);
	for (i = 0; i < 6; i++) {
		json_t *one = json_array_get(decisions, i);
		json_t *others = json_object_get(one, "alternatives");
		/* The host's allocation unit is 100 MiB, the default 4 MiB. */
		uint64_t unit_bytes = i < 2 ? 4 << 20 : 100 << 20;
		json_int_t bytes;

		assert_int_equal(json_array_size(others), 5);
		assert_int_equal(json_is_string(json_object_get(
					 one, "alternatives_note")),
				 i < 2);
		for (j = 0; j < 5; j++) {
			json_t *other = json_array_get(others, j);
			const char *name = json_string_value(
				json_object_get(other, "policy"));

			if (strcmp(name, "mrc") != 0)
				continue;
			bytes = json_integer_value(
				json_object_get(other, "target_bytes"));
			assert_int_equal((uint64_t)bytes % unit_bytes, 0);
			/* Else it would tell nothing. */
			if (i < 2)
				assert_true((uint64_t)bytes % (100 << 20) != 0);
		}
	}
	json_decref(json);
}

static void test_report(void **state)
{
	struct stat status;
	struct said said;
	json_t *json, *vm;
	char path[128];
	unsigned int i;

	(void)state;
	write_recording();
	setenv("COLUMNS", "60", 1);
	said = run(options_parse_report, verb_report,
		   ARGV("report", recording_path));
	assert_int_equal(said.status, 0);
	assert_string_equal(said.err, "");
	assert_contains(said.out, "Memory of web1\n");
	assert_contains(said.out, "Miss-ratio curves of db1\n");
	assert_contains(said.out, "Idle memory of new\\x1b[2J<b>\n");
	assert_null(strchr(said.out, '\x1b'));
	said_done(&said);
	(void)snprintf(path, sizeof(path), "%s/report", directory);
	check_said(run(options_parse_report, verb_report,
		       ARGV("report", recording_path, "-o", path)),
		   0, "", "");
	for (i = 1; i <= TICK_TEST_NR_VMS; i++) {
		static const char *const names[] = { "memory", "curves",
						     "ages" };
		size_t n;

		for (n = 0; n < ARRAY_SIZE(names); n++) {
			char command[256];

			(void)snprintf(path, sizeof(path),
				       "%s/report/%03u-%s.svg", directory, i,
				       names[n]);
			assert_int_equal(stat(path, &status), 0);
			assert_int_equal(status.st_mode & 0777, 0600);
			(void)snprintf(command, sizeof(command),
				       "! command -v xmllint >/dev/null || "
				       "xmllint --noout --nonet %s",
				       path);
			assert_int_equal(system(command), 0);
		}
	}
	json = check_json(run(options_parse_report, verb_report,
			      ARGV("report", recording_path, "--json")),
			  "report");
	vm = json_array_get(json_object_get(json, "vms"), 0);
	assert_int_equal(json_integer_value(json_object_get(vm, "ticks")), 6);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(vm, "wss_bytes"), "max")),
			 (1024 + 5 * 64) << 20);
	json_decref(json);
}

/* wss and mrc of a VM that the daemon tracks take its data, and say so. */
static void test_tracked(void **state)
{
	static const char note[] =
		"kvm-aet: note: kvm-aetd tracks 'web1': these are its data, at its settings and periods\n";
	json_t *json;
	struct said said;

	(void)state;
	said = run_with(WITH(query_tick), options_parse_wss, verb_wss,
			ARGV("wss", "web1", "--once"));
	check_said(said, 0, golden_wss, note);
	said = run_with(WITH(query_tick), options_parse_mrc, verb_mrc,
			ARGV("mrc", "web1", "--points", "3"));
	check_said(said, 0, golden_mrc, note);
	said = run_with(WITH(query_tick), options_parse_mrc, verb_mrc,
			ARGV("mrc", "web1", "--json", "--points", "2"));
	assert_int_equal(said.status, 0);
	json = json_loads(said.out, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(json, "points")), 2);
	assert_string_equal(json_string_value(json_object_get(json, "source")),
			    "kvm-aetd");
	json_decref(json);
	said_done(&said);
}

static void test_amounts(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1 KiB" },
		{ 1536, "1.5 KiB" },
		{ UINT64_C(512) << 20, "512 MiB" },
		{ (UINT64_C(1) << 30) - 1, "1 GiB" },
		{ UINT64_C(1100) << 20, "1.07 GiB" },
		{ UINT64_MAX, "16 EiB" },
	};
	static const struct {
		double per_s;
		const char *text;
	} rates[] = {
		{ 0, "0" },	    { 0.25, "0.25" },	{ 12.5, "12.5" },
		{ 1234.4, "1234" }, { 123456, "123k" }, { -1, "0" },
	};
	char text[AMOUNT_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		amount_format_size(sizes[i].bytes, text);
		assert_string_equal(text, sizes[i].text);
	}
	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		amount_format_rate(rates[i].per_s, text);
		assert_string_equal(text, rates[i].text);
	}
	amount_format_change(5 << 20, 3 << 20, text);
	assert_string_equal(text, "-2 MiB");
	amount_format_percent(-1, text);
	assert_string_equal(text, "-");
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(socket_path, sizeof(socket_path), "%s/control",
		       directory);
	(void)snprintf(recording_path, sizeof(recording_path), "%s/r.zst",
		       directory);
	setenv("TZ", "UTC", 1);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_daemon),
		cmocka_unit_test(test_odd_daemons),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_other_uri),
		cmocka_unit_test(test_unknown_domain),
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_explain_history),
		cmocka_unit_test(test_explain_recording),
		cmocka_unit_test(test_preview),
		cmocka_unit_test(test_swapping),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_ctl),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_replay_sums),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_tracked),
		cmocka_unit_test(test_amounts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
