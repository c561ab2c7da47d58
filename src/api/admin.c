/*
 * admin.c
 *		The administration functions: fetch arguments, call one operation,
 *		return its answer.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "api/args.h"
#include "audit/audit.h"
#include "audit/audit_seal.h"
#include "audit/audit_verify.h"
#include "auth/account.h"
#include "auth/database_copy.h"
#include "auth/grants.h"
#include "auth/mail_queue.h"
#include "auth/password.h"
#include "auth/profile.h"
#include "auth/replica.h"
#include "auth/rights.h"
#include "auth/session_cutoff.h"
#include "auth/sign_up.h"
#include "auth/token.h"
#include "http/postgrest.h"
#include "keys/signing_key.h"
#include "pwhash/pwpolicy.h"
#include "server/normalize.h"
#include "server/settings.h"
#include "server/shard.h"
#include "shmem/event_queue.h"
#include "tables/catalog.h"
#include "tables/store.h"
#include "worker/purge.h"
#include "worker/queue_write.h"
#include "worker/stats.h"

/* NULL means no profiles. */
static ArrayType *
profiles_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? construct_empty_array(TEXTOID) : PG_GETARG_ARRAYTYPE_P(n);
}

SQL_FUNCTION(djust_auth_create_user)
{
	begin_write("djust_auth.create_user()");
	REQUIRED(0, "email");
	PG_RETURN_UUID_P(account_create(TEXT(0), SLICE_OR_NULL(1), NULL, profiles_argument(fcinfo, 2), NULL));
}

SQL_FUNCTION(djust_auth_import_user)
{
	begin_write("djust_auth.import_user()");
	REQUIRED(0, "email");
	REQUIRED(1, "password_hash");
	PG_RETURN_UUID_P(account_create(TEXT(0), (Slice){NULL, 0}, TEXT(1), profiles_argument(fcinfo, 2), NULL));
}

SQL_FUNCTION(djust_auth_invite_user)
{
	begin_write("djust_auth.invite_user()");
	REQUIRED(0, "email");
	PG_RETURN_UUID_P(sign_up_invite(TEXT(0), profiles_argument(fcinfo, 1), TEXT_OR_NULL(2)));
}

SQL_FUNCTION(djust_auth_set_password)
{
	pg_uuid_t *id = begin_user(fcinfo, "djust_auth.set_password()");

	REQUIRED(1, "password");
	account_set_password(id, SLICE(1));
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_disable_user)
{
	account_set_disabled(begin_user(fcinfo, "djust_auth.disable_user()"), true);
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_enable_user)
{
	account_set_disabled(begin_user(fcinfo, "djust_auth.enable_user()"), false);
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_delete_user)
{
	account_erase(begin_user(fcinfo, "djust_auth.delete_user()"));
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_export_user)
{
	RETURN_TEXT(account_export(begin_user(fcinfo, "djust_auth.export_user()")));
}

SQL_FUNCTION(djust_auth_change_email)
{
	pg_uuid_t *id = begin_user(fcinfo, "djust_auth.change_email()");

	REQUIRED(1, "email");
	account_change_email(id, TEXT(1));
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_unlock_user)
{
	account_unlock(begin_user(fcinfo, "djust_auth.unlock_user()"));
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_end_sessions)
{
	PG_RETURN_INT32(account_end_sessions(begin_user(fcinfo, "djust_auth.end_sessions()")));
}

SQL_FUNCTION(djust_auth_end_all_sessions)
{
	begin_write("djust_auth.end_all_sessions()");
	REQUIRED(0, "before");
	session_cutoff_raise(PG_GETARG_TIMESTAMPTZ(0));
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_open_session)
{
	pg_uuid_t *id = begin_user(fcinfo, "djust_auth.open_session()");
	Answer answer = {VERDICT_OK};

	/* that of 1.0 has no reason */
	account_open_session(id, PG_NARGS() > 1 ? TEXT_OR_NULL(1) : NULL, &answer);
	RETURN_TEXT(answer_tokens(&answer, ANSWER_TO_OAUTH));
}

/* To the caller, not to the log: found is a part of the password. */
static void
tell_found(const char *found)
{
	ereport(NOTICE,
			(errmsg("the password is too common"),
			 *found ? errdetail("It contains: %s.", found) : errdetail("It has too few different characters."),
			 errdetail_log("Only the caller is told why.")));
}

