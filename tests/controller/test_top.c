// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * top on a terminal: what keys, ticks and changes of its size draw. The terminal is
 * a pty, read as a VT100; the daemon is this process. Nothing here looks at a clock:
 * what is expected is waited for, and an alarm ends what never comes.
 */
#include "ctl_test.h"

#include <errno.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fields.h"
#include "options.h"
#include "recording.h"
#include "tick_test.h"
#include "verbs.h"

#define MAX_ROWS 40
#define MAX_COLS 160
#define MAX_PARAMS 4

#define ALARM_S 120

#define FOOT "q quit  s sort  h help"

static char directory[] = "/tmp/kvm-aet-top.XXXXXX";
static char socket_path[64];

/**
 * struct screen - a VT100, as far as it is used
 * @cells: what is shown
 * @is_reversed: how
 * @rows: size
 * @cols: size
 * @top: of the lines that scroll
 * @bottom: the last of them
 * @row: of the cursor
 * @col: of the cursor; @cols: the next character wraps
 * @is_reverse: of what is written
 * @sequence: begun and not ended, with its ESC
 * @length: of that
 */
struct screen {
	char cells[MAX_ROWS][MAX_COLS + 1];
	bool is_reversed[MAX_ROWS][MAX_COLS];
	int rows, cols, top, bottom, row, col;
	bool is_reverse;
	char sequence[32];
	size_t length;
};

static void screen_clear(struct screen *screen, int row, int from, int to)
{
	memset(&screen->cells[row][from], ' ', (size_t)(to - from));
	memset(&screen->is_reversed[row][from], 0, (size_t)(to - from));
}

static void screen_resize(struct screen *screen, int rows, int cols)
{
	int row;

	assert_true(rows <= MAX_ROWS && cols <= MAX_COLS);
	screen->rows = rows;
	screen->cols = cols;
	screen->top = 0;
	screen->bottom = rows - 1;
	screen->row = screen->row < rows ? screen->row : rows - 1;
	screen->col = screen->col < cols ? screen->col : cols - 1;
	/* As terminals do that keep nothing: what is seen has been drawn since. */
	for (row = 0; row < MAX_ROWS; row++)
		screen_clear(screen, row, 0, MAX_COLS);
}

/* Moves the lines of the region by one; what is new is empty. */
static void screen_scroll(struct screen *screen, bool is_up)
{
	int from = screen->top + is_up, to = screen->top + !is_up;
	size_t nr = (size_t)(screen->bottom - screen->top);

	memmove(screen->cells[to], screen->cells[from],
		nr * sizeof(screen->cells[0]));
	memmove(screen->is_reversed[to], screen->is_reversed[from],
		nr * sizeof(screen->is_reversed[0]));
	screen_clear(screen, is_up ? screen->bottom : screen->top, 0, MAX_COLS);
}

static void screen_newline(struct screen *screen)
{
	if (screen->row == screen->bottom)
		screen_scroll(screen, true);
	else if (screen->row < screen->rows - 1)
		screen->row++;
}

static void screen_erase(struct screen *screen, char what, int how)
{
	int row = screen->row, col = screen->col, i;

	screen_clear(screen, row, how == 0 ? col : 0,
		     how == 1 ? col + 1 : MAX_COLS);
	for (i = 0; what == 'J' && i < screen->rows; i++)
		if ((i > row && how != 1) || (i < row && how != 0))
			screen_clear(screen, i, 0, MAX_COLS);
}

static void screen_move(struct screen *screen, int row, int col)
{
	screen->row = row < 0 ? 0 : row < screen->rows ? row : screen->rows - 1;
	screen->col = col < 0 ? 0 : col < screen->cols ? col : screen->cols - 1;
}

