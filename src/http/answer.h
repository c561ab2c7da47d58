/*
 * answer.h
 *		The only map from verdicts to answers and from misuse to SQLSTATEs.
 */
#ifndef DJUST_ANSWER_H
#define DJUST_ANSWER_H

#include "utils/uuid.h"

#include "http/verdict.h"
#include "server/compat.h"

typedef enum AnswerTo
{
	ANSWER_TO_LOGIN, /* djust_login, djust_refresh: invalid_grant is 401 */
	ANSWER_TO_OAUTH, /* djust_token and the rest: 400 */
} AnswerTo;

/* JSON text of tokens, of {"status": status}, or an error object; sets the HTTP status. */
extern char *answer_tokens(const Answer *answer, AnswerTo to);
/* status names the success. */
extern char *answer_status_text(const Answer *answer, const char *status);

/* Code and HTTP status of an answer about a password; "password_updated" and 200 on success. */
extern const char *answer_code(const Answer *answer);
extern int answer_status(const Answer *answer);
extern int answer_retry_after(const Answer *answer);

COMPAT_NORETURN extern void answer_raise_null(const char *argument);
COMPAT_NORETURN extern void answer_raise_unknown_user(const pg_uuid_t *id);
COMPAT_NORETURN extern void answer_raise_unknown_profile(const char *name);
/* For administration functions: raises an error unless the verdict is VERDICT_OK. */
extern void answer_raise(const Answer *answer);

#endif
