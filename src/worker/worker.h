/*
 * worker.h
 *		The background worker of each served database.
 */
#ifndef DJUST_WORKER_H
#define DJUST_WORKER_H

/* Registers a worker per served database; call only while the library is being preloaded. */
extern void worker_register(void);

#endif