/* A whole sequence ESC [ PARAMS @final. */
static void screen_control(struct screen *screen, char final)
{
	int params[MAX_PARAMS] = { 0 }, row = screen->row, col = screen->col, n;
	const char *text = screen->sequence + 2;
	size_t i;

	if (*text == '?')
		return;
	for (i = 0; i < MAX_PARAMS && *text; i++) {
		char *end;

		params[i] = (int)strtol(text, &end, 10);
		text = *end == ';' ? end + 1 : "";
	}
	n = params[0] > 0 ? params[0] : 1;
	switch (final) {
	case 'H':
		screen_move(screen, n - 1, params[1] > 0 ? params[1] - 1 : 0);
		break;
	case 'A':
		screen_move(screen, row - n, col);
		break;
	case 'B':
		screen_move(screen, row + n, col);
		break;
	case 'C':
		screen_move(screen, row, col + n);
		break;
	case 'D':
		screen_move(screen, row, col - n);
		break;
	case 'J':
	case 'K':
		screen_erase(screen, final, params[0]);
		break;
	case 'm':
		for (i = 0; i < MAX_PARAMS; i++)
			screen->is_reverse = params[i] == 7 ||
					     (screen->is_reverse && i > 0);
		break;
	case 'r':
		assert_true(params[1] > n && params[1] <= screen->rows);
		screen->top = n - 1;
		screen->bottom = params[1] - 1;
		screen_move(screen, 0, 0);
		break;
	default:
		fail_msg("unknown sequence %s", screen->sequence + 1);
	}
}

static void screen_escape(struct screen *screen, char c)
{
	char *sequence = screen->sequence;

	assert_true(screen->length + 1 < sizeof(screen->sequence));
	sequence[screen->length++] = c;
	sequence[screen->length] = '\0';
	if (sequence[1] == '[') {
		if (screen->length == 2 || c < '@')
			return;
		screen_control(screen, c);
	} else if (strchr("()", sequence[1]) && screen->length == 2) {
		return;
	} else if (c == 'M' && screen->row == screen->top) {
		screen_scroll(screen, false);
	} else if (c == 'M') {
		screen_move(screen, screen->row - 1, screen->col);
	}
	screen->length = 0;
}

static void screen_put(struct screen *screen, char c)
{
	if (screen->length > 0) {
		screen_escape(screen, c);
		return;
	}
	switch (c) {
	case '\x1b':
		screen->sequence[0] = c;
		screen->length = 1;
		return;
	case '\r':
		screen->col = 0;
		return;
	case '\n':
		screen_newline(screen);
		return;
	case '\b':
		screen_move(screen, screen->row, screen->col - 1);
		return;
	default:
		break;
	}
	if ((unsigned char)c < ' ')
		return;
	if (screen->col == screen->cols) {
		screen->col = 0;
		screen_newline(screen);
	}
	screen->cells[screen->row][screen->col] = c;
	screen->is_reversed[screen->row][screen->col] = screen->is_reverse;
	screen->col++;
}

/**
 * struct rig - a top on a terminal, connected to us
 * @pid: of top
 * @terminal_fd: the pty's other end
 * @daemon: our end of the connection
 * @screen: what it has drawn
 */
struct rig {
	pid_t pid;
	int terminal_fd;
	FILE *daemon;
	struct screen screen;
};

static void rig_tell(struct rig *rig, const char *key, const struct tick *tick)
{
	json_t *json = recording_tick_to_json(tick);
	char *text = fields_dump(json);

	if (strcmp(key, "return") == 0)
		fprintf(rig->daemon, "{\"return\": %s}\n", text);
	else
		fprintf(rig->daemon, "{\"event\": \"tick\", \"data\": %s}\n",
			text);
	fflush(rig->daemon);
	free(text);
	json_decref(json);
}

static void rig_run_top(const char *term)
{
	struct options options;
	char *argv[] = { "top", NULL };
	int status;

	alarm(ALARM_S);
	setenv("TERM", term, 1);
	unsetenv("LINES");
	unsetenv("COLUMNS");
	if (options_parse_global(1, (char *[]){ "kvm-aet", NULL }, &options) !=
		    1 ||
	    options_parse_top(1, argv, &options) < 0)
		_exit(99);
	options.socket_path = socket_path;
	status = verb_top(&options);
	fflush(NULL);
	_exit(status);
}

