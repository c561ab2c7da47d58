/*
 * language.c
 *		Owns the choice of a language for a reader.
 *
 * Threat: a header of any length and content, from anybody.  Only its first
 * HEADER_MAX bytes are read, and malformed ranges are skipped.
 */
#include "text/language.h"

#define HEADER_MAX 1024

/* A function: the mailer's library has this file, too, and two libraries of one process must not both export data. */
const char *const *
language_tags(void)
{
	static const char *const tags[LANGUAGES] = {
		[LANGUAGE_ENGLISH] = "en", [LANGUAGE_FRENCH] = "fr", [LANGUAGE_GERMAN] = "de"};

	return tags;
}

static char
folded(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char) (c + ('a' - 'A'));
	return c == '_' ? '-' : c;
}

int
language_fit(Slice offered, Slice wanted)
{
	size_t n;

	if (offered.length > wanted.length)
		return -1;
	for (n = 0; n < offered.length; n++)
		if (folded(offered.data[n]) != folded(wanted.data[n]))
			return -1;
	return n == 0 || n == wanted.length || folded(wanted.data[n]) == '-' ? (int) n : -1;
}

int
language_for_locale(const char *const *offered, size_t count, Slice locale)
{
	int longest = -1, best = -1;
	size_t i;

	for (i = 0; i < count; i++)
	{
		int fit = language_fit(slice_of(offered[i]), locale);

		if (fit <= longest)
			continue;
		longest = fit;
		best = (int) i;
	}
	return best;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static Slice
trimmed(Slice text)
{
	while (text.length > 0 && is_space(text.data[0]))
		text = slice_after(text, 1);
	while (text.length > 0 && is_space(text.data[text.length - 1]))
		text.length--;
	return text;
}

/* Removes the text before the separator, and the separator, from *rest. */
static Slice
take_before(Slice *rest, char separator)
{
	const char *end = rest->length > 0 ? memchr(rest->data, separator, rest->length) : NULL;
	Slice taken = {rest->data, end ? (size_t) (end - rest->data) : rest->length};

	*rest = slice_after(*rest, end ? taken.length + 1 : taken.length);
	return trimmed(taken);
}

/* weight = OWS ";" OWS "q=" qvalue, at most 1.000; in thousandths, 0 if malformed. */
static int
quality_of(Slice weight)
{
	int value, unit = 100;
	size_t i;

	if (weight.length < 3 || folded(weight.data[0]) != 'q' || weight.data[1] != '=')
		return 0;
	weight = slice_after(weight, 2);
	if (weight.length > 5 || (weight.length > 1 && weight.data[1] != '.') || (weight.data[0] & ~1) != '0')
		return 0;
	value = (weight.data[0] - '0') * 1000;
	for (i = 2; i < weight.length; i++, unit /= 10)
	{
		if (weight.data[i] < '0' || weight.data[i] > '9')
			return 0;
		value += (weight.data[i] - '0') * unit;
	}
	return value > 1000 ? 0 : value;
}

/* language-range [ weight ]; false at the end of the header. */
static bool
next_range(Slice *header, Slice *range, int *quality)
{
	Slice element;

	if (header->length == 0)
		return false;
	element = take_before(header, ',');
	*range = take_before(&element, ';');
	*quality = range->length == 0 ? 0 : element.length > 0 ? quality_of(trimmed(element)) : 1000;
	return true;
}

static bool
is_any(Slice range)
{
	return range.length == 1 && range.data[0] == '*';
}

/* The first language that no range but "*" speaks of. */
static int
first_unnamed(const char *const *offered, size_t count, Slice header)
{
	size_t i;

	for (i = 0; i < count; i++)
	{
		Slice rest = header, range;
		bool named = false;
		int quality;

		while (!named && next_range(&rest, &range, &quality))
			named = !is_any(range) && language_fit(slice_of(offered[i]), range) >= 0;
		if (!named)
			return (int) i;
	}
	return -1;
}

int
language_for_header(const char *const *offered, size_t count, Slice header)
{
	int best = -1, highest = 0, any = 0, quality;
	Slice rest, range;

	if (header.length > HEADER_MAX)
		header.length = HEADER_MAX;
	for (rest = header; next_range(&rest, &range, &quality);)
	{
		int found = is_any(range) ? -1 : language_for_locale(offered, count, range);

		if (is_any(range) && quality > any)
			any = quality;
		if (found < 0 || quality <= highest)
			continue;
		highest = quality;
		best = found;
	}
	return any > highest ? first_unnamed(offered, count, header) : best;
}
