/*
 * mailer.h
 *		Sending a mail to an SMTP server; the interface of the library
 *		djust_auth_mailer.
 */
#ifndef DJUST_MAILER_H
#define DJUST_MAILER_H

#include <stdbool.h>

#include "text/mime.h"

typedef struct MailerServer
{
	const char *url; /* smtp://host:port or smtps://host:port; a path is the name in EHLO */
	const char *user; /* "" or NULL: no AUTH */
	const char *password;
	const char *ca_file; /* "" or NULL: the system's certificates */
	int timeout_s; /* for the whole mail */
	bool require_tls; /* smtp:// without STARTTLS is refused */
} MailerServer;

typedef enum MailerVerdict
{
	MAILER_SENT,
	MAILER_TEMPORARY,
	MAILER_PERMANENT
} MailerVerdict;

typedef struct MailerOutcome
{
	MailerVerdict verdict;
	int smtp_code; /* 0: no answer */
	char reason[256]; /* quotes neither the server's reply nor the mail */
} MailerOutcome;

/*
 * Called at least every 50 ms while waiting for the server; during the answer to the whole mail, once a second and when
 * a signal interrupts the wait.  False: give up the mail; the worker must end.
 */
typedef bool (*MailerPoll)(void *arg);

/* Sends a mail; if poll returns false, gives up with MAILER_TEMPORARY. */
extern void djust_mailer_send(const MailerServer *server, const Message *message, MailerPoll poll, void *arg,
							  MailerOutcome *outcome);

#endif
