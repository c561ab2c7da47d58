/*
 * throttle_reset.h
 *		How often a reset may be asked for.
 */
#ifndef DJUST_THROTTLE_RESET_H
#define DJUST_THROTTLE_RESET_H

#include "shmem/throttle.h"

struct LWLock;

extern size_t pace_size(void);
extern void pace_attach(struct LWLock *lock);

/* One a minute, five an hour; counts when it answers true. */
extern bool pace_reset_request(const ThrottleTag *tag);

#endif
