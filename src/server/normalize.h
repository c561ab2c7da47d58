/*
 * normalize.h
 *		One form for what people type: addresses, passwords, routes.
 */
#ifndef DJUST_NORMALIZE_H
#define DJUST_NORMALIZE_H

#include <stdbool.h>
#include <stddef.h>

#include "routes/route.h"

/* NUL-terminated; lives in the current context. */
typedef struct Email
{
	char	   *text;
	size_t		length;
} Email;

#define PASSWORD_FORMS 3

/*
 * A password in NFC where the input can be told in UTF-8; wiped with the current context.  forms are the texts that an
 * imported hash may have been made of, each once: NFC (text), as typed, NFD.
 */
typedef struct Password
{
	char	   *text;
	size_t		length;
	size_t		characters;
	const char *form[PASSWORD_FORMS];
	size_t		form_length[PASSWORD_FORMS];
	int			forms;
	const char *in_database;	/* in the encoding of the database, NUL-terminated, for comparison with its tables */
	const char *lower_in_database;	/* the same in small letters */
} Password;

/*
 * The normal form of address.h, in the encoding of the database.  Never fails: what has none comes back as it is and
 * matches none.
 */
extern Email normalize_email(const char *text, size_t n);

/* NULL for an address in its normal form, else the reason as a full sentence. */
extern const char *email_fault(const char *text, size_t n);

extern Password normalize_password(const char *text, size_t n);

/* NFC of an entry of the blocklist, NUL-terminated; as it is where it has none.  Wiped with the current context. */
extern const char *normalize_blocklist_entry(const char *text, size_t n);

/* route.h for text in the encoding of the database. */
extern RouteFault normalize_pattern(const char *text, size_t n, RoutePath *out);
extern RouteFault normalize_path(const char *text, size_t n, RoutePath *out);

/*
 * Text of the database in UTF-8, and back, NUL-terminated: for what leaves it as JSON or mail.  A database whose
 * encoding says nothing (SQL_ASCII) is taken at its word.
 */
extern char *database_to_utf8(char *text, size_t n);
extern char *database_from_utf8(char *utf8, size_t n);

#endif
