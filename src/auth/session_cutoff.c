/*
 * session_cutoff.c
 *		Owns the moment before which all sessions have ended, whatever their
 *		rows say.
 *
 * Threat: a leak after which every session must end at once, among millions of
 * them.  So their end is one row of session_cutoff; a purge deletes theirs
 * later.  Every check of a session compares its created_at with that row, which
 * is read once per catalog_epoch: a trigger on the table raises the epoch in
 * every backend at commit, on standbys at replay, and in an older REPEATABLE
 * READ transaction, too.
 *
 * created_at has whole seconds, rounded down.  So a session that was opened in
 * the second of the moment, while the call was not yet committed, is dead as
 * well; one that is opened later is not (session_open).
 */
#include "postgres.h"

#include "utils/inval.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "auth/session_cutoff.h"
#include "server/json.h"
#include "tables/store.h"

static uint64 known_epoch = 0; /* 0: the row was not read */
static TimestampTz known_cutoff;

/* Repeats if the row changes meanwhile. */
static void
read_cutoff(void)
{
	TimestampTz created_before;
	uint64 epoch;
	bool purged;

	while ((epoch = catalog_epoch()) != known_epoch)
	{
		known_cutoff = catalog_session_cutoff(&created_before, &purged) ? created_before - 1 : DT_NOBEGIN;
		known_epoch = epoch;
	}
}

TimestampTz
session_cutoff(void)
{
	AcceptInvalidationMessages();
	if (catalog_epoch() != known_epoch)
		read_cutoff();
	return known_cutoff;
}

void
session_cutoff_raise(TimestampTz before)
{
	StringInfoData detail;

	if (TIMESTAMP_NOT_FINITE(before) || before > GetCurrentTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"before\" must be a time in the past"),
				 errhint("Leave it out to end all sessions that were opened until now.")));
	store_session_cutoff_raise(before);
	initStringInfo(&detail);
	appendStringInfoChar(&detail, '{');
	json_string(&detail, "change", "all sessions ended");
	json_time(&detail, "before", before);
	appendStringInfoChar(&detail, '}');
	audit_event("administration", NULL, NULL, detail.data);
}
