/*
 * store_seal_row.h
 *		Reading result rows of seals and events; only for store_seal*.c.
 */
#ifndef DJUST_STORE_SEAL_ROW_H
#define DJUST_STORE_SEAL_ROW_H

#include "tables/store_run.h"
#include "tables/store_seal.h"

static inline Datum
column(int row, int *number, Oid type)
{
	return store_value(row, ++*number, type);
}

static inline pg_uuid_t
uuid_column(int row, int *number)
{
	return *DatumGetUUIDP(column(row, number, UUIDOID));
}

static inline EventKey
key_columns(int row, int *number)
{
	EventKey key;

	key.at = DatumGetTimestampTz(column(row, number, TIMESTAMPTZOID));
	key.id = uuid_column(row, number);
	return key;
}

#define UP_TO(n) " LIMIT " CppAsString2(n)
#define KEY_OIDS TIMESTAMPTZOID, UUIDOID
#define KEY_DATUMS(key) TimestampTzGetDatum((key)->at), UUIDPGetDatum(&(key)->id)

#endif
