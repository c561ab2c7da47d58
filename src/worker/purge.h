/*
 * purge.h
 *		Removing what has expired.
 */
#ifndef DJUST_PURGE_H
#define DJUST_PURGE_H

#include <stdbool.h>

/* In the worker: removes a batch; false at the end of the last table, or after purge_stop. */
extern bool purge_step(void);
extern void purge_stop(void);

/* The function purge(): everything at once; the rows removed, by table, as JSON. */
extern char *purge_all(void);

#endif
