/*
 * audit.h
 *		Events that are kept.
 */
#ifndef DJUST_AUDIT_H
#define DJUST_AUDIT_H

#include "utils/uuid.h"

#include "ring.h"

/* New time-ordered identifier (RFC 9562 version 7). */
extern void audit_new_id(pg_uuid_t *id);

/* One of those the constraint on djust_auth.audit_event lets in. */
extern bool audit_is_event(const char *name, size_t length);

/*
 * Writes an event in the caller's transaction.  detail is a JSON object or NULL; user_id and sid may be NULL.  The
 * actor is session_user for administration and nobody else.
 */
extern void audit_event(const char *event, const pg_uuid_t *user_id, const pg_uuid_t *sid, const char *detail);

/*
 * Hands an event to the worker, so that it is kept whatever becomes of the caller's transaction; a full ring is counted.
 * detail is shorter than RING_DETAIL_MAX.  In a database without a worker it is audit_event.
 */
extern void audit_event_surely(const char *event, const pg_uuid_t *user_id, const pg_uuid_t *sid, const char *detail);
/* Writes such an event, in the worker. */
extern void audit_write(const RingEntry *entry);

#endif
