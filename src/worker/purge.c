/*
 * purge.c
 *		Owns what keeps the tables complete and small: writing what waits in
 *		the ring, and purging.
 *
 * A purge goes through the expired rows of each table once, some at a time.
 * The worker commits after each such batch, so locks are held for moments; the
 * function purge() is one transaction.  Rows that others hold are skipped.
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "catalog/pg_type.h"

#include "audit/audit.h"
#include "audit/audit_seal.h"
#include "server/settings.h"
#include "shmem/event_queue.h"
#include "shmem/shmem.h"
#include "tables/catalog.h"
#include "tables/store.h"
#include "worker/purge.h"

#define BATCH_ROWS 1000
#define LOCK_LIFE_S SECS_PER_DAY

/* Where a purge is. */
typedef struct Purge
{
	bool		under_way;
	PurgeProgress progress;
	PurgeCursor cursor;			/* in the table it is at */
	uint64		rows[PURGE_TABLES];
} Purge;

static const char *const purged[] = {
	[PURGE_SESSION] = "session",
	[PURGE_RESET_TOKEN] = "reset_token",
	[PURGE_MAIL_QUEUE] = "mail_queue",
	[PURGE_SIGNING_KEY] = "signing_key",
	[PURGE_THROTTLE_LOCK] = "throttle_lock",
	[PURGE_AUDIT_EVENT] = "audit_event",
};

StaticAssertDecl(lengthof(purged) == PURGE_TABLES, "every table has a name");

/* The worker's. */
static Purge running;
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
		shared_count(COUNT_AUDIT_LOST, 1);
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
purge_write_queue(void)
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
upkeep_written(void)
{
	event_queue_drop(batch_size);
	batch_size = 0;
}

/* A statement on the keys tells every backend to read them again, so it is made only when one has expired. */
static bool
has_expired_key(TimestampTz now)
{
	ListCell   *cell;

	foreach(cell, catalog_keys())
	{
		const KeyRow *key = lfirst(cell);

		if (!key->active && key->verify_until < now)
			return true;
	}
	return false;
}

/* What ended before this time goes. */
static TimestampTz
horizon(PurgeTable table, TimestampTz now)
{
	if (table == PURGE_AUDIT_EVENT)
		return audit_seal_retire(now - setting_audit_retention * USECS_PER_SEC);
	return table == PURGE_THROTTLE_LOCK ? now - LOCK_LIFE_S * USECS_PER_SEC : now;
}

/* One batch of the present table: is there more in it? */
static bool
purge_table(Purge *purge, PurgeTable table, TimestampTz now)
{
	uint64		rows;

	if (table == PURGE_SIGNING_KEY && !has_expired_key(now))
		return false;
	rows = store_purge(table, horizon(table, now), BATCH_ROWS, &purge->cursor);
	purge->rows[table] += rows;
	purge->progress.removed += rows;
	shared_count(COUNT_PURGED, rows);
	return purge->cursor.more;
}

/* False at the end of the last table. */
static bool
purge_some(Purge *purge)
{
	TimestampTz now = GetCurrentTimestamp();
	PurgeProgress *progress = &purge->progress;

	if (!purge->under_way)
	{
		memset(purge, 0, sizeof(*purge));
		purge->under_way = true;
		progress->started_at = now;
		purge->rows[PURGE_SESSION] = store_purge_ended();
		progress->removed = purge->rows[PURGE_SESSION];
		shared_count(COUNT_PURGED, progress->removed);
	}
	if (!purge_table(purge, progress->table, now))
	{
		memset(&purge->cursor, 0, sizeof(purge->cursor));
		purge->under_way = progress->table < PURGE_TABLES - 1;
		if (purge->under_way)
			progress->table++;
		else
			progress->finished_at = GetCurrentTimestamp();
	}
	event_queue_progress_set(progress);
	return purge->under_way;
}

bool
upkeep_purge_some(void)
{
	return purge_some(&running);
}

void
upkeep_purge_stop(void)
{
	running.under_way = false;
}

char *
upkeep_purge(void)
{
	Purge		purge = {false};
	StringInfoData out;
	int			i;

	while (purge_some(&purge))
		CHECK_FOR_INTERRUPTS();
	initStringInfo(&out);
	for (i = 0; i < PURGE_TABLES; i++)
		appendStringInfo(&out, "%c\"%s\":" UINT64_FORMAT, i > 0 ? ',' : '{', purged[i], purge.rows[i]);
	appendStringInfoChar(&out, '}');
	return out.data;
}

static void
append_time(StringInfo out, const char *name, TimestampTz time)
{
	char		buffer[MAXDATELEN + 1];

	if (time == 0)
		appendStringInfo(out, ",\"%s\":null", name);
	else
		appendStringInfo(out, ",\"%s\":\"%s\"", name, JsonEncodeDateTime(buffer, TimestampTzGetDatum(time), TIMESTAMPTZOID, NULL));
}

static void
append_progress(StringInfo out)
{
	PurgeProgress progress;

	event_queue_progress_get(&progress);
	if (progress.started_at == 0)
	{
		appendStringInfoString(out, "null");
		return;
	}
	appendStringInfo(out, "{\"table\":\"%s\",\"removed\":" UINT64_FORMAT, purged[progress.table], progress.removed);
	append_time(out, "started_at", progress.started_at);
	append_time(out, "finished_at", progress.finished_at);
	appendStringInfoChar(out, '}');
}

char *
upkeep_stats(void)
{
	StringInfoData out;
	int			i;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (i = 0; i < COUNTERS; i++)
		appendStringInfo(&out, "\"%s\":" UINT64_FORMAT ",", shared_counter_name(i), shared_counter(i));
	appendStringInfo(&out, "\"mails_waiting\":" INT64_FORMAT ",\"ring_waiting\":%d,\"purge\":", store_mail_waiting(), event_queue_waiting());
	append_progress(&out);
	appendStringInfoChar(&out, '}');
	return out.data;
}
