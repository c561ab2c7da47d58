/*
 * mail_queue.h
 *		The mail queue: queueing, claiming and outcomes of mails.
 */
#ifndef DJUST_MAIL_QUEUE_H
#define DJUST_MAIL_QUEUE_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/uuid.h"

/* Queues a row that looks the same for known and unknown addresses. */
extern void mail_queue_reset(const char *email);
extern void mail_queue_notice(const pg_uuid_t *user_id);

/* List of ClaimedMail *; creates the secrets of reset links. */
extern List *mail_queue_claim(int max);
/* True if the worker's last claim stopped before the end of the queue. */
extern bool mail_queue_is_unfinished(void);
extern void mail_queue_mark_sent(int64 id);
extern void mail_queue_mark_failed(int64 id, const char *reason);
extern void mail_queue_mark_rejected(int64 id, const char *reason);
/* Deletes the reset requests of this address. */
extern void mail_queue_forget(const char *email);
/* When the next mail is due; false if none waits. */
extern bool mail_due(TimestampTz *due);

/* For the worker. */
extern void mail_queue_take_back(void);
extern char *mail_queue_message_id(int64 id);

#endif