/* @tick: NULL: there is none yet. */
static void rig_start(struct rig *rig, int rows, int cols, const char *term,
		      const struct tick *tick)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct winsize size = { .ws_row = (unsigned short)rows,
				.ws_col = (unsigned short)cols };
	int listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	char line[128];
	size_t length = 0;

	*rig = (struct rig){ 0 };
	screen_resize(&rig->screen, rows, cols);
	strcpy(address.sun_path, socket_path);
	unlink(socket_path);
	assert_int_equal(bind(listen_fd, (struct sockaddr *)&address,
			      sizeof(address)),
			 0);
	assert_int_equal(listen(listen_fd, 1), 0);
	fflush(NULL);
	rig->pid = forkpty(&rig->terminal_fd, NULL, NULL, &size);
	assert_true(rig->pid >= 0);
	if (rig->pid == 0)
		rig_run_top(term);
	fd = accept(listen_fd, NULL, NULL);
	assert_true(fd >= 0);
	close(listen_fd);
	rig->daemon = fdopen(fd, "w");
	assert_non_null(rig->daemon);
	fputs("{\"kvm-aetd\": {\"version\": \"1\", \"schema\": 1}}\n",
	      rig->daemon);
	fflush(rig->daemon);
	while (length + 1 < sizeof(line) && read(fd, &line[length], 1) == 1 &&
	       line[length] != '\n')
		length++;
	line[length] = '\0';
	assert_string_equal(line, "{\"execute\":\"subscribe\"}");
	if (tick) {
		rig_tell(rig, "return", tick);
	} else {
		fputs("{\"return\": {}}\n", rig->daemon);
		fflush(rig->daemon);
	}
}

static void rig_press(struct rig *rig, const char *keys)
{
	assert_int_equal(write(rig->terminal_fd, keys, strlen(keys)),
			 strlen(keys));
}

static void rig_resize(struct rig *rig, int rows, int cols)
{
	struct winsize size = { .ws_row = (unsigned short)rows,
				.ws_col = (unsigned short)cols };

	screen_resize(&rig->screen, rows, cols);
	assert_int_equal(ioctl(rig->terminal_fd, TIOCSWINSZ, &size), 0);
}

/* False: top has ended. */
static bool rig_read(struct rig *rig)
{
	char text[512];
	ssize_t got = read(rig->terminal_fd, text, sizeof(text)), i;

	for (i = 0; i < got; i++)
		screen_put(&rig->screen, text[i]);
	return got > 0;
}

static void rig_print(const struct rig *rig)
{
	int row;

	for (row = 0; row < rig->screen.rows; row++)
		print_error("|%.*s|\n", rig->screen.cols,
			    rig->screen.cells[row]);
}

/* Is the row that text, cut where the window ends, and nothing after it? */
static bool rig_shows(const struct rig *rig, int row, const char *text)
{
	const struct screen *screen = &rig->screen;
	size_t cols = (size_t)screen->cols;
	size_t length = strlen(text) < cols ? strlen(text) : cols;
	const char *cells = screen->cells[row];

	return memcmp(cells, text, length) == 0 &&
	       strspn(cells + length, " ") >= cols - length;
}

static void rig_expect(struct rig *rig, int row, const char *text)
{
	while (!rig_shows(rig, row, text)) {
		if (rig_read(rig))
			continue;
		print_error("row %d is never: %s\n", row, text);
		rig_print(rig);
		fail();
	}
}

/* Likewise, of its beginning; of the rows of VMs that is the name. */
static void rig_expect_start(struct rig *rig, int row, const char *text)
{
	while (strncmp(rig->screen.cells[row], text, strlen(text)) != 0) {
		if (rig_read(rig))
			continue;
		print_error("row %d never begins: %s\n", row, text);
		rig_print(rig);
		fail();
	}
}

/* The VMs in that order. */
static void rig_expect_order(struct rig *rig, const char *const names[])
{
	int i;

	for (i = 0; i < TICK_TEST_NR_VMS; i++)
		rig_expect_start(rig, 2 + i, names[i]);
}

static void rig_expect_end(struct rig *rig, int expected)
{
	int status;

	while (rig_read(rig))
		;
	assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != expected)
		rig_print(rig);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), expected);
	close(rig->terminal_fd);
	fclose(rig->daemon);
}

static const char host_line[] =
	"2026-01-02 03:04:25 +0000  policy mrc, 4 VMs: working sets 2.5 GiB of 6 GiB for VMs; host: 1 GiB of 8 GiB available, pressure 1.5%";
static const char heads_line[] =
	"DOMAIN              WSS              95% BAND  CURRENT   TARGET  OVERHEAD   RATE  MISSES/S  STATE      VERDICT";
