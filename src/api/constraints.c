/*
 * constraints.c
 *		The functions that constraints and an index of the tables call.
 *
 * Threat: a value in the tables that the verbs would trust.  Constraint
 * functions raise the reason themselves, so that the server does not print the
 * failing row, which might hold a password typed into the wrong column.  They
 * need no preloaded library: a dump must restore anywhere.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "audit/audit.h"
#include "pwhash/pwhash.h"
#include "routes/route.h"
#include "server/compat.h"
#include "server/normalize.h"
#include "text/mime.h"

PG_FUNCTION_INFO_V1(djust_email_is_valid);
PG_FUNCTION_INFO_V1(djust_password_hash_is_valid);
PG_FUNCTION_INFO_V1(djust_route_is_valid);
PG_FUNCTION_INFO_V1(djust_route_key);
PG_FUNCTION_INFO_V1(djust_event_is_valid);
PG_FUNCTION_INFO_V1(djust_mail_template_is_valid);

Datum
djust_email_is_valid(PG_FUNCTION_ARGS)
{
	text	   *email = PG_GETARG_TEXT_PP(0);
	const char *fault = email_fault(VARDATA_ANY(email), VARSIZE_ANY_EXHDR(email));

	if (fault)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("invalid email address"),
				 errdetail("%s", fault)));
	PG_RETURN_BOOL(true);
}

Datum
djust_password_hash_is_valid(PG_FUNCTION_ARGS)
{
	text	   *hash = PG_GETARG_TEXT_PP(0);
	PwFault		fault = pwhash_fault(VARDATA_ANY(hash), VARSIZE_ANY_EXHDR(hash));

	if (fault != PW_FAULT_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("invalid password hash"),
				 errdetail("%s", pwhash_fault_text(fault)),
				 errhint("%s", pwhash_fault_hint(fault))));
	PG_RETURN_BOOL(true);
}

static void
parse_or_raise(text *route, RoutePath *path)
{
	RouteFault	fault = normalize_pattern(VARDATA_ANY(route), VARSIZE_ANY_EXHDR(route), path);

	if (fault != ROUTE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("invalid route pattern"),
				 errdetail("%s", route_fault_text(fault)),
				 errhint("Use a path such as /orders/{id} or /orders/**, or a code such as ORDER-200.")));
}

Datum
djust_route_is_valid(PG_FUNCTION_ARGS)
{
	RoutePath	path;

	parse_or_raise(PG_GETARG_TEXT_PP(0), &path);
	PG_RETURN_BOOL(true);
}

Datum
djust_route_key(PG_FUNCTION_ARGS)
{
	RoutePath	path;
	char	   *key = palloc(ROUTE_PATH_MAX);

	parse_or_raise(PG_GETARG_TEXT_PP(0), &path);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(key, route_canonical(&path, key)));
}

Datum
djust_event_is_valid(PG_FUNCTION_ARGS)
{
	text	   *event = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(audit_is_event(VARDATA_ANY(event), VARSIZE_ANY_EXHDR(event)));
}

/* As it travels: in UTF-8. */
static char *
travelling(text *value)
{
	return database_to_utf8(text_to_cstring(value), VARSIZE_ANY_EXHDR(value));
}

Datum
djust_mail_template_is_valid(PG_FUNCTION_ARGS)
{
	const char *fault = mime_template_fault(travelling(PG_GETARG_TEXT_PP(0)), travelling(PG_GETARG_TEXT_PP(1)),
											   travelling(PG_GETARG_TEXT_PP(2)));

	if (fault)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("no mail can be made of this template: %s", fault)));
	PG_RETURN_BOOL(true);
}
