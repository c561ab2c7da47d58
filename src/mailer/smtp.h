/*
 * smtp.h
 *		Transfer of a mail to the SMTP server, over a connection that is
 *		reused.
 */
#ifndef DJUST_SMTP_H
#define DJUST_SMTP_H

#include <stdbool.h>

#include "mailer/mailer.h"
#include "mailer/smtp_trace.h"

typedef enum SmtpResult
{
	SMTP_ACCEPTED,
	SMTP_ANSWERED, /* with a code other than success */
	SMTP_CLOSED, /* by the server */
	SMTP_LATE, /* timed out */
	SMTP_STOPPED, /* poll() returned false */
	SMTP_NO_UTF8, /* not offered, but needed */
	SMTP_FAULT /* described by reason and detail */
} SmtpResult;

/* The envelope, headers that need no encoding, and bodies of any text. */
typedef struct SmtpMail
{
	const char *from;
	const char *recipient;
	bool needs_utf8;
	const char *headers; /* separated by CRLF; without those of MIME */
	const char *body_text;
	const char *body_html;
} SmtpMail;

typedef struct SmtpAnswer
{
	SmtpTrace trace;
	const char *reason;
	const char *detail;
} SmtpAnswer;

extern SmtpResult smtp_send(const MailerServer *server, const SmtpMail *mail, MailerPoll poll, void *arg,
							SmtpAnswer *answer);

#endif
