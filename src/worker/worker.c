/*
 * worker.c
 *		Owns the background worker of a database: it writes the event queue,
 *		sends mails, purges, seals, and sleeps until the next job is due.
 *
 * Threat: a worker that can be stopped from outside.  Each job is a short
 * transaction of its own whose error is logged and which is retried later; lock
 * waits end soon; a slow mail server does not delay writing (mail_send.c); and
 * the worker leaves for commands that need the database alone (utility_hook.c).
 *
 * It works under a role that may call only the functions granted to it.  It
 * never exits with status 0: the postmaster would not restart it.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/audit_seal.h"
#include "audit/throttle_event.h"
#include "auth/replica.h"
#include "server/compat.h"
#include "server/settings.h"
#include "shmem/event_queue.h"
#include "tables/catalog.h"
#include "tables/store_worker.h"
#include "worker/mail_send.h"
#include "worker/purge.h"
#include "worker/queue_write.h"
#include "worker/worker.h"
#include "worker/worker_task.h"

#define RESTART_S 10
#define LONGEST_PAUSE_S 60

/* A job runs when due is reached. */
typedef struct Job
{
	WorkerResult (*run)(TimestampTz *due);
	TimestampTz due; /* 0: at once */
	int failures; /* in a row */
} Job;

static int database_number; /* index of the database in djust_auth.databases */

PGDLLEXPORT void djust_auth_worker_main(Datum arg);

/* Once, from the postmaster. */
static void
log_databases(void)
{
	if (event_queue_databases() > 0)
		ereport(LOG, (errmsg("background worker of djust_auth serves: %s", setting_databases)));
	else
		ereport(LOG,
				(errmsg("background worker of djust_auth serves no database"),
				 errhint("Name databases in djust_auth.databases and restart the server.")));
}

void
worker_register(void)
{
	BackgroundWorker worker = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = RESTART_S,
		.bgw_library_name = "djust_auth",
		.bgw_function_name = "djust_auth_worker_main",
	};
	int i;

	/* pg_upgrade requires that nothing writes to the databases */
	if (IsBinaryUpgrade)
		return;
	log_databases();
	for (i = 0; i < event_queue_databases(); i++)
	{
		snprintf(worker.bgw_name, BGW_MAXLEN, "djust_auth worker %s", event_queue_database(i));
		snprintf(worker.bgw_type, BGW_MAXLEN, "djust_auth worker %s", event_queue_database(i));
		worker.bgw_main_arg = Int32GetDatum(i);
		RegisterBackgroundWorker(&worker);
	}
}

static void
take_back_task(void *arg)
{
	store_worker_start();
}

/* Runs once, when the extension exists. */
static WorkerResult
take_back_mails(TimestampTz *due)
{
	*due = DT_NOEND;
	return worker_task_run(take_back_task, NULL, "taking back mails");
}

static void
write_task(void *arg)
{
	store_worker_write();
}

/* Drains the queue; entries added during a commit form the next batch. */
static WorkerResult
write_waiting(TimestampTz *due)
{
	WorkerResult result = WORKER_DONE;

	*due = 0;
	while (result == WORKER_DONE && event_queue_waiting() > 0)
	{
		result = worker_task_run(write_task, NULL, "writing events and locks");
		if (result == WORKER_DONE)
			queue_write_done();
	}
	if (result == WORKER_DONE)
		event_queue_all_written();
	return result;
}

static void
purge_task(void *more)
{
	*(bool *) more = store_worker_purge();
}

static WorkerResult
purge(TimestampTz *due)
{
	bool more = false;
	WorkerResult result = worker_task_run(purge_task, &more, "purging");

	*due = more ? 0 : TimestampTzPlusMilliseconds(GetCurrentTimestamp(), setting_purge_interval * INT64CONST(1000));
	if (result != WORKER_DONE)
		purge_stop();
	return result;
}

/* Queues events of refused attempts whose minute is over. */
static WorkerResult
flush_throttled(TimestampTz *due)
{
	*due = Min(throttle_event_flush(false), GetCurrentTimestamp() + THROTTLE_EVENT_S * USECS_PER_SEC);
	return WORKER_DONE;
}

static void
seal_task(void *due)
{
	*(TimestampTz *) due = store_worker_seal();
}

static WorkerResult
seal_audit(TimestampTz *due)
{
	WorkerResult result = worker_task_run(seal_task, due, "sealing the audit");

	if (result == WORKER_DONE)
		audit_seal_committed();
	return result;
}

static void
heartbeat_task(void *arg)
{
	/* the schema of 1.0 has no such function */
	if (catalog_has(TABLE_HEARTBEAT))
		store_worker_heartbeat();
	else
		replica_heartbeat();
}

static WorkerResult
send_heartbeat(TimestampTz *due)
{
	*due = DT_NOEND;
	if (replica_pause_ms() == 0)
		return WORKER_DONE;
	*due = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), replica_pause_ms());
	return worker_task_run(heartbeat_task, NULL, "sending a heartbeat");
}

