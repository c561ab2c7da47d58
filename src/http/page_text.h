/*
 * page_text.h
 *		Texts of the pages, in every language.
 */
#ifndef DJUST_PAGE_TEXT_H
#define DJUST_PAGE_TEXT_H

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

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
	PAGE_TOO_MANY,
	PAGE_RESET_TITLE,
	PAGE_RESET_LABEL,
	PAGE_RESET_BUTTON,
	PAGE_RESET_DONE_TITLE,
	PAGE_RESET_DONE,
	PAGE_SIGN_UP_TITLE,
	PAGE_SIGN_UP_EMAIL,
	PAGE_SIGN_UP_PASSWORD,
	PAGE_SIGN_UP_BUTTON,
	PAGE_SIGN_UP_BAD_EMAIL,
	PAGE_SIGN_UP_DONE_TITLE,
	PAGE_SIGN_UP_DONE,
	PAGE_SIGN_UP_OFF_TITLE,
	PAGE_SIGN_UP_OFF,
	PAGE_CONFIRM_TITLE,
	PAGE_CONFIRM_TEXT,
	PAGE_CONFIRM_BUTTON,
	PAGE_CONFIRM_INVALID,
	PAGE_CONFIRM_DONE_TITLE,
	PAGE_CONFIRM_DONE,
	PAGE_REVERT_TITLE,
	PAGE_REVERT_TEXT,
	PAGE_REVERT_BUTTON,
	PAGE_REVERT_INVALID,
	PAGE_REVERT_DONE_TITLE,
	PAGE_REVERT_DONE,
	PAGE_TEXTS
} PageText;

typedef struct PageTexts
{
	char *language; /* tag */
	List *rows; /* of PageTextRow */
} PageTexts;

/* For the language that the request accepts best; English if it accepts none. */
extern void page_texts_load(PageTexts *texts_of);
/* Tag of that language. */
extern const char *page_language(void);

/* Appends the text as HTML, {n} replaced. */
extern void page_text_append(StringInfo out, const PageTexts *texts_of, PageText text, int n);

#endif
