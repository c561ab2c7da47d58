/*
 * store_row.h
 *		How the store writes a single row without a statement; for store*.c alone.
 */
#ifndef DJUST_STORE_ROW_H
#define DJUST_STORE_ROW_H

#include "storage/itemptr.h"

#include "catalog.h"
#include "place.h"

#define ROW_COLUMNS 12

/* Columns by attribute number, less one. */
typedef struct Row
{
	bool		given[ROW_COLUMNS];
	Datum		values[ROW_COLUMNS];
	bool		nulls[ROW_COLUMNS];
} Row;

typedef enum RowOutcome
{
	ROW_WRITTEN,
	ROW_CHANGED,				/* somebody else has changed or removed it: nothing is written */
	ROW_NEEDS_STATEMENT			/* the table is not as the extension made it: nothing is written */
} RowOutcome;

/* A row of all columns of the table, which are this many. */
extern RowOutcome row_insert(CatalogTable table, int columns, Row *row);
/*
 * The row that is visible at this place, if it still is as it was read; waits for who is changing it.  When it is written, now
 * is where; its buffer is InvalidBuffer when it went to another page.
 */
extern RowOutcome row_update(CatalogTable table, int columns, const ItemPointerData *place, const Row *read, Row *change, Place *now);

static inline void
give(Row *row, AttrNumber attribute, Datum value, bool is_null)
{
	row->given[attribute - 1] = true;
	row->values[attribute - 1] = value;
	row->nulls[attribute - 1] = is_null;
}

#endif
