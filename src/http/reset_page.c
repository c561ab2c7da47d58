/*
 * reset_page.c
 *		Owns the page behind a reset link.
 *
 * Threat: a link that is used up, or reveals whether it is valid, when its page
 * is opened (the token is not checked before a password is sent).
 */
#include "postgres.h"

#include "http/page.h"
#include "http/reset_page.h"

static const PageMessage messages[] = {
	{"password_updated", PAGE_RESET_DONE},
	{"weak_password", PAGE_WEAK_PASSWORD},
	{"too_long", PAGE_TOO_LONG},
	{"too_common", PAGE_TOO_COMMON},
	{"invalid_grant", PAGE_INVALID_LINK},
	{"temporarily_unavailable", PAGE_UNAVAILABLE},
	{NULL},
};

static const PageKind kind = {PAGE_RESET_TITLE, PAGE_RESET_DONE_TITLE, messages, true};

char *
reset_page_html(Slice token, const Answer *answer)
{
	Page page;

	page_begin(&page, &kind, answer);
	if (page_has_form(&page))
	{
		page_begin_form(&page, "djust_reset_confirm");
		page_hidden(&page, "token", "reset_token", token);
		page_password(&page, "new_password", PAGE_RESET_LABEL);
		page_end_form(&page, PAGE_RESET_BUTTON);
	}
	return page_end(&page);
}
