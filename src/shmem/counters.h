/*
 * counters.h
 *		Counters since server start, of the server and of each database, and
 *		whether the library was preloaded.
 */
#ifndef DJUST_COUNTERS_H
#define DJUST_COUNTERS_H

#include "datatype/timestamp.h"

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

extern size_t counters_size(void);
extern void counters_attach(void);

/* True if the library was preloaded, so shared memory exists; the second raises 55000 if not. */
extern bool preloaded(void);
extern void preloaded_require(void);

extern void counter_add(Counter counter, uint64_t n);
/* Of all databases, and of this one; *since is when this one's were at 0. */
extern uint64_t counter_value(Counter counter);
extern uint64_t counter_here(Counter counter, TimestampTz *since);
extern const char *counter_name(Counter counter);
extern const char *counter_description(Counter counter);

#endif
