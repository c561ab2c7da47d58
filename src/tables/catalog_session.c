/*
 * catalog_session.c
 *		Owns reading sessions.
 *
 * A session is first looked up where its row was last read (session_tid.c),
 * then by its index, under the same snapshot.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "server/compat.h"
#include "tables/catalog_scan.h"
#include "tables/datum.h"
#include "tables/session_tid.h"

/*
 * The column has the hash and, behind it, the actor, who has no column: a null there would lengthen every other row by
 * a word of its null bitmap.
 */
static void
read_access(Datum value, SessionRow *row)
{
	bytea *plain = DatumGetByteaPP(value);
	size_t n = VARSIZE_ANY_EXHDR(plain);

	row->actor = n > SHA256_SIZE ? pnstrdup(VARDATA_ANY(plain) + SHA256_SIZE, n - SHA256_SIZE) : NULL;
	/* zeroes match no hash */
	memset(row->access_hash, 0, SHA256_SIZE);
	if (n >= SHA256_SIZE)
		memcpy(row->access_hash, VARDATA_ANY(plain), SHA256_SIZE);
}

static void
read_session(const Scan *scan, SessionRow *row)
{
	const Datum *values = scan->values;

	row->tid = scan->tuple->t_self;
	row->sid = *DatumGetUUIDP(values[Anum_session_sid - 1]);
	row->user_id = *DatumGetUUIDP(values[Anum_session_user_id - 1]);
	row->created_at = DatumGetTimestampTz(values[Anum_session_created_at - 1]);
	row->refreshed_at = DatumGetTimestampTz(values[Anum_session_refreshed_at - 1]);
	row->expires_at = DatumGetTimestampTz(values[Anum_session_expires_at - 1]);
	row->access_expires_at = DatumGetTimestampTz(values[Anum_session_access_expires_at - 1]);
	row->purge_at = DatumGetTimestampTz(values[Anum_session_purge_at - 1]);
	row->generation = DatumGetInt32(values[Anum_session_generation - 1]);
	read_access(values[Anum_session_access_hash - 1], row);
	row->profiles = DatumGetArrayTypePCopy(values[Anum_session_profiles - 1]);
}

/* sid is the first column; an administrator may have allowed NULL. */
static bool
has_sid(HeapTuple tuple, const pg_uuid_t *sid)
{
	HeapTupleHeader header = tuple->t_data;

	return tuple->t_len >= header->t_hoff + UUID_LEN && !(HeapTupleHasNulls(tuple) && att_isnull(0, header->t_bits)) &&
		   memcmp((char *) header + header->t_hoff, sid, UUID_LEN) == 0;
}

/* True if the row at this tid is the session's and visible; tuple then points into the page, which stays pinned. */
static bool
visible_at(Relation relation, const pg_uuid_t *sid, const SessionTid *tid, HeapTuple tuple)
{
	Snapshot snapshot = GetCatalogSnapshot(RelationGetRelid(relation));
	Page page = BufferGetPage(tid->buffer);
	ItemId item;
	bool visible = false;

	LockBuffer(tid->buffer, BUFFER_LOCK_SHARE);
	item = PageGetItemId(page, tid->offnum);
	if (tid->offnum >= FirstOffsetNumber && tid->offnum <= PageGetMaxOffsetNumber(page) && ItemIdIsNormal(item))
	{
		tuple->t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple->t_len = ItemIdGetLength(item);
		tuple->t_tableOid = RelationGetRelid(relation);
		ItemPointerSet(&tuple->t_self, tid->block, tid->offnum);
		visible = HeapTupleSatisfiesVisibility(tuple, snapshot, tid->buffer);
	}
	LockBuffer(tid->buffer, BUFFER_LOCK_UNLOCK);
	return visible && has_sid(tuple, sid);
}

/*
 * Session ids are unique, so a visible row with this id is the one the index would find.  Serializable transactions
 * need the predicate locks of the index scan.
 */
static bool
session_at_tid(Scan *scan, const pg_uuid_t *sid, SessionRow *row)
{
	Relation relation = scan->relation;
	HeapTupleData tuple;
	SessionTid tid;
	bool found;

	if (IsolationIsSerializable() || relation->rd_rel->relam != HEAP_TABLE_AM_OID || !session_tid_find(sid, &tid) ||
		!ReadRecentBuffer(CompatLocator(relation), MAIN_FORKNUM, tid.block, tid.buffer))
		return false;
	heap_page_prune_opt(relation, tid.buffer);
	found = visible_at(relation, sid, &tid, &tuple);
	if (found)
	{
		scan_values(scan, &tuple);
		read_session(scan, row);
	}
	ReleaseBuffer(tid.buffer);
	return found;
}

static bool
session_by_index(Scan *scan, const pg_uuid_t *sid, SessionRow *row)
{
	ScanKeyData key;
	bool found;

	scan_uuid_key(&key, Anum_session_sid, sid);
	scan_start(scan, INDEX_SESSION_SID, &key, NULL);
	found = scan_next(scan);
	if (found)
	{
		read_session(scan, row);
		session_tid_keep(sid, scan->scan->slot, &scan->tuple->t_self);
	}
	systable_endscan(scan->scan);
	return found;
}

bool
catalog_session(const pg_uuid_t *sid, SessionRow *row)
{
	Scan scan;
	bool found;

	scan_open(&scan, TABLE_SESSION, AccessShareLock);
	found = session_at_tid(&scan, sid, row) || session_by_index(&scan, sid, row);
	table_close(scan.relation, AccessShareLock);
	return found;
}

static SessionEntry *
read_entry(const Scan *scan)
{
	SessionEntry *entry = palloc0(sizeof(SessionEntry));
	Datum address = scan->values[Anum_session_client_address - 1];

	read_session(scan, &entry->session);
	entry->user_agent = scan_text_or_null(scan, Anum_session_user_agent);
	if (!scan->nulls[Anum_session_client_address - 1])
		entry->client_address = DatumGetCString(DirectFunctionCall1(inet_out, address));
	return entry;
}

List *
catalog_sessions_of(const pg_uuid_t *user_id)
{
	List *sessions = NIL;
	ScanKeyData key;
	Scan scan;

	scan_uuid_key(&key, Anum_session_user_id, user_id);
	scan_begin(&scan, TABLE_SESSION, INDEX_SESSION_USER, &key);
	while (scan_next(&scan))
		sessions = lappend(sessions, read_entry(&scan));
	scan_end(&scan);
	return sessions;
}
