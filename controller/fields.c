// SPDX-License-Identifier: GPL-2.0-or-later
#include "fields.h"

#include <math.h>
#include <string.h>

#include "text.h"

json_t *fields_text(const char *text)
{
	_cleanup_free_ char *utf8 = NULL;

	if (!text)
		return json_null();
	utf8 = text_utf8(text);
	return utf8 ? json_string(utf8) : NULL;
}

json_t *fields_count(uint64_t count)
{
	return json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count);
}

json_t *fields_real(double number)
{
	return isfinite(number) ? json_real(number) : json_null();
}

json_t *fields_optional(bool is_known, uint64_t count)
{
	return is_known ? fields_count(count) : json_null();
}

char *fields_dump(const json_t *json)
{
	return json_dumps(
		json, JSON_COMPACT | JSON_REAL_PRECISION(FIELDS_REAL_DIGITS));
}

int fields_write(FILE *out, const json_t *json)
{
	_cleanup_free_ char *line = fields_dump(json);

	if (!line)
		return -ENOMEM;
	(void)fprintf(out, "%s\n", line);
	return 0;
}

void fields_reject(struct fields *fields, const char *key, const char *expected)
{
	if (fields->err < 0)
		return;
	fields->err = -EBADMSG;
	(void)snprintf(fields->error, fields->error_bytes, "%s: expected %s",
		       key, expected);
}

const json_t *fields_get(const struct fields *fields, const char *key)
{
	const json_t *value = json_object_get(fields->object, key);

	return json_is_null(value) ? NULL : value;
}

struct fields fields_enter(struct fields *parent, const char *key)
{
	struct fields child = *parent;

	child.object = fields_get(parent, key);
	if (!json_is_object(child.object))
		fields_reject(&child, key, "an object");
	return child;
}

void fields_leave(struct fields *parent, const struct fields *child,
		  const char *where)
{
	_cleanup_free_ char *inner = NULL;

	if (parent->err < 0 || child->err == 0)
		return;
	parent->err = child->err;
	if (child->err != -EBADMSG)
		return;
	inner = strdup(child->error);
	(void)snprintf(parent->error, parent->error_bytes, "%s: %s", where,
		       inner ? inner : "out of memory");
}

void fields_get_bool(struct fields *fields, const char *key, bool *ret_value)
{
	const json_t *value = fields_get(fields, key);

	if (fields->err < 0)
		return;
	if (json_is_boolean(value))
		*ret_value = json_is_true(value);
	else
		fields_reject(fields, key, "true or false");
}

void fields_get_count(struct fields *fields, const char *key, uint64_t max,
		      uint64_t *ret_count)
{
	const json_t *value = fields_get(fields, key);

	if (fields->err < 0)
		return;
	if (json_is_integer(value) && json_integer_value(value) >= 0 &&
	    (uint64_t)json_integer_value(value) <= max)
		*ret_count = (uint64_t)json_integer_value(value);
	else
		fields_reject(fields, key,
			      "a whole number, not negative, within its range");
}

void fields_get_real(struct fields *fields, const char *key, double min,
		     double max, bool may_be_null, double *ret_number)
{
	const json_t *value = fields_get(fields, key);
	double number = json_number_value(value);

	if (fields->err < 0)
		return;
	if (!value && may_be_null)
		*ret_number = NAN;
	else if (json_is_number(value) && number >= min && number <= max)
		*ret_number = number;
	else
		fields_reject(fields, key, "a number within its range");
}

void fields_get_text(struct fields *fields, const char *key, bool may_be_null,
		     const char **ret_text)
{
	const json_t *value = fields_get(fields, key);

	if (fields->err < 0)
		return;
	if (json_is_string(value) || (!value && may_be_null))
		*ret_text = json_string_value(value);
	else
		fields_reject(fields, key, "a text");
}

void fields_copy_text(struct fields *fields, const char *key, bool may_be_null,
		      char **ret_text)
{
	const char *text = NULL;
	char *copy;

	fields_get_text(fields, key, may_be_null, &text);
	if (fields->err < 0)
		return;
	copy = text ? strdup(text) : NULL;
	if (text && !copy)
		fields->err = -ENOMEM;
	else
		*ret_text = copy;
}

void fields_get_name(struct fields *fields, const char *key,
		     const char *const *names, size_t nr_names,
		     unsigned int *ret_index)
{
	const char *text = "";
	unsigned int i;

	fields_get_text(fields, key, false, &text);
	if (fields->err < 0)
		return;
	for (i = 0; i < nr_names; i++) {
		if (strcmp(names[i], text) == 0) {
			*ret_index = i;
			return;
		}
	}
	fields_reject(fields, key, "one of the names that it can have");
}
