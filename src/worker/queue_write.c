/*
 * queue_write.c
 *		Owns writing what waits in the event queue: audit events, which outlive
 *		the transactions they tell of, and locks of the throttle, which outlive a
 *		restart.
 *
 * A batch leaves the queue once its transaction has committed, so a crash or an
 * error in between loses nothing.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "audit/audit.h"
#include "shmem/counters.h"
#include "shmem/event_queue.h"
#include "tables/store.h"
#include "worker/queue_write.h"

static QueueEntry *batch = NULL;
static int	batch_size = 0;		/* 0: the last batch was written */

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
		case EVENT_QUEUE_LOCK:
			store_lock_save(lock->tag.bytes, sizeof(lock->tag.bytes), lock->failures, lock->allowed_at, entry->at,
							&lock->user_id);
			break;
		case EVENT_QUEUE_UNLOCK:
			store_lock_delete(lock->tag.bytes, sizeof(lock->tag.bytes));
			break;
	}
}

/* Said of this entry, by a constraint or a trigger; other errors pass, or are an administrator's to mend. */
static bool
is_refusal(int sqlstate)
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

/* Told and counted; what is no refusal is raised again, so that the batch is tried once more. */
static void
give_up(const QueueEntry *entry, ErrorData *error)
{
	if (!is_refusal(error->sqlerrcode))
		ReThrowError(error);
	if (entry->kind == EVENT_QUEUE_EVENT)
		counter_add(COUNT_AUDIT_LOST, 1);
	ereport(LOG,
			(errcode(error->sqlerrcode),
			 errmsg("djust_auth could not write %s", entry->kind == EVENT_QUEUE_EVENT ? "an audit event" : "a lock"),
			 errdetail("%s", error->message)));
	FreeErrorData(error);
}

/* In a transaction of its own within the batch. */
static void
write_alone(const QueueEntry *entry)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

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
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		give_up(entry, error);
	}
	PG_END_TRY();
}

/*
 * All at once; after a failure one by one, so that an entry that a constraint or a trigger of the administrator's
 * refuses is lost alone, and does not keep locks and other events from being written.
 */
int
queue_write_batch(void)
{
	bool		one_by_one = batch_size > 0;
	int			i;

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
