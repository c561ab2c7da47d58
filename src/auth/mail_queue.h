/*
 * mail_queue.h
 *		The mail queue: what waits, what is claimed, what became of it.
 */
#ifndef DJUST_MAIL_QUEUE_H
#define DJUST_MAIL_QUEUE_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/uuid.h"

/* The same row, whether the address is known or not. */
extern void mail_queue_reset(const char *email, size_t length);
extern void mail_queue_notice(const pg_uuid_t *user_id);

/* List of ClaimedMail *; makes the secrets of reset links. */
extern List *mail_queue_claim(int max);
/* Is there more that the worker's last claim has not looked at? */
extern bool mail_queue_is_unfinished(void);
extern void mail_queue_mark_sent(int64 id);
extern void mail_queue_mark_failed(int64 id, const char *reason);
extern void mail_queue_mark_rejected(int64 id, const char *reason);
/* Takes away what was asked for by this address. */
extern void mail_queue_forget(const char *email);
/* When the next mail is due; false when none waits. */
extern bool mail_due(TimestampTz *due);

/* For the worker. */
extern void mail_queue_take_back(void);
extern char *mail_queue_message_id(int64 id);

#endif
