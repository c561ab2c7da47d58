/*
 * mailer.h
 *		One mail to one SMTP server; the face of the library djust_auth_mailer.
 */
#ifndef DJUST_MAILER_H
#define DJUST_MAILER_H

#include <stdbool.h>

#include "text/mime.h"

typedef struct MailerServer
{
	const char *url;			/* smtp://host:port or smtps://host:port; a path is the name said in EHLO */
	const char *user;			/* "" or NULL: no AUTH */
	const char *password;
	const char *ca_file;		/* "" or NULL: the system's certificates */
	int			timeout_s;		/* for the whole mail */
	bool		require_tls;	/* smtp:// without STARTTLS is refused */
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
	int			smtp_code;		/* 0: no answer */
	char		reason[256];	/* never holds text of the server's reply or of the mail */
} MailerOutcome;

/* Called at least every 50 ms while there is waiting, in the caller's thread: it may leave by longjmp. */
typedef bool (*MailerPoll) (void *arg);

/* Sends one mail; when poll returns false, gives up as MAILER_TEMPORARY. */
extern void djust_mailer_send(const MailerServer *server, const Message *message, MailerPoll poll, void *arg,
							  MailerOutcome *outcome);

#endif
