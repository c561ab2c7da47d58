/*
 * answer.h
 *		The only map from verdicts to answers and from misuse to SQLSTATEs.
 */
#ifndef DJUST_ANSWER_H
#define DJUST_ANSWER_H

#include "utils/uuid.h"

#include "http/verdict.h"
#include "server/compat.h"

typedef enum Face
{
	FACE_LOGIN,					/* djust_login, djust_refresh: invalid_grant is 401 */
	FACE_OAUTH,					/* djust_token and the rest: 400 */
} Face;

/* Tokens, {"status":"password_updated"} or error object as json text; sets the HTTP status. */
extern char *errors_tokens(const Answer *answer, Face face);
extern char *errors_password_updated(const Answer *answer);

/* The word and the HTTP status for an answer about a password; "password_updated" and 200 where all went well. */
extern const char *errors_code(const Answer *answer);
extern int	errors_status(const Answer *answer);
extern int	errors_retry_after(const Answer *answer);

/* JSON array of the codes of these violations, and the same separated by commas. */
extern char *errors_violations(unsigned violations, bool json);

COMPAT_NORETURN extern void errors_null(const char *argument);
COMPAT_NORETURN extern void errors_unknown_user(const pg_uuid_t *id);
COMPAT_NORETURN extern void errors_unknown_profile(const char *name);
/* For administration, where a weak password or a full server is an error: raises unless VERDICT_OK. */
extern void errors_raise(const Answer *answer);

#endif
