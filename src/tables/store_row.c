/*
 * store_row.c
 *		Owns the writing of single rows without a statement.
 *
 * What every refresh writes, a session and an event, goes through the
 * access method and the executor's functions for indexes and constraints, as
 * logical replication applies rows: planning and starting a statement costs
 * several times as much.  No privileges are checked, as in catalog.c.
 *
 * Threats: what an administrator has changed about a table being passed over
 * (triggers, rules, row security, columns, their types, foreign keys over
 * columns that are written): a table that has any of these is left to a
 * statement.  A place that was read before the table was locked: nothing is
 * taken from it that is not looked at again.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "storage/bufmgr.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "server/compat.h"
#include "tables/session_revoke.h"
#include "tables/store_row.h"

/* What writing takes, open from begin() to end(). */
typedef struct Target
{
	Relation relation;
	EState *estate;
	ResultRelInfo *result;
	TupleTableSlot *slot; /* the new row */
} Target;

static bool
is_given(const Row *row, AttrNumber column)
{
	int i;

	for (i = 0; i < row->n; i++)
		if (row->columns[i] == column)
			return true;
	return false;
}

static bool
is_written(const ForeignKeyCacheInfo *key, const Row *row)
{
	int i;

	for (i = 0; i < key->nkeys; i++)
		if (is_given(row, key->conkey[i]))
			return true;
	return false;
}

/* Of a foreign key of this table that the row cannot break; not so where another table refers to this one. */
static bool
keeps_key(List *keys, Oid constraint, const Row *row)
{
	ListCell *cell;

	foreach(cell, keys)
	{
		ForeignKeyCacheInfo *key = lfirst(cell);

		if (key->conoid == constraint)
			return !is_written(key, row);
	}
	return false;
}

/* row_update itself passes on that a session was ended. */
static bool
is_done_here(const Trigger *trigger)
{
	return !trigger->tgisinternal && strcmp(trigger->tgname, "djust_keep_ended") == 0;
}

/*
 * Triggers and keys belong to the relation's entry in the cache, which any look-up may free: they are taken when
 * nothing is left to be looked up.
 */
static bool
fires_triggers(Relation relation, CmdType command, const Row *row)
{
	int16 event = command == CMD_INSERT ? TRIGGER_TYPE_INSERT : TRIGGER_TYPE_UPDATE;
	Oid audit_function = catalog_audit_function();
	List *keys = RelationGetFKeyList(relation);
	TriggerDesc *triggers = relation->trigdesc;
	int i;

	for (i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger *trigger = &triggers->triggers[i];

		/* our own writes are none that the audit tells */
		if ((trigger->tgtype & event) == 0 || is_done_here(trigger) ||
			(row->settled && strcmp(trigger->tgname, row->settled) == 0) ||
			(trigger->tgfoid == audit_function && OidIsValid(audit_function)))
			continue;
		if (RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_NONE || !keeps_key(keys, trigger->tgconstraint, row))
			return true;
	}
	return false;
}

static bool
has_columns(Relation relation, const Row *row)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	int i;

	for (i = 0; i < row->n; i++)
	{
		Form_pg_attribute attribute;

		if (row->columns[i] > descriptor->natts)
			return false;
		attribute = TupleDescAttr(descriptor, row->columns[i] - 1);
		if (attribute->atttypid != row->types[i] || attribute->atttypmod != -1)
			return false;
	}
	return !(descriptor->constr && descriptor->constr->has_generated_stored);
}

/* Columns that the table has no more need no value. */
static bool
is_whole(Relation relation, const Row *row)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	int i;

	for (i = 0; descriptor->natts != row->n && i < descriptor->natts; i++)
		if (!TupleDescAttr(descriptor, i)->attisdropped && !is_given(row, i + 1))
			return false;
	return true;
}

static bool
is_plain(Relation relation)
{
	FormData_pg_class *class = relation->rd_rel;

	return class->relkind == RELKIND_RELATION && class->relam == HEAP_TABLE_AM_OID && !class->relispartition &&
		   !class->relrowsecurity && !class->relforcerowsecurity && relation->rd_rules == NULL;
}

static bool
as_made(Relation relation, CmdType command, const Row *read, const Row *row)
{
	return is_plain(relation) && (command == CMD_UPDATE || is_whole(relation, row)) &&
		   (read == NULL || has_columns(relation, read)) && has_columns(relation, row) &&
		   !fires_triggers(relation, command, row);
}

static bool
begin(Target *target, CatalogTable table, CmdType command, const Row *read, const Row *row)
{
	target->relation = catalog_open(table, RowExclusiveLock);
	if (!as_made(target->relation, command, read, row))
	{
		table_close(target->relation, NoLock);
		return false;
	}
	CheckCmdReplicaIdentity(target->relation, command);
	target->estate = CreateExecutorState();
	target->result = makeNode(ResultRelInfo);
	/* not in a range table: there is no statement */
	InitResultRelInfo(target->result, target->relation, 0, NULL, 0);
	target->slot = MakeSingleTupleTableSlot(RelationGetDescr(target->relation), &TTSOpsHeapTuple);
	return true;
}

/* The lock stays to the end of the transaction. */
static void
end(Target *target)
{
	ExecDropSingleTupleTableSlot(target->slot);
	FreeExecutorState(target->estate);
	table_close(target->relation, NoLock);
	CommandCounterIncrement();
}

static void
check(Target *target)
{
	if (RelationGetDescr(target->relation)->constr)
		ExecConstraints(target->result, target->slot, target->estate);
}

