/*
 * mailer.c
 *		Owns the dialogue that hands one mail over, and its verdict: the face of
 *		the library djust_auth_mailer.
 *
 * Threat: a mail reported as sent that was not, or the reverse, and a reply
 * that quotes the link into the log.  A mail is sent when the answer to all of
 * it says so; refused for good when an answer to it says that; and otherwise
 * tried again, whatever went wrong.  No text of the server's is kept: a reason
 * has our words and its numbers.
 *
 * Nothing here or below is a symbol of the server's, so that tests load the
 * library alone.
 */
#include "postgres.h"

#include <stdlib.h>

#include "fmgr.h"

#include "bytes.h"
#include "compat.h"
#include "mailer.h"
#include "message.h"
#include "relay.h"

/* enough for a code and its RFC 3463 companion */
#define REPLY_START 32

DJUST_MODULE_MAGIC;

PGDLLEXPORT extern void djust_mailer_send(const MailerServer *server, const MailerMessage *message, MailerMeanwhile meanwhile,
										  void *arg, MailerOutcome *outcome);

typedef struct Delivery
{
	Message		message;
	char		recipient[ADDRESS_LONGEST + 1];
	Patience	patience;
	const char *said;			/* the last command */
	int			code;			/* the answer to it */
	char		enhanced[REPLY_START];	/* its RFC 3463 code, behind a space, or empty */
	MailerOutcome *outcome;
} Delivery;

/* It holds the link.  Static, so that what meanwhile() leaves behind by longjmp is wiped by the next call. */
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
conclude(Delivery *d, MailerVerdict verdict, const char *reason, const char *detail)
{
	Text		text = {d->outcome->reason, 0, sizeof(d->outcome->reason) - 1, false};

	memset(d->outcome, 0, sizeof(*d->outcome));
	d->outcome->verdict = verdict;
	text_append(&text, reason);
	text_append(&text, detail);
	return false;
}

/* "the server answered 550 5.1.1 to RCPT" */
static bool
conclude_answer(Delivery *d, MailerVerdict verdict)
{
	Text		text = {d->outcome->reason, 0, sizeof(d->outcome->reason) - 1, false};

	memset(d->outcome, 0, sizeof(*d->outcome));
	d->outcome->verdict = verdict;
	d->outcome->smtp_code = d->code;
	text_append(&text, "the server answered ");
	text_append_number(&text, d->code, 3);
	text_append(&text, d->enhanced);
	text_append(&text, " to ");
	text_append(&text, d->said);
	return false;
}

static bool
conclude_lost(Delivery *d, RelayResult result)
{
	switch (result)
	{
		case RELAY_STOPPED:
			return conclude(d, MAILER_TEMPORARY, "interrupted", "");
		case RELAY_LATE:
			return conclude(d, MAILER_TEMPORARY, "the server took too long to answer ", d->said);
		default:
			return conclude(d, MAILER_TEMPORARY, "the server closed the connection instead of answering ", d->said);
	}
}

/* " 5.1.1", only if it is that and nothing more. */
static void
note_enhanced(Delivery *d, const char *line)
{
	static const char digits[] = "0123456789";
	const char *p = line + 4;
	Text		text = {d->enhanced, 0, sizeof(d->enhanced) - 1, false};
	int			i;

	memset(d->enhanced, 0, sizeof(d->enhanced));
	for (i = 0; i < 3; i++)
	{
		size_t		n = strspn(p, digits);

		if (n == 0 || n > 3 || (i < 2 && p[n] != '.') || (i == 2 && strchr(" \r", p[n]) == NULL))
			return;
		p += n + (i < 2);
	}
	text_append(&text, " ");
	text_append_bytes(&text, line + 4, p - line - 4);
}