SQL_FUNCTION(djust_auth_check_password)
{
	Datum codes[PWPOLICY_VIOLATIONS];
	Password password;
	const char *found;
	unsigned violations;
	unsigned n;
	int count = 0;

	preloaded_require();
	REQUIRED(0, "password");
	password = normalize_password(SLICE(0));
	violations = password_violations(&password, NULL, &found);
	if (violations & PWPOLICY_TOO_COMMON)
		tell_found(found);
	for (n = 0; n < PWPOLICY_VIOLATIONS; n++)
		if (violations & (1u << n))
			codes[count++] = CStringGetTextDatum(pwpolicy_code(n));
	PG_RETURN_ARRAYTYPE_P(construct_array(codes, count, TEXTOID, -1, false, TYPALIGN_INT));
}

SQL_FUNCTION(djust_auth_create_profile)
{
	begin_write("djust_auth.create_profile()");
	REQUIRED(0, "name");
	store_profile_insert(TEXT(0), TEXT_OR_NULL(1));
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_drop_profile)
{
	begin_write("djust_auth.drop_profile()");
	REQUIRED(0, "name");
	profile_drop(TEXT(0));
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_add_profile)
{
	pg_uuid_t *id = begin_user(fcinfo, "djust_auth.add_profile()");

	REQUIRED(1, "profile");
	profile_add(id, TEXT(1));
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_remove_profile)
{
	pg_uuid_t *id = begin_user(fcinfo, "djust_auth.remove_profile()");

	REQUIRED(1, "profile");
	profile_remove(id, TEXT(1));
	PG_RETURN_VOID();
}

static char *
access_label(Oid value)
{
	return DatumGetCString(DirectFunctionCall1(enum_out, ObjectIdGetDatum(value)));
}

SQL_FUNCTION(djust_auth_set_right)
{
	begin_write("djust_auth.set_right()");
	REQUIRED(0, "profile");
	REQUIRED(1, "route");
	REQUIRED(2, "access");
	profile_set_right(TEXT(0), TEXT(1), access_label(PG_GETARG_OID(2)));
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_explain)
{
	preloaded_require();
	REQUIRED(1, "route");
	REQUIRED(2, "access");
	RETURN_TEXT(profile_explain(PG_ARGISNULL(0) ? NULL : PG_GETARG_UUID_P(0), TEXT(1), TEXT(2)));
}

SQL_FUNCTION(djust_auth_profile_access)
{
	static const char *const labels[] = {"none", "read", "write"};
	RouteRight right;

	preloaded_require();
	right = rights_of_profile(TEXT(0), SLICE(1));
	if (right == RIGHT_NO_MATCH)
		PG_RETURN_NULL();
	return DirectFunctionCall2(
		enum_in, CStringGetDatum(labels[right]), ObjectIdGetDatum(get_fn_expr_rettype(fcinfo->flinfo)));
}

/* The rows contain usable links, so they must not be spilled to a temporary file, as they would be beyond work_mem. */
static void
keep_in_memory(ReturnSetInfo *result)
{
	MemoryContext old = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);

	tuplestore_end(result->setResult);
	result->setResult = tuplestore_begin_heap(false, false, MAX_KILOBYTES);
	MemoryContextSwitchTo(old);
}

SQL_FUNCTION(djust_auth_claim_mail)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int max = PG_ARGISNULL(0) ? 10 : PG_GETARG_INT32(0);
	ListCell *cell;

	begin_write("djust_auth.claim_mail()");
	if (max < 1 || max > 10000)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("argument \"max\" must be from 1 to 10000")));
	InitMaterializedSRF(fcinfo, 0);
	keep_in_memory(result);
	foreach(cell, mail_queue_claim(max))
	{
		ClaimedMail *mail = lfirst(cell);
		bool nulls[5] = {false};
		Datum values[5];

		values[0] = Int64GetDatum(mail->id);
		values[1] = CStringGetTextDatum(mail->recipient);
		values[2] = CStringGetTextDatum(mail->subject);
		values[3] = CStringGetTextDatum(mail->body_text);
		values[4] = CStringGetTextDatum(mail->body_html);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

SQL_FUNCTION(djust_auth_mail_sent)
{
	begin_write("djust_auth.mail_sent()");
	REQUIRED(0, "id");
	mail_queue_mark_sent(PG_GETARG_INT64(0));
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_mail_failed)
{
	begin_write("djust_auth.mail_failed()");
	REQUIRED(0, "id");
	REQUIRED(1, "reason");
	mail_queue_mark_failed(PG_GETARG_INT64(0), TEXT(1), false);
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_mail_rejected)
{
	begin_write("djust_auth.mail_rejected()");
	REQUIRED(0, "id");
	REQUIRED(1, "reason");
	mail_queue_mark_failed(PG_GETARG_INT64(0), TEXT(1), true);
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_mail_due)
{
	TimestampTz due;

	preloaded_require();
	if (!store_mail_next(GetCurrentTimestamp(), &due))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(due);
}

SQL_FUNCTION(djust_auth_purge)
{
	begin_write("djust_auth.purge()");
	RETURN_TEXT(purge_all());
}

SQL_FUNCTION(djust_auth_grant_api)
{
	begin_write("djust_auth.grant_api()");
	REQUIRED(0, "role");
	grants_give(PG_GETARG_OID(0), PG_ARGISNULL(1) ? "backend" : TEXT(1));
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_postgrest_config)
{
	preloaded_require();
	postgrest_configure(signing_key_jwks(true),
						setting_audience,
						psprintf("%s.djust_pre_request", get_namespace_name(catalog_api_schema())));
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_stats)
{
	preloaded_require();
	RETURN_TEXT(stats_json());
}

SQL_FUNCTION(djust_auth_stat_here)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	preloaded_require();
	InitMaterializedSRF(fcinfo, 0);
	stats_rows(result->setResult, result->setDesc);
	return (Datum) 0;
}

