/*
 * store_row.c
 *		Owns the writing of single rows without a statement.
 *
 * Every refresh updates its session and inserts an audit event.  Both rows go
 * through the table access method and the executor's functions for indexes and
 * constraints, the way logical replication applies rows: to start a statement
 * costs several times as much.  No privileges are checked, as in catalog.c.
 *
 * Threats: to pass over what an administrator has changed about a table
 * (triggers, rules, row security, columns, their types, foreign keys over
 * columns that are written): such a table is left to a statement.  To trust a
 * tuple id that was read before the table was locked: the row found there is
 * compared with the row that was read.
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
#include "storage/bufmgr.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "server/compat.h"
#include "tables/session_revoke.h"
#include "tables/session_tid.h"
#include "tables/store_row.h"

/* A table that is being written, from open_target() to close_target(). */
typedef struct Target
{
	Relation relation;
	EState *estate;
	ResultRelInfo *result;
	TupleTableSlot *slot; /* the new row */
} Target;

static bool
has_column(const Row *row, AttrNumber column)
{
	int i;

	for (i = 0; i < row->n; i++)
		if (row->columns[i] == column)
			return true;
	return false;
}

static bool
writes_key_column(const ForeignKeyCacheInfo *key, const Row *row)
{
	int i;

	for (i = 0; i < key->nkeys; i++)
		if (has_column(row, key->conkey[i]))
			return true;
	return false;
}

/*
 * Whether the constraint is a foreign key of this table over columns that the row does not write.  Keys of other tables
 * that refer to this one are not in the list, so their triggers are not passed over.
 */
static bool
keeps_key(List *keys, Oid constraint, const Row *row)
{
	ListCell *cell;

	foreach(cell, keys)
	{
		ForeignKeyCacheInfo *key = lfirst(cell);

		if (key->conoid == constraint)
			return !writes_key_column(key, row);
	}
	return false;
}

/* store_row_update_session carries the end of a session over to the new row version by itself. */
static bool
is_keep_ended_trigger(const Trigger *trigger)
{
	return !trigger->tgisinternal && strcmp(trigger->tgname, "djust_keep_ended") == 0;
}

/*
 * Triggers and foreign keys belong to the relation's cache entry, which any catalog look-up may free:
 * catalog_audit_function() is called before they are fetched.
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

		/* the audit trigger records changes by administrators only */
		if ((trigger->tgtype & event) == 0 || is_keep_ended_trigger(trigger) ||
			(row->idle_trigger && strcmp(trigger->tgname, row->idle_trigger) == 0) ||
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

/* Whether the row gives a value to every column that has not been dropped. */
static bool
sets_every_column(Relation relation, const Row *row)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	int i;

	for (i = 0; descriptor->natts != row->n && i < descriptor->natts; i++)
		if (!TupleDescAttr(descriptor, i)->attisdropped && !has_column(row, i + 1))
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
can_write_directly(Relation relation, CmdType command, const Row *read, const Row *row)
{
	return is_plain(relation) && (command == CMD_UPDATE || sets_every_column(relation, row)) &&
		   (read == NULL || has_columns(relation, read)) && has_columns(relation, row) &&
		   !fires_triggers(relation, command, row);
}

static bool
open_target(Target *target, CatalogTable table, CmdType command, const Row *read, const Row *row)
{
	target->relation = catalog_open(table, RowExclusiveLock);
	if (!can_write_directly(target->relation, command, read, row))
	{
		table_close(target->relation, NoLock);
		return false;
	}
	CheckCmdReplicaIdentity(target->relation, command);
	target->estate = CreateExecutorState();
	target->result = makeNode(ResultRelInfo);
	/* range table index 0: without a statement there is no range table */
	InitResultRelInfo(target->result, target->relation, 0, NULL, 0);
	target->slot = MakeSingleTupleTableSlot(RelationGetDescr(target->relation), &TTSOpsHeapTuple);
	return true;
}

/* The table stays locked until the transaction ends. */
static void
close_target(Target *target)
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

/* Called when the row is in the table and the slot has its tuple id. */
static void
insert_in_indexes(Target *target, bool update, CompatIndexUpdate wanted)
{
	ExecOpenIndices(target->result, false);
	CompatInsertIndexTuples(target->result, target->slot, target->estate, update, wanted);
	ExecCloseIndices(target->result);
}

bool
store_row_insert(CatalogTable table, const Row *row)
{
	Target target;
	Datum *values;
	bool *nulls;
	int natts;
	int i;

	if (!open_target(&target, table, CMD_INSERT, NULL, row))
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
	check_constraints(&target);
	table_tuple_insert(target.relation, target.slot, GetCurrentCommandId(true), 0, NULL);
	insert_in_indexes(&target, false, COMPAT_INDEX_ALL);
	close_target(&target);
	return true;
}

/* The table may have been truncated since the tuple id was read; to read a page beyond its end is an error. */
static bool
has_page(Relation relation, const ItemPointerData *tid)
{
	return ItemPointerGetBlockNumber(tid) < RelationGetNumberOfBlocks(relation);
}

/* Tuple ids are reused: the row there now may be another one, or another version of the one that was read. */
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

/* Reads under the active snapshot, which keeps the row version from being pruned. */
static bool
fetch_as_read(Relation relation, const ItemPointerData *tid_read, const Row *read, TupleTableSlot *old)
{
	ItemPointerData tid = *tid_read;

	return has_page(relation, &tid) && table_tuple_fetch_row_version(relation, &tid, GetActiveSnapshot(), old) &&
		   is_as_read(old, read);
}

/* The slot of the old version keeps its page pinned, so that its tuple id is not reused. */
static bool
update_version(Target *target, TupleTableSlot *old, Row *change)
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
	check_constraints(target);
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

RowOutcome
store_row_update_session(const SessionRow *session, const Row *read, Row *change)
{
	Target target;
	TupleTableSlot *old;
	ItemPointer tid;
	bool written;

	if (!open_target(&target, TABLE_SESSION, CMD_UPDATE, read, change))
		return ROW_NEEDS_STATEMENT;
	PushActiveSnapshot(GetLatestSnapshot());
	old = table_slot_create(target.relation, NULL);
	tid = &target.slot->tts_tid;
	written = fetch_as_read(target.relation, &session->tid, read, old) && update_version(&target, old, change) &&
			  !session_revoke_follow(target.relation, ExecFetchSlotHeapTuple(old, false, NULL), tid);
	if (written)
		session_tid_keep(&session->sid, old, tid);
	ExecDropSingleTupleTableSlot(old);
	PopActiveSnapshot();
	close_target(&target);
	return written ? ROW_WRITTEN : ROW_CHANGED;
}
