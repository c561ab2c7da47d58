/*
 * logtext.c
 *		Owns the texts of reports: which of them concern this extension, and where
 *		a secret can stand in them.
 *
 * Threat: a text that is read differently here than by the server.  So none
 * is parsed: from the first place where a value can stand all of it goes.
 */
#include "postgres.h"

#include <ctype.h>

#include "lib/stringinfo.h"

#include "server/logtext.h"
#include "text/bytes.h"

/*
 * Names that carry secrets.  The first covers everything that is qualified or public, the second PostgREST's bearer,
 * the third identifiers that hide a name behind escapes; the rest can be called with the schema in search_path.
 */
static const char *const names[] = {
	"djust", "request.header", "u&\"", "create_user", "import_user", "set_password", "check_password", "customer_user",
	"password_blocklist", "password_hash_is_valid", "mail_failed", "mail_rejected"
};

/* Where the text goes on after word, or NULL. */
static const char *
after(const char *text, const char *word)
{
	size_t		n = strlen(word);

	for (; text && *text; text++)
		if (pg_strncasecmp(text, word, n) == 0)
			return text + n;
	return NULL;
}

/* Where the text goes on after the first name, or NULL. */
static const char *
after_name(const char *text)
{
	const char *first = NULL;
	int			i;

	for (i = 0; i < lengthof(names); i++)
	{
		const char *end = after(text, names[i]);

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

/* The argument list of a statement EXECUTE, or NULL; the word in privileges and triggers is another one. */
static const char *
after_execute(const char *text)
{
	while ((text = after(text, "execute")) != NULL)
	{
		const char *next = text + strspn(text, " \t\n\r");

		if (!starts_with(next, "function") && !starts_with(next, "procedure") && !starts_with(next, "on "))
			return text;
	}
	return NULL;
}

/* Does a statement of this text begin with the word? */
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

/* EXECUTE may name a prepared call of ours, FETCH and MOVE a cursor over one. */
bool
logtext_may_name_ours(const char *statement)
{
	return after_execute(statement) || has_statement(statement, "fetch") || has_statement(statement, "move");
}

/* Past these words and the white space behind each, or NULL. */
static const char *
skip_words(const char *text, const char *const *words)
{
	for (; text && *words; words++)
	{
		size_t		n = strlen(*words);
		size_t		blanks = starts_with(text, *words) ? strspn(text + n, " \t\n\r") : 0;

		text = blanks > 0 ? text + n + blanks : NULL;
	}
	return text;
}

/*
 * CREATE and ALTER EXTENSION, and DROP of anything: a name or a version is all that can be typed there.  A semicolon
 * anywhere but at the end may begin another statement, so it makes the text none of these.
 */
bool
logtext_only_names(const char *statement)
{
	static const char *const kinds[][3] = {{"create", "extension"}, {"alter", "extension"}, {"drop"}};
	const char *semicolon;
	int			i;

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

/* A dollar quote begins here ($1 is a parameter). */
static bool
is_dollar_quote(const char *p)
{
	size_t		n = 1;

	if (*p != '$' || isdigit((unsigned char) p[1]))
		return false;
	while (isalnum((unsigned char) p[n]) || p[n] == '_' || IS_HIGHBIT_SET(p[n]))
		n++;
	return p[n] == '$';
}

/* A list of nothing but $1 and the like goes on here. */
static char *
skip_parameters(char *p)
{
	while (*p == '$' || *p == ',' || *p == ' ')
		if (*p++ == '$')
			p += strspn(p, "0123456789");
	return p;
}

/* A comment begins here; people leave in it what they wrote for themselves. */
static bool
is_comment(const char *p)
{
	return (p[0] == '/' && p[1] == '*') || (p[0] == '-' && p[1] == '-');
}

/*
 * The first place where a value can stand, or NULL: at a quote, in the argument list of one of our names, or in a
 * comment beside one, before it too.  What follows is not searched for the end of the value, which comments and
 * backslashes can hide.
 */
static char *
first_value(char *text, const char *stops)
{
	const char *list = after_name(text);
	char	   *p;

	if (list == NULL)
		list = after_execute(text);
	for (p = text; *p; p++)
	{
		if (strchr(stops, *p) != NULL || is_dollar_quote(p) || (list && is_comment(p)))
			return p;
		if (*p == '(' && list && p >= list)
		{
			p = skip_parameters(p + 1);
			if (*p != ')')
				return p;
		}
	}
	return NULL;
}

/* In the place of what is wiped; shorter where there is no room. */
static void
wipe_from(char *p)
{
	size_t		n = p ? strlen(p) : 0;

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

/* In other languages the server's quotes are no ASCII. */
void
logtext_cut_context(char *text)
{
	char	   *p;

	logtext_cut(text, LOGTEXT_QUOTES);
	for (p = text; p && *p; p++)
		if (IS_HIGHBIT_SET(*p))
		{
			wipe_from(p);
			return;
		}
}

/*
 * pgaudit: kind, two numbers, class, command, type and name of the object; then statement and parameters, often without
 * quotes.
 */
void
logtext_cut_audit(char *text)
{
	char	   *p = text;
	int			commas = 0;

	while (*p && *p != '"' && (*p != ',' || ++commas < 7))
		p++;
	wipe_from(*p == ',' ? p + 1 : p);
}

/* The words of a format, with stars for its arguments. */
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
