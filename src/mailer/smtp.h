/*
 * smtp.h
 *		One mail to the SMTP server, and the connection that is kept for the next.
 */
#ifndef DJUST_SMTP_H
#define DJUST_SMTP_H

#include <stdbool.h>
#include <stddef.h>

#include "mailer/mailer.h"
#include "mailer/smtp_trace.h"

typedef enum RelayResult
{
	RELAY_ACCEPTED,
	RELAY_ANSWERED,				/* otherwise than by yes */
	RELAY_CLOSED,				/* by the server */
	RELAY_LATE,					/* the time is over */
	RELAY_STOPPED,				/* meanwhile() said so */
	RELAY_NO_UTF8,				/* which the mail needs */
	RELAY_FAULT					/* reason and detail make a phrase */
} RelayResult;

/* The envelope, and a text of lines that end in CRLF and do not begin with a dot. */
typedef struct RelayMail
{
	const char *from;
	const char *recipient;
	bool		needs_utf8;
	const char *text;
	size_t		length;
} RelayMail;

typedef struct RelayAnswer
{
	Transcript	transcript;
	const char *reason;
	const char *detail;
} RelayAnswer;

extern RelayResult relay_send(const MailerServer *server, const RelayMail *mail, MailerMeanwhile meanwhile, void *arg,
							  RelayAnswer *answer);

/* Ends what a call that was left by longjmp is still doing: its mail is not looked at any more. */
extern void relay_halt(void);

#endif
