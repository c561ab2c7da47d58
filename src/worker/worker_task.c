/*
 * worker_task.c
 *		Owns running a task of the worker: in its own transaction, as the
 *		right role, with every error caught.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/snapmgr.h"

#include "server/settings.h"
#include "tables/catalog.h"
#include "worker/worker_task.h"

/* Without worker_role the worker runs as the extension's owner.  False if there is no extension. */
static bool
become_owner(void)
{
	Oid owner = catalog_lock_owner();

	if (OidIsValid(owner) && *setting_worker_role == '\0' && owner != GetSessionUserId())
		SetSessionAuthorization(owner, superuser_arg(owner));
	return OidIsValid(owner);
}

/* Adds a hint to the current error: a re-created extension has lost earlier grants. */
static void
hint_at_grants(void)
{
	if (geterrcode() == ERRCODE_INSUFFICIENT_PRIVILEGE && *setting_worker_role != '\0')
		errhint("In this database, call djust_auth.grant_api('%s', 'worker').", setting_worker_role);
}

WorkerResult
worker_task_run(WorkerTask task, void *arg, const char *activity)
{
	volatile WorkerResult result = WORKER_ABSENT;
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		pgstat_report_activity(STATE_RUNNING, activity);
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		if (become_owner())
		{
			task(arg);
			result = WORKER_DONE;
		}
		PopActiveSnapshot();
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		hint_at_grants();
		EmitErrorReport();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		RESUME_INTERRUPTS();
		result = WORKER_FAILED;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	return result;
}
