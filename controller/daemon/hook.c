// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "cleanup.h"
#include "daemon/journal.h"

#define HOOK_PATH \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Those above, and the end. */
#define HOOK_MAX_ENVIRONMENT 7

static const struct journal_about hook_about = { .event = "hook" };

struct hook {
	sd_event *event;
	sd_event_source *child;
	sd_event_source *timer;
	pid_t pid; /* also of its process group; 0: none runs */
	char *path;
	bool is_late;
};

int hook_new(sd_event *event, struct hook **ret_hook)
{
	struct hook *hook;

	hook = calloc(1, sizeof(*hook));
	if (!hook)
		return -ENOMEM;
	hook->event = sd_event_ref(event);
	*ret_hook = hook;
	return 0;
}

static void hook_forget(struct hook *hook)
{
	hook->child = sd_event_source_disable_unref(hook->child);
	hook->timer = sd_event_source_disable_unref(hook->timer);
	free(hook->path);
	hook->path = NULL;
	hook->pid = 0;
}

void hook_free(struct hook *hook)
{
	if (!hook)
		return;
	if (hook->pid > 0) {
		pid_t pid = hook->pid;

		/* Its zombie keeps the number from being anybody else's. */
		(void)kill(-pid, SIGKILL);
		hook_forget(hook);
		(void)waitpid(pid, NULL, 0);
	}
	sd_event_unref(hook->event);
	free(hook);
}

static int hook_on_exit(sd_event_source *source, const siginfo_t *info,
			void *context)
{
	struct hook *hook = context;

	(void)source;
	if (hook->is_late)
		journal_log(JOURNAL_WARNING, &hook_about,
			    "%s took too long and was killed", hook->path);
	else if (info->si_code != CLD_EXITED)
		journal_log(JOURNAL_WARNING, &hook_about,
			    "%s ended by signal %d", hook->path,
			    info->si_status);
	else if (info->si_status != 0)
		journal_log(JOURNAL_WARNING, &hook_about,
			    "%s failed: exit status %d", hook->path,
			    info->si_status);
	else
		journal_log(JOURNAL_INFO, &hook_about, "%s is done",
			    hook->path);
	hook_forget(hook);
	return 0;
}

static int hook_on_timeout(sd_event_source *source, uint64_t usec,
			   void *context)
{
	struct hook *hook = context;

	(void)source;
	(void)usec;
	hook->is_late = true;
	(void)kill(-hook->pid, SIGKILL);
	return 0;
}

__attribute__((format(printf, 3, 4))) static int
hook_add(char **environment, size_t *nr, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&environment[*nr], format, args);
	va_end(args);
	if (length < 0) {
		environment[*nr] = NULL;
		return -ENOMEM;
	}
	(*nr)++;
	return 0;
}

static int hook_fill_environment(char **environment, const struct tick *tick)
{
	const struct thrashing *thrashing = &tick->thrashing;
	size_t nr = 0;
	int err;

	err = hook_add(environment, &nr, "%s", HOOK_PATH);
	if (err == 0)
		err = hook_add(environment, &nr, "KVMAET_EVENT=thrashing");
	if (err == 0)
		err = hook_add(environment, &nr, "KVMAET_WSS_BYTES=%" PRIu64,
			       thrashing->wss_bytes);
	if (err == 0)
		err = hook_add(environment, &nr, "KVMAET_BUDGET_BYTES=%" PRIu64,
			       thrashing->budget_bytes);
	if (err == 0 && thrashing->candidate >= 0 &&
	    (size_t)thrashing->candidate < tick->nr_vms) {
		const struct vm_view *vm = &tick->vms[thrashing->candidate];

		err = hook_add(environment, &nr, "KVMAET_CANDIDATE_NAME=%s",
			       vm->name);
		if (err == 0)
			err = hook_add(environment, &nr,
				       "KVMAET_CANDIDATE_UUID=%s", vm->uuid);
	}
	return err;
}

/* A process group and signals of its own, and no descriptors of ours. */
static int hook_spawn(const char *path, char **environment, pid_t *ret_pid)
{
	char *arguments[] = { (char *)path, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int err;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	err = posix_spawnattr_init(&attributes);
	if (err)
		return -err;
	err = posix_spawn_file_actions_init(&actions);
	if (err) {
		(void)posix_spawnattr_destroy(&attributes);
		return -err;
	}
	(void)posix_spawnattr_setflags(
		&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
				     POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setpgroup(&attributes, 0);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setsigdefault(&attributes, &all);
	err = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO,
					       "/dev/null", O_RDONLY, 0);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO,
						       STDOUT_FILENO);
	if (!err)
		err = posix_spawn(ret_pid, path, &actions, &attributes,
				  arguments, environment);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	return -err;
}

static int hook_watch(struct hook *hook, uint64_t timeout_ns)
{
	int err;

	err = sd_event_add_child(hook->event, &hook->child, hook->pid, WEXITED,
				 hook_on_exit, hook);
	if (err < 0)
		return err;
	return sd_event_add_time_relative(hook->event, &hook->timer,
					  CLOCK_MONOTONIC, timeout_ns / 1000, 0,
					  hook_on_timeout, hook);
}

int hook_run(struct hook *hook, const char *path, uint64_t timeout_ns,
	     const struct tick *tick)
{
	char *environment[HOOK_MAX_ENVIRONMENT] = { NULL };
	pid_t pid = 0;
	size_t i;
	int err;

	if (hook->pid > 0)
		return -EBUSY;
	hook->path = strdup(path);
	if (!hook->path)
		return -ENOMEM;
	hook->is_late = false;
	err = hook_fill_environment(environment, tick);
	if (err == 0)
		err = hook_spawn(path, environment, &pid);
	for (i = 0; environment[i]; i++)
		free(environment[i]);
	if (err < 0) {
		hook_forget(hook);
		return err;
	}
	hook->pid = pid;
	err = hook_watch(hook, timeout_ns);
	if (err < 0) {
		(void)kill(-pid, SIGKILL);
		hook_forget(hook);
		(void)waitpid(pid, NULL, 0);
		return err;
	}
	journal_log(JOURNAL_NOTICE, &hook_about, "started %s", path);
	return 0;
}
