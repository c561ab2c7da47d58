/*
 * catalog_user.c
 *		Owns reading users and their profiles, reset tokens and locks.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "tables/catalog_scan.h"

#define PASSED_OVER_MAX 100 /* users without a password in a row */

static void
read_user(const Scan *scan, UserRow *row)
{
	text *hash;

	memset(row, 0, sizeof(*row));
	row->id = *DatumGetUUIDP(scan->values[Anum_customer_user_id - 1]);
	row->email = TextDatumGetCString(scan->values[Anum_customer_user_email - 1]);
	row->locale = scan_text_or_null(scan, Anum_customer_user_locale);
	row->disabled = !scan->nulls[Anum_customer_user_disabled_at - 1];
	if (scan->nulls[Anum_customer_user_password_hash - 1])
		return;
	hash = DatumGetTextPP(scan->values[Anum_customer_user_password_hash - 1]);
	if (VARSIZE_ANY_EXHDR(hash) > PWHASH_MAX)
		return;
	row->has_hash = true;
	memcpy(row->hash, VARDATA_ANY(hash), VARSIZE_ANY_EXHDR(hash));
}

/*
 * Any role sees what a function reads: in the statistics of tables and indexes, and by EXPLAIN (ANALYZE, BUFFERS).
 * This counts and reads as if a row had been found.  A row's page may be on disk, so `choice` says which one is read.
 */
static void
read_as_if_found(Scan *scan, const pg_uuid_t *choice)
{
	Relation index = scan->scan->irel;
	BlockNumber pages = RelationGetNumberOfBlocks(scan->relation);
	uint32 page;

	memcpy(&page, choice->data, sizeof(page));
	pgstat_count_index_tuples(index, 1);
	pgstat_count_heap_fetch(index);
	if (pages > 0)
		ReleaseBuffer(ReadBuffer(scan->relation, page % pages));
}

/* choice: see read_as_if_found(); NULL if it may be seen that there is no such user. */
static bool
one_user(CatalogIndex index, ScanKey key, const pg_uuid_t *choice, UserRow *row)
{
	Scan scan;
	bool found;

	scan_begin(&scan, TABLE_CUSTOMER_USER, index, key);
	found = scan_next(&scan);
	if (found)
		read_user(&scan, row);
	else if (choice)
		read_as_if_found(&scan, choice);
	scan_end(&scan);
	return found;
}

bool
catalog_user_by_email(const char *email, const pg_uuid_t *choice, UserRow *row)
{
	ScanKeyData key;

	scan_text_key(&key, Anum_customer_user_email, email);
	return one_user(INDEX_CUSTOMER_USER_EMAIL, &key, choice, row);
}

bool
catalog_user_by_id(const pg_uuid_t *id, UserRow *row)
{
	ScanKeyData key;

	scan_uuid_key(&key, Anum_customer_user_id, id);
	return one_user(INDEX_CUSTOMER_USER_ID, &key, NULL, row);
}

/*
 * A dirty snapshot sees uncommitted rows, and then holds the transaction that deletes or updates the row.  A running
 * UPDATE leaves a new version without xmax, a running DELETE leaves none.  Row locks do not matter.
 */
bool
catalog_user_stays(const pg_uuid_t *id)
{
	bool found = false;
	bool stays = false;
	SnapshotData dirty;
	ScanKeyData key;
	Scan scan;

	scan_uuid_key(&key, Anum_customer_user_id, id);
	InitDirtySnapshot(dirty);
	scan_open(&scan, TABLE_CUSTOMER_USER, AccessShareLock);
	scan_start(&scan, INDEX_CUSTOMER_USER_ID, &key, &dirty);
	while (!stays && HeapTupleIsValid(systable_getnext(scan.scan)))
	{
		found = true;
		stays = !TransactionIdIsValid(dirty.xmax);
	}
	if (!found)
		read_as_if_found(&scan, id);
	scan_end(&scan);
	return stays;
}

static bool
first_with_hash(const pg_uuid_t *id, UserRow *row)
{
	ScanKeyData key;
	Scan scan;
	int read = 0;

	row->has_hash = false;
	ScanKeyInit(&key, Anum_customer_user_id, BTGreaterEqualStrategyNumber, F_UUID_GE, UUIDPGetDatum(id));
	scan_begin(&scan, TABLE_CUSTOMER_USER, INDEX_CUSTOMER_USER_ID, &key);
	while (!row->has_hash && read++ < PASSED_OVER_MAX && scan_next(&scan))
		read_user(&scan, row);
	scan_end(&scan);
	return row->has_hash;
}

/* Always scans from the lowest user, too, so that the number of scans does not depend on the address. */
bool
catalog_user_from(const pg_uuid_t *id, UserRow *row)
{
	static const pg_uuid_t lowest = {{0}};
	static UserRow next;
	bool wrapped = first_with_hash(&lowest, row);

	if (!first_with_hash(id, &next))
		return wrapped;
	*row = next;
	return true;
}

/* Keeps the table locked: a concurrent TRUNCATE must wait until the session that copies these profiles is visible. */
ArrayType *
catalog_profiles_of(const pg_uuid_t *user_id)
{
	ArrayBuildState *state = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	ScanKeyData key;
	Scan scan;

	scan_uuid_key(&key, Anum_user_profile_user_id, user_id);
	scan_begin(&scan, TABLE_USER_PROFILE, INDEX_USER_PROFILE, &key);
	while (scan_next(&scan))
		state =
			accumArrayResult(state, scan.values[Anum_user_profile_profile - 1], false, TEXTOID, CurrentMemoryContext);
	systable_endscan(scan.scan);
	table_close(scan.relation, NoLock);
	return DatumGetArrayTypeP(makeArrayResult(state, CurrentMemoryContext));
}

bool
catalog_reset_token(const uint8_t hash[SHA256_SIZE], pg_uuid_t *user_id, TimestampTz *expires_at)
{
	ScanKeyData key;
	Scan scan;

	scan_bytes_key(&key, Anum_reset_token_token_hash, hash, SHA256_SIZE);
	if (!scan_row(&scan, TABLE_RESET_TOKEN, INDEX_RESET_TOKEN, &key))
		return false;
	*user_id = *DatumGetUUIDP(scan.values[Anum_reset_token_user_id - 1]);
	*expires_at = DatumGetTimestampTz(scan.values[Anum_reset_token_expires_at - 1]);
	return true;
}

bool
catalog_lock(const AccountTag *tag, int *failures, TimestampTz *allowed_at, TimestampTz *saved_at)
{
	ScanKeyData key;
	Scan scan;

	scan_bytes_key(&key, Anum_throttle_lock_tag, tag->bytes, sizeof(tag->bytes));
	if (!scan_row(&scan, TABLE_THROTTLE_LOCK, INDEX_THROTTLE_LOCK, &key))
		return false;
	*failures = DatumGetInt32(scan.values[Anum_throttle_lock_failures - 1]);
	*allowed_at = DatumGetTimestampTz(scan.values[Anum_throttle_lock_allowed_at - 1]);
	*saved_at = DatumGetTimestampTz(scan.values[Anum_throttle_lock_saved_at - 1]);
	return true;
}
