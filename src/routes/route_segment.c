/*
 * route_segment.c
 *		Detects path segments that can be read in more than one way.
 *
 * Owns the list of spellings that servers, frameworks and file systems read
 * differently.  Never repairs: a segment with a second reading is a fault.
 *
 * Threat: bypassing a rule by a spelling that this extension takes for another
 * path and the program behind it for the same:
 *
 *	Windows, IIS		remove spaces and dots at the end of a name, and
 *						":$" with the rest; replace characters that a code page
 *						lacks by ASCII ("best fit")
 *	macOS				normalises names; HFS+ ignores invisible characters
 *	Java, PHP, Python	trim Unicode white space
 *	frameworks			apply NFKC, which makes U+FF0F a slash
 *	decoders			accept malformed and overlong UTF-8; drop or replace
 *						invalid characters
 *
 * Single bytes (";", "%2F", control characters) are route.c's.
 */
#include <string.h>

#include "routes/route_segment.h"
#include "text/unicode.h"

#define JOINER 0x200d
#define EMOJI_STYLE 0xfe0f
#define KEYCAP 0x20e3
#define BLACK_FLAG 0x1f3f4

/* Text of lower code points is always in NFC. */
#define FIRST_COMBINING 0x300

/* Characters that separate, end or escape names in a path. */
static const char separators[] = "./\\%;";

/* Read as separators by Windows code pages, though they have no compatibility form. */
static const uint32_t best_fit[] = {
	0xa5, /* yen sign: backslash (932) */
	0xffe5, /* its wide form, by NFKC */
	0x20a9, /* won sign: backslash (949) */
	0xffe6, /* its wide form */
	0x338, /* long solidus overlay: slash */
	0x20e5, /* reverse solidus overlay: backslash */
	0x66a, /* Arabic percent sign */
	0x2044, /* fraction slash */
	0x2215, /* division slash */
	0x29f8, /* big solidus */
	0x2216, /* set minus: backslash */
	0x29f5, /* reverse solidus operator */
	0x29f9 /* big reverse solidus */
};

/* England, Scotland and Wales: the tags after the black flag, for the flags spelled with tags. */
static const char *const flag_tags[] = {
	"\xf3\xa0\x81\xa7\xf3\xa0\x81\xa2\xf3\xa0\x81\xa5\xf3\xa0\x81\xae\xf3\xa0\x81\xa7\xf3\xa0\x81\xbf",
	"\xf3\xa0\x81\xa7\xf3\xa0\x81\xa2\xf3\xa0\x81\xb3\xf3\xa0\x81\xa3\xf3\xa0\x81\xb4\xf3\xa0\x81\xbf",
	"\xf3\xa0\x81\xa7\xf3\xa0\x81\xa2\xf3\xa0\x81\xb7\xf3\xa0\x81\xac\xf3\xa0\x81\xb3\xf3\xa0\x81\xbf"};

static bool
is_separator(uint32_t c)
{
	size_t i;

	for (i = 0; i < sizeof(best_fit) / sizeof(best_fit[0]); i++)
		if (c == best_fit[i])
			return true;
	return uni_is_compatible(c, separators);
}

/* Next character, 0 at the end. */
static uint32_t
peek(Slice text)
{
	uint32_t c = 0;

	return uni_next(text, &c) > 0 ? c : 0;
}

/* Length of the tags that turn the character `before` into a flag. */
static size_t
tags_length(uint32_t before, Slice text)
{
	size_t i;

	for (i = 0; before == BLACK_FLAG && i < sizeof(flag_tags) / sizeof(flag_tags[0]); i++)
		if (slice_begins(text, flag_tags[i]))
			return strlen(flag_tags[i]);
	return 0;
}

/* Invisible characters allowed in emoji sequences (UTS 51). */
static bool
belongs_to_emoji(uint32_t before, uint32_t c, uint32_t after)
{
	if (c == JOINER)
		return (before == EMOJI_STYLE || uni_is_pictograph(before) || uni_is_emoji_modifier(before)) &&
			   uni_is_pictograph(after);
	return c == EMOJI_STYLE && uni_is_emoji(before) && (before >= 0x80 || after == KEYCAP);
}

static RouteFault
lookalike_fault(uint32_t before, uint32_t c, uint32_t after)
{
	if (uni_is_control(c))
		return ROUTE_CONTROL;
	if (uni_is_noncharacter(c))
		return ROUTE_NONCHARACTER;
	if (uni_is_invisible(c) && !belongs_to_emoji(before, c, after))
		return ROUTE_INVISIBLE;
	return is_separator(c) ? ROUTE_LOOKALIKE : ROUTE_OK;
}

/* The buffer suffices: text that would grow is not NFC anyway. */
static bool
is_nfc(Slice text)
{
	char buffer[ROUTE_PATH_MAX];
	Slice normal;

	return uni_normalize(UNI_NFC, text, buffer, text.length, &normal) && slice_equal(normal, text);
}

RouteFault
segment_unicode_fault(Slice text)
{
	Slice rest = text;
	uint32_t before = 0;
	uint32_t highest = 0;
	uint32_t c = 0;

	while (rest.length > 0)
	{
		size_t tags = tags_length(before, rest);
		size_t n = tags > 0 ? tags : uni_next(rest, &c);
		RouteFault fault = ROUTE_OK;

		if (n == 0)
			return ROUTE_NOT_UTF8;
		rest = slice_after(rest, n);
		if (tags == 0 && c >= 0x80)
			fault = lookalike_fault(before, c, peek(rest));
		if (fault != ROUTE_OK)
			return fault;
		highest = c > highest ? c : highest;
		before = c;
	}
	return highest >= FIRST_COMBINING && !is_nfc(text) ? ROUTE_NOT_NFC : ROUTE_OK;
}

/* "." and "..", which other programs resolve. */
static bool
is_dots(Slice text)
{
	return text.data[0] == '.' && (text.length == 1 || (text.length == 2 && text.data[1] == '.'));
}

static bool
has_outer_space(Slice text, bool high)
{
	uint32_t first = (unsigned char) text.data[0];
	uint32_t last = (unsigned char) text.data[text.length - 1];

	if (high && (uni_next(text, &first) == 0 || uni_last(text, &last) == 0))
		return false;
	return first == ' ' || last == ' ' || (high && (uni_is_space(first) || uni_is_space(last)));
}

RouteFault
segment_fault(Slice text, bool high)
{
	if (is_dots(text))
		return ROUTE_DOT_SEGMENT;
	if (text.data[text.length - 1] == '.')
		return ROUTE_FINAL_DOT;
	if (has_outer_space(text, high))
		return ROUTE_SPACE;
	return high ? segment_unicode_fault(text) : ROUTE_OK;
}
