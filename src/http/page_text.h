/*
 * page_text.h
 *		Texts of the pages, in every language.
 */
#ifndef DJUST_PAGE_TEXT_H
#define DJUST_PAGE_TEXT_H

#include "lib/stringinfo.h"

typedef enum PageText
{
	PAGE_SHOW_PASSWORD,
	PAGE_RULE_LENGTH, /* {n}: characters */
	PAGE_RULE_UPPERCASE,
	PAGE_RULE_LOWERCASE,
	PAGE_RULE_DIGIT,
	PAGE_RULE_SPECIAL,
	PAGE_MET,
	PAGE_UNMET,
	PAGE_WEAK_PASSWORD,
	PAGE_TOO_LONG,
	PAGE_TOO_COMMON,
	PAGE_INVALID_LINK,
	PAGE_UNAVAILABLE,
	PAGE_RESET_TITLE,
	PAGE_RESET_LABEL,
	PAGE_RESET_BUTTON,
	PAGE_RESET_DONE_TITLE,
	PAGE_RESET_DONE,
	PAGE_TEXTS
} PageText;

/* Tag of the language that the request accepts best; English if it accepts none. */
extern const char *page_language(void);

/* Appends the text as HTML, {n} replaced. */
extern void page_text_append(StringInfo out, PageText text, const char *language, int n);

#endif
