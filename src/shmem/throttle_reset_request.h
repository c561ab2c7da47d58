/*
 * throttle_reset_request.h
 *		Limits reset requests per address.
 */
#ifndef DJUST_THROTTLE_RESET_REQUEST_H
#define DJUST_THROTTLE_RESET_REQUEST_H

#include "crypto/account_tag.h"

struct LWLock;

extern size_t throttle_reset_request_size(void);
extern void throttle_reset_request_attach(struct LWLock *lock);

/* True, and counted, if allowed: one a minute, five an hour. */
extern bool throttle_reset_request_admit(const AccountTag *tag);

#endif
