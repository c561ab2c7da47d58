/*
 * admin_keys.c
 *		The administration functions for keys: fetch arguments, call one
 *		operation, return its answer.
 */
#include "postgres.h"

#include "api/args.h"
#include "audit/audit.h"
#include "auth/database_copy.h"
#include "keys/signing_key.h"

PG_FUNCTION_INFO_V1(djust_auth_rotate_signing_key);
PG_FUNCTION_INFO_V1(djust_auth_hs256_key);
PG_FUNCTION_INFO_V1(djust_auth_accept_key_file);
PG_FUNCTION_INFO_V1(djust_auth_after_restore);

Datum
djust_auth_rotate_signing_key(PG_FUNCTION_ARGS)
{
	char *kid;

	begin_write("djust_auth.rotate_signing_key()");
	kid = signing_key_rotate(TEXT_OR_NULL(0));
	audit_event("administration", NULL, NULL, psprintf("{\"change\": \"signing key rotated\", \"kid\": \"%s\"}", kid));
	RETURN_TEXT(kid);
}

Datum
djust_auth_hs256_key(PG_FUNCTION_ARGS)
{
	char *key;

	begin_write("djust_auth.hs256_key()");
	key = signing_key_hs256();
	audit_event("administration", NULL, NULL, "{\"change\": \"signing key handed out\"}");
	RETURN_TEXT(key);
}

Datum
djust_auth_accept_key_file(PG_FUNCTION_ARGS)
{
	begin_write("djust_auth.accept_key_file()");
	database_accept_key_file();
	PG_RETURN_VOID();
}

Datum
djust_auth_after_restore(PG_FUNCTION_ARGS)
{
	begin_write("djust_auth.after_restore()");
	database_after_restore();
	PG_RETURN_VOID();
}
