/*
 * router.c
 *		The functions of a router over shards (sql/router.sh) that are in C:
 *		djust_can, because it is called most, and raising a shard's error.
 *
 * Threat: djust_router_can runs as the router's owner with the caller's
 * search_path.  It looks a name up in schema djust_router only, and PL/Proxy
 * looks up none: types have OIDs there, and the server a name without schema.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/value.h"
#include "parser/parse_func.h"

#include "api/args.h"
#include "auth/token.h"
#include "http/postgrest.h"
#include "server/plproxy.h"

/* PL/pgSQL gives the empty text for a detail or hint that is not there. */
static char *
text_or_nothing(NullableDatum argument)
{
	char *found = argument.isnull ? NULL : TextDatumGetCString(argument.value);

	return found && *found ? found : NULL;
}

SQL_FUNCTION(djust_router_raise)
{
	const char *state;

	REQUIRED(0, "state");
	REQUIRED(1, "message");
	state = TEXT(0);
	if (strlen(state) != 5)
		elog(ERROR, "state has no five characters");
	plproxy_raise(MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4]),
				  TEXT(1),
				  text_or_nothing(fcinfo->args[2]),
				  text_or_nothing(fcinfo->args[3]));
}

/* The function of PL/Proxy; in a request of PostgREST that of PL/pgSQL, which sends the request's settings, too. */
static FmgrInfo *
function_to_call(FmgrInfo *caller, bool in_request)
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
	bool in_request = postgrest_request();
	int first = !in_request;
	LOCAL_FCINFO(call, 4);
	Datum result;

	InitFunctionCallInfoData(
		*call, function_to_call(fcinfo->flinfo, in_request), 3 + first, fcinfo->fncollation, NULL, NULL);
	memcpy(call->args + first, fcinfo->args, 3 * sizeof(NullableDatum));
	if (!in_request)
		call->args[0] = (NullableDatum){Int32GetDatum(PG_ARGISNULL(0) ? 0 : Max(token_shard(SLICE(0)), 0)), false};
	result = plproxy_call(call);
	fcinfo->isnull = call->isnull;
	return result;
}
