/*
 * smtp_trace.h
 *		What has been said between libcurl and an SMTP server.
 */
#ifndef DJUST_SMTP_TRACE_H
#define DJUST_SMTP_TRACE_H

#include <stdbool.h>
#include <stddef.h>

/* In the order of the dialogue. */
typedef enum SmtpStep
{
	SMTP_CONNECTION,
	SMTP_EHLO,
	SMTP_STARTTLS,
	SMTP_AUTH,
	SMTP_MAIL,
	SMTP_RCPT,
	SMTP_DATA,
	SMTP_TEXT
} SmtpStep;

#define ENHANCED_LONGEST 11

typedef struct SmtpTrace
{
	SmtpStep	step;			/* the last that was said */
	int			code;			/* the answer to it; 0: none yet */
	char		enhanced[ENHANCED_LONGEST + 1];	/* and its RFC 3463 code, or empty */
	bool		over;			/* what is heard is the answer to QUIT */
	bool		logged_in;		/* or tried to */
	bool		offers_utf8;
} SmtpTrace;

/* For the next mail; what is known of the connection stays. */
extern void smtp_trace_begin(SmtpTrace *trace);
extern void smtp_trace_said(SmtpTrace *trace, const char *line, size_t n);
extern void smtp_trace_heard(SmtpTrace *trace, const char *line, size_t n);

#endif
