/*
 * confirm_page.h
 *		The page behind the links that confirm an address or put it back.
 */
#ifndef DJUST_CONFIRM_PAGE_H
#define DJUST_CONFIRM_PAGE_H

#include "http/verdict.h"
#include "text/bytes.h"

/* The page as HTML, of a link that puts an address back or of one that confirms; answer is NULL until it is used. */
extern char *confirm_page_html(Slice token, bool puts_back, const Answer *answer);

#endif
