/*
 * purge.c
 *		Owns deleting expired rows.
 *
 * A purge goes through the expired rows of each table once, in batches.  The
 * worker commits after each batch, so locks are held briefly; the function
 * purge() is one transaction.  Locked rows are skipped.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "audit/audit_seal.h"
#include "server/json.h"
#include "server/settings.h"
#include "shmem/counters.h"
#include "tables/catalog.h"
#include "tables/store.h"
#include "worker/purge.h"

#define BATCH_ROWS 1000
#define LOCK_LIFE_S SECS_PER_DAY
#define DEVICE_LIFE_S (365 * SECS_PER_DAY)

typedef struct Purge
{
	bool under_way;
	PurgeTable table;
	PurgeCursor cursor; /* in that table */
	TimestampTz cutoff; /* when the sessions before it began to be purged */
	uint64 rows[PURGE_TABLES];
} Purge;

static const char *const purged[] = {
	[PURGE_CUTOFF] = "session",
	[PURGE_SESSION] = "session",
	[PURGE_RESET_TOKEN] = "reset_token",
	[PURGE_MAIL_QUEUE] = "mail_queue",
	[PURGE_PENDING_EMAIL] = "pending_email",
	[PURGE_EMAIL_LINK] = "email_link",
	[PURGE_KNOWN_DEVICE] = "known_device",
	[PURGE_SIGNING_KEY] = "signing_key",
	[PURGE_THROTTLE_LOCK] = "throttle_lock",
	[PURGE_AUDIT_EVENT] = "audit_event",
};

StaticAssertDecl(lengthof(purged) == PURGE_TABLES, "every table has a name");

/* The worker's purge. */
static Purge running;

/* A DELETE on signing_key makes every backend reload the keys, so it runs only if a key has expired. */
static bool
has_expired_key(TimestampTz now)
{
	ListCell *cell;

	foreach(cell, catalog_keys())
	{
		const KeyRow *key = lfirst(cell);

		if (!key->active && key->verify_until < now)
			return true;
	}
	return false;
}

/* Rows that expired before this time are deleted. */
static TimestampTz
horizon(PurgeTable table, TimestampTz now)
{
	if (table == PURGE_AUDIT_EVENT)
		return audit_seal_retire(now - setting_audit_retention * USECS_PER_SEC);
	if (table == PURGE_KNOWN_DEVICE)
		return now - DEVICE_LIFE_S * USECS_PER_SEC;
	return table == PURGE_THROTTLE_LOCK ? now - LOCK_LIFE_S * USECS_PER_SEC : now;
}

static bool
is_of_1_1(PurgeTable table)
{
	return table == PURGE_PENDING_EMAIL || table == PURGE_EMAIL_LINK || table == PURGE_KNOWN_DEVICE;
}

static void
purge_count(Purge *purge, uint64 rows)
{
	purge->rows[purge->table == PURGE_CUTOFF ? PURGE_SESSION : purge->table] += rows;
	counter_add(COUNT_PURGED, rows);
}

/* Reads all sessions once, in batches; false, without reading any, if that is done. */
static bool
purge_cutoff(Purge *purge)
{
	TimestampTz cutoff;
	bool purged;

	if (!catalog_session_cutoff(&cutoff, &purged) || purged)
		return false;
	if (!purge->cursor.begun)
		purge->cutoff = cutoff;
	purge_count(purge, store_purge(PURGE_CUTOFF, DT_NOEND, BATCH_ROWS, &purge->cursor));
	if (!purge->cursor.more)
		store_session_cutoff_purged(purge->cutoff);
	return purge->cursor.more;
}

/* Purges a batch of the current table; true if it has more. */
static bool
purge_table(Purge *purge, TimestampTz now)
{
	if (purge->table == PURGE_CUTOFF)
		return purge_cutoff(purge);
	if (purge->table == PURGE_SIGNING_KEY && (setting_follower || !has_expired_key(now)))
		return false;
	if (is_of_1_1(purge->table) && !catalog_has(TABLE_EMAIL_LINK))
		return false;
	purge_count(purge, store_purge(purge->table, horizon(purge->table, now), BATCH_ROWS, &purge->cursor));
	return purge->cursor.more;
}

/* False at the end of the last table. */
static bool
purge_some(Purge *purge)
{
	if (!purge->under_way)
	{
		*purge = (Purge){.under_way = true, .table = PURGE_CUTOFF};
		purge_count(purge, store_purge_ended());
	}
	if (!purge_table(purge, GetCurrentTimestamp()))
	{
		memset(&purge->cursor, 0, sizeof(purge->cursor));
		purge->under_way = ++purge->table < PURGE_TABLES;
	}
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
	Purge purge = {false};
	StringInfoData out;
	int i;

	while (purge_some(&purge))
		CHECK_FOR_INTERRUPTS();
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (i = PURGE_SESSION; i < PURGE_TABLES; i++)
		json_number(&out, purged[i], (int64) purge.rows[i]);
	appendStringInfoChar(&out, '}');
	return out.data;
}
