/*
 * throttle_event.h
 *		Attempts that were refused without hashing, counted for the audit.
 */
#ifndef DJUST_THROTTLE_EVENT_H
#define DJUST_THROTTLE_EVENT_H

#include "crypto/account_tag.h"
#include "shmem/event_queue.h"

#define THROTTLE_EVENT_S 60

extern size_t throttle_event_size(void);
extern void throttle_event_attach(struct LWLock *lock);

/*
 * Counts an attempt for the account.  The answer is 0 when the attempt was only counted, or how many attempts an event
 * that the caller writes now is to tell of.  event is kept with the first attempt of a minute; it has no detail yet.
 */
extern uint32_t throttle_event_count(const AccountTag *tag, const QueuedEvent *event, bool has_worker);

/*
 * For the worker: hands to the event queue, with their detail, the events of this database whose minute is over, or all of
 * them.  The answer is when the next one will be over, DT_NOEND where there is none.
 */
extern TimestampTz throttle_event_flush(bool all);

/* The earliest time of an event that is still counting in this database; DT_NOEND where there is none. */
extern TimestampTz throttle_event_oldest(void);

/* JSON of an event that tells of n attempts. */
extern void throttle_event_detail(const AccountTag *tag, bool has_user, uint32_t n,
								  char detail[EVENT_QUEUE_DETAIL_MAX]);

#endif
