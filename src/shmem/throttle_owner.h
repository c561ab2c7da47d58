/*
 * throttle_owner.h
 *		The user a throttle tag belongs to.
 */
#ifndef DJUST_THROTTLE_OWNER_H
#define DJUST_THROTTLE_OWNER_H

#include "utils/uuid.h"

#include "crypto/account_tag.h"

/* Call before anything that may lock the tag; user_id NULL: no user has the address. */
extern void throttle_owner_set(const AccountTag *tag, const uint8_t *user_id);

/* As last set for this tag in this backend; without a user, bytes of the tag. */
extern pg_uuid_t throttle_owner_of(const AccountTag *tag);

#endif
