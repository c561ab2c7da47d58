/*
 * session_revoke.h
 *		Ending a session outside of any transaction, for the store.
 */
#ifndef DJUST_SESSION_REVOKE_H
#define DJUST_SESSION_REVOKE_H

#include "access/htup.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/uuid.h"

/* Dead in every backend, and on disk, when this returns; listed in session_ended until its row is deleted. */
extern void session_revoke_at_once(const pg_uuid_t *sid);

/*
 * After an update of a session's row: if the old version was marked as ended meanwhile, the new one is marked too.  old
 * must be read from its page now, not a copy from before the update.  True if it was ended.
 */
extern bool session_revoke_follow(Relation relation, HeapTuple old, const ItemPointerData *fresh);

#endif
