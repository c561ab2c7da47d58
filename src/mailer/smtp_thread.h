/*
 * smtp_thread.h
 *		Work that blocks, done in a thread while somebody is asked whether it is still wanted.
 */
#ifndef DJUST_SMTP_THREAD_H
#define DJUST_SMTP_THREAD_H

#include <stdbool.h>
#include <stdint.h>

typedef enum SmtpThreadEnd
{
	SMTP_THREAD_DONE,
	SMTP_THREAD_LATE,				/* the deadline has come */
	SMTP_THREAD_UNWANTED				/* poll() said so */
} SmtpThreadEnd;

/* Milliseconds that never run backwards. */
extern int64_t smtp_thread_clock(void);

/* One at a time.  False if there can be no thread. */
extern bool smtp_thread_start(void (*work) (void));

/*
 * Asks at least every 50 ms.  Where it is not done, or poll() has left by longjmp, it goes on: make it end, and
 * join.
 */
extern SmtpThreadEnd smtp_thread_wait(bool (*poll) (void *arg), void *arg, int64_t deadline);	/* by smtp_thread_clock() */

/* Between the start and the join. */
extern bool smtp_thread_is_on(void);

extern void smtp_thread_join(void);

#endif
