/*
 * store_row.h
 *		How the store writes a single row without a statement; for store*.c alone.
 */
#ifndef DJUST_STORE_ROW_H
#define DJUST_STORE_ROW_H

#include "catalog/pg_type.h"
#include "storage/itemptr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "tables/catalog.h"
#include "tables/session_tid.h"

#define ROW_COLUMNS 12

/* Columns that are written, or compared; a table whose columns have other types is left to a statement. */
typedef struct Row
{
	int n;
	int columns[ROW_COLUMNS]; /* attribute numbers */
	Oid types[ROW_COLUMNS];
	Datum values[ROW_COLUMNS];
	bool nulls[ROW_COLUMNS];
	const char *settled; /* name of a trigger of this extension that would change nothing; NULL: none */
} Row;

typedef enum RowOutcome
{
	ROW_WRITTEN,
	ROW_CHANGED, /* somebody else has changed or removed it: nothing is written */
	ROW_NEEDS_STATEMENT /* the table is not as the extension made it: nothing is written */
} RowOutcome;

/* All columns of the table.  False when it needs a statement: nothing is written. */
extern bool row_insert(CatalogTable table, const Row *row);
/*
 * The row that is visible at this place, if it still is as it was read; waits for a transaction that is changing it.
 * When it is written, now is where; its buffer is InvalidBuffer when it went to another page.
 */
extern RowOutcome row_update(CatalogTable table, const ItemPointerData *place, const Row *read, Row *change,
							 SessionTid *now);

static inline void
give(Row *row, AttrNumber column, Oid type, Datum value, bool is_null)
{
	Assert(row->n < ROW_COLUMNS);
	row->columns[row->n] = column;
	row->types[row->n] = type;
	row->values[row->n] = value;
	row->nulls[row->n++] = is_null;
}

static inline void
give_time(Row *row, AttrNumber column, TimestampTz value)
{
	give(row, column, TIMESTAMPTZOID, TimestampTzGetDatum(value), false);
}

static inline void
give_int(Row *row, AttrNumber column, int32 value)
{
	give(row, column, INT4OID, Int32GetDatum(value), false);
}

static inline void
give_uuid(Row *row, AttrNumber column, const pg_uuid_t *value)
{
	give(row, column, UUIDOID, value ? UUIDPGetDatum(value) : (Datum) 0, value == NULL);
}

static inline void
give_text(Row *row, AttrNumber column, const char *value)
{
	give(row, column, TEXTOID, value ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

#endif
