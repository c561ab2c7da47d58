/*
 * language.h
 *		Choice of a language for a reader (RFC 4647, RFC 9110 section 12.5.4);
 *		pure.
 *
 * Tags and locales match without regard to case, and _ equals -.
 */
#ifndef DJUST_LANGUAGE_H
#define DJUST_LANGUAGE_H

#include "text/bytes.h"

/* Languages of the built-in texts. */
typedef enum Language
{
	LANGUAGE_ENGLISH,
	LANGUAGE_FRENCH,
	LANGUAGE_GERMAN,
	LANGUAGES
} Language;

extern const char *const *language_tags(void);

/* Length of offered if it equals wanted or a prefix of it (fr for fr-CA, the empty one for all), else -1. */
extern int language_fit(Slice offered, Slice wanted);

/* Index of the longest of count offered languages that fits a locale; -1 if none does. */
extern int language_for_locale(const char *const *offered, size_t count, Slice locale);

/* Index of the offered language that an Accept-Language header prefers; -1 if it names none of them. */
extern int language_for_header(const char *const *offered, size_t count, Slice header);

#endif
