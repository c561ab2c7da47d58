/*
 * audit.h
 *		Events that are kept.
 */
#ifndef DJUST_AUDIT_H
#define DJUST_AUDIT_H

#include "utils/array.h"
#include "utils/uuid.h"

#include "crypto/account_tag.h"
#include "shmem/event_queue.h"

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
 * Hands an event to the worker, so that it is kept whatever becomes of the caller's transaction; a full queue is
 * counted.  detail is shorter than EVENT_QUEUE_DETAIL_MAX.  In a database without a worker it is audit_event.
 */
extern void audit_event_surely(const char *event, const pg_uuid_t *user_id, const pg_uuid_t *sid, const char *detail);
/* A password that was refused, for the user or, where user_id is NULL, an address that no user has. */
extern void audit_login_failed(const pg_uuid_t *user_id, const AccountTag *tag, const char *cause);
/* An attempt that was refused without hashing: counted, and written once a minute. */
extern void audit_throttled(const pg_uuid_t *user_id, const AccountTag *tag);
/* Takes out what the audit says about the persons of users (array of uuid) whose rows are being deleted. */
extern void audit_forget(ArrayType *user_ids);
/* Writes an event from the event queue, in the worker. */
extern void audit_write(const QueueEntry *entry);

#endif
