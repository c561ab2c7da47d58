/*
 * store_check.h
 *		CHECK constraints of the extension's tables; for store_row.c.
 */
#ifndef DJUST_STORE_CHECK_H
#define DJUST_STORE_CHECK_H

#include "nodes/execnodes.h"
#include "utils/relcache.h"

#include "tables/catalog.h"

/* Raises for a row that breaks one.  result and estate are the caller's, for what cannot be prepared. */
extern void store_check(CatalogTable table, Relation relation, ResultRelInfo *result, TupleTableSlot *slot,
						EState *estate);

#endif
