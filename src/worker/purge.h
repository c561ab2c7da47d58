/*
 * purge.h
 *		Writing what waits in the ring, removing what has expired, counting.
 */
#ifndef DJUST_PURGE_H
#define DJUST_PURGE_H

#include <stdbool.h>

/* In the worker: writes a batch; it leaves the ring when upkeep_written is called after commit. */
extern int	purge_write_queue(void);
extern void upkeep_written(void);

/* In the worker: removes a batch; false at the end of the last table, or after upkeep_purge_stop. */
extern bool upkeep_purge_some(void);
extern void upkeep_purge_stop(void);

/* JSON objects. */
extern char *upkeep_purge(void);
extern char *upkeep_stats(void);

#endif
