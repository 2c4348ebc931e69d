// SPDX-License-Identifier: LGPL-2.1-or-later
#include "json.h"

#include <inttypes.h>
#include <math.h>

#include "cleanup.h"
#include "text.h"

struct json json_start(FILE *out)
{
	return (struct json){ .out = out };
}

/* What is not ours need not be UTF-8, which JSON is. */
static void json_text(struct json *json, const char *text)
{
	_cleanup_free_ char *utf8 = text_utf8(text);
	const char *c;

	(void)fputc('"', json->out);
	for (c = utf8 ? utf8 : "out of memory"; *c; c++) {
		if (*c == '"' || *c == '\\')
			(void)fprintf(json->out, "\\%c", *c);
		else if ((unsigned char)*c < 0x20)
			(void)fprintf(json->out, "\\u%04x", *c);
		else
			(void)fputc(*c, json->out);
	}
	(void)fputc('"', json->out);
}

static void json_begin(struct json *json, const char *name)
{
	if (json->depth > 0) {
		bool *has_value = &json->has_value[json->depth - 1];

		if (*has_value)
			(void)fputc(',', json->out);
		*has_value = true;
	}
	if (name) {
		json_text(json, name);
		(void)fputc(':', json->out);
	}
}

static void json_open(struct json *json, const char *name, char opener,
		      char closer)
{
	json_begin(json, name);
	(void)fputc(opener, json->out);
	json->closers[json->depth] = closer;
	json->has_value[json->depth] = false;
	json->depth++;
}

void json_object(struct json *json, const char *name)
{
	json_open(json, name, '{', '}');
}

void json_array(struct json *json, const char *name)
{
	json_open(json, name, '[', ']');
}

void json_count(struct json *json, const char *name, uint64_t value)
{
	json_begin(json, name);
	(void)fprintf(json->out, "%" PRIu64, value);
}

void json_string(struct json *json, const char *name, const char *value)
{
	json_begin(json, name);
	json_text(json, value);
}

void json_number(struct json *json, const char *name, double value, int digits)
{
	json_begin(json, name);
	if (isfinite(value))
		(void)fprintf(json->out, "%.*g", digits, value);
	else
		(void)fputs("null", json->out);
}

void json_end(struct json *json)
{
	(void)fputc(json->closers[--json->depth], json->out);
}

void json_finish(struct json *json)
{
	while (json->depth > 0)
		json_end(json);
	(void)fputc('\n', json->out);
}
