/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes one JSON value, with its commas and escapes, on one line.
 *
 *	struct json json = json_start(stdout);
 *	json_object(&json, NULL);
 *	json_number(&json, "pages", 17);
 *	json_end(&json);
 *	json_finish(&json);
 */
#ifndef CMD_JSON_H
#define CMD_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_MAX_DEPTH 8

/**
 * struct json - where the writer is
 * @out: stream
 * @depth: open objects and arrays
 * @closers: what ends each of them
 * @has_value: something is in each of them already
 */
struct json {
	FILE *out;
	unsigned int depth;
	char closers[JSON_MAX_DEPTH];
	bool has_value[JSON_MAX_DEPTH];
};

struct json json_start(FILE *out);

/* Each takes the name of a member, or NULL in an array and at the top. */
void json_object(struct json *json, const char *name);
void json_array(struct json *json, const char *name);
void json_count(struct json *json, const char *name, uint64_t value);
void json_string(struct json *json, const char *name, const char *value);

/* Of up to @digits significant digits; null if it is not finite. */
void json_number(struct json *json, const char *name, double value, int digits);

/* Ends the innermost object or array. */
void json_end(struct json *json);

/* Ends all that is open, and the line. */
void json_finish(struct json *json);

#endif /* CMD_JSON_H */
