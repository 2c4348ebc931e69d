// SPDX-License-Identifier: GPL-2.0-or-later
/* top: each tick as a screen, or in a row for programs and dumb terminals. */
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <ncurses.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "daemon_link.h"
#include "fields.h"
#include "log.h"
#include "recording.h"
#include "show.h"
#include "verbs.h"

static const char top_help[] =
	"q  quit\n"
	"s  sort by the next column: name, working set, current memory,\n"
	"   misses per second, overhead\n"
	"h  this help, and back\n"
	"\n"
	"WSS        working set: the smallest memory with a tolerable miss ratio;\n"
	"           > is a lower bound, - is unknown; beside it where it is with\n"
	"           95 % confidence\n"
	"CURRENT    what the guest has\n"
	"TARGET     what the daemon gives it next\n"
	"OVERHEAD   what measuring costs, of the time of its vCPUs\n"
	"RATE       share of the pages that is sampled\n"
	"MISSES/S   predicted with what it has\n"
	"STATE      how it is measured\n"
	"VERDICT    what was decided: 'kvm-aet explain DOMAIN' says why\n";

/**
 * struct top - a screen
 * @tick: shown
 * @has_tick: there is one
 * @sort: by which column
 * @is_help: the help is shown instead
 */
struct top {
	struct tick tick;
	bool has_tick;
	enum options_sort sort;
	bool is_help;
};

static int top_take(struct top *top, const json_t *json,
		    struct client_error *ret_error)
{
	struct tick tick;
	int err = link_tick_of(json, &tick, ret_error);

	if (err < 0)
		return err;
	recording_tick_done(&top->tick);
	top->tick = tick;
	top->has_tick = true;
	return 0;
}

static void cleanup_top(struct top *top)
{
	recording_tick_done(&top->tick);
}

static int top_print_json(FILE *out, const struct tick *tick)
{
	_cleanup_json_ json_t *json = show_json_new("top");
	_cleanup_json_ json_t *inner = recording_tick_to_json(tick);

	if (!json || !inner || json_object_update(json, inner) < 0)
		return -ENOMEM;
	return fields_write(out, json);
}

static int top_print(const struct options *options, const struct top *top,
		     uint64_t nr_printed)
{
	int err;

	if (options->output == OPTIONS_JSON) {
		err = top_print_json(stdout, &top->tick);
	} else {
		if (nr_printed > 0)
			(void)fputc('\n', stdout);
		err = show_top(stdout, &top->tick, top->sort);
	}
	if (err < 0) {
		log_error("%s", strerror(-err));
		return err;
	}
	return verb_flush() ? 0 : -EIO;
}

/* The first tick is the daemon's last; then as they come. */
static int top_run_batch(const struct options *options, struct client *client,
			 struct top *top)
{
	uint64_t nr_printed = 0;
	int err = 0;

	while (err == 0) {
		_cleanup_json_ json_t *json = NULL;
		struct client_error error;
		int got;

		if (top->has_tick) {
			err = top_print(options, top, nr_printed++);
			if (err < 0 || nr_printed == options->count)
				return err;
		}
		got = client_wait_tick(client, -1, -1, &json, &error);
		err = got < 0 ? got : 0;
		if (json)
			err = top_take(top, json, &error);
		if (err < 0)
			log_error("%s", error.desc);
	}
	return err;
}

/*
 * A text on the screen, cut where that ends, or where the last line is that of the
 * keys. @heads_row: which has the heads of columns; -1: none.
 */
static void top_draw_text(char *text, int heads_row)
{
	int nr_rows = LINES > 1 ? LINES - 1 : LINES, row;
	char *line;

	for (row = 0; row < nr_rows && (line = strsep(&text, "\n")); row++) {
		if (row == heads_row)
			(void)attron(A_REVERSE);
		(void)mvaddnstr(row, 0, line, COLS);
		if (row == heads_row)
			(void)attroff(A_REVERSE);
	}
}

/* Below the host's line, and that of thrashing. */
static int top_heads_row(const struct top *top)
{
	if (top->is_help || !top->has_tick)
		return -1;
	return top->tick.thrashing.is_thrashing ? 2 : 1;
}

