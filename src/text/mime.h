/*
 * mime.h
 *		What may stand in a mail, and its headers as they travel (RFC 5322, MIME); pure.
 */
#ifndef DJUST_MIME_H
#define DJUST_MIME_H

#include <stdbool.h>
#include <stdint.h>

#include "text/address.h"

#define SUBJECT_LONGEST 500			/* bytes; RFC 5322 allows lines of 998, into which an address is filled */
#define BODY_LONGEST (256 * 1024)	/* bytes; large enough, and smaller than any relay's limit once it is encoded */
#define NAME_LONGEST 200

/* The name is without quotes, the local part of the address in the case given. */
typedef struct Mailbox
{
	char		name[NAME_LONGEST + 1];
	Address		address;
} Mailbox;

typedef struct Message
{
	const char *from;			/* address, or Name <address> */
	const char *recipient;
	const char *subject;
	const char *body_text;
	const char *body_html;
	const char *message_id;		/* without <> */
	int64_t		date;			/* Unix seconds */
} Message;

/* "address", "Name <address>" or "\"Name\" <address>"; false for anything else. */
extern bool mime_parse_mailbox(const char *text, Mailbox *mailbox);

/* NULL if mails can be written from this template, in UTF-8, else why not. */
extern const char *mime_template_fault(const char *subject, const char *body_text, const char *body_html);

/* NULL if a mail can be written of all but the addresses, else why not, in words that repeat nothing of it. */
extern const char *mime_fault(const Message *message);

/*
 * Of a message without fault and its parsed addresses: From to Auto-Submitted, with CRLF between them.  The caller frees
 * it; NULL when memory is short.
 */
extern char *mime_headers(const Message *message, const Mailbox *from, const Address *recipient);

#endif
