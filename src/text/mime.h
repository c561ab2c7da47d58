/*
 * mime.h
 *		Checks of a mail's parts, and its headers in their transfer form (RFC
 *		5322, MIME); pure.
 */
#ifndef DJUST_MIME_H
#define DJUST_MIME_H

#include <stdbool.h>
#include <stdint.h>

#include "text/address.h"

#define SUBJECT_LONGEST 500 /* bytes; lines have at most 998 (RFC 5322), and an address may be inserted */
#define BODY_LONGEST (256 * 1024) /* bytes; encoded, it is below any relay's limit */
#define NAME_LONGEST 200

/* The name without quotes; the case of the local part is kept. */
typedef struct Mailbox
{
	char name[NAME_LONGEST + 1];
	Address address;
} Mailbox;

typedef struct Message
{
	const char *from; /* address, or Name <address> */
	const char *recipient;
	const char *subject;
	const char *body_text;
	const char *body_html;
	const char *message_id; /* without <> */
	int64_t date; /* Unix seconds */
} Message;

/* Accepts "address", "Name <address>" or "\"Name\" <address>"; false otherwise. */
extern bool mime_parse_mailbox(const char *text, Mailbox *mailbox);

/* NULL if mails can be written from this template, in UTF-8, else the reason. */
extern const char *mime_template_fault(const char *subject, const char *body_text, const char *body_html);

/* NULL if a mail can be written, apart from its addresses, else the reason, which quotes nothing of it. */
extern const char *mime_fault(const Message *message);

/*
 * Headers From to Auto-Submitted, separated by CRLF, for a checked message and its parsed addresses.  The caller frees
 * the result; NULL if out of memory.
 */
extern char *mime_headers(const Message *message, const Mailbox *from, const Address *recipient);

#endif
