/*
 * session_revoke.c
 *		Owns ending a session permanently, even if the transaction is rolled
 *		back.
 *
 * Threat: a thief who presents a used refresh token inside a transaction and
 * rolls it back, or whose backend is terminated: a DELETE would be undone, and
 * the session that both holders share would live on.
 *
 * So expires_at is overwritten with -infinity in every version of the row that
 * an index scan and the links between versions lead to: the committed one,
 * those of running transactions, and the one that a rollback would restore.
 * Every use of a session compares expires_at, so the session is dead at once in
 * all backends, after a crash (the WAL is flushed before the client gets its
 * answer), and on standbys after replay.  The column has a fixed width, follows
 * only fixed-width columns, and is in no index.  Pages are changed by generic
 * WAL records, under the page's exclusive lock.
 *
 * It does not wait for row locks, so an open transaction that changed the row
 * delays nothing.  An UPDATE may copy an older version at the same time.
 * Either it has linked its new version to the old one before the old one is
 * marked, and the mark follows the link; or it sees the mark when it checks the
 * old version again after its change (session_revoke_follow), and copies it.
 * Check and change hold the lock of the old version's page.
 *
 * The caller's transaction deletes the row.  In case of a rollback the session
 * is also entered in session_ended, as a frozen row, which no rollback removes;
 * a purge deletes the sessions listed there.
 */
#include "postgres.h"

#include "access/generic_xlog.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "tables/catalog_scan.h"
#include "tables/session_revoke.h"

/* Offset of expires_at in the data of every row; 0 if the table was altered so that rows differ. */
static Size
expiry_offset(TupleDesc descriptor)
{
	Size offset = 0;
	int i;

	for (i = 0; i < Anum_session_expires_at; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		if (attribute->attlen < 0 || !attribute->attnotnull)
			return 0;
		offset = att_align_nominal(offset, attribute->attalign);
		if (i < Anum_session_expires_at - 1)
			offset += attribute->attlen;
	}
	return TupleDescAttr(descriptor, Anum_session_expires_at - 1)->atttypid == TIMESTAMPTZOID ? offset : 0;
}

/*
 * True if this version has its expires_at at the offset.  False for rows from before a column was added or made NOT
 * NULL: their offsets differ, and a change in place would hit other data.
 */
static bool
has_expiry_at(HeapTupleHeader version, Size length, Size offset)
{
	int i;

	if (HeapTupleHeaderGetNatts(version) < Anum_session_expires_at ||
		length < version->t_hoff + offset + sizeof(TimestampTz))
		return false;
	for (i = 0; (version->t_infomask & HEAP_HASNULL) && i < Anum_session_expires_at; i++)
		if (att_isnull(i, version->t_bits))
			return false;
	return true;
}

/* The version of the session's row at this tid of a locked page, or NULL. */
static HeapTupleHeader
version_at(Page page, const ItemPointerData *tid, const pg_uuid_t *sid, Size offset)
{
	OffsetNumber line = ItemPointerGetOffsetNumber(tid);
	HeapTupleHeader version;
	ItemId item;

	if (line > PageGetMaxOffsetNumber(page))
		return NULL;
	item = PageGetItemId(page, line);
	if (!ItemIdIsNormal(item))
		return NULL;
	version = (HeapTupleHeader) PageGetItem(page, item);
	if (!has_expiry_at(version, ItemIdGetLength(item), offset))
		return NULL;
	return memcmp((char *) version + version->t_hoff, sid, UUID_LEN) == 0 ? version : NULL;
}

/* Call with the page locked exclusively.  Readers hold only pins: 8 aligned bytes change at once for them. */
static void
mark_version(Relation relation, Buffer buffer, HeapTupleHeader version, Size offset)
{
	const TimestampTz never = DT_NOBEGIN;
	char *expires_at = (char *) version + version->t_hoff + offset;
	GenericXLogState *change;
	Page image;

	if (memcmp(expires_at, &never, sizeof(never)) == 0)
		return;
	change = GenericXLogStart(relation);
	image = GenericXLogRegisterBuffer(change, buffer, 0);
	memcpy((char *) image + (expires_at - (char *) BufferGetPage(buffer)), &never, sizeof(never));
	GenericXLogFinish(change);
}

