/*
 * mailer.c
 *		Owns the verdict on one mail: the face of the library djust_auth_mailer.
 *
 * Threat: a mail reported as sent that was not, or the reverse, and a reply
 * that quotes the link into the log.  A mail is sent when the answer to all of
 * it says so; refused for good when an answer to it says that; and otherwise
 * tried again, whatever went wrong: a template or a setting can be mended
 * while the link is good.  No text of the server's is kept: a reason has our
 * words and its numbers.
 *
 * Nothing here or below is a symbol of the server's, so that tests load the
 * library alone.
 */
#include "postgres.h"

#include <stdlib.h>

#include "fmgr.h"

#include "mailer/mailer.h"
#include "mailer/smtp.h"
#include "server/compat.h"
#include "text/bytes.h"
#include "text/mime.h"
#include "text/unicode.h"

DJUST_MODULE_MAGIC;

PGDLLEXPORT extern void djust_mailer_send(const MailerServer *server, const MailerMessage *message, MailerPoll poll,
										  void *arg, MailerOutcome *outcome);

/* By SmtpStep. */
static const char *const steps[] = {"the connection", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "the mail"};

/* It holds the link.  Static, so that what poll() leaves behind by longjmp is wiped by the next call. */
static Text mail;

static void
wipe_mail(void)
{
	if (mail.data)
	{
		bytes_wipe(mail.data, mail.capacity);
		free(mail.data);
	}
	memset(&mail, 0, sizeof(mail));
}

/* Always false, so that callers can return it. */
static bool
conclude(MailerOutcome *outcome, MailerVerdict verdict, const char *reason, const char *detail)
{
	Text		text = {outcome->reason, 0, sizeof(outcome->reason) - 1, false};

	memset(outcome, 0, sizeof(*outcome));
	outcome->verdict = verdict;
	text_append(&text, reason);
	text_append(&text, detail);
	return false;
}

/* "the server answered 550 5.1.1 to RCPT" */
static void
conclude_answer(MailerOutcome *outcome, MailerVerdict verdict, const SmtpTrace *trace)
{
	Text		text = {outcome->reason, 0, sizeof(outcome->reason) - 1, false};

	memset(outcome, 0, sizeof(*outcome));
	outcome->verdict = verdict;
	outcome->smtp_code = trace->code;
	text_append(&text, "the server answered ");
	text_append_number(&text, trace->code, 3);
	text_append(&text, *trace->enhanced ? " " : "");
	text_append(&text, trace->enhanced);
	text_append(&text, " to ");
	text_append(&text, steps[trace->step]);
}

/* RFC 3463: what a server says of the sender, or of whom it serves, when it hears of the recipient. */
static bool
is_about_us(const SmtpTrace *trace)
{
	const char *enhanced = trace->enhanced;

	return trace->step == SMTP_RCPT &&
		(strncmp(enhanced, "5.7.", 4) == 0 || strcmp(enhanced, "5.1.7") == 0 || strcmp(enhanced, "5.1.8") == 0);
}

/*
 * An answer to the mail or its recipient.  One to MAIL is about the sender, and 530 and the like (RFC 4954 section 6)
 * about a login: mistakes in the settings, which somebody will mend.
 */
static bool
is_final(const SmtpTrace *trace)
{
	int			code = trace->code;

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
			conclude_answer(outcome, MAILER_SENT, trace);
			break;
		case SMTP_ANSWERED:
			conclude_answer(outcome, is_final(trace) ? MAILER_PERMANENT : MAILER_TEMPORARY, trace);
			break;
		case SMTP_CLOSED:
			conclude(outcome, MAILER_TEMPORARY, "the server closed the connection instead of answering ", steps[trace->step]);
			break;
		case SMTP_LATE:
			conclude(outcome, MAILER_TEMPORARY, "the server took too long to answer ", steps[trace->step]);
			break;
		case SMTP_STOPPED:
			conclude(outcome, MAILER_TEMPORARY, "interrupted", "");
			break;
		case SMTP_NO_UTF8:
			conclude(outcome, ascii_recipient ? MAILER_TEMPORARY : MAILER_PERMANENT,
					 ascii_recipient ? "djust_auth.mail_from" : "the address", " needs SMTPUTF8, which the server does not offer");
			break;
		case SMTP_FAULT:
			conclude(outcome, MAILER_TEMPORARY, answer->reason, answer->detail);
			break;
	}
}

/* The whole mail is written before the server hears of it. */
static bool
write_mail(const MailerMessage *given, Message *message, MailerOutcome *outcome)
{
	const char *fault;

	if (!mime_parse_mailbox(given->from, &message->from))
		return conclude(outcome, MAILER_TEMPORARY, "djust_auth.mail_from is no address", "");
	mime_set_recipient(message, given->recipient);
	message->subject = given->subject;
	message->body_text = given->body_text;
	message->body_html = given->body_html;
	message->message_id = given->message_id;
	message->date = given->date;
	fault = mime_fault(message);
	if (fault)
		return conclude(outcome, message->recipient[0] != '\0' ? MAILER_TEMPORARY : MAILER_PERMANENT, fault, "");
	mail.capacity = mime_bound(message);
	mail.data = malloc(mail.capacity);
	if (mail.data == NULL)
		return conclude(outcome, MAILER_TEMPORARY, "out of memory", "");
	mime_write(message, &mail);
	return !mail.full || conclude(outcome, MAILER_TEMPORARY, "the mail is too long", "");
}

void
djust_mailer_send(const MailerServer *server, const MailerMessage *message, MailerPoll poll, void *arg,
				  MailerOutcome *outcome)
{
	Message		written = {0};

	smtp_halt();
	wipe_mail();
	if (write_mail(message, &written, outcome))
	{
		const char *from = written.from.address;
		const char *to = written.recipient;
		bool		is_ascii = uni_is_ascii(slice_of(to));
		SmtpMail	relayed = {from, to, !uni_is_ascii(slice_of(from)) || !is_ascii, mail.data, mail.length};
		SmtpAnswer answer = {0};

		judge(smtp_send(server, &relayed, poll, arg, &answer), &answer, is_ascii, outcome);
	}
	wipe_mail();
}
