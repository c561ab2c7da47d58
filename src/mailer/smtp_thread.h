/*
 * smtp_thread.h
 *		Work that blocks, done in a thread while somebody is asked whether it is still wanted.
 */
#ifndef DJUST_SMTP_THREAD_H
#define DJUST_SMTP_THREAD_H

#include <stdbool.h>
#include <stdint.h>

typedef enum ErrandEnd
{
	ERRAND_DONE,
	ERRAND_LATE,				/* the deadline has come */
	ERRAND_UNWANTED				/* meanwhile() said so */
} ErrandEnd;

/* Milliseconds that never run backwards. */
extern int64_t errand_clock(void);

/* One at a time.  False if there can be no thread. */
extern bool errand_start(void (*work) (void));

/*
 * Asks at least every 50 ms.  Where it is not done, or meanwhile() has left by longjmp, it goes on: make it end, and
 * join.
 */
extern ErrandEnd errand_wait(bool (*meanwhile) (void *arg), void *arg, int64_t deadline);	/* by errand_clock() */

/* Between the start and the join. */
extern bool errand_is_on(void);

extern void errand_join(void);

#endif
