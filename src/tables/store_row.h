/*
 * store_row.h
 *		Writing a single row without a statement; used by store*.c alone.
 */
#ifndef DJUST_STORE_ROW_H
#define DJUST_STORE_ROW_H

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "tables/catalog.h"
#include "tables/datum.h"

#define ROW_COLUMNS 12

/* Columns to write or to compare.  A table whose columns have other types is left to a statement. */
typedef struct Row
{
	int n;
	int columns[ROW_COLUMNS]; /* attribute numbers */
	Oid types[ROW_COLUMNS];
	Datum values[ROW_COLUMNS];
	bool nulls[ROW_COLUMNS];
	const char *idle_trigger; /* name of a trigger of this extension that would not change this row; NULL: none */
} Row;

typedef enum RowOutcome
{
	ROW_WRITTEN,
	/* another transaction has changed, deleted or ended the row: the values in "change" do not take effect */
	ROW_CHANGED,
	ROW_NEEDS_STATEMENT /* the table is not as the extension made it: nothing is written */
} RowOutcome;

/* The row gives every column a value.  Returns false, and writes nothing, when the table needs a statement. */
extern bool store_row_insert(CatalogTable table, const Row *row);
/*
 * Changes the session's row where it was read, if its columns still have the values in "read"; waits for a transaction
 * that is changing it.
 */
extern RowOutcome store_row_update_session(const SessionRow *session, const Row *read, Row *change);

static inline void
row_set(Row *row, AttrNumber column, Oid type, Datum value, bool is_null)
{
	Assert(row->n < ROW_COLUMNS);
	row->columns[row->n] = column;
	row->types[row->n] = type;
	row->values[row->n] = value;
	row->nulls[row->n++] = is_null;
}

static inline void
row_set_time(Row *row, AttrNumber column, TimestampTz value)
{
	row_set(row, column, TIMESTAMPTZOID, TimestampTzGetDatum(value), false);
}

static inline void
row_set_int(Row *row, AttrNumber column, int32 value)
{
	row_set(row, column, INT4OID, Int32GetDatum(value), false);
}

static inline void
row_set_uuid(Row *row, AttrNumber column, const pg_uuid_t *value)
{
	row_set(row, column, UUIDOID, UUIDPGetDatum(value), value == NULL);
}

static inline void
row_set_text(Row *row, AttrNumber column, const char *value)
{
	row_set(row, column, TEXTOID, text_datum(value), value == NULL);
}

#endif
