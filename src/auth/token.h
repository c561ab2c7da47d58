/*
 * token.h
 *		Who presents this token, now.
 */
#ifndef DJUST_TOKEN_H
#define DJUST_TOKEN_H

#include "tables/catalog.h"

typedef enum RefreshState
{
	REFRESH_DEAD,				/* unknown, expired, or never valid */
	REFRESH_CURRENT,
	REFRESH_PREVIOUS,			/* used within the grace window: the same successor */
	REFRESH_REUSED				/* used before that: the session must die */
} RefreshState;

/* Of a token that nothing is known about yet. */
typedef struct TokenKey
{
	pg_uuid_t	sid;
	uint8_t		hash[SHA256_SIZE];
} TokenKey;

typedef struct Bearer
{
	SessionRow	session;
	TimestampTz issued_at;		/* of the token */
	TimestampTz expires_at;
} Bearer;

/* What can be told from the letters of an access token alone, remembered by a caller who may meet it again. */
typedef struct TokenMemo TokenMemo;

/* A memory for one token at a time, in the current context, wiped with it. */
extern TokenMemo *token_memo(void);

/*
 * Live session behind an access token; false for everything else.  The session is looked at each time; memo may be
 * NULL.
 */
extern bool token_access(const char *token, size_t length, TokenMemo *memo, Bearer *identity);

/*
 * The same in two steps, of the same token and memo, for a caller with other work while the processor fetches where the
 * session is.
 */
extern bool token_begin(const char *token, size_t length, TokenMemo *memo, TokenKey *letters);
extern bool token_finish(const TokenKey *letters, const char *token, size_t length, TokenMemo *memo, Bearer *identity);

/*
 * Session behind a refresh token of any generation, if its MAC is good.  presented_at decides on the grace: a caller
 * that has waited for another refresh since then was not late.
 */
extern RefreshState token_refresh(const char *token, size_t length, TimestampTz presented_at, SessionRow *session);

/* The refresh token of a session and generation, NUL-terminated, in wiped memory. */
extern char *token_refresh_token(const pg_uuid_t *sid, int32 generation);

#endif
