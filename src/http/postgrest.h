/*
 * postgrest.h
 *		The settings through which PostgREST and this library communicate; no
 *		other file knows their names.
 */
#ifndef DJUST_POSTGREST_H
#define DJUST_POSTGREST_H

#include "server/compat.h"
#include "text/bytes.h"

/* True if this call is an HTTP request (request.method is not empty). */
extern bool postgrest_request(void);
extern const char *postgrest_method(void);
extern const char *postgrest_path(void);

/* True if request.path, percent-decoded, ends in /rpc/ and the name of one of these functions.  NULL ends the list. */
extern bool postgrest_calls(const char *const *functions);

/* Raises 405 if one of these is called by GET or HEAD: logs and histories keep URLs, and the arguments in them. */
extern void postgrest_refuse_query(const char *const *functions);

/* A claim of the token that PostgREST verified, NULL unless a string.  Only for comparison: any role can set it. */
extern char *postgrest_claim(const char *name);

/* Cache of the last request.headers and its bearer token, for call sites that ask once per row. */
typedef struct PostgrestMemo PostgrestMemo;

/* Allocated in the current context, wiped with it. */
extern PostgrestMemo *postgrest_memo(void);

/* The bearer token of the Authorization header, without quotes, valid until the next call; false if there is none. */
extern bool postgrest_bearer(PostgrestMemo *memo, Slice *token);

/* Client address as inet, 0 if unknown: the last hop in the configured header, without port, or the connection's. */
extern Datum postgrest_client_address(void);
/* At most 256 bytes; NULL if unknown. */
extern char *postgrest_user_agent(void);
/* What the header in djust_auth.store_header says; NULL if there is none. */
extern char *postgrest_store(void);
/* The Accept-Language header; NULL if there is none. */
extern char *postgrest_accept_language(void);

/*
 * Set response.status and response.headers, with Cache-Control: no-store.  No-ops outside HTTP and in parallel queries.
 * retry_after 0: no Retry-After header.  language is a tag, chosen by Accept-Language; policy is the
 * Content-Security-Policy, without double quotes.
 */
extern void postgrest_answer(int status, int retry_after);
extern void postgrest_answer_page(int status, int retry_after, const char *language, const char *policy);

/* For db-pre-config: sets PostgREST's own settings. */
extern void postgrest_configure(const char *jwks, const char *audience, const char *pre_request);

/* Raises an error that PostgREST turns into this status and header.  Double quotes in value are escaped for JSON. */
COMPAT_NORETURN extern void postgrest_refuse(int status, const char *header, const char *value, const char *message);

#endif