/* After the row is in the table, which has told its place to the slot. */
static void
insert_in_indexes(Target *target, bool update, CompatIndexUpdate wanted)
{
	ExecOpenIndices(target->result, false);
	CompatInsertIndexTuples(target->result, target->slot, target->estate, update, wanted);
	ExecCloseIndices(target->result);
}

bool
row_insert(CatalogTable table, const Row *row)
{
	Target target;
	Datum *values;
	bool *nulls;
	int natts;
	int i;

	if (!begin(&target, table, CMD_INSERT, NULL, row))
		return false;
	natts = RelationGetNumberOfAttributes(target.relation);
	values = palloc(natts * sizeof(Datum));
	nulls = palloc(natts * sizeof(bool));
	memset(nulls, true, natts * sizeof(bool));
	for (i = 0; i < row->n; i++)
	{
		values[row->columns[i] - 1] = row->values[i];
		nulls[row->columns[i] - 1] = row->nulls[i];
	}
	ExecForceStoreHeapTuple(heap_form_tuple(RelationGetDescr(target.relation), values, nulls), target.slot, true);
	check(&target);
	table_tuple_insert(target.relation, target.slot, GetCurrentCommandId(true), 0, NULL);
	insert_in_indexes(&target, false, COMPAT_INDEX_ALL);
	end(&target);
	return true;
}

/* The table may have been emptied since the place was read, and a page that is not there must not be asked for. */
static bool
has_page(Relation relation, const ItemPointerData *place)
{
	return ItemPointerGetBlockNumber(place) < RelationGetNumberOfBlocks(relation);
}

/* Places are used again: what is there now may be another row, or another version of this one. */
static bool
is_as_read(TupleTableSlot *old, const Row *read)
{
	int i;

	for (i = 0; i < read->n; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(old->tts_tupleDescriptor, read->columns[i] - 1);
		bool is_null;
		Datum value = slot_getattr(old, read->columns[i], &is_null);

		if (is_null != read->nulls[i] ||
			(!is_null && !datum_image_eq(value, read->values[i], attribute->attbyval, attribute->attlen)))
			return false;
	}
	return true;
}

/* Under the active snapshot, which keeps the version where it is. */
static bool
find(Relation relation, const ItemPointerData *place, const Row *read, TupleTableSlot *old)
{
	ItemPointerData tid = *place;

	return has_page(relation, place) && table_tuple_fetch_row_version(relation, &tid, GetActiveSnapshot(), old) &&
		   is_as_read(old, read);
}

/* The slot of the old version keeps its page pinned, so that the place stays what it is. */
static bool
replace(Target *target, TupleTableSlot *old, Row *change)
{
	TM_FailureData failure;
	LockTupleMode mode;
	CompatIndexUpdate wanted;
	TM_Result result;

	ExecForceStoreHeapTuple(heap_modify_tuple_by_cols(ExecFetchSlotHeapTuple(old, false, NULL),
													  RelationGetDescr(target->relation),
													  change->n,
													  change->columns,
													  change->values,
													  change->nulls),
							target->slot,
							true);
	check(target);
	result = table_tuple_update(target->relation,
								&old->tts_tid,
								target->slot,
								GetCurrentCommandId(true),
								GetActiveSnapshot(),
								InvalidSnapshot,
								true,
								&failure,
								&mode,
								&wanted);
	if (result == TM_Updated || result == TM_Deleted)
	{
		if (IsolationIsSerializable())
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not serialize access due to concurrent update")));
		return false;
	}
	if (result != TM_Ok)
		elog(ERROR, "could not update a row: result %d", (int) result);
	if (wanted != COMPAT_INDEX_NONE)
		insert_in_indexes(target, true, wanted);
	return true;
}

/*
 * Where the new version is, if it shares the page of the old one; offsets of pages that are pinned only are good for
 * hints.
 */
static void
tell_place(const Target *target, TupleTableSlot *old, SessionTid *now)
{
	ItemPointer tid = &target->slot->tts_tid;

	now->buffer = InvalidBuffer;
	if (!TTS_IS_BUFFERTUPLE(old) || ItemPointerGetBlockNumber(tid) != ItemPointerGetBlockNumber(&old->tts_tid))
		return;
	now->buffer = ((BufferHeapTupleTableSlot *) old)->buffer;
	now->block = ItemPointerGetBlockNumber(tid);
	now->line = ItemPointerGetOffsetNumber(tid);
	now->at = ItemIdGetOffset(PageGetItemId(BufferGetPage(now->buffer), now->line));
}

RowOutcome
row_update(CatalogTable table, const ItemPointerData *place, const Row *read, Row *change, SessionTid *now)
{
	Target target;
	TupleTableSlot *old;
	bool written;

	if (!begin(&target, table, CMD_UPDATE, read, change))
		return ROW_NEEDS_STATEMENT;
	PushActiveSnapshot(GetLatestSnapshot());
	old = table_slot_create(target.relation, NULL);
	written = find(target.relation, place, read, old) && replace(&target, old, change);
	if (written && table == TABLE_SESSION &&
		session_revoke_follow(target.relation, ExecFetchSlotHeapTuple(old, false, NULL), &target.slot->tts_tid))
		written = false;
	if (written)
		tell_place(&target, old, now);
	ExecDropSingleTupleTableSlot(old);
	PopActiveSnapshot();
	end(&target);
	return written ? ROW_WRITTEN : ROW_CHANGED;
}
