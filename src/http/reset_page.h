/*
 * reset_page.h
 *		The page behind a reset link.
 */
#ifndef DJUST_RESET_PAGE_H
#define DJUST_RESET_PAGE_H

#include "http/verdict.h"
#include "text/bytes.h"

/* The page as HTML; answer is NULL until a password is sent.  Sets HTTP status and headers. */
extern char *reset_page_html(Slice token, const Answer *answer);

#endif
