/*
 * throttle_reset.h
 *		How often a reset may be asked for.
 */
#ifndef DJUST_THROTTLE_RESET_H
#define DJUST_THROTTLE_RESET_H

#include "crypto/account_tag.h"
#include "shmem/throttle.h"

struct LWLock;

extern size_t throttle_reset_size(void);
extern void throttle_reset_attach(struct LWLock *lock);

/* One a minute, five an hour; counts when it answers true. */
extern bool throttle_reset_admit(const AccountTag *tag);

#endif
