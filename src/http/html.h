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
/* The same for UTF-8, whatever the encoding of the database: other characters than ASCII become references. */
extern void html_append_utf8(StringInfo out, Slice text);

#endif
