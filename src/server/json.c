/*
 * json.c
 *		Owns the reading of members of JSON, by the server's parser, and the
 *		writing of JSON.
 *
 * Threat: a text that breaks out of its quotes and adds members of its own.
 * Every text is escaped, by the server's own function.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"

#include "server/compat.h"
#include "server/json.h"

#define DEEPEST 64

/* State of the parser's callbacks: the search for a member. */
typedef struct MemberSearch
{
	JsonLexContext *lex;
	const char *name;
	int flags;
	bool at_name;
	char *value;
} MemberSearch;

static CompatJsonAction
member_name(void *state, char *name, bool is_null)
{
	MemberSearch *search = state;

	search->at_name =
		((search->flags & JSON_OUTERMOST) == 0 || search->lex->lex_level == 1) &&
		((search->flags & JSON_ANY_CASE) ? pg_strcasecmp(name, search->name) : strcmp(name, search->name)) == 0;
	return COMPAT_JSON_SUCCESS;
}

static CompatJsonAction
member_value(void *state, char *token, JsonTokenType type)
{
	MemberSearch *search = state;

	if (search->at_name && ((search->flags & JSON_OUTERMOST) == 0 || search->lex->lex_level == 1))
		search->value = type == JSON_TOKEN_STRING || (search->flags & JSON_STRINGS) == 0 ? token : NULL;
	search->at_name = false;
	return COMPAT_JSON_SUCCESS;
}

/* The parser recurses, and would end in an error that no caller of ours expects. */
static bool
is_deep(const char *json)
{
	bool in_string = false;
	int depth = 0;

	for (; *json && depth <= DEEPEST; json++)
	{
		if (in_string && *json == '\\' && json[1])
			json++;
		else if (*json == '"')
			in_string = !in_string;
		else if (!in_string)
			depth += strchr("[{", *json) ? 1 : strchr("]}", *json) ? -1 : 0;
	}
	return depth > DEEPEST;
}

char *
json_find(const char *json, const char *name, int flags)
{
	MemberSearch search = {.name = name, .flags = flags};
	JsonSemAction actions = {.semstate = &search, .object_field_start = member_name, .scalar = member_value};

	if (*json == '\0' || is_deep(json))
		return NULL;
	search.lex = CompatMakeJsonLexContext((char *) json, strlen(json), GetDatabaseEncoding());
	if (pg_parse_json(search.lex, &actions) != JSON_SUCCESS)
		return NULL;
	return search.value;
}

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
