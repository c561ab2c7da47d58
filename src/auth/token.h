/*
 * token.h
 *		Authenticating the bearer of a token.
 */
#ifndef DJUST_TOKEN_H
#define DJUST_TOKEN_H

#include "tables/catalog.h"

typedef enum RefreshState
{
	REFRESH_DEAD, /* unknown, expired, or never valid */
	REFRESH_CURRENT,
	REFRESH_PREVIOUS, /* used within the grace period: gets the same successor */
	REFRESH_REUSED /* used later: the session must end */
} RefreshState;

typedef struct Bearer
{
	SessionRow session;
	TimestampTz issued_at; /* of the token */
	TimestampTz expires_at;
} Bearer;

/*
 * True unless the session has expired, is older than session_max_lifetime, which may have been lowered since it was
 * opened, or was ended with all others.
 */
extern bool token_session_lives(const SessionRow *session, TimestampTz now);
/* Sessions that were opened at this time or before are dead. */
extern TimestampTz token_sessions_since(TimestampTz now);

/* Result of decoding one access token, cached by a call site that may see it again. */
typedef struct TokenMemo TokenMemo;

/* A memo for one token at a time, in the current context, wiped with it. */
extern TokenMemo *token_memo(void);

/* Finds the live session of an access token; false for all others.  Always reads the session; memo may be NULL. */
extern bool token_find_access(Slice token, TokenMemo *memo, Bearer *bearer);

/*
 * Finds the session of a refresh token of any generation, if its MAC is good.  presented_at decides on the grace
 * period: waiting for a concurrent refresh does not make a caller late.
 */
extern RefreshState token_find_refresh(Slice token, TimestampTz presented_at, SessionRow *session);

/*
 * The shard that an access token, a refresh token or the secret of a link names; -1 for garbage, and
 * for links of 1.0.  Verifies nothing.
 */
extern int token_shard(Slice token);

/* The refresh token of a session and generation, NUL-terminated, in wiped memory. */
extern char *token_make_refresh(const pg_uuid_t *sid, int32 generation);

#endif
