/*
 * scan.c
 *		Owns index scans of the extension's tables, for the readers in catalog_*.c.
 *
 * On object ids that are resolved once, no SPI, no plan, no privilege checks.
 * Key columns of type text are COLLATE "C", as scan keys are.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "scan.h"

Relation
scan_open_table(CatalogTable table)
{
	return table_open(catalog_table(table), AccessShareLock);
}

/* Opening the table may have accepted invalidations; the ids just used are then gone, but the scan needs only the index's. */
SysScanDesc
scan_of_index(Relation relation, CatalogIndex index, int nkeys, ScanKey keys)
{
	return systable_beginscan(relation, catalog_index(index), true, NULL, nkeys, keys);
}

void
scan_begin(Scan *scan, CatalogTable table, CatalogIndex index, int nkeys, ScanKey keys)
{
	scan->relation = scan_open_table(table);
	scan->scan = scan_of_index(scan->relation, index, nkeys, keys);
}

HeapTuple
scan_next(Scan *scan)
{
	return systable_getnext(scan->scan);
}

void
scan_end(Scan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->relation, AccessShareLock);
}

void
scan_end_locked(Scan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->relation, NoLock);
}

void
scan_text_key(ScanKey key, AttrNumber attribute, const char *value)
{
	ScanKeyInit(key, attribute, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(value));
}

void
scan_uuid_key(ScanKey key, AttrNumber attribute, const pg_uuid_t *value)
{
	ScanKeyInit(key, attribute, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(value));
}

char *
scan_text_or_null(Datum value, bool is_null)
{
	return is_null ? NULL : TextDatumGetCString(value);
}

/* The first columns, which are ours: an administrator may have added others. */
void
scan_deform(HeapTuple tuple, Relation relation, int columns, Datum *values, bool *nulls)
{
	TupleDesc	descriptor = RelationGetDescr(relation);
	Datum	   *all;

	if (descriptor->natts == columns)
	{
		heap_deform_tuple(tuple, descriptor, values, nulls);
		return;
	}
	all = palloc(descriptor->natts * (sizeof(Datum) + sizeof(bool)));
	heap_deform_tuple(tuple, descriptor, all, (bool *) (all + descriptor->natts));
	memcpy(values, all, columns * sizeof(Datum));
	memcpy(nulls, all + descriptor->natts, columns * sizeof(bool));
	pfree(all);
}

void
scan_bytes_key(ScanKey key, AttrNumber attribute, const uint8_t *bytes, size_t size)
{
	bytea	   *value = palloc(VARHDRSZ + size);

	SET_VARSIZE(value, VARHDRSZ + size);
	memcpy(VARDATA(value), bytes, size);
	ScanKeyInit(key, attribute, BTEqualStrategyNumber, F_BYTEAEQ, PointerGetDatum(value));
}
