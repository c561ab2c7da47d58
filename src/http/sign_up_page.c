/*
 * sign_up_page.c
 *		Owns the page on which customers sign up.
 *
 * Threat: learning which addresses have accounts (the page says the same of
 * all).
 */
#include "postgres.h"

#include "http/html.h"
#include "http/page.h"
#include "http/sign_up_page.h"
#include "server/settings.h"

static const PageMessage messages[] = {
	{"confirmation_sent", PAGE_SIGN_UP_DONE},
	{"weak_password", PAGE_WEAK_PASSWORD},
	{"too_long", PAGE_TOO_LONG},
	{"too_common", PAGE_TOO_COMMON},
	{"invalid_request", PAGE_SIGN_UP_BAD_EMAIL},
	{"too_many_attempts", PAGE_TOO_MANY},
	{"temporarily_unavailable", PAGE_UNAVAILABLE},
	{NULL},
};
static const PageKind kind = {PAGE_SIGN_UP_TITLE, PAGE_SIGN_UP_DONE_TITLE, messages, .has_password = true};

static const PageKind closed = {PAGE_SIGN_UP_OFF_TITLE, .status = 404};

/* Not of type email, which browsers restrict to ASCII before the at sign. */
static void
append_email(Page *page, Slice email)
{
	appendStringInfoString(&page->out, "<label for=\"email\">");
	page_text(page, PAGE_SIGN_UP_EMAIL);
	appendStringInfoString(&page->out,
						   "</label>\n<input type=\"text\" id=\"email\" name=\"email\" inputmode=\"email\" "
						   "autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" required value=\"");
	html_append(&page->out, email);
	appendStringInfoString(&page->out, "\">\n");
}

char *
sign_up_page_html(Slice email, const Answer *answer)
{
	Page page;

	if (!setting_sign_up)
	{
		page_begin(&page, &closed, NULL);
		page_paragraph(&page, PAGE_SIGN_UP_OFF);
		return page_end(&page);
	}
	page_begin(&page, &kind, answer);
	if (page_has_form(&page))
	{
		page_begin_form(&page, "djust_sign_up");
		page_hidden(&page, NULL, "locale", slice_of(page.texts.language));
		append_email(&page, email);
		page_password(&page, "password", PAGE_SIGN_UP_PASSWORD);
		page_end_form(&page, PAGE_SIGN_UP_BUTTON);
	}
	return page_end(&page);
}
