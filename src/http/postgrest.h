/*
 * postgrest.h
 *		What PostgREST tells and is told through settings; the only place that knows their names.
 */
#ifndef DJUST_POSTGREST_H
#define DJUST_POSTGREST_H

#include <stdbool.h>
#include <stddef.h>

#include "server/compat.h"

/* Is this call an HTTP request (request.method not empty)? */
extern bool postgrest_request(void);
extern const char *postgrest_method(void);
extern const char *postgrest_path(void);

/*
 * Does request.path call one of these functions of the API: does it end in /rpc/ and its name, escapes undone?  NULL ends the
 * list.
 */
extern bool postgrest_calls(const char *const *functions);

/* Raises 405 where one of these is called by GET or HEAD, its arguments in the address, which logs and histories keep. */
extern void postgrest_refuse_query(const char *const *functions);

/* Claim of the token that PostgREST verified, if it is a string, or NULL: to be compared, never to be trusted. */
extern char *postgrest_claim(const char *name);

/* The last request.headers and the bearer found there, for callers that ask for each row. */
typedef struct PostgrestMemo PostgrestMemo;

/* In the current context, wiped with it. */
extern PostgrestMemo *postgrest_memo(void);

/*
 * The bearer token of the Authorization header, in quotes or not, good until the next call; false when there is no such
 * header.
 */
extern bool postgrest_bearer(PostgrestMemo *memo, const char **token, size_t *length);

/*
 * Client's address as inet, 0 where unknown: the configured header's right-most hop without its port, else the
 * connection's.
 */
extern Datum postgrest_client_address(void);
/* At most 256 bytes, NULL where unknown. */
extern char *postgrest_user_agent(void);

/*
 * Set response.status and response.headers, for an answer that is not to be stored; nothing outside HTTP or in a
 * parallel query.  retry_after 0: no such header.  policy is the page's Content-Security-Policy, without double quotes.
 */
extern void postgrest_answer(int status, int retry_after);
extern void postgrest_answer_page(int status, int retry_after, const char *policy);

/* For db-pre-config: settings of PostgREST itself. */
extern void postgrest_configure(const char *jwks, const char *audience, const char *pre_request);

/* Raises an error PostgREST turns into this status and header; value has its double quotes escaped for JSON. */
COMPAT_NORETURN extern void postgrest_refuse(int status, const char *header, const char *value, const char *message);

#endif
