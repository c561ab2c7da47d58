/*
 * row_change.h
 *		The rows a trigger fires for, one at a time: the row of a row-level
 *		trigger, or the transition tables of a statement.
 */
#ifndef DJUST_ROW_CHANGE_H
#define DJUST_ROW_CHANGE_H

#include "commands/trigger.h"
#include "utils/tuplestore.h"

typedef struct RowChanges
{
	const TriggerData *trigger;
	TupleTableSlot *old; /* NULL in an INSERT */
	TupleTableSlot *new; /* NULL in a DELETE or TRUNCATE */
	int64 count; /* rows of the statement; -1: unknown */
	Tuplestorestate *old_rows; /* NULL in a row-level trigger */
	Tuplestorestate *new_rows;
	bool given; /* a row-level trigger's row was returned */
} RowChanges;

/* True if a statement-level trigger has the transition tables that its event needs. */
extern bool row_changes_has_tables(const TriggerData *trigger);

/* Before a TRUNCATE, returns at most truncated_most rows but counts all. */
extern void row_changes_begin(RowChanges *changes, const TriggerData *trigger, int64 truncated_most);
extern bool row_changes_next(RowChanges *changes);
extern void row_changes_end(RowChanges *changes);

/* True if an UPDATE changes this column. */
extern bool row_changes_column(const RowChanges *changes, AttrNumber column);

/* Value of a column.  Raises 42804 if an administrator gave it a type that is not binary-coercible to `type`. */
extern Datum row_changes_value(TupleTableSlot *row, AttrNumber column, Oid type, bool *is_null);

#endif
