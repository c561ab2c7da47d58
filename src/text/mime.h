/*
 * mime.h
 *		A mail as the bytes that travel (RFC 5322, MIME); pure.
 */
#ifndef DJUST_MIME_H
#define DJUST_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/address.h"

/* Bounded text: what does not fit sets full, and the whole is not to be used. */
typedef struct Text
{
	char	   *data;
	size_t		length;
	size_t		capacity;
	bool		full;
} Text;

extern void text_append(Text *text, const char *more);
extern void text_append_bytes(Text *text, const char *more, size_t n);
extern void text_append_number(Text *text, int64_t number, int digits);

#define SUBJECT_LONGEST 500			/* bytes; RFC 5322 allows lines of 998, into which an address is filled */
#define BODY_LONGEST (256 * 1024)	/* bytes; large enough, and smaller than any relay's limit once it is encoded */
#define NAME_LONGEST 200

/* NUL-terminated: the name without quotes, the address in the form of address.h, its local part in the case given. */
typedef struct Mailbox
{
	char		name[NAME_LONGEST + 1];
	char		address[ADDRESS_LONGEST + 1];
} Mailbox;

typedef struct Message
{
	Mailbox		from;
	char		recipient[ADDRESS_LONGEST + 1];	/* empty: none that can be written */
	const char *subject;
	const char *body_text;
	const char *body_html;
	const char *message_id;
	int64_t		date;
} Message;

/* "address", "Name <address>" or "\"Name\" <address>"; false for anything else. */
extern bool mime_parse_mailbox(const char *text, Mailbox *mailbox);

/*
 * In the form of address.h, which can be nothing else in a header or an SMTP command; false, and empty, if it has none.
 */
extern bool mime_set_recipient(Message *message, const char *address);

/* NULL if mails can be written from this template, in UTF-8, else why not. */
extern const char *mime_template_fault(const char *subject, const char *body_text, const char *body_html);

/* NULL if the message can be written, else why not, in words that repeat nothing of it. */
extern const char *mime_fault(const Message *message);

/* As many bytes are enough, with a few to spare. */
extern size_t mime_bound(const Message *message);

/* Only what has no fault.  Lines end in CRLF, and none begins with a dot. */
extern void mime_write(const Message *message, Text *out);

#endif
