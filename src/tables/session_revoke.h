/*
 * session_revoke.h
 *		Ending a session outside of its transaction, for the store and the
 *		trigger djust_keep_ended.
 */
#ifndef DJUST_SESSION_REVOKE_H
#define DJUST_SESSION_REVOKE_H

#include "access/htup.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/uuid.h"

/* On return the session is dead in every backend and on disk; session_ended lists it until its row is deleted. */
extern void session_revoke_at_once(const pg_uuid_t *sid);

/*
 * False if session_ended has no page, and so no row; all rows of its pages may be dead.  Raises 55000 if the table is
 * not as the extension made it.
 */
extern bool session_revoke_may_have_entries(void);

/*
 * After an update of a session's row: marks the new version as ended if the old one was marked meanwhile, and returns
 * true then.  old must be read from its page now, not a copy from before the update.
 */
extern bool session_revoke_follow(Relation relation, HeapTuple old, const ItemPointerData *fresh);

#endif