static bool serve_while_sending(void *arg);

static WorkerResult
mail_job(TimestampTz *due)
{
	return mail_send_run(serve_while_sending, due);
}

/* In the order in which due jobs run. */
enum
{
	JOB_HEARTBEAT,
	JOB_TAKE_BACK,
	JOB_FLUSH,
	JOB_WRITE,
	JOB_MAIL,
	JOB_PURGE,
	JOB_SEAL,
	JOBS
};

static Job jobs[JOBS] = {
	[JOB_HEARTBEAT] = {send_heartbeat},
	[JOB_TAKE_BACK] = {take_back_mails},
	[JOB_FLUSH] = {flush_throttled},
	[JOB_WRITE] = {write_waiting},
	[JOB_MAIL] = {mail_job},
	[JOB_PURGE] = {purge},
	[JOB_SEAL] = {seal_audit},
};
static Job *const writing = &jobs[JOB_WRITE];

/* Runs a job if it is due.  Each failure in a row delays it longer. */
static void
worker_run_job(Job *job)
{
	TimestampTz now = GetCurrentTimestamp();
	WorkerResult result;

	if (now < job->due)
		return;
	result = job->run(&job->due);
	job->failures = result == WORKER_FAILED ? Min(job->failures + 1, 6) : 0;
	if (result != WORKER_DONE)
		job->due = TimestampTzPlusMilliseconds(
			GetCurrentTimestamp(),
			(result == WORKER_ABSENT ? LONGEST_PAUSE_S : Min(1 << job->failures, LONGEST_PAUSE_S)) * INT64CONST(1000));
}

/* After the clock was set back a job would wait for its time to come once more. */
static void
notice_clock(void)
{
	static TimestampTz last = 0;
	TimestampTz now = GetCurrentTimestamp();
	int i;

	for (i = 0; i < JOBS; i++)
		if (now < last && jobs[i].due != DT_NOEND)
			jobs[i].due = 0;
	last = now;
}

/* Makes jobs due after mail was queued, the extension created, a role granted or the configuration reloaded. */
static void
retry_jobs(bool configured)
{
	int i;

	for (i = 0; i < JOBS; i++)
		if ((i != JOB_PURGE && (configured || i != JOB_SEAL)) || jobs[i].failures > 0)
			jobs[i].due = 0;
}

/* False if the worker must end. */
static bool
serve_signals(void)
{
	if (ShutdownRequestPending || event_queue_must_leave(database_number))
		return false;
	/* outside of a transaction there is nothing to cancel */
	QueryCancelPending = false;
	CHECK_FOR_INTERRUPTS();
	return true;
}

/* Urgent work while a mail is being sent; false if the worker must end. */
static bool
serve_while_sending(void *arg)
{
	if (!serve_signals())
		return false;
	notice_clock();
	worker_run_job(&jobs[JOB_HEARTBEAT]);
	worker_run_job(writing);
	return true;
}

static void
worker_set(const char *name, const char *value)
{
	SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

/* Short lock waits, no synchronous standby, but always the disk: a client waits until its lock is on disk. */
static void
worker_prepare(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	if (event_queue_must_leave(database_number))
		proc_exit(1);
	BackgroundWorkerInitializeConnection(
		event_queue_database(database_number), *setting_worker_role == '\0' ? NULL : setting_worker_role, 0);
	worker_set("default_transaction_isolation", "read committed");
	worker_set("default_transaction_read_only", "off");
	worker_set("lock_timeout", "2s");
	worker_set("synchronous_commit", "local");
	event_queue_begin_work(database_number);
}

static void
sleep_until_due(void)
{
	TimestampTz next = DT_NOEND;
	long left = -1;
	int i;

	for (i = 0; i < JOBS; i++)
		if (&jobs[i] != writing || jobs[i].due != 0)
			next = Min(next, jobs[i].due);
	if (next != DT_NOEND)
		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next);
	if (left == 0)
		return;
	WaitLatch(MyLatch,
			  WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (left > 0 ? WL_TIMEOUT : 0),
			  left,
			  CompatWaitEvent("DjustAuthWorkerMain"));
	ResetLatch(MyLatch);
}

void
djust_auth_worker_main(Datum arg)
{
	MemoryContext context;
	int i;

	database_number = DatumGetInt32(arg);
	worker_prepare();
	context = AllocSetContextCreate(TopMemoryContext, "djust_auth worker", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	while (serve_signals())
	{
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			retry_jobs(true);
		}
		if (event_queue_take_retry())
			retry_jobs(false);
		notice_clock();
		for (i = 0; i < JOBS; i++)
			worker_run_job(&jobs[i]);
		MemoryContextReset(context);
		sleep_until_due();
	}
	/* Writes what was queued before the shutdown. */
	if (ShutdownRequestPending)
	{
		throttle_event_flush(true);
		worker_run_job(writing);
	}
	proc_exit(1);
}
