/*
 * store_run.h
 *		Running statements; only for store*.c.
 */
#ifndef DJUST_STORE_RUN_H
#define DJUST_STORE_RUN_H

#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "server/compat.h"

#define EQ " OPERATOR(pg_catalog.=) "
#define LE " OPERATOR(pg_catalog.<=) "
#define LT " OPERATOR(pg_catalog.<) "
#define GE " OPERATOR(pg_catalog.>=) "
#define GT " OPERATOR(pg_catalog.>) "
#define MAX_ARGUMENTS 12

typedef struct StoreStatement
{
	const char *text;
	int narguments;
	Oid types[MAX_ARGUMENTS];
	bool by_index; /* forbids sequential scans, whatever the planner estimates */
	bool administrative; /* an administrator's change, to be audited; others are the library's own work */
	SPIPlanPtr plan; /* prepared at the first use in a backend */
} StoreStatement;

/* Arguments of one call. */
typedef struct Call
{
	int n;
	Datum values[MAX_ARGUMENTS];
	char nulls[MAX_ARGUMENTS];
} Call;

extern void store_connect(void);
extern void store_finish(void);

/* Call between store_connect and store_finish; results are in SPI_tuptable. */
extern uint64 store_execute(StoreStatement *statement, Call *call);
/* Reads under a snapshot that the caller has registered. */
extern uint64 store_execute_under(StoreStatement *statement, Call *call, Snapshot snapshot);
/* Raise 55000 if the column has another type; store_value also if it is null. */
extern Datum store_column(uint64 row, int number, Oid type, bool *is_null);
extern Datum store_value(uint64 row, int number, Oid type);

/* Connects, runs, finishes; returns the number of rows. */
extern uint64 store_run(StoreStatement *statement, Call *call);
/* The value, of a type passed by value, of a statement that returns one row. */
extern Datum store_run_value(StoreStatement *statement, Call *call, Oid type, bool *is_null);

static inline void
put(Call *call, Datum value, bool is_null)
{
	Assert(call->n < MAX_ARGUMENTS);
	call->values[call->n] = value;
	call->nulls[call->n] = is_null ? 'n' : ' ';
	call->n++;
}

static inline void
put_text(Call *call, const char *value)
{
	put(call, value ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

static inline void
put_uuid(Call *call, const pg_uuid_t *value)
{
	put(call, value ? UUIDPGetDatum(value) : (Datum) 0, value == NULL);
}

static inline void
put_time(Call *call, TimestampTz value)
{
	put(call, TimestampTzGetDatum(value), false);
}

static inline void
put_int(Call *call, int32 value)
{
	put(call, Int32GetDatum(value), false);
}

static inline void
put_id(Call *call, int64 value)
{
	put(call, Int64GetDatum(value), false);
}

static inline Datum
bytes_datum(const uint8 *value, size_t n)
{
	bytea *copy = palloc(VARHDRSZ + n);

	SET_VARSIZE(copy, VARHDRSZ + n);
	memcpy(VARDATA(copy), value, n);
	return PointerGetDatum(copy);
}

static inline void
put_bytes(Call *call, const uint8 *value, size_t n)
{
	put(call, value ? bytes_datum(value, n) : (Datum) 0, value == NULL);
}

#endif
