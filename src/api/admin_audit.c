/*
 * admin_audit.c
 *		The SQL functions for audit seals.
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "api/args.h"
#include "audit/audit_seal.h"
#include "audit/audit_verify.h"
#include "shmem/event_queue.h"

PG_FUNCTION_INFO_V1(djust_auth_audit_verify);
PG_FUNCTION_INFO_V1(djust_auth_worker_seal);

static void
put_finding(void *arg, TimestampTz at, const pg_uuid_t *id, const char *finding)
{
	ReturnSetInfo *result = arg;
	Datum values[3] = {TimestampTzGetDatum(at), id ? UUIDPGetDatum(id) : (Datum) 0, CStringGetTextDatum(finding)};
	bool nulls[3] = {false, id == NULL, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	pfree(DatumGetPointer(values[2]));
}

Datum
djust_auth_audit_verify(PG_FUNCTION_ARGS)
{
	preloaded_require();
	InitMaterializedSRF(fcinfo, 0);
	audit_verify(put_finding, fcinfo->resultinfo);
	return (Datum) 0;
}

Datum
djust_auth_worker_seal(PG_FUNCTION_ARGS)
{
	begin_write("djust_auth.worker_seal()");
	if (!event_queue_working())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("djust_auth.worker_seal() is for the background worker alone")));
	PG_RETURN_TIMESTAMPTZ(audit_seal_some());
}
