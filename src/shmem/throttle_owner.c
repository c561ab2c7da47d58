/*
 * throttle_owner.c
 *		Owns the mapping of the current tag to its user.
 *
 * Threat: a new key file gives all accounts other tags and would so lift all
 * locks.  A lock is therefore saved with its user id, by which database_copy.c
 * finds it again.  A lock of an unknown address has bytes of the same size
 * there, so that both rows look alike.
 */
#include "postgres.h"

#include "shmem/throttle_owner.h"

/* One at a time: a lock is made within the call that set the owner, or restored by throttle_undo.c with its owner. */
static struct
{
	AccountTag tag;
	pg_uuid_t user_id;
} owner;

void
throttle_owner_set(const AccountTag *tag, const uint8_t *user_id)
{
	owner.tag = *tag;
	memcpy(owner.user_id.data, user_id ? user_id : tag->bytes, UUID_LEN);
}

pg_uuid_t
throttle_owner_of(const AccountTag *tag)
{
	pg_uuid_t user_id;

	memcpy(user_id.data, memcmp(&owner.tag, tag, sizeof(*tag)) == 0 ? owner.user_id.data : tag->bytes, UUID_LEN);
	return user_id;
}
