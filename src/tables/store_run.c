/*
 * store_run.c
 *		Owns running the store's statements by SPI.
 *
 * Each is prepared and planned once per backend, and runs under the latest
 * snapshot, so that it sees what is committed now, even in an older REPEATABLE
 * READ transaction.
 *
 * Threats: a caller's search_path or operators in a statement that runs as the
 * owner.  All text in store_*.c is constant (except GRANT, which its caller
 * quotes), every name and operator is qualified, and functions that lead here
 * are declared with search_path = pg_catalog, pg_temp.  And changes by a caller
 * or by a user's trigger that pass for the library's own work, which is not
 * audited.  The mark of own work is in this file's memory, and applies only to
 * triggers fired by the marked statement.
 */
#include "postgres.h"

#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "tables/store.h"
#include "tables/store_run.h"

/* Trigger depth of the running statement if it is the library's own work; else -1. */
static int own_depth = -1;

void
store_connect(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
}

void
store_finish(void)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
}

static SPIPlanPtr
plan_of(StoreStatement *statement, int n)
{
	if (statement->plan == NULL)
	{
		SPIPlanPtr plan = SPI_prepare_cursor(statement->text, n, statement->types, CURSOR_OPT_GENERIC_PLAN);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare a statement");
		statement->plan = plan;
	}
	return statement->plan;
}

/*
 * Without sorting: a plan made while the table was small stays until the table is analyzed, and would read all of a
 * large one for each portion.  Without compiling, which the price of what is switched off would start.  On an error
 * the transaction's abort restores the settings.
 */
static int
plan_by_index(void)
{
	static const char *const off[] = {"enable_seqscan", "enable_bitmapscan", "enable_sort", "jit"};
	int level = NewGUCNestLevel();
	int i;

	for (i = 0; i < lengthof(off); i++)
		set_config_option(off[i], "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return level;
}

static int
trigger_depth(void)
{
	return DatumGetInt32(pg_trigger_depth(NULL));
}

/* True only for the statement that fires the trigger, not for one that an intermediate trigger runs. */
bool
store_is_own_work(void)
{
	return own_depth >= 0 && trigger_depth() == own_depth + 1;
}

static int
run_plan(StoreStatement *statement, Arguments arguments, Snapshot snapshot)
{
	char nulls[MAX_ARGUMENTS];
	int outer_depth = own_depth;
	int result;
	int i;

	Assert(statement->types[arguments.n] == InvalidOid);
	for (i = 0; i < arguments.n; i++)
		nulls[i] = arguments.values[i] == (Datum) 0 && !get_typbyval(statement->types[i]) ? 'n' : ' ';
	own_depth = statement->administrative ? -1 : trigger_depth();
	PG_TRY();
	{
		result = SPI_execute_snapshot(plan_of(statement, arguments.n),
									  (Datum *) arguments.values,
									  nulls,
									  snapshot ? snapshot : GetLatestSnapshot(),
									  InvalidSnapshot,
									  snapshot != NULL,
									  true,
									  0);
	}
	PG_FINALLY();
	{
		own_depth = outer_depth;
	}
	PG_END_TRY();
	return result;
}

uint64
store_query(StoreStatement *statement, Arguments arguments, Snapshot snapshot)
{
	MemoryContext caller = CurrentMemoryContext;
	int level = 0;
	int result;

	store_connect();
	if (statement->by_index)
		level = plan_by_index();
	result = run_plan(statement, arguments, snapshot);
	if (statement->by_index)
		AtEOXact_GUC(true, level);
	if (result < 0)
		elog(ERROR, "a statement failed: %s", SPI_result_code_string(result));
	MemoryContextSwitchTo(caller);
	return SPI_processed;
}

/* An administrator may have changed a column, and with it the result type. */
Datum
store_column(uint64 row, int number, Oid type, bool *is_null)
{
	TupleDesc descriptor = SPI_tuptable->tupdesc;

	if (SPI_gettypeid(descriptor, number) != type)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("column \"%s\" is not of the type that the extension gave it", SPI_fname(descriptor, number)),
				 errhint("Undo the change of its table.")));
	return SPI_getbinval(SPI_tuptable->vals[row], descriptor, number, is_null);
}

Datum
store_value(uint64 row, int number, Oid type)
{
	bool is_null;
	Datum value = store_column(row, number, type, &is_null);

	if (is_null)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("column \"%s\" is null", SPI_fname(SPI_tuptable->tupdesc, number)),
				 errhint("Set a value, and make the column NOT NULL again.")));
	return value;
}

char *
store_text_or_null(uint64 row, int number)
{
	bool is_null;
	Datum value = store_column(row, number, TEXTOID, &is_null);

	return is_null ? NULL : TextDatumGetCString(value);
}

void
store_grant(const char *statement)
{
	store_connect();
	if (SPI_execute(statement, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not grant");
	store_finish();
}

uint64
store_run(StoreStatement *statement, Arguments arguments)
{
	uint64 rows = store_query(statement, arguments, NULL);

	store_finish();
	return rows;
}

Datum
store_run_value(StoreStatement *statement, Arguments arguments, Oid type, bool *is_null)
{
	Datum value;

	Assert(get_typbyval(type));
	if (store_query(statement, arguments, NULL) != 1)
		elog(ERROR, "a statement gave no value");
	value = is_null ? store_column(0, 1, type, is_null) : store_value(0, 1, type);
	store_finish();
	return value;
}
