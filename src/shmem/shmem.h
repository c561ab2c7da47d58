/*
 * shmem.h
 *		The shared memory segment: what is in it and the counters.
 */
#ifndef DJUST_SHMEM_H
#define DJUST_SHMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of stats(). */
typedef enum Counter
{
	COUNT_LOGINS,
	COUNT_LOGIN_FAILURES,
	COUNT_HASHES,
	COUNT_HASH_WAITS,
	COUNT_HASH_TIMEOUTS,
	COUNT_THROTTLED,
	COUNT_REFRESHES,
	COUNT_REFRESH_REUSES,
	COUNT_LOGOUTS,
	COUNT_RESET_REQUESTS,
	COUNT_MAILS_SENT,
	COUNT_MAILS_FAILED,
	COUNT_AUDIT_LOST,
	COUNT_PURGED,
	COUNTERS
} Counter;

/* Hooks the segment into server start; only while the library is being preloaded. */
extern void shared_init(void);

/* Raises 55000 unless the library was preloaded; or just tells. */
extern void shared_require(void);
extern bool shared_loaded(void);

extern void shared_count(Counter counter, uint64_t n);
extern uint64_t shared_counter(Counter counter);
extern const char *shared_counter_name(Counter counter);

#endif
