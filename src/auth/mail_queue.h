/*
 * mail_queue.h
 *		The mail queue: queueing, claiming and outcomes of mails.
 */
#ifndef DJUST_MAIL_QUEUE_H
#define DJUST_MAIL_QUEUE_H

#include "nodes/pg_list.h"
#include "utils/uuid.h"

#include "tables/store.h"

/* Tells all mailers at commit that there may be a mail. */
extern void mail_queue_wake(void);

/* Queues a row that looks the same for known and unknown addresses. */
extern void mail_queue_reset(const char *email);
extern void mail_queue_notice(const char *kind, const pg_uuid_t *user_id);
extern void mail_queue_invitation(const pg_uuid_t *user_id);
/* Queues the mail with the link of a pending address (kind of mail; seconds), which is stored with it. */
extern void mail_queue_pending(const char *kind, const char *email, int lifetime, PendingEmail *pending);

/* List of ClaimedMail *; creates the secrets of links. */
extern List *mail_queue_claim(int max);
/* True if the worker's last claim stopped before the end of the queue. */
extern bool mail_queue_is_unfinished(void);
extern void mail_queue_mark_sent(int64 id);
extern void mail_queue_mark_failed(int64 id, const char *reason, bool permanent);
/* Mails to these addresses (List of QueuedMail *), done ones included, but those of other users. */
extern List *mail_queue_to(const List *addresses, const pg_uuid_t *user_id);
/* Array of these addresses, in their order; NULL where one cannot be opened. */
extern ArrayType *mail_queue_addresses(const List *mails);
/* Deletes them, and what is pending of this user, and of nobody for these addresses. */
extern void mail_queue_forget(const pg_uuid_t *user_id, const List *addresses);

/* For the worker: sender of the mail that it claimed last, and a mail's Message-ID, without <>. */
extern const char *mail_queue_sender(void);
extern char *mail_queue_message_id(int64 id, const char *from);

#endif
