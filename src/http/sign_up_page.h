/*
 * sign_up_page.h
 *		The page on which customers sign up.
 */
#ifndef DJUST_SIGN_UP_PAGE_H
#define DJUST_SIGN_UP_PAGE_H

#include "http/verdict.h"
#include "text/bytes.h"

/* The page as HTML; answer is NULL until a password is sent.  Sets HTTP status and headers. */
extern char *sign_up_page_html(Slice email, const Answer *answer);

#endif
