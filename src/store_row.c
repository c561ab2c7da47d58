/*
 * store_row.c
 *		Owns the writing of single rows without a statement.
 *
 * What every refresh writes, a changed session and an event, goes through the
 * access method and the executor's functions for indexes and constraints, as
 * logical replication applies rows: planning and starting a statement costs
 * several times as much.  Threat: what an administrator has added to a table
 * being passed over.  Triggers (those of foreign keys apart, whose columns are
 * never written here), rules, forced row security, other columns: for a table
 * that has any of these nothing is done, and the caller runs a statement.
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

#include "compat.h"
#include "store_row.h"

/* What writing takes, open from begin() to end(). */
typedef struct Target
{
	Relation	relation;
	EState	   *estate;
	ResultRelInfo *result;
	TupleTableSlot *slot;		/* the new row */
} Target;

/* Keys of the table are neither set nor changed here. */
static bool
has_triggers(Relation relation, int16 event)
{
	TriggerDesc *triggers = relation->trigdesc;
	int			i;

	for (i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if ((trigger->tgtype & event) != 0 &&
			(event == TRIGGER_TYPE_INSERT || RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_NONE))
			return true;
	}
	return false;
}

static bool
as_made(Relation relation, int columns, int16 event)
{
	TupleConstr *constraints = RelationGetDescr(relation)->constr;

	return relation->rd_rel->relkind == RELKIND_RELATION && relation->rd_rel->relam == HEAP_TABLE_AM_OID &&
		RelationGetNumberOfAttributes(relation) == columns &&
		!(constraints && constraints->has_generated_stored) &&
		relation->rd_rules == NULL && !relation->rd_rel->relforcerowsecurity && !has_triggers(relation, event);
}

static bool
begin(Target *target, CatalogTable table, int columns, CmdType command)
{
	target->relation = table_open(catalog_table(table), RowExclusiveLock);
	if (!as_made(target->relation, columns, command == CMD_INSERT ? TRIGGER_TYPE_INSERT : TRIGGER_TYPE_UPDATE))
	{
		table_close(target->relation, NoLock);
		return false;
	}
	CheckCmdReplicaIdentity(target->relation, command);
	target->estate = CreateExecutorState();
	target->result = makeNode(ResultRelInfo);
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
check_constraints(Target *target)
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

RowOutcome
row_insert(CatalogTable table, int columns, Row *row)
{
	Target		target;

	if (!begin(&target, table, columns, CMD_INSERT))
		return ROW_NEEDS_STATEMENT;
	ExecForceStoreHeapTuple(heap_form_tuple(RelationGetDescr(target.relation), row->values, row->nulls), target.slot, true);
	check_constraints(&target);
	table_tuple_insert(target.relation, target.slot, GetCurrentCommandId(true), 0, NULL);
	insert_in_indexes(&target, false, COMPAT_INDEX_ALL);
	end(&target);
	return ROW_WRITTEN;
}

/* Places are used again: what is there now may be another row, or another version of this one. */
static bool
is_as_read(TupleTableSlot *old, int columns, const Row *read)
{
	int			i;

	for (i = 0; i < columns; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(old->tts_tupleDescriptor, i);
		bool		is_null;
		Datum		value;

		if (!read->given[i])
			continue;
		value = slot_getattr(old, i + 1, &is_null);
		if (is_null || !datumIsEqual(value, read->values[i], attribute->attbyval, attribute->attlen))
			return false;
	}
	return true;
}

/* The slot of the old version keeps its page pinned, so that the place stays what it is. */
static bool
replace(Target *target, TupleTableSlot *old, Row *change)
{
	TM_FailureData failure;
	LockTupleMode mode;
	CompatIndexUpdate wanted;
	TM_Result	result;

	ExecForceStoreHeapTuple(heap_modify_tuple(ExecFetchSlotHeapTuple(old, false, NULL), RelationGetDescr(target->relation),
											  change->values, change->nulls, change->given), target->slot, true);
	check_constraints(target);
	result = table_tuple_update(target->relation, &old->tts_tid, target->slot, GetCurrentCommandId(true), GetActiveSnapshot(),
								InvalidSnapshot, true, &failure, &mode, &wanted);
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

/* Where the new version is, if it shares the page of the old one; offsets of pages that are pinned only are good for hints. */
static void
tell_place(const Target *target, TupleTableSlot *old, Place *now)
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
row_update(CatalogTable table, int columns, const ItemPointerData *place, const Row *read, Row *change, Place *now)
{
	Target		target;
	TupleTableSlot *old;
	ItemPointerData tid = *place;
	bool		written;

	if (!begin(&target, table, columns, CMD_UPDATE))
		return ROW_NEEDS_STATEMENT;
	PushActiveSnapshot(GetLatestSnapshot());
	old = table_slot_create(target.relation, NULL);
	written = table_tuple_fetch_row_version(target.relation, &tid, GetActiveSnapshot(), old) &&
		is_as_read(old, columns, read) && replace(&target, old, change);
	if (written)
		tell_place(&target, old, now);
	ExecDropSingleTupleTableSlot(old);
	PopActiveSnapshot();
	end(&target);
	return written ? ROW_WRITTEN : ROW_CHANGED;
}