static const char db_line[] =
	"db1             512 MiB    480 MiB to 544 MiB    2 GiB  1.5 GiB     0.75%  1/128       200  stable     advise";

#define ODD "new\\x1b[2J<b>"

static const char *const by_name[] = { "db1", "gpu1", ODD, "web1" };

/* The order of each column, as tick_test.c has the numbers. */
static void test_sort(void **state)
{
	static const char *const orders[][TICK_TEST_NR_VMS] = {
		[OPTIONS_SORT_NAME] = { "db1", "gpu1", ODD, "web1" },
		[OPTIONS_SORT_WSS] = { "web1", "gpu1", "db1", ODD },
		[OPTIONS_SORT_CURRENT] = { "db1", "gpu1", ODD, "web1" },
		[OPTIONS_SORT_MISSES] = { "web1", "db1", "gpu1", ODD },
		[OPTIONS_SORT_OVERHEAD] = { "db1", "web1", "gpu1", ODD },
	};
	struct tick tick = tick_test_new(3);
	struct rig rig;
	size_t i;

	(void)state;
	rig_start(&rig, 12, 150, "vt100", &tick);
	rig_expect_order(&rig, by_name);
	for (i = 1; i < ARRAY_SIZE(orders); i++) {
		/* Other keys do nothing, arrows and what is not ASCII too. */
		rig_press(&rig, "sx \xc3\xa9");
		rig_expect_order(&rig, orders[i]);
	}
	rig_press(&rig, "s");
	rig_expect_order(&rig, orders[0]);
	/* All that has come is taken before anything is drawn. */
	rig_press(&rig, "sss\x1bOA");
	rig_expect_order(&rig, orders[OPTIONS_SORT_MISSES]);
	rig_press(&rig, "q");
	rig_expect_end(&rig, 0);
	recording_tick_done(&tick);
}

static void test_screen(void **state)
{
	struct tick tick = tick_test_new(3), next = tick_test_new(4);
	struct rig rig;
	int col;

	(void)state;
	rig_start(&rig, 12, 150, "vt100", &tick);
	rig_expect(&rig, 11, FOOT);
	rig_expect(&rig, 0, host_line);
	rig_expect(&rig, 1, heads_line);
	rig_expect(&rig, 2, db_line);
	rig_expect_order(&rig, by_name);
	for (col = 0; col < (int)strlen(heads_line); col++) {
		assert_false(rig.screen.is_reversed[0][col]);
		assert_true(rig.screen.is_reversed[1][col]);
		assert_false(rig.screen.is_reversed[2][col]);
	}
	rig_tell(&rig, "event", &next);
	rig_expect_start(&rig, 0, "2026-01-02 03:04:35 +0000  policy mrc");
	rig_expect(&rig, 1, heads_line);
	rig_press(&rig, "Q");
	rig_expect_end(&rig, 0);
	recording_tick_done(&next);
	recording_tick_done(&tick);
}

static void test_help(void **state)
{
	struct tick tick = tick_test_new(3), next = tick_test_new(4);
	struct rig rig;

	(void)state;
	rig_start(&rig, 30, 150, "vt100", &tick);
	rig_expect(&rig, 0, host_line);
	rig_press(&rig, "h");
	rig_expect(&rig, 0, "q  quit");
	rig_expect(&rig, 3, "h  this help, and back");
	rig_expect_start(&rig, 14, "VERDICT    what was decided");
	rig_expect(&rig, 29, FOOT);
	/* A tick does not end it, and is there when it ends. */
	rig_tell(&rig, "event", &next);
	rig_press(&rig, "?");
	rig_expect_start(&rig, 0, "2026-01-02 03:04:35 +0000  policy mrc");
	rig_expect(&rig, 14, "");
	rig_press(&rig, "?");
	rig_expect(&rig, 0, "q  quit");
	/* In a small window the keys are still said. */
	rig_resize(&rig, 4, 30);
	rig_expect(&rig, 0, "q  quit");
	rig_expect(&rig, 3, FOOT);
	rig_press(&rig, "\x1b");
	rig_expect_end(&rig, 0);
	recording_tick_done(&next);
	recording_tick_done(&tick);
}

