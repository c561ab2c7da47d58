/*
 * html.c
 *		Owns the escaping of text in HTML.
 *
 * Threat: a token or an address that contains markup.  All text but this
 * library's own literals is escaped here.
 */
#include "postgres.h"

#include "http/html.h"

void
html_append(StringInfo out, Slice text)
{
	size_t i;

	for (i = 0; i < text.length; i++)
		switch (text.data[i])
		{
			case '&':
				appendStringInfoString(out, "&amp;");
				break;
			case '<':
				appendStringInfoString(out, "&lt;");
				break;
			case '>':
				appendStringInfoString(out, "&gt;");
				break;
			case '"':
				appendStringInfoString(out, "&quot;");
				break;
			case '\'':
				appendStringInfoString(out, "&#39;");
				break;
			default:
				appendStringInfoChar(out, text.data[i]);
		}
}
