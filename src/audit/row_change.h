/*
 * row_change.h
 *		The rows a trigger is fired for, one after the other: the one of a
 *		row-level trigger, or all of a statement's transition tables.
 */
#ifndef DJUST_ROW_CHANGE_H
#define DJUST_ROW_CHANGE_H

#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "utils/tuplestore.h"

typedef struct RowChanges
{
	const TriggerData *trigger;
	TupleTableSlot *old;		/* NULL in an INSERT */
	TupleTableSlot *new;		/* NULL in a DELETE or TRUNCATE */
	int64		count;			/* rows of the statement; -1: unknown */
	Tuplestorestate *old_rows;	/* NULL in a row-level trigger */
	Tuplestorestate *new_rows;
	bool		given;			/* the one row of a row-level trigger was */
} RowChanges;

/* Does a statement-level trigger have the transition tables that its event takes? */
extern bool row_changes_has_tables(const TriggerData *trigger);

/* Before a TRUNCATE at most this many of the rows are given; all are counted. */
extern void row_changes_begin(RowChanges *changes, const TriggerData *trigger, int64 truncated_most);
extern bool row_changes_next(RowChanges *changes);
extern void row_changes_end(RowChanges *changes);

/* Does an UPDATE give this column another value? */
extern bool row_changes_column(const RowChanges *changes, AttrNumber column);

/*
 * A column of the type the library knows, or one stored alike; 42804 where an administrator has given it another one.
 */
extern Datum row_column(TupleTableSlot *row, AttrNumber column, Oid type, bool *is_null);

#endif