static void test_resize(void **state)
{
	static const struct {
		int rows, cols;
	} sizes[] = { { 5, 40 },  { 24, 132 }, { 3, 150 },
		      { 2, 10 },  { 40, 160 }, { 6, 23 },
		      { 10, 80 }, { 1, 60 },   { 12, 150 } };
	struct tick tick = tick_test_new(3);
	struct rig rig;
	size_t i;

	(void)state;
	rig_start(&rig, 12, 150, "vt100", &tick);
	rig_expect(&rig, 11, FOOT);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		int rows = sizes[i].rows, row;

		rig_resize(&rig, rows, sizes[i].cols);
		rig_expect(&rig, 0, host_line);
		if (rows > 1)
			rig_expect(&rig, rows - 1, FOOT);
		if (rows > 2)
			rig_expect(&rig, 1, heads_line);
		if (rows > 3)
			rig_expect(&rig, 2, db_line);
		for (row = 2 + TICK_TEST_NR_VMS; row < rows - 1; row++)
			rig_expect(&rig, row, "");
	}
	/* And keys go on working. */
	rig_press(&rig, "s");
	rig_expect_start(&rig, 2, "web1");
	rig_press(&rig, "q");
	rig_expect_end(&rig, 0);
	recording_tick_done(&tick);
}

/* A line more stands above the heads of the columns. */
static void test_thrashing(void **state)
{
	struct tick tick = tick_test_new(3);
	struct rig rig;

	(void)state;
	tick.thrashing.is_thrashing = true;
	rig_start(&rig, 12, 150, "vt100", &tick);
	rig_expect(&rig, 11, FOOT);
	rig_expect_start(&rig, 1, "THRASHING");
	rig_expect(&rig, 2, heads_line);
	assert_false(rig.screen.is_reversed[1][0]);
	assert_true(rig.screen.is_reversed[2][0]);
	rig_press(&rig, "q");
	rig_expect_end(&rig, 0);
	recording_tick_done(&tick);
}

static void test_first_tick(void **state)
{
	struct tick tick = tick_test_new(3);
	struct rig rig;

	(void)state;
	rig_start(&rig, 12, 150, "vt100", NULL);
	rig_expect(&rig, 0, "The daemon has decided nothing yet: waiting.");
	rig_press(&rig, "s");
	rig_tell(&rig, "event", &tick);
	rig_expect(&rig, 0, host_line);
	rig_expect_start(&rig, 2, "web1");
	rig_press(&rig, "q");
	rig_expect_end(&rig, 0);
	recording_tick_done(&tick);
}

/* Why it ended stands below what it has drawn, on a terminal as it was. */
static void test_daemon_ends(void **state)
{
	struct tick tick = tick_test_new(3);
	struct rig rig;

	(void)state;
	rig_start(&rig, 12, 150, "vt100", &tick);
	rig_expect(&rig, 11, FOOT);
	assert_int_equal(shutdown(fileno(rig.daemon), SHUT_RDWR), 0);
	rig_expect(
		&rig, 10,
		"kvm-aet: the daemon ended the connection: see 'journalctl -u kvm-aetd'");
	rig_expect_end(&rig, 1);
	recording_tick_done(&tick);
}

/* Its terminal goes, and the signal that says so is ignored, as by nohup. */
static void test_terminal_ends(void **state)
{
	struct tick tick = tick_test_new(3);
	struct rig rig;
	int status;

	(void)state;
	signal(SIGHUP, SIG_IGN);
	rig_start(&rig, 12, 150, "vt100", &tick);
	signal(SIGHUP, SIG_DFL);
	rig_expect(&rig, 11, FOOT);
	close(rig.terminal_fd);
	assert_int_equal(waitpid(rig.pid, &status, 0), rig.pid);
	assert_true(WIFEXITED(status));
	fclose(rig.daemon);
	recording_tick_done(&tick);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(socket_path, sizeof(socket_path), "%s/control",
		       directory);
	setenv("TZ", "UTC", 1);
	signal(SIGPIPE, SIG_IGN);
	alarm(5 * ALARM_S);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(socket_path) == 0 ? rmdir(directory) : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_screen),
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_resize),
		cmocka_unit_test(test_thrashing),
		cmocka_unit_test(test_first_tick),
		cmocka_unit_test(test_daemon_ends),
		cmocka_unit_test(test_terminal_ends),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
