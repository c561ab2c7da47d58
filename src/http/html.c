/*
 * html.c
 *		Owns the escaping of text in HTML.
 *
 * Threat: a token or an address that contains markup.  All text but this
 * library's own literals is escaped here.
 */
#include "postgres.h"

#include "http/html.h"
#include "text/unicode.h"

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

void
html_append_utf8(StringInfo out, Slice text)
{
	uint32_t c;
	size_t n;

	for (; (n = uni_next(text, &c)) > 0; text = slice_after(text, n))
	{
		if (c < 0x80)
			html_append(out, (Slice){text.data, n});
		else
			appendStringInfo(out, "&#%u;", c);
	}
}
