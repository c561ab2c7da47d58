/*
 * logmask.c
 *		Owns what the server log says of statements that carry secrets.
 *
 * Threat: passwords and tokens in a log that is shipped, archived and read by
 * people who may not log in as anybody.  A report that has to do with this
 * extension is cut at its first literal, in message, parameters, context and
 * query, and its STATEMENT line is left out.  That errs on the side of masking
 * too much: EXECUTE may name a prepared call of ours, so it is cut whatever it
 * names.
 *
 * Never looks a name up: it must work while a transaction is aborted.
 */
#include "postgres.h"

#include <ctype.h>

#include "tcop/tcopprot.h"
#include "utils/elog.h"

#include "logmask.h"

static emit_log_hook_type previous_hook = NULL;

/* Names that carry secrets; the first covers everything that is qualified or public, the second PostgREST's bearer. */
static const char *const names[] = {
	"djust", "request.headers", "create_user", "import_user", "set_password", "check_password", "customer_user", "password_blocklist"
};

static bool
contains(const char *text, const char *name)
{
	size_t		n = strlen(name);

	for (; *text; text++)
		if (pg_strncasecmp(text, name, n) == 0)
			return true;
	return false;
}

static bool
is_ours(const char *text)
{
	int			i;

	for (i = 0; text && i < lengthof(names); i++)
		if (contains(text, names[i]))
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

/*
 * Text up to its first literal; the rest is dropped rather than searched for the end of the literal, which comments and
 * backslashes can hide.  also_double: where the server itself puts values into double quotes.
 */
static char *
cut(const char *text, bool also_double)
{
	const char *p;

	if (text == NULL)
		return NULL;
	for (p = text; *p; p++)
		if (*p == '\'' || is_dollar_quote(p) || (also_double && *p == '"'))
			return psprintf("%.*s***", (int) (p - text), text);
	return pstrdup(text);
}

/* EXECUTE is looked for in the statement only: the server's own words for the extended protocol contain it too. */
static bool
concerns_us(const ErrorData *report)
{
	return is_ours(debug_query_string) || (debug_query_string && contains(debug_query_string, "execute")) ||
		is_ours(report->message) || is_ours(report->detail) || is_ours(report->detail_log) ||
		is_ours(report->context) || is_ours(report->internalquery) || is_ours(report->schema_name);
}

/* A row or a key that the server refused by itself, printed without quotes, of a table into which passwords are typed. */
static bool
prints_row(const ErrorData *report)
{
	return ERRCODE_TO_CATEGORY(report->sqlerrcode) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION &&
		report->schema_name && strcmp(report->schema_name, "djust_auth") == 0 && report->table_name && is_ours(report->table_name) &&
		(report->sqlerrcode != ERRCODE_UNIQUE_VIOLATION || strcmp(report->table_name, "password_blocklist") == 0);
}

/* Of debug_print_parse and its like, which print constants byte by byte. */
static bool
prints_tree(const ErrorData *report)
{
	return report->elevel < ERROR && report->detail && strstr(report->detail, ":constvalue") != NULL;
}

/*
 * Runs in the report's own memory context.  Details of errors are our own or the server's words for the client; those
 * of log lines hold parameters, and those for the log only, statements of others in a deadlock.  A value of the wrong
 * type is the exception: the server quotes it in message, detail
 * and context, and it may be a token that took the place of a session id.  The client is told no more than the log,
 * there is only one report.
 */
static void
mask_report(ErrorData *report)
{
	bool		quotes_value = report->sqlerrcode == ERRCODE_INVALID_TEXT_REPRESENTATION;

	if (concerns_us(report))
	{
		report->message = cut(report->message, quotes_value);
		if (report->elevel < ERROR)
			report->detail = cut(report->detail, false);
		report->detail_log = cut(report->detail_log, false);
		if (prints_row(report) || prints_tree(report))
			report->detail = NULL;
		if (quotes_value)
			report->detail = report->detail_log = report->context = NULL;
		report->context = cut(report->context, true);
		report->internalquery = cut(report->internalquery, false);
		report->hide_stmt = true;
	}
	if (previous_hook)
		previous_hook(report);
}

void
logmask_init(void)
{
	previous_hook = emit_log_hook;
	emit_log_hook = mask_report;
}
