/*
 * audit.h
 *		Writing audit events.
 */
#ifndef DJUST_AUDIT_H
#define DJUST_AUDIT_H

#include "utils/array.h"

#include "shmem/event_queue.h"
#include "text/bytes.h"

/* True for the names that the constraint on djust_auth.audit_event accepts. */
extern bool audit_is_event(Slice name);

/* Writes an event in the caller's transaction; actor is session_user.  user_id, sid and detail (JSON) may be NULL. */
extern void audit_event(const char *event, const pg_uuid_t *user_id, const pg_uuid_t *sid, const char *detail);

/*
 * Queues an event for the worker, so that it survives a rollback; counts it as lost if the queue is full.  detail is
 * shorter than EVENT_QUEUE_DETAIL_MAX.  A database without a worker has it written at once, like audit_event.
 */
extern void audit_event_autonomous(const char *event, const pg_uuid_t *user_id, const pg_uuid_t *sid,
								   const char *detail);
/* Audits a refused password.  user_id is NULL if no user has the address. */
extern void audit_login_failed(const pg_uuid_t *user_id, const AccountTag *tag, const char *cause);
/* Audits an attempt refused without hashing: attempts are counted, and written once a minute. */
extern void audit_throttled(const pg_uuid_t *user_id, const AccountTag *tag);
/* Removes personal data of users (array of uuid) whose rows are being deleted. */
extern void audit_forget(ArrayType *user_ids);
/* Writes a queued event; called by the worker. */
extern void audit_write(const QueueEntry *entry);

#endif
