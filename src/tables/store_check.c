/*
 * store_check.c
 *		Owns the checking of CHECK constraints of rows that are written without
 *		a statement.
 *
 * They are prepared once in a backend, and again when the table, any function
 * or any domain changes.
 *
 * Threat: a row that a constraint would refuse, because what was prepared is
 * out of date or was never finished.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "tables/store_check.h"

/*
 * CHECK constraints of a table, prepared: the executor reads their text and looks up their functions each time it is
 * asked anew.
 */
typedef struct Checker
{
	Oid			id;				/* of the table; InvalidOid: it, a function or a domain may have changed since */
	EState	   *estate;			/* what is prepared belongs to it */
	ResultRelInfo *result;
	bool		busy;
} Checker;

static Checker checkers[CATALOG_TABLES];
static bool callbacks_registered = false;

/* Only flips flags: a checker may be in use. */
static void
relation_changed(Datum arg, Oid relid)
{
	int			i;

	for (i = 0; i < CATALOG_TABLES; i++)
		if (relid == InvalidOid || relid == checkers[i].id)
			checkers[i].id = InvalidOid;
}

/* A function that a constraint calls, or a domain that it casts to. */
static void
dependency_changed(Datum arg, int cache, uint32 hash)
{
	relation_changed(arg, InvalidOid);
}

static void
register_callbacks(void)
{
	if (callbacks_registered)
		return;
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, dependency_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, dependency_changed, (Datum) 0);
	callbacks_registered = true;
}

static void
prepare(Checker *checker, Relation relation)
{
	MemoryContext old;

	if (checker->id == RelationGetRelid(relation))
		return;
	register_callbacks();
	if (checker->estate)
		FreeExecutorState(checker->estate);
	checker->estate = NULL;
	old = MemoryContextSwitchTo(CacheMemoryContext);
	checker->estate = CreateExecutorState();
	MemoryContextSwitchTo(checker->estate->es_query_cxt);
	checker->result = makeNode(ResultRelInfo);
	InitResultRelInfo(checker->result, relation, 0, NULL, 0);
	MemoryContextSwitchTo(old);
	checker->id = RelationGetRelid(relation);
}

/* A constraint whose function writes to its own table finds the checker busy. */
void
store_check(CatalogTable table, Relation relation, ResultRelInfo *result, TupleTableSlot *slot, EState *estate)
{
	Checker    *checker = &checkers[table];
	TupleConstr *constraints = RelationGetDescr(relation)->constr;

	if (constraints == NULL)
		return;
	if (constraints->num_check == 0 || checker->busy)
	{
		ExecConstraints(result, slot, estate);
		return;
	}
	prepare(checker, relation);
	checker->result->ri_RelationDesc = relation;
	checker->busy = true;
	PG_TRY();
	{
		ExecConstraints(checker->result, slot, checker->estate);
	}
	PG_CATCH();
	{
		/* The error may have come while they were being prepared: what there is of them is not to be used. */
		checker->id = InvalidOid;
		checker->busy = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	ResetPerTupleExprContext(checker->estate);
	checker->busy = false;
}
