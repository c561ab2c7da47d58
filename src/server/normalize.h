/*
 * normalize.h
 *		Normal forms of typed text: addresses, passwords, routes.
 */
#ifndef DJUST_NORMALIZE_H
#define DJUST_NORMALIZE_H

#include <stdbool.h>
#include <stddef.h>

#include "routes/route.h"

/* NUL-terminated, in the current context. */
typedef struct Email
{
	char	   *text;
	size_t		length;
} Email;

#define PASSWORD_FORMS 3

/*
 * A password in NFC if its encoding converts to UTF-8; wiped with the current context.  form[] lists, without
 * repetition, the texts that an imported hash may be of: NFC (text), as typed, NFD.
 */
typedef struct Password
{
	char	   *text;
	size_t		length;
	size_t		characters;
	const char *form[PASSWORD_FORMS];
	size_t		form_length[PASSWORD_FORMS];
	int			forms;
	const char *in_database;	/* in the encoding of the database, NUL-terminated, to look it up in tables */
	const char *lower_in_database;	/* the same in lower case */
} Password;

/* The normal form of address.h, in the encoding of the database.  Never fails: returns an invalid address as it is. */
extern Email normalize_email(const char *text, size_t n);

/* NULL if the address is valid and in normal form, else the reason as a full sentence. */
extern const char *email_fault(const char *text, size_t n);

extern Password normalize_password(const char *text, size_t n);

/* NFC of a blocklist entry, NUL-terminated; unchanged if it has none.  Wiped with the current context. */
extern const char *normalize_blocklist_entry(const char *text, size_t n);

/* The functions of route.h, for text in the encoding of the database. */
extern RouteFault normalize_pattern(const char *text, size_t n, RoutePath *out);
extern RouteFault normalize_path(const char *text, size_t n, RoutePath *out);

/* Converts database text to UTF-8, for JSON or mail, and back; NUL-terminated.  SQL_ASCII is taken for UTF-8. */
extern char *database_to_utf8(char *text, size_t n);
extern char *database_from_utf8(char *utf8, size_t n);

#endif
