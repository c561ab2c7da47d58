/*
 * relay.h
 *		The connection to the SMTP server: opened, kept, closed, and bytes over it.
 */
#ifndef DJUST_RELAY_H
#define DJUST_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mailer.h"

typedef enum RelayResult
{
	RELAY_OK,
	RELAY_CLOSED,				/* by the server */
	RELAY_LATE,					/* the time is over */
	RELAY_STOPPED,				/* meanwhile() said so */
	RELAY_REFUSED				/* no connection; the fault says why */
} RelayResult;

/* Who is asked while there is waiting, and until when. */
typedef struct Patience
{
	MailerMeanwhile meanwhile;
	void	   *arg;
	int64_t		asked_at;
	int64_t		deadline;		/* by relay_clock() */
} Patience;

/* reason and detail make a phrase; with a code, it is the answer to the command in detail. */
typedef struct RelayFault
{
	const char *reason;
	const char *detail;
	int			code;
} RelayFault;

/* Milliseconds that never run backwards. */
extern int64_t relay_clock(void);

/* Is there a connection to this server, with these credentials, used a moment ago? */
extern bool relay_is_open(const MailerServer *server);

/* Name, TCP, TLS, EHLO, STARTTLS, AUTH.  Closes what was open. */
extern RelayResult relay_open(const MailerServer *server, Patience *patience, RelayFault *fault);
extern bool relay_offers_utf8(void);

extern RelayResult relay_send(Patience *patience, const char *bytes, size_t n);

/* Waits until there is something. */
extern RelayResult relay_receive(Patience *patience, char *bytes, size_t capacity, size_t *received);

/* The last mail went well: the connection may serve the next one. */
extern void relay_keep(void);
extern void relay_close(void);

/* The domain of an address in ASCII (RFC 3492), if libcurl can; false if it does not fit. */
extern bool relay_ascii_domain(const char *address, char *out, size_t capacity);

#endif
