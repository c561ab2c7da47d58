/*
 * purge.c
 *		Owns removing what has expired.
 *
 * A purge goes through the expired rows of each table once, some at a time.
 * The worker commits after each such batch, so locks are held for moments; the
 * function purge() is one transaction.  Rows that others hold are skipped.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "catalog/pg_type.h"

#include "audit/audit_seal.h"
#include "server/settings.h"
#include "shmem/counters.h"
#include "shmem/event_queue.h"
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
	counter_add(COUNT_PURGED, rows);
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
		counter_add(COUNT_PURGED, progress->removed);
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
purge_step(void)
{
	return purge_some(&running);
}

void
purge_stop(void)
{
	running.under_way = false;
}

char *
purge_all(void)
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

void
purge_append_progress(StringInfo out)
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
