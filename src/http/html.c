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
	static const char special[] = "&<>\"'";
	static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
	size_t i;

	for (i = 0; i < text.length; i++)
	{
		const char *at = memchr(special, text.data[i], sizeof(special) - 1);

		if (at)
			appendStringInfoString(out, entities[at - special]);
		else
			appendStringInfoChar(out, text.data[i]);
	}
}
