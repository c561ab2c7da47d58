/*
 * queue_write.h
 *		Writing queued audit events and locks, in the worker.
 */
#ifndef DJUST_QUEUE_WRITE_H
#define DJUST_QUEUE_WRITE_H

/* Writes a batch and returns its size; after the commit queue_write_done removes it from the queue. */
extern int queue_write_batch(void);
extern void queue_write_done(void);

#endif
