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
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "server/compat.h"
#include "tables/catalog_scan.h"
#include "tables/session_tid.h"

static void
read_session(HeapTuple tuple, const Datum *values, SessionRow *row)
{
	bytea *hash;

	row->place = tuple->t_self;
	row->sid = *DatumGetUUIDP(values[Anum_session_sid - 1]);
	row->user_id = *DatumGetUUIDP(values[Anum_session_user_id - 1]);
	row->created_at = DatumGetTimestampTz(values[Anum_session_created_at - 1]);
	row->refreshed_at = DatumGetTimestampTz(values[Anum_session_refreshed_at - 1]);
	row->expires_at = DatumGetTimestampTz(values[Anum_session_expires_at - 1]);
	row->access_expires_at = DatumGetTimestampTz(values[Anum_session_access_expires_at - 1]);
	row->purge_at = DatumGetTimestampTz(values[Anum_session_purge_at - 1]);
	row->generation = DatumGetInt32(values[Anum_session_generation - 1]);
	hash = DatumGetByteaPP(values[Anum_session_access_hash - 1]);
	memset(row->access_hash, 0, SHA256_SIZE);
	memcpy(row->access_hash, VARDATA_ANY(hash), Min(VARSIZE_ANY_EXHDR(hash), SHA256_SIZE));
	row->profiles = DatumGetArrayTypePCopy(values[Anum_session_profiles - 1]);
}

static SessionEntry *
read_entry(Scan *scan, HeapTuple tuple)
{
	SessionEntry *entry = palloc0(sizeof(SessionEntry));
	Datum values[Natts_session];
	bool nulls[Natts_session];

	scan_values(TABLE_SESSION, scan->relation, tuple, values, nulls);
	read_session(tuple, values, &entry->session);
	entry->user_agent = scan_text_or_null(values[Anum_session_user_agent - 1], nulls[Anum_session_user_agent - 1]);
	if (!nulls[Anum_session_client_address - 1])
		entry->client_address = DatumGetCString(DirectFunctionCall1(inet_out, values[Anum_session_client_address - 1]));
	return entry;
}

static void
read_session_tuple(Relation relation, HeapTuple tuple, SessionRow *row)
{
	Datum values[Natts_session];
	bool nulls[Natts_session];

	scan_values(TABLE_SESSION, relation, tuple, values, nulls);
	read_session(tuple, values, row);
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
	item = PageGetItemId(page, tid->line);
	if (tid->line >= FirstOffsetNumber && tid->line <= PageGetMaxOffsetNumber(page) && ItemIdIsNormal(item))
	{
		tuple->t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple->t_len = ItemIdGetLength(item);
		tuple->t_tableOid = RelationGetRelid(relation);
		ItemPointerSet(&tuple->t_self, tid->block, tid->line);
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
session_at_tid(Relation relation, const pg_uuid_t *sid, SessionRow *row)
{
	HeapTupleData tuple;
	SessionTid tid;
	bool found;

	if (IsolationIsSerializable() || relation->rd_rel->relam != HEAP_TABLE_AM_OID || !session_tid_find(sid, &tid) ||
		!ReadRecentBuffer(CompatLocator(relation), MAIN_FORKNUM, tid.block, tid.buffer))
		return false;
	heap_page_prune_opt(relation, tid.buffer);
	found = visible_at(relation, sid, &tid, &tuple);
	if (found)
		read_session_tuple(relation, &tuple, row);
	ReleaseBuffer(tid.buffer);
	return found;
}

static void
keep_tid(const pg_uuid_t *sid, SysScanDesc scan, HeapTuple tuple)
{
	SessionTid tid;

	if (!TTS_IS_BUFFERTUPLE(scan->slot))
		return;
	tid.buffer = ((BufferHeapTupleTableSlot *) scan->slot)->buffer;
	tid.block = ItemPointerGetBlockNumber(&tuple->t_self);
	tid.line = ItemPointerGetOffsetNumber(&tuple->t_self);
	tid.at = (uint16) ((char *) tuple->t_data - (char *) BufferGetPage(tid.buffer));
	session_tid_keep(sid, &tid);
}

static bool
session_by_index(Relation relation, const pg_uuid_t *sid, SessionRow *row)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	scan_uuid_key(&key, Anum_session_sid, sid);
	scan = scan_of_index(relation, INDEX_SESSION_SID, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		read_session_tuple(relation, tuple, row);
		keep_tid(sid, scan, tuple);
	}
	systable_endscan(scan);
	return HeapTupleIsValid(tuple);
}

bool
catalog_session(const pg_uuid_t *sid, SessionRow *row)
{
	Relation relation = scan_open_table(TABLE_SESSION);
	bool found = session_at_tid(relation, sid, row) || session_by_index(relation, sid, row);

	table_close(relation, AccessShareLock);
	return found;
}

List *
catalog_sessions_of(const pg_uuid_t *user_id)
{
	List *sessions = NIL;
	ScanKeyData key;
	Scan scan;
	HeapTuple tuple;

	scan_uuid_key(&key, Anum_session_user_id, user_id);
	scan_begin(&scan, TABLE_SESSION, INDEX_SESSION_USER, 1, &key);
	while (HeapTupleIsValid(tuple = scan_next(&scan)))
		sessions = lappend(sessions, read_entry(&scan, tuple));
	scan_end(&scan);
	return sessions;
}
