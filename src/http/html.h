/*
 * html.h
 *		Text into HTML.
 */
#ifndef DJUST_HTML_H
#define DJUST_HTML_H

#include "lib/stringinfo.h"

/* Fit for content and for attribute values in quotes of either kind. */
extern void html_append(StringInfo out, const char *text, size_t length);

#endif
