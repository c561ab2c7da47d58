/*
 * session.h
 *		Opening, renewing, listing and ending sessions.
 */
#ifndef DJUST_SESSION_H
#define DJUST_SESSION_H

#include "lib/stringinfo.h"

#include "auth/token.h"
#include "http/verdict.h"

/*
 * True if a session that is opened may end others: the caller of session_open must then have confirmed the user for
 * update at once.  Two of them that first held a weaker lock would wait for each other.
 */
extern bool session_limited(void);
/* The caller must have confirmed, and so locked, the user.  actor: the role that acts for the user, or NULL. */
extern void session_open(const pg_uuid_t *user_id, const char *actor, pg_uuid_t *sid, Answer *answer);
/* Appends the claim act (RFC 8693 section 4.1) unless actor is NULL. */
extern void session_append_act(StringInfo out, const char *actor);
/* Detail of an event of this session: who acts; NULL if it is the user. */
extern char *session_detail(const SessionRow *session);
extern void session_refresh(Slice token, Answer *answer);
/* Accepts either token of the pair; true if a live session ended. */
extern bool session_logout(Slice token);
/* Ends that session of the token's user, or with NULL all others; returns how many. */
extern int session_end(Slice token, const pg_uuid_t *sid);
extern char *session_list(Slice token);
extern char *session_introspect(Slice token, bool refresh_too);

#endif
