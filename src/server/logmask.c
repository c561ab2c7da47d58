/*
 * logmask.c
 *		Owns what the server log says of statements that carry secrets.
 *
 * Threat: passwords and tokens in a log that is shipped, archived and read by
 * people who may not log in as anybody.  Three kinds of text reach the log in
 * a report that has to do with this extension:
 *
 * - Statements and parameter lists, in lines of level LOG, contexts and
 *   queries: cut where the first value can stand.
 * - Messages of the server and of other modules, which quote what was typed
 *   with or without quotes, in any SQLSTATE and language: only the words of
 *   the format are kept, except where a format is known to name objects or
 *   what an administrator mistyped, or where the statement can hold nothing
 *   but names.
 * - Messages of this library: whole, for they repeat no value that may be a
 *   secret.
 *
 * The STATEMENT line is left out.  All this errs on the side of masking too
 * much: EXECUTE may name a prepared call of ours and FETCH a cursor over one,
 * so they are masked whatever they name.  The client is told no more than the
 * log, for there is only one report.
 *
 * What is taken out is wiped, and nothing is allocated that the server does
 * not free: reports below ERROR never reset the context they live in.
 *
 * Never looks a name up: it must work while a transaction is aborted.
 */
#include "postgres.h"

#include <link.h>

#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/elog.h"

#include "server/logmask.h"
#include "server/logtext.h"
#include "text/bytes.h"

static emit_log_hook_type previous_hook = NULL;

/* Where this library lies in memory. */
static uintptr_t own_begin = UINTPTR_MAX;
static uintptr_t own_end = 0;

/* Formats of the server whose arguments name objects of the catalogues, or what no secret is mistaken for. */
static const char *const harmless_formats[] = {
	"%s at end of input",
	"operator does not exist: %s",
	"role \"%s\" does not exist",
};

/* Formats whose first argument is a type and whose second one was typed. */
static const char *const typed_value_formats[] = {
	"invalid input syntax for type %s: \"%s\"",
	"invalid input value for enum %s: \"%s\"",
};

static void
drop(char **text)
{
	if (*text == NULL)
		return;
	bytes_wipe(*text, strlen(*text));
	pfree(*text);
	*text = NULL;
}

/* Is the format one of this library's constants? */
static bool
is_own(const ErrorData *report)
{
	uintptr_t	format = (uintptr_t) report->message_id;

	return format >= own_begin && format < own_end;
}

/* A call by the fast path has no statement; the server's words about its arguments may quote a token. */
static bool
may_be_fastpath(const ErrorData *report)
{
	return debug_query_string == NULL && MyProcPort &&
		   ERRCODE_TO_CATEGORY(report->sqlerrcode) == ERRCODE_DATA_EXCEPTION;
}

/* The postmaster and its helpers run no statements. */
static bool
runs_statements(void)
{
	return MyProcPort || MyBackendType == B_BG_WORKER || debug_query_string;
}

/* EXECUTE is looked for in the statement only: the server's own words for the extended protocol contain it too. */
static bool
concerns_us(const ErrorData *report)
{
	if (!runs_statements())
		return false;
	return is_own(report) || may_be_fastpath(report) || logtext_is_ours(debug_query_string) ||
		   logtext_may_name_ours(debug_query_string) || logtext_is_ours(report->message) ||
		   logtext_is_ours(report->detail) || logtext_is_ours(report->detail_log) || logtext_is_ours(report->context) ||
		   logtext_is_ours(report->internalquery) || logtext_is_ours(report->schema_name);
}

/*
 * A row or a key that the server refused by itself, printed without quotes, of a table into which passwords are typed.
 */
static bool
prints_row(const ErrorData *report)
{
	return ERRCODE_TO_CATEGORY(report->sqlerrcode) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION &&
		report->schema_name && strcmp(report->schema_name, "djust_auth") == 0 && report->table_name && logtext_is_ours(report->table_name) &&
		(report->sqlerrcode != ERRCODE_UNIQUE_VIOLATION || strcmp(report->table_name, "password_blocklist") == 0);
}

static bool
is_one_of(const char *text, const char *const *list, int n)
{
	while (--n >= 0)
		if (strcmp(text, list[n]) == 0)
			return true;
	return false;
}

/*
 * Errors of these classes name objects, never values: broken constraints, states, conflicts, limits, the operator, the
 * system.
 */
static bool
names_objects(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
		case ERRCODE_INVALID_TRANSACTION_STATE:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
			return true;
	}
	return sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE;
}

/*
 * A mistyped setting, table, call (without names of arguments) or word for a right: of ours, as the message's own text
 * says.
 */
