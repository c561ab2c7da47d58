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
#include "auth/account.h"
#include "auth/grants.h"
#include "auth/mail_queue.h"
#include "auth/password.h"
#include "auth/policy.h"
#include "auth/rights.h"
#include "http/postgrest.h"
#include "keys/signing_key.h"
#include "pwhash/pwpolicy.h"
#include "server/normalize.h"
#include "server/settings.h"
#include "shmem/event_queue.h"
#include "tables/catalog.h"
#include "tables/store.h"
#include "worker/purge.h"
#include "worker/queue_write.h"
#include "worker/stats.h"

PG_FUNCTION_INFO_V1(djust_auth_create_user);
PG_FUNCTION_INFO_V1(djust_auth_import_user);
PG_FUNCTION_INFO_V1(djust_auth_set_password);
PG_FUNCTION_INFO_V1(djust_auth_disable_user);
PG_FUNCTION_INFO_V1(djust_auth_enable_user);
PG_FUNCTION_INFO_V1(djust_auth_delete_user);
PG_FUNCTION_INFO_V1(djust_auth_change_email);
PG_FUNCTION_INFO_V1(djust_auth_unlock_user);
PG_FUNCTION_INFO_V1(djust_auth_end_sessions);
PG_FUNCTION_INFO_V1(djust_auth_open_session);
PG_FUNCTION_INFO_V1(djust_auth_check_password);
PG_FUNCTION_INFO_V1(djust_auth_create_profile);
PG_FUNCTION_INFO_V1(djust_auth_drop_profile);
PG_FUNCTION_INFO_V1(djust_auth_add_profile);
PG_FUNCTION_INFO_V1(djust_auth_remove_profile);
PG_FUNCTION_INFO_V1(djust_auth_set_right);
PG_FUNCTION_INFO_V1(djust_auth_explain);
PG_FUNCTION_INFO_V1(djust_auth_profile_access);
PG_FUNCTION_INFO_V1(djust_auth_claim_mail);
PG_FUNCTION_INFO_V1(djust_auth_mail_sent);
PG_FUNCTION_INFO_V1(djust_auth_mail_failed);
PG_FUNCTION_INFO_V1(djust_auth_mail_rejected);
PG_FUNCTION_INFO_V1(djust_auth_mail_due);
PG_FUNCTION_INFO_V1(djust_auth_purge);
PG_FUNCTION_INFO_V1(djust_auth_grant_api);
PG_FUNCTION_INFO_V1(djust_auth_postgrest_config);
PG_FUNCTION_INFO_V1(djust_auth_stats);
PG_FUNCTION_INFO_V1(djust_auth_worker_start);
PG_FUNCTION_INFO_V1(djust_auth_worker_write);
PG_FUNCTION_INFO_V1(djust_auth_worker_purge);

/* NULL means no profiles. */
static ArrayType *
profiles_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? construct_empty_array(TEXTOID) : PG_GETARG_ARRAYTYPE_P(n);
}

/* Begins a function that writes to the user named by its first argument. */
static pg_uuid_t *
begin_user(FunctionCallInfo fcinfo, const char *command)
{
	begin_write(command);
	REQUIRED(0, "user_id");
	return PG_GETARG_UUID_P(0);
}

static Datum
return_uuid(const pg_uuid_t *id)
{
	pg_uuid_t *copy = palloc(sizeof(pg_uuid_t));

	*copy = *id;
	return UUIDPGetDatum(copy);
}

Datum
djust_auth_create_user(PG_FUNCTION_ARGS)
{
	pg_uuid_t id;

	begin_write("djust_auth.create_user()");
	REQUIRED(0, "email");
	account_create(TEXT(0), SLICE_OR_NULL(1), NULL, profiles_argument(fcinfo, 2), &id);
	return return_uuid(&id);
}

Datum
djust_auth_import_user(PG_FUNCTION_ARGS)
{
	pg_uuid_t id;

	begin_write("djust_auth.import_user()");
	REQUIRED(0, "email");
	REQUIRED(1, "password_hash");
	account_create(TEXT(0), (Slice){NULL, 0}, TEXT(1), profiles_argument(fcinfo, 2), &id);
	return return_uuid(&id);
}

Datum
djust_auth_set_password(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = begin_user(fcinfo, "djust_auth.set_password()");

	REQUIRED(1, "password");
	account_set_password(id, SLICE(1));
	PG_RETURN_VOID();
}

Datum
djust_auth_disable_user(PG_FUNCTION_ARGS)
{
	account_set_disabled(begin_user(fcinfo, "djust_auth.disable_user()"), true);
	PG_RETURN_VOID();
}

Datum
djust_auth_enable_user(PG_FUNCTION_ARGS)
{
	account_set_disabled(begin_user(fcinfo, "djust_auth.enable_user()"), false);
	PG_RETURN_VOID();
}

Datum
djust_auth_delete_user(PG_FUNCTION_ARGS)
{
	account_delete(begin_user(fcinfo, "djust_auth.delete_user()"));
	PG_RETURN_VOID();
}

Datum
djust_auth_change_email(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = begin_user(fcinfo, "djust_auth.change_email()");

	REQUIRED(1, "email");
	account_change_email(id, TEXT(1));
	PG_RETURN_VOID();
}

Datum
djust_auth_unlock_user(PG_FUNCTION_ARGS)
{
	account_unlock(begin_user(fcinfo, "djust_auth.unlock_user()"));
	PG_RETURN_VOID();
}

Datum
djust_auth_end_sessions(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(account_end_sessions(begin_user(fcinfo, "djust_auth.end_sessions()")));
}

Datum
djust_auth_open_session(PG_FUNCTION_ARGS)
{
	Answer answer = {VERDICT_OK};

	account_open_session(begin_user(fcinfo, "djust_auth.open_session()"), &answer);
	RETURN_TEXT(answer_tokens(&answer, ANSWER_TO_OAUTH));
}

