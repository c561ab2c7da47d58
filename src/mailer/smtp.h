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

typedef enum SmtpResult
{
	SMTP_ACCEPTED,
	SMTP_ANSWERED,				/* otherwise than by yes */
	SMTP_CLOSED,				/* by the server */
	SMTP_LATE,					/* the time is over */
	SMTP_STOPPED,				/* poll() said so */
	SMTP_NO_UTF8,				/* which the mail needs */
	SMTP_FAULT					/* reason and detail make a phrase */
} SmtpResult;

/* The envelope, and a text of lines that end in CRLF and do not begin with a dot. */
typedef struct SmtpMail
{
	const char *from;
	const char *recipient;
	bool		needs_utf8;
	const char *text;
	size_t		length;
} SmtpMail;

typedef struct SmtpAnswer
{
	SmtpTrace	trace;
	const char *reason;
	const char *detail;
} SmtpAnswer;

extern SmtpResult smtp_send(const MailerServer *server, const SmtpMail *mail, MailerPoll poll, void *arg,
							  SmtpAnswer *answer);

/* Ends what a call that was left by longjmp is still doing: its mail is not looked at any more. */
extern void smtp_halt(void);

#endif
