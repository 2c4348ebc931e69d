// SPDX-License-Identifier: GPL-2.0-or-later
/* set: what people demand for a VM, into its metadata; and the host's mode. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cleanup.h"
#include "daemon_link.h"
#include "fields.h"
#include "log.h"
#include "recording.h"
#include "show.h"
#include "verbs.h"

/* A word of a shell's command line, whatever is in it. */
static void set_quote(FILE *out, const char *word)
{
	(void)fputc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			(void)fputs("'\\''", out);
		else
			(void)fputc(*word, out);
	}
	(void)fputc('\'', out);
}

/* In the largest unit that is exact. */
static void set_print_size(FILE *out, const char *key, uint64_t bytes)
{
	static const char *const units[] = { "", "KiB", "MiB", "GiB", "TiB" };
	unsigned int i = 0;

	while (i + 1 < sizeof(units) / sizeof(units[0]) && bytes % 1024 == 0) {
		bytes /= 1024;
		i++;
	}
	(void)fprintf(out, " %s=\"%" PRIu64 "%s\"", key, bytes, units[i]);
}

static void set_print_xml(FILE *out, const struct domain_policy *policy)
{
	(void)fprintf(out, "<policy");
	if (policy->has_min)
		set_print_size(out, "min", policy->min_bytes);
	if (policy->has_max)
		set_print_size(out, "max", policy->max_bytes);
	if (policy->has_weight)
		(void)fprintf(out, " weight=\"%.9g\"", policy->weight);
	if (policy->has_mode)
		(void)fprintf(out, " mode=\"%s\"",
			      recording_mode_name(policy->mode));
	(void)fprintf(out, "/>");
}

/* What does the same without the daemon, which reads it when it starts. */
static char *set_virsh_line(const struct options *options)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_fclose_ FILE *out = NULL;
	size_t size;

	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	(void)fprintf(out, "virsh");
	if (options->uri) {
		(void)fprintf(out, " -c ");
		set_quote(out, options->uri);
	}
	(void)fprintf(out, " metadata ");
	set_quote(out, options->selector);
	(void)fprintf(out, " --uri " DOMAIN_METADATA_URI);
	if (options->is_clear) {
		(void)fprintf(out, " --remove");
	} else {
		(void)fprintf(out, " --key kvm-aet --set '");
		set_print_xml(out, &options->policy);
		(void)fputc('\'', out);
	}
	if (fclose(TAKE_PTR(out)) != 0)
		return NULL;
	return TAKE_PTR(text);
}

static void set_log_no_link(const struct options *options,
			    const struct client_error *error, int err)
{
	_cleanup_free_ char *line = NULL;

	if (!link_is_absent(err)) {
		log_error("%s", error->desc);
		return;
	}
	if (options->is_host) {
		log_error("%s; or set mode in /etc/kvm-aet/kvm-aet.conf",
			  error->desc);
		return;
	}
	line = set_virsh_line(options);
	log_error("%s; or without it: %s", error->desc,
		  line ? line : "out of memory");
}

/* null takes a setting away; what is absent stays. */
static json_t *set_arguments(const struct options *options, const char *uuid)
{
	const struct domain_policy *policy = &options->policy;
	_cleanup_json_ json_t *json = json_object();
	bool is_clear = options->is_clear;
	int err = 0;

	err |= fields_set(json, "uuid", json_string(uuid));
	if (policy->has_min || is_clear)
		err |= fields_set(json, "min-bytes",
				  fields_optional(!is_clear,
						  policy->min_bytes));
	if (policy->has_max || is_clear)
		err |= fields_set(json, "max-bytes",
				  fields_optional(!is_clear,
						  policy->max_bytes));
	if (policy->has_weight || is_clear)
		err |= fields_set(json, "weight",
				  is_clear ? json_null() :
					     fields_real(policy->weight));
	if (policy->has_mode || is_clear)
		err |= fields_set(json, "mode",
				  is_clear ? json_null() :
					     json_string(recording_mode_name(
						     policy->mode)));
	return err ? NULL : TAKE_PTR(json);
}

static int set_host(const struct options *options, struct client *client)
{
	const char *mode = recording_mode_name(options->policy.mode);

	return link_call(client, "set-mode", json_pack("{ss}", "mode", mode),
			 NULL);
}

static int set_domain(const struct options *options, struct client *client)
{
	CLEANUP(recording_tick_done) struct tick tick = { 0 };
	_cleanup_json_ json_t *arguments = NULL;
	size_t index;
	int err;

	err = link_query_tick(client, &tick, NULL);
	if (err == 0)
		err = link_find(&tick, options->selector, &index);
	if (err < 0)
		return err;
	arguments = set_arguments(options, tick.vms[index].uuid);
	if (!arguments) {
		log_error("out of memory");
		return -ENOMEM;
	}
	return link_call(client, "set-policy", TAKE_PTR(arguments), NULL);
}

static int set_report(const struct options *options)
{
	_cleanup_json_ json_t *json = NULL;
	int err;

	if (options->output == OPTIONS_JSON) {
		json = show_json_new("set");
		err = json ? fields_write(stdout, json) : -ENOMEM;
		if (err < 0) {
			log_error("%s", strerror(-err));
			return EXIT_STATUS_FAILED;
		}
	} else if (options->is_host) {
		(void)printf(
			"host: mode %s until the daemon ends or reloads; to keep it, set mode in /etc/kvm-aet/kvm-aet.conf\n",
			recording_mode_name(options->policy.mode));
	} else {
		(void)printf("in the domain's metadata: ");
		if (options->is_clear)
			(void)printf("nothing any more");
		else
			set_print_xml(stdout, &options->policy);
		(void)printf("\n");
	}
	return verb_flush() ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
}

int verb_set(const struct options *options)
{
	_cleanup_client_ struct client *client = NULL;
	struct client_error error;
	int err;

	err = link_try(options, &client, &error);
	if (err < 0) {
		set_log_no_link(options, &error, err);
		return EXIT_STATUS_FAILED;
	}
	err = options->is_host ? set_host(options, client) :
				 set_domain(options, client);
	return err < 0 ? EXIT_STATUS_FAILED : set_report(options);
}
