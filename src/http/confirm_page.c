/*
 * confirm_page.c
 *		Owns the page behind the links that confirm an address or put it back.
 *
 * Threat: programs that open the links of mails to look for malware, and would
 * confirm what nobody has read.  Opening the page does nothing; its button posts
 * the form.
 */
#include "postgres.h"

#include "http/confirm_page.h"
#include "http/page.h"

static const PageMessage confirm_messages[] = {
	{"email_confirmed", PAGE_CONFIRM_DONE},
	{"invalid_grant", PAGE_CONFIRM_INVALID},
	{"temporarily_unavailable", PAGE_UNAVAILABLE},
	{NULL},
};
static const PageKind confirm = {PAGE_CONFIRM_TITLE, PAGE_CONFIRM_DONE_TITLE, confirm_messages};

static const PageMessage revert_messages[] = {
	{"email_reverted", PAGE_REVERT_DONE},
	{"invalid_grant", PAGE_REVERT_INVALID},
	{"temporarily_unavailable", PAGE_UNAVAILABLE},
	{NULL},
};
static const PageKind revert = {PAGE_REVERT_TITLE, PAGE_REVERT_DONE_TITLE, revert_messages};

char *
confirm_page_html(Slice token, bool puts_back, const Answer *answer)
{
	Page page;

	page_begin(&page, puts_back ? &revert : &confirm, answer);
	if (page_has_form(&page))
	{
		page_paragraph(&page, puts_back ? PAGE_REVERT_TEXT : PAGE_CONFIRM_TEXT);
		page_begin_form(&page, NULL);
		page_hidden(&page, "token", NULL, token);
		page_hidden(&page, "confirm", NULL, slice_of("yes"));
		page_end_form(&page, puts_back ? PAGE_REVERT_BUTTON : PAGE_CONFIRM_BUTTON);
	}
	return page_end(&page);
}
