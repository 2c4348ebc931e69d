// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon_link.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "fields.h"
#include "log.h"
#include "recording.h"

static int link_check_uri(struct client *client, const char *uri,
			  struct client_error *ret_error)
{
	_cleanup_json_ json_t *status = NULL;
	const char *other;
	int err;

	if (!uri)
		return 0;
	err = client_call(client, "query-status", NULL, &status, ret_error);
	if (err < 0)
		return err;
	other = json_string_value(json_object_get(status, "uri"));
	if (other && strcmp(other, uri) == 0)
		return 0;
	ret_error->class[0] = '\0';
	(void)snprintf(
		ret_error->desc, sizeof(ret_error->desc),
		"the daemon looks after %s, not %s: change uri in /etc/kvm-aet/kvm-aet.conf, or -c",
		other ? other : "another libvirt", uri);
	return -EXDEV;
}

int link_try(const struct options *options, struct client **ret_client,
	     struct client_error *ret_error)
{
	_cleanup_client_ struct client *client = NULL;
	int err;

	err = client_open(options->socket_path, &client, ret_error);
	if (err == 0)
		err = link_check_uri(client, options->uri, ret_error);
	if (err < 0)
		return err;
	*ret_client = TAKE_PTR(client);
	return 0;
}

int link_open(const struct options *options, struct client **ret_client)
{
	struct client_error error;
	int err = link_try(options, ret_client, &error);

	if (err < 0)
		log_error("%s", error.desc);
	return err;
}

bool link_is_absent(int err)
{
	return err == -ENOENT || err == -ECONNREFUSED;
}

int link_call(struct client *client, const char *command, json_t *arguments,
	      json_t **ret_result)
{
	struct client_error error;
	int err = client_call(client, command, arguments, ret_result, &error);

	if (err < 0)
		log_error("%s", error.desc);
	return err;
}

static int link_check_read(int err, const char *problem,
			   struct client_error *ret_error)
{
	ret_error->class[0] = '\0';
	if (err == -EBADMSG)
		(void)snprintf(
			ret_error->desc, sizeof(ret_error->desc),
			"what the daemon says is not understood (%s): install kvm-aet and kvm-aetd from one release",
			problem);
	else if (err < 0)
		(void)snprintf(ret_error->desc, sizeof(ret_error->desc), "%s",
			       strerror(-err));
	return err;
}

int link_tick_of(const json_t *json, struct tick *ret_tick,
		 struct client_error *ret_error)
{
	char error[RECORDING_ERROR_BYTES];
	int err = recording_tick_from_json(json, ret_tick, error);

	return link_check_read(err, error, ret_error);
}

int link_params_of(const json_t *json, struct recording_params *ret_params,
		   struct client_error *ret_error)
{
	char error[RECORDING_ERROR_BYTES];
	int err = recording_params_from_json(json, ret_params, error);

	return link_check_read(err, error, ret_error);
}

int link_query_tick(struct client *client, struct tick *ret_tick,
		    struct recording_params *ret_params)
{
	_cleanup_json_ json_t *json = NULL;
	struct client_error error;
	int err;

	err = client_call(client, "query-tick", NULL, &json, &error);
	if (err == -EREMOTEIO && strcmp(error.class, "NotFound") == 0) {
		log_error(
			"the daemon has decided nothing yet: try again in a period, or see 'kvm-aet ctl query-status'");
		return -ENODATA;
	}
	if (err == 0 && ret_params)
		err = link_params_of(json, ret_params, &error);
	if (err == 0)
		err = link_tick_of(json, ret_tick, &error);
	if (err < 0)
		log_error("%s", error.desc);
	return err;
}

int link_find(const struct tick *tick, const char *selector, size_t *ret_index)
{
	size_t nr_found = 0, found = 0, i;

	for (i = 0; i < tick->nr_vms; i++) {
		const struct vm_view *vm = &tick->vms[i];

		if (strcasecmp(vm->uuid, selector) == 0) {
			*ret_index = i;
			return 0;
		}
		if (strcmp(vm->name, selector) == 0) {
			found = i;
			nr_found++;
		}
	}
	if (nr_found == 1) {
		*ret_index = found;
		return 0;
	}
	if (nr_found > 1) {
		log_error("'%s' is several domains: name it by its UUID",
			  selector);
		return -ENOTUNIQ;
	}
	log_error("no domain '%s': see 'kvm-aet top --batch -n 1'", selector);
	return -ENOENT;
}
