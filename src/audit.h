/*
 * audit.h
 *		Events that are kept.
 */
#ifndef DJUST_AUDIT_H
#define DJUST_AUDIT_H

#include "utils/uuid.h"

/* New time-ordered identifier (RFC 9562 version 7). */
extern void audit_new_id(pg_uuid_t *id);

/*
 * Writes an event in the caller's transaction.  detail is a JSON object or NULL; user_id and sid may be NULL.  The
 * actor is session_user for administration and nobody else.
 */
extern void audit_event(const char *event, const pg_uuid_t *user_id, const pg_uuid_t *sid, const char *detail);

#endif
