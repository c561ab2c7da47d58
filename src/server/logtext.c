/*
 * logtext.c
 *		Owns finding, in texts of reports, this extension's names and the
 *		places where a secret can be.
 *
 * Threat: a text that is read differently here than by the server.  So no text
 * is parsed: it is cut from the first possible value to its end.
 */
#include "postgres.h"

#include <ctype.h>

#include "lib/stringinfo.h"

#include "server/logtext.h"
#include "text/bytes.h"

/*
 * Names that come with secrets.  The first covers all qualified and public names, the second PostgREST's bearer, the
 * third identifiers that hide a name behind escapes; the others can be called with the schema in search_path.
 */
static const char *const names[] = {"djust",
									"request.header",
									"u&\"",
									"create_user",
									"import_user",
									"set_password",
									"open_session",
									"check_password",
									"check_hash",
									"token_shard",
									"link_target",
									"move_by_link",
									"customer_user",
									"password_blocklist",
									"password_hash_is_valid",
									"mail_failed",
									"mail_rejected"};

/* Position after the first `word` in the text, or NULL. */
static const char *
after_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (; text && *text; text++)
		if (pg_strncasecmp(text, word, n) == 0)
			return text + n;
	return NULL;
}

/* Position after the first of our names, or NULL. */
static const char *
after_name(const char *text)
{
	const char *first = NULL;
	int i;

	for (i = 0; i < lengthof(names); i++)
	{
		const char *end = after_word(text, names[i]);

		if (end && (first == NULL || end < first))
			first = end;
	}
	return first;
}

bool
logtext_is_ours(const char *text)
{
	return after_name(text) != NULL;
}

static bool
starts_with(const char *text, const char *word)
{
	return pg_strncasecmp(text, word, strlen(word)) == 0;
}

/* Position after the EXECUTE of a statement, or NULL; skips the EXECUTE of privileges and triggers. */
static const char *
after_execute(const char *text)
{
	while ((text = after_word(text, "execute")) != NULL)
	{
		const char *next = text + strspn(text, " \t\n\r");

		if (!starts_with(next, "function") && !starts_with(next, "procedure") && !starts_with(next, "on "))
			return text;
	}
	return NULL;
}

/* True if a statement in the text begins with the word. */
static bool
has_statement(const char *text, const char *word)
{
	for (; text; text = strchr(text, ';'))
	{
		text += strspn(text, "; \t\n\r");
		if (starts_with(text, word))
			return true;
	}
	return false;
}

/* EXECUTE may run a prepared call of ours, FETCH and MOVE a cursor over one. */
bool
logtext_may_name_ours(const char *statement)
{
	return after_execute(statement) || has_statement(statement, "fetch") || has_statement(statement, "move");
}

/* Position after these words and their white space, or NULL. */
static const char *
skip_words(const char *text, const char *const *words)
{
	for (; text && *words; words++)
	{
		size_t n = strlen(*words);
		size_t blanks = starts_with(text, *words) ? strspn(text + n, " \t\n\r") : 0;

		text = blanks > 0 ? text + n + blanks : NULL;
	}
	return text;
}

/* CREATE and ALTER EXTENSION, and DROP, take only names and versions; a semicolon may begin another statement. */
bool
logtext_only_names(const char *statement)
{
	static const char *const kinds[][3] = {{"create", "extension"}, {"alter", "extension"}, {"drop"}};
	const char *semicolon;
	int i;

	if (statement == NULL)
		return false;
	semicolon = strchr(statement, ';');
	if (semicolon && semicolon[strspn(semicolon, "; \t\n\r")] != '\0')
		return false;
	statement += strspn(statement, " \t\n\r");
	for (i = 0; i < lengthof(kinds); i++)
		if (skip_words(statement, kinds[i]))
			return true;
	return false;
}

/* True if a dollar quote begins here ($1 is a parameter). */
static bool
is_dollar_quote(const char *p)
{
	size_t n = 1;

	if (*p != '$' || isdigit((unsigned char) p[1]))
		return false;
	while (isalnum((unsigned char) p[n]) || p[n] == '_' || IS_HIGHBIT_SET(p[n]))
		n++;
	return p[n] == '$';
}

/* Skips a list of parameters such as $1, $2. */
static char *
skip_parameters(char *p)
{
	while (*p == '$' || *p == ',' || *p == ' ')
		if (*p++ == '$')
			p += strspn(p, "0123456789");
	return p;
}

/* True if a comment begins here; it may contain anything. */
static bool
is_comment(const char *p)
{
	return (p[0] == '/' && p[1] == '*') || (p[0] == '-' && p[1] == '-');
}

/*
 * The first possible value, or NULL: a quote, an argument list of one of our names, or any comment if such a name
 * occurs. Does not search for the value's end, which comments and backslashes can hide.
 */
static char *
first_value(char *text, const char *stops)
{
	const char *names_end = after_name(text);
	char *p;

	if (names_end == NULL)
		names_end = after_execute(text);
	for (p = text; *p; p++)
	{
		if (strchr(stops, *p) != NULL || is_dollar_quote(p) || (names_end && is_comment(p)))
			return p;
		if (*p == '(' && names_end && p >= names_end)
		{
			p = skip_parameters(p + 1);
			if (*p != ')')
				return p;
		}
	}
	return NULL;
}

/* Overwrites the text with up to three stars. */
static void
wipe_from(char *p)
{
	size_t n = p ? strlen(p) : 0;

	if (n > 0)
	{
		bytes_wipe(p, n);
		memset(p, '*', Min(n, 3));
	}
}

void
logtext_cut(char *text, const char *stops)
{
	if (text)
		wipe_from(first_value(text, stops));
}

/* Also cuts at the first non-ASCII byte: in other languages the server's quotes are not ASCII. */
void
logtext_cut_context(char *text)
{
	char *p;

	logtext_cut(text, LOGTEXT_QUOTES);
	for (p = text; p && *p; p++)
		if (IS_HIGHBIT_SET(*p))
		{
			wipe_from(p);
			return;
		}
}

/* pgaudit's columns: kind, two numbers, class, command, type and name of the object, statement, parameters. */
void
logtext_cut_audit(char *text)
{
	char *p = text;
	int commas = 0;

	while (*p && *p != '"' && (*p != ',' || ++commas < 7))
		p++;
	wipe_from(*p == ',' ? p + 1 : p);
}

char *
logtext_words(const char *format)
{
	StringInfoData out;

	initStringInfo(&out);
	while (*format)
	{
		if (*format != '%' || format[1] == '%')
		{
			format += *format == '%';
			appendStringInfoChar(&out, *format++);
			continue;
		}
		format++;
		format += strspn(format, "0123456789.*$-+#lhzjt");
		format += *format != '\0';
		appendStringInfoString(&out, "***");
	}
	return out.data;
}