static int top_draw(const struct top *top)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_fclose_ FILE *out = NULL;
	size_t size;
	int err = 0;

	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	if (top->is_help)
		(void)fputs(top_help, out);
	else if (top->has_tick)
		err = show_top(out, &top->tick, top->sort);
	else
		(void)fputs("The daemon has decided nothing yet: waiting.\n",
			    out);
	if (fclose(TAKE_PTR(out)) != 0)
		err = -ENOMEM;
	if (err < 0)
		return err;
	(void)erase();
	top_draw_text(text, top_heads_row(top));
	if (LINES > 1)
		(void)mvaddnstr(LINES - 1, 0, "q quit  s sort  h help", COLS);
	(void)refresh();
	return 0;
}

/* Returns false if it is time to go. */
static bool top_key(struct top *top, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
	case 27: /* Escape */
		return false;
	case 's':
		top->sort = (top->sort + 1) % OPTIONS_NR_SORTS;
		break;
	case 'h':
	case '?':
		top->is_help = !top->is_help;
		break;
	default:
		/* KEY_RESIZE: drawn anew as after any other key. */
		break;
	}
	return true;
}

/* A terminal that is gone has always something to read, and never a key. */
static bool top_is_hung_up(void)
{
	struct pollfd terminal = { .fd = STDIN_FILENO };

	return poll(&terminal, 1, 0) > 0;
}

static int top_run_screen(struct client *client, struct top *top,
			  struct client_error *ret_error)
{
	int err = top_draw(top);

	while (err == 0) {
		_cleanup_json_ json_t *json = NULL;
		int key, got;

		/* Keys and changes of the window's size end the wait. */
		got = client_wait_tick(client, STDIN_FILENO, 500, &json,
				       ret_error);
		if (got < 0)
			return got;
		if (json)
			err = top_take(top, json, ret_error);
		while (err == 0 && (key = getch()) != ERR) {
			if (!top_key(top, key))
				return 0;
		}
		if (top_is_hung_up())
			return 0;
		if (err == 0)
			err = top_draw(top);
	}
	return err;
}

static int top_start_screen(SCREEN **ret_screen)
{
	SCREEN *screen;

	(void)setlocale(LC_CTYPE, "");
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return -ENOTTY;
	(void)cbreak();
	(void)noecho();
	(void)keypad(stdscr, TRUE);
	(void)nodelay(stdscr, TRUE);
	(void)set_escdelay(25);
	(void)curs_set(0);
	*ret_screen = screen;
	return 0;
}

static int top_screen(struct client *client, struct top *top)
{
	struct client_error error = { .desc = "" };
	SCREEN *screen;
	int err;

	err = top_start_screen(&screen);
	if (err < 0) {
		log_error(
			"this terminal (TERM=%s) has no screen to draw on: use --batch",
			getenv("TERM") ? getenv("TERM") : "");
		return err;
	}
	err = top_run_screen(client, top, &error);
	(void)endwin();
	delscreen(screen);
	if (err < 0)
		log_error("%s", *error.desc ? error.desc : strerror(-err));
	return err;
}

int verb_top(const struct options *options)
{
	_cleanup_client_ struct client *client = NULL;
	CLEANUP(cleanup_top) struct top top = { .sort = options->sort };
	_cleanup_json_ json_t *json = NULL;
	struct client_error error;
	bool is_screen = !options->is_batch;
	int err;

	if (is_screen && (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))) {
		log_error("standard output is no terminal: use --batch");
		return EXIT_STATUS_FAILED;
	}
	if (link_open(options, &client) < 0)
		return EXIT_STATUS_FAILED;
	err = client_call(client, "subscribe", NULL, &json, &error);
	/* Before the first tick there may be none to return. */
	if (err == 0 && json_object_get(json, "vms"))
		err = top_take(&top, json, &error);
	if (err < 0) {
		log_error("%s", error.desc);
		return EXIT_STATUS_FAILED;
	}
	err = is_screen ? top_screen(client, &top) :
			  top_run_batch(options, client, &top);
	return err < 0 ? EXIT_STATUS_FAILED : EXIT_STATUS_OK;
}
