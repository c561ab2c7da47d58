/*
 * worker_task.h
 *		Running a task of the worker in its own transaction.
 */
#ifndef DJUST_WORKER_TASK_H
#define DJUST_WORKER_TASK_H

typedef enum WorkerResult
{
	WORKER_DONE,
	WORKER_FAILED, /* logged and rolled back */
	WORKER_ABSENT /* the extension does not exist in the database */
} WorkerResult;

typedef void (*WorkerTask)(void *arg);

/* Never raises. */
extern WorkerResult worker_task_run(WorkerTask task, void *arg, const char *activity);

#endif
