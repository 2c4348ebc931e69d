/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members of JSON objects: written so that one check at the end of a chain is
 * enough, and read strictly. What is read may be anyone's.
 */
#ifndef CONTROLLER_FIELDS_H
#define CONTROLLER_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "cleanup.h"

static inline void cleanup_json(json_t **json)
{
	json_decref(*json);
}

#define _cleanup_json_ CLEANUP(cleanup_json)

/* Digits of a real that every double survives to be told from its neighbours
 * but in the last place; and short if the number is. */
#define FIELDS_REAL_DIGITS 15

/* Values to set; NULL: no memory. */

/* Any bytes: those that are not UTF-8 become U+FFFD. NULL becomes null. */
json_t *fields_text(const char *text);
/* JSON has 63 bits: what is more becomes the largest. */
json_t *fields_count(uint64_t count);
/* null unless finite. */
json_t *fields_real(double number);
/* @count, or null. */
json_t *fields_optional(bool is_known, uint64_t count);

/* Steals @value, of which NULL is a failure: returns 0 or -1. */
static inline int fields_set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value);
}

/* A text of one line without its end, to be freed; NULL: no memory. */
char *fields_dump(const json_t *json);

/* One line. Returns 0 or -ENOMEM; whether it was written, @out tells. */
int fields_write(FILE *out, const json_t *json);

/**
 * struct fields - an object being read
 * @object: it; anything else, or NULL, fails
 * @error: gets one line about the first failure
 * @error_bytes: room there
 * @err: 0, or -EBADMSG or -ENOMEM of the first failure; then all further reads
 *	do nothing
 */
struct fields {
	const json_t *object;
	char *error;
	size_t error_bytes;
	int err;
};

/* Begins to read member @key of @parent's object, as an object. */
struct fields fields_enter(struct fields *parent, const char *key);
/* Ends it: a failure is now @parent's, too, and says where. */
void fields_leave(struct fields *parent, const struct fields *child,
		  const char *where);

/* Fails with "KEY: expected EXPECTED". */
void fields_reject(struct fields *fields, const char *key,
		   const char *expected);

/* A member; NULL if it is absent, or null. */
const json_t *fields_get(const struct fields *fields, const char *key);

/* The outputs are untouched on failure. */
void fields_get_bool(struct fields *fields, const char *key, bool *ret_value);
void fields_get_count(struct fields *fields, const char *key, uint64_t max,
		      uint64_t *ret_count);
/* A number in [min, max]; or null, which is NaN, if @may_be_null. */
void fields_get_real(struct fields *fields, const char *key, double min,
		     double max, bool may_be_null, double *ret_number);
/* Borrowed from the object; NULL if it is absent, or null, and @may_be_null. */
void fields_get_text(struct fields *fields, const char *key, bool may_be_null,
		     const char **ret_text);
/* Likewise, copied; to be freed. */
void fields_copy_text(struct fields *fields, const char *key, bool may_be_null,
		      char **ret_text);
/* The index of the member's text among @names. */
void fields_get_name(struct fields *fields, const char *key,
		     const char *const *names, size_t nr_names,
		     unsigned int *ret_index);

#endif /* CONTROLLER_FIELDS_H */
