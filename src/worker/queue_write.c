/*
 * queue_write.c
 *		Owns writing queued entries: audit events, which survive a rollback,
 *		and locks of the throttle, which survive a restart, with the notice of a
 *		suspension.
 *
 * A batch is removed from the queue after its commit, so a crash or an error
 * loses nothing.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "audit/audit.h"
#include "auth/mail_queue.h"
#include "shmem/counters.h"
#include "shmem/event_queue.h"
#include "tables/store.h"
#include "worker/queue_write.h"

static QueueEntry *batch = NULL;
static int batch_size = 0; /* 0: the last batch was written */

/* The notice's kind exists since 1.1.  Whoever listens hears as much of an address without an account. */
static void
tell_suspended(const pg_uuid_t *user_id)
{
	UserRow user;

	if (!catalog_has(TABLE_PENDING_EMAIL))
		return;
	if (catalog_user_by_id(user_id, &user) && user.has_hash)
		mail_queue_notice("account_suspended", user_id);
	else
		mail_queue_wake();
}

static void
write_entry(const QueueEntry *entry)
{
	const QueuedLock *lock = &entry->u.lock;

	if (entry->database != MyDatabaseId)
		return;
	switch (entry->kind)
	{
		case EVENT_QUEUE_EVENT:
			audit_write(entry);
			break;
		case EVENT_QUEUE_SUSPENSION:
		case EVENT_QUEUE_LOCK:
			store_lock_save(&lock->tag, lock->failures, lock->allowed_at, entry->at, &lock->user_id);
			if (entry->kind == EVENT_QUEUE_SUSPENSION)
				tell_suspended(&lock->user_id);
			break;
		case EVENT_QUEUE_UNLOCK:
			store_lock_delete(&lock->tag);
			break;
	}
}

/* Errors caused by the entry itself (constraint, trigger).  Others are transient or a configuration fault: retry. */
static bool
is_rejected(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
		case ERRCODE_TRIGGERED_ACTION_EXCEPTION:
		case ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION:
		case ERRCODE_WITH_CHECK_OPTION_VIOLATION:
		case ERRCODE_PLPGSQL_ERROR:
			return true;
		default:
			return false;
	}
}

/* Logs and counts a rejected entry; rethrows any other error, so that the batch is retried. */
static void
drop_rejected(const QueueEntry *entry, ErrorData *error)
{
	if (!is_rejected(error->sqlerrcode))
		ReThrowError(error);
	if (entry->kind == EVENT_QUEUE_EVENT)
		counter_add(COUNT_AUDIT_LOST, 1);
	ereport(LOG,
			(errcode(error->sqlerrcode),
			 errmsg("djust_auth could not write %s",
					entry->kind == EVENT_QUEUE_EVENT      ? "an audit event" :
					entry->kind == EVENT_QUEUE_SUSPENSION ? "the notice of a suspension" :
															"a lock"),
			 errdetail("%s", error->message)));
	FreeErrorData(error);
}

/* A suspension counts even if its notice is rejected. */
static void
write_alone(const QueueEntry *entry)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool rejected = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		write_entry(entry);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		drop_rejected(entry, error);
		rejected = true;
	}
	PG_END_TRY();
	if (rejected && entry->kind == EVENT_QUEUE_SUSPENSION)
	{
		QueueEntry lock = *entry;

		lock.kind = EVENT_QUEUE_LOCK;
		write_alone(&lock);
	}
}

/*
 * Writes all entries at once; after a failure one by one, so that an entry that a constraint or an administrator's
 * trigger rejects is lost alone and does not block the others.
 */
int
queue_write_batch(void)
{
	bool one_by_one = batch_size > 0;
	int i;

	if (batch == NULL)
		batch = MemoryContextAlloc(TopMemoryContext, EVENT_QUEUE_BATCH * sizeof(QueueEntry));
	batch_size = event_queue_peek(batch, EVENT_QUEUE_BATCH);
	for (i = 0; i < batch_size; i++)
	{
		if (one_by_one)
			write_alone(&batch[i]);
		else
			write_entry(&batch[i]);
	}
	return batch_size;
}

void
queue_write_done(void)
{
	event_queue_drop(batch_size);
	batch_size = 0;
}
