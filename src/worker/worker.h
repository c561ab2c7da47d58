/*
 * worker.h
 *		The background worker, and what its parts need of it.
 */
#ifndef DJUST_WORKER_H
#define DJUST_WORKER_H

#include <stdbool.h>

#include "datatype/timestamp.h"

typedef enum WorkerResult
{
	WORKER_DONE,
	WORKER_FAILED,				/* logged and rolled back */
	WORKER_ABSENT				/* there is no extension in the database */
} WorkerResult;

/* One worker for each served database; only while the library is being preloaded. */
extern void worker_register(void);

/* Runs task in a transaction of its own.  Never raises. */
typedef void (*WorkerTask) (void *arg);
extern WorkerResult worker_do(WorkerTask task, void *arg, const char *activity);

/* What must not wait while a mail is being sent; false when the worker has to end. */
extern bool worker_poll(void *arg);

#endif