/*
 * Sets *tid to the version that replaced this one.  A link left by an aborted change may lead to an unrelated version,
 * which version_at rejects unless it is this session's.  Links lead only to younger versions, so they end.
 */
static bool
has_successor(HeapTupleHeader version, ItemPointerData *tid)
{
	if ((version->t_infomask & HEAP_XMAX_INVALID) || HEAP_XMAX_IS_LOCKED_ONLY(version->t_infomask) ||
		HeapTupleHeaderIndicatesMovedPartitions(version) || ItemPointerEquals(&version->t_ctid, tid))
		return false;
	*tid = version->t_ctid;
	return true;
}

/* Marks this version and those that replaced it. */
static void
mark_from(Relation relation, const ItemPointerData *first, const pg_uuid_t *sid, Size offset)
{
	ItemPointerData tid = *first;
	bool more;

	do
	{
		Buffer buffer = ReadBuffer(relation, ItemPointerGetBlockNumber(&tid));
		HeapTupleHeader version;

		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		version = version_at(BufferGetPage(buffer), &tid, sid, offset);
		if (version)
			mark_version(relation, buffer, version, offset);
		more = version && has_successor(version, &tid);
		UnlockReleaseBuffer(buffer);
		/* the page of a link left by an aborted change may be truncated */
	} while (more && ItemPointerGetBlockNumber(&tid) < RelationGetNumberOfBlocks(relation));
}

static void
mark_all(const pg_uuid_t *sid)
{
	ScanKeyData key;
	HeapTuple tuple;
	Size offset;
	Scan scan;

	scan_open(&scan, TABLE_SESSION, RowExclusiveLock);
	offset = expiry_offset(RelationGetDescr(scan.relation));
	if (offset > 0)
	{
		scan_uuid_key(&key, Anum_session_sid, sid);
		scan_start(&scan, INDEX_SESSION_SID, &key, SnapshotAny);
		while (HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
			mark_from(scan.relation, &tuple->t_self, sid, offset);
		systable_endscan(scan.scan);
	}
	table_close(scan.relation, NoLock);
}

/* Enters the session in session_ended, which has no index and no constraint. */
static void
insert_ended(const pg_uuid_t *sid)
{
	Scan ended;
	TupleTableSlot *slot;

	scan_open(&ended, TABLE_SESSION_ENDED, RowExclusiveLock);
	slot = ExecStoreAllNullTuple(table_slot_create(ended.relation, NULL));
	slot->tts_values[Anum_session_ended_sid - 1] = UUIDPGetDatum(sid);
	slot->tts_isnull[Anum_session_ended_sid - 1] = false;
	slot->tts_values[Anum_session_ended_ended_at - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	slot->tts_isnull[Anum_session_ended_ended_at - 1] = false;
	table_tuple_insert(ended.relation, slot, GetCurrentCommandId(true), TABLE_INSERT_FROZEN, NULL);
	ExecDropSingleTupleTableSlot(slot);
	table_close(ended.relation, NoLock);
}

void
session_revoke_at_once(const pg_uuid_t *sid)
{
	mark_all(sid);
	insert_ended(sid);
	XLogFlush(XactLastRecEnd);
}

bool
session_revoke_may_have_entries(void)
{
	Scan ended;
	BlockNumber pages;

	scan_open(&ended, TABLE_SESSION_ENDED, AccessShareLock);
	pages = RelationGetNumberOfBlocks(ended.relation);
	table_close(ended.relation, AccessShareLock);
	return pages > 0;
}

bool
session_revoke_follow(Relation relation, HeapTuple old, const ItemPointerData *fresh)
{
	Size offset = expiry_offset(RelationGetDescr(relation));
	char *data = (char *) old->t_data + old->t_data->t_hoff;
	TimestampTz expires_at;

	if (offset == 0 || !has_expiry_at(old->t_data, old->t_len, offset))
		return false;
	memcpy(&expires_at, data + offset, sizeof(expires_at));
	if (expires_at != DT_NOBEGIN)
		return false;
	mark_from(relation, fresh, (pg_uuid_t *) data, offset);
	return true;
}
