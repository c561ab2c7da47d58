/*
 * store_run.h
 *		Running statements; only for store*.c.
 */
#ifndef DJUST_STORE_RUN_H
#define DJUST_STORE_RUN_H

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/timestamp.h"

#include "tables/datum.h"

#define EQ " OPERATOR(pg_catalog.=) "
#define NE " OPERATOR(pg_catalog.<>) "
#define LE " OPERATOR(pg_catalog.<=) "
#define LT " OPERATOR(pg_catalog.<) "
#define GE " OPERATOR(pg_catalog.>=) "
#define GT " OPERATOR(pg_catalog.>) "
#define MAX_ARGUMENTS 12

/* Declare it static: it keeps its plan for the life of the backend. */
typedef struct StoreStatement
{
	const char *text;
	Oid types[MAX_ARGUMENTS + 1]; /* of the arguments, ended by InvalidOid */
	bool by_index; /* rows come in the order of an index, whatever the planner estimates */
	bool administrative; /* an administrator's change, to be audited; others are the library's own work */
	SPIPlanPtr plan; /* prepared at the first use in a backend */
} StoreStatement;

typedef struct Arguments
{
	int n;
	const Datum *values; /* 0 is NULL where the type is passed by reference */
} Arguments;

#define ARGUMENTS(...) ((Arguments){sizeof((Datum[]){__VA_ARGS__}) / sizeof(Datum), (Datum[]){__VA_ARGS__}})

extern void store_connect(void);
extern void store_finish(void);

/*
 * Connects and runs, under the latest snapshot, or only reads, under one that the caller has registered; returns the
 * number of rows, which are in SPI_tuptable until store_finish.  The caller's memory context stays the current one.
 */
extern uint64 store_query(StoreStatement *statement, Arguments arguments, Snapshot snapshot);
/* Raise 55000 if the column has another type; store_value also if it is null. */
extern Datum store_column(uint64 row, int number, Oid type, bool *is_null);
extern Datum store_value(uint64 row, int number, Oid type);
extern char *store_text_or_null(uint64 row, int number);

/* Connects, runs, finishes; returns the number of rows. */
extern uint64 store_run(StoreStatement *statement, Arguments arguments);
/* The value, of a type passed by value, of a statement that returns one row; is_null NULL: it is never null. */
extern Datum store_run_value(StoreStatement *statement, Arguments arguments, Oid type, bool *is_null);

#endif
