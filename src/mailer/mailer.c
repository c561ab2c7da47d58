/*
 * mailer.c
 *		Owns the verdict on a mail; the interface of the library
 *		djust_auth_mailer.
 *
 * Threats: a mail reported as sent that was not, or the reverse; a reply that
 * quotes the link into the log.  A mail is sent if the answer to all of it says
 * so, and rejected if an answer to it says so.  Any other error is retried,
 * because a template or a setting can be corrected while the link lives.  None
 * of the server's text is stored: a reason has our words and the reply's codes.
 *
 * No file of this library uses the server's symbols, so tests can load it
 * alone.
 */
#include "postgres.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "fmgr.h"

#include "mailer/mailer.h"
#include "mailer/smtp.h"
#include "server/compat.h"
#include "text/mime.h"
#include "text/unicode.h"

/* the C library's, not the server's */
#undef vsnprintf

DJUST_MODULE_MAGIC;

PGDLLEXPORT extern void djust_mailer_send(const MailerServer *server, const Message *message, MailerPoll poll,
										  void *arg, MailerOutcome *outcome);

/* Indexed by SmtpStep. */
static const char *const steps[] = {"the connection", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "the mail"};

static void __attribute__((format(printf, 3, 4)))
set_outcome(MailerOutcome *outcome, MailerVerdict verdict, const char *format, ...)
{
	va_list arguments;

	memset(outcome, 0, sizeof(*outcome));
	outcome->verdict = verdict;
	va_start(arguments, format);
	vsnprintf(outcome->reason, sizeof(outcome->reason), format, arguments);
	va_end(arguments);
}

/* "the server answered 550 5.1.1 to RCPT" */
static void
set_answered(MailerOutcome *outcome, MailerVerdict verdict, const SmtpTrace *trace)
{
	set_outcome(outcome,
				verdict,
				"the server answered %d%s%s to %s",
				trace->code,
				*trace->enhanced ? " " : "",
				trace->enhanced,
				steps[trace->step]);
	outcome->smtp_code = trace->code;
}

/* RFC 3463: an answer to RCPT that is about the sender or the server's policy. */
static bool
is_about_us(const SmtpTrace *trace)
{
	const char *enhanced = trace->enhanced;

	return trace->step == SMTP_RCPT &&
		   (strncmp(enhanced, "5.7.", 4) == 0 || strcmp(enhanced, "5.1.7") == 0 || strcmp(enhanced, "5.1.8") == 0);
}

/*
 * True for permanent answers about the mail or its recipient.  An answer to MAIL is about the sender, and 530 and the
 * like (RFC 4954 section 6) about the login: faults of settings, which can be corrected.
 */
static bool
is_final(const SmtpTrace *trace)
{
	int code = trace->code;

	return trace->step > SMTP_MAIL && code / 100 == 5 && code != 530 && code != 534 && code != 535 && code != 538 &&
		   !is_about_us(trace);
}

static void
judge(SmtpResult result, const SmtpAnswer *answer, bool ascii_recipient, MailerOutcome *outcome)
{
	const SmtpTrace *trace = &answer->trace;

	switch (result)
	{
		case SMTP_ACCEPTED:
			set_answered(outcome, MAILER_SENT, trace);
			break;
		case SMTP_ANSWERED:
			set_answered(outcome, is_final(trace) ? MAILER_PERMANENT : MAILER_TEMPORARY, trace);
			break;
		case SMTP_CLOSED:
			set_outcome(outcome,
						MAILER_TEMPORARY,
						"the server closed the connection instead of answering %s",
						steps[trace->step]);
			break;
		case SMTP_LATE:
			set_outcome(outcome, MAILER_TEMPORARY, "the server took too long to answer %s", steps[trace->step]);
			break;
		case SMTP_STOPPED:
			set_outcome(outcome, MAILER_TEMPORARY, "interrupted");
			break;
		case SMTP_NO_UTF8:
			set_outcome(outcome,
						ascii_recipient ? MAILER_TEMPORARY : MAILER_PERMANENT,
						"%s needs SMTPUTF8, which the server does not offer",
						ascii_recipient ? "the sender" : "the address");
			break;
		case SMTP_FAULT:
			set_outcome(outcome, MAILER_TEMPORARY, "%s%s", answer->reason, answer->detail);
			break;
	}
}

/* Checks and writes the headers before connecting. */
void
djust_mailer_send(const MailerServer *server, const Message *message, MailerPoll poll, void *arg,
				  MailerOutcome *outcome)
{
	Mailbox from;
	Address to;
	SmtpAnswer answer = {0};
	char *headers = NULL;
	const char *fault;

	if (!mime_parse_mailbox(message->from, &from))
		set_outcome(outcome, MAILER_TEMPORARY, "the sender is no address");
	else if (address_parse(slice_of(message->recipient), ADDRESS_KEEP, &to) != ADDRESS_OK)
		set_outcome(outcome, MAILER_PERMANENT, "the recipient is no address that can be written into a mail");
	else if ((fault = mime_fault(message)) != NULL)
		set_outcome(outcome, MAILER_TEMPORARY, "%s", fault);
	else if ((headers = mime_headers(message, &from, &to)) == NULL)
		set_outcome(outcome, MAILER_TEMPORARY, "out of memory");
	else
	{
		bool is_ascii = uni_is_ascii(slice_of(to.text));
		bool needs_utf8 = !is_ascii || !uni_is_ascii(slice_of(from.address.text));
		SmtpMail mail = {from.address.text, to.text, needs_utf8, headers, message->body_text, message->body_html};

		judge(smtp_send(server, &mail, poll, arg, &answer), &answer, is_ascii, outcome);
	}
	free(headers);
}
