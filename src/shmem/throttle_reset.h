/*
 * throttle_reset.h
 *		Limits reset requests per address.
 */
#ifndef DJUST_THROTTLE_RESET_H
#define DJUST_THROTTLE_RESET_H

#include "crypto/account_tag.h"

struct LWLock;

extern size_t throttle_reset_size(void);
extern void throttle_reset_attach(struct LWLock *lock);

/* True, and counted, if allowed: one a minute, five an hour. */
extern bool throttle_reset_admit(const AccountTag *tag);

#endif
