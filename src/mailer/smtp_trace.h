/*
 * smtp_trace.h
 *		Trace of the dialogue between libcurl and an SMTP server.
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
	SmtpStep step; /* the last command sent */
	int code; /* its answer; 0: none yet */
	char enhanced[ENHANCED_LONGEST + 1]; /* and its RFC 3463 code, or empty */
	bool over; /* the next answer is to QUIT */
	bool logged_in; /* or tried to log in */
	bool offers_utf8;
} SmtpTrace;

/* Begins the next mail; keeps what is known of the connection. */
extern void smtp_trace_begin(SmtpTrace *trace);
extern void smtp_trace_said(SmtpTrace *trace, const char *line, size_t n);
extern void smtp_trace_heard(SmtpTrace *trace, const char *line, size_t n);

#endif
