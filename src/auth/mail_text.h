/*
 * mail_text.h
 *		The built-in texts of mails.
 */
#ifndef DJUST_MAIL_TEXT_H
#define DJUST_MAIL_TEXT_H

#include "tables/catalog.h"

/* In the language of the locale (NULL: none) if it is there, else in English.  False for an unknown kind. */
extern bool mail_text(const char *kind, const char *locale, TemplateRow *row);

#endif
