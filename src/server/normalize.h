/*
 * normalize.h
 *		Normal forms of typed text: addresses, passwords, routes.
 */
#ifndef DJUST_NORMALIZE_H
#define DJUST_NORMALIZE_H

#include "routes/route.h"
#include "text/bytes.h"

#define PASSWORD_FORMS 3

/*
 * A password in NFC if its encoding converts to UTF-8; wiped with the current context.  form[] lists, without
 * repetition, the texts that an imported hash may be of: NFC (text), as typed, NFD.
 */
typedef struct Password
{
	Slice text;
	size_t characters;
	Slice form[PASSWORD_FORMS];
	int forms;
	const char *in_database; /* in the encoding of the database, NUL-terminated, to look it up in tables */
	const char *lower_in_database; /* the same in lower case */
} Password;

/* The normal form of address.h, in the encoding of the database.  Never fails: returns an invalid address as it is. */
extern const char *normalize_email(Slice text);

/* The same in UTF-8, which has the characters that the encoding of the database may lack. */
extern const char *normalize_email_utf8(Slice text);

/* NULL if the address is valid and in normal form, else the reason as a full sentence. */
extern const char *email_fault(Slice text);

extern Password normalize_password(Slice text);

/* UTF-8 for look-ups in tables, NUL-terminated; empty if the encoding cannot represent it.  Wiped with the context. */
extern const char *normalize_for_lookup(Slice utf8);

/* NFC of a blocklist entry, NUL-terminated; unchanged if it has none.  Wiped with the current context. */
extern const char *normalize_blocklist_entry(Slice text);

/* The functions of route.h, for text in the encoding of the database. */
extern RouteFault normalize_pattern(Slice text, RoutePath *out);
extern RouteFault normalize_path(Slice text, RoutePath *out);

#endif
