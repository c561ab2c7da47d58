/*
 * page.h
 *		What the pages have in common: layout, headers, messages, fields.
 */
#ifndef DJUST_PAGE_H
#define DJUST_PAGE_H

#include "lib/stringinfo.h"

#include "http/page_text.h"
#include "http/verdict.h"
#include "text/bytes.h"

/* Shown when the form's answer has this code: a status, an error of answer.c, or a violation. */
typedef struct PageMessage
{
	const char *code;
	PageText text;
} PageMessage;

typedef struct PageKind
{
	PageText title;
	PageText done_title;
	const PageMessage *messages; /* NULL, or the first one is that of success, and the last one has no code */
	bool has_password; /* a field with its rules, and the script that checks them */
	int status; /* HTTP status before the form is sent, if not 200 */
} PageKind;

typedef struct Page
{
	StringInfoData out;
	const PageKind *kind;
	const Answer *answer; /* NULL until the form is sent */
	PageTexts texts;
} Page;

/* Sets the HTTP status and headers, and writes the page down to its messages. */
extern void page_begin(Page *page, const PageKind *kind, const Answer *answer);
extern char *page_end(Page *page);

/* False if success or a dead link leaves nothing to send. */
extern bool page_has_form(const Page *page);

/* The form posts to the page itself.  call, if not NULL, is the function that the script calls instead. */
extern void page_begin_form(Page *page, const char *call);
extern void page_end_form(Page *page, PageText button);

/* An unseen field.  as: its name for the function that the script calls, if another.  name NULL: only for that. */
extern void page_hidden(Page *page, const char *name, const char *as, Slice value);
/* The field of a new password, with its rules. */
extern void page_password(Page *page, const char *name, PageText label);
extern void page_paragraph(Page *page, PageText text);
extern void page_text(Page *page, PageText text);

#endif