Datum
djust_auth_check_password(PG_FUNCTION_ARGS)
{
	Datum codes[PWPOLICY_VIOLATIONS];
	Password password;
	unsigned violations;
	unsigned n;
	int count = 0;

	preloaded_require();
	REQUIRED(0, "password");
	password = normalize_password(SLICE(0));
	violations = password_violations(&password);
	for (n = 0; n < PWPOLICY_VIOLATIONS; n++)
		if (violations & (1u << n))
			codes[count++] = CStringGetTextDatum(pwpolicy_code(n));
	PG_RETURN_ARRAYTYPE_P(construct_array(codes, count, TEXTOID, -1, false, TYPALIGN_INT));
}

Datum
djust_auth_create_profile(PG_FUNCTION_ARGS)
{
	begin_write("djust_auth.create_profile()");
	REQUIRED(0, "name");
	store_profile_insert(TEXT(0), TEXT_OR_NULL(1));
	PG_RETURN_VOID();
}

Datum
djust_auth_drop_profile(PG_FUNCTION_ARGS)
{
	begin_write("djust_auth.drop_profile()");
	REQUIRED(0, "name");
	policy_drop_profile(TEXT(0));
	PG_RETURN_VOID();
}

Datum
djust_auth_add_profile(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = begin_user(fcinfo, "djust_auth.add_profile()");

	REQUIRED(1, "profile");
	policy_add_profile(id, TEXT(1));
	PG_RETURN_VOID();
}

Datum
djust_auth_remove_profile(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = begin_user(fcinfo, "djust_auth.remove_profile()");

	REQUIRED(1, "profile");
	policy_remove_profile(id, TEXT(1));
	PG_RETURN_VOID();
}

static char *
access_label(Oid value)
{
	return DatumGetCString(DirectFunctionCall1(enum_out, ObjectIdGetDatum(value)));
}

Datum
djust_auth_set_right(PG_FUNCTION_ARGS)
{
	begin_write("djust_auth.set_right()");
	REQUIRED(0, "profile");
	REQUIRED(1, "route");
	REQUIRED(2, "access");
	policy_set_right(TEXT(0), TEXT(1), access_label(PG_GETARG_OID(2)));
	PG_RETURN_VOID();
}

Datum
djust_auth_explain(PG_FUNCTION_ARGS)
{
	preloaded_require();
	REQUIRED(1, "route");
	REQUIRED(2, "access");
	RETURN_TEXT(policy_explain(PG_ARGISNULL(0) ? NULL : PG_GETARG_UUID_P(0), TEXT(1), TEXT(2)));
}

Datum
djust_auth_profile_access(PG_FUNCTION_ARGS)
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

Datum
djust_auth_claim_mail(PG_FUNCTION_ARGS)
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

Datum
djust_auth_mail_sent(PG_FUNCTION_ARGS)
{
	begin_write("djust_auth.mail_sent()");
	REQUIRED(0, "id");
	mail_queue_mark_sent(PG_GETARG_INT64(0));
	PG_RETURN_VOID();
}

Datum
djust_auth_mail_failed(PG_FUNCTION_ARGS)
{
	begin_write("djust_auth.mail_failed()");
	REQUIRED(0, "id");
	REQUIRED(1, "reason");
	mail_queue_mark_failed(PG_GETARG_INT64(0), TEXT(1));
	PG_RETURN_VOID();
}

Datum
djust_auth_mail_rejected(PG_FUNCTION_ARGS)
{
	begin_write("djust_auth.mail_rejected()");
	REQUIRED(0, "id");
	REQUIRED(1, "reason");
	mail_queue_mark_rejected(PG_GETARG_INT64(0), TEXT(1));
	PG_RETURN_VOID();
}

Datum
djust_auth_mail_due(PG_FUNCTION_ARGS)
{
	TimestampTz due;

	preloaded_require();
	if (!mail_due(&due))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(due);
}

Datum
djust_auth_purge(PG_FUNCTION_ARGS)
{
	begin_write("djust_auth.purge()");
	RETURN_TEXT(purge_all());
}

Datum
djust_auth_grant_api(PG_FUNCTION_ARGS)
{
	begin_write("djust_auth.grant_api()");
	REQUIRED(0, "role");
	grants_give(PG_GETARG_OID(0), PG_ARGISNULL(1) ? "backend" : TEXT(1));
	PG_RETURN_VOID();
}

Datum
djust_auth_postgrest_config(PG_FUNCTION_ARGS)
{
	preloaded_require();
	postgrest_configure(signing_key_jwks(true),
						setting_audience,
						psprintf("%s.djust_pre_request", get_namespace_name(catalog_api_schema())));
	PG_RETURN_VOID();
}

Datum
djust_auth_stats(PG_FUNCTION_ARGS)
{
	preloaded_require();
	RETURN_TEXT(stats_json());
}

/* These functions run under the worker's role, with EXECUTE granted to it, but work only in the worker. */
static void
begin_work(const char *command)
{
	begin_write(command);
	if (!event_queue_working())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s is for the background worker alone", command)));
}

Datum
djust_auth_worker_start(PG_FUNCTION_ARGS)
{
	begin_work("djust_auth.worker_start()");
	mail_queue_take_back();
	PG_RETURN_VOID();
}

Datum
djust_auth_worker_write(PG_FUNCTION_ARGS)
{
	begin_work("djust_auth.worker_write()");
	PG_RETURN_INT32(queue_write_batch());
}

Datum
djust_auth_worker_purge(PG_FUNCTION_ARGS)
{
	begin_work("djust_auth.worker_purge()");
	PG_RETURN_BOOL(purge_step());
}
