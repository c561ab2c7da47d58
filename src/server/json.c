/*
 * json.c
 *		Owns the writing of JSON.
 *
 * Threat: a text that breaks out of its quotes and adds members of its own.
 * Every text is escaped, by the server's own function.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"

#include "server/json.h"

void
json_member(StringInfo out, const char *name)
{
	if (out->len > 0 && strchr("{[:", out->data[out->len - 1]) == NULL)
		appendStringInfoChar(out, ',');
	if (name == NULL)
		return;
	escape_json(out, name);
	appendStringInfoChar(out, ':');
}

void
json_bool(StringInfo out, const char *name, bool value)
{
	json_member(out, name);
	appendStringInfoString(out, value ? "true" : "false");
}

void
json_number(StringInfo out, const char *name, int64 value)
{
	json_member(out, name);
	appendStringInfo(out, INT64_FORMAT, value);
}

void
json_string(StringInfo out, const char *name, const char *value)
{
	json_member(out, name);
	if (value)
		escape_json(out, value);
	else
		appendStringInfoString(out, "null");
}

void
json_uuid(StringInfo out, const char *name, const pg_uuid_t *value)
{
	json_string(out, name, DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(value))));
}

void
json_time(StringInfo out, const char *name, TimestampTz value)
{
	char text[MAXDATELEN + 1];

	json_string(out, name, JsonEncodeDateTime(text, TimestampTzGetDatum(value), TIMESTAMPTZOID, NULL));
}
