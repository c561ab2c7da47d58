/*
 * html.h
 *		Escaping of text in HTML.
 */
#ifndef DJUST_HTML_H
#define DJUST_HTML_H

#include "lib/stringinfo.h"

#include "text/bytes.h"

/* Safe as content and in quoted attribute values. */
extern void html_append(StringInfo out, Slice text);

#endif