/* The line's code; 0 if more lines follow, -1 if it is no SMTP. */
static int
reply_code(const char *line)
{
	int			i;

	for (i = 0; i < 3; i++)
		if (line[i] < '0' || line[i] > '9')
			return -1;
	if (line[3] == '-')
		return 0;
	return strchr(" \r", line[3]) ? (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0' : -1;
}

/* Only the start of a line is looked at, however long it is. */
static bool
read_reply(Delivery *d)
{
	char		start[REPLY_START] = {0};
	size_t		n = 0;

	for (;;)
	{
		char		bytes[512];
		size_t		received = 0;
		size_t		i;
		RelayResult result = relay_receive(&d->patience, bytes, sizeof(bytes), &received);

		if (result != RELAY_OK)
			return conclude_lost(d, result);
		for (i = 0; i < received; i++)
		{
			if (bytes[i] != '\n')
			{
				if (n < sizeof(start) - 1)
					start[n++] = bytes[i];
				continue;
			}
			d->code = reply_code(start);
			if (d->code < 0)
				return conclude(d, MAILER_TEMPORARY, "the server gave no SMTP answer to ", d->said);
			note_enhanced(d, start);
			if (d->code > 0)
				return true;
			memset(start, 0, sizeof(start));
			n = 0;
		}
	}
}

/* RFC 4954 section 6: the answers to who should have logged in, or otherwise.  A mistake in the settings, not in the mail. */
static bool
is_about_login(int code)
{
	return code == 530 || code == 534 || code == 535 || code == 538;
}

/* True if the first digit of the answer is the wanted one. */
static bool
say(Delivery *d, const char *command, const char *bytes, size_t n, int wanted)
{
	RelayResult result;

	d->said = command;
	d->code = 0;
	result = relay_send(&d->patience, bytes, n);
	if (result != RELAY_OK)
		return conclude_lost(d, result);
	if (!read_reply(d))
		return false;
	if (d->code / 100 == wanted)
		return true;
	return conclude_answer(d, d->code / 100 == 5 && !is_about_login(d->code) ? MAILER_PERMANENT : MAILER_TEMPORARY);
}

static bool
say_address(Delivery *d, const char *command, const char *words, const char *address, const char *parameters)
{
	char		line[ADDRESS_LONGEST + 64];
	Text		text = {line, 0, sizeof(line), false};

	text_append(&text, words);
	text_append(&text, address);
	text_append(&text, ">");
	text_append(&text, parameters);
	text_append(&text, "\r\n");
	return say(d, command, text.data, text.length, 2);
}

/* Asked first of all, so that nothing is sent where it cannot arrive. */
static bool
say_mail(Delivery *d)
{
	bool		needs_utf8 = !message_is_ascii(d->recipient) || !message_is_ascii(d->message.from.address);

	if (needs_utf8 && !relay_offers_utf8())
		return conclude(d, MAILER_PERMANENT, "the address needs SMTPUTF8, which the server does not offer", "");
	return say_address(d, "MAIL", "MAIL FROM:<", d->message.from.address, needs_utf8 ? " SMTPUTF8" : "");
}

/* What happens behind the last answer is of no account: the mail is the server's then. */
static bool
say_rest(Delivery *d)
{
	if (!say_address(d, "RCPT", "RCPT TO:<", d->recipient, "") || !say(d, "DATA", "DATA\r\n", 6, 3) ||
		!say(d, "the mail", mail.data, mail.length, 2))
		return false;
	conclude_answer(d, MAILER_SENT);
	return true;
}

static bool
open_relay(Delivery *d, const MailerServer *server)
{
	RelayFault	fault;
	RelayResult result;

	d->said = "the connection";
	result = relay_open(server, &d->patience, &fault);
	if (result == RELAY_OK)
		return true;
	if (result != RELAY_REFUSED)
		return conclude_lost(d, result);
	if (fault.code == 0)
		return conclude(d, MAILER_TEMPORARY, fault.reason, fault.detail);
	d->said = fault.detail;
	d->code = fault.code;
	return conclude_answer(d, MAILER_TEMPORARY);
}

/* The whole mail is written before the server hears of it. */
static bool
write_mail(Delivery *d, const MailerMessage *message)
{
	const char *fault;

	if (!message_parse_mailbox(message->from, &d->message.from))
		return conclude(d, MAILER_PERMANENT, "djust_auth.mail_from is no address", "");
	if (!relay_ascii_domain(message->recipient, d->recipient, sizeof(d->recipient)))
		return conclude(d, MAILER_PERMANENT, "the address is too long", "");
	d->message.recipient = d->recipient;
	d->message.subject = message->subject;
	d->message.body_text = message->body_text;
	d->message.body_html = message->body_html;
	d->message.message_id = message->message_id;
	d->message.date = message->date;
	fault = message_fault(&d->message);
	if (fault)
		return conclude(d, MAILER_PERMANENT, fault, "");
	mail.capacity = message_bound(&d->message);
	mail.data = malloc(mail.capacity);
	if (mail.data == NULL)
		return conclude(d, MAILER_TEMPORARY, "out of memory", "");
	message_write(&d->message, &mail);
	text_append(&mail, ".\r\n");
	return !mail.full || conclude(d, MAILER_PERMANENT, "the mail is too long", "");
}

/* A connection that was kept may have been closed since, which is no news: the same is said again on a fresh one. */
void
djust_mailer_send(const MailerServer *server, const MailerMessage *message, MailerMeanwhile meanwhile, void *arg,
				  MailerOutcome *outcome)
{
	Delivery	d = {0};
	bool		begun;

	d.outcome = outcome;
	d.patience.meanwhile = meanwhile;
	d.patience.arg = arg;
	d.patience.asked_at = relay_clock();
	d.patience.deadline = d.patience.asked_at + (int64_t) server->timeout_s * 1000;
	wipe_mail();
	if (write_mail(&d, message))
	{
		begun = (relay_is_open(server) && say_mail(&d)) || (open_relay(&d, server) && say_mail(&d));
		if (begun && say_rest(&d))
			relay_keep();
		else
			relay_close();
	}
	wipe_mail();
}
