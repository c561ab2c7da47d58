/*
 * queue_write.h
 *		Writing audit events and locks from the event queue, in the worker.
 */
#ifndef DJUST_QUEUE_WRITE_H
#define DJUST_QUEUE_WRITE_H

/* Writes a batch, and says how many entries; they leave the queue when queue_write_done is called after commit. */
extern int	queue_write_batch(void);
extern void queue_write_done(void);

#endif
