/*
 * purge.h
 *		Deleting expired rows.
 */
#ifndef DJUST_PURGE_H
#define DJUST_PURGE_H

#include <stdbool.h>

/* For the worker: deletes a batch; false at the end of the last table, or after purge_stop. */
extern bool purge_step(void);
extern void purge_stop(void);

/* For the SQL function purge(): deletes everything at once; returns the number of rows per table as JSON. */
extern char *purge_all(void);

#endif