static bool
is_of_ours(const char *format, const char *message)
{
	if (strstr(format, "parameter ") != NULL || strcmp(format, "relation \"%s.%s\" does not exist") == 0)
		return strstr(message, "djust_auth.") != NULL;
	if (strstr(format, "function %s ") != NULL)
		return logtext_is_ours(message) && strstr(message, "=>") == NULL;
	return strcmp(format, typed_value_formats[1]) == 0 && strstr(message, "access_right") != NULL;
}

/*
 * The server's words about a statement that holds nothing but names (the extension's script with it).  Code that such a
 * statement runs by a trigger has a context, and what is no SQL may have been meant as anything.
 */
static bool
is_about_names(const ErrorData *report)
{
	const char *context = report->context;

	if (report->sqlerrcode == ERRCODE_SYNTAX_ERROR || !logtext_only_names(debug_query_string))
		return false;
	return context == NULL || (strstr(context, "extension script file") && !strstr(context, "function"));
}

/* The value that a setting of ours refused; what may be a secret in it is left out before it is reported. */
static bool
is_refused_setting(const ErrorData *report)
{
	static const char words[] = "invalid value for parameter \"djust_auth.";

	return strcmp(report->message_id, "%s") == 0 && strncmp(report->message, words, strlen(words)) == 0;
}

/*
 * The server's message may stay: it has no arguments, names objects, is about a word that no secret is mistaken for, or
 * is what a RAISE of an administrator's own function says.
 */
static bool
is_harmless(const ErrorData *report)
{
	const char *format = report->message_id;

	if (names_objects(report->sqlerrcode) || is_about_names(report))
		return true;
	if (format == NULL || report->message == NULL)
		return false;
	return strchr(format, '%') == NULL || is_one_of(format, harmless_formats, lengthof(harmless_formats)) ||
		is_of_ours(format, report->message) || is_refused_setting(report) ||
		(strcmp(format, "%s") == 0 && report->domain && strncmp(report->domain, "plpgsql", 7) == 0);
}

/* The name of a type helps to find the value, and is no secret. */
static bool
keeps_type(const ErrorData *report)
{
	const char *format = report->message_id;

	return is_one_of(format, typed_value_formats, lengthof(typed_value_formats)) &&
		strncmp(report->message, format, strchr(format, '%') - format) == 0;
}

static void
mask_message(ErrorData *report)
{
	const char *format = report->message_id;
	char	   *words;

	if (report->message == NULL)
		return;
	if (format == NULL || keeps_type(report))
	{
		logtext_cut(report->message, LOGTEXT_QUOTES);
		return;
	}
	words = strcmp(format, "%s at or near \"%s\"") == 0 ? pstrdup("syntax error at or near \"***\"") : logtext_words(format);
	drop(&report->message);
	report->message = words;
}

static void
mask_log_line(ErrorData *report)
{
	if (report->message && strncmp(report->message, "AUDIT: ", 7) == 0)
		logtext_cut_audit(report->message);
	else
		logtext_cut(report->message, LOGTEXT_QUOTES);
	/* a brace begins a parse tree, which prints constants byte by byte */
	logtext_cut(report->detail, LOGTEXT_QUOTES "{");
}

/* Runs in the report's own memory context. */
static void
mask_report(ErrorData *report)
{
	if (concerns_us(report))
	{
		bool		own = is_own(report);

		if (!own && report->elevel < INFO)
			mask_log_line(report);
		else if (!own && !is_harmless(report))
		{
			mask_message(report);
			drop(&report->detail);
			drop(&report->context);
		}
		if (prints_row(report))
			drop(&report->detail);
		if (!own)
			logtext_cut(report->detail_log, LOGTEXT_QUOTES);
		logtext_cut_context(report->context);
		logtext_cut(report->internalquery, LOGTEXT_QUOTES);
		report->hide_stmt = true;
	}
	if (previous_hook)
		previous_hook(report);
}

/* Notes the place of the library that holds this function. */
static int
note_place(struct dl_phdr_info *library, size_t size, void *arg)
{
	uintptr_t	here = (uintptr_t) note_place;
	uintptr_t	begin = UINTPTR_MAX;
	uintptr_t	end = 0;
	int			i;

	for (i = 0; i < library->dlpi_phnum; i++)
	{
		uintptr_t	segment = library->dlpi_addr + library->dlpi_phdr[i].p_vaddr;

		if (library->dlpi_phdr[i].p_type != PT_LOAD)
			continue;
		begin = Min(begin, segment);
		end = Max(end, segment + library->dlpi_phdr[i].p_memsz);
	}
	if (here < begin || here >= end)
		return 0;
	own_begin = begin;
	own_end = end;
	return 1;
}

void
logmask_init(void)
{
	dl_iterate_phdr(note_place, NULL);
	previous_hook = emit_log_hook;
	emit_log_hook = mask_report;
}
