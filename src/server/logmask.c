/*
 * logmask.c
 *		Owns the masking of statements with secrets in the server log.
 *
 * Threat: passwords and tokens in a log that is shipped, archived and read by
 * people without access to the accounts.  Three kinds of text reach the log in
 * reports that concern this extension:
 *
 * - Statements and parameter lists, in lines of level LOG, contexts and
 * queries: cut at the first possible value.
 * - Messages of the server and of other modules, which quote input with or
 * without quotes, in any SQLSTATE and language: only the words of the format
 * are kept, unless the format is known to name objects or an administrator's
 * typing error, or the statement can contain only names.
 * - Messages of this library: unchanged, as they never repeat a possible
 * secret.
 *
 * The STATEMENT line is omitted.  When in doubt, text is masked: EXECUTE may
 * run a prepared call of ours and FETCH a cursor over one, so they are always
 * masked.  Client and log get the same report, so the client's is masked, too.
 *
 * Removed text is wiped, and everything allocated here is freed by the server:
 * reports below ERROR never reset the context they live in.
 *
 * Never looks up a name: it must work in an aborted transaction.
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

/* Address range of this library. */
static uintptr_t own_begin = UINTPTR_MAX;
static uintptr_t own_end = 0;

/* Server formats whose arguments name catalogue objects, or words that cannot be secrets. */
static const char *const harmless_formats[] = {
	"%s at end of input",
	"operator does not exist: %s",
	"role \"%s\" does not exist",
};

/* Formats with a type as first and typed input as second argument. */
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

/* True if the format is one of this library's constants. */
static bool
is_own(const ErrorData *report)
{
	uintptr_t format = (uintptr_t) report->message_id;

	return format >= own_begin && format < own_end;
}

/* A fast-path call has no statement; errors about its arguments may quote a token. */
static bool
may_be_fastpath(const ErrorData *report)
{
	return debug_query_string == NULL && MyProcPort &&
		   ERRCODE_TO_CATEGORY(report->sqlerrcode) == ERRCODE_DATA_EXCEPTION;
}

/* False in the postmaster and its helpers. */
static bool
runs_statements(void)
{
	return MyProcPort || MyBackendType == B_BG_WORKER || debug_query_string;
}

/* EXECUTE is searched in the statement only: the server's own messages on the extended protocol contain it, too. */
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

/* True if the detail prints, without quotes, a refused row or key of a table with passwords. */
static bool
prints_row(const ErrorData *report)
{
	return ERRCODE_TO_CATEGORY(report->sqlerrcode) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION && report->schema_name &&
		   strcmp(report->schema_name, "djust_auth") == 0 && report->table_name &&
		   logtext_is_ours(report->table_name) &&
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

/* True for error classes whose messages name objects, never values. */
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

/* True if the message is about a mistyped setting, table, call (without argument names) or access right of ours. */
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
 * True if the statement contains only names (as in the extension's script).  Code run by a trigger of such a statement
 * has a context; the text of a syntax error may be anything.
 */
static bool
is_about_names(const ErrorData *report)
{
	const char *context = report->context;

	if (report->sqlerrcode == ERRCODE_SYNTAX_ERROR || !logtext_only_names(debug_query_string))
		return false;
	return context == NULL || (strstr(context, "extension script file") && !strstr(context, "function"));
}

/* A refused value of one of our settings: refuse_url() has masked it already. */
static bool
is_refused_setting(const ErrorData *report)
{
	static const char words[] = "invalid value for parameter \"djust_auth.";

	return strcmp(report->message_id, "%s") == 0 && strncmp(report->message, words, strlen(words)) == 0;
}

/*
 * True if the server's message may stay: it has no arguments, names objects, quotes a word that cannot be a secret, or
 * is a RAISE of an administrator's own function.
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

/* Keeps the type's name, which helps to find the value. */
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
	char *words;

	if (report->message == NULL)
		return;
	if (format == NULL || keeps_type(report))
	{
		logtext_cut(report->message, LOGTEXT_QUOTES);
		return;
	}
	words = strcmp(format, "%s at or near \"%s\"") == 0 ? pstrdup("syntax error at or near \"***\"") :
														  logtext_words(format);
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
		bool own = is_own(report);

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

/* Callback of dl_iterate_phdr: records the address range of the library that contains this function. */
static int
find_own_range(struct dl_phdr_info *library, size_t size, void *arg)
{
	uintptr_t here = (uintptr_t) find_own_range;
	uintptr_t begin = UINTPTR_MAX;
	uintptr_t end = 0;
	int i;

	for (i = 0; i < library->dlpi_phnum; i++)
	{
		uintptr_t segment = library->dlpi_addr + library->dlpi_phdr[i].p_vaddr;

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
	dl_iterate_phdr(find_own_range, NULL);
	previous_hook = emit_log_hook;
	emit_log_hook = mask_report;
}
