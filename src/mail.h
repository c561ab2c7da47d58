/*
 * mail.h
 *		The mail queue: what waits, what is claimed, what became of it.
 */
#ifndef DJUST_MAIL_H
#define DJUST_MAIL_H

#include "nodes/pg_list.h"
#include "utils/uuid.h"

typedef struct Mail
{
	int64		id;
	char	   *recipient;
	char	   *subject;
	char	   *body_text;
	char	   *body_html;
} Mail;

/* The same row, whether the address is known or not. */
extern void mail_queue_reset(const char *email, size_t length);
extern void mail_queue_notice(const pg_uuid_t *user_id);

/* List of Mail *; makes the secrets of reset links. */
extern List *mail_claim(int max);
extern void mail_mark_sent(int64 id);
extern void mail_mark_failed(int64 id, const char *reason);

#endif
