/*
 * pace.h
 *		How often a reset may be asked for.
 */
#ifndef DJUST_PACE_H
#define DJUST_PACE_H

#include "throttle.h"

struct LWLock;

extern size_t pace_size(void);
extern void pace_attach(struct LWLock *lock);

/* One a minute, five an hour; counts when it answers true. */
extern bool pace_reset_request(const ThrottleTag *tag);

#endif
