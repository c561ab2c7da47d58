/*
 * json.h
 *		Reading and writing JSON (RFC 8259), in the encoding of the database.
 *
 * To write, each call appends a member or element, with a comma if needed; the caller
 * appends the brackets.  Names and texts are escaped.  Name NULL: an element of
 * an array.
 */
#ifndef DJUST_JSON_H
#define DJUST_JSON_H

#include "lib/stringinfo.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* Where json_find() looks. */
#define JSON_ANY_CASE 1 /* the name in capital or small letters */
#define JSON_OUTERMOST 2 /* not in objects and arrays within the outermost object */
#define JSON_STRINGS 4 /* other values count as NULL */

/*
 * The text of the last member of this name, or of the first element of an array; NULL if there is none.  Malformed JSON
 * is treated as an empty object, and never quoted in an error.
 */
extern char *json_find(const char *json, const char *name, int flags);

/* The caller appends the value. */
extern void json_member(StringInfo out, const char *name);
extern void json_bool(StringInfo out, const char *name, bool value);
extern void json_number(StringInfo out, const char *name, int64 value);
/* NULL becomes null. */
extern void json_string(StringInfo out, const char *name, const char *value);
extern void json_uuid(StringInfo out, const char *name, const pg_uuid_t *value);
/* ISO 8601, in the session's time zone. */
extern void json_time(StringInfo out, const char *name, TimestampTz value);

#endif
