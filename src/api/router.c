/*
 * router.c
 *		What a router over shards (sql/router.sh) has in C, because each check
 *		goes through it: djust_can, and a shard's error in its own words.
 *
 * Threat: it runs as the router's owner with the caller's search_path.  It
 * looks a name up in schema djust_router only, and runs no SQL of its own.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "nodes/value.h"
#include "parser/parse_func.h"

#include "api/args.h"
#include "auth/token.h"
#include "http/postgrest.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789_."

/* What follows PL/Proxy's "NAME(ARGUMENTS): [DATABASE] REMOTE LEVEL: "; NULL if the message does not begin so. */
static char *
after_remote(char *message, const char *level)
{
	char *mark = psprintf("] REMOTE %s: ", level);
	size_t name = strspn(message, NAME_CHARACTERS);
	size_t number = message[name] == '(' ? strspn(message + name + 1, "0123456789") : 0;
	char *found = NULL;

	if (name > 0 && number > 0 && strncmp(message + name + 1 + number, "): [", 4) == 0)
		found = strstr(message + name + 1 + number, mark);
	return found ? found + strlen(mark) : NULL;
}

static char *
after(char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0 ? text + strlen(prefix) : text;
}

/* True for an error that PL/Proxy raised: the shard's, or about the shard. */
static bool
is_of_plproxy(char *message)
{
	return strncmp(message, "PL/Proxy function ", 18) == 0 || after_remote(message, "ERROR") ||
		   after_remote(message, "FATAL");
}

/*
 * Raises a shard's error as its own caller would get it, and 08006 if the shard could not be reached.  The shard has
 * masked the words, so they stay; of the context there, and of PL/Proxy's, nothing is told.
 */
COMPAT_NORETURN static void
raise_in_own_words(int state, char *message, char *detail, char *hint)
{
	char *own = after_remote(message, "ERROR");

	if (own == NULL && is_of_plproxy(message))
		state = ERRCODE_CONNECTION_FAILURE;
	ereport(ERROR,
			(errcode(state),
			 errmsg_internal("%s", own ? own : message),
			 detail ? errdetail_internal("%s", after(detail, "Remote detail: ")) : 0,
			 hint ? errhint("%s", after(hint, "Remote hint: ")) : 0));
}

/* PL/pgSQL gives the empty text for a detail or hint that is not there. */
static char *
text_or_nothing(NullableDatum argument)
{
	char *found = argument.isnull ? NULL : TextDatumGetCString(argument.value);

	return found && *found ? found : NULL;
}

SQL_FUNCTION(djust_router_raise)
{
	const char *state = TEXT(0);

	raise_in_own_words(MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4]),
					   TEXT(1),
					   text_or_nothing(fcinfo->args[2]),
					   text_or_nothing(fcinfo->args[3]));
}

/* The function behind djust_can: the call on a shard, or, in a request of PostgREST, what takes its settings along. */
static FmgrInfo *
behind(FmgrInfo *caller, bool in_request)
{
	const Oid types[] = {INT4OID, TEXTOID, TEXTOID, TEXTOID};
	FmgrInfo *functions = caller->fn_extra;
	FmgrInfo *function;
	List *name;

	if (functions == NULL)
		caller->fn_extra = functions = MemoryContextAllocZero(caller->fn_mcxt, 2 * sizeof(FmgrInfo));
	function = &functions[in_request];
	if (!OidIsValid(function->fn_oid))
	{
		name = list_make2(makeString("djust_router"), makeString("djust_can"));
		fmgr_info_cxt(LookupFuncName(name, 4 - in_request, types + in_request, false), function, caller->fn_mcxt);
	}
	return function;
}

SQL_FUNCTION(djust_router_can)
{
	MemoryContext context = CurrentMemoryContext;
	bool in_request = postgrest_request();
	int first = !in_request;
	LOCAL_FCINFO(call, 4);
	Datum result = (Datum) 0;

	InitFunctionCallInfoData(*call, behind(fcinfo->flinfo, in_request), 3 + first, fcinfo->fncollation, NULL, NULL);
	memcpy(call->args + first, fcinfo->args, 3 * sizeof(NullableDatum));
	if (!in_request)
		call->args[0] = (NullableDatum){Int32GetDatum(PG_ARGISNULL(0) ? 0 : Max(token_shard(SLICE(0)), 0)), false};
	PG_TRY();
	{
		result = FunctionCallInvoke(call);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (!is_of_plproxy(error->message))
			PG_RE_THROW();
		FlushErrorState();
		raise_in_own_words(error->sqlerrcode, error->message, error->detail, error->hint);
	}
	PG_END_TRY();
	fcinfo->isnull = call->isnull;
	return result;
}
