/*
 * session_revoke.c
 *		Owns ending a session for good, whatever becomes of the transaction that
 *		ends it.
 *
 * Threat: a thief who presents a used refresh token inside a transaction and
 * rolls it back, or whose backend is cut off: a DELETE would be undone, and the
 * session that both holders share would live on.
 *
 * So expires_at becomes -infinity in place, in every version of the row that an
 * index scan and the links between versions lead to: the committed one, those
 * of transactions under way, and the one that a rollback would bring back.  No
 * transaction is involved.  Every use of a session compares expires_at anyway, so
 * the session is dead in all backends from that moment, after a crash (the WAL
 * is flushed before the caller is answered), and on standbys once they have
 * replayed it.  The column has a fixed width and stands behind columns of fixed
 * width only, and no index holds it.  Pages are changed by generic WAL records,
 * under the page's exclusive lock.
 *
 * Waits for no row lock: a transaction that has changed the row and stays open
 * delays nothing.  An UPDATE that copies an older version may run at the same
 * time.  Either it has linked its new version to the old one before the old one is
 * marked, and the mark follows the link; or it finds the mark when it looks at
 * the old version once more after its change (session_revoke_follow), and passes
 * it on.  The look and the change take the lock of the old version's page.
 *
 * The row is deleted by the caller's transaction.  In case that is rolled back
 * the session is also entered in session_ended, as a frozen row, which stays
 * whatever becomes of its transaction: a purge deletes what is listed there.
 */
#include "postgres.h"

#include "access/generic_xlog.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "tables/catalog_scan.h"
#include "tables/session_revoke.h"

/* Where expires_at is, from the start of the data of any row; 0 if the table was changed so that rows differ. */
static Size
expiry_offset(TupleDesc descriptor)
{
	Size		offset = 0;
	int			i;

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
 * Has this version of a row its expires_at at the offset?  Not where it is from a time before a column was added or made
 * NOT NULL: what the columns before it hold is then elsewhere, and a change in place would hit something else.
 */
static bool
has_expiry_at(HeapTupleHeader version, Size length, Size offset)
{
	int			i;

	if (HeapTupleHeaderGetNatts(version) < Anum_session_expires_at ||
		length < version->t_hoff + offset + sizeof(TimestampTz))
		return false;
	for (i = 0; (version->t_infomask & HEAP_HASNULL) && i < Anum_session_expires_at; i++)
		if (att_isnull(i, version->t_bits))
			return false;
	return true;
}

/* The version of the session's row at this place of a locked page, or NULL. */
static HeapTupleHeader
version_at(Page page, const ItemPointerData *tid, const pg_uuid_t *sid, Size offset)
{
	OffsetNumber line = ItemPointerGetOffsetNumber(tid);
	HeapTupleHeader version;
	ItemId		item;

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

/* With the page locked exclusively.  8 aligned bytes: readers see them before or after, as they hold pins only. */
static void
mark(Relation relation, Buffer buffer, HeapTupleHeader version, Size offset)
{
	const TimestampTz never = DT_NOBEGIN;
	char	   *expires_at = (char *) version + version->t_hoff + offset;
	GenericXLogState *change;
	Page		image;

	if (memcmp(expires_at, &never, sizeof(never)) == 0)
		return;
	change = GenericXLogStart(relation);
	image = GenericXLogRegisterBuffer(change, buffer, 0);
	memcpy((char *) image + (expires_at - (char *) BufferGetPage(buffer)), &never, sizeof(never));
	GenericXLogFinish(change);
}

/*
 * Where the version that replaced this one is.  A link that an aborted change has left may lead to what another version
 * was put in since; one of this session then, or it is passed over.  Links lead to younger versions only, so they end.
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

/* This version and those that replaced it. */
static void
mark_from(Relation relation, const ItemPointerData *first, const pg_uuid_t *sid, Size offset)
{
	ItemPointerData tid = *first;
	bool		more;

	do
	{
		Buffer		buffer = ReadBuffer(relation, ItemPointerGetBlockNumber(&tid));
		HeapTupleHeader version;

		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		version = version_at(BufferGetPage(buffer), &tid, sid, offset);
		if (version)
			mark(relation, buffer, version, offset);
		more = version && has_successor(version, &tid);
		UnlockReleaseBuffer(buffer);
		/* a page that an aborted change has left its link to may be gone */
	} while (more && ItemPointerGetBlockNumber(&tid) < RelationGetNumberOfBlocks(relation));
}

static void
mark_all(const pg_uuid_t *sid)
{
	Relation	relation = scan_open_locked(TABLE_SESSION, RowExclusiveLock);
	Size		offset = expiry_offset(RelationGetDescr(relation));
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (offset > 0)
	{
		scan_uuid_key(&key, Anum_session_sid, sid);
		scan = scan_of_all_versions(relation, INDEX_SESSION_SID, 1, &key);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
			mark_from(relation, &tuple->t_self, sid, offset);
		systable_endscan(scan);
	}
	table_close(relation, NoLock);
}

/* No index and no constraint: there is nothing to be checked. */
static void
list(const pg_uuid_t *sid)
{
	Relation	relation = scan_open_locked(TABLE_SESSION_ENDED, RowExclusiveLock);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	int			natts = RelationGetNumberOfAttributes(relation);

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, natts * sizeof(bool));
	slot->tts_values[Anum_session_ended_sid - 1] = UUIDPGetDatum(sid);
	slot->tts_isnull[Anum_session_ended_sid - 1] = false;
	slot->tts_values[Anum_session_ended_ended_at - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	slot->tts_isnull[Anum_session_ended_ended_at - 1] = false;
	ExecStoreVirtualTuple(slot);
	table_tuple_insert(relation, slot, GetCurrentCommandId(true), TABLE_INSERT_FROZEN, NULL);
	ExecDropSingleTupleTableSlot(slot);
	table_close(relation, NoLock);
}

void
session_revoke_at_once(const pg_uuid_t *sid)
{
	mark_all(sid);
	list(sid);
	XLogFlush(XactLastRecEnd);
}

bool
session_revoke_follow(Relation relation, HeapTuple old, const ItemPointerData *fresh)
{
	Size		offset = expiry_offset(RelationGetDescr(relation));
	char	   *data = (char *) old->t_data + old->t_data->t_hoff;
	TimestampTz expires_at;

	if (offset == 0 || !has_expiry_at(old->t_data, old->t_len, offset))
		return false;
	memcpy(&expires_at, data + offset, sizeof(expires_at));
	if (expires_at != DT_NOBEGIN)
		return false;
	mark_from(relation, fresh, (pg_uuid_t *) data, offset);
	return true;
}
