/*
 * stats.h
 *		The results of stats() and of the view stat.
 */
#ifndef DJUST_STATS_H
#define DJUST_STATS_H

#include "utils/tuplestore.h"

/* A JSON object. */
extern char *stats_json(void);
/* The rows of the view that are read from shared memory and the key file. */
extern void stats_rows(Tuplestorestate *store, TupleDesc descriptor);

#endif
