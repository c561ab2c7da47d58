/*
 * throttle_event.h
 *		Counts attempts refused without hashing, for the audit.
 */
#ifndef DJUST_THROTTLE_EVENT_H
#define DJUST_THROTTLE_EVENT_H

#include "shmem/event_queue.h"

#define THROTTLE_EVENT_S 60

/* Padding of rows without a user: they lack the user's id, and half of it in the index by user. */
#define AUDIT_PAD(has_user) ((has_user) ? 0 : UUID_LEN + UUID_LEN / 2)

extern size_t throttle_event_size(void);
extern void throttle_event_attach(struct LWLock *lock);

/*
 * Counts an attempt.  Returns 0 if it was only counted, otherwise the number of attempts for the event that the caller
 * must write now.  event, without its detail, is stored with the first attempt of a minute.
 */
extern uint32_t throttle_event_count(const AccountTag *tag, const QueuedEvent *event, bool has_worker);

/* For the worker: queues this database's events that are due, or all; returns when the next is due, or DT_NOEND. */
extern TimestampTz throttle_event_flush(bool all);

/* Time of the oldest event still counting in this database; DT_NOEND if there is none. */
extern TimestampTz throttle_event_oldest(void);

/* JSON detail of an event for n attempts. */
extern void throttle_event_detail(const AccountTag *tag, bool has_user, uint32_t n,
								  char detail[EVENT_QUEUE_DETAIL_MAX]);

#endif
