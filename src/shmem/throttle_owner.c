/*
 * throttle_owner.c
 *		Owns which user the tag in use belongs to.
 *
 * Threat: a new key file gives all accounts other tags and so would lift all
 * locks.  A lock is saved with its user, by whom it is found again
 * (database_copy.c).  A lock of an unknown address has something of the same
 * size there, so that the rows of both are alike.
 */
#include "postgres.h"

#include "shmem/throttle_owner.h"

/* One at a time: a lock is made within the call that told the owner, or is put back by its note (throttle_undo.c). */
static struct
{
	AccountTag tag;
	pg_uuid_t	user_id;
}			owner;

void
throttle_owner(const AccountTag *tag, const uint8_t *user_id)
{
	owner.tag = *tag;
	memcpy(owner.user_id.data, user_id ? user_id : tag->bytes, UUID_LEN);
}

pg_uuid_t
throttle_owner_of(const AccountTag *tag)
{
	pg_uuid_t	user_id;

	memcpy(user_id.data, memcmp(&owner.tag, tag, sizeof(*tag)) == 0 ? owner.user_id.data : tag->bytes, UUID_LEN);
	return user_id;
}
