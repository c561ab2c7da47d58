/*
 * smtp.h
 *		One mail to the SMTP server, and the connection that is kept for the next.
 */
#ifndef DJUST_SMTP_H
#define DJUST_SMTP_H

#include <stdbool.h>

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

/* The envelope, headers that need no encoding, and bodies of any text. */
typedef struct SmtpMail
{
	const char *from;
	const char *recipient;
	bool		needs_utf8;
	const char *headers;		/* CRLF between them, none at the end; without those of MIME */
	const char *body_text;
	const char *body_html;
} SmtpMail;

typedef struct SmtpAnswer
{
	SmtpTrace	trace;
	const char *reason;
	const char *detail;
} SmtpAnswer;

extern SmtpResult smtp_send(const MailerServer *server, const SmtpMail *mail, MailerPoll poll, void *arg,
							  SmtpAnswer *answer);

#endif