SQL_FUNCTION(djust_auth_rotate_signing_key)
{
	char *kid;

	begin_write("djust_auth.rotate_signing_key()");
	kid = signing_key_rotate(TEXT_OR_NULL(0));
	audit_event("administration", NULL, NULL, psprintf("{\"change\": \"signing key rotated\", \"kid\": \"%s\"}", kid));
	RETURN_TEXT(kid);
}

SQL_FUNCTION(djust_auth_hs256_key)
{
	char *key;

	begin_write("djust_auth.hs256_key()");
	key = signing_key_hs256();
	audit_event("administration", NULL, NULL, "{\"change\": \"signing key handed out\"}");
	RETURN_TEXT(key);
}

SQL_FUNCTION(djust_auth_accept_key_file)
{
	begin_write("djust_auth.accept_key_file()");
	database_accept_key_file();
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_after_restore)
{
	begin_write("djust_auth.after_restore()");
	database_after_restore();
	PG_RETURN_VOID();
}

static void
put_finding(void *arg, TimestampTz at, const pg_uuid_t *id, const char *finding)
{
	ReturnSetInfo *result = arg;
	Datum values[3] = {TimestampTzGetDatum(at), id ? UUIDPGetDatum(id) : (Datum) 0, CStringGetTextDatum(finding)};
	bool nulls[3] = {false, id == NULL, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	pfree(DatumGetPointer(values[2]));
}

SQL_FUNCTION(djust_auth_audit_verify)
{
	preloaded_require();
	InitMaterializedSRF(fcinfo, 0);
	audit_verify(put_finding, fcinfo->resultinfo);
	return (Datum) 0;
}

SQL_FUNCTION(djust_auth_token_shard)
{
	int shard = token_shard(SLICE(0));

	if (shard < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(shard);
}

SQL_FUNCTION(djust_auth_normal_email)
{
	RETURN_TEXT(normalize_email(SLICE(0)));
}

SQL_FUNCTION(djust_auth_email_shard)
{
	int shards = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1);

	if (shards < 1 || shards > SHARDS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of shards out of range"),
				 errhint("Use a number from 1 to %d.", SHARDS_MAX)));
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_INT32(shard_of_email(normalize_email_utf8(SLICE(0)), shards));
}

/* These functions run under the worker's role, with EXECUTE granted to it, but work only in the worker. */
static void
begin_work(const char *command)
{
	begin_write(command);
	if (!event_queue_in_worker())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s is for the background worker alone", command)));
}

SQL_FUNCTION(djust_auth_worker_start)
{
	begin_work("djust_auth.worker_start()");
	store_mail_release(GetCurrentTimestamp());
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_worker_write)
{
	begin_work("djust_auth.worker_write()");
	PG_RETURN_INT32(queue_write_batch());
}

SQL_FUNCTION(djust_auth_worker_heartbeat)
{
	begin_work("djust_auth.worker_heartbeat()");
	replica_heartbeat();
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_auth_worker_purge)
{
	begin_work("djust_auth.worker_purge()");
	PG_RETURN_BOOL(purge_step());
}

SQL_FUNCTION(djust_auth_worker_seal)
{
	begin_work("djust_auth.worker_seal()");
	PG_RETURN_TIMESTAMPTZ(audit_seal_some());
}
