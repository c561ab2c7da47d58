/*
 * normal.h
 *		One form for what people type: addresses and passwords.
 */
#ifndef DJUST_NORMAL_H
#define DJUST_NORMAL_H

#include <stdbool.h>
#include <stddef.h>

#include "keyfile.h"

/* NUL-terminated; lives in the current context. */
typedef struct Email
{
	char	   *text;
	size_t		length;
} Email;

/* In NFC where the input is valid UTF-8; wiped with the current context. */
typedef struct Password
{
	char	   *text;
	size_t		length;
	size_t		characters;
} Password;

/* Trimmed, NFC, lower case.  Never fails: what is no address comes back as it is and matches none. */
extern Email normal_email(const char *text, size_t n);

/* NULL when it is an address we accept, else the reason as a full sentence. */
extern const char *email_fault(const char *text, size_t n);

extern Password normal_password(const char *text, size_t n);

#endif
