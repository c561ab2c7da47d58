/*
 * constraints.c
 *		The functions called by constraints and by an index of the tables, and
 *		check_hash(), which tells what a constraint would say.
 *
 * Threat: a value in the tables that operations would trust.  Constraint
 * functions raise the reason themselves, so that the server does not print the
 * failing row, which might contain a password typed into the wrong column. They
 * do not need the preloaded library: a dump must restore anywhere.
 */
#include "postgres.h"

#include "api/args.h"
#include "audit/audit.h"
#include "pwhash/pwhash.h"
#include "routes/route.h"
#include "server/import_hash.h"
#include "server/normalize.h"
#include "server/settings.h"
#include "text/mime.h"

SQL_FUNCTION(djust_email_is_valid)
{
	const char *fault = email_fault(SLICE(0));

	if (fault)
		ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION), errmsg("invalid email address"), errdetail("%s", fault)));
	PG_RETURN_BOOL(true);
}

SQL_FUNCTION(djust_password_hash_is_valid)
{
	const char *scheme;
	PwFault fault = pwhash_fault(SLICE(0), &scheme);

	if (fault != PW_FAULT_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("invalid password hash"),
				 errdetail(pwhash_fault_text(fault), scheme),
				 errhint("%s", pwhash_fault_hint(fault))));
	PG_RETURN_BOOL(true);
}

SQL_FUNCTION(djust_auth_check_hash)
{
	const char *scheme;
	const char *hash = import_hash(SLICE(0));
	PwFault fault = hash ? pwhash_fault(slice_of(hash), &scheme) : PW_FAULT_NONE;

	if (hash == NULL)
		RETURN_TEXT("no password");
	if (fault == PW_FAULT_NONE)
		RETURN_TEXT(scheme);
	RETURN_TEXT(psprintf("refused: %s", psprintf(pwhash_fault_text(fault), scheme)));
}

static void
parse_or_raise(Slice route, RoutePath *path)
{
	RouteFault fault = normalize_pattern(route, path);

	if (fault != ROUTE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("invalid route pattern"),
				 errdetail("%s", route_fault_text(fault)),
				 errhint("Use a path such as /orders/{id} or /orders/**, or a code such as ORDER-200.")));
}

SQL_FUNCTION(djust_route_is_valid)
{
	RoutePath path;

	parse_or_raise(SLICE(0), &path);
	PG_RETURN_BOOL(true);
}

SQL_FUNCTION(djust_route_key)
{
	RoutePath path;
	char *key = palloc(ROUTE_PATH_MAX);

	parse_or_raise(SLICE(0), &path);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(key, route_canonical(&path, key)));
}

SQL_FUNCTION(djust_event_is_valid)
{
	PG_RETURN_BOOL(audit_is_event(SLICE(0)));
}

static void
refuse_store(const char *column, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION), errmsg("invalid %s of a store", column), errhint("%s", hint)));
}

SQL_FUNCTION(djust_store_is_valid)
{
	const char *reset_url = TEXT_OR_NULL(0);
	const char *confirm_url = TEXT_OR_NULL(1);
	Mailbox sender;

	if (reset_url && !settings_is_link_url(reset_url))
		refuse_store("reset_url", "Use an https URL that contains {token} once, as djust_auth.reset_url.");
	if (confirm_url && !settings_is_link_url(confirm_url))
		refuse_store("confirm_url", "Use an https URL that contains {token} once, as djust_auth.confirm_url.");
	if (!PG_ARGISNULL(2) && !mime_parse_mailbox(database_to_utf8(TEXT(2)), &sender))
		refuse_store("mail_from", "Use an address, or a name and an address such as Shop <no-reply@shop.example>.");
	PG_RETURN_BOOL(true);
}

SQL_FUNCTION(djust_mail_template_is_valid)
{
	/* mails are sent in UTF-8 */
	const char *fault =
		mime_template_fault(database_to_utf8(TEXT(0)), database_to_utf8(TEXT(1)), database_to_utf8(TEXT(2)));

	if (fault)
		ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION), errmsg("no mail can be made of this template: %s", fault)));
	PG_RETURN_BOOL(true);
}
