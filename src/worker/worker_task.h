/*
 * worker_task.h
 *		One task of the worker, in a transaction of its own.
 */
#ifndef DJUST_WORKER_TASK_H
#define DJUST_WORKER_TASK_H

typedef enum WorkerResult
{
	WORKER_DONE,
	WORKER_FAILED,				/* logged and rolled back */
	WORKER_ABSENT				/* there is no extension in the database */
} WorkerResult;

typedef void (*WorkerTask) (void *arg);

/* Never raises. */
extern WorkerResult worker_task_run(WorkerTask task, void *arg, const char *activity);

#endif
