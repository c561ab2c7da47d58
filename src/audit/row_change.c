/*
 * row_change.c
 *		Owns the reading of the rows a trigger fires for.
 *
 * The transition tables of an UPDATE hold a row's old and new version at the
 * same position, because the executor adds both at once.  Rows are paired by
 * position, which works even if the UPDATE changes their key.
 *
 * Threat: reading a column as the wrong type.  An administrator may have
 * changed a type or dropped a column: row_changes_value() checks first, and accepts
 * only binary-coercible types (varchar for text).
 */
#include "postgres.h"

#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/datum.h"
#include "utils/rel.h"

#include "audit/row_change.h"
#include "tables/catalog.h"

bool
row_changes_has_tables(const TriggerData *trigger)
{
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return trigger->tg_newtable != NULL;
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return trigger->tg_oldtable != NULL;
	return TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event) ||
		   (trigger->tg_oldtable != NULL && trigger->tg_newtable != NULL);
}

static TupleTableSlot *
slot_for(const TriggerData *trigger, Tuplestorestate *rows)
{
	if (rows == NULL)
		return NULL;
	tuplestore_rescan(rows);
	return MakeSingleTupleTableSlot(RelationGetDescr(trigger->tg_relation), &TTSOpsMinimalTuple);
}

static void
begin_row(RowChanges *changes, const TriggerData *trigger)
{
	changes->count = 1;
	changes->old = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? NULL : trigger->tg_trigslot;
	changes->new = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? trigger->tg_trigslot :
				   TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newslot :
																NULL;
}

static void
begin_statement(RowChanges *changes, const TriggerData *trigger, int64 truncated_most)
{
	changes->old_rows = trigger->tg_oldtable;
	changes->new_rows = trigger->tg_newtable;
	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
	{
		changes->count = -1;
		if (!TRIGGER_FIRED_BEFORE(trigger->tg_event))
			return;
		changes->old_rows = tuplestore_begin_heap(false, false, work_mem);
		changes->count = catalog_copy_rows(trigger->tg_relation, changes->old_rows, truncated_most);
	}
	else
		changes->count = tuplestore_tuple_count(changes->new_rows ? changes->new_rows : changes->old_rows);
	changes->old = slot_for(trigger, changes->old_rows);
	changes->new = slot_for(trigger, changes->new_rows);
}

void
row_changes_begin(RowChanges *changes, const TriggerData *trigger, int64 truncated_most)
{
	memset(changes, 0, sizeof(*changes));
	changes->trigger = trigger;
	if (TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		begin_row(changes, trigger);
	else
		begin_statement(changes, trigger, truncated_most);
}

static bool
next_in(Tuplestorestate *rows, TupleTableSlot *slot)
{
	return rows == NULL || tuplestore_gettupleslot(rows, true, false, slot);
}

bool
row_changes_next(RowChanges *changes)
{
	bool was_given = changes->given;

	CHECK_FOR_INTERRUPTS();
	changes->given = true;
	if (TRIGGER_FIRED_FOR_ROW(changes->trigger->tg_event))
		return !was_given;
	return (changes->old || changes->new) && next_in(changes->old_rows, changes->old) &&
		   next_in(changes->new_rows, changes->new);
}

void
row_changes_end(RowChanges *changes)
{
	if (TRIGGER_FIRED_FOR_ROW(changes->trigger->tg_event))
		return;
	if (changes->old)
		ExecDropSingleTupleTableSlot(changes->old);
	if (changes->new)
		ExecDropSingleTupleTableSlot(changes->new);
	if (TRIGGER_FIRED_BY_TRUNCATE(changes->trigger->tg_event) && changes->old_rows)
		tuplestore_end(changes->old_rows);
}

bool
row_changes_column(const RowChanges *changes, AttrNumber column)
{
	Form_pg_attribute attribute = TupleDescAttr(changes->old->tts_tupleDescriptor, column - 1);
	bool old_null;
	bool new_null;
	Datum old_value = slot_getattr(changes->old, column, &old_null);
	Datum new_value = slot_getattr(changes->new, column, &new_null);

	if (old_null || new_null)
		return old_null != new_null;
	return !datum_image_eq(old_value, new_value, attribute->attbyval, attribute->attlen);
}

Datum
row_changes_value(TupleTableSlot *row, AttrNumber column, Oid type, bool *is_null)
{
	TupleDesc descriptor = row->tts_tupleDescriptor;

	if (column > descriptor->natts || TupleDescAttr(descriptor, column - 1)->attisdropped ||
		!IsBinaryCoercible(TupleDescAttr(descriptor, column - 1)->atttypid, type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column %d of a table of djust_auth is not of the type it was made with", column),
				 errhint("Give it back its type; keep data of your own in tables of your own.")));
	return slot_getattr(row, column, is_null);
}
